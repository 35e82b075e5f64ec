/* SPDX-License-Identifier: ISC */
/*
 * Servers that call back (active FTP): while the process has a connection to
 * a port of `bind`, a TCP socket that it binds to port 0 is one that the
 * gateway is asked to listen for (RFC 1928, BIND).
 */
#ifndef SOCKS64_LIB_CALLED_H
#define SOCKS64_LIB_CALLED_H

#include <stdbool.h>
#include <sys/socket.h>

/* bind(2): true where it is not bound yet, and need not be. */
bool called_bind(int fd, const struct sockaddr *to, socklen_t length);

/* Before getsockname(2): asks the gateway for the socket that is to be
 * bound.  False: errno, the gateway's refusal. */
bool called_ask(int fd);

/* listen(2) and accept4(2): true where *result and errno are the answer. */
bool called_listen(int fd, int *result);
bool called_accept(int fd, int flags, int *result);

/* getsockname(2) of a connection to such a server: it is the one that
 * calls. */
void called_server(int fd);

#endif
