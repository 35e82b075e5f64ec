/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a PROXY header, both versions: every strict prefix of a
 * header is MORE, what is BAD stays BAD with more octets, the cursor moves on
 * PARSE_DONE only, and an accepted header is short and names either nobody or
 * two addresses.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum parse
parse_prefix(const uint8_t *data, size_t length, size_t *taken,
    struct proxy_header *out)
{
	struct cursor c = { .at = data, .left = length };
	const enum parse parse = proxy_header_parse(&c, out);

	*taken = length - c.left;
	if (parse != PARSE_DONE && *taken != 0)
		abort();
	if (parse == PARSE_BAD && out->wrong == NULL)
		abort();
	return parse;
}

static void
check_header(const struct proxy_header *header, size_t taken)
{
	const bool nobody = header->source.family == FAMILY_NONE;

	if (taken < 15 || taken > PROXY_HEADER_MAX)
		abort();
	if (nobody != (header->destination.family == FAMILY_NONE) ||
	    (header->local && !nobody))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header = { .local = false };
	size_t taken;
	const enum parse whole = parse_prefix(data, size, &taken, &header);
	const size_t end = taken;
	bool bad = false;

	if (whole == PARSE_DONE)
		check_header(&header, taken);
	for (size_t length = 0; length < size && length < 300; length++) {
		const enum parse parse = parse_prefix(data, length, &taken,
		    &header);

		if (bad && parse != PARSE_BAD)
			abort();
		bad = parse == PARSE_BAD;
		if (whole == PARSE_MORE && parse != PARSE_MORE)
			abort();
		if (whole == PARSE_DONE && length < end && parse != PARSE_MORE)
			abort();
	}
	if (bad && whole != PARSE_BAD)
		abort();
	return 0;
}
