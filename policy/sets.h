/* SPDX-License-Identifier: ISC */
/*
 * Sets of addresses: the named ones of socks64.conf(5), and nets; the IPv4
 * address that hides inside an IPv6 one (RFC 6052).  Pure.
 */
#ifndef SOCKS64_POLICY_SETS_H
#define SOCKS64_POLICY_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

/* Does a thing hold?  MATCH_UNSURE: that cannot be known, or not yet. */
enum match {
	MATCH_NO,
	MATCH_UNSURE,
	MATCH_YES,
};

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

/* Zeroes what is behind the prefix; false where there was something. */
bool net_truncate(struct net *net);

/* The first address of it, port 0; FAMILY_NONE of a net without a family. */
struct address net_base(const struct net *net);

/* Appends the net as it is written: ADDRESS/BITS. */
void net_add(struct text *out, const struct net *net);

/* The net of `bits` bits that the address is in. */
struct net net_around(const struct address *address, unsigned bits);

/* Which prefix lengths occur among some nets: bit N of ipv4 is /N, bit N of
 * ipv6[] counted through is /N. */
struct net_lengths {
	uint64_t ipv4;
	uint64_t ipv6[3];
};

void net_lengths_add(struct net_lengths *lengths, const struct net *net);

/* Does the length occur in that family? */
bool net_lengths_have(const struct net_lengths *lengths, enum family family,
    unsigned bits);

/* The longest prefix of a family: 32 or 128; 0 of none. */
unsigned net_bits_max(enum family family);

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
