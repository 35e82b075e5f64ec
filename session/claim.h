/* SPDX-License-Identifier: ISC */
/*
 * max-sessions-per-user: a session of the listening mode asks its parent,
 * which alone sees all sessions, whether its user may have one more.
 *
 * The question is a datagram on a socket that all sessions inherit; the kernel
 * says who sent it.  The answer is a signal, SIGUSR1 for yes and SIGUSR2 for
 * no: a second socket for each session would cost more.
 */
#ifndef SOCKS64_SESSION_CLAIM_H
#define SOCKS64_SESSION_CLAIM_H

#include "session/session.h"

/*
 * Asks, where max-sessions-per-user says so and the client has a name, which
 * is an authenticated user or a unix-domain uid.  Ends the session with 02
 * where the answer is no.  Called once, with the request read.
 */
void session_claim(struct session *s);

#endif
