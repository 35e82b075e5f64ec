/* SPDX-License-Identifier: ISC */
/*
 * PROXY protocol headers (HAProxy's doc/proxy-protocol.txt, 2.1 and 2.2).
 * Pure.  Nothing is taken from a header that is not whole and valid.
 */
#include "wire/proxy.h"

#include <string.h>

enum {
	V1_LENGTH_MAX = 107, /* with CRLF */
	V1_FIELDS = 6,

	V2_START = 16, /* signature, command, family, length */
	V2_VERSION = 2,
	V2_LOCAL = 0,
	V2_PROXY = 1,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_FAMILY_UNIX = 3,
	V2_PROTOCOL_DATAGRAM = 2,

	TLV_CRC32C = 3,
	CRC_LENGTH = 4,
};

static const uint8_t v1_start[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const uint8_t v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
	0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

#define V1 "a PROXY header of version 1 "
#define V2 "a PROXY header of version 2 "

static enum parse
bad(struct proxy_header *out, const char *wrong)
{
	out->wrong = wrong;
	return PARSE_BAD;
}

/* --- version 1 --- */

struct field {
	const char *start;
	size_t length;
};

static bool
field_is(const struct field *field, const char *word)
{
	return field->length == strlen(word) &&
	    memcmp(field->start, word, field->length) == 0;
}

/* Cuts at every single blank; 0 where there are more than V1_FIELDS. */
static size_t
split(const char *line, size_t length, struct field fields[V1_FIELDS])
{
	size_t count = 0;
	size_t start = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && line[i] != ' ')
			continue;
		if (count == V1_FIELDS)
			return 0;
		fields[count++] = (struct field){ line + start, i - start };
		start = i + 1;
	}
	return count;
}

/* An IPv4 address may stand under TCP6: nginx writes the one that an IPv6
 * socket was reached by so. */
static bool
v1_address(const struct field *address, const struct field *port, bool ipv6,
    struct address *out)
{
	struct address a;
	uint16_t number;

	if (address->length == 0 ||
	    (!ipv6 && memchr(address->start, ':', address->length) != NULL))
		return false;
	if (!address_parse(address->start, address->length, &a) ||
	    !port_parse(port->start, port->length, 0, &number))
		return false;
	a.port = number;
	*out = a;
	return true;
}

/* PROXY TCP4|TCP6 SOURCE DESTINATION PORT PORT; PROXY UNKNOWN [anything] */
static enum parse
v1_line(const char *line, size_t length, struct proxy_header *out)
{
	static const char unknown[] = "PROXY UNKNOWN";
	const size_t known = sizeof(unknown) - 1;
	struct field fields[V1_FIELDS];

	if (length >= known && memcmp(line, unknown, known) == 0 &&
	    (length == known || line[known] == ' '))
		return PARSE_DONE;
	if (split(line, length, fields) != V1_FIELDS)
		return bad(out, V1 "that has not six words");
	const bool ipv6 = field_is(&fields[1], "TCP6");
	if (!ipv6 && !field_is(&fields[1], "TCP4"))
		return bad(out, V1 "of neither TCP4, TCP6 nor UNKNOWN");
	if (!v1_address(&fields[2], &fields[4], ipv6, &out->source))
		return bad(out, V1 "whose source is no address and port");
	if (!v1_address(&fields[3], &fields[5], ipv6, &out->destination))
		return bad(out, V1 "whose destination is no address and port");
	return PARSE_DONE;
}

static enum parse
v1_parse(struct cursor *walk, struct proxy_header *out)
{
	const size_t seen = walk->left < V1_LENGTH_MAX ? walk->left :
							 V1_LENGTH_MAX;
	const uint8_t *line = walk->at;

	for (size_t i = sizeof(v1_start); i < seen; i++) {
		/* A lone CR or LF ends nothing, and belongs nowhere. */
		if ((line[i] == '\n') != (line[i - 1] == '\r'))
			return bad(out, V1 "that ends without CR LF");
		if (line[i] != '\n')
			continue;
		if (v1_line((const char *)line, i - 1, out) != PARSE_DONE)
			return PARSE_BAD;
		(void)cursor_take(walk, i + 1); /* it is there */
		return PARSE_DONE;
	}
	return seen == V1_LENGTH_MAX ? bad(out, V1 "of more than 107 octets") :
				       PARSE_MORE;
}

/* --- version 2 --- */

/* CRC-32C (Castagnoli), reflected; bit by bit: headers are short and rare. */
static uint32_t
crc_add(uint32_t crc, uint8_t octet)
{
	crc ^= octet;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
	return crc;
}

/* The checksum of a header whose stored one, at `stored`, counts as zeros. */
static uint32_t
crc_of(const uint8_t *header, size_t length, const uint8_t *stored)
{
	uint32_t crc = 0xffffffffU;

	for (size_t i = 0; i < length; i++) {
		const uint8_t *at = header + i;
		const bool hidden = at >= stored && at < stored + CRC_LENGTH;

		crc = crc_add(crc, hidden ? 0 : *at);
	}
	return ~crc;
}

/* TYPE, two octets of LENGTH, VALUE; finds the checksum.  False: the last one
 * is not whole, or a checksum is not four octets or not alone. */
static bool
find_checksum(struct cursor tlvs, const uint8_t **out)
{
	const uint8_t *checksum = NULL;

	while (tlvs.left > 0) {
		const uint8_t type = cursor_u8(&tlvs);
		const size_t length = cursor_u16(&tlvs);
		const uint8_t *value = cursor_take(&tlvs, length);

		if (tlvs.starved)
			return false;
		if (type != TLV_CRC32C)
			continue;
		if (length != CRC_LENGTH || checksum != NULL)
			return false;
		checksum = value;
	}
	*out = checksum;
	return true;
}

