/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a datagram and as messages of the control channel: a header
 * that is read, made again of its address, gives the same address; every
 * strict prefix of a control message is MORE, and what is BAD stays BAD.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_address(const struct address *address)
{
	uint8_t octets[UDP_HEADER_MAX];
	struct cursor c = { .at = octets };
	struct udp_header again;

	c.left = udp_header_format(address, octets);
	require(udp_header_parse(&c, &again));
	require(c.left == 0 && again.fragment == 0);
	require(again.to.kind == NAME_LITERAL && !again.to.by_name);
	require(address_equal(&again.to.address, address));
	require(again.to.address.port == address->port);
}

static void
check_target(const struct request *to)
{
	require(to->kind != NAME_BAD || to->by_id);
	if (to->kind == NAME_LITERAL)
		check_address(&to->address);
	else if (to->by_id)
		require(to->kind == NAME_BAD && !to->by_name);
	else
		require(to->by_name && to->name[0] != '\0');
}

static void
try_datagram(const uint8_t *data, size_t size)
{
	struct cursor c = { .at = data, .left = size };
	struct udp_header header;

	if (!udp_header_parse(&c, &header))
		return;
	const size_t used = size - c.left;
	require(used >= 7 && used <= 262 && c.at == data + used);
	require(header.fragment == data[2]);
	check_target(&header.to);
	for (size_t length = 0; length < used; length++) {
		struct cursor part = { .at = data, .left = length };

		require(!udp_header_parse(&part, &header));
	}
}

static enum parse
parse_control(const uint8_t *data, size_t length, size_t *taken)
{
	struct cursor c = { .at = data, .left = length };
	struct udp_control control;
	enum reply why = REPLY_SUCCEEDED;
	const enum parse parse = udp_control_parse(&c, &control, &why);

	*taken = length - c.left;
	require(parse == PARSE_DONE || *taken == 0);
	if (parse == PARSE_DONE)
		check_target(&control.to);
	if (parse == PARSE_BAD)
		require(why == REPLY_GENERAL_FAILURE ||
		    why == REPLY_COMMAND_NOT_SUPPORTED ||
		    why == REPLY_ADDRESS_TYPE_NOT_SUPPORTED);
	return parse;
}

static void
try_control(const uint8_t *data, size_t size)
{
	size_t end;
	size_t taken;
	const enum parse whole = parse_control(data, size, &end);
	bool bad = false;

	for (size_t length = 0; length < size && length < 300; length++) {
		const enum parse parse = parse_control(data, length, &taken);

		require(!bad || parse == PARSE_BAD);
		bad = parse == PARSE_BAD;
		if (whole == PARSE_MORE ||
		    (whole == PARSE_DONE && length < end))
			require(parse == PARSE_MORE);
	}
	require(!bad || whole == PARSE_BAD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_datagram(data, size);
	try_control(data, size);
	return 0;
}
