/* SPDX-License-Identifier: ISC */
/*
 * Asking the kernel where it would send, by sockets that never send.
 */
#include "net/route.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/onlink.h"
#include "net/sockaddr.h"
#include "policy/rules.h"

/* 127.0.0.0/8, ::1, and the unspecified addresses, which connect(2) takes
 * for this host. */
static bool
is_loopback(const struct address *a)
{
	static const struct address loopback = { .family = FAMILY_IPV6,
		.octets = { [15] = 1 } };
	const struct address any = { .family = a->family };

	if (a->family == FAMILY_IPV4 && a->octets[0] == 127)
		return true;
	return address_equal(a, &loopback) || address_equal(a, &any);
}

/*
 * SECURITY: the source of a secondary IPv4 address is the primary one of its
 * net, so that comparing both is not enough to know our own.  Multicast can
 * leave by any address of this host, and by no other, ip_nonlocal_bind or
 * not: the kernel tells at once.
 */
static bool
is_assigned(int fd, const struct address *a)
{
	struct in_addr ipv4;

	if (a->family != FAMILY_IPV4)
		return false; /* an IPv6 source equals its destination, or
				 stays_here() knows */
	memcpy(&ipv4, a->octets, sizeof(ipv4));
	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &ipv4,
		   sizeof(ipv4)) == 0;
}

/*
 * SECURITY: a whole prefix may be local (`ip -6 route add local`), and none
 * of its addresses a source; nor is one that a router has as anycast.  What
 * stays here has the MTU of lo, which is more than any link's.
 */
static bool
stays_here(int fd, const struct address *a)
{
	int mtu = 0;
	socklen_t length = sizeof(mtu);

	return a->family == FAMILY_IPV6 &&
	    getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &length) == 0 &&
	    mtu > UINT16_MAX;
}

/* 0 or an errno. */
static int
connect_probe(int fd, const struct endpoint *to, struct address *source)
{
	if (connect(fd, (const struct sockaddr *)&to->storage, to->length) !=
	    0)
		return errno;
	if (!socket_local(fd, source))
		return errno;
	source->port = 0;
	return 0;
}

/* settings NULL: as the kernel would do it without us. */
static struct route
probe(const struct settings *settings, const struct address *destination,
    uint32_t scope)
{
	const struct endpoint to = endpoint_of(destination, scope);
	struct route route = { .usable = false };
	const int fd = socket_create(destination->family, SOCK_DGRAM);

	if (fd == -1) {
		/* Not to be known: the safe answer, but without a family. */
		route.error = errno;
		route.self = route.error != EAFNOSUPPORT;
		return route;
	}
	route.self = is_assigned(fd, destination);
	if (settings == NULL || route_apply(settings, fd, destination->family))
		route.error = connect_probe(fd, &to, &route.source);
	else
		route.error = errno;
	route.usable = route.error == 0;
	if (route.usable && stays_here(fd, destination))
		route.self = true;
	close(fd);
	if (!route.usable)
		route.source = (struct address){ .family = FAMILY_NONE };
	route.self = route.self || address_equal(&route.source, destination);
	return route;
}

/* Does the configuration change where sockets go? */
static bool
is_steered(const struct settings *settings)
{
	return settings->interface != NULL || settings->mark_set ||
	    settings->source_ipv4.family != FAMILY_NONE ||
	    settings->source_ipv6.family != FAMILY_NONE;
}

struct route
route_probe(const struct settings *settings, const struct address *destination,
    uint32_t scope)
{
	const struct address inside = policy_inside(settings->policy,
	    destination);
	struct route route = { .error = EAFNOSUPPORT };
	bool self;

	if (destination->family == FAMILY_NONE)
		return route;
	route = probe(NULL, destination, scope);
	self = route.self || is_loopback(&inside);
	/* SECURITY: our own IPv4 address, by way of a translator. */
	if (!address_equal(&inside, destination))
		self = self || probe(NULL, &inside, 0).self;
	/* With a source of ours, no source equals the destination. */
	if (is_steered(settings))
		route = probe(settings, destination, scope);
	route.self = route.self || self;
	route.on_link = policy_asks_on_link(settings->policy, &inside) &&
	    onlink_has(&inside);
	return route;
}

bool
route_wanted(const struct settings *settings, enum family family)
{
	switch (settings->prefer) {
	case PREFER_IPV6_ONLY: return family == FAMILY_IPV6;
	case PREFER_IPV4_ONLY: return family == FAMILY_IPV4;
	case PREFER_AUTO:
	case PREFER_IPV6:
	case PREFER_IPV4: break;
	}
	return true;
}

static bool
apply_source(const struct settings *settings, int fd, enum family family)
{
	const struct address *source = family == FAMILY_IPV6 ?
	    &settings->source_ipv6 :
	    &settings->source_ipv4;
	const struct endpoint from = endpoint_of(source, 0);

	return source->family == FAMILY_NONE ||
	    bind(fd, (const struct sockaddr *)&from.storage, from.length) == 0;
}

/* The keyword of what cannot be set, with errno; NULL: all was. */
static const char *
apply_steering(const struct settings *settings, int fd)
{
	const char *interface = settings->interface;

	if (interface != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		(socklen_t)strlen(interface)) != 0)
		return "interface";
	if (settings->mark_set &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &settings->mark,
		sizeof(settings->mark)) != 0)
		return "mark";
	return NULL;
}

bool
route_steer(const struct settings *settings, int fd)
{
	return apply_steering(settings, fd) == NULL;
}

bool
route_apply(const struct settings *settings, int fd, enum family family)
{
	return route_steer(settings, fd) && apply_source(settings, fd, family);
}

const char *
route_refused(const struct settings *settings)
{
	const char *refused = NULL;
	int fd;

	if (settings->interface == NULL && !settings->mark_set)
		return NULL;
	/* A unix-domain socket has these options too, whatever protocols
	 * this kernel speaks, and they cost it nothing. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return settings->mark_set ? "mark" : "interface";
	refused = apply_steering(settings, fd);
	const int error = errno;
	close(fd);
	errno = error;
	return refused;
}
