/* SPDX-License-Identifier: ISC */
/*
 * lib/handover.h: what is written is read again, field by field; one word
 * less, twice or changed is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/handover.h"

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	printf("%s\n", what);
	exit(1);
}

static struct handover
sample(void)
{
	struct handover h = {
		.gateway_count = 2,
		.user = "ali ce%",
		.user_length = 7,
		.password = { 0, '=', 0xff },
		.password_length = 3,
		.direct_count = 1,
		.direct_names = "example.org\0.example.net",
		.direct_names_length = 25,
		.udp = UDP_OFF,
		.bind_ports = { 21, 2121 },
		.bind_count = 2,
		.families = FAMILIES_IPV6,
		.search = "example.com",
		.ask_names = true,
		.early = true,
		.connect_timeout = 12345,
		.saying = SAY_ALL,
		.stderr_device = 0x1234567890abcdef,
		.stderr_inode = 7,
		.table = 100,
		.table_inode = 99,
	};

	(void)address_parse_port("192.0.2.1", 9, 1080, &h.gateways[0]);
	(void)address_parse_port("2001:db8::1", 11, 81, &h.gateways[1]);
	h.gateways[1].port = 81;
	(void)fake_net_parse("192.0.2.0/24", 12, &h.direct[0]);
	(void)fake_net_parse("240.0.0.0/4", 11, &h.fake_ipv4);
	(void)fake_net_parse("2001:2::/48", 11, &h.fake_ipv6);
	return h;
}

static void
round_trip(const struct handover *h)
{
	static struct handover again;
	char first[HANDOVER_TEXT];
	char second[HANDOVER_TEXT];
	struct text t = text_in(first, sizeof(first));

	handover_write(&t, h);
	require(!t.cut, "it does not fit");
	require(handover_read(first, &again), first);
	t = text_in(second, sizeof(second));
	handover_write(&t, &again);
	require(strcmp(first, second) == 0, second);
	require(again.password_length == h->password_length &&
		memcmp(again.password, h->password, h->password_length) == 0 &&
		again.table == h->table &&
		again.gateway_count == h->gateway_count &&
		strcmp(again.path, h->path) == 0,
	    "another password, table or gateway");
}

/* Each word left out, and each word twice. */
static void
mutilate(const struct handover *h)
{
	static struct handover again;
	char whole[HANDOVER_TEXT];
	char less[HANDOVER_TEXT];
	struct text t = text_in(whole, sizeof(whole));

	handover_write(&t, h);
	for (const char *at = strchr(whole, ' '); at != NULL;
	     at = strchr(at + 1, ' ')) {
		const size_t length = 1 + strcspn(at + 1, " ");
		const bool many = strncmp(at, " gateway", 8) == 0 ||
		    strncmp(at, " direct", 7) == 0 ||
		    strncmp(at, " bind", 5) == 0;
		const bool optional = many || strncmp(at, " search", 7) == 0 ||
		    strncmp(at, " password", 9) == 0;

		t = text_in(less, sizeof(less));
		text_add_octets(&t, whole, (size_t)(at - whole));
		text_add(&t, at + length);
		require(handover_read(less, &again) == optional, less);
		text_add_octets(&t, at, length);
		text_add_octets(&t, at, length);
		require(handover_read(less, &again) == many, less);
		t = text_in(less, sizeof(less));
		text_add(&t, whole);
		less[at - whole + 1] ^= 0x20;
		require(!handover_read(less, &again), less);
	}
}

int
main(void)
{
	struct handover h = sample();
	char text[HANDOVER_TEXT];
	struct text t = text_in(text, sizeof(text));

	round_trip(&h);
	mutilate(&h);
	require(handover_is_direct(&h, "example.org") &&
		!handover_is_direct(&h, "a.example.org") &&
		handover_is_direct(&h, "a.example.net") &&
		!handover_is_direct(&h, "example.net"),
	    "direct names");
	handover_write(&t, &h);
	handover_set_table(handover_table(text), 7, 8);
	require(handover_read(text, &h) && h.table == 7 && h.table_inode == 8,
	    "another table");
	h.gateway_count = 0;
	text_copy(h.path, sizeof(h.path), "/run/a socket");
	h.user_length = h.password_length = 0;
	h.table = -1;
	round_trip(&h);
	require(!handover_read("", &h) && !handover_read("1", &h) &&
		!handover_read("2 a=b", &h),
	    "nothing is something");
	return 0;
}
