/* SPDX-License-Identifier: ISC */
/*
 * The messages that wire/client.h makes, each beside its octets: those of
 * RFC 1928, RFC 1929 and draft-kitamura-socks-ipv6-01.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "wire/client.h"
#include "base/text.h"

enum { TEXT_SIZE = 4 * CLIENT_LOGIN_MAX };

static unsigned held;
static unsigned failed;

static void
expect(const uint8_t *octets, size_t length, const char *wanted)
{
	static const char digits[] = "0123456789abcdef";
	char buffer[TEXT_SIZE];
	struct text t = text_in(buffer, sizeof(buffer));

	for (size_t i = 0; i < length; i++) {
		text_add_char(&t, digits[octets[i] >> 4]);
		text_add_char(&t, digits[octets[i] & 15]);
	}
	if (strcmp(buffer, wanted) == 0) {
		held++;
		return;
	}
	failed++;
	printf("expected: %s\nfound:    %s\n", wanted, buffer);
}

static struct client_address
named(const char *name, uint16_t port)
{
	return (struct client_address){ .name = (const uint8_t *)name,
		.name_length = (uint8_t)strlen(name),
		.address.port = port };
}

static struct client_address
literal(const char *text, uint16_t port)
{
	struct client_address to = { .name = NULL };

	if (!address_parse(text, strlen(text), &to.address))
		failed++;
	to.address.port = port;
	return to;
}

static void
expect_login(const char *user, const char *password, const char *wanted)
{
	const struct login login = {
		.user = (const uint8_t *)user,
		.user_length = strlen(user),
		.password = (const uint8_t *)password,
		.password_length = strlen(password),
	};
	uint8_t octets[CLIENT_LOGIN_MAX] = { 0 };

	expect(octets, client_login_format(&login, octets), wanted);
}

static void
expect_request(uint8_t command, uint8_t flag, struct client_address to,
    const char *wanted)
{
	const struct client_request request = { command, flag, to };
	uint8_t octets[CLIENT_REQUEST_MAX] = { 0 };

	expect(octets, client_request_format(&request, octets), wanted);
}

static void
expect_datagram(struct client_address to, const char *wanted)
{
	uint8_t octets[CLIENT_DATAGRAM_MAX] = { 0 };

	expect(octets, client_datagram_format(&to, octets), wanted);
}

static void
expect_greetings(void)
{
	uint8_t octets[CLIENT_GREETING_MAX] = { 0 };

	expect(octets, client_greeting_format(false, octets), "050100");
	expect(octets, client_greeting_format(true, octets), "05020002");
	expect(octets, client_greeting_only(SOCKS5_METHOD_PASSWORD, octets),
	    "050102");
}

int
main(void)
{
	const struct client_address id = { .id = 0x005a3ce1,
		.address.port = 80 };

	expect_greetings();
	expect_login("alice", "secret", "0105616c69636506736563726574");
	expect_login("alice", "", "0105616c69636500");
	expect_request(REQUEST_CONNECT, 0, named("www.example.com", 80),
	    "050100030f7777772e6578616d706c652e636f6d0050");
	expect_request(REQUEST_CONNECT, 0x10, literal("2001:db8::80", 443),
	    "0501100420010db800000000000000000000008001bb");
	expect_request(REQUEST_BIND, 0, literal("192.0.2.80", 21),
	    "05020001c00002500015");
	expect_request(REQUEST_UDP_ASSOCIATE, 0, (struct client_address){ 0 },
	    "05030001000000000000");
	expect_request(REQUEST_CONNECT, 0, id, "05010008005a3ce10050");
	expect_request(REQUEST_ADDRESS_ASSOCIATE, 0,
	    named("www.example.com", 0),
	    "050800030f7777772e6578616d706c652e636f6d0000");
	expect_datagram(named("a", 53),
	    "000000030161"
	    "0035");
	expect_datagram(literal("::ffff:192.0.2.53", 53),
	    "00000001c00002350035");
	printf("%u messages held\n", held);
	return failed == 0 ? 0 : 1;
}
