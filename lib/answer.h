/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses without a query (RFC 3089 3): which name gets a fake
 * address, and what libc makes of it.  Services, socket types and memory are
 * libc's: it is asked for the fake address as text.
 */
#ifndef SOCKS64_LIB_ANSWER_H
#define SOCKS64_LIB_ANSWER_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* getaddrinfo(3) and freeaddrinfo(3), which frees node by node: lists that
 * libc made are joined. */
int answer_list(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out);
void answer_free(struct addrinfo *list);

/* gethostbyname2(3) and gethostbyaddr(3), with or without memory of the
 * program's.  `out` NULL: libc's own. */
struct answer_room {
	struct hostent *out;
	char *buffer;
	size_t size;
	struct hostent **result; /* NULL: nothing was found */
	int *error;              /* h_errno */
};

/* The values of the functions with _r; without them the result is in
 * *room->result just the same. */
int answer_host(const char *name, int family, const struct answer_room *room);
int answer_reverse(const void *address, socklen_t length, int family,
    const struct answer_room *room);

/* getnameinfo(3). */
struct answer_names {
	char *host;
	socklen_t host_size;
	char *service;
	socklen_t service_size;
	int flags;
};

int answer_names(const struct sockaddr *address, socklen_t length,
    const struct answer_names *names);

#endif
