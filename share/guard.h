/* SPDX-License-Identifier: ISC */
/*
 * The mapped file of the association table, when somebody cuts it short:
 * octets that are mapped and not there any more end a process by SIGBUS.  Here
 * empty memory of this process takes the place of the whole mapping instead,
 * and whoever was reading or writing goes on, in a table that nobody else
 * sees.
 *
 * There is one guarded mapping in a process.  Its start costs one system call,
 * sigaction(2).
 */
#ifndef SOCKS64_SHARE_GUARD_H
#define SOCKS64_SHARE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Guards `size' octets at `map', both whole pages, until guard_end(), which
 * comes before the mapping is given back. */
void guard_start(void *map, size_t size);
void guard_end(void);

/* Is the mapping that was guarded last no file any more? */
bool guard_has_lost(void);

#endif
