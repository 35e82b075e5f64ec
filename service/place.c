/* SPDX-License-Identifier: ISC */
/*
 * The grammar of -l.
 */
#include "service/place.h"

#include <string.h>

/* `length' characters of text are ADDRESS, with brackets where it is IPv6,
 * and with %INTERFACE behind a link-local one. */
static bool
host_parse(const char *text, size_t length, struct listen_place *place)
{
	const bool bracketed = length >= 2 && text[0] == '[' &&
	    text[length - 1] == ']';
	const char *zone;
	size_t zone_length;

	if (bracketed) {
		text++;
		length -= 2;
	}
	zone = memchr(text, '%', length);
	if (zone != NULL) {
		zone_length = length - (size_t)(zone - text) - 1;
		if (zone_length == 0 || zone_length >= IF_NAMESIZE ||
		    memchr(zone, '/', zone_length + 1) != NULL)
			return false;
		memcpy(place->interface, zone + 1, zone_length);
		length = (size_t)(zone - text);
	}
	/* An IPv4-mapped address would be IPv4 in brackets. */
	return address_parse(text, length, &place->address) &&
	    bracketed == (place->address.family == FAMILY_IPV6) &&
	    (zone != NULL) == address_is_link_local(&place->address);
}

static bool
path_parse(const char *text, struct listen_place *out)
{
	if (strlen(text) > PLACE_PATH_MAX)
		return false;
	*out = (struct listen_place){ .kind = PLACE_PATH, .path = text };
	return true;
}

bool
place_parse(const char *text, struct listen_place *out)
{
	const char *colon = strrchr(text, ':');
	struct listen_place place = { .kind = PLACE_ADDRESS };
	uint16_t port;

	if (text[0] == '/')
		return path_parse(text, out);
	if (colon == NULL ||
	    !port_parse(colon + 1, strlen(colon + 1), 1, &port))
		return false;
	if (colon == text)
		place.kind = PLACE_BOTH;
	else if (!host_parse(text, (size_t)(colon - text), &place))
		return false;
	place.address.port = port;
	*out = place;
	return true;
}
