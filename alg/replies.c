/* SPDX-License-Identifier: ISC */
/*
 * A line counts by its first four octets: three digits, then a blank, a minus
 * or nothing.
 */
#include "alg/replies.h"

enum { CODE_DIGITS = 3 };

/* Returns the code that a line begins with, or 0. */
static unsigned
line_code(const uint8_t *line, size_t length)
{
	unsigned code = 0;

	if (length < CODE_DIGITS || line[0] < '1' || line[0] > '6')
		return 0;
	for (size_t i = 0; i < CODE_DIGITS; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(line[i] - '0');
	}
	if (length > CODE_DIGITS && line[CODE_DIGITS] != ' ' &&
	    line[CODE_DIGITS] != '-')
		return 0;
	return code;
}

struct reply_line
reply_read(struct reply_reader *r, const uint8_t *line, size_t length)
{
	const unsigned code = line_code(line, length);
	const bool more = length > CODE_DIGITS && line[CODE_DIGITS] == '-';
	struct reply_line out = { .code = code,
		.first = !r->open,
		.text = line,
		.length = length };

	if (code != 0 && (!r->open || code == r->code)) {
		out.text += CODE_DIGITS;
		out.length -= CODE_DIGITS;
		out.last = !more;
		r->open = more;
		r->code = code;
	} else if (r->open) {
		out.code = r->code;
		out.length = 0; /* the text is free: no address is in it */
	}
	return out;
}

bool
reply_is_success(unsigned code)
{
	return code >= 200 && code < 300;
}

bool
reply_is_login(unsigned code)
{
	return code == CODE_LOGGED_IN || code == CODE_LOGGED_IN_SAFELY;
}

bool
reply_is_passive(unsigned code)
{
	return code == CODE_PASV || code == CODE_LPSV || code == CODE_EPSV;
}

bool
reply_is_refusal(unsigned code)
{
	return code == 500 || code == 501 || code == 502 || code == 504 ||
	    code == 521 || code == 522;
}
