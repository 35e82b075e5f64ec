/* SPDX-License-Identifier: ISC */
/*
 * The PROXY protocol, versions 1 and 2, as a receiver: who the client of the
 * proxy before us is.  Pure.
 */
#ifndef SOCKS64_WIRE_PROXY_H
#define SOCKS64_WIRE_PROXY_H

#include <stdbool.h>

#include "wire/address.h"
#include "wire/cursor.h"

/* 107 octets of version 1; 16 and at most 4096 of version 2, whose length
 * field could say 65535: certificates are not for us. */
enum { PROXY_HEADER_MAX = 16 + 4096 };

struct proxy_header {
	/* LOCAL, UNKNOWN or UNSPEC: the proxy speaks for itself (a health
	 * check) or does not know: the addresses are FAMILY_NONE, and those
	 * of the connection hold. */
	bool local;
	struct address source; /* the client; IPv4-mapped is IPv4 */
	struct address destination;
};

/*
 * PARSE_DONE: a whole and valid header, its checksum too where it has one;
 * *out is set and the cursor stands behind it.  Otherwise both are unchanged.
 * PARSE_BAD comes as soon as it is certain.  Datagrams and unix-domain
 * clients are PARSE_BAD: here is TCP, and rules need an address.
 */
enum parse proxy_header_parse(struct cursor *c, struct proxy_header *out);

#endif
