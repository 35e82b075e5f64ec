/* SPDX-License-Identifier: ISC */
/*
 * Files, lines, words and complaints of the configuration.  What is read is
 * the administrator's and free of NUL, so C strings do; it is still made
 * printable before it is shown.
 */
#include "policy/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/inputs.h"

enum { WHERE_TEXT = RULE_TEXT, WHAT_TEXT = 768, CHUNK = 16384 };

static bool starved;

static void
report(struct reader *r, bool warning, const char *what)
{
	char buffer[WHERE_TEXT];
	struct text where = text_in(buffer, sizeof(buffer));
	char sentence[WHAT_TEXT];
	struct text whole = text_in(sentence, sizeof(sentence));

	if (!warning)
		r->failed = true;
	text_add(&where, r->file);
	if (r->line > 0) {
		text_add_char(&where, ':');
		text_add_number(&where, r->line);
	}
	if (r->topic != NULL) {
		text_add(&whole, r->topic);
		text_add(&whole, ": ");
	}
	text_add(&whole, what);
	r->report(r->context, warning, buffer, sentence);
}

void
reader_error(struct reader *r, const char *sentence)
{
	report(r, false, sentence);
}

void
reader_add_report(struct text *line, bool warning, const char *where,
    const char *what)
{
	text_add(line, where);
	text_add(line, warning ? ": warning: " : ": ");
	text_add(line, what);
	text_add_char(line, '\n');
}

void
reader_warn(struct reader *r, const char *sentence)
{
	report(r, true, sentence);
}

/* The word in quotes and made printable, between two texts. */
static void
add_quoted(struct text *what, const char *before, const char *word,
    const char *after)
{
	text_add(what, before);
	text_add_char(what, '"');
	text_add_quotable(what, word, strlen(word));
	text_add_char(what, '"');
	text_add(what, after);
}

void
reader_refuse(struct reader *r, const char *before, const char *word,
    const char *after)
{
	char buffer[WHAT_TEXT];
	struct text what = text_in(buffer, sizeof(buffer));

	add_quoted(&what, before, word, after);
	report(r, false, buffer);
}

void
reader_doubt(struct reader *r, const char *word, const char *after)
{
	char buffer[WHAT_TEXT];
	struct text what = text_in(buffer, sizeof(buffer));

	add_quoted(&what, "", word, after);
	report(r, true, buffer);
}

void
reader_unreadable(struct reader *r, const char *path, int error,
    const char *hint)
{
	char buffer[WHAT_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (path == NULL)
		text_add(&why, "cannot read it");
	text_add(&why, ": ");
	text_add(&why, strerror(error));
	text_add(&why, hint);
	if (path == NULL)
		reader_error(r, buffer);
	else
		reader_refuse(r, "cannot read ", path, buffer);
}

void
reader_starve(struct reader *r)
{
	starved = true;
	reader_error(r, "no memory");
}

bool
reader_starved(void)
{
	return starved;
}

/* Room for another chunk behind `used` octets. */
static char *
make_room(char *data, size_t used, size_t *size)
{
	if (*size - used >= CHUNK)
		return data;
	*size = *size * 2 + 2 * (size_t)CHUNK;
	char *larger = realloc(data, *size);
	if (larger != NULL)
		return larger;
	starved = true;
	free(data);
	return NULL;
}

/* To the end of fd; false: errno says why. */
static bool
read_all(struct document *document, int fd)
{
	char *data = NULL;
	size_t used = 0;
	size_t size = 0;

	while (used < FILE_LENGTH_MAX) {
		data = make_room(data, used, &size);
		if (data == NULL)
			return false;
		/* One octet is left for the NUL behind the last line. */
		const ssize_t n = read(fd, data + used, CHUNK - 1);
		if (n < 0) {
			const int error = errno;

			free(data);
			errno = error;
			return false;
		}
		if (n == 0) {
			*document = (struct document){ data, data, used };
			return true;
		}
		used += (size_t)n;
	}
	free(data);
	errno = EFBIG;
	return false;
}

bool
document_read(struct document *document, const char *path)
{
	int fd;

	inputs_note(path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	const bool done = read_all(document, fd);
	const int error = errno;
	(void)close(fd); /* nothing was written to it */
	errno = error;
	return done;
}

char *
document_line(struct document *document, struct reader *r)
{
	while (document->left > 0) {
		char *line = document->at;
		const char *end = memchr(line, '\n', document->left);
		size_t length = end == NULL ? document->left :
					      (size_t)(end - line);
		const size_t taken = length + (end == NULL ? 0 : 1);

		r->line++;
		document->at += taken;
		document->left -= taken;
		if (memchr(line, '\0', length) != NULL) {
			reader_error(r, "a NUL byte: this is no text");
			continue;
		}
		while (length > 0 && line[length - 1] == '\r')
			length--;
		line[length] = '\0';
		return line;
	}
	return NULL;
}

static bool
is_blank(char c)
{
	/* A CR that is not the end of its line is none of the value either. */
	return c == ' ' || c == '\t' || c == '\r';
}

void
line_strip_comment(char *line)
{
	for (char *at = line; *at != '\0'; at++) {
		if (*at == '#' && (at == line || is_blank(at[-1]))) {
			*at = '\0';
			return;
		}
	}
}

char *
word_next(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	char *end = word + strcspn(word, " \t");

	if (*word == '\0')
		return NULL;
	*rest = *end == '\0' ? end : end + 1;
	*end = '\0';
	return word;
}

char *
word_trim(char *text)
{
	text += strspn(text, " \t");
	size_t length = strlen(text);

	while (length > 0 && is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

char *
reader_keep(struct reader *r, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		reader_starve(r);
	return copy;
}

void *
reader_grow(struct reader *r, void *block, size_t count, size_t size)
{
	/* Blocks are 4, 8, 16... elements: full at a power of two. */
	if (count > 0 && (count < 4 || (count & (count - 1)) != 0))
		return block;
	void *larger = reallocarray(block, count == 0 ? 4 : count * 2, size);
	if (larger == NULL)
		reader_starve(r);
	return larger;
}
