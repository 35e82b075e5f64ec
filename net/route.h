/* SPDX-License-Identifier: ISC */
/*
 * What the kernel would do with an address: the source that it would use.
 */
#ifndef SOCKS64_NET_ROUTE_H
#define SOCKS64_NET_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/settings.h"
#include "wire/address.h"

struct route {
	bool usable;           /* there is a route and a source */
	int error;             /* errno of connect(2) where not usable */
	struct address source; /* port 0; FAMILY_NONE where not usable */
	bool on_link;          /* it is on a link of this host, where that
				  matters: policy_asks_on_link() */
	bool self;             /* the destination is an address of this host,
				  loopback, or one inside the other (NAT64) */
	int unknown;           /* the kernel could not be asked, for lack of a
				  descriptor, memory or a port, or its list of
				  routes not be read: an errno; then self is
				  true as well; 0: it was asked */
};

/* From where one connection goes, or a socket for datagrams, and how. */
struct egress {
	const char *interface;      /* NULL: any */
	uint32_t mark;              /* 0: none */
	struct address source_ipv4; /* port 0; FAMILY_NONE: the kernel's */
	struct address source_ipv6;
	bool chosen; /* source_ipv6 was chosen out of a net, and need be no
			address of this host */
};

/*
 * What the directives say, and in their place what the rule says that allows
 * it (NULL: nothing).  Out of a net an address is chosen anew by each call:
 * so one call is for one connection, and for all that belongs to it.
 */
struct egress route_egress(const struct settings *settings,
    const struct origin *origin);

/*
 * Asks by connect(2) on a UDP socket and getsockname(2) (RFC 6724 2), with
 * the egress of the directives applied; sends nothing.
 */
struct route route_probe(const struct settings *settings,
    const struct address *destination, uint32_t scope);

/* Is that surely an address of this host?  False where the kernel could not be
 * asked. */
bool route_is_own(const struct settings *settings,
    const struct address *address, uint32_t scope);

/* route_probe() with another egress, and without a scope. */
struct route route_probe_by(const struct settings *settings,
    const struct egress *egress, const struct address *destination);

/* Does `prefer` let a session go to addresses of that family at all? */
bool route_wanted(const struct settings *settings, enum family family);

/* Applies interface and mark to a new socket of the family, and lets it be
 * bound to the source where that was chosen.  False on error (errno tells). */
bool route_steer(const struct egress *egress, int fd, enum family family);

/* The same, and binds it to the source of the family, port 0, where there is
 * one. */
bool route_apply(const struct egress *egress, int fd, enum family family);

/*
 * Which of `interface` and `mark`, of the directives or of a rule, cannot be
 * set by this process: the keyword, and errno tells why; NULL where both can.
 */
const char *route_refused(const struct settings *settings);

#endif
