/* SPDX-License-Identifier: ISC */
/*
 * Address forms of FTP.  Strict where a command's argument is read, which
 * says where to connect to, and as lenient as RFC 1123 asks for in replies.
 */
#include "alg/forms.h"

#include <string.h>

#include "base/number.h"
#include "wire/cursor.h"

/* The numbers of the families in RFC 1639 and in RFC 2428 differ. */
enum {
	LONG_IPV4 = 4,
	LONG_IPV6 = 6,
	EXTENDED_IPV4 = '1',
	EXTENDED_IPV6 = '2',
	NUMBER_DIGITS = 3,
	PORT_LENGTH = 2,
	LONG_NUMBERS = 1 + 1 + 255 + 1 + 255,
	EXTENDED_FIELDS = 3,
};

static uint8_t
peek(const struct cursor *c)
{
	return c->left > 0 ? *c->at : 0;
}

static void
skip_blanks(struct cursor *c)
{
	while (peek(c) == ' ' || peek(c) == '\t')
		(void)cursor_u8(c);
}

static struct cursor
cursor_of(const uint8_t *text, size_t length)
{
	return (struct cursor){ .at = text, .left = length };
}

/* Takes a number of 1 to 3 digits, 0 to 255. */
static bool
take_number(struct cursor *c, uint8_t *out)
{
	unsigned value = 0;
	unsigned digits = 0;

	while (is_digit(peek(c))) {
		if (++digits > NUMBER_DIGITS)
			return false;
		value = value * 10 + (unsigned)(cursor_u8(c) - '0');
	}
	if (digits == 0 || value > UINT8_MAX)
		return false;
	*out = (uint8_t)value;
	return true;
}

/* Takes a comma with the blanks around it. */
static bool
take_comma(struct cursor *c)
{
	skip_blanks(c);
	if (cursor_u8(c) != ',')
		return false;
	skip_blanks(c);
	return true;
}

/* Takes n numbers with commas between them. */
static bool
take_numbers(struct cursor *c, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((i > 0 && !take_comma(c)) || !take_number(c, &out[i]))
			return false;
	return true;
}

/* Tells whether no number follows: the first six of seven are not what was
 * meant. */
static bool
at_end_of_numbers(const struct cursor *c)
{
	struct cursor rest = *c;

	skip_blanks(&rest);
	return peek(&rest) != ',' && !is_digit(peek(c));
}

static bool
at_end(const struct cursor *c)
{
	struct cursor rest = *c;

	skip_blanks(&rest);
	return rest.left == 0;
}

static uint16_t
port_of(const uint8_t octets[2])
{
	return (uint16_t)(octets[0] << 8 | octets[1]);
}

/* Takes h1,h2,h3,h4,p1,p2. */
static enum form
take_short(struct cursor *c, struct address *out)
{
	uint8_t n[6];

	if (!take_numbers(c, n, sizeof(n)) || !at_end_of_numbers(c) ||
	    port_of(n + 4) == 0)
		return FORM_BAD;
	*out = address_ipv4(n, port_of(n + 4));
	return FORM_DONE;
}

/* Takes n and so many numbers. */
static bool
take_counted(struct cursor *c, uint8_t *length, uint8_t out[UINT8_MAX])
{
	return take_number(c, length) &&
	    (*length == 0 || (take_comma(c) && take_numbers(c, out, *length)));
}

/* Takes af,hal,h1,...,pal,p1,p2 (RFC 1639). */
static enum form
take_long(struct cursor *c, struct address *out)
{
	uint8_t family;
	uint8_t host[UINT8_MAX];
	uint8_t host_length;
	uint8_t port[UINT8_MAX];
	uint8_t port_length;

	if (!take_number(c, &family) || !take_comma(c) ||
	    !take_counted(c, &host_length, host) || !take_comma(c) ||
	    !take_counted(c, &port_length, port) || !at_end_of_numbers(c))
		return FORM_BAD;
	if (family != LONG_IPV4 && family != LONG_IPV6)
		return FORM_FAMILY;
	if (host_length != (family == LONG_IPV4 ? 4 : 16) ||
	    port_length != PORT_LENGTH || port_of(port) == 0)
		return FORM_BAD;
	*out = family == LONG_IPV4 ? address_ipv4(host, port_of(port)) :
				     address_ipv6(host, port_of(port));
	return FORM_DONE;
}

typedef enum form take_form(struct cursor *c, struct address *out);

static enum form
parse_argument(take_form *take, const uint8_t *text, size_t length,
    struct address *out)
{
	struct cursor c = cursor_of(text, length);
	struct address a;
	const enum form form = take(&c, &a);

	if (form == FORM_DONE && !at_end(&c))
		return FORM_BAD;
	if (form == FORM_DONE)
		*out = a;
	return form;
}

/* Passes the number that the cursor is at, and all that hang on it by
 * commas. */
static void
skip_numbers(struct cursor *c)
{
	struct cursor next = *c;

	do {
		while (is_digit(peek(&next)))
			(void)cursor_u8(&next);
		*c = next;
	} while (take_comma(&next));
}

/* The text may have numbers of another meaning before the address. */
static enum form
parse_reply(take_form *take, const uint8_t *text, size_t length,
    struct address *out)
{
	struct cursor c = cursor_of(text, length);
	enum form form = FORM_BAD;

	while (form == FORM_BAD && c.left > 0) {
		struct cursor from = c;

		if (!is_digit(peek(&c))) {
			(void)cursor_u8(&c);
			continue;
		}
		form = take(&from, out);
		skip_numbers(&c);
	}
	return form;
}

enum form
form_port_parse(const uint8_t *text, size_t length, struct address *out)
{
	return parse_argument(take_short, text, length, out);
}

