/* SPDX-License-Identifier: ISC */
/*
 * Drives net/order.c: order FIRST DESTINATION=SOURCE..., FIRST being auto,
 * ipv6 or ipv4 (or sort: no interleaving), SOURCE `-` for no route.  Prints
 * the destinations in order, one a line.
 */
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "net/order.h"

static bool
parse_pair(const char *pair, struct destination *out)
{
	const char *equals = strchr(pair, '=');

	if (equals == NULL ||
	    !address_parse(pair, (size_t)(equals - pair), &out->address))
		return false;
	return strcmp(equals, "=-") == 0 ||
	    address_parse(equals + 1, strlen(equals + 1), &out->source);
}

int
main(int argc, char **argv)
{
	struct destination list[32] = { 0 };
	char output[4096];
	struct text t = text_in(output, sizeof(output));
	enum family first = FAMILY_NONE;
	size_t n = 0;

	for (int i = 2; i < argc && n < ARRAY_COUNT(list); i++)
		if (!parse_pair(argv[i], &list[n++]))
			return 64;
	if (n == 0)
		return 64;
	if (strcmp(argv[1], "ipv6") == 0)
		first = FAMILY_IPV6;
	if (strcmp(argv[1], "ipv4") == 0)
		first = FAMILY_IPV4;
	order_sort(list, n);
	if (strcmp(argv[1], "sort") != 0)
		order_interleave(list, n, first);
	for (size_t i = 0; i < n; i++) {
		address_add(&t, &list[i].address);
		text_add_char(&t, '\n');
	}
	return write(STDOUT_FILENO, t.start, t.length) == (ssize_t)t.length ?
	    0 :
	    1;
}
