/* SPDX-License-Identifier: ISC */
/*
 * The walk over untrusted octets.  Pure: no descriptor, no errno, no memory
 * of its own.
 */
#include "wire/cursor.h"

const uint8_t *
cursor_take(struct cursor *c, size_t n)
{
	if (c->starved || n > c->left) {
		c->starved = true;
		return NULL;
	}
	const uint8_t *taken = c->at;
	c->at += n;
	c->left -= n;
	return taken;
}

uint8_t
cursor_u8(struct cursor *c)
{
	const uint8_t *octet = cursor_take(c, 1);

	return octet == NULL ? 0 : octet[0];
}

uint16_t
cursor_u16(struct cursor *c)
{
	const uint8_t *octets = cursor_take(c, 2);

	return octets == NULL ? 0 : (uint16_t)(octets[0] << 8 | octets[1]);
}
