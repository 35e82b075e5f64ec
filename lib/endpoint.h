/* SPDX-License-Identifier: ISC */
/*
 * Addresses as socket calls have them, and back.  Pure.
 */
#ifndef SOCKS64_LIB_ENDPOINT_H
#define SOCKS64_LIB_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "wire/address.h"

/* What a program gave: an address of AF_INET or AF_INET6.  False: it is of
 * another family, or too short. */
bool endpoint_read(const struct sockaddr *from, socklen_t length,
    struct address *out);

/* The same the other way: an address as a socket of `family` knows it, an
 * IPv4 one mapped for AF_INET6; zeros for an address of the other family.
 * Returns the length. */
socklen_t endpoint_sockaddr(const struct address *a, sa_family_t family,
    struct sockaddr_storage *out);

/* getpeername(2) and its like: as much of it as there is room for. */
void endpoint_store(const struct address *a, sa_family_t family,
    struct sockaddr *to, socklen_t *length);

#endif
