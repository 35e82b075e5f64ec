/* SPDX-License-Identifier: ISC */
/*
 * What a client asks for and what it can be answered, whichever dialect of
 * SOCKS it speaks.  Types alone.
 */
#ifndef SOCKS64_WIRE_REQUEST_H
#define SOCKS64_WIRE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/name.h"

/* CMD of RFC 1928 4. */
enum request_command {
	REQUEST_CONNECT = 1,
	REQUEST_BIND = 2,
	REQUEST_UDP_ASSOCIATE = 3,
};

/* CMD of draft-kitamura-socks-ipv6-01: by itself, and added to each of the
 * three others, it asks for an ADDRESS ID. */
enum { REQUEST_ADDRESS_ASSOCIATE = 8 };

/* FLAG of draft-kitamura-socks-ipv6-01, for every command: the reply may have
 * the family of the destination. */
enum { REQUEST_FLAG_DESTINATION = 0x10 };

/* REP of RFC 1928 6; 09 by draft-ietf-aft-socks-pro-v5.  SOCKS4 has one
 * refusal for all of them. */
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

/* Exactly what was asked. */
struct request {
	uint8_t command; /* enum request_command; or any other number */
	uint8_t flag;    /* RSV of RFC 1928, FLAG of pro-v5 */
	/* NAME_HOST: name; NAME_LITERAL: address; NAME_BAD of a whole request:
	 * an ADDRESS ID, or a UDP ASSOCIATE, whose name nobody looks up. */
	enum name_kind kind;
	bool by_id;             /* sent as an ADDRESS ID */
	uint32_t id;            /* CLASS and REALID of that, as one number */
	bool by_name;           /* sent as a name; it may be a literal */
	struct address address; /* with the port; for a name only the port */
	uint16_t bind_port;     /* where a BIND would like to listen; 0: any */
	char name[NAME_LENGTH_MAX + 1];
	/* The address field as it came, for the log. */
	uint8_t asked[255];
	uint8_t asked_length;
};

#endif
