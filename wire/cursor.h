/* SPDX-License-Identifier: ISC */
/*
 * A read-only walk over untrusted octets: the only way the parsers read.
 *
 * Running out sets `starved`, and every later read yields zeroes, so that a
 * parser checks once, at its end.  No function here allocates, waits or
 * fails in any other way.
 */
#ifndef SOCKS64_WIRE_CURSOR_H
#define SOCKS64_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a parser says of the octets it was shown.  Zero is the safe value. */
enum parse {
	PARSE_BAD,  /* no continuation makes a message of this */
	PARSE_MORE, /* a strict prefix of a message */
	PARSE_DONE, /* a whole message; the cursor stands behind it */
};

/* `at` is borrowed: the octets belong to the caller and must stay. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool starved;
};

/* The next n octets, or NULL and starved where there are fewer. */
const uint8_t *cursor_take(struct cursor *c, size_t n);

/* The next octet; 0 when starved. */
uint8_t cursor_u8(struct cursor *c);

/* The next two octets, big-endian on the wire, as a host number; 0 when
 * starved. */
uint16_t cursor_u16(struct cursor *c);

#endif
