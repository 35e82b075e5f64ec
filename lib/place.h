/* SPDX-License-Identifier: ISC */
/*
 * Where a destination is: reached directly, or by the gateway; and how this
 * socket reaches the gateway.
 */
#ifndef SOCKS64_LIB_PLACE_H
#define SOCKS64_LIB_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/endpoint.h"
#include "lib/sockets.h"
#include "wire/address.h"
#include "wire/client.h"
#include "wire/name.h"

enum way {
	WAY_DIRECT,
	WAY_GATEWAY,
	WAY_NOWHERE, /* a fake address without a name: EADDRNOTAVAIL */
	WAY_BROKEN,  /* SOCKS64 is bad: ENETDOWN */
};

/* A destination that the gateway is told. */
struct destination {
	struct address address; /* as the program gave it, with the port */
	sa_family_t family;     /* of the sockaddr that it gave */
	uint32_t number;        /* of its name; 0: the address is real */
	char name[NAME_LENGTH_MAX + 1];
};

/* The way there; *out is set on WAY_GATEWAY.  datagram: of UDP. */
enum way place_way(const struct address *to, struct destination *out);

/* errno of a way that is none. */
int place_errno(enum way way);

/* As the gateway is told it; borrows the name. */
struct client_address place_target(const struct destination *d);

/* How many gateways there are, one of a path; with which of them a connection
 * begins. */
unsigned place_gateways(void);
unsigned place_first_gateway(void);

/* That one was not reached: the next connections begin with the next one. */
void place_gateway_failed(unsigned i);

/*
 * The gateway's ith address as the socket can connect to it: a socket of
 * AF_INET6 reaches IPv4, too.  0: it cannot, or the gateway is a unix-domain
 * socket: see place_exchange().
 */
socklen_t place_gateway(unsigned i, sa_family_t family,
    struct sockaddr_storage *out);

/* The same for a socket that can. */
socklen_t place_gateway_own(unsigned i, struct sockaddr_storage *out);

/*
 * Locked: puts another socket, which can reach gateway i, under the number,
 * with the options and flags of the program's, which is kept in e->shadow.
 * False: errno.  place_restore() puts the program's back.
 */
bool place_exchange(struct entry *e, int fd, unsigned i);
void place_restore(struct entry *e, int fd);

/* Locked: the socket is nobody's any more: one of the program's family is
 * under the number, the one that it made or one like it. */
void place_return(struct entry *e, int fd);

/* The lowest free number from 100 on for a descriptor of ours, close-on-exec,
 * instead of fd, which is closed; fd itself where there is none. */
int place_high(int fd);

#endif
