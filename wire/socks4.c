/* SPDX-License-Identifier: ISC */
/*
 * The messages of SOCKS4 and 4A.  Pure.  The parser walks on a copy of the
 * cursor and commits a whole message only.
 */
#include "wire/socks4.h"

#include <string.h>

enum { NAME_FIELD_MAX = 255 };

/* The octets in front of a NUL, `most' at most, and the NUL. */
static enum parse
take_string(struct cursor *walk, size_t most, const uint8_t **string,
    size_t *length)
{
	const size_t seen = walk->left < most + 1 ? walk->left : most + 1;
	const uint8_t *end = seen == 0 ? NULL : memchr(walk->at, 0, seen);

	*string = walk->at;
	*length = end == NULL ? seen : (size_t)(end - walk->at);
	if (end == NULL)
		return seen > most ? PARSE_BAD : PARSE_MORE;
	(void)cursor_take(walk, *length + 1);
	return PARSE_DONE;
}

/* Is a name to follow?  0.0.0.0 is an address. */
static bool
announces_name(const uint8_t address[4])
{
	return address[0] == 0 && address[1] == 0 && address[2] == 0 &&
	    address[3] != 0;
}

/* 4A: a name, which may be an address in writing, and NUL. */
static enum parse
read_name(struct cursor *walk, struct request *out)
{
	const uint16_t port = out->address.port;
	const uint8_t *name;
	size_t length;
	const enum parse parse = take_string(walk, NAME_FIELD_MAX, &name,
	    &length);

	if (parse == PARSE_MORE)
		return PARSE_MORE;
	out->by_name = true;
	out->asked_length = length > NAME_FIELD_MAX ? NAME_FIELD_MAX :
						      (uint8_t)length;
	memcpy(out->asked, name, out->asked_length);
	if (parse == PARSE_BAD)
		return PARSE_BAD;
	out->kind = name_classify(name, length, out->name, &out->address);
	out->address.port = port;
	return out->kind == NAME_BAD ? PARSE_BAD : PARSE_DONE;
}

static bool
is_command(uint8_t code)
{
	return code == REQUEST_CONNECT || code == REQUEST_BIND;
}

/* VN CD DSTPORT DSTIP */
static enum parse
read_head(struct cursor *walk, struct request *out, enum reply *why)
{
	const uint8_t version = cursor_u8(walk);

	if (walk->starved)
		return PARSE_MORE;
	if (version != SOCKS4_VERSION)
		return PARSE_BAD;
	out->command = cursor_u8(walk);
	if (!walk->starved && !is_command(out->command)) {
		*why = REPLY_COMMAND_NOT_SUPPORTED;
		return PARSE_BAD;
	}
	const uint16_t port = cursor_u16(walk);
	const uint8_t *address = cursor_take(walk, 4);
	if (walk->starved)
		return PARSE_MORE;
	memcpy(out->asked, address, 4);
	out->asked_length = 4;
	out->kind = NAME_LITERAL;
	out->address = address_ipv4(address, port);
	return PARSE_DONE;
}

static enum parse
read_request(struct cursor *walk, struct request *out,
    struct socks4_claim *claim, enum reply *why)
{
	enum parse parse = read_head(walk, out, why);

	if (parse != PARSE_DONE)
		return parse;
	const bool name_follows = announces_name(out->asked);
	parse = take_string(walk, SOCKS4_USERID_MAX, &claim->userid,
	    &claim->length);
	if (parse != PARSE_DONE || !name_follows)
		return parse;
	out->kind = NAME_BAD;
	out->address = (struct address){ .port = out->address.port };
	return read_name(walk, out);
}

enum parse
socks4_request_parse(struct cursor *c, struct request *out,
    struct socks4_claim *claim, enum reply *why)
{
	struct cursor walk = *c;
	struct request request = { 0 };
	struct socks4_claim claimed;

	*why = REPLY_GENERAL_FAILURE;
	const enum parse parse = read_request(&walk, &request, &claimed, why);
	if (parse == PARSE_MORE)
		return PARSE_MORE;
	*out = request;
	if (parse == PARSE_BAD)
		return PARSE_BAD;
	*claim = claimed;
	*c = walk;
	return PARSE_DONE;
}

size_t
socks4_reply_format(enum reply reply, const struct address *bound,
    uint8_t octets[SOCKS4_REPLY_SIZE])
{
	memset(octets, 0, SOCKS4_REPLY_SIZE); /* VN of a reply is 0 */
	octets[1] = reply == REPLY_SUCCEEDED ? SOCKS4_GRANTED :
					       SOCKS4_REJECTED;
	if (reply != REPLY_SUCCEEDED || bound == NULL)
		return SOCKS4_REPLY_SIZE;
	octets[2] = (uint8_t)(bound->port >> 8);
	octets[3] = (uint8_t)(bound->port & 0xff);
	if (bound->family == FAMILY_IPV4)
		memcpy(octets + 4, bound->octets, 4);
	return SOCKS4_REPLY_SIZE;
}
