/* SPDX-License-Identifier: ISC */
/*
 * Places for work that takes much memory, which no more than PLACES processes
 * of this host may do at once: a hash of yescrypt takes 16 MiB, one of scrypt
 * 64 MiB, and sixty logins may come in one second.
 *
 * A place is a lock on an octet of the association table's file, so whoever
 * dies gives it back.
 */
#ifndef SOCKS64_SHARE_PLACES_H
#define SOCKS64_SHARE_PLACES_H

#include <stdbool.h>

#include "base/wait.h"
#include "share/table.h"

enum { PLACES = 8 };

/*
 * Waits for a place and takes it.  Where there is no table there is nothing to
 * wait for.  WAIT_READY: go ahead; WAIT_TIMEOUT and WAIT_STOPPED: there was no
 * place by `until', or SIGTERM came, or the kernel has none, which
 * wait_failure() has then.
 */
enum wait places_take(const struct table *t, struct deadline until);

/* Gives the place back, if this process has one. */
void places_leave(const struct table *t);

#endif
