/* SPDX-License-Identifier: ISC */
/*
 * The command line (INTERFACE.md 2).
 */
#ifndef SOCKS64_COMMAND_OPTIONS_H
#define SOCKS64_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

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

/* How to start this program, in three lines, on stderr. */
void options_print_usage(void);

/* Writes all of it, but never to a descriptor that is the client; false when
 * nobody takes it. */
bool options_print(int fd, const char *string);

#endif
