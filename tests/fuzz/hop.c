/* SPDX-License-Identifier: ISC */
/*
 * A next gateway that says what it likes, in the machine of
 * tests/fuzz/machine: its methods, its answer to the login, its replies, and
 * the octets behind them, in any pieces.
 *
 * The input: an octet for the configuration and the request, one for the
 * machine, then the script: steps 1 are the gateway's octets.
 */
#include "tests/fuzz/machine/machine.h"

enum { HEAD = 2, CHOICES = 8 };
enum {
	FLAG_IPV6 = 1,
	FLAG_NO_IPV6 = 2,
	FLAG_STAYS = 4,
	FLAG_SHORT_READS = 8,
	FLAG_SMALL_WINDOW = 16,
	FLAG_NO_TABLE = 32,
	FLAG_NO_ZONE = 64,
};

#define HOP "log-level debug\nallow all at any via 192.0.2.90:1080\n"

static const struct {
	const char *text;
	bool ftp;
} configurations[CHOICES] = {
	{ HOP "ftp-alg off\nsocks4 on\n", false },
	{ HOP "via-password-file 192.0.2.90:1080 /etc/hop\nftp-alg off\n",
	    false },
	{ HOP "via-proxy-protocol 192.0.2.90:1080\n", true },
	{ "log-level debug\nallow all to name via gw.example:1080\n"
	  "allow all at any\nftp-alg off\n",
	    false },
	{ "log-level debug\nallow all at 2001:db8::/32 via "
	  "[2001:db8::90]:1080\nallow all at any via 192.0.2.90:1080\n",
	    true },
	{ HOP "address-id on\nconnect-timeout 5\nbind-timeout 5\n", true },
	{ HOP "half-closed-timeout 5\nidle-timeout 20\n", true },
	{ HOP "nat64 off\nlog-to syslog\nlog-start on\nftp-alg always\n",
	    true },
};

#define GREETING "\5\1\0"
#define PIECE(octets) \
	{ \
		octets, sizeof(octets) - 1 \
	}

static const struct {
	const char *octets;
	size_t length;
} preludes[] = {
	PIECE(GREETING "\5\1\0\1\xc0\0\2\x50\0\x50"),
	PIECE(GREETING "\5\1\0\3\11a.example\0\x50"),
	PIECE(GREETING "\5\1\x10\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x80\0"
		       "\x50"),
	PIECE(GREETING "\5\2\0\1\xc0\0\2\x50\0\x15"),
	PIECE(GREETING "\5\2\x10\3\11a.example\0\x15"),
	PIECE(GREETING "\5\3\0\1\0\0\0\0\0\0"),
	PIECE("\4\1\0\x50\xc0\0\2\x50me\0"),
	PIECE(GREETING "\5\1\0\1\xc0\0\2\x50\0\x15"),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
choose(struct scenario *s, unsigned choice, unsigned flags)
{
	const unsigned who = choice >> 3 & 7;

	s->configuration = configurations[choice % CHOICES].text;
	s->ftp = configurations[choice % CHOICES].ftp;
	s->hop = true;
	s->prelude = (const uint8_t *)preludes[who].octets;
	s->prelude_length = preludes[who].length;
	s->client_ipv6 = (flags & FLAG_IPV6) != 0;
	s->no_ipv6 = (flags & FLAG_NO_IPV6) != 0;
	s->stays = (flags & FLAG_STAYS) != 0;
	s->reads_at_most = (flags & FLAG_SHORT_READS) != 0 ? 1 : 0;
	s->window = (flags & FLAG_SMALL_WINDOW) != 0 ? 600 : 0;
	s->has_table = (flags & FLAG_NO_TABLE) == 0;
	s->zone_answers = (flags & FLAG_NO_ZONE) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s = { .hosts = "",
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
