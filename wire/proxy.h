/* SPDX-License-Identifier: ISC */
/*
 * The PROXY protocol: versions 1 and 2 as a receiver, which learns who the
 * client of the proxy before us is; version 2 as a sender, which tells the
 * next gateway.  Pure.
 */
#ifndef SOCKS64_WIRE_PROXY_H
#define SOCKS64_WIRE_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/cursor.h"

/* 107 octets of version 1; 16 and at most 4096 of version 2, whose length
 * field could say 65535: certificates are not for us. */
enum { PROXY_HEADER_MAX = 16 + 4096 };

struct proxy_header {
	/* The command LOCAL of version 2: the proxy speaks for itself, as a
	 * health check does. */
	bool local;
	/* The client, and where it connected to; IPv4-mapped is IPv4.  Both
	 * are FAMILY_NONE with LOCAL and where the proxy names nobody that
	 * came by TCP (UNKNOWN, UNSPEC, datagrams, unix-domain clients): those
	 * of the connection hold then. */
	struct address source;
	struct address destination;
	const char *wrong; /* with PARSE_BAD: a static sentence about it */
};

/*
 * PARSE_DONE: a whole and valid header, its checksum too where it has one;
 * *out is set and the cursor stands behind it.  Otherwise both are unchanged,
 * but for out->wrong with PARSE_BAD, which comes as soon as it is certain.
 */
enum parse proxy_header_parse(struct cursor *c, struct proxy_header *out);

/* The longest header that we write. */
enum { PROXY_FORMAT_MAX = 16 + 36 };

/*
 * Writes a header of version 2 that names `source' and `destination'; returns
 * its length.  Where they are not of one family, IPv4 or IPv6, it names
 * nobody: the family is AF_UNSPEC.
 */
size_t proxy_header_format(const struct proxy_header *header,
    uint8_t octets[PROXY_FORMAT_MAX]);

#endif