enum form
form_lprt_parse(const uint8_t *text, size_t length, struct address *out)
{
	return parse_argument(take_long, text, length, out);
}

enum form
form_227_parse(const uint8_t *text, size_t length, struct address *out)
{
	return parse_reply(take_short, text, length, out);
}

enum form
form_228_parse(const uint8_t *text, size_t length, struct address *out)
{
	return parse_reply(take_long, text, length, out);
}

/*
 * SECURITY: the delimiter may be any octet that no address and no number has;
 * else the same text could be cut in two ways.
 */
static bool
is_delimiter(uint8_t c)
{
	return c >= 33 && c <= 126 && c != '.' && c != ':' && !is_digit(c) &&
	    !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F');
}

/* Takes what stands before the next delimiter, and the delimiter. */
static bool
take_field(struct cursor *c, uint8_t delimiter, struct cursor *field)
{
	const uint8_t *end = c->left == 0 ? NULL :
					    memchr(c->at, delimiter, c->left);

	if (end == NULL)
		return false;
	*field = cursor_of(c->at, (size_t)(end - c->at));
	return cursor_take(c, field->left + 1) != NULL;
}

static bool
field_port(const struct cursor *field, uint16_t *port)
{
	return port_parse((const char *)field->at, field->left, 1, port);
}

/* Reads the number of the protocol; any other than 1 and 2 is an unknown
 * family. */
static enum form
field_family(const struct cursor *field, enum family *family)
{
	for (size_t i = 0; i < field->left; i++)
		if (!is_digit(field->at[i]))
			return FORM_BAD;
	if (field->left == 0)
		return FORM_BAD;
	if (field->left > 1)
		return FORM_FAMILY;
	switch (field->at[0]) {
	case EXTENDED_IPV4: *family = FAMILY_IPV4; return FORM_DONE;
	case EXTENDED_IPV6: *family = FAMILY_IPV6; return FORM_DONE;
	default: return FORM_FAMILY;
	}
}

/* Takes |2|2001:db8::9|50000|. */
static enum form
take_extended(struct cursor *c, struct address *out)
{
	const uint8_t delimiter = cursor_u8(c);
	struct cursor field[EXTENDED_FIELDS];
	enum family family = FAMILY_NONE;
	enum form form;
	uint16_t port;

	if (!is_delimiter(delimiter))
		return FORM_BAD;
	for (size_t i = 0; i < EXTENDED_FIELDS; i++)
		if (!take_field(c, delimiter, &field[i]))
			return FORM_BAD;
	form = field_family(&field[0], &family);
	if (form != FORM_DONE)
		return form;
	/* An IPv6 text has a colon, an IPv4-mapped one too. */
	const bool colon = field[1].left > 0 &&
	    memchr(field[1].at, ':', field[1].left) != NULL;
	if (colon != (family == FAMILY_IPV6) ||
	    !address_parse((const char *)field[1].at, field[1].left, out) ||
	    !field_port(&field[2], &port))
		return FORM_BAD;
	out->port = port;
	return FORM_DONE;
}

enum form
form_eprt_parse(const uint8_t *text, size_t length, struct address *out)
{
	return parse_argument(take_extended, text, length, out);
}

/* Takes |||50000|. */
static enum form
take_port(struct cursor *c, uint16_t *port)
{
	const uint8_t delimiter = cursor_u8(c);
	struct cursor field[EXTENDED_FIELDS];

	if (!is_delimiter(delimiter))
		return FORM_BAD;
	for (size_t i = 0; i < EXTENDED_FIELDS; i++)
		if (!take_field(c, delimiter, &field[i]))
			return FORM_BAD;
	if (field[0].left != 0 || field[1].left != 0 ||
	    !field_port(&field[2], port))
		return FORM_BAD;
	return FORM_DONE;
}

enum form
form_229_parse(const uint8_t *text, size_t length, uint16_t *port)
{
	struct cursor c = cursor_of(text, length);
	enum form form = FORM_BAD;

	while (form == FORM_BAD && c.left > 0) {
		if (cursor_u8(&c) != '(')
			continue;
		struct cursor from = c;
		form = take_port(&from, port);
	}
	return form;
}

/* --- Writing. --- */

static void
add_numbers(struct text *t, const uint8_t *octets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text_add_char(t, ',');
		text_add_number(t, octets[i]);
	}
}

static void
add_port(struct text *t, uint16_t port)
{
	text_add_char(t, ',');
	text_add_number(t, port >> 8);
	text_add_char(t, ',');
	text_add_number(t, port & UINT8_MAX);
}

void
form_port_add(struct text *t, const struct address *a)
{
	add_numbers(t, a->octets, 4);
	add_port(t, a->port);
}

void
form_eprt_add(struct text *t, const struct address *a)
{
	text_add(t, a->family == FAMILY_IPV6 ? "|2|" : "|1|");
	address_add(t, a);
	text_add_char(t, '|');
	text_add_number(t, a->port);
	text_add_char(t, '|');
}

void
form_lprt_add(struct text *t, const struct address *a, bool mapped)
{
	const bool ipv4 = a->family == FAMILY_IPV4;

	if (ipv4 && mapped)
		text_add(t, "6,16,0,0,0,0,0,0,0,0,0,0,255,255,");
	else
		text_add(t, ipv4 ? "4,4," : "6,16,");
	add_numbers(t, a->octets, address_length(a));
	text_add(t, ",2");
	add_port(t, a->port);
}

void
form_229_add(struct text *t, uint16_t port)
{
	text_add(t, "|||");
	text_add_number(t, port);
	text_add_char(t, '|');
}
