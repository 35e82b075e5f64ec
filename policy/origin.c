/* SPDX-License-Identifier: ISC */
/*
 * `source' and `mark', and those of a rule in the place of the directives'.
 * Pure.
 */
#include "policy/origin.h"

#include <string.h>

bool
origin_is_net(const struct net *source)
{
	return source->bits < net_bits_max((enum family)source->family);
}

bool
origin_has(const struct origin *o, const struct address *address)
{
	const struct net exact = net_around(address,
	    net_bits_max(address->family));

	return origin_is_net(&o->source_ipv6) &&
	    address->family != FAMILY_NONE &&
	    net_covers(&o->source_ipv6, &exact);
}

bool
origin_given(const struct origin *o)
{
	return o->source_ipv4.family != FAMILY_NONE ||
	    o->source_ipv6.family != FAMILY_NONE || o->mark_given;
}

bool
origin_equal(const struct origin *a, const struct origin *b)
{
	static const struct origin nothing;

	a = a == NULL ? &nothing : a;
	b = b == NULL ? &nothing : b;
	return memcmp(&a->source_ipv4, &b->source_ipv4,
		   sizeof(a->source_ipv4)) == 0 &&
	    memcmp(&a->source_ipv6, &b->source_ipv6, sizeof(a->source_ipv6)) ==
	    0 &&
	    a->mark_given == b->mark_given && a->mark == b->mark;
}

struct origin
origin_merge(const struct origin *general, const struct origin *own)
{
	struct origin merged = *general;

	if (own == NULL)
		return merged;
	if (own->source_ipv4.family != FAMILY_NONE)
		merged.source_ipv4 = own->source_ipv4;
	if (own->source_ipv6.family != FAMILY_NONE)
		merged.source_ipv6 = own->source_ipv6;
	if (own->mark_given) {
		merged.mark_given = true;
		merged.mark = own->mark;
	}
	return merged;
}
