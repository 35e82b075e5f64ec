/* SPDX-License-Identifier: ISC */
/*
 * Which name servers to ask, and how patiently: /etc/resolv.conf, or the
 * `resolver` lines of our own configuration.
 */
#ifndef SOCKS64_NET_RESOLVCONF_H
#define SOCKS64_NET_RESOLVCONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/settings.h"
#include "wire/address.h"

struct name_server {
	struct address address;      /* with the port */
	char interface[IF_NAMESIZE]; /* of a link-local one; else empty */
};

struct name_servers {
	size_t count; /* never 0 */
	struct name_server list[RESOLVERS_MAX];
	int timeout;  /* milliseconds for the first try of each */
	int attempts; /* rounds through the list */
	bool rotate;
	bool tcp; /* never UDP */
};

/*
 * Reads an open resolv.conf(5) (-1: there is none): nameserver and, of the
 * options, timeout, attempts, rotate and use-vc.  settings->resolvers take the
 * place of its servers.  No timeout is so long that a dead server eats
 * settings->connect_timeout.
 */
struct name_servers resolvconf_read(const struct settings *settings, int file);

#endif
