/* SPDX-License-Identifier: ISC */
/*
 * SOCKS protocol version 5 (RFC 1928): greeting, request and reply, octets to
 * structs and back.  Pure.
 */
#ifndef SOCKS64_WIRE_SOCKS5_H
#define SOCKS64_WIRE_SOCKS5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/cursor.h"
#include "wire/request.h"

enum { SOCKS5_VERSION = 5 };

/* ATYP, RFC 1928 5. */
enum {
	ATYP_IPV4 = 1,
	ATYP_DOMAINNAME = 3,
	ATYP_IPV6 = 4,
	ATYP_ADDRESS_ID = 8, /* draft-kitamura-socks-ipv6-01 */
};

/* METHOD, RFC 1928 3. */
enum socks5_method {
	SOCKS5_METHOD_NONE = 0x00,
	SOCKS5_METHOD_PASSWORD = 0x02,
	SOCKS5_METHOD_NO_ACCEPTABLE = 0xff,
};

struct socks5_greeting {
	bool offers[256]; /* by METHOD; 0xff is never set */
};

/* VER NMETHODS METHODS.  PARSE_BAD: VER is not 5.  The cursor moves and *out
 * is written on PARSE_DONE only. */
enum parse socks5_greeting_parse(struct cursor *c,
    struct socks5_greeting *out);

/*
 * VER CMD RSV ATYP DST.ADDR DST.PORT.  PARSE_BAD: *why is the REP to answer
 * (01 version or name, 08 ATYP; 07 never: the command is the caller's to
 * know), and of *out what was read so far.  The cursor moves on PARSE_DONE
 * only.
 */
enum parse socks5_request_parse(struct cursor *c, struct request *out,
    enum reply *why);

/* Octets of an address field with ATYP 08: CLASS and REALID. */
enum { SOCKS5_ID_SIZE = 4 };

/*
 * How many octets an address field of that ATYP has, into *length.  A name
 * says so itself, in its first octet, which is taken from the walk.  False: an
 * ATYP that nobody knows.
 */
bool socks5_address_length(struct cursor *walk, uint8_t type, size_t *length);

/*
 * ATYP DST.ADDR DST.PORT alone, as requests, datagrams and the control
 * channel of UDP have it, into those fields of *out, which are zero before.
 * As socks5_request_parse().
 */
enum parse socks5_address_parse(struct cursor *c, struct request *out,
    enum reply *why);

/* FLAG of UDP ASSOCIATE, draft-ietf-aft-socks-pro-v5: the client asks whether
 * it may send INTERFACE DATA; the reply has it where it may. */
enum { SOCKS5_FLAG_INTERFACE_REQUEST = 0x01 };

/* The longest reply, and where its FLAG is (RSV of RFC 1928). */
enum {
	SOCKS5_REPLY_MAX = 22,
	SOCKS5_NAME_REPLY_MAX = 7 + NAME_LENGTH_MAX,
	SOCKS5_REPLY_FLAG = 2,
};

/*
 * VER REP RSV ATYP BND.ADDR BND.PORT into octets; returns the length, 10 or
 * 22.  bound NULL or FAMILY_NONE: ATYP 01 and zeros.
 */
size_t socks5_reply_format(enum reply reply, const struct address *bound,
    uint8_t octets[SOCKS5_REPLY_MAX]);

/* The same with an ADDRESS ID for BND.ADDR (draft-kitamura-socks-ipv6-01);
 * returns the length, 10. */
size_t socks5_reply_format_id(enum reply reply, uint32_t id, uint16_t port,
    uint8_t octets[SOCKS5_REPLY_MAX]);

/* The same with a name of 1 to 253 octets, and port 0. */
size_t socks5_reply_format_name(enum reply reply, const char *name,
    uint8_t octets[SOCKS5_NAME_REPLY_MAX]);

#endif
