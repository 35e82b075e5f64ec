/* SPDX-License-Identifier: ISC */
/*
 * Addresses and their text forms.  Pure: inet_pton(3) only converts, and is
 * stricter than what we would write.
 */
#include "wire/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/number.h"

enum { GROUPS = 8 };

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

struct address
address_ipv4(const uint8_t octets[4], uint16_t port)
{
	struct address a = { .family = FAMILY_IPV4, .port = port };

	memcpy(a.octets, octets, 4);
	return a;
}

struct address
address_ipv6(const uint8_t octets[16], uint16_t port)
{
	struct address a = { .family = FAMILY_IPV6, .port = port };

	if (memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0)
		return address_ipv4(octets + sizeof(mapped_prefix), port);
	memcpy(a.octets, octets, 16);
	return a;
}

size_t
address_length(const struct address *a)
{
	switch (a->family) {
	case FAMILY_IPV4: return 4;
	case FAMILY_IPV6: return 16;
	case FAMILY_NONE: break;
	}
	return 0;
}

bool
address_is_link_local(const struct address *a)
{
	return a->family == FAMILY_IPV6 && a->octets[0] == 0xfe &&
	    (a->octets[1] & 0xc0) == 0x80;
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
	    memcmp(a->octets, b->octets, address_length(a)) == 0;
}

bool
address_is_any(const struct address *a)
{
	const struct address any = { .family = a->family };

	return a->family != FAMILY_NONE && address_equal(a, &any);
}

bool
address_in_prefix(const struct address *a, const struct address *prefix,
    unsigned bits)
{
	const size_t whole = bits / 8;
	const unsigned rest = bits % 8;

	if (a->family != prefix->family || bits > address_length(a) * 8)
		return false;
	if (memcmp(a->octets, prefix->octets, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((a->octets[whole] ^ prefix->octets[whole]) >> (8 - rest)) == 0;
}

bool
address_parse(const char *text, size_t length, struct address *out)
{
	char string[INET6_ADDRSTRLEN];
	uint8_t octets[16];

	if (length == 0 || length >= sizeof(string) ||
	    memchr(text, '\0', length) != NULL)
		return false;
	memcpy(string, text, length);
	string[length] = '\0';
	if (inet_pton(AF_INET, string, octets) == 1)
		*out = address_ipv4(octets, 0);
	else if (inet_pton(AF_INET6, string, octets) == 1)
		*out = address_ipv6(octets, 0);
	else
		return false;
	return true;
}

bool
port_parse(const char *text, size_t length, uint16_t low, uint16_t *out)
{
	uint32_t port = 0;

	if (length == 0 || length > 5 || (text[0] == '0' && length > 1))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(text[i]))
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	if (port > UINT16_MAX || port < low)
		return false;
	*out = (uint16_t)port;
	return true;
}

bool
address_parse_port(const char *text, size_t length, uint16_t default_port,
    struct address *out)
{
	const bool bracketed = length > 0 && text[0] == '[';
	const char *host = bracketed ? text + 1 : text;
	const size_t rest = bracketed ? length - 1 : length;
	const char *end = memchr(host, bracketed ? ']' : ':', rest);
	uint16_t port = default_port;
	struct address a;

	if (bracketed && end == NULL)
		return false;
	/* Several colons without brackets: IPv6 without a port. */
	if (end == NULL ||
	    (!bracketed &&
		memchr(end + 1, ':', rest - (size_t)(end + 1 - host)) != NULL))
		end = host + rest;
	if (!address_parse(host, (size_t)(end - host), &a))
		return false;
	if (bracketed)
		end++;
	if (end < text + length) {
		if (*end != ':' ||
		    !port_parse(end + 1, (size_t)(text + length - end - 1), 1,
			&port))
			return false;
	}
	a.port = port;
	*out = a;
	return true;
}

static void
add_quad(struct text *t, const uint8_t octets[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0)
			text_add_char(t, '.');
		text_add_number(t, octets[i]);
	}
}

static bool
is_zero_group(const uint8_t *octets, size_t group)
{
	return octets[2 * group] == 0 && octets[2 * group + 1] == 0;
}

/* So many groups that are zero follow one another from that one on. */
static size_t
zeros_from(const uint8_t *octets, size_t group)
{
	size_t n = 0;

	while (group + n < GROUPS && is_zero_group(octets, group + n))
		n++;
	return n;
}

/* Where `::' stands: the first of the longest runs of two zeros or more;
 * *length is 0 where there is none. */
static size_t
zeros_find(const uint8_t *octets, size_t *length)
{
	size_t best = 0;

	*length = 0;
	for (size_t i = 0; i < GROUPS; i++) {
		const size_t n = zeros_from(octets, i);

		if (n >= 2 && n > *length) {
			best = i;
			*length = n;
		}
	}
	return best;
}

/* Hexadecimal, without leading zeros. */
static void
add_group(struct text *t, const uint8_t *octets, size_t group)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned value = (unsigned)octets[2 * group] << 8 |
	    octets[2 * group + 1];

	for (unsigned shift = 16; shift > 0;) {
		shift -= 4;
		if (value >> shift != 0 || shift == 0)
			text_add_char(t, digits[value >> shift & 15]);
	}
}

static void
add_ipv6(struct text *t, const uint8_t octets[16])
{
	size_t zeros;
	const size_t start = zeros_find(octets, &zeros);
	/* ::192.0.2.1, as inet_ntop(3) has it. */
	const size_t end = zeros == GROUPS - 2 && start == 0 ? zeros : GROUPS;

	for (size_t i = 0; i < end;) {
		if (zeros > 0 && i == start) {
			text_add(t, "::");
			i += zeros;
			continue;
		}
		if (i > 0 && i != start + zeros)
			text_add_char(t, ':');
		add_group(t, octets, i++);
	}
	if (end < GROUPS)
		add_quad(t, octets + 2 * end);
}

/* inet_ntop(3) would call printf(3), and touch half a dozen pages more in each
 * session. */
void
address_add(struct text *t, const struct address *a)
{
	switch (a->family) {
	case FAMILY_NONE: text_add_char(t, '-'); break;
	case FAMILY_IPV4: add_quad(t, a->octets); break;
	case FAMILY_IPV6: add_ipv6(t, a->octets); break;
	}
}

void
address_add_port(struct text *t, const struct address *a)
{
	const bool brackets = a->family == FAMILY_IPV6;

	if (brackets)
		text_add_char(t, '[');
	address_add(t, a);
	if (brackets)
		text_add_char(t, ']');
	if (a->family != FAMILY_NONE) {
		text_add_char(t, ':');
		text_add_number(t, a->port);
	}
}
