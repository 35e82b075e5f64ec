/* SPDX-License-Identifier: ISC */
/*
 * Locks on single octets of a file, which belong to an open descriptor: they
 * end with the process, however that ends.  Octet 0 is the table's lock; the
 * octets behind its end stand for slots.
 */
#ifndef SOCKS64_SHARE_LOCK_H
#define SOCKS64_SHARE_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* type: F_WRLCK alone for this descriptor, F_RDLCK shared, F_UNLCK none.
 * Does not wait; errno says why not (EAGAIN, EACCES: another has it). */
bool lock_set(int fd, short type, off_t octet);

/* Octet 0 alone for this descriptor.  Waits a quarter of a second at most. */
bool lock_wait(int fd);

/* Has another descriptor a lock on the octet? */
bool lock_is_held(int fd, off_t octet);

#endif
