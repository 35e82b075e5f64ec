/* SPDX-License-Identifier: ISC */
/*
 * Building short texts.  Pure.
 */
#include "base/text.h"

#include <string.h>

enum { ESCAPED_MAX = 255 };

struct text
text_in(char *buffer, size_t size)
{
	buffer[0] = '\0';
	return (struct text){ .start = buffer, .size = size };
}

void
text_add_octets(struct text *t, const void *octets, size_t length)
{
	const size_t room = t->size - 1 - t->length;

	if (length > room) {
		length = room;
		t->cut = true;
	}
	if (length > 0)
		memcpy(t->start + t->length, octets, length);
	t->length += length;
	t->start[t->length] = '\0';
}

void
text_add(struct text *t, const char *string)
{
	text_add_octets(t, string, strlen(string));
}

void
text_add_char(struct text *t, char c)
{
	text_add_octets(t, &c, 1);
}

void
text_copy(char *to, size_t size, const char *from)
{
	struct text t = text_in(to, size);

	text_add_octets(&t, from, strnlen(from, size - 1));
}

void
text_add_padded(struct text *t, uint64_t number, size_t digits)
{
	char backwards[20];
	size_t n = 0;

	do {
		backwards[n++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (n < digits && n < sizeof(backwards))
		backwards[n++] = '0';
	while (n > 0)
		text_add_char(t, backwards[--n]);
}

void
text_add_number(struct text *t, uint64_t number)
{
	text_add_padded(t, number, 1);
}

char
text_digit(uint64_t number)
{
	return "0123456789abcdef"[number & 15];
}

void
text_add_octet(struct text *t, uint8_t octet)
{
	const char digits[2] = { text_digit(octet >> 4), text_digit(octet) };

	text_add_octets(t, digits, sizeof(digits));
}

void
text_add_hex(struct text *t, uint8_t octet)
{
	const char escape[4] = { '\\', 'x', text_digit(octet >> 4),
		text_digit(octet) };

	text_add_octets(t, escape, sizeof(escape));
}

static void
add_visible(struct text *t, const void *octets, size_t length, uint8_t lowest)
{
	const uint8_t *at = octets;

	if (length > ESCAPED_MAX)
		length = ESCAPED_MAX;
	for (size_t i = 0; i < length; i++) {
		if (at[i] < lowest || at[i] > '~' || at[i] == '"' ||
		    at[i] == '\\')
			text_add_hex(t, at[i]);
		else
			text_add_char(t, (char)at[i]);
	}
}

void
text_shorten(struct text *t, size_t length)
{
	t->length = length;
	t->start[length] = '\0';
	t->cut = false;
}

void
text_add_escaped(struct text *t, const void *octets, size_t length)
{
	add_visible(t, octets, length, '!');
}

void
text_add_quotable(struct text *t, const void *octets, size_t length)
{
	add_visible(t, octets, length, ' ');
}

/*
 * Days since 1970-01-01 to a date of the Gregorian calendar.  Years are
 * counted from March, so that a leap day is the last of its year; 719468 is
 * the days from 0000-03-01 to 1970-01-01, 146097 those of 400 years.
 */
static void
text_add_date(struct text *t, uint64_t days)
{
	const uint64_t since = days + 719468;
	const uint64_t era = since / 146097;
	const uint64_t day = since % 146097;
	const uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) /
	    365;
	const uint64_t of_year = day - (365 * year + year / 4 - year / 100);
	const uint64_t month = (5 * of_year + 2) / 153; /* 0 is March */

	text_add_padded(t, era * 400 + year + (month >= 10 ? 1 : 0), 4);
	text_add_char(t, '-');
	text_add_padded(t, month < 10 ? month + 3 : month - 9, 2);
	text_add_char(t, '-');
	text_add_padded(t, of_year - (153 * month + 2) / 5 + 1, 2);
}

/* gmtime(3) would read the zone's files, which the sandbox refuses. */
void
text_add_time(struct text *t, int64_t microseconds)
{
	const uint64_t milliseconds = (uint64_t)microseconds / 1000;
	const uint64_t seconds = milliseconds / 1000;

	text_add_date(t, seconds / 86400);
	text_add_char(t, 'T');
	text_add_padded(t, seconds / 3600 % 24, 2);
	text_add_char(t, ':');
	text_add_padded(t, seconds / 60 % 60, 2);
	text_add_char(t, ':');
	text_add_padded(t, seconds % 60, 2);
	text_add_char(t, '.');
	text_add_padded(t, milliseconds % 1000, 3);
	text_add_char(t, 'Z');
}

uint8_t
text_upper(uint8_t octet)
{
	if (octet < 'a' || octet > 'z')
		return octet;
	return (uint8_t)(octet - 'a' + 'A');
}
