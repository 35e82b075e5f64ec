/* SPDX-License-Identifier: ISC */
/*
 * Which descriptor is the client's connection, and is it one?  (systemd's
 * sd_listen_fds(3) protocol, inetd.)
 */
#ifndef SOCKS64_SESSION_CONNECTION_H
#define SOCKS64_SESSION_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "wire/address.h"

enum connection_state {
	CONNECTION_NONE,   /* no socket: a terminal, a pipe */
	CONNECTION_BAD,    /* a socket that we cannot serve: see `wrong` */
	CONNECTION_FAILED, /* a system call failed: see `wrong` */
	CONNECTION_GONE,   /* the client has left (ENOTCONN) */
	CONNECTION_OPEN,
};

struct connection {
	enum connection_state state;
	int fd;
	int32_t pid;       /* of the process that serves it */
	const char *wrong; /* what to change, or failed: a static sentence;
			      NULL in all other states */

	int64_t since;         /* clock_microseconds() when it became ours */
	int64_t since_utc;     /* the same moment, microseconds since 1970 */
	struct address client; /* FAMILY_NONE: a unix-domain peer */
	uint32_t client_uid;   /* of that */
	uint32_t scope;        /* interface of a link-local client, else 0 */
	struct address listen; /* where the client reached us */
};

/*
 * Called first, before anything is opened: /dev/null is opened on each of 0,
 * 1 and 2 that is closed.  Then the connection is found: fd 3 where
 * LISTEN_PID and LISTEN_FDS say so, else fd 0.  Where it is one to serve,
 * every descriptor but it and 0, 1 and 2 is closed; it is made non-blocking,
 * close-on-exec and tuned, and moved away from 0, 1 and 2, which become
 * /dev/null where they were the connection: nothing that libc may say reaches
 * the client.
 */
struct connection connection_find(void);

/*
 * Of a connection that was accepted from a listening socket just now, peer is
 * what accept(2) said: fills in the client, its scope and the moment.
 */
void connection_describe(struct connection *c,
    const struct sockaddr_storage *peer);

#endif
