/* SPDX-License-Identifier: ISC */
/*
 * A gateway as people write it: HOST, HOST:PORT, [IPV6]:PORT, a socks5:// or
 * socks5h:// URL, /PATH of a unix-domain socket.
 */
#ifndef SOCKS64_LIB_GATEWAY_H
#define SOCKS64_LIB_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lib/handover.h"

struct gateway {
	char host[NAME_LENGTH_MAX + 1]; /* "": a unix-domain socket */
	uint16_t port;
	char path[GATEWAY_PATH_SIZE];
	/* Of the URL. */
	uint8_t user[LOGIN_FIELD_MAX];
	size_t user_length; /* 0: none */
	uint8_t password[LOGIN_FIELD_MAX];
	size_t password_length;
	bool has_password;
};

/* False: `why` has what is wrong, a sentence that begins with the text (of
 * which no password is shown). */
bool gateway_parse(const char *text, struct gateway *out, struct text *why);

/* Is it a URL of SOCKS5, whether it is a good one or not? */
bool gateway_is_socks5(const char *text);
/* Of any SOCKS: a program that reads it would speak SOCKS itself. */
bool gateway_is_socks(const char *text);

/*
 * Looks the host up, for the addresses to which there is a route, at most
 * GATEWAYS_MAX; all where there is a route to none.  False: `why`.
 */
bool gateway_find(const struct gateway *g, struct handover *out,
    struct text *why);

#endif
