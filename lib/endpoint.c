/* SPDX-License-Identifier: ISC */
/*
 * sockaddr to address and back.
 */
#include "lib/endpoint.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

bool
endpoint_read(const struct sockaddr *from, socklen_t length,
    struct address *out)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (from == NULL || length < sizeof(from->sa_family))
		return false;
	if (from->sa_family == AF_INET && length >= sizeof(ipv4)) {
		memcpy(&ipv4, from, sizeof(ipv4));
		*out = address_ipv4((const uint8_t *)&ipv4.sin_addr,
		    ntohs(ipv4.sin_port));
		return true;
	}
	/* Without the scope id, as of old (RFC 2133), it is long enough. */
	if (from->sa_family == AF_INET6 &&
	    length >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memcpy(&ipv6, from,
		    offsetof(struct sockaddr_in6, sin6_scope_id));
		*out = address_ipv6((const uint8_t *)&ipv6.sin6_addr,
		    ntohs(ipv6.sin6_port));
		return true;
	}
	return false;
}

socklen_t
endpoint_sockaddr(const struct address *a, sa_family_t family,
    struct sockaddr_storage *out)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (family == AF_INET) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(a->port);
		if (a->family == FAMILY_IPV4)
			memcpy(&ipv4->sin_addr, a->octets, 4);
		return sizeof(*ipv4);
	}
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons(a->port);
	if (a->family == FAMILY_IPV4) {
		memset(ipv6->sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(ipv6->sin6_addr.s6_addr + 12, a->octets, 4);
	} else {
		memcpy(&ipv6->sin6_addr, a->octets, 16);
	}
	return sizeof(*ipv6);
}

void
endpoint_store(const struct address *a, sa_family_t family,
    struct sockaddr *to, socklen_t *length)
{
	struct sockaddr_storage storage;
	const socklen_t whole = endpoint_sockaddr(a, family, &storage);

	memcpy(to, &storage, *length < whole ? *length : whole);
	*length = whole;
}
