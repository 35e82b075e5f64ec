/* SPDX-License-Identifier: ISC */
/*
 * The address sets.  The one table of special-purpose ranges: the IANA
 * registries (RFC 6890 and its updates), multicast, class E, metadata
 * services.  Pure; all of it is constant and without relocations, so that it
 * is never a page of a process's own.
 */
#include "policy/sets.h"

#include <string.h>

#include "base/array.h"

enum { WORD_SIZE = 12, WHAT_SIZE = 32 };

static const struct {
	char word[WORD_SIZE];
	unsigned set;
} set_words[] = {
	{ "loopback", SET_LOOPBACK },
	{ "private", SET_PRIVATE },
	{ "link-local", SET_LINK_LOCAL },
	{ "multicast", SET_MULTICAST },
	{ "self", SET_SELF },
	{ "metadata", SET_METADATA },
	{ "special", SET_SPECIAL },
	{ "global", SET_GLOBAL },
	{ "on-link", SET_ON_LINK },
	{ "any", SET_ANY },
	{ "unix", SET_UNIX },
};

/*
 * The first row that holds an address names it; the sets of all such rows
 * count.  So what is narrower stands above what is wider.  Rows that the
 * registry calls globally reachable are here too: they are services, not
 * somebody's host.
 */
static const struct special {
	struct net net;
	uint16_t sets;
	char what[WHAT_SIZE];
} specials[] = {
	/*
	 * Metadata.  Sources: the pages on instance metadata of each provider;
	 * cloud-init's of its data sources (Scaleway, Akamai, OpenStack); and
	 * what agents dial: aws-c-auth (ECS, EKS), ec2-macos-init (EC2),
	 * oci-python-sdk (Oracle), datadog-agent (Tencent, Alibaba).
	 */
	/* EC2, Azure, Google Cloud, OpenStack and most others. */
	{ { { 169, 254, 169, 254 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* GKE's metadata server, on each node. */
	{ { { 169, 254, 169, 252 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Amazon ECS: credentials of a task; EKS: of a pod. */
	{ { { 169, 254, 170, 2 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	{ { { 169, 254, 170, 23 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Tencent Cloud. */
	{ { { 169, 254, 0, 23 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	{ { { 169, 254, 10, 10 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Scaleway. */
	{ { { 169, 254, 42, 42 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Alibaba Cloud. */
	{ { { 100, 100, 100, 200 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Azure's WireServer. */
	{ { { 168, 63, 129, 16 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	/* Oracle Cloud Classic. */
	{ { { 192, 0, 0, 192 }, FAMILY_IPV4, 32 }, SET_METADATA,
	    "a metadata service" },
	{ { { 127 }, FAMILY_IPV4, 8 }, SET_LOOPBACK, "loopback" },
	{ { { 10 }, FAMILY_IPV4, 8 }, SET_PRIVATE, "private" },
	{ { { 172, 16 }, FAMILY_IPV4, 12 }, SET_PRIVATE, "private" },
	{ { { 192, 168 }, FAMILY_IPV4, 16 }, SET_PRIVATE, "private" },
	{ { { 100, 64 }, FAMILY_IPV4, 10 }, SET_PRIVATE,
	    "private (RFC 6598)" },
	{ { { 169, 254 }, FAMILY_IPV4, 16 }, SET_LINK_LOCAL, "link-local" },
	{ { { 0 }, FAMILY_IPV4, 32 }, 0, "the unspecified address" },
	{ { { 0 }, FAMILY_IPV4, 8 }, 0, "this network (RFC 1122)" },
	{ { { 192, 0, 0, 8 }, FAMILY_IPV4, 32 }, 0, "a dummy (RFC 7600)" },
	{ { { 192, 0, 0, 9 }, FAMILY_IPV4, 32 }, 0, "anycast (RFC 7723)" },
	{ { { 192, 0, 0, 10 }, FAMILY_IPV4, 32 }, 0, "anycast (RFC 8155)" },
	{ { { 192, 0, 0, 170 }, FAMILY_IPV4, 31 }, 0,
	    "NAT64 discovery (RFC 7050)" },
	{ { { 192, 0, 0 }, FAMILY_IPV4, 29 }, 0,
	    "service continuity (RFC 7335)" },
	{ { { 192, 0, 0 }, FAMILY_IPV4, 24 }, 0, "reserved (RFC 6890)" },
	{ { { 192, 0, 2 }, FAMILY_IPV4, 24 }, 0, "for documentation" },
	{ { { 198, 51, 100 }, FAMILY_IPV4, 24 }, 0, "for documentation" },
	{ { { 203, 0, 113 }, FAMILY_IPV4, 24 }, 0, "for documentation" },
	{ { { 192, 31, 196 }, FAMILY_IPV4, 24 }, 0, "AS112 (RFC 7535)" },
	{ { { 192, 175, 48 }, FAMILY_IPV4, 24 }, 0, "AS112 (RFC 7534)" },
	{ { { 192, 52, 193 }, FAMILY_IPV4, 24 }, 0, "AMT (RFC 7450)" },
	{ { { 192, 88, 99, 2 }, FAMILY_IPV4, 32 }, 0,
	    "6a44 anycast (RFC 6751)" },
	{ { { 192, 88, 99 }, FAMILY_IPV4, 24 }, 0, "6to4 anycast (RFC 7526)" },
	{ { { 198, 18 }, FAMILY_IPV4, 15 }, 0, "for benchmarks (RFC 2544)" },
	{ { { 224 }, FAMILY_IPV4, 4 }, SET_MULTICAST, "multicast" },
	{ { { 255, 255, 255, 255 }, FAMILY_IPV4, 32 }, 0, "broadcast" },
	{ { { 240 }, FAMILY_IPV4, 4 }, 0, "reserved (RFC 1112)" },

	/* EC2; EKS: credentials of a pod. */
	{ { { 0xfd, 0, 0x0e, 0xc2, [14] = 0x02, 0x54 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	{ { { 0xfd, 0, 0x0e, 0xc2, [15] = 0x23 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	/* Google Cloud. */
	{ { { 0xfd, 0x20, 0, 0xce, [14] = 0x02, 0x54 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	/* Alibaba Cloud. */
	{ { { 0xfd, 0, 1, 0, [12] = 1, [14] = 2 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	/* Oracle Cloud. */
	{ { { 0xfd, 0, 0, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe }, FAMILY_IPV6,
	      128 },
	    SET_METADATA, "a metadata service" },
	/* Scaleway. */
	{ { { 0xfd, 0, 0, 0x42, [15] = 0x42 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	/* Akamai (Linode). */
	{ { { 0xfd, 0, 0xa9, 0xfe, 0xa9, 0xfe, [15] = 1 }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	/* OpenStack. */
	{ { { 0xfe, 0x80, [12] = 0xa9, 0xfe, 0xa9, 0xfe }, FAMILY_IPV6, 128 },
	    SET_METADATA, "a metadata service" },
	{ { { [15] = 1 }, FAMILY_IPV6, 128 }, SET_LOOPBACK, "loopback" },
	{ { { 0xfc }, FAMILY_IPV6, 7 }, SET_PRIVATE, "private" },
	{ { { 0xfe, 0x80 }, FAMILY_IPV6, 10 }, SET_LINK_LOCAL, "link-local" },
	{ { { 0xff }, FAMILY_IPV6, 8 }, SET_MULTICAST, "multicast" },
	{ { { 0 }, FAMILY_IPV6, 128 }, 0, "the unspecified address" },
	{ { { 0 }, FAMILY_IPV6, 96 }, 0, "IPv4-compatible" },
	{ { { [8] = 0xff, 0xff }, FAMILY_IPV6, 96 }, 0, "IPv4-translated" },
	{ { { 0, 0x64, 0xff, 0x9b, 0, 1 }, FAMILY_IPV6, 48 }, 0,
	    "local NAT64 (RFC 8215)" },
	{ { { 1 }, FAMILY_IPV6, 64 }, 0, "discard-only (RFC 6666)" },
	{ { { 1, [7] = 1 }, FAMILY_IPV6, 64 }, 0, "a dummy (RFC 9780)" },
	{ { { 0x20, 0x01 }, FAMILY_IPV6, 32 }, 0, "Teredo" },
	{ { { 0x20, 0x01, 0, 1, [15] = 1 }, FAMILY_IPV6, 128 }, 0,
	    "anycast (RFC 7723)" },
	{ { { 0x20, 0x01, 0, 1, [15] = 2 }, FAMILY_IPV6, 128 }, 0,
	    "anycast (RFC 8155)" },
	{ { { 0x20, 0x01, 0, 1, [15] = 3 }, FAMILY_IPV6, 128 }, 0,
	    "anycast (RFC 9665)" },
	{ { { 0x20, 0x01, 0, 2 }, FAMILY_IPV6, 48 }, 0,
	    "for benchmarks (RFC 5180)" },
	{ { { 0x20, 0x01, 0, 3 }, FAMILY_IPV6, 32 }, 0, "AMT (RFC 7450)" },
	{ { { 0x20, 0x01, 0, 4, 0x01, 0x12 }, FAMILY_IPV6, 48 }, 0,
	    "AS112 (RFC 7535)" },
	{ { { 0x20, 0x01, 0, 0x10 }, FAMILY_IPV6, 28 }, 0,
	    "ORCHID (RFC 4843)" },
	{ { { 0x20, 0x01, 0, 0x20 }, FAMILY_IPV6, 28 }, 0,
	    "ORCHIDv2 (RFC 7343)" },
	{ { { 0x20, 0x01, 0, 0x30 }, FAMILY_IPV6, 28 }, 0,
	    "a drone's identity (RFC 9374)" },
	{ { { 0x20, 0x01 }, FAMILY_IPV6, 23 }, 0, "reserved (RFC 2928)" },
	{ { { 0x20, 0x01, 0x0d, 0xb8 }, FAMILY_IPV6, 32 }, 0,
	    "for documentation" },
	{ { { 0x20, 0x02 }, FAMILY_IPV6, 16 }, 0, "6to4" },
	{ { { 0x26, 0x20, 0, 0x4f, 0x80 }, FAMILY_IPV6, 48 }, 0,
	    "AS112 (RFC 7534)" },
	{ { { 0x3f, 0xff }, FAMILY_IPV6, 20 }, 0, "for documentation" },
	{ { { 0x5f }, FAMILY_IPV6, 16 }, 0, "segment routing (RFC 9602)" },
	{ { { 0xfe, 0xc0 }, FAMILY_IPV6, 10 }, 0, "site-local (RFC 3879)" },
	/* All that is outside 2000::/3. */
	{ { { 0 }, FAMILY_IPV6, 3 }, 0, "outside 2000::/3" },
	{ { { 0x40 }, FAMILY_IPV6, 2 }, 0, "outside 2000::/3" },
	{ { { 0x80 }, FAMILY_IPV6, 1 }, 0, "outside 2000::/3" },
};

const struct net nat64_well_known = { { 0, 0x64, 0xff, 0x9b }, FAMILY_IPV6,
	96 };

unsigned
set_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_COUNT(set_words); i++)
		if (strcmp(set_words[i].word, word) == 0)
			return set_words[i].set;
	return 0;
}

static bool
bits_agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	const size_t whole = bits / 8;
	const unsigned rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Is the address inside?  False for another family. */
static bool
net_has(const struct net *net, const struct address *address)
{
	return net->family == address->family &&
	    bits_agree(net->octets, address->octets, net->bits);
}

bool
net_covers(const struct net *net, const struct net *inner)
{
	return net->family == inner->family && inner->bits >= net->bits &&
	    bits_agree(net->octets, inner->octets, net->bits);
}

bool
net_truncate(struct net *net)
{
	bool clean = true;

	for (size_t i = 0; i < sizeof(net->octets); i++) {
		const unsigned before = (unsigned)i * 8;
		uint8_t mask = 0;

		if (net->bits >= before + 8)
			mask = 0xff;
		else if (net->bits > before)
			mask = (uint8_t)(0xff00 >> (net->bits - before));
		if ((net->octets[i] & ~mask) != 0)
			clean = false;
		net->octets[i] &= mask;
	}
	return clean;
}

struct net
net_around(const struct address *address, unsigned bits)
{
	struct net net = { .family = (uint8_t)address->family,
		.bits = (uint8_t)bits };

	memcpy(net.octets, address->octets, sizeof(net.octets));
	(void)net_truncate(&net);
	return net;
}

struct address
net_base(const struct net *net)
{
	struct address base = { .family = (enum family)net->family };

	memcpy(base.octets, net->octets, sizeof(base.octets));
	return base;
}

void
net_add(struct text *out, const struct net *net)
{
	const struct address base = net_base(net);

	address_add(out, &base);
	text_add_char(out, '/');
	text_add_number(out, net->bits);
}

unsigned
net_bits_max(enum family family)
{
	switch (family) {
	case FAMILY_IPV4: return 32;
	case FAMILY_IPV6: return 128;
	case FAMILY_NONE: break;
	}
	return 0;
}

void
net_lengths_add(struct net_lengths *lengths, const struct net *net)
{
	const uint64_t bit = UINT64_C(1) << (net->bits % 64);

	if (net->family == FAMILY_IPV4)
		lengths->ipv4 |= bit;
	else
		lengths->ipv6[net->bits / 64] |= bit;
}

bool
net_lengths_have(const struct net_lengths *lengths, enum family family,
    unsigned bits)
{
	const uint64_t word = family == FAMILY_IPV4 ? lengths->ipv4 :
						      lengths->ipv6[bits / 64];

	return (word >> (bits % 64) & 1) != 0;
}

/* RFC 5214 6.1: under any prefix, 00-00-5E-FE with the u and g bits free. */
static bool
is_isatap(const struct address *address)
{
	static const uint8_t marker[3] = { 0x00, 0x5e, 0xfe };
	const uint8_t *interface = address->octets + 8;

	return address->family == FAMILY_IPV6 && (interface[0] & 0xfc) == 0 &&
	    memcmp(interface + 1, marker, sizeof(marker)) == 0;
}

struct membership
membership_of(const struct address *address, bool self)
{
	struct membership m = { .sets = 0, .what = NULL };

	if (address->family == FAMILY_NONE)
		return (struct membership){ SET_UNIX | SET_ANY, "unix" };
	for (size_t i = 0; i < ARRAY_COUNT(specials); i++) {
		if (!net_has(&specials[i].net, address))
			continue;
		m.sets |= specials[i].sets;
		if (m.what == NULL)
			m.what = specials[i].what;
	}
	/* SECURITY: a router for that prefix would hand the packet to the
	 * IPv4 address inside. */
	if (m.what == NULL && is_isatap(address))
		m.what = "ISATAP";
	if (self && (m.sets & SET_LOOPBACK) == 0) {
		m.sets |= SET_SELF;
		m.what = "an address of this host";
	}
	m.sets |= SET_ANY | (m.what == NULL ? SET_GLOBAL : SET_SPECIAL);
	if (m.what == NULL)
		m.what = "global";
	return m;
}

bool
nat64_bits_valid(unsigned bits)
{
	return bits == 96 || (bits >= 32 && bits <= 64 && bits % 8 == 0);
}

/* RFC 6052 2.2: behind the prefix, but never in octet 8.  That octet and the
 * suffix are not looked at: a translator need not do so either. */
static struct address
extract(const struct address *address, unsigned bits)
{
	uint8_t octets[4];
	size_t at = bits / 8;

	for (size_t i = 0; i < sizeof(octets); i++) {
		if (at == 8)
			at++;
		octets[i] = address->octets[at++];
	}
	return address_ipv4(octets, address->port);
}

struct address
address_inside(const struct address *address, const struct net *prefixes,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (net_has(&prefixes[i], address))
			return extract(address, prefixes[i].bits);
	if (net_has(&nat64_well_known, address))
		return extract(address, nat64_well_known.bits);
	return *address;
}

struct address
address_embed(const struct address *ipv4, const struct net *prefix)
{
	uint8_t octets[16] = { 0 };
	size_t at = prefix->bits / 8;

	memcpy(octets, prefix->octets, at);
	for (size_t i = 0; i < 4; i++) {
		if (at == 8)
			at++;
		octets[at++] = ipv4->octets[i];
	}
	return address_ipv6(octets, ipv4->port);
}
