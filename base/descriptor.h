/* SPDX-License-Identifier: ISC */
/*
 * Which descriptors are a session's own.  Sessions that were forked from one
 * process have sockets in common: that of the log, and the one on which they
 * ask for a user.  Whoever took one session over could shut such a socket, or
 * connect it elsewhere, for all of them.  So these have high numbers, for
 * which the sandbox allows neither.
 */
#ifndef SOCKS64_BASE_DESCRIPTOR_H
#define SOCKS64_BASE_DESCRIPTOR_H

/* Descriptors below this number are a session's own; it can have no other new
 * ones.  A power of two; session/session.c says what it has to be enough
 * for. */
enum { DESCRIPTORS_OWN = 128 };

/*
 * Moves a descriptor to a number from DESCRIPTORS_OWN on, with close-on-exec,
 * and returns that; or fd itself, untouched, where there is no such number to
 * be had, or fd is -1.
 */
int descriptor_share(int fd);

/* Closes all descriptors from `first' on, which is not negative.  A kernel
 * that cannot do this at once (before 5.9) leaves them open. */
void descriptor_close_from(int first);

#endif
