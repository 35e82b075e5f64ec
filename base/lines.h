/* SPDX-License-Identifier: ISC */
/*
 * The lines of a file, without stdio, whose first use costs more than reading
 * a small file.  The file is read by pread(2) from its start, so it does not
 * matter where the descriptor stands or who else reads it.
 *
 * A line that is longer than LINE_LENGTH_MAX, or than fits into a buffer of
 * the caller's, is told of and never returned in pieces: the end of a long
 * line could look like a line of its own.
 */
#ifndef SOCKS64_BASE_LINES_H
#define SOCKS64_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LINE_LENGTH_MAX = 4095, LINES_BUFFER = LINE_LENGTH_MAX + 1 };

struct lines {
	int fd;       /* borrowed */
	off_t offset; /* of what is read next */
	size_t start; /* of what is read and not returned */
	size_t end;
	unsigned number; /* of the line that lines_next() returned, from 1 */
	bool skipping;   /* the rest of a line that did not fit */
	bool failed;     /* it could not be read to its end */
	char *buffer;
	size_t size;
	char own[LINES_BUFFER];
};

/* Starts at the beginning of the file that fd is open on.  The buffer is not
 * cleared; whoever reads secrets wipes the struct behind the last line. */
void lines_start(struct lines *l, int fd);

/* The same with a buffer of the caller's, which is one octet longer than the
 * longest line. */
void lines_start_in(struct lines *l, int fd, char *buffer, size_t size);

/*
 * The next line without its end (LF, CRLF or the end of the file) as a C
 * string in the buffer, which the caller may change and which lives until the
 * next call.  *length is its length: a string that is shorter has a NUL in
 * it, and is no text.  A line that does not fit is one NUL of length 1.
 * NULL: there is none left, or reading failed.
 */
char *lines_next(struct lines *l, size_t *length);

#endif
