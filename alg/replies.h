/* SPDX-License-Identifier: ISC */
/*
 * The lines of a server's replies (RFC 959 4.2), and what their codes mean to
 * a translator.  Pure.
 *
 * A reply of several lines begins with "227-text", ends with "227 text" of
 * the same code, and may have any lines in between.  Some servers end it with
 * another code: such a line is the end only if nothing follows, and whoever
 * sees that says so (reply_settle()).  Before the first code of all may stand
 * blanks, or the mark by which some editors begin a text in UTF-8.
 */
#ifndef SOCKS64_ALG_REPLIES_H
#define SOCKS64_ALG_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CODE_OK = 200,
	CODE_PASV = 227,
	CODE_LPSV = 228,
	CODE_EPSV = 229,
	CODE_LOGGED_IN = 230,
	CODE_LOGGED_IN_SAFELY = 232, /* RFC 2228 */
	CODE_CLOSING = 421,
	CODE_NO_CONNECTION = 425,
};

/* One line of a reply, as the reader sees it. */
struct reply_line {
	unsigned code; /* of the reply, 100 to 699; 0: the line belongs to no
			  reply */
	bool first;    /* it is the first line of the reply */
	bool last;     /* it is the last line of the reply */
	const uint8_t *text; /* what is behind the code, borrowed from the
				line; empty for a line in between */
	size_t length;
};

/* Where in a reply the server is; zero at first. */
struct reply_reader {
	bool any;  /* a code was seen */
	bool open; /* the next line belongs to a reply that has begun */
	unsigned code;
	unsigned other; /* the last line looked like the end of a reply with
			   this code, which is another; else 0 */
};

/* Says what a line, given without its end, is to the reply that is being read,
 * and steps on.  A line that begins no reply, and is inside of none, has
 * code 0. */
struct reply_line reply_read(struct reply_reader *r, const uint8_t *line,
    size_t length);

/* The server says nothing more: where the last line looked like an end, it is
 * one.  Returns that line, or one with code 0. */
struct reply_line reply_settle(struct reply_reader *r);

/* Tells whether a line that begins with the octet may be the first reply. */
bool reply_may_begin(uint8_t octet);

/* Tells whether the code is a 1yz: another reply follows. */
bool reply_is_preliminary(unsigned code);

/* Tells whether the code is a 2yz: the command was done. */
bool reply_is_success(unsigned code);

/* Tells whether the code grants a login, and answers nothing else. */
bool reply_is_login(unsigned code);

/* Tells whether the code announces a passive data connection. */
bool reply_is_passive(unsigned code);

/* Tells whether the code refuses the command as such, so that the server may
 * know another way to the same end (RFC 959, RFC 1639, RFC 2428). */
bool reply_is_refusal(unsigned code);

#endif
