/* SPDX-License-Identifier: ISC */
/*
 * What becomes of each command and of each reply: the tables of
 * alg/commands.h and alg/queue.h, carried out (RFC 6384 for IPv6 clients, the
 * mirror of it for IPv4 clients).
 */
#ifndef SOCKS64_ALG_TRANSLATE_H
#define SOCKS64_ALG_TRANSLATE_H

#include "alg/control.h"
#include "alg/line.h"

/* Takes the command that k->commands has read; event is LINE_WHOLE or
 * LINE_TOO_LONG.  control_has_room() was asked before, unless *k only
 * watches. */
void translate_command(struct control *k, enum line_event event);

/* Takes the line that k->replies has read; event is LINE_WHOLE or
 * LINE_PART.  control_has_room() was asked before, unless *k only watches. */
void translate_reply(struct control *k, enum line_event event);

/* Takes the command that waited until all before it are answered
 * (k->waits). */
void translate_waiting(struct control *k);

/* The server has been silent for so long that the command which holds back
 * others (k->held) holds them back no more.  What the translator was to say
 * itself is said now; the reply to another is still translated if it comes. */
void translate_release(struct control *k);

/* Takes the reply that waited for the data (k->reply_waits). */
void translate_waiting_reply(struct control *k);

/* The server says nothing more for now: a reply of several lines that seemed
 * to end with another code has ended so. */
void translate_settle(struct control *k);

#endif
