/* SPDX-License-Identifier: ISC */
/*
 * An IP address with a port, in one canonical form: an IPv4-mapped IPv6
 * address is IPv4 from its construction on.  Pure.
 *
 * There is no scope id here: a session keeps its client's and puts it into
 * every sockaddr towards the client.
 */
#ifndef SOCKS64_WIRE_ADDRESS_H
#define SOCKS64_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum family {
	FAMILY_NONE, /* no address */
	FAMILY_IPV4,
	FAMILY_IPV6,
};

/* The first port that no privilege guards. */
enum { PORT_UNPRIVILEGED = 1024 };

struct address {
	enum family family;
	uint16_t port;      /* host byte order */
	uint8_t octets[16]; /* network byte order; 4 used by IPv4, rest 0 */
};

/* [2001:db8:1111:2222:3333:4444:5555:6666]:65535 and a NUL fit. */
enum { ADDRESS_TEXT = 54 };

struct address address_ipv4(const uint8_t octets[4], uint16_t port);

/* Folds ::ffff:a.b.c.d to IPv4. */
struct address address_ipv6(const uint8_t octets[16], uint16_t port);

/* How many octets of `octets` count: 0, 4 or 16. */
size_t address_length(const struct address *a);

/* In fe80::/10: it means nothing without an interface (RFC 4291 2.5.6). */
bool address_is_link_local(const struct address *a);

/* The same family and octets; the ports are not looked at. */
bool address_equal(const struct address *a, const struct address *b);

/* 0.0.0.0 or ::, whatever the port? */
bool address_is_any(const struct address *a);

/* Do the first `bits` bits of both agree?  False for different families.
 * bits is at most 32 for IPv4, 128 for IPv6. */
bool address_in_prefix(const struct address *a, const struct address *prefix,
    unsigned bits);

/*
 * Numeric text to address (RFC 4291 2.2; a strict dotted quad: four decimal
 * numbers 0-255 without leading zeros).  No brackets, zone id, port or
 * blanks; never a resolver.  False: *out is unchanged.  The port is 0.
 */
bool address_parse(const char *text, size_t length, struct address *out);

/*
 * ADDRESS, ADDRESS:PORT, [ADDRESS] or [ADDRESS]:PORT; the port is
 * default_port where none is given.  Ports 1 to 65535.
 */
bool address_parse_port(const char *text, size_t length, uint16_t default_port,
    struct address *out);

/* A decimal port, `low` to 65535, without sign or leading zeros. */
bool port_parse(const char *text, size_t length, uint16_t low, uint16_t *out);

/* Appends 192.0.2.1 or 2001:db8::1 (RFC 5952); "-" for FAMILY_NONE. */
void address_add(struct text *t, const struct address *a);

/* Appends 192.0.2.1:80 or [2001:db8::1]:80; "-" for FAMILY_NONE. */
void address_add_port(struct text *t, const struct address *a);

#endif
