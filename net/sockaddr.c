/* SPDX-License-Identifier: ISC */
/*
 * struct address <-> struct sockaddr, and the few options that every socket
 * of a session gets.
 */
#include "net/sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "base/array.h"

enum { KEEPALIVE_IDLE = 60, KEEPALIVE_INTERVAL = 10, KEEPALIVE_PROBES = 6 };

struct endpoint
endpoint_of(const struct address *a, uint32_t scope)
{
	struct endpoint e = { .length = 0 };
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&e.storage;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&e.storage;

	switch (a->family) {
	case FAMILY_IPV4:
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(a->port);
		memcpy(&ipv4->sin_addr, a->octets, 4);
		e.length = sizeof(*ipv4);
		break;
	case FAMILY_IPV6:
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(a->port);
		memcpy(&ipv6->sin6_addr, a->octets, 16);
		ipv6->sin6_scope_id = address_is_link_local(a) ? scope : 0;
		e.length = sizeof(*ipv6);
		break;
	case FAMILY_NONE: break;
	}
	return e;
}

struct address
address_of(const struct sockaddr_storage *storage)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)storage;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)storage;
	uint8_t octets[16];

	switch (storage->ss_family) {
	case AF_INET:
		memcpy(octets, &ipv4->sin_addr, 4);
		return address_ipv4(octets, ntohs(ipv4->sin_port));
	case AF_INET6:
		memcpy(octets, &ipv6->sin6_addr, 16);
		return address_ipv6(octets, ntohs(ipv6->sin6_port));
	default: return (struct address){ .family = FAMILY_NONE };
	}
}

int
socket_create(enum family family, int type)
{
	return socket(family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
	    type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

bool
socket_local(int fd, struct address *out)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(storage);
	const bool known = getsockname(fd, (struct sockaddr *)&storage,
			       &length) == 0;

	*out = known ? address_of(&storage) :
		       (struct address){ .family = FAMILY_NONE };
	return known;
}

int
socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		return errno;
	return error;
}

void
socket_reset_at_close(int fd)
{
	const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

void
socket_deliver_at_close(int fd)
{
	const struct linger none = { .l_onoff = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static uint64_t
queue_length(int fd, unsigned long which)
{
	int length = 0;

	if (ioctl(fd, which, &length) != 0 || length < 0)
		return 0;
	return (uint64_t)length;
}

uint64_t
socket_untaken(int fd)
{
	return queue_length(fd, SIOCOUTQ);
}

uint64_t
socket_unsent(int fd)
{
	return queue_length(fd, SIOCOUTQNSD);
}

bool
socket_is_busy(int error)
{
	return error == EAGAIN || error == EINTR;
}

bool
socket_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	return flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

void
socket_tune(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	};

	/* The first one fails on a unix-domain socket: nothing to tune. */
	for (size_t i = 0; i < ARRAY_COUNT(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(options[i].value)) != 0)
			return;
}
