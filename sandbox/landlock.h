/* SPDX-License-Identifier: ISC */
/*
 * Landlock: which files can still be opened.
 */
#ifndef SOCKS64_SANDBOX_LANDLOCK_H
#define SOCKS64_SANDBOX_LANDLOCK_H

#include <stdbool.h>

/* The newest version whose rights landlock_enter() takes away. */
enum { LANDLOCK_KNOWN = 6 };

/* The version of this kernel; 0: it has none, or not for us. */
int landlock_version(void);

/* Nothing can be opened any more.  Where
 * landlock_version() is 0 nothing happens but that *missing is true.  False
 * on error (errno tells). */
bool landlock_enter(bool *missing);

#endif
