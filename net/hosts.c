/* SPDX-License-Identifier: ISC */
/*
 * hosts(5): ADDRESS NAME [ALIAS...], a line each.  The file is read anew for
 * every look-up, and a line that we cannot read is nobody's error.
 *
 * Lists of a hundred thousand hosts that are blocked are common: not the lines
 * are cut into words, but the name is searched for in many of them at once
 * (Horspool), and then its line is looked at.
 */
#include "net/hosts.h"

#include <string.h>
#include <unistd.h>

#include "base/seldom.h"
#include "base/text.h"
#include "wire/name.h"

enum { OCTETS = 256, PART_SIZE = 64 * 1024 };

/* The name in capitals, and how far each octet lets the search jump. */
struct pattern {
	size_t length;
	uint8_t octets[NAME_LENGTH_MAX];
	uint8_t jump[OCTETS];
};

/* A part of the file: lines, of which the last may go on in the next part. */
struct part {
	const char *start;
	const char *end;
};

/* What is known of a line that began in an earlier part. */
struct line {
	bool begun;
	bool over; /* a comment, or the name was found: the rest is nothing */
	struct address address; /* FAMILY_NONE: it begins with none */
};

struct search {
	struct pattern pattern;
	struct line line;
	struct answer *const *answers;
	bool any;
};

/* -------------------------------------------------------------- searching */

static void
pattern_make(struct pattern *p, const char *name)
{
	p->length = strlen(name);
	memset(p->jump, (int)p->length, sizeof(p->jump));
	for (size_t i = 0; i < p->length; i++)
		p->octets[i] = text_upper((uint8_t)name[i]);
	for (size_t i = 0; i + 1 < p->length; i++) {
		const uint8_t jump = (uint8_t)(p->length - 1 - i);

		p->jump[(uint8_t)name[i]] = jump;
		p->jump[p->octets[i]] = jump;
	}
}

static bool
is_here(const struct pattern *p, const char *at)
{
	for (size_t i = 0; i < p->length; i++)
		if (text_upper((uint8_t)at[i]) != p->octets[i])
			return false;
	return true;
}

/* Where the name stands next, as a word or inside of one; else NULL. */
static const char *
pattern_find(const struct pattern *p, const char *at, const char *end)
{
	while (p->length <= (size_t)(end - at)) {
		const uint8_t last = (uint8_t)at[p->length - 1];

		if (text_upper(last) == p->octets[p->length - 1] &&
		    is_here(p, at))
			return at;
		at += p->jump[last];
	}
	return NULL;
}

/* ------------------------------------------------------------------ lines */

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The address that the line at `at' begins with. */
static struct address
first_word(const char *at, const char *end)
{
	struct address address = { .family = FAMILY_NONE };
	const char *start = at;

	while (start < end && is_blank(*start) && *start != '\n')
		start++;
	for (at = start; at < end && !is_blank(*at) && *at != '#';)
		at++;
	(void)address_parse(start, (size_t)(at - start), &address);
	return address;
}

/* Is the name at `at' a word, and behind the address of its line? */
static bool
is_word(const struct pattern *p, const struct part *part, const char *at)
{
	const char *behind = at + p->length;

	if (at == part->start || !is_blank(at[-1]))
		return false;
	if (behind < part->end && *behind == '.')
		behind++;
	return behind == part->end || is_blank(*behind) || *behind == '#';
}

/* The line in which `at' is, as far as it stands before. */
static struct line
line_of(const struct search *s, const struct part *part, const char *at)
{
	const char *start = memrchr(part->start, '\n',
	    (size_t)(at - part->start));
	struct line line = s->line;

	if (start != NULL || !s->line.begun) {
		start = start == NULL ? part->start : start + 1;
		line = (struct line){ .begun = true,
			.address = first_word(start, part->end) };
	} else {
		start = part->start;
	}
	line.over = line.over || line.address.family == FAMILY_NONE ||
	    memchr(start, '#', (size_t)(at - start)) != NULL;
	return line;
}

static const char *
line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline == NULL ? end : newline;
}

static void
line_take(struct search *s, const struct address *address)
{
	for (size_t i = 0; !s->any && i < 2; i++)
		answer_reset(s->answers[i], ANSWER_NO_DATA);
	s->any = true;
	answer_add(s->answers[address->family == FAMILY_IPV4], address);
}

static void
search_part(struct search *s, const struct part *part)
{
	const struct pattern *p = &s->pattern;
	const char *found = NULL; /* the end of the last line that has it */

	for (const char *at = pattern_find(p, part->start, part->end);
	     at != NULL; at = pattern_find(p, at, part->end)) {
		struct line line;

		if (!is_word(p, part, at)) {
			at++;
			continue;
		}
		line = line_of(s, part, at);
		at = line_end(at, part->end);
		if (line.over)
			continue;
		line_take(s, &line.address);
		found = at;
	}
	s->line = line_of(s, part, part->end);
	s->line.begun = part->end[-1] != '\n';
	s->line.over = s->line.over || found == part->end;
}

/* ------------------------------------------------------------------- file */

/* How much of so many octets is searched before more are read: whole lines,
 * or, of a line that is longer, whole words; 0: it is one long word. */
static size_t
part_length(const char *octets, size_t length)
{
	const char *newline = memrchr(octets, '\n', length);

	if (newline != NULL)
		return (size_t)(newline - octets) + 1;
	while (length > 0 && !is_blank(octets[length - 1]))
		length--;
	return length > 0 ? length - 1 : 0; /* a word begins with its blank */
}

/* Searches what can be, moves the rest to the front, and returns how much that
 * is. */
static size_t
search_octets(struct search *s, char *octets, size_t length, bool last)
{
	const size_t part = last ? length : part_length(octets, length);

	if (part == 0 && length < PART_SIZE)
		return length;
	search_part(s,
	    &(struct part){ octets, octets + (part == 0 ? length : part) });
	if (part == 0) {
		octets[0] = '.'; /* what comes is the end of a word */
		return 1;
	}
	memmove(octets, octets + part, length - part);
	return length - part;
}

enum hosts
hosts_find(int file, const char *name, struct deadline until,
    struct answer *const answers[2])
{
	static SELDOM char octets[PART_SIZE];
	struct search s = { .answers = answers };
	size_t length = 0;
	off_t offset = 0;
	bool last = file == -1;

	pattern_make(&s.pattern, name);
	while (!last) {
		const ssize_t n = pread(file, octets + length,
		    sizeof(octets) - length, offset);

		if (n < 0)
			return HOSTS_BROKEN;
		last = n == 0;
		offset += last ? 0 : n;
		length += last ? 0 : (size_t)n;
		length = search_octets(&s, octets, length, last);
		if (!last && deadline_passed(until))
			return HOSTS_LATE;
	}
	return s.any ? HOSTS_FOUND : HOSTS_ABSENT;
}
