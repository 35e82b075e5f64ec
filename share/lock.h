/* SPDX-License-Identifier: ISC */
/*
 * Locks on single octets of a file.  A lock belongs to the process that set
 * it and ends with that process, however it ends.  Two processes that were
 * forked with one descriptor exclude each other; two descriptors of one
 * process do not, and closing either of them drops all locks of the process
 * on that file.
 *
 * Octet 0 of the association table's file is the lock of the whole table, and
 * those behind it are places (places.h).
 * Octets of the state directory, which can be locked like any file, stand for
 * its entries: the maker of a live BIND, and the connection that an ID was
 * made for, hold the one of theirs.
 */
#ifndef SOCKS64_SHARE_LOCK_H
#define SOCKS64_SHARE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long who needs the table waits for its lock, in milliseconds; and who
 * only looks whether it has something for him. */
enum { LOCK_LIMIT = 1000, LOCK_LOOK = 100 };

/*
 * Sets the lock of this process on an octet, without waiting.  type: F_WRLCK
 * for this process alone, F_RDLCK shared, F_UNLCK for none.  False: errno
 * says why; EAGAIN or EACCES where another process has it.
 */
bool lock_set(int fd, short type, off_t octet);

/*
 * Takes octet 0 for this process alone, and waits `milliseconds' at most for
 * whoever has it.  False: it was not to be had in time, SIGTERM came, or
 * errno is another than lock_set()'s EAGAIN and EACCES.
 */
bool lock_wait(int fd, int64_t milliseconds);

/* Does another process hold a lock on the octet?  False on an error too. */
bool lock_is_held(int fd, off_t octet);

#endif
