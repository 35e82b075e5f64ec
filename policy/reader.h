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

#include "base/text.h"
#include "policy/settings.h"

struct index; /* policy/index.h */

/* Where the reading stands, and who is told of errors. */
struct reader {
	settings_report *report;
	void *context;
	const char *file;  /* "-o" for the command line */
	unsigned line;     /* 0: the file as a whole */
	const char *topic; /* the directive whose value it is; NULL: none */
	bool option;       /* the command line, not a file */
	bool failed;       /* an error was reported */
	const struct index *index; /* of the list before, if it had one */
};

/* Reports an error: a sentence; or `before`, the offending word in quotes
 * and made printable, `after`. */
void reader_error(struct reader *r, const char *sentence);
void reader_refuse(struct reader *r, const char *before, const char *word,
    const char *after);

/* Reports that a file cannot be read, with errno `error`.  A path of NULL is
 * the file that the reader stands in.  hint is how the sentence goes on, or
 * "". */
void reader_unreadable(struct reader *r, const char *path, int error,
    const char *hint);

/* Report a warning: something is odd, and the reading succeeds.  As
 * reader_error() and reader_refuse(), with nothing before the word. */
void reader_warn(struct reader *r, const char *sentence);
void reader_doubt(struct reader *r, const char *word, const char *after);

/* What a settings_report is told, as a line: FILE:LINE: what is wrong. */
void reader_add_report(struct text *line, bool warning, const char *where,
    const char *what);

/* A whole file in memory, which is being cut into lines of any length.  Its
 * `data` is from the heap and the caller's to free; the lines are C strings
 * inside it. */
struct document {
	char *data;
	char *at;
	size_t left;
};

enum { FILE_LENGTH_MAX = 64 * 1024 * 1024 };

/* Reports that there is no memory, which is no fault of what is read. */
void reader_starve(struct reader *r);

/* Has any reader been without memory? */
bool reader_starved(void);

/* Reads a file as a whole.  False: errno says why. */
bool document_read(struct document *document, const char *path);

/*
 * The next line without its end (LF, CRLF or the end of the text), NULL
 * behind the last.  Counts r->line; a line with a NUL is an error and is
 * skipped.
 */
char *document_line(struct document *document, struct reader *r);

/* Cuts off a comment, which begins with a `#` at the start of the line or
 * behind a blank. */
void line_strip_comment(char *line);

/* Cuts the next word off *rest, without the blanks around it.  NULL: there
 * is none left. */
char *word_next(char **rest);

/* The text without the blanks at its two ends; it is cut in place. */
char *word_trim(char *text);

/* A copy from the heap, which lives as long as the configuration.  NULL:
 * there is no memory, which was reported. */
char *reader_keep(struct reader *r, const char *text);

/*
 * The block of `count` elements of `size` octets, with room for one more; it
 * grows by doubling.  NULL: there is no memory, which was reported; the old
 * block is as it was then.
 */
void *reader_grow(struct reader *r, void *block, size_t count, size_t size);

#endif
