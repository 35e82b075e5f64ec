/* SPDX-License-Identifier: ISC */
/*
 * What name servers say, octet by octet.  Nobody is asked here, and no name
 * is held to be one of a host.  Pure.
 */
#include "wire/dns.h"

#include <string.h>

#include "base/text.h"
#include "wire/cursor.h"

/* RFC 1035 4.1.1 and 4.1.4. */
enum {
	FLAG_RESPONSE = 0x8000,
	FLAG_AUTHORITATIVE = 0x0400,
	FLAG_TRUNCATED = 0x0200,
	FLAG_WANTED = 0x0100, /* RD */
	FLAG_RECURSIVE = 0x0080,
	CODE_MASK = 0x000f,
	LABEL_MAX = 63,
	POINTER = 0xc0,
	POINTER_MASK = 0x3f,
	POINTERS_MAX = 127, /* of a name: one for each label */
	CLASS_IN = 1,
	TYPE_OPT = 41,
	TYPE_AND_CLASS = 4,
	TTL = 4,
};

/* A record, and where the next one begins. */
struct record {
	struct dns_name owner;
	uint16_t type;
	uint16_t class;
	size_t data;
	size_t length;
	size_t behind;
};

static struct cursor
cursor_at(const struct dns_walk *w, size_t at)
{
	return (struct cursor){ .at = w->octets + at, .left = w->length - at };
}

/* ------------------------------------------------------------------ names */

static void
add_label(struct dns_name *name, const uint8_t *octets, size_t n)
{
	name->octets[name->length++] = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		name->octets[name->length++] = text_upper(octets[i]);
}

/*
 * Reads the name at `at' and returns where the octets behind it begin; 0:
 * there is none.  SECURITY: a pointer leads to what stands before the labels
 * that it ends, so that no circle of them can be walked; nor can a long row of
 * them, again and again.
 */
static size_t
read_name(const struct dns_walk *w, size_t at, struct dns_name *out)
{
	size_t behind = 0;
	size_t start = at;
	unsigned pointers = 0;

	out->length = 0;
	while (at < w->length) {
		const size_t n = w->octets[at];
		struct cursor c = cursor_at(w, at + 1);

		if (n >= POINTER) {
			const size_t to = (n & POINTER_MASK) << 8 |
			    cursor_u8(&c);

			if (c.starved || to >= start ||
			    ++pointers > POINTERS_MAX)
				return 0;
			behind = behind == 0 ? at + 2 : behind;
			start = to;
			at = to;
			continue;
		}
		if (n > LABEL_MAX || n > c.left ||
		    out->length + 1 + n > DNS_NAME_MAX)
			return 0;
		add_label(out, c.at, n);
		at += 1 + n;
		if (n == 0)
			return behind == 0 ? at : behind;
	}
	return 0;
}

static bool
is_same_name(const struct dns_name *a, const struct dns_name *b)
{
	return a->length == b->length &&
	    memcmp(a->octets, b->octets, a->length) == 0;
}

size_t
dns_name_text(const struct dns_name *name, uint8_t *text, size_t size)
{
	size_t length = 0;

	for (size_t at = 0; name->octets[at] != 0;) {
		const size_t n = name->octets[at++];

		if (length + 1 + n > size ||
		    memchr(name->octets + at, '.', n) != NULL)
			return 0;
		if (length > 0)
			text[length++] = '.';
		memcpy(text + length, name->octets + at, n);
		length += n;
		at += n;
	}
	return length;
}

/* ---------------------------------------------------------------- records */

bool
dns_header_read(const uint8_t *octets, size_t length, struct dns_header *out)
{
	struct cursor c = { .at = octets, .left = length };
	uint16_t flags;

	(void)cursor_u16(&c); /* ID */
	flags = cursor_u16(&c);
	(void)cursor_u16(&c); /* QDCOUNT */
	*out = (struct dns_header){
		.response = (flags & FLAG_RESPONSE) != 0,
		.authoritative = (flags & FLAG_AUTHORITATIVE) != 0,
		.truncated = (flags & FLAG_TRUNCATED) != 0,
		.recursive = (flags & FLAG_RECURSIVE) != 0,
		.code = flags & CODE_MASK,
		.answers = cursor_u16(&c),
	};
	return length >= DNS_HEADER;
}

