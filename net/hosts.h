/* SPDX-License-Identifier: ISC */
/*
 * /etc/hosts: names that are never asked for elsewhere.
 */
#ifndef SOCKS64_NET_HOSTS_H
#define SOCKS64_NET_HOSTS_H

#include <stdbool.h>

#include "net/answer.h"

/*
 * Looks `name` (lower case, no trailing dot) up in every line of /etc/hosts
 * and adds its addresses to the answer of their family; a name with an entry
 * of one family has no data in the other.  False: no entry, both untouched.
 */
bool hosts_find(int file, const char *name, struct answer *ipv6,
    struct answer *ipv4);

#endif
