/* SPDX-License-Identifier: ISC */
/*
 * Resource limits.
 */
#ifndef SOCKS64_SANDBOX_LIMITS_H
#define SOCKS64_SANDBOX_LIMITS_H

#include <stdbool.h>

/* Lowers the limits of this process, for good; a limit that is lower
 * already stays.  forks: but for that of processes.  False on error (errno
 * tells). */
bool limits_lower(bool forks);

/* That one: no process can be made from now on. */
bool limits_end_forks(void);

#endif
