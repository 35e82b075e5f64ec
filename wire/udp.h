/* SPDX-License-Identifier: ISC */
/*
 * What UDP ASSOCIATE adds to SOCKS5: the header of each datagram (RFC 1928 7)
 * and the messages of the control channel (draft-ietf-aft-socks-pro-v5-04).
 * Pure.
 */
#ifndef SOCKS64_WIRE_UDP_H
#define SOCKS64_WIRE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/cursor.h"
#include "wire/socks5.h"

/* The longest header that we make: an answer has no name in it. */
enum { UDP_HEADER_MAX = 22 };

struct udp_header {
	uint8_t fragment;  /* FRAG; 0: it stands alone */
	struct request to; /* its address fields alone */
};

/*
 * RSV FRAG ATYP DST.ADDR DST.PORT, at the start of a whole datagram: true,
 * and the cursor stands on DATA; false for what is no header, and cursor and
 * *out are of no use.  RSV is not looked at.
 */
bool udp_header_parse(struct cursor *c, struct udp_header *out);

/* The header of an answer; returns its length, 10 or 22.  from is IPv4 or
 * IPv6. */
size_t udp_header_format(const struct address *from,
    uint8_t octets[UDP_HEADER_MAX]);

/* The same with an ADDRESS ID (draft-kitamura-socks-ipv6-01); its length is
 * 10. */
size_t udp_header_format_id(uint32_t id, uint16_t port,
    uint8_t octets[UDP_HEADER_MAX]);

/* SUB of the control channel. */
enum { UDP_CONTROL_INTERFACE_DATA = 1 };

struct udp_control {
	struct request to; /* its address fields alone */
};

/*
 * RSV SUB FLAG ATYP ADDR PORT, of which SUB can be INTERFACE DATA only.
 * PARSE_BAD: *why is the REP to answer (01 RSV or name, 07 SUB, 08 ATYP).
 * The cursor moves and *out is of use on PARSE_DONE only.
 */
enum parse udp_control_parse(struct cursor *c, struct udp_control *out,
    enum reply *why);

#endif
