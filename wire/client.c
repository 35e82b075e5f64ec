/* SPDX-License-Identifier: ISC */
/*
 * The messages of a SOCKS5 client.  Pure.  Every parser walks on a copy of the
 * cursor and commits a whole message only.
 */
#include "wire/client.h"

#include <string.h>

/* VER NMETHODS METHODS */
size_t
client_greeting_format(bool password, uint8_t octets[CLIENT_GREETING_MAX])
{
	octets[0] = SOCKS5_VERSION;
	octets[1] = password ? 2 : 1;
	octets[2] = SOCKS5_METHOD_NONE;
	octets[3] = SOCKS5_METHOD_PASSWORD;
	return 2u + octets[1];
}

size_t
client_greeting_only(enum socks5_method method,
    uint8_t octets[CLIENT_GREETING_MAX])
{
	octets[0] = SOCKS5_VERSION;
	octets[1] = 1;
	octets[2] = (uint8_t)method;
	return 3;
}

/* Length and octets; returns how many that are. */
static size_t
put_counted(uint8_t *at, const uint8_t *octets, size_t length)
{
	at[0] = (uint8_t)length;
	if (length > 0)
		memcpy(at + 1, octets, length);
	return 1 + length;
}

/* RFC 1929 2:  VER ULEN UNAME PLEN PASSWD */
size_t
client_login_format(const struct login *login,
    uint8_t octets[CLIENT_LOGIN_MAX])
{
	size_t used = 1;

	octets[0] = LOGIN_VERSION;
	used += put_counted(octets + used, login->user, login->user_length);
	used += put_counted(octets + used, login->password,
	    login->password_length);
	return used;
}

static size_t
put_id(uint8_t *at, uint32_t id)
{
	for (size_t i = 0; i < SOCKS5_ID_SIZE; i++)
		at[i] = (uint8_t)(id >> (24 - 8 * i));
	return SOCKS5_ID_SIZE;
}

/* The octets of an address, those of 0.0.0.0 for none. */
static size_t
put_octets(uint8_t *at, const struct address *address)
{
	const size_t length = address->family == FAMILY_IPV6 ? 16 : 4;

	memcpy(at, address->octets, length);
	return length;
}

/* ATYP DST.ADDR DST.PORT */
static size_t
put_address(uint8_t *at, const struct client_address *to)
{
	size_t used = 1;

	if (to->name != NULL) {
		at[0] = ATYP_DOMAINNAME;
		used += put_counted(at + used, to->name, to->name_length);
	} else if (to->id != 0) {
		at[0] = ATYP_ADDRESS_ID;
		used += put_id(at + used, to->id);
	} else {
		at[0] = to->address.family == FAMILY_IPV6 ? ATYP_IPV6 :
							    ATYP_IPV4;
		used += put_octets(at + used, &to->address);
	}
	at[used++] = (uint8_t)(to->address.port >> 8);
	at[used++] = (uint8_t)(to->address.port & 0xff);
	return used;
}

/* RFC 1928 4:  VER CMD RSV ATYP DST.ADDR DST.PORT */
size_t
client_request_format(const struct client_request *request,
    uint8_t octets[CLIENT_REQUEST_MAX])
{
	octets[0] = SOCKS5_VERSION;
	octets[1] = request->command;
	octets[2] = request->flag;
	return 3 + put_address(octets + 3, &request->to);
}

/* RFC 1928 7:  RSV RSV FRAG ATYP DST.ADDR DST.PORT */
size_t
client_datagram_format(const struct client_address *to,
    uint8_t octets[CLIENT_DATAGRAM_MAX])
{
	memset(octets, 0, 3);
	return 3 + put_address(octets + 3, to);
}

/* RFC 1928 3:  VER METHOD */
enum parse
client_method_parse(struct cursor *c, uint8_t *method)
{
	struct cursor walk = *c;
	const uint8_t version = cursor_u8(&walk);

	if (walk.starved)
		return PARSE_MORE;
	if (version != SOCKS5_VERSION)
		return PARSE_BAD;
	const uint8_t chosen = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	*method = chosen;
	*c = walk;
	return PARSE_DONE;
}

/* RFC 1929 2:  VER STATUS */
enum parse
client_login_parse(struct cursor *c, bool *granted)
{
	struct cursor walk = *c;

	(void)cursor_u8(&walk);
	const uint8_t status = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	*granted = status == 0;
	*c = walk;
	return PARSE_DONE;
}

static void
take_field(struct client_address *out, uint8_t type, const uint8_t *field,
    size_t length)
{
	switch (type) {
	case ATYP_IPV4: out->address = address_ipv4(field, 0); break;
	case ATYP_IPV6: out->address = address_ipv6(field, 0); break;
	case ATYP_ADDRESS_ID:
		for (size_t i = 0; i < length; i++)
			out->id = out->id << 8 | field[i];
		break;
	default:
		out->name = field;
		out->name_length = (uint8_t)length;
		break;
	}
}

/* ATYP ADDR PORT */
static enum parse
take_address(struct cursor *walk, struct client_address *out)
{
	const uint8_t type = cursor_u8(walk);
	size_t length = 0;

	*out = (struct client_address){ 0 };
	if (walk->starved)
		return PARSE_MORE;
	if (!socks5_address_length(walk, type, &length))
		return PARSE_BAD;
	const uint8_t *field = cursor_take(walk, length);
	const uint16_t port = cursor_u16(walk);
	if (walk->starved)
		return PARSE_MORE;
	take_field(out, type, field, length);
	out->address.port = port;
	return PARSE_DONE;
}

/* RFC 1928 6:  VER REP RSV ATYP BND.ADDR BND.PORT */
enum parse
client_reply_parse(struct cursor *c, struct client_reply *out)
{
	struct cursor walk = *c;
	struct client_reply r = { .reply = REPLY_SUCCEEDED };
	const uint8_t version = cursor_u8(&walk);

	*out = r;
	if (walk.starved)
		return PARSE_MORE;
	if (version != SOCKS5_VERSION)
		return PARSE_BAD;
	r.reply = (enum reply)cursor_u8(&walk);
	r.flag = cursor_u8(&walk);
	out->reply = r.reply;
	if (walk.starved)
		return PARSE_MORE;
	enum parse parse = take_address(&walk, &r.bound);
	if (parse == PARSE_BAD && r.reply != REPLY_SUCCEEDED)
		parse = PARSE_DONE;
	if (parse == PARSE_DONE) {
		*out = r;
		*c = walk;
	}
	return parse;
}

size_t
client_reply_missing(const uint8_t *octets, size_t length)
{
	enum { HEAD = 4, PORT = 2 };
	struct cursor field;
	size_t whole = 0;

	if (length > 0 && octets[0] != SOCKS5_VERSION)
		return 0;
	if (length < HEAD)
		return HEAD - length;
	field = (struct cursor){ .at = octets + HEAD, .left = length - HEAD };
	if (!socks5_address_length(&field, octets[HEAD - 1], &whole))
		return 0;
	if (field.starved)
		return 1; /* the length of the name */
	whole += PORT;
	return whole > field.left ? whole - field.left : 0;
}

bool
client_datagram_parse(struct cursor *c, struct client_address *from)
{
	(void)cursor_u16(c); /* RSV */
	const uint8_t fragment = cursor_u8(c);

	return take_address(c, from) == PARSE_DONE && fragment == 0;
}
