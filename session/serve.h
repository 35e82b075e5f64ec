/* SPDX-License-Identifier: ISC */
/*
 * What a request asks for, done: one file for each command, and the steps
 * that they share.  Nothing here comes back but the shared steps.
 */
#ifndef SOCKS64_SESSION_SERVE_H
#define SOCKS64_SESSION_SERVE_H

#include "session/session.h"

/* The command of the request, from its judgement to the end of the session:
 * does not come back.  07 for what is no command, or none for this client. */
void session_serve(struct session *s);

/* The commands, one file each; s->question says who asks, for what. */
_Noreturn void serve_connect(struct session *s);
_Noreturn void serve_bind(struct session *s);
_Noreturn void serve_udp(struct session *s);

/* ---------------------------------------------------------------- FTP */

/*
 * What the table knows of the destination, before it is judged: an alias
 * becomes its address, a name the address of a live control connection, and
 * an announced data connection is allowed as that one was; a BIND for the
 * server of a live control connection too.
 */
void serve_find(struct session *s);

/* Is this the control connection of an FTP session? */
bool serve_is_ftp(const struct session *s);

/* In the place of serve_relay(), in two steps: before the reply to the
 * client, and behind it. */
void serve_ftp_begin(struct session *s);
_Noreturn void serve_ftp(struct session *s);

/* This client's part of the table. */
struct share serve_share(struct session *s);

/* ------------------------------------------- the steps that they share */

/*
 * The address that a reply may name to this client: `ours` where its family
 * is the client's, else the address that the client reached us by (behind a
 * proxy: it), or zeros where that is of the other family too.  The port is
 * always ours.
 */
struct address serve_bound(const struct session *s,
    const struct address *ours);

/* A success reply with that BND and FLAG; a client that is gone ends the
 * session. */
void serve_reply(struct session *s, const struct address *bound,
    uint8_t flag);

/* Status and title. */
void serve_show(struct session *s);

/* Status and title, and the record `open' where `log-start' asks for one. */
void serve_announce(struct session *s);

/* The end of a session by what its last step came to: with the refusal that
 * the client is owed, where it is. */
_Noreturn void serve_end(struct session *s, const struct outcome *outcome);

/* The relay between the client and a connected socket, and the end. */
_Noreturn void serve_relay(struct session *s, int server);

#endif
