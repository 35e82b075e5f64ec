/* SPDX-License-Identifier: ISC */
/*
 * SOCKS version 4 (the memo of Ying-Da Lee) and its extension 4A for names:
 * request and reply, octets to structs and back.  Pure.
 *
 * The version has no greeting, no IPv6 address, no UDP, and one refusal for
 * everything.
 */
#ifndef SOCKS64_WIRE_SOCKS4_H
#define SOCKS64_WIRE_SOCKS4_H

#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/cursor.h"
#include "wire/request.h"

enum {
	SOCKS4_VERSION = 4,
	SOCKS4_USERID_MAX = 255, /* without the NUL; the memo has no limit */
	SOCKS4_REPLY_SIZE = 8,
};

/* CD of a reply.  The two others of the memo, 92 and 93, are about identd
 * (RFC 1413), which nobody is asked here. */
enum socks4_code {
	SOCKS4_GRANTED = 90,
	SOCKS4_REJECTED = 91,
};

/* USERID: whom the client says that it serves.  Nothing proves it.  Any octets
 * but NUL; borrowed from those that the cursor walks over. */
struct socks4_claim {
	const uint8_t *userid;
	size_t length; /* 0 to 255 */
};

/*
 * VN CD DSTPORT DSTIP USERID NUL; and, where DSTIP is 0.0.0.x and x is not 0,
 * a name and its NUL (4A), which may be an address in writing.  Of *out, the
 * command is CD: CONNECT or BIND; bind_port and flag are 0, for DSTPORT of a
 * BIND is that of the primary connection.
 *
 * PARSE_BAD, as soon as it is certain: *why is 07 for another command, else 01
 * (version, USERID of more than 255 octets, a name that is no host name), and
 * *out has what was read so far.  by_name: the name is what is wrong, and
 * `asked' has its first 255 octets.  The cursor moves, and *claim is set, on
 * PARSE_DONE only.
 */
enum parse socks4_request_parse(struct cursor *c, struct request *out,
    struct socks4_claim *claim, enum reply *why);

/*
 * VN CD DSTPORT DSTIP into octets; returns the length, always 8.  Any reply
 * but REPLY_SUCCEEDED is 91, and zeros.  `bound' NULL: zeros; of FAMILY_NONE,
 * or an IPv6 address: 0.0.0.0 with its port, by which the memo means the
 * address that the client has reached the server at.
 */
size_t socks4_reply_format(enum reply reply, const struct address *bound,
    uint8_t octets[SOCKS4_REPLY_SIZE]);

#endif
