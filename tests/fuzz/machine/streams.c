/* SPDX-License-Identifier: ISC */
/*
 * TCP, as far as a program sees it, and the pipes of splice(2).
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "net/sockaddr.h"

enum { WINDOW = 1 << 18, PIPE_SIZE = 1 << 16, DNS_PORT = 53 };

static const uint8_t loopback_ipv6[16] = { [15] = 1 };
static const uint8_t own_ipv6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
static const uint8_t own_ipv4[4] = { 192, 0, 2, 1 };

/* ----------------------------------------------------------- addresses */

bool
address_is_ours(const struct address *a)
{
	const struct address list[] = {
		address_ipv6(loopback_ipv6, 0),
		address_ipv6(own_ipv6, 0),
		address_ipv4(own_ipv4, 0),
	};

	if (address_is_any(a) ||
	    (a->family == FAMILY_IPV4 && a->octets[0] == 127))
		return true;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (address_equal(a, &list[i]))
			return true;
	return false;
}

bool
address_is_routed(const struct address *a)
{
	return address_is_ours(a) ||
	    !(a->family == FAMILY_IPV6 ? machine.scenario.no_ipv6 :
					 machine.scenario.no_ipv4);
}

static struct address
source_for(const struct address *to)
{
	if (address_is_any(to) && to->family == FAMILY_IPV6)
		return address_ipv6(loopback_ipv6, 0);
	if (address_is_ours(to) && !address_is_any(to)) {
		struct address same = *to;

		same.port = 0;
		return same;
	}
	if (to->family == FAMILY_IPV6)
		return address_ipv6(own_ipv6, 0);
	return address_is_any(to) ?
	    address_ipv4((const uint8_t[]){ 127, 0, 0, 1 }, 0) :
	    address_ipv4(own_ipv4, 0);
}

static bool
is_taken(const struct thing *thing, uint16_t port)
{
	for (size_t i = 0; i < THINGS; i++) {
		const struct thing *t = &machine.things[i];

		if (t != thing && t->kind != KIND_FREE && t->bound &&
		    t->family == thing->family && t->local.port == port &&
		    (t->kind == KIND_DATAGRAMS) ==
			(thing->kind == KIND_DATAGRAMS) &&
		    !t->client)
			return true;
	}
	return false;
}

/* A port of the kernel's choice. */
static void
choose_port(struct thing *thing)
{
	uint16_t port = 40000;

	while (is_taken(thing, port))
		port++;
	thing->local.port = port;
	thing->bound = true;
}

static struct address
address_read(const struct sockaddr *from, socklen_t length)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };

	machine_check(length <= sizeof(storage), "an address is too long");
	memcpy(&storage, from, length);
	return address_of(&storage);
}

static void
address_write(const struct address *a, struct sockaddr *to, socklen_t *length)
{
	struct endpoint e = endpoint_of(a, 0);

	if (a->family == FAMILY_NONE) {
		e.storage.ss_family = AF_UNIX;
		e.length = sizeof(e.storage.ss_family) + 8;
	}
	if (to != NULL)
		memcpy(to, &e.storage,
		    *length < e.length ? *length : e.length);
	if (length != NULL)
		*length = e.length;
}

/* ------------------------------------------------------------- sockets */

int
hook_socket(int domain, int type, int protocol)
{
	const bool stream = (type & 0xf) == SOCK_STREAM;
	struct thing *thing;

	(void)protocol;
	if (domain == AF_UNIX)
		return fd_new(thing_new(stream ? KIND_OTHER : KIND_LOG), 0);
	thing = thing_new(stream ? KIND_STREAM : KIND_DATAGRAMS);
	thing->family = domain == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
	thing->local = (struct address){ .family = thing->family };
	return fd_new(thing, 0);
}

