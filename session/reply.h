/* SPDX-License-Identifier: ISC */
/*
 * What the client is told, in the dialect that it waits for an answer in.
 * Nothing else knows that there are dialects of answers.
 */
#ifndef SOCKS64_SESSION_REPLY_H
#define SOCKS64_SESSION_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/request.h"
#include "wire/socks4.h"
#include "wire/socks5.h"

/* What the client waits for. */
enum stage {
	STAGE_SILENT,  /* nothing: before a greeting, and while relaying */
	STAGE_METHOD,  /* the answer to a greeting (RFC 1928 3) */
	STAGE_LOGIN,   /* the answer to a login (RFC 1929) */
	STAGE_REQUEST, /* the reply to a request (RFC 1928 6) */
	STAGE_SOCKS4,  /* the reply to a request of SOCKS4 */
};

/* An answer.  Each stage looks at what it has a field for. */
struct response {
	enum reply reply;          /* all: REPLY_SUCCEEDED is yes */
	enum socks5_method method; /* STAGE_METHOD: the one that is chosen */
	/* Of a request, BND.  The first of these that there is: an ADDRESS
	 * ID, with the port of `bound'; a name; an address; zeros.  SOCKS4 has
	 * addresses alone. */
	uint32_t id;
	const char *name;
	const struct address *bound;
	uint8_t flag; /* STAGE_REQUEST: FLAG of pro-v5 */
};

/* The longest answer of any stage; its second octet is the code. */
enum { REPLY_MAX = SOCKS5_NAME_REPLY_MAX, REPLY_CODE = 1 };

/* Is the answer of that stage the one to a request? */
bool reply_is_to_request(enum stage stage);

/* The response as octets of the stage's dialect; returns how many, 0 where the
 * client waits for nothing. */
size_t reply_format(enum stage stage, const struct response *response,
    uint8_t octets[REPLY_MAX]);

#endif
