/* SPDX-License-Identifier: ISC */
/*
 * Whole look-ups against name servers that lie, in the machine of
 * tests/fuzz/machine: by UDP and TCP, with c-ares in them.  What is dialled at
 * the end is an address that an answer had, with the ID of its question.
 *
 * The input: an octet for who asks (below) and the kind of resolv.conf; one
 * for the machine; if resolv.conf is the input's, its text up to a NUL; then
 * the script, whose steps 5 are answers (tests/fuzz/machine/names.c).
 */
#include <string.h>

#include "tests/fuzz/machine/machine.h"

enum { HEAD = 2, TEXT_MAX = 512, FILES = 8, FILE_OF_INPUT = 7 };
enum {
	FLAG_IPV6 = 1,
	FLAG_NO_IPV6 = 2,
	FLAG_NO_IPV4 = 4,
	FLAG_STAYS = 8,
	FLAG_SHORT_READS = 16,
	FLAG_HOSTS = 32,
	FLAG_LISTS = 64,
};

static const char *const files[FILES] = {
	"nameserver 192.0.2.53\n",
	"nameserver 192.0.2.53\nnameserver 2001:db8::53\n"
	"nameserver 192.0.2.54\n",
	"nameserver 192.0.2.53\noptions use-vc timeout:1\n",
	"nameserver 192.0.2.53\nnameserver fe80::53%2\n"
	"options edns0 rotate timeout:2 attempts:1\n",
	"nameserver 192.0.2.53\noptions single-request\n",
	"nameserver 127.0.0.53\noptions no-aaaa attempts:3\n",
	"",
	NULL,
};

#define GREETING "\5\1\0"
#define NAME "\3\11a.example"
#define PIECE(octets) \
	{ \
		octets, sizeof(octets) - 1 \
	}

/* Who asks: a CONNECT, by SOCKS4A, a BIND, a datagram's header (the script
 * sends it), ADDRESS ASSOCIATE for a name's addresses and an address's name;
 * and CONNECT to a name of the hosts file. */
static const struct {
	const char *octets;
	size_t length;
} preludes[] = {
	PIECE(GREETING "\5\1\0" NAME "\0\x50"),
	PIECE("\4\1\0\x50\0\0\0\1me\0a.example\0"),
	PIECE(GREETING "\5\2\0" NAME "\0\x15"),
	PIECE(GREETING "\5\3\0\1\0\0\0\0\0\0"),
	PIECE(GREETING "\5\10\0" NAME "\0\4"),
	PIECE(GREETING "\5\10\0" NAME "\0\1"),
	PIECE(GREETING "\5\10\0\1\xc0\0\2\x50\0\3"),
	PIECE(GREETING "\5\1\0\3\15known.example\0\x50"),
};

#define OPEN "log-level debug\nallow all at any\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text up to a NUL; returns how many octets it took. */
static size_t
copy_text(char *out, const uint8_t *data, size_t size)
{
	const size_t length = strnlen((const char *)data,
	    size < TEXT_MAX ? size : TEXT_MAX - 1);

	memcpy(out, data, length);
	out[length] = '\0';
	return length < size ? length + 1 : length;
}

static void
choose(struct scenario *s, unsigned who, unsigned flags)
{
	s->prelude = (const uint8_t *)preludes[who].octets;
	s->prelude_length = preludes[who].length;
	s->configuration = (flags & FLAG_LISTS) != 0 ?
	    "log-level debug\nallow all at 192.0.2.0/24,2001:db8::/32\n"
	    "address-id reverse\nsocks4 on\n" :
	    OPEN "address-id reverse\nsocks4 on\nattempt-delay 20ms\n"
		 "log-to journal\n";
	s->hosts = (flags & FLAG_HOSTS) != 0 ?
	    "192.0.2.80 known.example\n2001:db8::80 known.example\n" :
	    "";
	s->client_ipv6 = (flags & FLAG_IPV6) != 0;
	s->no_ipv6 = (flags & FLAG_NO_IPV6) != 0;
	s->no_ipv4 = (flags & FLAG_NO_IPV4) != 0;
	s->stays = (flags & FLAG_STAYS) != 0;
	s->reads_at_most = (flags & FLAG_SHORT_READS) != 0 ? 5 : 0;
	s->has_table = true;
	s->names_decide = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];
	struct scenario s = { .arguments = { "-f", "/etc/socks64.conf" } };

	if (size < HEAD)
		return 0;
	choose(&s, data[0] & 7, data[1]);
	s.resolv_conf = files[data[0] >> 3 & 7];
	data += HEAD;
	size -= HEAD;
	if (s.resolv_conf == NULL) {
		const size_t taken = copy_text(text, data, size);

		s.resolv_conf = text;
		data += taken;
		size -= taken;
	}
	s.script = data;
	s.script_length = size;
	machine_run(&s);
	return 0;
}