int
hook_bind(int fd, const struct sockaddr *at, socklen_t length)
{
	struct thing *thing = thing_of(fd);
	const struct address a = address_read(at, length);

	if (thing == NULL)
		return -1;
	if (a.family == FAMILY_NONE)
		return 0;
	if (a.family != thing->family || !address_is_ours(&a)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	if (a.port != 0 && is_taken(thing, a.port)) {
		errno = EADDRINUSE;
		return -1;
	}
	thing->local = a;
	thing->bound = true;
	if (a.port == 0)
		choose_port(thing);
	return 0;
}

int
hook_listen(int fd, int backlog)
{
	struct thing *thing = thing_of(fd);

	(void)backlog;
	if (thing == NULL)
		return -1;
	if (!thing->bound)
		choose_port(thing);
	thing->kind = KIND_LISTENER;
	return 0;
}

static int
fate_next(void)
{
	struct scenario *s = &machine.scenario;
	const int fate = s->fates[0];

	memmove(s->fates, s->fates + 1, (FATES_MAX - 1) * sizeof(int));
	s->fates[FATES_MAX - 1] = 0;
	return fate;
}

static int
connect_stream(struct thing *thing)
{
	thing->fate = fate_next();
	thing->dns_tcp = thing->peer.port == DNS_PORT;
	if (thing->fate == ENETUNREACH || thing->fate == EACCES ||
	    thing->fate == EADDRNOTAVAIL) {
		errno = thing->fate;
		return -1;
	}
	thing->connecting = true;
	if (machine.scenario.fates_now && thing->fate != NEVER) {
		stream_settle(thing);
		if (thing->error == 0)
			return 0;
		errno = thing->error;
		thing->error = 0;
		return -1;
	}
	errno = EINPROGRESS;
	return -1;
}

int
hook_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	struct thing *thing = thing_of(fd);
	const struct address a = address_read(to, length);

	if (thing == NULL)
		return -1;
	if (thing->kind == KIND_LOG || thing->kind == KIND_OTHER) {
		errno = ECONNREFUSED;
		return -1;
	}
	machine_check(a.family == thing->family, "a family is mixed up");
	if (!address_is_routed(&a)) {
		errno = ENETUNREACH;
		return -1;
	}
	const uint16_t port = thing->local.port;

	if (address_is_any(&thing->local))
		thing->local = source_for(&a);
	thing->local.port = port;
	if (port == 0)
		choose_port(thing);
	thing->peer = a;
	if (thing->kind == KIND_STREAM)
		return connect_stream(thing);
	thing->connected = true;
	return 0;
}

int
hook_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
{
	struct thing *thing = thing_of(fd);
	struct thing *new;

	(void)flags;
	if (thing == NULL)
		return -1;
	machine_check(thing->kind == KIND_LISTENER, "accept: no listener");
	if (thing->queued == 0) {
		errno = EAGAIN;
		return -1;
	}
	new = thing_new(KIND_STREAM);
	new->family = thing->family;
	new->peer = thing->from[thing->first++ % QUEUED];
	thing->queued--;
	new->local = address_is_any(&thing->local) ? source_for(&new->peer) :
						     thing->local;
	new->local.port = thing->local.port;
	new->connected = true;
	if (from != NULL)
		address_write(&new->peer, from, length);
	machine.accepted = new;
	return fd_new(new, 0);
}

int
hook_getsockname(int fd, struct sockaddr *out, socklen_t *length)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	address_write(&thing->local, out, length);
	return 0;
}

int
hook_getpeername(int fd, struct sockaddr *out, socklen_t *length)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	if (thing->kind != KIND_STREAM || !thing->connected) {
		errno = ENOTCONN;
		return -1;
	}
	address_write(&thing->peer, out, length);
	return 0;
}

static bool
is_stream(const struct thing *thing)
{
	return thing->kind == KIND_STREAM || thing->kind == KIND_LISTENER;
}

static int
option_of(struct thing *thing, int level, int name)
{
	int value = 0;

	if (level == IPPROTO_IPV6)
		return address_is_ours(&thing->peer) ? 1 << 16 : 1500;
	switch (name) {
	case SO_TYPE: return is_stream(thing) ? SOCK_STREAM : SOCK_DGRAM;
	case SO_DOMAIN:
		if (thing->family == FAMILY_NONE)
			return AF_UNIX;
		return thing->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
	case SO_ERROR:
		value = thing->error;
		thing->error = 0;
		return value;
	case SO_ACCEPTCONN: return thing->kind == KIND_LISTENER;
	default: return 0;
	}
}

int
hook_getsockopt(int fd, int level, int name, void *out, socklen_t *length)
{
	struct thing *thing = thing_of(fd);
	const struct ucred peer = { .pid = 1, .uid = 1000, .gid = 1000 };
	int value;

	if (thing == NULL)
		return -1;
	if (thing->kind != KIND_STREAM && thing->kind != KIND_LISTENER &&
	    thing->kind != KIND_DATAGRAMS) {
		errno = ENOTSOCK;
		return -1;
	}
	if (level == SOL_SOCKET && name == SO_PEERCRED) {
		memcpy(out, &peer, sizeof(peer));
		return 0;
	}
	value = option_of(thing, level, name);
	machine_check(*length >= sizeof(value), "an option has no room");
	memcpy(out, &value, sizeof(value));
	*length = sizeof(value);
	return 0;
}

