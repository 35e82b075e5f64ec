/* SPDX-License-Identifier: ISC */
/*
 * Decimal numbers.  Pure.
 */
#include "base/number.h"

bool
is_digit(int octet)
{
	return octet >= '0' && octet <= '9';
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
