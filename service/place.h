/* SPDX-License-Identifier: ISC */
/*
 * The operand of -l: where to listen.  Pure.
 */
#ifndef SOCKS64_SERVICE_PLACE_H
#define SOCKS64_SERVICE_PLACE_H

#include <net/if.h>
#include <stdbool.h>

#include "wire/address.h"

enum { PLACE_PATH_MAX = 107 }; /* of a struct sockaddr_un, with its NUL 108 */

enum place_kind {
	PLACE_ADDRESS, /* one address and port */
	PLACE_BOTH,    /* 0.0.0.0 and [::], a socket each */
	PLACE_PATH,    /* a unix-domain socket */
};

struct listen_place {
	enum place_kind kind;
	struct address address;      /* of PLACE_BOTH the port alone */
	char interface[IF_NAMESIZE]; /* of a link-local address; else empty */
	const char *path;            /* borrowed */
};

/*
 * 192.0.2.1:1080, [2001:db8::1]:1080, [fe80::1%eth0]:1080, :1080 or /PATH.
 * False: it is none of these, and *out is unchanged.
 */
bool place_parse(const char *text, struct listen_place *out);

#endif
