/* SPDX-License-Identifier: ISC */
/*
 * What SOCKS4 answers, octet by octet, for tests/messages.bats.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "wire/socks4.h"

static const struct {
	enum reply reply;
	const char *bound; /* NULL: none */
	uint8_t octets[SOCKS4_REPLY_SIZE];
} answers[] = {
	{ REPLY_SUCCEEDED, "198.51.100.9:40001",
	    { 0, 90, 0x9c, 0x41, 198, 51, 100, 9 } },
	{ REPLY_SUCCEEDED, "[2001:db8::9]:40001",
	    { 0, 90, 0x9c, 0x41, 0, 0, 0, 0 } },
	{ REPLY_SUCCEEDED, "[::ffff:198.51.100.9]:40001",
	    { 0, 90, 0x9c, 0x41, 198, 51, 100, 9 } },
	{ REPLY_SUCCEEDED, NULL, { 0, 90 } },
	{ REPLY_GENERAL_FAILURE, NULL, { 0, 91 } },
	{ REPLY_NOT_ALLOWED, NULL, { 0, 91 } },
	{ REPLY_CONNECTION_REFUSED, "198.51.100.9:40001", { 0, 91 } },
	{ REPLY_COMMAND_NOT_SUPPORTED, NULL, { 0, 91 } },
	{ REPLY_INVALID_ADDRESS, NULL, { 0, 91 } },
};

int
main(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
		const char *bound = answers[i].bound;
		struct address address = { .family = FAMILY_NONE };
		uint8_t octets[SOCKS4_REPLY_SIZE];

		memset(octets, 0xee, sizeof(octets));
		if (bound != NULL &&
		    !address_parse_port(bound, strlen(bound), 0, &address))
			return 2;
		if (socks4_reply_format(answers[i].reply,
			bound == NULL ? NULL : &address,
			octets) != sizeof(octets) ||
		    memcmp(octets, answers[i].octets, sizeof(octets)) != 0) {
			printf("answer %zu: %02x %02x\n", i, octets[0],
			    octets[1]);
			return 1;
		}
	}
	printf("%zu answers held\n", ARRAY_COUNT(answers));
	return 0;
}
