/* SPDX-License-Identifier: ISC */
/*
 * A whole session, from main() to its record: greeting or PROXY header, login,
 * request, dial, relay, in a machine of tests/fuzz/machine, whose judge says
 * what must be so.
 *
 * The input: two octets that choose the configuration and the machine, two
 * that say what becomes of connections, then the script.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/fuzz/machine/machine.h"

enum { HEAD = 4 };

/* The low bits of the first octet choose the configuration. */
enum { CHOICE = 15, FLAG_IPV6 = 16, FLAG_NO_IPV6 = 32, FLAG_NO_IPV4 = 64 };
enum { FLAG_STAYS = 128 };
/* Of the second. */
enum {
	FLAG_SHORT_READS = 1,
	FLAG_SMALL_WINDOW = 2,
	FLAG_NO_TABLE = 4,
	FLAG_NO_TMPFILE = 8,
	FLAG_FATES_NOW = 16,
	FLAG_ROOT = 32,
	FLAG_NO_ZONE = 64,
	FLAG_UNIX = 128,
};

#define LOG "log-level debug\n"
#define OPEN LOG "allow all at any\n"

static const struct {
	const char *text;
	bool proxied;
	bool ftp;
	bool hop;
} configurations[CHOICE + 1] = {
	{ OPEN "ftp-alg off\n", false, false, false },
	{ OPEN "socks4 on\nprefer ipv4\nidle-timeout 60\n", false, true,
	    false },
	{ OPEN "auth password\npassword-file /etc/secrets\n", false, true,
	    false },
	{ OPEN "auth none password\npassword-file /etc/secrets\n"
	       "address-id reverse\nlog-start on\nlog-to journal\n",
	    false, true, false },
	{ OPEN "proxy-protocol-from 192.0.2.0/24 2001:db8::/32\n"
	       "advertise udp 192.0.2.1\n",
	    true, true, false },
	{ LOG "allow all at any via 192.0.2.90:1080\nsocks4 on\n"
	      "via-password-file 192.0.2.90:1080 /etc/hop\n",
	    false, true, true },
	{ LOG "allow to name via gw.example:1080\nallow bind udp at any via "
	      "gw.example:1080\nallow at any\n"
	      "via-proxy-protocol gw.example:1080\n",
	    false, true, true },
	{ OPEN "ftp-alg always\nftp-port 2121\nlog-to syslog\n", false, true,
	    false },
	{ LOG "deny to @/etc/list\ndeny at private port 1-1023\n"
	      "allow all at any\ntitle client\n",
	    false, true, false },
	{ OPEN "idle-timeout 60\nhalf-closed-timeout 30\nbind-timeout 20\n"
	       "handshake-timeout 10\nlisten-ports 40000-40003\n"
	       "advertise bind 192.0.2.1\nlog-udp-peers on\n",
	    false, true, false },
	{ OPEN "resolver 192.0.2.53 [2001:db8::53]:53\nconnect-timeout 20\n"
	       "source 192.0.2.1\nsource 2001:db8::1\nprefer ipv6\n",
	    false, true, false },
	{ LOG "allow all at on-link\nallow at self\nallow from self at any\n"
	      "inside on-link\nattempt-delay 10ms\n",
	    false, true, false },
	{ LOG, false, true, false },
	{ OPEN "nat64-prefix 2001:db8:64::/96\nprefer ipv6-only\n"
	       "address-id on\nsocks4 on\n",
	    false, true, false },
	{ OPEN "interface eth0\nmark 7\nprefer ipv4-only\nsandbox off\n",
	    false, true, false },
	{ OPEN "ftp-alg off\nidle-timeout 0\nhalf-closed-timeout 0\n"
	       "socks4 on\naddress-id on\n",
	    false, false, false },
};

static const int fates[16] = { 0, 0, 0, 0, 0, 0, 0, ECONNREFUSED, NEVER,
	ENETUNREACH, EHOSTUNREACH, ETIMEDOUT, EACCES, ECONNRESET,
	EADDRNOTAVAIL, ECONNREFUSED };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
choose(struct scenario *s, const uint8_t *data)
{
	const unsigned choice = data[0] & CHOICE;

	s->configuration = configurations[choice].text;
	s->proxied = configurations[choice].proxied;
	s->ftp = configurations[choice].ftp;
	s->hop = configurations[choice].hop;
	s->client_ipv6 = (data[0] & FLAG_IPV6) != 0;
	s->no_ipv6 = (data[0] & FLAG_NO_IPV6) != 0;
	s->no_ipv4 = (data[0] & FLAG_NO_IPV4) != 0;
	s->stays = (data[0] & FLAG_STAYS) != 0;
	s->reads_at_most = (data[1] & FLAG_SHORT_READS) != 0 ? 3 : 0;
	s->window = (data[1] & FLAG_SMALL_WINDOW) != 0 ? 600 : 0;
	s->has_table = (data[1] & FLAG_NO_TABLE) == 0;
	s->no_tmpfile = (data[1] & FLAG_NO_TMPFILE) != 0;
	s->fates_now = (data[1] & FLAG_FATES_NOW) != 0;
	s->as_root = (data[1] & FLAG_ROOT) != 0;
	s->zone_answers = (data[1] & FLAG_NO_ZONE) == 0;
	s->client_unix = (data[1] & FLAG_UNIX) != 0;
	s->fates[0] = fates[data[2] & 15];
	s->fates[1] = fates[data[2] >> 4];
	s->fates[2] = fates[data[3] & 15];
	s->fates[3] = fates[data[3] >> 4];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s = { .hosts = "127.0.0.1 localhost\n"
				       "192.0.2.80 known.example\n",
		.resolv_conf = "nameserver 192.0.2.53\n",
		.arguments = { "-f", "/etc/socks64.conf" } };

	if (size < HEAD)
		return 0;
	choose(&s, data);
	s.script = data + HEAD;
	s.script_length = size - HEAD;
	machine_run(&s);
	return 0;
}
