/*
 * The words of a small system file (/etc/hosts, /etc/resolv.conf), line by
 * line, without stdio: `#` starts a comment, lines may have any length.
 */
#ifndef SOCKS64_NET_WORDS_H
#define SOCKS64_NET_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORD_SIZE = 256 };

enum word {
	WORD_NONE, /* end of the file */
	WORD_LINE, /* end of a line */
	WORD_TEXT, /* a word */
};

struct words {
	int fd; /* -1: could not be opened, an empty file */
	size_t at;
	size_t end;
	bool comment;
	char octets[2048];
};

/* Opens path.  A file that cannot be read is an empty one. */
void words_open(struct words *w, const char *path);

/* The next thing there is; `word` is written for WORD_TEXT only.  A word
 * that does not fit is an empty string, which is nobody's name. */
enum word words_next(struct words *w, char word[WORD_SIZE]);

/* Goes behind the end of this line. */
void words_skip_line(struct words *w);

void words_close(struct words *w);

#endif
