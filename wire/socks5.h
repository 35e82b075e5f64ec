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
#include "wire/name.h"

enum { SOCKS5_VERSION = 5 };

/* METHOD, RFC 1928 3. */
enum socks5_method {
	SOCKS5_METHOD_NONE = 0x00,
	SOCKS5_METHOD_PASSWORD = 0x02,
	SOCKS5_METHOD_NO_ACCEPTABLE = 0xff,
};

/* CMD, RFC 1928 4. */
enum socks5_command {
	SOCKS5_CONNECT = 1,
	SOCKS5_BIND = 2,
	SOCKS5_UDP_ASSOCIATE = 3,
};

/* REP, RFC 1928 6; 09 by draft-ietf-aft-socks-pro-v5. */
enum reply {
	REPLY_SUCCEEDED = 0,
	REPLY_GENERAL_FAILURE = 1,
	REPLY_NOT_ALLOWED = 2,
	REPLY_NETWORK_UNREACHABLE = 3,
	REPLY_HOST_UNREACHABLE = 4,
	REPLY_CONNECTION_REFUSED = 5,
	REPLY_TTL_EXPIRED = 6,
	REPLY_COMMAND_NOT_SUPPORTED = 7,
	REPLY_ADDRESS_TYPE_NOT_SUPPORTED = 8,
	REPLY_INVALID_ADDRESS = 9,
};

struct socks5_greeting {
	bool offers[256]; /* by METHOD; 0xff is never set */
};

/* Exactly what was asked. */
struct socks5_request {
	uint8_t command;
	uint8_t flag;           /* RSV of RFC 1928, FLAG of pro-v5 */
	/* NAME_HOST: name; NAME_LITERAL: address; NAME_BAD of a whole request:
	 * a UDP ASSOCIATE, whose name nobody looks up. */
	enum name_kind kind;
	bool by_name;           /* sent as DOMAINNAME, a literal too */
	struct address address; /* with the port; for a name only the port */
	char name[NAME_LENGTH_MAX + 1];
	/* The address field as it came, for the log. */
	uint8_t asked[255];
	uint8_t asked_length;
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
enum parse socks5_request_parse(struct cursor *c, struct socks5_request *out,
    enum reply *why);

/*
 * ATYP DST.ADDR DST.PORT alone, as requests, datagrams and the control
 * channel of UDP have it, into those fields of *out, which are zero before.
 * As socks5_request_parse().
 */
enum parse socks5_address_parse(struct cursor *c, struct socks5_request *out,
    enum reply *why);

/* FLAG of UDP ASSOCIATE, draft-ietf-aft-socks-pro-v5: the client asks whether
 * it may send INTERFACE DATA; the reply has it where it may. */
enum { SOCKS5_FLAG_INTERFACE_REQUEST = 0x01 };

/* The longest reply, and where its FLAG is (RSV of RFC 1928). */
enum { SOCKS5_REPLY_MAX = 22, SOCKS5_REPLY_FLAG = 2 };

/*
 * VER REP RSV ATYP BND.ADDR BND.PORT into octets; returns the length, 10 or
 * 22.  bound NULL or FAMILY_NONE: ATYP 01 and zeros.
 */
size_t socks5_reply_format(enum reply reply, const struct address *bound,
    uint8_t octets[SOCKS5_REPLY_MAX]);

#endif
