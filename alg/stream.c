/* SPDX-License-Identifier: ISC */
/*
 * Octets move to the front of the buffer only when the place behind them is
 * too small.
 */
#include "alg/stream.h"

#include <string.h>

enum {
	TELNET_DM = 0xf2,
	TELNET_IP = 0xf4,
	TELNET_IAC = 0xff,
};

void
stream_start(struct stream *s)
{
	s->start = 0;
	s->end = 0;
	s->ahead = 0;
	s->urgent = STREAM_NOT_URGENT;
}

size_t
stream_length(const struct stream *s)
{
	return s->end - s->start;
}

bool
stream_has_room(const struct stream *s)
{
	return STREAM_SIZE - stream_length(s) >= STREAM_ROOM;
}

static void
move_to_front(struct stream *s)
{
	memmove(s->octets, s->octets + s->start, stream_length(s));
	s->end -= s->start;
	if (s->urgent != STREAM_NOT_URGENT)
		s->urgent -= (ptrdiff_t)s->start;
	s->start = 0;
}

void
stream_put(struct stream *s, const void *octets, size_t length)
{
	if (length > STREAM_SIZE - s->end)
		move_to_front(s);
	if (length > STREAM_SIZE - s->end)
		return;
	memcpy(s->octets + s->end, octets, length);
	s->end += length;
}

void
stream_put_synch(struct stream *s)
{
	static const uint8_t synch[] = { TELNET_IAC, TELNET_IP, TELNET_IAC,
		TELNET_DM };

	stream_put(s, synch, sizeof(synch));
	s->urgent = (ptrdiff_t)s->end - 1;
}

struct cursor
stream_cursor(const struct stream *s)
{
	return (struct cursor){ .at = s->octets + s->start + s->ahead,
		.left = stream_length(s) - s->ahead };
}

void
stream_consume(struct stream *s, const struct cursor *c)
{
	s->start = s->end - c->left;
	s->ahead = 0;
}

void
stream_read_ahead(struct stream *s, const struct cursor *c)
{
	s->ahead = stream_length(s) - c->left;
}

void
stream_clear(struct stream *s)
{
	s->start = s->end;
	s->ahead = 0;
}
