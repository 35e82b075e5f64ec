/* SPDX-License-Identifier: ISC */
/*
 * The lines of a file, read block by block into one buffer.
 */
#include "base/lines.h"

#include <string.h>
#include <unistd.h>

void
lines_start(struct lines *l, int fd)
{
	lines_start_in(l, fd, l->own, sizeof(l->own));
}

void
lines_start_in(struct lines *l, int fd, char *buffer, size_t size)
{
	l->buffer = buffer;
	l->size = size;
	l->fd = fd;
	l->offset = 0;
	l->start = 0;
	l->end = 0;
	l->number = 0;
	l->skipping = false;
	l->failed = false;
}

/* Reads on behind what is left; false at the end of the file.  A line that
 * fills the buffer has no room for its end, or for a NUL. */
static bool
lines_fill(struct lines *l)
{
	const size_t left = l->end - l->start;
	ssize_t n;

	memmove(l->buffer, l->buffer + l->start, left);
	l->start = 0;
	l->end = left;
	if (left == l->size) {
		l->skipping = true;
		l->end = 0;
	}
	n = pread(l->fd, l->buffer + l->end, l->size - l->end, l->offset);
	l->failed = n < 0;
	if (n <= 0)
		return false;
	l->offset += n;
	l->end += (size_t)n;
	return true;
}

static char *
line_cut(struct lines *l, char *line, size_t *length)
{
	l->number++;
	if (l->skipping)
		*length = 0;
	else if (*length > 0 && line[*length - 1] == '\r')
		--*length;
	line[*length] = '\0';
	if (l->skipping)
		*length = 1;
	l->skipping = false;
	return line;
}

char *
lines_next(struct lines *l, size_t *length)
{
	do {
		char *line = l->buffer + l->start;
		const char *end = memchr(line, '\n', l->end - l->start);

		if (end != NULL) {
			*length = (size_t)(end - line);
			l->start += *length + 1;
			return line_cut(l, line, length);
		}
	} while (lines_fill(l));
	if (l->failed)
		return NULL;
	*length = l->end - l->start;
	l->start = l->end;
	return *length > 0 || l->skipping ? line_cut(l, l->buffer, length) :
					    NULL;
}
