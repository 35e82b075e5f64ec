/* SPDX-License-Identifier: ISC */
/*
 * The kinds of values that directives have: from text into a field of struct
 * settings, and back.  Which directive has which kind is policy/settings.c's
 * table alone.
 */
#ifndef SOCKS64_POLICY_VALUES_H
#define SOCKS64_POLICY_VALUES_H

#include "policy/reader.h"
#include "policy/settings.h"

/* Where settings_dump() writes: a descriptor, by way of a buffer. */
struct output {
	int fd;
	bool failed;
	size_t used;
	size_t total; /* characters since the beginning */
	char buffer[1024];
};

void output_add(struct output *o, const char *string);
void output_flush(struct output *o);

enum choice_state {
	CHOICE_OPEN,
	CHOICE_UNBUILT,   /* its feature is not built yet */
	CHOICE_FILE_ONLY, /* not on the command line */
};

/* One of the words that a value may be; a table ends with word NULL.  The
 * first row of a number is the one that is dumped. */
struct choice {
	const char *word;
	int number;
	enum choice_state state;
};

struct directive;

/* How a value is read (`value` has no blank at its ends and is cut into
 * pieces; errors are reported, the field is then of no use) and written
 * (nothing is added for a value that stands for "none"). */
struct kind {
	void (*parse)(struct reader *r, const struct directive *d,
	    char *value, struct settings *out);
	void (*dump)(struct output *o, const struct directive *d,
	    const struct settings *s);
};

struct directive {
	const char *keyword;
	const struct kind *kind;
	size_t offset; /* of the field in struct settings */

	/* The default in the directive's own syntax; where there is none,
	 * `otherwise` says what holds without the directive. */
	const char *initial;
	const char *otherwise;

	const struct choice *choices; /* of words */
	int64_t low; /* of times; 0 is "never" */
	int64_t high;
	bool repeatable;
};

extern const struct kind kind_time;         /* int64_t */
extern const struct kind kind_word;         /* an int-sized enum, or int */
extern const struct kind kind_switch;       /* bool */
extern const struct kind kind_string;       /* const char *, one word */
extern const struct kind kind_port_range;   /* struct port_range */

/* These know their fields. */
extern const struct kind kind_auth;
extern const struct kind kind_interface;
extern const struct kind kind_mark;
extern const struct kind kind_resolvers;
extern const struct kind kind_source;
extern const struct kind kind_advertise;
extern const struct kind kind_ftp_ports;
extern const struct kind kind_nat64;
extern const struct kind kind_proxy_from;

/* A rule; d->low is its enum decision.  Dumped by the order of the rules. */
extern const struct kind kind_rule;

/* A feature that no value switches off and that is not built yet. */
extern const struct kind kind_unbuilt;

#endif