static bool
read_record(const struct dns_walk *w, size_t at, struct record *out)
{
	const size_t fixed = read_name(w, at, &out->owner);
	struct cursor c;

	if (fixed == 0)
		return false;
	c = cursor_at(w, fixed);
	out->type = cursor_u16(&c);
	out->class = cursor_u16(&c);
	(void)cursor_take(&c, TTL);
	out->length = cursor_u16(&c);
	out->data = w->length - c.left;
	out->behind = out->data + out->length;
	return !c.starved && out->length <= c.left;
}

/* The owner becomes the name that its alias in this message has; false: there
 * is no alias, or the message is broken, which *whole says. */
static bool
follow_alias(struct dns_walk *w, bool *whole)
{
	size_t at = w->at;
	struct record r;

	for (uint16_t i = 0; i < w->left; i++) {
		*whole = read_record(w, at, &r);
		if (!*whole)
			return false;
		at = r.behind;
		if (r.type != DNS_TYPE_CNAME || r.class != CLASS_IN ||
		    !is_same_name(&r.owner, &w->owner))
			continue;
		*whole = dns_walk_name(w, w->octets + r.data, r.length,
		    &w->owner);
		return *whole;
	}
	return false;
}

bool
dns_walk_start(struct dns_walk *w, const uint8_t *octets, size_t length,
    uint16_t type)
{
	struct cursor c = { .at = octets, .left = length };
	bool whole = true;

	*w = (struct dns_walk){ .octets = octets,
		.length = length,
		.type = type };
	(void)cursor_take(&c, 4); /* ID and flags */
	if (cursor_u16(&c) != 1)
		return false;
	w->left = cursor_u16(&c);
	w->at = read_name(w, DNS_HEADER, &w->owner);
	if (w->at == 0 || w->length - w->at < TYPE_AND_CLASS)
		return false;
	w->at += TYPE_AND_CLASS;
	for (int i = 0; i < DNS_ALIASES_MAX && follow_alias(w, &whole); i++)
		;
	return whole;
}

const uint8_t *
dns_walk_next(struct dns_walk *w, size_t *length)
{
	struct record r;

	while (w->left > 0 && read_record(w, w->at, &r)) {
		w->at = r.behind;
		w->left--;
		if (r.type != w->type || r.class != CLASS_IN ||
		    !is_same_name(&r.owner, &w->owner))
			continue;
		*length = r.length;
		return w->octets + r.data;
	}
	return NULL;
}

bool
dns_walk_name(const struct dns_walk *w, const uint8_t *data, size_t length,
    struct dns_name *out)
{
	const size_t at = (size_t)(data - w->octets);

	return read_name(w, at, out) == at + length;
}

/* --------------------------------------------------------------- questions */

static size_t
put_u16(uint8_t *octets, size_t at, uint16_t value)
{
	octets[at] = (uint8_t)(value >> 8);
	octets[at + 1] = (uint8_t)value;
	return at + 2;
}

/* The labels of a name whose own octets are no dots. */
static size_t
put_name(uint8_t *octets, size_t at, const char *name)
{
	while (*name != '\0') {
		const size_t n = strcspn(name, ".");

		octets[at] = (uint8_t)n;
		memcpy(octets + at + 1, name, n);
		at += n + 1;
		name += n + (name[n] == '.' ? 1 : 0);
	}
	octets[at] = 0;
	return at + 1;
}

size_t
dns_question_write(const struct dns_question *q, uint8_t *octets)
{
	size_t at = 0;

	memset(octets, 0, DNS_QUESTION_MAX);
	at = put_u16(octets, at, q->id);
	at = put_u16(octets, at, FLAG_WANTED);
	(void)put_u16(octets, at, 1);                    /* QDCOUNT */
	(void)put_u16(octets, at + 6, q->edns_size > 0); /* ARCOUNT */
	at = put_name(octets, DNS_HEADER, q->name);
	at = put_u16(octets, at, q->type);
	at = put_u16(octets, at, CLASS_IN);
	if (q->edns_size == 0)
		return at;
	at = put_u16(octets, at + 1, TYPE_OPT); /* of the root */
	at = put_u16(octets, at, q->edns_size);
	return at + TTL + 2; /* no data */
}
