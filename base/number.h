/* SPDX-License-Identifier: ISC */
/*
 * Numbers in text that somebody wrote, decimal ones but where it says hex.
 * The C library's functions take signs, blanks and what a locale adds; these
 * do not.
 */
#ifndef SOCKS64_BASE_NUMBER_H
#define SOCKS64_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Is that octet one of the ASCII digits, 0 to 9? */
bool is_digit(int octet);

/* What an octet is as a hexadecimal digit, 0 to 15; NO_DIGIT: it is none. */
enum { NO_DIGIT = 16 };
unsigned hex_digit(int octet);

/*
 * A whole C string of digits as a number, 0 to `highest`; leading zeros are
 * allowed.  False: it is empty, it is no number, or it is too large; *out is
 * as it was then.
 */
bool number_parse(const char *text, uint64_t highest, uint64_t *out);

/* The same for 1 to 8 hexadecimal digits of either case, without "0x". */
bool hex_parse(const char *text, uint32_t *out);

#endif
