/* SPDX-License-Identifier: ISC */
/*
 * Host names and literals.  Pure.
 */
#include "wire/name.h"

#include <string.h>

#include "base/number.h"

enum { LABEL_MAX = 63 };

/* [2001:db8::80] is a literal too: the brackets of a URL. */
static bool
parse_literal(const char *text, size_t length, struct address *out)
{
	const bool bracketed = length > 2 && text[0] == '[' &&
	    text[length - 1] == ']';
	struct address a;

	if (bracketed) {
		text++;
		length -= 2;
	}
	if (!address_parse(text, length, &a))
		return false;
	if (bracketed && memchr(text, ':', length) == NULL)
		return false; /* [192.0.2.1] is nobody's syntax */
	*out = a;
	return true;
}

/*
 * SECURITY: a name that ends in a number would be an address to inet_aton()
 * in some later hands (127.1, 0x7f000001), past every rule that looks at
 * addresses here.
 */
static bool
ends_in_number(const char *label, size_t length)
{
	if (length >= 2 && label[0] == '0' && label[1] == 'x')
		return true;
	for (size_t i = 0; i < length; i++)
		if (!is_digit(label[i]))
			return false;
	return true;
}

static bool
labels_valid(const char *name, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && name[i] != '.')
			continue;
		if (i == start || i - start > LABEL_MAX)
			return false;
		if (i == length)
			return !ends_in_number(name + start, i - start);
		start = i + 1;
	}
	return false;
}

/*
 * SECURITY: a NUL would mean one name here and another to libc; controls and
 * blanks forge log lines; `@ / %` are nobody's host but some parser's syntax.
 */
static bool
octet_valid(uint8_t octet)
{
	switch (octet) {
	case '/':
	case '@':
	case '%':
	case ':':
	case '[':
	case ']':
	case '\\':
	case '"': return false;
	default: return octet > ' ' && octet < 0x7f;
	}
}

enum name_kind
name_classify(const uint8_t *octets, size_t length,
    char name[NAME_LENGTH_MAX + 1], struct address *literal)
{
	char lower[NAME_LENGTH_MAX + 1];

	if (parse_literal((const char *)octets, length, literal))
		return NAME_LITERAL;
	if (length > 0 && octets[length - 1] == '.')
		length--;
	if (length == 0 || length > NAME_LENGTH_MAX)
		return NAME_BAD;
	for (size_t i = 0; i < length; i++) {
		const uint8_t octet = octets[i];

		if (!octet_valid(octet))
			return NAME_BAD;
		lower[i] = (char)(octet >= 'A' && octet <= 'Z' ?
			octet + ('a' - 'A') :
			octet);
	}
	lower[length] = '\0';
	if (!labels_valid(lower, length))
		return NAME_BAD;
	memcpy(name, lower, length + 1);
	return NAME_HOST;
}
