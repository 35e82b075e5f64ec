/* SPDX-License-Identifier: ISC */
/*
 * The directives of socks64.conf(5): one row for each keyword, in the order
 * of the manual.  Everybody who reads, writes or names a directive does it by
 * its row; rows are counted from 0.
 */
#ifndef SOCKS64_POLICY_DIRECTIVES_H
#define SOCKS64_POLICY_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/output.h"
#include "policy/reader.h"
#include "policy/settings.h"

enum { DIRECTIVES_MAX = 64 };

enum choice_state {
	CHOICE_OPEN,
	CHOICE_FILE_ONLY, /* not on the command line */
};

/* One of the words that a value may be; a table of them ends with the word
 * NULL.  -T prints the first word of a number. */
struct choice {
	const char *word;
	int number;
	enum choice_state state;
};

/*
 * The kind of a directive's value.  parse() reads a value, which has no blank
 * at its ends and is cut into pieces; it reports errors, and the field is of
 * no use then.  dump() writes the value, and nothing for one that stands for
 * "none"; NULL for rules, which are written in their own order.
 */
struct kind {
	void (*parse)(struct reader *r, const struct directive *d, char *value,
	    struct settings *out);
	void (*dump)(struct output *o, const struct directive *d,
	    const struct settings *s);
};

struct directive {
	const char *keyword;
	const struct kind *kind;
	size_t offset; /* of the field in struct settings */

	/* The default in the directive's own syntax.  Where that is NULL,
	 * `otherwise` says in words what holds without the directive. */
	const char *initial;
	const char *otherwise;

	const struct choice *choices; /* for words */
	int64_t low; /* for numbers; for times, in ms, where 0 is "never" */
	int64_t high;
	bool or_zero;    /* time 0 is valid, too, although it is below `low` */
	bool repeatable; /* may stand in a file more than once */
};

/* The i-th row; NULL behind the last. */
const struct directive *directive_at(size_t i);

/* The row of that keyword; behind the last where there is none. */
size_t directive_find(const char *keyword);

/* The keyword that is most like an unknown one, for the message. */
const char *directive_nearest(const char *keyword);

#endif
