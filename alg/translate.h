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

/*
 * Takes the command that waited until all before it is answered (k->waits).
 * AUTH waits, because its reply says whether lines end (RFC 2228, RFC 4217);
 * and what sets a data connection up does until the login is answered.
 */
void translate_waiting(struct control *k);

#endif
