/* SPDX-License-Identifier: ISC */
/*
 * Addresses as text, against inet_ntop(3): every choice of the groups that are
 * zero, with groups of one to four digits in the others, and IPv4.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "wire/address.h"

static size_t held;

static void
complain(const char *is, const char *wanted)
{
	char buffer[256];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, is);
	text_add(&t, " is not ");
	text_add(&t, wanted);
	text_add(&t, "\n");
	exit(write(STDERR_FILENO, t.start, t.length) < 0 ? 2 : 1);
}

static void
hold(const struct address *address)
{
	char wanted[INET6_ADDRSTRLEN];
	char buffer[ADDRESS_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	inet_ntop(address->family == FAMILY_IPV4 ? AF_INET : AF_INET6,
	    address->octets, wanted, sizeof(wanted));
	address_add(&t, address);
	if (strcmp(buffer, wanted) != 0)
		complain(buffer, wanted);
	held++;
}

/* The groups of `set' are zero, the others have `value' and what follows. */
static void
hold_ipv6(unsigned set, unsigned value)
{
	uint8_t octets[16];
	struct address address;

	for (unsigned i = 0; i < 8; i++) {
		const unsigned group = (set >> i & 1) != 0 ? 0 : value + i;

		octets[2 * i] = (uint8_t)(group >> 8);
		octets[2 * i + 1] = (uint8_t)group;
	}
	address = address_ipv6(octets, 0);
	hold(&address);
}

int
main(void)
{
	static const unsigned values[] = { 0x1, 0xa, 0x10, 0xf8, 0x100, 0xabc,
		0x1000, 0xfff0 };
	char buffer[64];
	struct text t = text_in(buffer, sizeof(buffer));

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		for (unsigned set = 0; set < 256; set++)
			hold_ipv6(set, values[i]);
	for (unsigned i = 0; i < 256; i++) {
		const uint8_t octets[4] = { (uint8_t)i, (uint8_t)(i * 7),
			(uint8_t)(255 - i), (uint8_t)(i / 3) };
		const struct address address = address_ipv4(octets, 0);

		hold(&address);
	}
	text_add_number(&t, held);
	text_add(&t, " addresses held\n");
	return write(STDOUT_FILENO, t.start, t.length) < 0 ? 2 : 0;
}
