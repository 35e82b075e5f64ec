/* SPDX-License-Identifier: ISC */
/*
 * Headers of datagrams and messages of the control channel.  Pure.
 */
#include "wire/udp.h"

#include <string.h>

/* RFC 1928 7:  RSV RSV FRAG ATYP DST.ADDR DST.PORT DATA */
bool
udp_header_parse(struct cursor *c, struct udp_header *out)
{
	enum reply why;

	*out = (struct udp_header){ .fragment = 0 };
	(void)cursor_u16(c); /* RSV: FLAG of pro-v5, without a meaning yet */
	out->fragment = cursor_u8(c);
	return socks5_address_parse(c, &out->to, &why) == PARSE_DONE;
}

/* The same layout as a reply's, but that its first octets are zeros. */
size_t
udp_header_format(const struct address *from, uint8_t octets[UDP_HEADER_MAX])
{
	const size_t length = socks5_reply_format(REPLY_SUCCEEDED, from,
	    octets);

	octets[0] = 0;
	return length;
}

size_t
udp_header_format_id(uint32_t id, uint16_t port,
    uint8_t octets[UDP_HEADER_MAX])
{
	const size_t length = socks5_reply_format_id(REPLY_SUCCEEDED, id, port,
	    octets);

	octets[0] = 0;
	return length;
}

/* draft-ietf-aft-socks-pro-v5-04:  RSV SUB FLAG ATYP ADDR PORT */
enum parse
udp_control_parse(struct cursor *c, struct udp_control *out, enum reply *why)
{
	struct cursor walk = *c;
	enum parse parse;

	*out = (struct udp_control){ 0 };
	*why = REPLY_GENERAL_FAILURE;
	const uint8_t reserved = cursor_u8(&walk);
	const uint8_t subcommand = cursor_u8(&walk);
	(void)cursor_u8(&walk); /* FLAG */
	if (reserved != 0)
		return PARSE_BAD;
	if (c->left > 1 && subcommand != UDP_CONTROL_INTERFACE_DATA) {
		*why = REPLY_COMMAND_NOT_SUPPORTED;
		return PARSE_BAD;
	}
	if (walk.starved)
		return PARSE_MORE;
	parse = socks5_address_parse(&walk, &out->to, why);
	if (parse == PARSE_DONE)
		*c = walk;
	return parse;
}