static bool
tlvs_valid(const uint8_t *header, size_t length, const struct cursor *tlvs)
{
	const uint8_t *stored;

	if (!find_checksum(*tlvs, &stored))
		return false;
	if (stored == NULL)
		return true;
	return crc_of(header, length, stored) ==
	    ((uint32_t)stored[0] << 24 | (uint32_t)stored[1] << 16 |
		(uint32_t)stored[2] << 8 | (uint32_t)stored[3]);
}

/* Source and destination, then both ports; starves where there is less. */
static void
v2_addresses(struct cursor *body, bool ipv6, struct proxy_header *out)
{
	const size_t size = ipv6 ? 16 : 4;
	const uint8_t *source = cursor_take(body, size);
	const uint8_t *destination = cursor_take(body, size);
	const uint16_t source_port = cursor_u16(body);
	const uint16_t destination_port = cursor_u16(body);

	if (body->starved)
		return;
	if (ipv6) {
		out->source = address_ipv6(source, source_port);
		out->destination = address_ipv6(destination, destination_port);
	} else {
		out->source = address_ipv4(source, source_port);
		out->destination = address_ipv4(destination, destination_port);
	}
}

/* Does the second pair of nibbles mean anything?  LOCAL does not look at
 * it. */
static bool
v2_family_valid(uint8_t family)
{
	return family >> 4 <= V2_FAMILY_UNIX &&
	    (family & 15) <= V2_PROTOCOL_DATAGRAM;
}

/* The addresses of TCP, and what may stand behind them. */
static enum parse
v2_body(const uint8_t *header, struct cursor body, uint8_t family,
    struct proxy_header *out)
{
	const size_t length = V2_START + body.left;

	v2_addresses(&body, family == V2_TCP6, out);
	if (body.starved)
		return bad(out, V2 "that is too short for its addresses");
	if (!tlvs_valid(header, length, &body))
		return bad(out, V2 "with a wrong checksum, or half a TLV");
	return PARSE_DONE;
}

/* SIGNATURE, VERSION|COMMAND, FAMILY|PROTOCOL, two octets of LENGTH, then so
 * many octets: addresses and TLVs.  Who came by anything but TCP counts as
 * nobody, as the specification has it for what a receiver does not use. */
static enum parse
v2_parse(struct cursor *walk, struct proxy_header *out)
{
	const uint8_t *header = cursor_take(walk, sizeof(v2_signature));
	const uint8_t version = cursor_u8(walk);

	if (walk->starved)
		return PARSE_MORE;
	const uint8_t command = version & 15;
	if (version >> 4 != V2_VERSION || command > V2_PROXY)
		return bad(out, V2 "that is neither LOCAL nor PROXY");
	const uint8_t family = cursor_u8(walk);
	if (walk->starved)
		return PARSE_MORE;
	if (command == V2_PROXY && !v2_family_valid(family))
		return bad(out, V2 "of an unknown family or protocol");
	const size_t length = cursor_u16(walk);
	if (!walk->starved && length > PROXY_HEADER_MAX - V2_START)
		return bad(out, V2 "of more than 4112 octets");
	const struct cursor body = { .at = cursor_take(walk, length),
		.left = length };
	if (walk->starved)
		return PARSE_MORE;

	out->local = command == V2_LOCAL;
	if (out->local || (family != V2_TCP4 && family != V2_TCP6))
		return PARSE_DONE;
	return v2_body(header, body, family, out);
}

/* Do the octets begin with `start`, as far as they go? */
static bool
begins_with(const struct cursor *c, const uint8_t *start, size_t length)
{
	return memcmp(c->at, start, c->left < length ? c->left : length) == 0;
}

enum parse
proxy_header_parse(struct cursor *c, struct proxy_header *out)
{
	struct cursor walk = *c;
	struct proxy_header header = { .local = false };
	enum parse parse;

	if (c->left == 0)
		return PARSE_MORE;
	if (begins_with(c, v2_signature, sizeof(v2_signature)))
		parse = v2_parse(&walk, &header);
	else if (begins_with(c, v1_start, sizeof(v1_start)))
		parse = v1_parse(&walk, &header);
	else
		parse = bad(&header,
		    "the connection does not begin with a PROXY header");
	if (parse == PARSE_BAD)
		out->wrong = header.wrong;
	if (parse != PARSE_DONE)
		return parse;
	*out = header;
	*c = walk;
	return PARSE_DONE;
}

/* --- writing --- */

static void
put_port(uint8_t *at, uint16_t port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)(port & 0xff);
}

size_t
proxy_header_format(const struct proxy_header *header,
    uint8_t octets[PROXY_FORMAT_MAX])
{
	const struct address *source = &header->source;
	const struct address *destination = &header->destination;
	const size_t size = source->family == destination->family ?
	    address_length(source) :
	    0;
	const size_t length = size == 0 ? 0 : 2 * size + 4;
	uint8_t *body = octets + V2_START;

	memset(octets, 0, V2_START);
	memcpy(octets, v2_signature, sizeof(v2_signature));
	octets[12] = V2_VERSION << 4 | V2_PROXY;
	octets[15] = (uint8_t)length;
	if (length == 0)
		return V2_START;
	octets[13] = source->family == FAMILY_IPV6 ? V2_TCP6 : V2_TCP4;
	memcpy(body, source->octets, size);
	memcpy(body + size, destination->octets, size);
	put_port(body + 2 * size, source->port);
	put_port(body + 2 * size + 2, destination->port);
	return V2_START + length;
}
