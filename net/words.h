/* SPDX-License-Identifier: ISC */
/*
 * The words of a small system file (/etc/hosts, /etc/resolv.conf), line by
 * line, without stdio: `#` starts a comment, lines may have any length.
 */
#ifndef SOCKS64_NET_WORDS_H
#define SOCKS64_NET_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { WORD_SIZE = 256 };

enum word {
	WORD_NONE, /* end of the file */
	WORD_LINE, /* end of a line */
	WORD_TEXT, /* a word */
};

struct words {
	int fd;            /* borrowed; -1: an empty file */
	off_t offset;      /* of what is read next */
	size_t at;         /* the next octet of `octets' */
	size_t end;        /* behind the last one */
	bool comment;      /* the rest of this line is one */
	char octets[2048]; /* read from the file */
};

/* Begins at the start of an open file, however often it was read before; its
 * offset is neither used nor moved.  -1 is an empty file. */
void words_start(struct words *w, int fd);

/* The next thing there is; `word` is written for WORD_TEXT only.  A word
 * that does not fit is an empty string, which is nobody's name. */
enum word words_next(struct words *w, char word[WORD_SIZE]);

/* Passes over the rest of this line and its end. */
void words_skip_line(struct words *w);

#endif
