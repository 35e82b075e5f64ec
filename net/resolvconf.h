/* SPDX-License-Identifier: ISC */
/*
 * Which name servers to ask, and how patiently: /etc/resolv.conf, or the
 * `resolver` lines of our own configuration.
 */
#ifndef SOCKS64_NET_RESOLVCONF_H
#define SOCKS64_NET_RESOLVCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/settings.h"
#include "wire/address.h"

struct name_servers {
	size_t count; /* never 0 */
	struct name_server list[RESOLVERS_MAX];
	int timeout;    /* milliseconds for the first try of each */
	int attempts;   /* rounds through the list */
	bool rotate;    /* begin with any of them */
	bool tcp;       /* never UDP */
	bool edns;      /* ask with EDNS (RFC 6891) */
	bool no_ipv6;   /* never ask for AAAA */
	bool one_query; /* one family after the other, IPv4 first */
};

/*
 * Reads an open resolv.conf(5) (-1: there is none) as glibc does, but for what
 * concerns search lists: of `nameserver' the first word of the first three
 * lines, of `options' what name_servers has a field for.
 * settings->resolvers take the place of its servers.  No timeout is so long
 * that a dead server eats settings->connect_timeout.
 */
struct name_servers resolvconf_read(const struct settings *settings, int file);

/* For `rotate': the list begins with another of its servers, which a random
 * number chooses. */
void resolvconf_rotate(struct name_servers *servers, uint8_t random);

#endif
