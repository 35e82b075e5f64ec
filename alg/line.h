/* SPDX-License-Identifier: ISC */
/*
 * The one place where an FTP control connection is cut into lines, whatever
 * pieces it arrives in: Telnet (RFC 854) is taken out, limits are kept.  Pure.
 *
 * A line ends at LF, with or without CR before it.  CR NUL and a lone CR are
 * data (RFC 2640 3.1).  Telnet stands between lines: options are refused, and
 * never passed on (RFC 6384 4).  IAC IAC, and IAC before anything that is no
 * Telnet command, is where a line begins.  From there on each octet is data,
 * 255 too: a file may have it in its name, doubled or not.
 */
#ifndef SOCKS64_ALG_LINE_H
#define SOCKS64_ALG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/cursor.h"

/* Octets. */
enum {
	LINE_COMMAND_MAX = 8192, /* PATH_MAX with each octet doubled */
	LINE_REPLY_MAX = 4096,
	LINE_ANSWER = 3,
};

enum line_event {
	LINE_MORE,     /* the cursor is empty */
	LINE_WHOLE,    /* a line, or the rest of one that came in parts */
	LINE_PART,     /* with keep_long: a part of a long line; more of it
			  follows */
	LINE_TOO_LONG, /* without: a line was longer than the limit, and was
			  dropped as a whole */
	LINE_REFUSED,  /* an option was refused: `answer` goes back to the
			  sender */
};

struct line_reader {
	/* What to do: line_start() sets it. */
	size_t limit;   /* at most LINE_COMMAND_MAX */
	bool keep_long; /* long lines come in parts; else not at all */
	bool text;      /* the next line has no Telnet before it: it is inside
			   of a reply.  The caller sets it. */

	/* What came, without its end, until the next call.  `begins` says
	 * that it is the start of a line, `urgent` that Interrupt Process or
	 * Data Mark stood before it. */
	uint8_t octets[LINE_COMMAND_MAX];
	size_t length;
	bool begins;
	bool urgent;
	uint8_t answer[LINE_ANSWER];

	/* Where the reader stands; nobody else looks at it but for
	 * `given`. */
	unsigned telnet;
	size_t subnegotiation;
	bool carriage_return;
	bool dropping;
	bool given;   /* the line was given to the caller, and the next octet
			  begins anew */
	bool touched; /* an octet was read since */
	bool in_parts;
};

/* Makes a reader that has read nothing. */
void line_start(struct line_reader *r, size_t limit, bool keep_long);

/* Tells whether nothing was read yet of the next line, and of what may stand
 * before it. */
bool line_is_next(const struct line_reader *r);

/* Takes octets from the cursor until there is an event, and leaves those
 * behind it for the next call.  LINE_MORE is the only event that leaves
 * none. */
enum line_event line_read(struct line_reader *r, struct cursor *c);

#endif
