/* SPDX-License-Identifier: ISC */
/*
 * Any octets as what a server answers to a client: every strict prefix of a
 * whole message is MORE, what is BAD stays BAD, and whoever reads as many
 * octets as client_reply_missing() says stops at the end of the reply.  What
 * a client sends to an address that it got is what the server's parser reads.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* A name that is none for our gateway is refused, not misread. */
static void
check_request(const struct client_address *to)
{
	const struct client_request out = { .command = REQUEST_CONNECT,
		.flag = 0,
		.to = *to };
	uint8_t octets[CLIENT_REQUEST_MAX];
	struct request in;
	enum reply why;
	struct cursor c = { .at = octets };

	if (to->id != 0 || (to->name != NULL && to->name_length == 0))
		return;
	const size_t length = c.left = client_request_format(&out, octets);
	require(length >= 8 && length <= sizeof(octets));
	const enum parse parse = socks5_request_parse(&c, &in, &why);
	require(parse == PARSE_DONE ||
	    (to->name != NULL && why == REPLY_GENERAL_FAILURE));
	require(in.address.port == to->address.port);
	require(in.by_name == (to->name != NULL));
	if (to->name != NULL)
		require(in.asked_length == to->name_length &&
		    memcmp(in.asked, to->name, in.asked_length) == 0);
	else if (to->address.family != FAMILY_NONE)
		require(address_equal(&in.address, &to->address));
}

static enum parse
parse_reply(const uint8_t *data, size_t length, size_t *used)
{
	struct cursor c = { .at = data, .left = length };
	struct client_reply reply;
	const enum parse parse = client_reply_parse(&c, &reply);

	*used = length - c.left;
	require(parse == PARSE_DONE || *used == 0);
	if (length > 1 && parse != PARSE_BAD)
		require(reply.reply == data[1]);
	require((client_reply_missing(data, length) > 0) ==
	    (parse == PARSE_MORE));
	if (parse == PARSE_DONE)
		check_request(&reply.bound);
	return parse;
}

static void
try_reply(const uint8_t *data, size_t size)
{
	size_t used;
	size_t have = 0;
	const enum parse whole = parse_reply(data, size, &used);
	const size_t end = whole == PARSE_DONE ? used : size;

	while (have < size && client_reply_missing(data, have) > 0)
		have += client_reply_missing(data, have);
	require(whole != PARSE_DONE || have == end);
	for (size_t length = 0; length < end; length++)
		require(parse_reply(data, length, &used) == PARSE_MORE ||
		    whole == PARSE_BAD);
}

static void
try_short(const uint8_t *data, size_t size)
{
	struct cursor c = { .at = data, .left = size };
	uint8_t method = 0;
	bool granted = false;

	if (client_method_parse(&c, &method) == PARSE_DONE)
		require(data[0] == SOCKS5_VERSION && method == data[1] &&
		    c.left == size - CLIENT_METHOD_SIZE);
	c = (struct cursor){ .at = data, .left = size };
	if (client_login_parse(&c, &granted) == PARSE_DONE)
		require(granted == (data[1] == 0));
	else
		require(size < LOGIN_REPLY_SIZE);
}

static void
try_datagram(const uint8_t *data, size_t size)
{
	struct cursor c = { .at = data, .left = size };
	struct client_address from;
	uint8_t octets[CLIENT_DATAGRAM_MAX];

	if (!client_datagram_parse(&c, &from))
		return;
	const size_t used = size - c.left;
	require(c.at == data + used && used <= sizeof(octets));
	/* IPv4-mapped goes back shorter. */
	require(client_datagram_format(&from, octets) <= used ||
	    (from.name == NULL && from.id == 0));
	check_request(&from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_reply(data, size);
	try_short(data, size);
	try_datagram(data, size);
	return 0;
}
