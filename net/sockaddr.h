/* SPDX-License-Identifier: ISC */
/*
 * struct address <-> struct sockaddr: the one place that knows both.
 */
#ifndef SOCKS64_NET_SOCKADDR_H
#define SOCKS64_NET_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "wire/address.h"

/* Room for any address, and its length as the kernel wants it. */
struct endpoint {
	struct sockaddr_storage storage;
	socklen_t length;
};

/*
 * For bind(2), connect(2), sendto(2).  scope: the interface of a link-local
 * IPv6 address, 0 for none; it is ignored for every other address.
 * FAMILY_NONE gives length 0.
 */
struct endpoint endpoint_of(const struct address *a, uint32_t scope);

/* The canonical address (v4-mapped folded) of what the kernel gave.
 * FAMILY_NONE for other families. */
struct address address_of(const struct sockaddr_storage *storage);

/*
 * socket(2) for SOCK_STREAM or SOCK_DGRAM: close-on-exec and non-blocking.
 * The caller owns it.  -1: errno tells.
 */
int socket_create(enum family family, int type);

/* getsockname(2).  False, and *out FAMILY_NONE, on error (errno tells); a
 * unix-domain socket is true and FAMILY_NONE. */
bool socket_local(int fd, struct address *out);

/* SO_ERROR: the errno that waits at the socket, which this takes away; 0:
 * none. */
int socket_error(int fd);

/* SECURITY: what was cut short must not look whole: close(2) of it will be a
 * reset, which throws away what is not delivered.  So it is, too, if this
 * process is killed. */
void socket_reset_at_close(int fd);

/* The same socket again as it was: close(2) delivers, and ends in order. */
void socket_deliver_at_close(int fd);

/*
 * Of what was written to the socket, its FIN counted as an octet: how much has
 * its reader's host not acknowledged (SIOCOUTQ); how much could the kernel not
 * even send, because the reader takes nothing (SIOCOUTQNSD)?  A socket that
 * does not tell has given all to its reader: only TCP has somebody far away.
 * One system call each.
 */
uint64_t socket_untaken(int fd);
uint64_t socket_unsent(int fd);

/* Is that errno of a read or write no error, only "not now"? */
bool socket_is_busy(int error);

/* Sets O_NONBLOCK.  False on error (errno tells). */
bool socket_nonblocking(int fd);

/* SO_KEEPALIVE (60 s, 10 s, 6 probes) and TCP_NODELAY; nothing happens on a
 * unix-domain socket. */
void socket_tune(int fd);

#endif
