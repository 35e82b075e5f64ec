/* SPDX-License-Identifier: ISC */
/*
 * The prefixes of interfaces, as routes without a gateway of proc(5): those of
 * addresses, and of IPv6 those that a router announced.  A netlink socket
 * would tell the same, but could also be used to change routes where `mark'
 * needs CAP_NET_ADMIN.  Opening the two files costs 22 us, so there is none
 * of addresses.
 */
#include "net/onlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/lines.h"
#include "base/number.h"
#include "net/failure.h"

enum {
	FIELDS = 10,
	SHORTEST_IPV4 = 8,
	SHORTEST_IPV6 = 16,
	/* Flags of <linux/route.h>. */
	ROUTE_GATEWAY = 0x0002,
	ROUTE_REJECT = 0x0200,
};

/* A line of a file, cut into words; and the prefix that it tells. */
struct link {
	const char *fields[FIELDS];
	struct address prefix;
	unsigned bits;
};

static bool parse_route(struct link *l);
static bool parse_route6(struct link *l);

static const struct source {
	const char *path;
	enum family family;
	/* Reads the prefix from the fields; false: the line has none. */
	bool (*parse)(struct link *l);
} sources[] = {
	{ "/proc/self/net/route", FAMILY_IPV4, parse_route },
	{ "/proc/self/net/ipv6_route", FAMILY_IPV6, parse_route6 },
};

/* The one after the descriptor of each; 0: it is not open.  Begins with zeros:
 * nobody copies a page of constants for it. */
static int nexts[ARRAY_COUNT(sources)];

static bool
hex_address(const char *text, struct address *out)
{
	struct address a = { .family = FAMILY_IPV6 };

	if (strlen(text) != 2 * sizeof(a.octets))
		return false;
	for (size_t i = 0; i < sizeof(a.octets); i++) {
		const unsigned high = hex_digit(text[2 * i]);
		const unsigned low = hex_digit(text[2 * i + 1]);

		if (high == NO_DIGIT || low == NO_DIGIT)
			return false;
		a.octets[i] = (uint8_t)(high << 4 | low);
	}
	*out = a;
	return true;
}

/* A net of IPv4 is printed as the number that memory holds, whatever the
 * order of octets in that. */
static struct address
printed_address(uint32_t net)
{
	uint8_t octets[4];

	memcpy(octets, &net, sizeof(octets));
	return address_ipv4(octets, 0);
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask */
static bool
parse_route(struct link *l)
{
	uint32_t net;
	uint32_t gateway;
	uint32_t flags;
	uint32_t mask;

	if (!hex_parse(l->fields[1], &net) ||
	    !hex_parse(l->fields[2], &gateway) ||
	    !hex_parse(l->fields[3], &flags) ||
	    !hex_parse(l->fields[7], &mask) || gateway != 0 ||
	    (flags & (ROUTE_GATEWAY | ROUTE_REJECT)) != 0)
		return false;
	l->prefix = printed_address(net);
	l->bits = 0;
	for (; mask != 0; mask &= mask - 1)
		l->bits++;
	return l->bits >= SHORTEST_IPV4 && l->bits < 32;
}

/* NET BITS SOURCE BITS GATEWAY METRIC REFERENCES USE FLAGS NAME */
static bool
parse_route6(struct link *l)
{
	struct address gateway;
	uint32_t flags;

	return hex_address(l->fields[0], &l->prefix) &&
	    hex_parse(l->fields[1], &l->bits) && l->bits >= SHORTEST_IPV6 &&
	    l->bits < 128 && hex_address(l->fields[4], &gateway) &&
	    address_is_any(&gateway) && hex_parse(l->fields[8], &flags) &&
	    (flags & (ROUTE_GATEWAY | ROUTE_REJECT)) == 0;
}

static void
line_cut(char *line, struct link *l)
{
	char *rest = line;

	for (size_t i = 0; i < FIELDS; i++)
		l->fields[i] = "";
	for (size_t i = 0; i < FIELDS && rest != NULL;) {
		const char *word = strsep(&rest, " \t");

		if (*word != '\0')
			l->fields[i++] = word;
	}
}

static enum match
source_has(size_t i, const struct address *address)
{
	struct lines lines;
	struct link l;
	size_t length;

	lines_start(&lines, nexts[i] - 1);
	for (char *line = lines_next(&lines, &length);
	     line != NULL && lines.offset < ONLINK_FILE_MAX;
	     line = lines_next(&lines, &length)) {
		line_cut(line, &l);
		if (sources[i].parse(&l) &&
		    address_in_prefix(address, &l.prefix, l.bits))
			return MATCH_YES;
	}
	return lines.failed ? MATCH_UNSURE : MATCH_NO;
}

bool
onlink_prepare(const struct policy *policy)
{
	if (!policy_asks_on_link(policy, NULL))
		return true;
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		nexts[i] = open(sources[i].path, O_RDONLY | O_CLOEXEC) + 1;
		if (nexts[i] == 0 && failure_is_ours(errno))
			return false;
	}
	return true;
}

enum match
onlink_has(const struct address *address)
{
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++)
		if (nexts[i] != 0 && sources[i].family == address->family)
			return source_has(i, address);
	return MATCH_NO;
}

const char *
onlink_problem(void)
{
	char octet;

	if (nexts[0] == 0)
		return "/proc/self/net/route cannot be read, so nothing is "
		       "on-link: name your nets";
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++)
		if (nexts[i] != 0 &&
		    pread(nexts[i] - 1, &octet, 1, ONLINK_FILE_MAX) == 1)
			return "this host has so many routes that not all "
			       "are looked at: name your nets";
	return NULL;
}

void
onlink_close(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		if (nexts[i] != 0)
			close(nexts[i] - 1);
		nexts[i] = 0;
	}
}
