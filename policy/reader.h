/* SPDX-License-Identifier: ISC */
/*
 * Reading text that the administrator wrote: whole files, their lines, words
 * and numbers, and telling what is wrong with them and where.
 */
#ifndef SOCKS64_POLICY_READER_H
#define SOCKS64_POLICY_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/settings.h"

/* Where the reading stands, and who is told. */
struct reader {
	settings_report *report;
	void *context;
	const char *file; /* "-o" for the command line */
	unsigned line;     /* 0: the file as a whole */
	const char *topic; /* the directive whose value it is; NULL: none */
	bool option;       /* the command line, not a file */
	bool failed;       /* an error was reported */
};

/* Reports an error: a sentence; or `before`, the offending word in quotes
 * and made printable, `after`. */
void reader_error(struct reader *r, const char *sentence);
void reader_refuse(struct reader *r, const char *before, const char *word,
    const char *after);

/* Reports that a file cannot be read, and why: errno `error`.  path NULL: the
 * file that the reader stands in.  hint: how the sentence goes on, or "". */
void reader_unreadable(struct reader *r, const char *path, int error,
    const char *hint);

/* Reports what the reading survives. */
void reader_warn(struct reader *r, const char *sentence);

/* Text in memory that is being cut into lines; its `data` is from the heap
 * and the caller's to free.  Lines are C strings inside it. */
struct lines {
	char *data;
	char *at;
	size_t left;
};

enum { FILE_LENGTH_MAX = 64 * 1024 * 1024 };

/* The error that there is no memory, which is no fault of what is read. */
void reader_starve(struct reader *r);

/* Was there no memory, for any reader? */
bool reader_starved(void);

/* Reads a file as a whole.  False: errno says why. */
bool lines_read(struct lines *lines, const char *path);

/*
 * The next line without its end (LF, CRLF or the end of the text), NULL
 * behind the last.  Counts r->line; a line with a NUL is an error and is
 * skipped.
 */
char *lines_next(struct lines *lines, struct reader *r);

/* Cuts off a comment: from a `#` at the start or behind a blank. */
void line_strip_comment(char *line);

/* Cuts the next word off *rest, blanks around it gone; NULL: none left. */
char *word_next(char **rest);

/* *rest without blanks at its two ends. */
char *word_trim(char *text);

/* A decimal number without sign, at most `highest`. */
bool number_parse(const char *text, uint64_t highest, uint64_t *out);

/* A copy in memory that is never freed; NULL and an error without any. */
char *reader_keep(struct reader *r, const char *text);

/* A block one element larger than its `count`, growing by doubling; NULL and
 * an error (the old block is still there) without memory. */
void *reader_grow(struct reader *r, void *block, size_t count, size_t size);

#endif
