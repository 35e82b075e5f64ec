/*
 * Building short texts.  Pure.
 */
#include "wire/text.h"

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

void
text_add_hex(struct text *t, uint8_t octet)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[4] = { '\\', 'x', digits[octet >> 4],
		digits[octet & 15] };

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
text_add_escaped(struct text *t, const void *octets, size_t length)
{
	add_visible(t, octets, length, '!');
}

void
text_add_quotable(struct text *t, const void *octets, size_t length)
{
	add_visible(t, octets, length, ' ');
}
