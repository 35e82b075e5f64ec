/* SPDX-License-Identifier: ISC */
/*
 * Who the process is: user, groups, capabilities.  sandbox_find_user() and
 * sandbox_become() are in sandbox.h.
 */
#ifndef SOCKS64_SANDBOX_IDENTITY_H
#define SOCKS64_SANDBOX_IDENTITY_H

#include <stdbool.h>

/* Drops the capabilities that sandbox_become() kept; no system call is made
 * where it kept none.  False on error (errno tells). */
bool identity_drop_kept(void);

#endif
