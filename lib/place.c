/* SPDX-License-Identifier: ISC */
/*
 * Direct or not; and the exchange of a socket that cannot reach the gateway
 * for one that can.
 */
#include "lib/place.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "lib/fakes.h"
#include "lib/hosts.h"
#include "lib/real.h"
#include "lib/register.h"
#include "lib/start.h"

enum { DOMAIN_PORT = 53, HIGH_NUMBER = 100 };

/* -------------------------------------------------------- direct or not */

/* Each with its octets and how many bits of them count. */
static const struct {
	enum family family;
	uint8_t octets[16];
	unsigned bits;
} always_direct[] = {
	{ FAMILY_IPV4, { 127 }, 8 },
	{ FAMILY_IPV4, { 0, 0, 0, 0 }, 32 },
	{ FAMILY_IPV4, { 169, 254 }, 16 },
	{ FAMILY_IPV4, { 224 }, 4 },
	{ FAMILY_IPV4, { 255, 255, 255, 255 }, 32 },
	{ FAMILY_IPV6, { 0 }, 128 },
	{ FAMILY_IPV6, { [15] = 1 }, 128 },
	{ FAMILY_IPV6, { 0xfe, 0x80 }, 10 },
	{ FAMILY_IPV6, { 0xff }, 8 },
};

static bool
is_always_direct(const struct address *a)
{
	for (size_t i = 0; i < ARRAY_COUNT(always_direct); i++) {
		struct address prefix = { .family = always_direct[i].family };

		memcpy(prefix.octets, always_direct[i].octets, 16);
		if (address_in_prefix(a, &prefix, always_direct[i].bits))
			return true;
	}
	return false;
}

static bool
is_gateway(const struct address *a)
{
	for (size_t i = 0; i < handover.gateway_count; i++)
		if (address_equal(a, &handover.gateways[i]) &&
		    a->port == handover.gateways[i].port)
			return true;
	return false;
}

static bool
is_named_direct(const struct address *a)
{
	for (size_t i = 0; i < handover.direct_count; i++)
		if (address_in_prefix(a, &handover.direct[i].prefix,
			handover.direct[i].bits))
			return true;
	return fakes_is_direct(a);
}

enum way
place_way(const struct address *to, struct destination *out)
{
	if (is_always_direct(to))
		return WAY_DIRECT;
	if (!handover_good)
		return WAY_BROKEN;
	out->address = *to;
	out->number = 0;
	if (fakes_number_of(&handover, to, &out->number))
		return fakes_name(out->number, out->name) ? WAY_GATEWAY :
							    WAY_NOWHERE;
	out->number = 0;
	if (is_gateway(to) || is_named_direct(to) ||
	    (to->port == DOMAIN_PORT && hosts_serves(to)))
		return WAY_DIRECT;
	return WAY_GATEWAY;
}

int
place_errno(enum way way)
{
	return way == WAY_NOWHERE ? EADDRNOTAVAIL : ENETDOWN;
}

struct client_address
place_target(const struct destination *d)
{
	struct client_address to = { .address = d->address };

	if (d->number != 0) {
		to.name = (const uint8_t *)d->name;
		to.name_length = (uint8_t)strlen(d->name);
	}
	return to;
}

/* ---------------------------------------------------------- the gateway */

static atomic_uint preferred;

unsigned
place_gateways(void)
{
	return handover.gateway_count == 0 ? 1 :
					     (unsigned)handover.gateway_count;
}

unsigned
place_first_gateway(void)
{
	return atomic_load(&preferred);
}

void
place_gateway_failed(unsigned i)
{
	atomic_store(&preferred, (i + 1) % place_gateways());
}

socklen_t
place_gateway_own(unsigned i, struct sockaddr_storage *out)
{
	struct sockaddr_un *local = (struct sockaddr_un *)out;

	if (handover.gateway_count == 0) {
		memset(out, 0, sizeof(*out));
		local->sun_family = AF_UNIX;
		text_copy(local->sun_path, sizeof(local->sun_path),
		    handover.path);
		return sizeof(*local);
	}
	return endpoint_sockaddr(&handover.gateways[i],
	    handover.gateways[i].family == FAMILY_IPV4 ? AF_INET : AF_INET6,
	    out);
}

