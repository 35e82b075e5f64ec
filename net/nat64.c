/* SPDX-License-Identifier: ISC */
/*
 * Which prefix, and what becomes of an address by it.
 */
#include "net/nat64.h"

#include <string.h>

#include "base/array.h"
#include "base/seldom.h"
#include "net/route.h"

/* A session asks once, if at all: most never touch these pages. */
static SELDOM struct resolution lookup;

bool
nat64_needed(const struct settings *settings,
    const struct address *destination, const struct address *source)
{
	return settings->nat64_auto && destination->family == FAMILY_IPV4 &&
	    source->family == FAMILY_NONE &&
	    route_wanted(settings, FAMILY_IPV6);
}

struct address
nat64_address(const struct nat64 *n, const struct address *ipv4)
{
	return address_embed(ipv4, &n->prefix);
}

/* --------------------------------------------------------- RFC 7050 3 */

/* How often do these four octets stand in the address, at any place? */
static unsigned
occurrences(const struct address *a, const uint8_t octets[4])
{
	unsigned n = 0;

	for (size_t i = 0; i + 4 <= sizeof(a->octets); i++)
		if (memcmp(a->octets + i, octets, 4) == 0)
			n++;
	return n;
}

/* The prefix by which `a' is one of the two addresses of ipv4only.arpa. */
static bool
prefix_of(const struct address *a, struct net *out)
{
	static const uint8_t lengths[] = { 96, 64, 56, 48, 40, 32 };
	static const uint8_t known[][4] = { { 192, 0, 0, 170 },
		{ 192, 0, 0, 171 } };

	for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
		struct net net = { .family = FAMILY_IPV6, .bits = lengths[i] };

		memcpy(net.octets, a->octets, lengths[i] / 8);
		for (size_t k = 0; k < ARRAY_COUNT(known); k++) {
			const struct address ipv4 = address_ipv4(known[k], 0);
			const struct address whole = address_embed(&ipv4,
			    &net);

			if (!address_equal(&whole, a) ||
			    occurrences(a, known[k]) > 1)
				continue;
			*out = net;
			return true;
		}
	}
	return false;
}

static bool
is_welcome(const struct settings *settings, const struct net *prefix,
    const struct address *a)
{
	if (prefix->bits == nat64_well_known.bits &&
	    memcmp(prefix->octets, nat64_well_known.octets,
		sizeof(prefix->octets)) == 0)
		return true;
	return (membership_of(a, route_probe(settings, a, 0).self).sets &
		   SET_GLOBAL) != 0;
}

void
nat64_conclude(struct nat64 *n, const struct settings *settings,
    const struct address *list, size_t count)
{
	n->state = NAT64_NONE;
	for (size_t i = 0; i < count && n->state == NAT64_NONE; i++) {
		struct net prefix;

		if (list[i].family != FAMILY_IPV6 ||
		    !prefix_of(&list[i], &prefix))
			continue;
		if (is_welcome(settings, &prefix, &list[i])) {
			n->prefix = prefix;
			n->state = NAT64_FOUND;
		} else {
			n->refused = true;
		}
	}
}

/* ------------------------------------------------------------- asking */

static void
conclude_lookup(struct nat64 *n, const struct settings *settings)
{
	if (!resolve_done(&lookup))
		return;
	nat64_conclude(n, settings, lookup.ipv6.list, lookup.ipv6.count);
	resolve_end(&lookup);
}

void
nat64_ask(struct nat64 *n, const struct settings *settings)
{
	if (n->state != NAT64_UNASKED)
		return;
	if (settings->nat64_count > 0) {
		n->prefix = settings->nat64[0];
		n->state = NAT64_FOUND;
		return;
	}
	n->state = NAT64_PENDING;
	/* Its IPv4 addresses say nothing, and need not be waited for. */
	resolve_start_ipv6(&lookup, settings, NAT64_NAME);
	conclude_lookup(n, settings);
}

size_t
nat64_poll(struct nat64 *n, struct pollfd *fds, struct deadline *until)
{
	return n->state == NAT64_PENDING ? resolve_poll(&lookup, fds, until) :
					   0;
}

void
nat64_process(struct nat64 *n, const struct settings *settings,
    const struct pollfd *fds, size_t count)
{
	if (n->state != NAT64_PENDING)
		return;
	resolve_process(&lookup, fds, count);
	conclude_lookup(n, settings);
}

void
nat64_end(struct nat64 *n)
{
	if (n->state == NAT64_PENDING)
		resolve_end(&lookup);
}
