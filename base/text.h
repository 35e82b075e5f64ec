/* SPDX-License-Identifier: ISC */
/*
 * Building short texts in a buffer of the caller's: messages, addresses, log
 * fields.  The buffer is a C string after every call; what does not fit is
 * left out and `cut` is set.  There is no printf in this program.
 */
#ifndef SOCKS64_BASE_TEXT_H
#define SOCKS64_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *start;
	size_t length; /* without the NUL */
	size_t size;   /* of the buffer, at least 1 */
	bool cut;
};

/* An empty text in buffer, which the caller keeps and which outlives it. */
struct text text_in(char *buffer, size_t size);

/* Appends a C string, one character, so many octets as they are. */
void text_add(struct text *t, const char *string);
void text_add_char(struct text *t, char c);
void text_add_octets(struct text *t, const void *octets, size_t length);

/*
 * Copies a C string into a buffer of `size` octets, as its own C string.  At
 * most size - 1 octets of `from` are read, so it need not end.
 */
void text_copy(char *to, size_t size, const char *from);

/* Appends a number in decimal; with at least `digits` digits (0 to 20). */
void text_add_number(struct text *t, uint64_t number);
void text_add_padded(struct text *t, uint64_t number, size_t digits);

/* An ASCII letter as its capital; any other octet as it is. */
uint8_t text_upper(uint8_t octet);

/* The lower-case hexadecimal digit of the lowest four bits. */
char text_digit(uint64_t number);

/* Appends HH, two such digits; appends \xHH. */
void text_add_octet(struct text *t, uint8_t octet);
void text_add_hex(struct text *t, uint8_t octet);

/* Appends 2026-10-10T14:03:11.022Z; microseconds since 1970, UTC, >= 0. */
void text_add_time(struct text *t, int64_t microseconds);

/*
 * Appends untrusted octets so that the result is one word of printable ASCII:
 * a blank, a quote, a backslash and every octet outside 0x21-0x7e become
 * \xHH.  At most 255 octets of input are taken, as LOG of
 * socks64-handler(8) says.
 */
void text_add_escaped(struct text *t, const void *octets, size_t length);

/* The same for a quoted sentence: blanks stay as they are. */
void text_add_quotable(struct text *t, const void *octets, size_t length);

/* Takes back what was appended behind the first `length' characters; what was
 * cut is forgotten with it. */
void text_shorten(struct text *t, size_t length);

#endif
