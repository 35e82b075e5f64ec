/* SPDX-License-Identifier: ISC */
/*
 * Address text: whatever parses, formats to a text that parses to the same
 * address, and formats to that text again (RFC 5952 is one form).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/address.h"
#include "wire/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

static void
require(int holds)
{
	if (!holds)
		abort();
}

static void
round_trip(const struct address *address)
{
	char first[ADDRESS_TEXT];
	char second[ADDRESS_TEXT];
	struct text one = text_in(first, sizeof(first));
	struct text two = text_in(second, sizeof(second));
	struct address again;

	address_add(&one, address);
	require(!one.cut);
	require(address_parse(first, one.length, &again));
	require(address_equal(address, &again));
	address_add(&two, &again);
	require(strcmp(first, second) == 0);
}

static void
round_trip_port(const struct address *address)
{
	char buffer[ADDRESS_TEXT];
	struct text text = text_in(buffer, sizeof(buffer));
	struct address again;

	address_add_port(&text, address);
	require(!text.cut);
	require(address_parse_port(buffer, text.length, 1, &again));
	require(address_equal(address, &again));
	require(again.port == address->port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length)
{
	struct address address;
	char name[NAME_LENGTH_MAX + 1];

	if (address_parse((const char *)octets, length, &address))
		round_trip(&address);
	if (address_parse_port((const char *)octets, length, 1080, &address)) {
		require(address.port > 0);
		round_trip(&address);
		round_trip_port(&address);
	}
	if (length > 255)
		return 0;
	if (name_classify(octets, length, name, &address) == NAME_LITERAL)
		round_trip(&address);
	return 0;
}
