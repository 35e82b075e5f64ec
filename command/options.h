/* SPDX-License-Identifier: ISC */
/*
 * The command line: see OPTIONS in socks64-handler(8).
 */
#ifndef SOCKS64_COMMAND_OPTIONS_H
#define SOCKS64_COMMAND_OPTIONS_H

#include <stddef.h>

#include "policy/settings.h"

/* So many -o are taken; one more is an error. */
enum { OPTIONS_MAX = 64 };

/* And so many -l. */
enum { OPTIONS_LISTEN_MAX = 16 };

/* What the command line asks for. */
enum mode {
	MODE_SESSION,       /* serve what we were given, or listen (-l) */
	MODE_TEST,          /* -t: can sessions begin like this? */
	MODE_DUMP,          /* -T: the configuration in its own syntax */
	MODE_EXPLAIN,       /* -e: what the rules say of a request */
	MODE_INDEX,         /* --index: the index of a list */
	MODE_CHECK,         /* --check: does a gateway answer? */
	MODE_PRINT_SANDBOX, /* --print-sandbox */
	MODE_VERSION,       /* -V */
	MODE_HELP,          /* -h */
	MODE_USAGE, /* the line is wrong, and the log or stderr says how */
};

/* The command line, taken apart.  All strings are those of argv. */
struct options {
	enum mode mode;
	const char *file;                  /* -f, NULL for none */
	const char *settings[OPTIONS_MAX]; /* each -o */
	size_t count;
	const char *listen[OPTIONS_LISTEN_MAX + 1]; /* each -l, then NULL */
	size_t listen_count;
	const char *list;      /* of --index */
	char *const *operands; /* of -e and --check */
	size_t operand_count;
};

/*
 * Reads argv with getopt_long(3), so once in a process.  What is wrong is told
 * where a person will find it: a terminal gets a line on stderr, an inetd
 * line's mistake goes to the log.
 */
struct options options_read(int argc, char *const *argv);

/* Does what every mode but MODE_SESSION is for; returns the exit status. */
int options_run(const struct options *options);

/* What -f and -o name, borrowed from *options. */
struct settings_source options_source(const struct options *options);

#endif
