/* SPDX-License-Identifier: ISC */
/*
 * A token bucket: how often something may happen that a stranger asks for.
 * Pure: the time is given.
 *
 * Example: 50 at once and 50 a second.  Of 120 requests in one moment 50 are
 * granted; half a second later 25 more; a second of silence fills it again.
 */
#ifndef SOCKS64_BASE_BUCKET_H
#define SOCKS64_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Zero but for `size' and `rate', it is full. */
struct bucket {
	uint32_t size;   /* so many tokens fit */
	uint32_t rate;   /* so many come in a second, 1 at least */
	int64_t missing; /* from being full, in thousandths of a token */
	int64_t at;      /* the moment of the last call */
};

/* Takes a token, at a moment of clock_now().  False: there is none. */
bool bucket_take(struct bucket *b, int64_t now);

#endif
