/* SPDX-License-Identifier: ISC */
/*
 * /etc/hosts: names that are never asked for elsewhere.
 */
#ifndef SOCKS64_NET_HOSTS_H
#define SOCKS64_NET_HOSTS_H

#include <stdbool.h>

#include "base/wait.h"
#include "net/answer.h"

enum hosts {
	HOSTS_ABSENT, /* no line has the name */
	HOSTS_FOUND,  /* both answers say what the lines do */
	HOSTS_LATE,   /* the deadline passed before the end of the file */
	HOSTS_BROKEN, /* the file cannot be read (any more) */
};

/*
 * Looks `name` (lower case, no trailing dot) up in every line of the open
 * file (-1: an empty one) and adds its addresses to the answer of their
 * family, IPv6 and IPv4; a name with an entry of one family has no data in the
 * other.  HOSTS_ABSENT leaves both as they are.
 */
enum hosts hosts_find(int file, const char *name, struct deadline until,
    struct answer *const answers[2]);

#endif
