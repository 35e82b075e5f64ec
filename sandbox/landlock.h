/* SPDX-License-Identifier: ISC */
/*
 * Landlock: which files can still be opened.
 */
#ifndef SOCKS64_SANDBOX_LANDLOCK_H
#define SOCKS64_SANDBOX_LANDLOCK_H

#include <stdbool.h>

/* The newest version whose rights landlock_enter() takes away. */
enum { LANDLOCK_KNOWN = 6 };

/* The files that stay readable; NULL behind the last. */
extern const char *const landlock_readable[];

/* The version of this kernel; 0: it has none, or not for us. */
int landlock_version(void);

/* Leaves nothing but the resolver's files, only to be read.  Where
 * landlock_version() is 0 nothing happens but that *missing is true.  False
 * on error (errno tells). */
bool landlock_enter(bool *missing);

#endif
