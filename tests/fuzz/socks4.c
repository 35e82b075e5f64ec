/* SPDX-License-Identifier: ISC */
/*
 * A request of SOCKS4 or 4A, with its properties: a strict prefix of a whole
 * message is never whole or bad, what is bad stays bad, the cursor moves on
 * PARSE_DONE only, and what was read goes back to the same octets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/cursor.h"
#include "wire/socks4.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

/* VN CD DSTPORT DSTIP USERID NUL, name NUL */
enum { HEAD = 8, LONGEST = HEAD + SOCKS4_USERID_MAX + 1 + 254 + 1 };

static void
require(int holds)
{
	if (!holds)
		abort();
}

static enum parse
parse_prefix(const uint8_t *octets, size_t length)
{
	struct cursor c = { .at = octets, .left = length };
	struct request request;
	struct socks4_claim claim;
	enum reply why;
	const enum parse parse = socks4_request_parse(&c, &request, &claim,
	    &why);

	require(parse == PARSE_DONE || c.left == length);
	return parse;
}

/* The octets of a whole message, from what was read of it. */
static size_t
write_again(const struct request *request, const struct socks4_claim *claim,
    uint8_t *out)
{
	size_t used = HEAD;

	out[0] = SOCKS4_VERSION;
	out[1] = request->command;
	out[2] = (uint8_t)(request->address.port >> 8);
	out[3] = (uint8_t)(request->address.port & 0xff);
	if (!request->by_name)
		memcpy(out + 4, request->asked, 4);
	memcpy(out + used, claim->userid, claim->length);
	used += claim->length;
	out[used++] = 0;
	if (!request->by_name)
		return used;
	memcpy(out + used, request->asked, request->asked_length);
	used += request->asked_length;
	out[used++] = 0;
	return used;
}

static void
check_whole(const uint8_t *octets, size_t used, const struct request *request,
    const struct socks4_claim *claim)
{
	uint8_t again[LONGEST];

	require(used <= LONGEST && claim->length <= SOCKS4_USERID_MAX);
	require(request->command == REQUEST_CONNECT ||
	    request->command == REQUEST_BIND);
	require(request->kind == NAME_LITERAL ||
	    (request->kind == NAME_HOST && request->by_name));
	require(request->flag == 0 && request->bind_port == 0);
	/* Of a name DSTIP is any 0.0.0.x. */
	memcpy(again + 4, octets + 4, 4);
	require(write_again(request, claim, again) == used);
	require(memcmp(again, octets, used) == 0);
	for (size_t i = 0; i < used; i++)
		require(parse_prefix(octets, i) == PARSE_MORE);
}

static void
check_reply(enum reply reply, const struct address *bound)
{
	uint8_t octets[SOCKS4_REPLY_SIZE];

	require(socks4_reply_format(reply, bound, octets) == sizeof(octets));
	require(octets[0] == 0);
	require(octets[1] ==
	    (reply == REPLY_SUCCEEDED ? SOCKS4_GRANTED : SOCKS4_REJECTED));
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct cursor c = { .at = octets, .left = length };
	struct request request;
	struct socks4_claim claim;
	enum reply why = REPLY_SUCCEEDED;
	const enum parse parse = socks4_request_parse(&c, &request, &claim,
	    &why);

	if (parse == PARSE_DONE) {
		check_whole(octets, length - c.left, &request, &claim);
		check_reply(REPLY_SUCCEEDED, &request.address);
		check_reply(REPLY_NOT_ALLOWED, &request.address);
		return 0;
	}
	require(c.at == octets && c.left == length);
	require(why == REPLY_GENERAL_FAILURE ||
	    (parse == PARSE_BAD && why == REPLY_COMMAND_NOT_SUPPORTED));
	/* More octets do not mend what is bad, and fewer are no message. */
	for (size_t i = 0; i < length; i++)
		require(parse_prefix(octets, i) != PARSE_DONE);
	return 0;
}
