/* SPDX-License-Identifier: ISC */
/*
 * hosts(5): is a name there, and with which family?  resolv.conf(5): is an
 * address that of a name server?
 */
#ifndef SOCKS64_LIB_HOSTS_H
#define SOCKS64_LIB_HOSTS_H

#include <stdbool.h>

#include "wire/address.h"

enum hosts {
	HOSTS_NONE,  /* it is not there */
	HOSTS_HAVE,  /* in a family that is asked for */
	HOSTS_OTHER, /* in the other family alone: *other, its port 0 */
};

/* family: AF_INET, AF_INET6 or AF_UNSPEC.  The name is in lower case. */
enum hosts hosts_find(const char *name, int family, struct address *other);

/* Whatever its port; read at each question, which is one packet to port 53. */
bool hosts_serves(const struct address *a);

#endif
