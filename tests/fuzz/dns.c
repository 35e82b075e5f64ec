/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a message of a name server: a walk over it ends, what it finds
 * lies inside, and a name is one that could stand in a message.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/dns.h"

enum { RECORDS_MAX = 65535 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_name(const struct dns_name *name)
{
	uint8_t text[DNS_NAME_MAX];
	size_t at = 0;
	size_t length;

	require(name->length > 0 && name->length <= DNS_NAME_MAX);
	while (name->octets[at] != 0) {
		require(name->octets[at] <= 63);
		at += 1 + (size_t)name->octets[at];
		require(at < name->length);
	}
	require(at + 1 == name->length);
	length = dns_name_text(name, text, sizeof(text));
	require(length == 0 || length + 2 == name->length);
}

/* Returns how many records of that type there are. */
static unsigned
walk(const uint8_t *data, size_t size, uint16_t type)
{
	struct dns_walk w;
	const uint8_t *found;
	unsigned n = 0;
	size_t length;

	if (!dns_walk_start(&w, data, size, type))
		return 0;
	check_name(&w.owner);
	for (found = dns_walk_next(&w, &length); found != NULL;
	     found = dns_walk_next(&w, &length)) {
		struct dns_name name;

		require(found >= data && length <= size &&
		    found - data <= (ptrdiff_t)(size - length));
		if (dns_walk_name(&w, found, length, &name))
			check_name(&name);
		require(++n <= RECORDS_MAX);
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA,
		DNS_TYPE_CNAME, DNS_TYPE_PTR };
	struct dns_header header;
	const bool whole = dns_header_read(data, size, &header);

	require(whole == (size >= DNS_HEADER));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const unsigned n = walk(data, size, types[i]);

		require(n == 0 || (whole && n <= header.answers));
	}
	return 0;
}
