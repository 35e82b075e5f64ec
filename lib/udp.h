/* SPDX-License-Identifier: ISC */
/*
 * Datagrams through the gateway: an association for each socket that sends to
 * a destination which is not direct (RFC 1928 7).
 */
#ifndef SOCKS64_LIB_UDP_H
#define SOCKS64_LIB_UDP_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/place.h"

/* connect(2) of a datagram socket. */
int udp_connect(int fd, const struct destination *d);

/* connect(2) to AF_UNSPEC or a direct destination: it has no peer of ours. */
void udp_disconnect(int fd);

/*
 * sendmsg(2).  True: *result and errno are the answer; false: the datagram is
 * direct, or the socket is no such one: libc's call is to be made.
 */
bool udp_send(int fd, const struct msghdr *message, int flags,
    ssize_t *result);

/* recvmsg(2) of a socket with an association; waits as the socket does. */
ssize_t udp_receive(int fd, struct msghdr *message, int flags);

/* bind(2) to :: and port 0 of a socket that must reach an IPv4 gateway: it
 * may not be an IPv6 one alone. */
void udp_widen(int fd, const struct sockaddr *to, socklen_t length);

#endif
