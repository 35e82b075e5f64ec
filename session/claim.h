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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session/session.h"

enum {
	CLAIM_MARK = 'u',
	CLAIM_HEADER = 5, /* the mark, then `most' in network byte order */
	CLAIM_USER_MAX = 272,
	CLAIM_MAX = CLAIM_HEADER + CLAIM_USER_MAX,
};

/* A user, in octets that are equal for the same user alone, who may have
 * `most' sessions (at least 1). */
struct claim {
	uint32_t most;
	size_t length; /* at least 1 */
	const uint8_t *user; /* borrowed */
};

/* False: these octets are no claim. */
bool claim_parse(const uint8_t *octets, size_t length, struct claim *out);

/*
 * Asks, where max-sessions-per-user says so and the client has a name, which
 * is an authenticated user or a unix-domain uid.  Ends the session with 02
 * where the answer is no.  Called once, with the request read.
 */
void session_claim(struct session *s);

#endif
