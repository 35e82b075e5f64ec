/* SPDX-License-Identifier: ISC */
/*
 * Resource limits.
 */
#ifndef SOCKS64_SANDBOX_LIMITS_H
#define SOCKS64_SANDBOX_LIMITS_H

#include <stdbool.h>

/* Lowers the limits of this process, for good; a limit that is lower
 * already stays.  False on error (errno tells). */
bool limits_lower(void);

#endif