socklen_t
place_gateway(unsigned i, sa_family_t family, struct sockaddr_storage *out)
{
	if (handover.gateway_count == 0 ||
	    (family == AF_INET && handover.gateways[i].family == FAMILY_IPV6))
		return 0;
	return endpoint_sockaddr(&handover.gateways[i], family, out);
}

int
place_high(int fd)
{
	const int high = fd == -1 ?
	    -1 :
	    real.fcntl(fd, F_DUPFD_CLOEXEC, HIGH_NUMBER);

	if (high == -1)
		return fd;
	(void)real.close(fd);
	return high;
}

/* ------------------------------------------------------------- exchange */

/* What a program may have set before connect(2) and would miss. */
static const struct {
	int level;
	int name;
} kept_options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER },
	{ SOL_SOCKET, SO_SNDTIMEO },
	{ SOL_SOCKET, SO_RCVTIMEO },
	{ SOL_SOCKET, SO_OOBINLINE },
	{ SOL_SOCKET, SO_REUSEADDR },
	{ SOL_SOCKET, SO_PRIORITY },
	{ SOL_SOCKET, SO_RCVLOWAT },
	{ IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_TCP, TCP_KEEPIDLE },
	{ IPPROTO_TCP, TCP_KEEPINTVL },
	{ IPPROTO_TCP, TCP_KEEPCNT },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ IPPROTO_TCP, TCP_QUICKACK },
};

static void
copy_options(int from, int to)
{
	uint8_t value[64];

	for (size_t i = 0; i < ARRAY_COUNT(kept_options); i++) {
		socklen_t length = sizeof(value);

		if (real.getsockopt(from, kept_options[i].level,
			kept_options[i].name, value, &length) == 0)
			(void)real.setsockopt(to, kept_options[i].level,
			    kept_options[i].name, value, length);
	}
}

static void
copy_flags(int from, int to)
{
	const int flags = real.fcntl(from, F_GETFL);

	if (flags != -1)
		(void)real.fcntl(to, F_SETFL, flags);
}

/* Another socket comes under the number, with its descriptor's flag; the
 * epoll sets follow. */
static bool
put_under(int fd, int other)
{
	const int flag = real.fcntl(fd, F_GETFD);

	register_leave(fd);
	const bool done = real.dup3(other, fd,
			      (flag & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) != -1;
	register_join(fd);
	return done;
}

bool
place_exchange(struct entry *e, int fd, unsigned i)
{
	const int family = handover.gateway_count == 0 ? AF_UNIX :
	    handover.gateways[i].family == FAMILY_IPV4 ? AF_INET :
							 AF_INET6;
	int type = SOCK_STREAM;
	int domain = e->family;
	socklen_t length = sizeof(type);

	(void)real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length);
	length = sizeof(domain);
	(void)real.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length);
	if (domain != e->family) {
		/* As connect(2) has it: too short, or not its family's. */
		errno = domain == AF_INET6 ? EINVAL : EAFNOSUPPORT;
		return false;
	}
	const int other = real.socket(family, type | SOCK_CLOEXEC, 0);
	if (other == -1)
		return false;
	copy_options(fd, other);
	copy_flags(fd, other);
	const int shadow = real.fcntl(fd, F_DUPFD_CLOEXEC, HIGH_NUMBER);
	const bool done = shadow != -1 && put_under(fd, other);
	const int error = errno;
	(void)real.close(other);
	if (done) {
		e->shadow = shadow;
		e->exchanged = true;
		entry_renew(e, fd);
	} else if (shadow != -1) {
		(void)real.close(shadow);
	}
	errno = error;
	return done;
}

void
place_restore(struct entry *e, int fd)
{
	if (e->shadow == -1)
		return;
	copy_flags(fd, e->shadow);
	if (put_under(fd, e->shadow))
		entry_renew(e, fd);
	(void)real.close(e->shadow);
	e->shadow = -1;
	e->exchanged = false;
}

void
place_return(struct entry *e, int fd)
{
	if (e->shadow == -1 && e->exchanged) {
		e->shadow = place_high(real.socket(e->family,
		    SOCK_STREAM | SOCK_CLOEXEC, 0));
		if (e->shadow != -1)
			copy_options(fd, e->shadow);
	}
	place_restore(e, fd);
}
