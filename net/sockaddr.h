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

/* getsockname(2).  False, and *out FAMILY_NONE, on error (errno tells); a
 * unix-domain socket is true and FAMILY_NONE. */
bool socket_local(int fd, struct address *out);

/* Sets O_NONBLOCK.  False on error (errno tells). */
bool socket_nonblocking(int fd);

/* SO_KEEPALIVE (60 s, 10 s, 6 probes) and TCP_NODELAY; nothing happens on a
 * unix-domain socket. */
void socket_tune(int fd);

#endif
