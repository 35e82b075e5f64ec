/* SPDX-License-Identifier: ISC */
/*
 * Asking the kernel where it would send, by sockets that never send.
 */
#include "net/route.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/failure.h"
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

/* Did the kernel not come to the question?  A socket for datagrams gets its
 * port before it. */
static bool
is_unasked(int error)
{
	return failure_is_ours(error) || error == EAGAIN;
}

/* egress NULL: as the kernel would do it without us. */
static struct route
probe(const struct egress *egress, const struct address *destination,
    uint32_t scope)
{
	const struct endpoint to = endpoint_of(destination, scope);
	struct route route = { .usable = false };
	const int fd = socket_create(destination->family, SOCK_DGRAM);

	if (fd == -1) {
		/* Not to be known: the safe answer, but without a family. */
		route.error = errno;
		route.unknown = errno == EAFNOSUPPORT ? 0 : errno;
		route.self = route.unknown != 0;
		return route;
	}
	route.self = is_assigned(fd, destination);
	if (egress == NULL || route_apply(egress, fd, destination->family))
		route.error = connect_probe(fd, &to, &route.source);
	else
		route.error = errno;
	route.usable = route.error == 0;
	route.unknown = is_unasked(route.error) ? route.error : 0;
	if (route.unknown != 0 ||
	    (route.usable && stays_here(fd, destination)))
		route.self = true;
	close(fd);
	if (!route.usable)
		route.source = (struct address){ .family = FAMILY_NONE };
	route.self = route.self || address_equal(&route.source, destination);
	return route;
}

/* Does it change where sockets go? */
static bool
is_steered(const struct egress *egress)
{
	return egress->interface != NULL || egress->mark != 0 ||
	    egress->source_ipv4.family != FAMILY_NONE ||
	    egress->source_ipv6.family != FAMILY_NONE;
}

static void
ask_on_link(struct route *route, const struct address *address)
{
	const enum match match = onlink_has(address);

	route->on_link = match != MATCH_NO;
	if (match != MATCH_UNSURE)
		return;
	route->unknown = errno;
	route->self = true;
}

static struct route
probe_by(const struct settings *settings, const struct egress *egress,
    const struct address *destination, uint32_t scope)
{
	const struct address inside = policy_inside(settings->policy,
	    destination);
	struct route route = { .error = EAFNOSUPPORT };
	struct route within = { .usable = false };
	int unknown;
	bool self;

	if (destination->family == FAMILY_NONE)
		return route;
	route = probe(NULL, destination, scope);
	/* SECURITY: our own IPv4 address, by way of a translator. */
	if (!address_equal(&inside, destination))
		within = probe(NULL, &inside, 0);
	unknown = route.unknown != 0 ? route.unknown : within.unknown;
	self = route.self || within.self || is_loopback(&inside);
	/* With a source of ours, no source equals the destination. */
	if (is_steered(egress))
		route = probe(egress, destination, scope);
	if (route.unknown == 0)
		route.unknown = unknown;
	route.self = route.self || self;
	if (policy_asks_on_link(settings->policy, &inside))
		ask_on_link(&route, &inside);
	return route;
}

struct route
route_probe(const struct settings *settings, const struct address *destination,
    uint32_t scope)
{
	const struct egress egress = route_egress(settings, NULL);

	return probe_by(settings, &egress, destination, scope);
}

bool
route_is_own(const struct settings *settings, const struct address *address,
    uint32_t scope)
{
	const struct route route = route_probe(settings, address, scope);

	return route.self && route.unknown == 0;
}

struct route
route_probe_by(const struct settings *settings, const struct egress *egress,
    const struct address *destination)
{
	return probe_by(settings, egress, destination, 0);
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

/*
 * An address of the net, by random bits behind its prefix.  They are not all
 * zero, for that is the routers' (RFC 4291 2.6.1).  False where the kernel has
 * no random octets: the address is the first of the net then.
 */
static bool
choose(const struct net *net, struct address *out)
{
	uint8_t random[sizeof(out->octets)];
	uint8_t set = 0;

	*out = net_base(net);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return false;
	for (unsigned i = net->bits / 8; i < sizeof(random); i++) {
		const unsigned kept = i == net->bits / 8 ? net->bits % 8 : 0;

		random[i] &= (uint8_t)(0xff >> kept);
		out->octets[i] |= random[i];
		set |= random[i];
	}
	if (set == 0)
		out->octets[sizeof(random) - 1] |= 1;
	return true;
}

struct egress
route_egress(const struct settings *settings, const struct origin *origin)
{
	const struct origin o = origin_merge(&settings->origin, origin);
	struct egress egress = { .interface = settings->interface,
		.mark = o.mark,
		.source_ipv4 = net_base(&o.source_ipv4),
		.source_ipv6 = net_base(&o.source_ipv6) };

	/* SECURITY: without random octets it is bound as an address of this
	 * host would be, which fails where it is none. */
	if (egress.source_ipv6.family != FAMILY_NONE &&
	    origin_is_net(&o.source_ipv6))
		egress.chosen = choose(&o.source_ipv6, &egress.source_ipv6);
	return egress;
}

static bool
apply_source(const struct egress *egress, int fd, enum family family)
{
	const struct address *source = family == FAMILY_IPV6 ?
	    &egress->source_ipv6 :
	    &egress->source_ipv4;
	const struct endpoint from = endpoint_of(source, 0);

	return source->family == FAMILY_NONE ||
	    bind(fd, (const struct sockaddr *)&from.storage, from.length) == 0;
}

static bool
apply_interface(int fd, const char *interface)
{
	return interface == NULL ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		(socklen_t)strlen(interface)) == 0;
}

static bool
apply_mark(int fd, uint32_t mark)
{
	return mark == 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;
}

bool
route_steer(const struct egress *egress, int fd, enum family family)
{
	const int on = 1;

	return apply_interface(fd, egress->interface) &&
	    apply_mark(fd, egress->mark) &&
	    (!egress->chosen || family != FAMILY_IPV6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) ==
		    0);
}

bool
route_apply(const struct egress *egress, int fd, enum family family)
{
	return route_steer(egress, fd, family) &&
	    apply_source(egress, fd, family);
}

const char *
route_refused(const struct settings *settings)
{
	enum { ANY_MARK = 1 }; /* the kernel looks at no number */
	const bool marks = settings_mark(settings);
	const char *refused = NULL;
	int fd;

	if (settings->interface == NULL && !marks)
		return NULL;
	/* A unix-domain socket has these options too, whatever protocols
	 * this kernel speaks, and they cost it nothing. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return marks ? "mark" : "interface";
	if (!apply_interface(fd, settings->interface))
		refused = "interface";
	else if (marks && !apply_mark(fd, ANY_MARK))
		refused = "mark";
	const int error = errno;
	close(fd);
	errno = error;
	return refused;
}
