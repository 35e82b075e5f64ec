/* SPDX-License-Identifier: ISC */
/*
 * What the client of a SOCKS5 server sends and gets (RFC 1928, RFC 1929, the
 * ADDRESS ID of draft-kitamura-socks-ipv6-01): greeting, login, request and
 * header of a datagram to octets; method, answer to the login, reply and
 * header of a datagram to structs.  Pure.
 */
#ifndef SOCKS64_WIRE_CLIENT_H
#define SOCKS64_WIRE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/cursor.h"
#include "wire/login.h"
#include "wire/socks5.h"

/* The longest message of each kind.  Of a reply, too: BND.ADDR may be a name
 * of 255 octets. */
enum {
	CLIENT_GREETING_MAX = 4,
	CLIENT_METHOD_SIZE = 2,
	CLIENT_LOGIN_MAX = 3 + 2 * LOGIN_FIELD_MAX,
	CLIENT_REQUEST_MAX = 262,
	CLIENT_REPLY_MAX = 262,
	CLIENT_DATAGRAM_MAX = 262, /* the header alone */
};

/*
 * The address field of a message with its port: a name where `name` is not
 * NULL, else an ADDRESS ID where `id` is not 0, else `address`, which is sent
 * as 0.0.0.0 where its family is FAMILY_NONE.  The port is address.port for
 * each of the three.
 */
struct client_address {
	/* Borrowed: from the caller to send, from the octets that the cursor
	 * walks over when received.  Any octets, without a NUL behind them.
	 * 1 to 255 to send; a server may say a name without any. */
	const uint8_t *name;
	uint8_t name_length;
	uint32_t id; /* CLASS and REALID, as one number */
	struct address address;
};

struct client_request {
	uint8_t command; /* CMD */
	uint8_t flag;    /* RSV of RFC 1928 */
	struct client_address to;
};

struct client_reply {
	enum reply reply; /* REP; any octet */
	uint8_t flag;
	struct client_address bound; /* BND.ADDR, BND.PORT */
};

/* The greeting that offers "no authentication", and username and password
 * where `password` is true.  Returns its length, 3 or 4. */
size_t client_greeting_format(bool password,
    uint8_t octets[CLIENT_GREETING_MAX]);

/* The greeting that offers that method alone, for a client that sends what
 * comes behind it at once.  Returns its length, 3. */
size_t client_greeting_only(enum socks5_method method,
    uint8_t octets[CLIENT_GREETING_MAX]);

/* Username and password; returns the length.  The fields are within their
 * ranges (wire/login.h). */
size_t client_login_format(const struct login *login,
    uint8_t octets[CLIENT_LOGIN_MAX]);

/* A request; returns the length, 8 to 262. */
size_t client_request_format(const struct client_request *request,
    uint8_t octets[CLIENT_REQUEST_MAX]);

/* The header in front of a datagram, FRAG 0; returns the length, 8 to 262. */
size_t client_datagram_format(const struct client_address *to,
    uint8_t octets[CLIENT_DATAGRAM_MAX]);

/*
 * All parsers: PARSE_DONE: *out is set and the cursor stands behind the
 * message.  PARSE_BAD: the server speaks something else; it comes as soon as
 * it is certain.  The cursor moves on PARSE_DONE only.
 */

/* VER METHOD; which method is the caller's to judge. */
enum parse client_method_parse(struct cursor *c, uint8_t *method);

/* The answer to a login.  VER is not looked at: there are servers that say 5
 * where RFC 1929 has 1, and only the status means something.  Never
 * PARSE_BAD. */
enum parse client_login_parse(struct cursor *c, bool *granted);

/*
 * A reply.  PARSE_MORE: out->reply is REP where its octet is there, else
 * REPLY_SUCCEEDED, for a server that hangs up within its refusal.  A refusal
 * with an ATYP that nobody knows is whole with that octet, for nothing comes
 * behind a refusal; a success with one is PARSE_BAD.
 */
enum parse client_reply_parse(struct cursor *c, struct client_reply *out);

/*
 * How many octets are surely missing behind the first `length` octets of a
 * reply: whoever reads no more than that never takes an octet of what follows
 * it.  0: it is whole, or bad.
 */
size_t client_reply_missing(const uint8_t *octets, size_t length);

/* The header of a datagram that came from the server, whole and with FRAG 0:
 * true, *from is set and the cursor stands on the data.  False: to be dropped;
 * cursor and *from are of no use. */
bool client_datagram_parse(struct cursor *c, struct client_address *from);

#endif
