/* SPDX-License-Identifier: ISC */
/*
 * A stream is a bounded queue of octets: those that were read from one side
 * of a control connection and are not yet cut into lines, or those that are
 * to be written to one side.  Pure.
 *
 * One octet of a stream may be urgent (RFC 9293 3.8.5).  Its place is kept
 * while octets before it are taken out.
 */
#ifndef SOCKS64_ALG_STREAM_H
#define SOCKS64_ALG_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/line.h"
#include "wire/cursor.h"

enum {
	/* The most that one line can add to a stream: the longest command, and
	 * some lines of the translator's own. */
	STREAM_ROOM = LINE_COMMAND_MAX + 2048,
	STREAM_SIZE = 2 * STREAM_ROOM,
	STREAM_NOT_URGENT = -1,
};

struct stream {
	size_t start;     /* the first octet that is still there */
	size_t end;       /* the place behind the last one */
	size_t ahead;     /* so many octets from `start' on have been read, and
			     stay for now */
	ptrdiff_t urgent; /* the place of the urgent octet, or
			     STREAM_NOT_URGENT */
	uint8_t octets[STREAM_SIZE];
};

/* Makes the stream an empty one. */
void stream_start(struct stream *s);

/* Returns how many octets are in the stream. */
size_t stream_length(const struct stream *s);

/* Tells whether STREAM_ROOM octets can be appended.  Whoever appends asks
 * this first, once for each line. */
bool stream_has_room(const struct stream *s);

/* Appends the octets as they are.  Where they do not fit, nothing is
 * appended. */
void stream_put(struct stream *s, const void *octets, size_t length);

/* Appends Telnet's IP and Data Mark, the latter as the urgent octet (RFC 959
 * 4.1.3). */
void stream_put_synch(struct stream *s);

/* Returns a cursor over the octets that have not been read; it borrows them
 * until the next call that appends. */
struct cursor stream_cursor(const struct stream *s);

/* Takes out what the cursor has passed. */
void stream_consume(struct stream *s, const struct cursor *c);

/* What the cursor has passed counts as read, but stays until a later call
 * takes it out. */
void stream_read_ahead(struct stream *s, const struct cursor *c);

/* Takes out everything. */
void stream_clear(struct stream *s);

#endif
