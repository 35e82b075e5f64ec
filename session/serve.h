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

/*
 * The next gateway that a verdict leads to, as a client of which the session
 * goes on: it is dialled, with all that stands in the record, by `until'.
 * These two come back; what fails ends the session.
 */
void serve_via_open(struct session *s, const struct verdict *verdict,
    struct deadline until);

/* Passes the request on, with the name where the verdict says so, else with
 * the address `to'; and waits for the first reply.  Returns its BND, for this
 * client. */
struct address serve_via_ask(struct session *s, const struct verdict *verdict,
    const struct address *to, struct deadline until);

/* BND of the next gateway's last reply, as this client may be told it. */
struct address serve_via_bound(const struct session *s);

/* FLAG 10 where the client has asked for it and that reply has it. */
uint8_t serve_via_flag(const struct session *s);

/* The relay between the client and a connected socket, whose reply is sent. */
_Noreturn void serve_relay(struct session *s, int server);

/* ---------------------------------------------------------------- FTP */

/* Is this the control connection of an FTP session?  Comes back. */
bool serve_is_ftp(const struct session *s);

/* In the place of serve_relay(), in two steps: before the reply to the
 * client, which comes back, and behind it.  way: the verdict that led to
 * `server', the connected socket. */
void serve_ftp_begin(struct session *s, const struct verdict *way, int server);
_Noreturn void serve_ftp(struct session *s);

#endif
