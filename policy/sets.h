/* SPDX-License-Identifier: ISC */
/*
 * Sets of addresses: the named ones of socks64.conf(5), nets, and lists of
 * both; the IPv4 address that hides inside an IPv6 one (RFC 6052).  Pure.
 */
#ifndef SOCKS64_POLICY_SETS_H
#define SOCKS64_POLICY_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

enum set {
	SET_LOOPBACK = 1,
	SET_PRIVATE = 2,
	SET_LINK_LOCAL = 4,
	SET_MULTICAST = 8,
	SET_SELF = 16, /* of this host, outside loopback */
	SET_METADATA = 32,
	SET_SPECIAL = 64, /* all that is not global */
	SET_GLOBAL = 128,
	SET_ANY = 256,
	SET_UNIX = 512,     /* a unix-domain peer, which has no address */
	SET_ON_LINK = 1024, /* in the prefix of an interface of this host;
			     * membership_of() does not know that */
};

/* The set of that name; 0 where there is none. */
unsigned set_find(const char *word);

/* The sets that an address is in, and what it is, as a complement of "is":
 * "private", "an address of this host", "global". */
struct membership {
	unsigned sets;
	const char *what;
};

/* self: the kernel says that it is an address of this host.  FAMILY_NONE is
 * a unix-domain peer.  No IPv4 is unwrapped here: see address_inside(). */
struct membership membership_of(const struct address *address, bool self);

/* A net: `bits` bits of `octets` count, the rest is zero.  Compact, because
 * a block list has thousands. */
struct net {
	uint8_t octets[16];
	uint8_t family; /* enum family */
	uint8_t bits;
};

/* Is `inner` a part of `net`, or all of it? */
bool net_covers(const struct net *net, const struct net *inner);

struct net_list {
	bool given;    /* an empty list that was given matches nothing */
	unsigned sets; /* named sets */
	struct net *nets;
	size_t count;
};

/*
 * Is the address, with its membership, in the list?  A set or a net that
 * holds it is enough.
 */
bool net_list_has(const struct net_list *list, const struct address *address,
    struct membership membership);

/*
 * Does the list open the address?  As net_list_has(), but an address of this
 * host and a metadata service are opened by those words or by a net of just
 * that address, by nothing wider.
 */
bool net_list_opens(const struct net_list *list, const struct address *address,
    struct membership membership);

/* The well-known NAT64 prefix, 64:ff9b::/96. */
extern const struct net nat64_well_known;

/* The bits that a NAT64 prefix may have: 32, 40, 48, 56, 64, 96. */
bool nat64_bits_valid(unsigned bits);

/*
 * What an address is for every rule: the IPv4 address inside, where it lies
 * in 64:ff9b::/96 or in one of the `count` prefixes (IPv6, with valid bits);
 * else itself.  The port is kept.
 */
struct address address_inside(const struct address *address,
    const struct net *prefixes, size_t count);

/* The other way round, RFC 6052 2.2: the IPv6 address that has the IPv4 one
 * inside, behind a prefix of valid bits.  The port is kept. */
struct address address_embed(const struct address *ipv4,
    const struct net *prefix);

#endif
