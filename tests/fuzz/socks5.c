/* SPDX-License-Identifier: ISC */
/*
 * Greeting and request of SOCKS5, with their properties: a strict prefix of
 * a whole message is never whole or bad; the cursor moves on PARSE_DONE only;
 * what was read of an address goes back to the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/cursor.h"
#include "wire/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

static void
require(int holds)
{
	if (!holds)
		abort();
}

static struct cursor
over(const uint8_t *octets, size_t length)
{
	return (struct cursor){ .at = octets, .left = length };
}

static void
try_greeting(const uint8_t *octets, size_t length)
{
	struct cursor c = over(octets, length);
	struct socks5_greeting greeting;
	const enum parse parse = socks5_greeting_parse(&c, &greeting);

	if (parse != PARSE_DONE) {
		require(c.at == octets && c.left == length);
		return;
	}
	const size_t used = length - c.left;
	require(used == 2u + octets[1]);
	require(!greeting.offers[0xff]);
	for (size_t i = 2; i < used; i++)
		require(octets[i] == 0xff || greeting.offers[octets[i]]);
	for (size_t i = 0; i < used; i++) {
		c = over(octets, i);
		require(socks5_greeting_parse(&c, &greeting) == PARSE_MORE);
		require(c.left == i);
	}
}

static void
check_name(const struct request *request)
{
	const size_t length = strlen(request->name);

	require(length > 0 && length <= NAME_LENGTH_MAX);
	for (size_t i = 0; i < length; i++) {
		const char octet = request->name[i];
		require(octet > 0x20 && octet < 0x7f);
		require(strchr("/@%:", octet) == NULL);
		require(octet < 'A' || octet > 'Z');
	}
}

static void
try_request(const uint8_t *octets, size_t length)
{
	struct cursor c = over(octets, length);
	struct request request;
	enum reply why = REPLY_SUCCEEDED;
	const enum parse parse = socks5_request_parse(&c, &request, &why);

	if (parse != PARSE_DONE) {
		require(c.at == octets && c.left == length);
		if (parse == PARSE_BAD)
			require(why == REPLY_GENERAL_FAILURE ||
			    why == REPLY_ADDRESS_TYPE_NOT_SUPPORTED);
		return;
	}
	const size_t used = length - c.left;
	require(octets[0] == SOCKS5_VERSION);
	require(request.kind == NAME_HOST || request.kind == NAME_LITERAL ||
	    request.by_id ||
	    (octets[1] == REQUEST_UDP_ASSOCIATE && request.by_name));
	require(used >= (request.kind == NAME_BAD ? 7 : 8) && used <= 262);
	require(request.address.port ==
	    (uint16_t)(octets[used - 2] << 8 | octets[used - 1]));
	if (request.kind == NAME_HOST)
		check_name(&request);
	for (size_t i = 0; i < used; i++) {
		c = over(octets, i);
		require(socks5_request_parse(&c, &request, &why) ==
		    PARSE_MORE);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	try_greeting(octets, length);
	try_request(octets, length);
	return 0;
}
