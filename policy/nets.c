/* SPDX-License-Identifier: ISC */
/*
 * Nets, and the source and the mark of connections; and what is wrong with
 * them.
 */
#include "policy/nets.h"

#include <string.h>

#include "base/number.h"

static bool
bits_parse(const char *slash, unsigned highest, unsigned *out)
{
	uint64_t bits;

	if (slash == NULL) {
		*out = highest;
		return true;
	}
	if (!number_parse(slash + 1, highest, &bits))
		return false;
	*out = (unsigned)bits;
	return true;
}

static void
refuse_host_bits(struct reader *r, const char *text, const struct net *net)
{
	char buffer[128];
	struct text after = text_in(buffer, sizeof(buffer));

	text_add(&after, " has bits set behind its prefix; the net is ");
	net_add(&after, net);
	reader_refuse(r, "", text, buffer);
}

static void
refuse_net(struct reader *r, const char *text)
{
	char buffer[128];
	struct text after = text_in(buffer, sizeof(buffer));
	struct address address;

	text_add(&after, " is no address, net or set");
	if (strchr(text, '*') != NULL)
		text_add(&after, ": a net is written 192.168.1.0/24");
	else if (strcmp(text, "0/0") == 0)
		text_add(&after, ": all addresses are written any");
	else if (address_parse_port(text, strlen(text), 0, &address))
		text_add(&after, ": a port has a word of its own, port 80");
	reader_refuse(r, "", text, buffer);
}

bool
net_parse(struct reader *r, const char *text, struct net *out)
{
	const char *slash = strchr(text, '/');
	const size_t length = slash == NULL ? strlen(text) :
					      (size_t)(slash - text);
	struct address base;
	struct net net = { .bits = 0 };
	unsigned bits;

	if (!address_parse(text, length, &base)) {
		refuse_net(r, text);
		return false;
	}
	const bool ipv6 = memchr(text, ':', length) != NULL;
	const unsigned hidden = ipv6 && base.family == FAMILY_IPV4 ? 96 : 0;
	if (!bits_parse(slash, ipv6 ? 128 : 32, &bits)) {
		reader_refuse(r, "", text,
		    ipv6 ? ": a prefix length is 0 to 128" :
			   ": a prefix length is 0 to 32");
		return false;
	}
	if (bits < hidden) {
		reader_refuse(r, "", text,
		    " is IPv4-mapped: write it as IPv4");
		return false;
	}
	memcpy(net.octets, base.octets, sizeof(net.octets));
	net.family = (uint8_t)base.family;
	net.bits = (uint8_t)(bits - hidden);
	if (!net_truncate(&net)) {
		refuse_host_bits(r, text, &net);
		return false;
	}
	*out = net;
	return true;
}

enum { MULTICAST_OCTET = 0xff }; /* ff00::/8 */

/* An address, which is the net of itself alone, or one with a slash. */
static bool
source_net(struct reader *r, const char *word, struct net *out)
{
	const char *slash = strchr(word, '/');
	const size_t length = slash == NULL ? strlen(word) :
					      (size_t)(slash - word);
	struct address address;

	if (!address_parse(word, length, &address)) {
		reader_refuse(r, "", word, " is no address");
		return false;
	}
	*out = net_around(&address, net_bits_max(address.family));
	return slash == NULL || net_parse(r, word, out);
}

/* Why an address of it cannot be chosen; NULL: it can, or is one. */
static const char *
no_choice(const struct net *net, bool nets)
{
	const struct address first = net_base(net);

	if (!origin_is_net(net))
		return NULL;
	if (!nets)
		return " is no address";
	if (net->family == FAMILY_IPV4)
		return ": a net to choose from is one of IPv6";
	return address_is_any(&first) || net->octets[0] == MULTICAST_OCTET ?
	    " has no addresses of a host" :
	    NULL;
}

bool
source_parse(struct reader *r, const char *word, bool nets, struct origin *out)
{
	const char *wrong;
	struct net net;

	if (!source_net(r, word, &net))
		return false;
	struct net *field = net.family == FAMILY_IPV4 ? &out->source_ipv4 :
							&out->source_ipv6;
	wrong = no_choice(&net, nets);
	if (wrong == NULL && field->family != FAMILY_NONE)
		wrong = ": this family has a source already";
	if (wrong != NULL) {
		reader_refuse(r, "", word, wrong);
		return false;
	}
	*field = net;
	return true;
}

bool
mark_parse(struct reader *r, const char *word, struct origin *out)
{
	uint64_t number;

	out->mark_given = true;
	if (strncmp(word, "0x", 2) == 0 && hex_parse(word + 2, &out->mark))
		return true;
	if (!number_parse(word, UINT32_MAX, &number)) {
		reader_refuse(r, "", word,
		    " is out of range: 0 to 4294967295, or 0x0 to "
		    "0xffffffff");
		return false;
	}
	out->mark = (uint32_t)number;
	return true;
}
