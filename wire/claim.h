/* SPDX-License-Identifier: ISC */
/*
 * What a session of the listening mode says to its parent: whom it serves, and
 * how many sessions that user may have (max-sessions-per-user).  Pure.
 */
#ifndef SOCKS64_WIRE_CLAIM_H
#define SOCKS64_WIRE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLAIM_MARK = 'u',
	CLAIM_HEADER = 5, /* the mark, then `most` in network byte order */
	CLAIM_USER_MAX = 272,
	CLAIM_MAX = CLAIM_HEADER + CLAIM_USER_MAX,
};

/* A user, in octets that are equal for the same user alone, who may have
 * `most` sessions (at least 1). */
struct claim {
	uint32_t most;
	size_t length;       /* 1 to CLAIM_USER_MAX */
	const uint8_t *user; /* borrowed */
};

/* False: these octets are no claim, and *out is unchanged. */
bool claim_parse(const uint8_t *octets, size_t length, struct claim *out);

/* Returns the length of what claim_parse() reads as this claim. */
size_t claim_format(const struct claim *claim, uint8_t octets[CLAIM_MAX]);

#endif
