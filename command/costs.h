/* SPDX-License-Identifier: ISC */
/*
 * What a login costs a session, in time of the processor and in memory: -t
 * computes a hash of each kind that the password file has.
 */
#ifndef SOCKS64_COMMAND_COSTS_H
#define SOCKS64_COMMAND_COSTS_H

#include "policy/settings.h"

/*
 * Warns of each cost that is much: 200 ms or 32 MiB.  Each is computed by a
 * child that has 2 s and 1 GiB, and at most 8 are, so that it comes back
 * after 16 s of CPU whatever the file asks for.  fd is the file, `name' what
 * it is called.
 */
void costs_examine(int fd, const char *name, settings_report *report,
    void *context);

#endif
