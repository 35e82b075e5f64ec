/* SPDX-License-Identifier: ISC */
/*
 * Where connections come from and how they are marked, as the directives
 * `source' and `mark' have it, or a rule in their place.
 */
#ifndef SOCKS64_POLICY_ORIGIN_H
#define SOCKS64_POLICY_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/sets.h"

/* Zero says nothing. */
struct origin {
	/* FAMILY_NONE: the kernel's choice, or that of the directives.  All
	 * bits: that address.  Fewer, of IPv6 in a rule alone: each connection
	 * has a random address of that net. */
	struct net source_ipv4;
	struct net source_ipv6;
	/* SO_MARK; 0, which every socket has, is none.  A rule may say so
	 * in the place of the directive. */
	bool mark_given;
	uint32_t mark;
};

/* Does it say anything? */
bool origin_given(const struct origin *o);

/* Do both say the same?  NULL says nothing. */
bool origin_equal(const struct origin *a, const struct origin *b);

/* What holds where a rule says `own' (NULL: nothing) and the directives
 * `general': by families, for a rule may name a source of one alone. */
struct origin origin_merge(const struct origin *general,
    const struct origin *own);

/* Is that source a net to choose an address from? */
bool origin_is_net(const struct net *source);

/* Is the source of IPv6 such a net, and the address (FAMILY_NONE: never) in
 * it? */
bool origin_has(const struct origin *o, const struct address *address);

#endif
