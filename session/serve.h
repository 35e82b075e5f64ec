/* SPDX-License-Identifier: ISC */
/*
 * What a request asks for, done: one file for each command, and for the relay
 * in which two of them end.  No function here comes back unless it says so.
 */
#ifndef SOCKS64_SESSION_SERVE_H
#define SOCKS64_SESSION_SERVE_H

#include <stdbool.h>

#include "session/session.h"

/* The command of the request, from its judgement to the end of the session:
 * does not come back.  What is no command, or none for this client, is
 * answered 07. */
void session_serve(struct session *s);

/* The commands, one file each; s->question says who asks, for what. */
_Noreturn void serve_connect(struct session *s);
_Noreturn void serve_bind(struct session *s);
_Noreturn void serve_udp(struct session *s);

/* The relay between the client and a connected socket, whose reply is sent. */
_Noreturn void serve_relay(struct session *s, int server);

/* ---------------------------------------------------------------- FTP */

/* Is this the control connection of an FTP session?  Comes back. */
bool serve_is_ftp(const struct session *s);

/* In the place of serve_relay(), in two steps: before the reply to the
 * client, which comes back, and behind it. */
void serve_ftp_begin(struct session *s);
_Noreturn void serve_ftp(struct session *s);

#endif
