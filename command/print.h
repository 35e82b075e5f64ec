/* SPDX-License-Identifier: ISC */
/*
 * What the command line prints.  Under inetd fd 1 and 2 are the client's
 * connection: nothing here ever writes to that.
 */
#ifndef SOCKS64_COMMAND_PRINT_H
#define SOCKS64_COMMAND_PRINT_H

#include <stdbool.h>

/* Is `fd' the client's connection, which inetd passes as fd 0 and systemd as
 * fd 3?  Returns that descriptor, -1: it is something else. */
int print_client(int fd);

/* Writes all of the string to fd, unless that is the client's; false when
 * nobody takes it. */
bool print_text(int fd, const char *string);

/*
 * Three texts, each with the exit status of a process that prints nothing
 * else: how to start this program, in three lines on stderr (64); the
 * options, on stdout; version and features, on stdout.
 */
int print_usage(void);
int print_help(void);
int print_version(void);

#endif
