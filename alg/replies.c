/* SPDX-License-Identifier: ISC */
/*
 * A line counts by its first four octets: three digits, then a blank, a minus
 * or nothing.
 */
#include "alg/replies.h"

#include <string.h>

#include "base/array.h"
#include "base/number.h"

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

static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };

/* Returns the length of what may stand before the first code of all. */
static size_t
margin_of(const uint8_t *line, size_t length)
{
	size_t n = 0;

	if (length >= ARRAY_COUNT(mark) &&
	    memcmp(line, mark, ARRAY_COUNT(mark)) == 0)
		n = ARRAY_COUNT(mark);
	while (n < length &&
	    (line[n] == ' ' || line[n] == '\t' || line[n] == '\r'))
		n++;
	return n;
}

bool
reply_may_begin(uint8_t octet)
{
	return is_digit(octet) || octet == mark[0] || octet == ' ' ||
	    octet == '\t' || octet == '\r';
}

struct reply_line
reply_read(struct reply_reader *r, const uint8_t *line, size_t length)
{
	const size_t margin = r->any ? 0 : margin_of(line, length);
	const uint8_t *at = line + margin;
	const size_t left = length - margin;
	const unsigned code = line_code(at, left);
	const bool more = left > CODE_DIGITS && at[CODE_DIGITS] == '-';
	struct reply_line out = { .code = code,
		.first = !r->open,
		.text = line,
		.length = length };

	r->other = 0;
	if (code != 0 && (!r->open || code == r->code)) {
		out.text = at + CODE_DIGITS;
		out.length = left - CODE_DIGITS;
		out.last = !more;
		r->any = true;
		r->open = more;
		r->code = code;
	} else if (r->open) {
		out.code = r->code;
		out.length = 0; /* the text is free: no address is in it */
		r->other = more ? 0 : code;
	}
	return out;
}

/* Two codes that mean the same to a client are told as the first of them. */
struct reply_line
reply_settle(struct reply_reader *r)
{
	const bool same = r->code / 100 == r->other / 100;
	const struct reply_line end = { .code = same ? r->code : r->other,
		.last = true };

	if (r->other == 0)
		return (struct reply_line){ .code = 0 };
	r->open = false;
	r->other = 0;
	return end;
}

bool
reply_is_preliminary(unsigned code)
{
	return code >= 100 && code < 200;
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
