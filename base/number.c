/* SPDX-License-Identifier: ISC */
/*
 * Digits to numbers.  Pure.
 */
#include "base/number.h"

#include <string.h>

bool
is_digit(int octet)
{
	return octet >= '0' && octet <= '9';
}

unsigned
hex_digit(int octet)
{
	if (is_digit(octet))
		return (unsigned)(octet - '0');
	if (octet >= 'a' && octet <= 'f')
		return (unsigned)(octet - 'a') + 10;
	if (octet >= 'A' && octet <= 'F')
		return (unsigned)(octet - 'A') + 10;
	return NO_DIGIT;
}

bool
number_parse(const char *text, uint64_t highest, uint64_t *out)
{
	uint64_t number = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		const uint64_t digit = (uint64_t)(*text - '0');

		if (!is_digit(*text) || digit > highest ||
		    number > (highest - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*out = number;
	return true;
}

bool
hex_parse(const char *text, uint32_t *out)
{
	const size_t length = strlen(text);
	uint32_t number = 0;

	if (length == 0 || length > 8)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (hex_digit(text[i]) == NO_DIGIT)
			return false;
		number = number << 4 | hex_digit(text[i]);
	}
	*out = number;
	return true;
}