int
hook_setsockopt(int fd, int level, int name, const void *value,
    socklen_t length)
{
	struct thing *thing = thing_of(fd);
	struct linger linger;
	struct address a;

	if (thing == NULL)
		return -1;
	if (level == SOL_SOCKET && name == SO_LINGER) {
		machine_check(length == sizeof(linger), "SO_LINGER");
		memcpy(&linger, value, sizeof(linger));
		thing->resets = linger.l_onoff != 0;
		thing->promised = thing->promised || thing->resets;
	}
	if (level == IPPROTO_IP && name == IP_MULTICAST_IF) {
		a = address_ipv4(value, 0);
		if (!address_is_ours(&a)) {
			errno = EADDRNOTAVAIL;
			return -1;
		}
	}
	if (level == IPPROTO_TCP && thing->family == FAMILY_NONE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return 0;
}

/* -------------------------------------------------------------- streams */

size_t
stream_room(const struct thing *thing)
{
	const size_t window = machine.scenario.window == 0 ?
	    WINDOW :
	    machine.scenario.window;
	const size_t unread = octets_left(&thing->out);

	return unread < window ? window - unread : 0;
}

short
stream_events(const struct thing *thing)
{
	short events = 0;

	if (thing->connecting)
		return 0;
	if (thing->peer_reset || thing->gone || thing->error != 0)
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP;
	if (!thing->connected)
		return POLLOUT | POLLHUP;
	if (octets_left(&thing->in) > 0 || thing->peer_ended)
		events |= POLLIN;
	if (stream_room(thing) > 0 || thing->ended)
		events |= POLLOUT;
	if (thing->marked && thing->mark >= thing->in.read)
		events |= POLLPRI;
	if (thing->peer_ended)
		events |= POLLRDHUP;
	if (thing->peer_ended && thing->ended)
		events |= POLLHUP;
	return events;
}

void
stream_settle(struct thing *thing)
{
	thing->connecting = false;
	thing->connected = thing->fate == 0;
	thing->error = thing->fate;
}

void
stream_close(struct thing *thing)
{
	if (octets_left(&thing->in) > 0)
		thing->resets = true;
	thing->connecting = false;
}

void
stream_drain(struct thing *thing)
{
	thing->out.read = thing->out.written;
}

/* How many octets the next read may have: up to the urgent one, or from it. */
static size_t
readable(const struct thing *thing, size_t length)
{
	const size_t most = machine.scenario.reads_at_most;
	size_t left = octets_left(&thing->in);

	if (thing->marked && thing->mark > thing->in.read &&
	    left > thing->mark - thing->in.read)
		left = thing->mark - thing->in.read;
	if (most != 0 && left > most)
		left = most;
	return left < length ? left : length;
}

static ssize_t
stream_receive(struct thing *thing, void *out, size_t length, int flags)
{
	const size_t before = thing->in.read;

	if (thing->peer_reset) {
		thing->gone = true;
		thing->peer_reset = false;
		thing->in.read = thing->in.written;
		errno = ECONNRESET;
		return -1;
	}
	if (octets_left(&thing->in) == 0) {
		if (thing->peer_ended || thing->gone)
			return 0;
		errno = thing->connected ? EAGAIN : ENOTCONN;
		return -1;
	}
	length = octets_take(&thing->in, out, readable(thing, length));
	if ((flags & MSG_PEEK) != 0)
		thing->in.read = before;
	return (ssize_t)length;
}

static ssize_t
stream_send(struct thing *thing, const void *data, size_t length)
{
	const size_t room = stream_room(thing);

	if (thing->ended || !thing->connected || thing->error != 0 ||
	    thing->peer_reset || thing->gone) {
		errno = thing->connecting ? EAGAIN : EPIPE;
		return -1;
	}
	if (room == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (length > room)
		length = room;
	octets_put(&thing->out, data, length);
	if (thing->dns_tcp)
		names_stream(thing);
	else if (machine.over || machine.scenario.window == 0)
		stream_drain(thing);
	return (ssize_t)length;
}

ssize_t
hook_recv(int fd, void *out, size_t length, int flags)
{
	return hook_recvfrom(fd, out, length, flags, NULL, NULL);
}

ssize_t
hook_recvfrom(int fd, void *out, size_t length, int flags,
    struct sockaddr *from, socklen_t *from_length)
{
	struct thing *thing = thing_of(fd);
	struct address sender = { .family = FAMILY_NONE };
	ssize_t n;

	if (thing == NULL)
		return -1;
	if (thing->kind == KIND_STREAM)
		return stream_receive(thing, out, length, flags);
	machine_check(thing->kind == KIND_DATAGRAMS, "recv: no socket");
	n = datagram_take(thing, &sender, out, length);
	if (n < 0)
		return -1;
	if (from != NULL)
		address_write(&sender, from, from_length);
	return (flags & MSG_TRUNC) != 0 || (size_t)n <= length ?
	    n :
	    (ssize_t)length;
}

ssize_t
hook_sendto(int fd, const void *data, size_t length, int flags,
    const struct sockaddr *to, socklen_t to_length)
{
	struct thing *thing = thing_of(fd);
	struct address a = { .family = FAMILY_NONE };

	(void)flags;
	if (thing == NULL)
		return -1;
	switch (thing->kind) {
	case KIND_STREAM: return stream_send(thing, data, length);
	case KIND_MESSAGES:
		if (thing->other != NULL)
			(void)datagram_put(thing->other,
			    &(struct address){ .port = 1 }, data, length);
		return (ssize_t)length;
	case KIND_LOG: log_take(data, length); return (ssize_t)length;
	case KIND_DATAGRAMS: break;
	default: machine_fail("send: no socket");
	}
	if (to != NULL)
		a = address_read(to, to_length);
	return datagram_send(thing, to == NULL ? &thing->peer : &a, data,
	    length);
}

ssize_t
hook_send(int fd, const void *data, size_t length, int flags)
{
	return hook_sendto(fd, data, length, flags, NULL, 0);
}

/* In one piece. */
static ssize_t
gather(const struct iovec *parts, size_t n, uint8_t *out, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < n; i++) {
		machine_check(parts[i].iov_len <= size - length,
		    "a message is too long");
		memcpy(out + length, parts[i].iov_base, parts[i].iov_len);
		length += parts[i].iov_len;
	}
	return (ssize_t)length;
}

ssize_t
hook_writev(int fd, const struct iovec *parts, int n)
{
	static uint8_t octets[1 << 17];
	const ssize_t length = gather(parts, (size_t)n, octets,
	    sizeof(octets));

	return hook_sendto(fd, octets, (size_t)length, 0, NULL, 0);
}

ssize_t
hook_sendmsg(int fd, const struct msghdr *message, int flags)
{
	static uint8_t octets[1 << 17];
	const ssize_t length = gather(message->msg_iov, message->msg_iovlen,
	    octets, sizeof(octets));

	return hook_sendto(fd, octets, (size_t)length, flags, NULL, 0);
}

int
hook_shutdown(int fd, int how)
{
	struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	machine_check(how == SHUT_WR, "shutdown");
	thing->ended = true;
	return 0;
}

int
hook_ioctl(int fd, unsigned long request, ...)
{
	const struct thing *thing = thing_of(fd);
	va_list list;
	int *out;

	va_start(list, request);
	out = va_arg(list, int *);
	va_end(list);
	if (thing == NULL)
		return -1;
	switch (request) {
	case SIOCATMARK:
		*out = thing->marked && thing->mark == thing->in.read;
		return 0;
	case SIOCOUTQ: *out = (int)octets_left(&thing->out); return 0;
	case SIOCOUTQNSD: *out = 0; return 0;
	default: errno = ENOTTY; return -1;
	}
}

/* ---------------------------------------------------------------- pipes */

int
hook_pipe2(int fds[2], int flags)
{
	struct thing *out = thing_new(KIND_PIPE);
	struct thing *in;

	(void)flags;
	fds[0] = fd_new(out, 0);
	in = thing_new(KIND_PIPE);
	in->other = out;
	fds[1] = fd_new(in, 0);
	return 0;
}

static ssize_t
splice_in(struct thing *from, struct thing *pipe, size_t length)
{
	uint8_t octets[PIPE_SIZE];
	const size_t room = PIPE_SIZE - octets_left(&pipe->in);
	ssize_t n;

	/* It does not cross the urgent mark. */
	if (from->marked && from->mark >= from->in.read &&
	    octets_left(&from->in) > 0)
		return 0;
	n = stream_receive(from, octets, length < room ? length : room, 0);
	if (n > 0)
		octets_put(&pipe->in, octets, (size_t)n);
	return n;
}

static ssize_t
splice_out(struct thing *pipe, struct thing *to, size_t length)
{
	uint8_t octets[PIPE_SIZE];
	const size_t left = octets_left(&pipe->in);
	ssize_t n;

	if (length > left)
		length = left;
	memcpy(octets, pipe->in.at + pipe->in.read, length);
	n = stream_send(to, octets, length);
	if (n > 0)
		pipe->in.read += (size_t)n;
	return n;
}

ssize_t
hook_splice(int from, off_t *from_at, int to, off_t *to_at, size_t length,
    unsigned flags)
{
	struct thing *source = thing_of(from);
	struct thing *sink = thing_of(to);

	(void)from_at;
	(void)to_at;
	(void)flags;
	if (source == NULL || sink == NULL)
		return -1;
	if (source->kind == KIND_STREAM)
		return splice_in(source, sink->other, length);
	return splice_out(source, sink, length);
}
