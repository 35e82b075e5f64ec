/* SPDX-License-Identifier: ISC */
/*
 * The command line: see OPTIONS in socks64-handler(8).
 */
#ifndef SOCKS64_COMMAND_OPTIONS_H
#define SOCKS64_COMMAND_OPTIONS_H

#include <stddef.h>

#include "policy/settings.h"

enum { OPTIONS_MAX = 64 };

enum mode {
	MODE_SESSION, /* serve the connection that we were given */
	MODE_TEST,
	MODE_DUMP,
	MODE_EXPLAIN,
	MODE_PRINT_SANDBOX,
	MODE_VERSION,
	MODE_HELP,
	MODE_USAGE, /* started wrongly: the text is on stderr already */
};

struct options {
	enum mode mode;
	const char *file;                 /* -f, NULL for none */
	const char *settings[OPTIONS_MAX]; /* each -o */
	size_t count;
	char *const *operands; /* of -e */
	size_t operand_count;
};

/* Reads argv; the strings are borrowed from it. */
struct options options_read(int argc, char *const *argv);

/* Does what every mode but MODE_SESSION is for; returns the exit status. */
int options_run(const struct options *options);

/* What -f and -o name, borrowed from *options. */
struct settings_source options_source(const struct options *options);

#endif
