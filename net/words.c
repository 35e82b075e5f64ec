/* SPDX-License-Identifier: ISC */
/*
 * Cutting system files into words.  It never judges what they mean.
 */
#include "net/words.h"

#include <unistd.h>

enum { OCTET_NONE = -1 };

void
words_start(struct words *w, int fd)
{
	w->fd = fd;
	w->offset = 0;
	w->at = 0;
	w->end = 0;
	w->comment = false;
}

/* The next octet is looked at; w->at++ takes it. */
static int
octet_peek(struct words *w)
{
	if (w->at == w->end) {
		const ssize_t n = w->fd == -1 ?
		    0 :
		    pread(w->fd, w->octets, sizeof(w->octets), w->offset);

		w->at = 0;
		w->end = n > 0 ? (size_t)n : 0;
		w->offset += (off_t)w->end;
	}
	return w->at < w->end ? (unsigned char)w->octets[w->at] : OCTET_NONE;
}

static bool
is_blank(int octet)
{
	return octet == ' ' || (octet >= '\t' && octet <= '\r');
}

/* Octets up to a blank, a comment or an end. */
static void
take_text(struct words *w, char word[WORD_SIZE])
{
	size_t length = 0;

	for (;;) {
		const int octet = octet_peek(w);

		if (octet == OCTET_NONE || octet == '#' || is_blank(octet))
			break;
		if (length < WORD_SIZE)
			word[length++] = (char)octet;
		w->at++;
	}
	word[length < WORD_SIZE ? length : 0] = '\0';
}

enum word
words_next(struct words *w, char word[WORD_SIZE])
{
	for (;;) {
		const int octet = octet_peek(w);

		if (octet == OCTET_NONE)
			return WORD_NONE;
		if (octet == '\n') {
			w->at++;
			w->comment = false;
			return WORD_LINE;
		}
		if (octet == '#')
			w->comment = true;
		if (!w->comment && !is_blank(octet)) {
			take_text(w, word);
			return WORD_TEXT;
		}
		w->at++;
	}
}

void
words_skip_line(struct words *w)
{
	w->comment = true;
	while (w->comment && octet_peek(w) != OCTET_NONE) {
		if (octet_peek(w) == '\n')
			w->comment = false;
		w->at++;
	}
}
