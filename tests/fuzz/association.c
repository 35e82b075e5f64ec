/* SPDX-License-Identifier: ISC */
/*
 * A whole UDP association, in the machine of tests/fuzz/machine: datagrams of
 * the client, of peers, of next gateways and of strangers, the control channel
 * of draft-kitamura, ADDRESS IDs, names.  No octet reaches anybody that nobody
 * sent, and whatever reaches the client has a header.
 *
 * The input: an octet for the configuration and the request, one for the
 * machine, then the script.
 */
#include "tests/fuzz/machine/machine.h"

enum { HEAD = 2, CHOICES = 8 };
enum {
	FLAG_IPV6 = 1,
	FLAG_NO_IPV6 = 2,
	FLAG_NO_IPV4 = 4,
	FLAG_STAYS = 8,
	FLAG_NO_ZONE = 16,
	FLAG_NO_TABLE = 32,
	FLAG_SHORT_READS = 64,
	FLAG_ZONE_IPV4 = 128,
};

#define OPEN "log-level debug\nallow all at any\n"

static const struct {
	const char *text;
	bool hop;
} configurations[CHOICES] = {
	{ OPEN "log-udp-peers on\n", false },
	{ OPEN "address-id on\nidle-timeout 60\n", false },
	{ OPEN "listen-ports 40000-40001\nadvertise udp 192.0.2.1\n"
	       "prefer ipv4\n",
	    false },
	{ "log-level debug\nallow all at any port 53-1000\n"
	  "deny udp at any\nlog-udp-peers on\n",
	    false },
	{ "log-level debug\nallow all at any via 192.0.2.90:1080\n", true },
	{ "log-level debug\nallow udp to name via 192.0.2.90:1080\n"
	  "allow udp at 192.0.2.0/24 via 192.0.2.91:1080\n"
	  "allow udp at any\naddress-id on\n",
	    true },
	{ OPEN "proxy-protocol-from 192.0.2.0/24 2001:db8::/32\n", false },
	{ OPEN "source 192.0.2.1\nprefer ipv6\naddress-id reverse\n"
	       "log-start on\nlog-to journal\n",
	    false },
};

#define GREETING "\5\1\0"
#define HEADER "PROXY TCP4 192.0.2.7 192.0.2.1 4711 1080\r\n"
#define PIECE(octets) \
	{ \
		octets, sizeof(octets) - 1 \
	}

static const struct {
	const char *octets;
	size_t length;
} preludes[] = {
	PIECE(GREETING "\5\3\0\1\0\0\0\0\0\0"),
	PIECE(GREETING "\5\3\1\1\0\0\0\0\0\0"),
	PIECE(GREETING "\5\3\0\1\xc0\0\2\7\x12\x67"),
	PIECE(GREETING "\5\13\0\3\11a.example\0\x35"),
	PIECE(HEADER GREETING "\5\3\1\1\0\0\0\0\0\0"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
choose(struct scenario *s, unsigned choice, unsigned flags)
{
	const unsigned who = choice >> 3 & 3;

	s->configuration = configurations[choice % CHOICES].text;
	s->hop = configurations[choice % CHOICES].hop;
	s->proxied = choice % CHOICES == 6;
	s->prelude = (const uint8_t *)preludes[s->proxied ? 4 : who].octets;
	s->prelude_length = preludes[s->proxied ? 4 : who].length;
	s->client_ipv6 = (flags & FLAG_IPV6) != 0;
	s->no_ipv6 = (flags & FLAG_NO_IPV6) != 0;
	s->no_ipv4 = (flags & FLAG_NO_IPV4) != 0;
	s->stays = (flags & FLAG_STAYS) != 0;
	s->zone_answers = (flags & FLAG_NO_ZONE) == 0;
	s->has_table = (flags & FLAG_NO_TABLE) == 0;
	s->reads_at_most = (flags & FLAG_SHORT_READS) != 0 ? 3 : 0;
	s->zone_no_ipv6 = (flags & FLAG_ZONE_IPV4) != 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s = { .hosts = "192.0.2.80 known.example\n",
		.resolv_conf = "nameserver 192.0.2.53\n",
		.arguments = { "-f", "/etc/socks64.conf" } };

	if (size < HEAD)
		return 0;
	choose(&s, data[0], data[1]);
	s.script = data + HEAD;
	s.script_length = size - HEAD;
	machine_run(&s);
	return 0;
}
