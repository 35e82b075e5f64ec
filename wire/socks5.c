/* SPDX-License-Identifier: ISC */
/*
 * RFC 1928 messages.  Pure.  Every parser walks on a copy of the cursor and
 * commits a whole message only.
 */
#include "wire/socks5.h"

#include <string.h>

/* RFC 1928 3:  VER NMETHODS METHODS... */
enum parse
socks5_greeting_parse(struct cursor *c, struct socks5_greeting *out)
{
	struct cursor walk = *c;
	const uint8_t version = cursor_u8(&walk);

	if (walk.starved)
		return PARSE_MORE;
	if (version != SOCKS5_VERSION)
		return PARSE_BAD;
	const uint8_t count = cursor_u8(&walk);
	const uint8_t *methods = cursor_take(&walk, count);
	if (walk.starved)
		return PARSE_MORE;
	*out = (struct socks5_greeting){ 0 };
	for (size_t i = 0; i < count; i++)
		out->offers[methods[i]] = true;
	out->offers[SOCKS5_METHOD_NO_ACCEPTABLE] = false;
	*c = walk;
	return PARSE_DONE;
}

bool
socks5_address_length(struct cursor *walk, uint8_t type, size_t *length)
{
	switch (type) {
	case ATYP_IPV4: *length = 4; return true;
	case ATYP_IPV6: *length = 16; return true;
	case ATYP_ADDRESS_ID: *length = SOCKS5_ID_SIZE; return true;
	case ATYP_DOMAINNAME: *length = cursor_u8(walk); return true;
	default: return false;
	}
}

/* CLASS REALID */
static uint32_t
id_of(const uint8_t octets[SOCKS5_ID_SIZE])
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
	    (uint32_t)octets[2] << 8 | octets[3];
}

static void
take_host(struct request *r, uint8_t type)
{
	const uint16_t port = r->address.port;

	switch (type) {
	case ATYP_IPV4:
		r->kind = NAME_LITERAL;
		r->address = address_ipv4(r->asked, port);
		break;
	case ATYP_IPV6:
		r->kind = NAME_LITERAL;
		r->address = address_ipv6(r->asked, port);
		break;
	case ATYP_ADDRESS_ID:
		r->by_id = true;
		r->id = id_of(r->asked);
		break;
	default:
		r->by_name = true;
		r->kind = name_classify(r->asked, r->asked_length, r->name,
		    &r->address);
		r->address.port = port;
		break;
	}
}

/* RFC 1928 5:  ATYP DST.ADDR DST.PORT; a name may be NAME_BAD. */
static enum parse
read_address(struct cursor *walk, struct request *out, enum reply *why)
{
	size_t length = 0;

	*why = REPLY_GENERAL_FAILURE;
	const uint8_t type = cursor_u8(walk);
	if (walk->starved)
		return PARSE_MORE;
	if (!socks5_address_length(walk, type, &length)) {
		*why = REPLY_ADDRESS_TYPE_NOT_SUPPORTED;
		return PARSE_BAD;
	}
	const uint8_t *asked = cursor_take(walk, length);
	const uint16_t port = cursor_u16(walk);
	if (walk->starved)
		return PARSE_MORE;
	memcpy(out->asked, asked, length);
	out->asked_length = (uint8_t)length;
	out->address.port = port;
	take_host(out, type);
	return PARSE_DONE;
}

enum parse
socks5_address_parse(struct cursor *c, struct request *out, enum reply *why)
{
	struct cursor walk = *c;
	const enum parse parse = read_address(&walk, out, why);

	if (parse != PARSE_DONE)
		return parse;
	if (out->kind == NAME_BAD && !out->by_id)
		return PARSE_BAD;
	*c = walk;
	return PARSE_DONE;
}

/* RFC 1928 4:  VER CMD RSV ATYP DST.ADDR DST.PORT */
enum parse
socks5_request_parse(struct cursor *c, struct request *out, enum reply *why)
{
	struct cursor walk = *c;
	struct request r = { 0 };

	*why = REPLY_GENERAL_FAILURE;
	const uint8_t version = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	if (version != SOCKS5_VERSION)
		return PARSE_BAD;
	r.command = cursor_u8(&walk);
	r.flag = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	const enum parse parse = read_address(&walk, &r, why);
	if (parse == PARSE_MORE)
		return PARSE_MORE;
	r.bind_port = r.address.port;
	*out = r;
	/* Where the client of UDP will send from is a hint, and some say "0"
	 * where they do not know. */
	if (parse == PARSE_BAD ||
	    (r.kind == NAME_BAD && !r.by_id &&
		r.command != REQUEST_UDP_ASSOCIATE))
		return PARSE_BAD;
	*c = walk;
	return PARSE_DONE;
}

/* The head of a reply: VER REP FLAG ATYP. */
static void
head_put(enum reply reply, uint8_t type, uint8_t octets[4])
{
	octets[0] = SOCKS5_VERSION;
	octets[1] = (uint8_t)reply;
	octets[2] = 0;
	octets[3] = type;
}

static void
port_put(uint16_t port, uint8_t octets[2])
{
	octets[0] = (uint8_t)(port >> 8);
	octets[1] = (uint8_t)(port & 0xff);
}

/* draft-kitamura-socks-ipv6-01:  VER REP FLAG 08 CLASS REALID BND.PORT */
size_t
socks5_reply_format_id(enum reply reply, uint32_t id, uint16_t port,
    uint8_t octets[SOCKS5_REPLY_MAX])
{
	head_put(reply, ATYP_ADDRESS_ID, octets);
	octets[4] = (uint8_t)(id >> 24);
	octets[5] = (uint8_t)(id >> 16 & 0xff);
	octets[6] = (uint8_t)(id >> 8 & 0xff);
	octets[7] = (uint8_t)(id & 0xff);
	port_put(port, octets + 4 + SOCKS5_ID_SIZE);
	return 6 + SOCKS5_ID_SIZE;
}

/* VER REP FLAG 03 LENGTH NAME BND.PORT */
size_t
socks5_reply_format_name(enum reply reply, const char *name,
    uint8_t octets[SOCKS5_NAME_REPLY_MAX])
{
	const size_t length = strnlen(name, NAME_LENGTH_MAX);

	head_put(reply, ATYP_DOMAINNAME, octets);
	octets[4] = (uint8_t)length;
	memcpy(octets + 5, name, length);
	port_put(0, octets + 5 + length);
	return 7 + length;
}

/* RFC 1928 6:  VER REP RSV ATYP BND.ADDR BND.PORT */
size_t
socks5_reply_format(enum reply reply, const struct address *bound,
    uint8_t octets[SOCKS5_REPLY_MAX])
{
	static const struct address nowhere = { .family = FAMILY_IPV4 };

	if (bound == NULL || bound->family == FAMILY_NONE)
		bound = &nowhere;
	const size_t length = address_length(bound);
	head_put(reply, bound->family == FAMILY_IPV4 ? ATYP_IPV4 : ATYP_IPV6,
	    octets);
	memcpy(octets + 4, bound->octets, length);
	port_put(bound->port, octets + 4 + length);
	return 6 + length;
}
