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
};

/*
 * Asks by connect(2) on a UDP socket and getsockname(2) (RFC 6724 2), with
 * `source`, `interface` and `mark` of the settings applied; sends nothing.
 */
struct route route_probe(const struct settings *settings,
    const struct address *destination, uint32_t scope);

/* Does `prefer` let a session go to addresses of that family at all? */
bool route_wanted(const struct settings *settings, enum family family);

/* Applies interface and mark to a new socket.  False on error (errno
 * tells). */
bool route_steer(const struct settings *settings, int fd);

/* Applies interface, mark and, for the family, source to a new socket.
 * False on error (errno tells). */
bool route_apply(const struct settings *settings, int fd, enum family family);

/*
 * Which of `interface` and `mark` cannot be set by this process: the keyword,
 * and errno tells why; NULL where both can.
 */
const char *route_refused(const struct settings *settings);

#endif
