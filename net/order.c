/* SPDX-License-Identifier: ISC */
/*
 * RFC 6724 6, destination address selection, as tables.  Rules 3, 4 and 7
 * need what only the kernel knows of a source (deprecated, home, tunnelled)
 * and are left out.  Pure.
 */
#include "net/order.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"

enum {
	SCOPE_LINK = 2,
	SCOPE_SITE = 5,
	SCOPE_GLOBAL = 14,
	SOURCE_PREFIX = 64, /* of a source; nobody tells us the real one */
};

/* RFC 6724 2.1, longest prefix first. */
struct policy_row {
	uint8_t prefix[16];
	unsigned bits;
	int precedence;
	int label;
};

static const struct policy_row policy_table[] = {
	{ { [15] = 1 }, 128, 50, 0 },                /* ::1 */
	{ { [10] = 0xff, [11] = 0xff }, 96, 35, 4 }, /* IPv4 */
	{ { 0 }, 96, 1, 3 },                         /* compatible */
	{ { 0x20, 0x01, 0x00, 0x00 }, 32, 5, 5 },    /* Teredo */
	{ { 0x20, 0x02 }, 16, 30, 2 },               /* 6to4 */
	{ { 0x3f, 0xfe }, 16, 1, 12 },               /* 6bone */
	{ { 0xfe, 0xc0 }, 10, 1, 11 },               /* site-local */
	{ { 0xfc }, 7, 3, 13 },                      /* ULA */
	{ { 0 }, 0, 40, 1 },                         /* the rest */
};

/* RFC 6724 3.1 and 3.2.  The first row that covers an address decides. */
static const struct {
	enum family family;
	uint8_t prefix[16];
	unsigned bits;
	int scope;
} scopes[] = {
	{ FAMILY_IPV4, { 169, 254 }, 16, SCOPE_LINK },
	{ FAMILY_IPV4, { 127 }, 8, SCOPE_LINK },
	{ FAMILY_IPV6, { [15] = 1 }, 128, SCOPE_LINK },
	{ FAMILY_IPV6, { 0xfe, 0x80 }, 10, SCOPE_LINK },
	{ FAMILY_IPV6, { 0xfe, 0xc0 }, 10, SCOPE_SITE },
};

static bool
is_covered(const struct address *a, enum family family,
    const uint8_t prefix[16], unsigned bits)
{
	struct address net = { .family = family };

	memcpy(net.octets, prefix, sizeof(net.octets));
	return address_in_prefix(a, &net, bits);
}

static int
scope_of(const struct address *a)
{
	if (a->family == FAMILY_IPV6 && a->octets[0] == 0xff)
		return a->octets[1] & 15;
	for (size_t i = 0; i < ARRAY_COUNT(scopes); i++)
		if (is_covered(a, scopes[i].family, scopes[i].prefix,
			scopes[i].bits))
			return scopes[i].scope;
	return SCOPE_GLOBAL;
}

/* IPv4 is looked up as IPv4-mapped, which struct address never holds. */
static const struct policy_row *
policy_of(const struct address *a)
{
	struct address wide = { .family = FAMILY_IPV6 };
	size_t i = 0;

	if (a->family == FAMILY_IPV4) {
		wide.octets[10] = 0xff;
		wide.octets[11] = 0xff;
		memcpy(wide.octets + 12, a->octets, 4);
	} else {
		memcpy(wide.octets, a->octets, 16);
	}
	while (!is_covered(&wide, FAMILY_IPV6, policy_table[i].prefix,
	    policy_table[i].bits))
		i++;
	return &policy_table[i];
}

static unsigned
common_bits(const struct destination *d)
{
	unsigned bits = 0;

	while (bits < SOURCE_PREFIX &&
	    address_in_prefix(&d->address, &d->source, bits + 1))
		bits++;
	return bits;
}

/* What is greater goes first; the rules' numbers are RFC 6724's. */
static int
rule_1_usable(const struct destination *d)
{
	return d->source.family != FAMILY_NONE;
}

static int
rule_2_scope(const struct destination *d)
{
	return scope_of(&d->address) == scope_of(&d->source);
}

static int
rule_5_label(const struct destination *d)
{
	return policy_of(&d->address)->label == policy_of(&d->source)->label;
}

static int
rule_6_precedence(const struct destination *d)
{
	return policy_of(&d->address)->precedence;
}

static int
rule_8_scope(const struct destination *d)
{
	return -scope_of(&d->address);
}

/* IPv4 nets say nothing by their common bits. */
static int
rule_9_prefix(const struct destination *d)
{
	return d->address.family == FAMILY_IPV6 ? (int)common_bits(d) : -1;
}

typedef int rule(const struct destination *d);

static rule *const rules[] = {
	rule_1_usable,
	rule_2_scope,
	rule_5_label,
	rule_6_precedence,
	rule_8_scope,
	rule_9_prefix,
};

static bool
is_before(const struct destination *a, const struct destination *b)
{
	for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
		const int of_a = rules[i](a);
		const int of_b = rules[i](b);

		if (rules[i] == rule_9_prefix &&
		    a->address.family != b->address.family)
			continue;
		if (of_a != of_b)
			return of_a > of_b;
	}
	return false; /* rule 10 */
}

void
order_sort(struct destination *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct destination moving = list[i];
		size_t to = i;

		while (to > 0 && is_before(&moving, &list[to - 1])) {
			list[to] = list[to - 1];
			to--;
		}
		list[to] = moving;
	}
}

/* The first of list[from..n) that has this family, moved to `from`. */
static void
bring_forward(struct destination *list, size_t from, size_t n,
    enum family family)
{
	struct destination found;
	size_t at = from;

	while (at < n && list[at].address.family != family)
		at++;
	if (at == n)
		return;
	found = list[at];
	memmove(&list[from + 1], &list[from], (at - from) * sizeof(list[0]));
	list[from] = found;
}

void
order_interleave(struct destination *list, size_t n, enum family first)
{
	size_t routed = 0;
	enum family next = first;

	while (routed < n && rule_1_usable(&list[routed]))
		routed++;
	for (size_t i = 0; i < n; i++) {
		if (next != FAMILY_NONE)
			bring_forward(list, i, i < routed ? routed : n, next);
		next = list[i].address.family == FAMILY_IPV6 ? FAMILY_IPV4 :
							       FAMILY_IPV6;
	}
}
