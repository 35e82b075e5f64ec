/* SPDX-License-Identifier: ISC */
/*
 * -e: what the rules do with a request, without making it.
 */
#ifndef SOCKS64_COMMAND_EXPLAIN_H
#define SOCKS64_COMMAND_EXPLAIN_H

#include <stddef.h>

#include "policy/settings.h"

/*
 * operands: COMMAND CLIENT DEST:PORT [USER].  Looks the name up and judges
 * each address, as a session does.  Prints the verdict on stdout; returns 0
 * allowed, 1 denied, 69 the name does not resolve, 64 a bad query (said on
 * stderr), 71 stdout does not take it.
 */
int explain_run(const struct settings *settings, char *const *operands,
    size_t count);

#endif
