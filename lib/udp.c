/* SPDX-License-Identifier: ISC */
/*
 * Associations, and the header in front of each datagram.
 */
#include "lib/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wait.h"
#include "lib/ask.h"
#include "lib/control.h"
#include "lib/fakes.h"
#include "lib/real.h"
#include "lib/start.h"

enum { PARTS_ON_STACK = 16, PARTS_MAX = 1024 };

/* -------------------------------------------------------- associations */

/* The association's connection ends it. */
static bool
is_alive(const struct association *a)
{
	char octet;

	if (a->control < 0 || socket_cookie(a->control) != a->control_cookie)
		return false;
	return real.recv(a->control, &octet, 1, MSG_PEEK | MSG_DONTWAIT) ==
	    -1 &&
	    errno == EAGAIN;
}

/* Where datagrams go: BND, and where that is no address the gateway's own. */
static struct address
relay_of(const struct dial *d, int control)
{
	struct address relay = d->bound;

	if (relay.family == FAMILY_NONE || address_is_any(&relay)) {
		relay = control_peer(control);
		relay.port = d->bound.port;
	}
	return relay;
}

/* Asks the gateway; waits. */
static bool
associate(struct association *out)
{
	const struct client_request request = {
		.command = REQUEST_UDP_ASSOCIATE
	};
	struct dial d;
	unsigned gateway;

	if (handover.gateway_count == 0) {
		errno = EOPNOTSUPP;
		return false;
	}
	out->control = control_open(&request,
	    clock_now() + handover.connect_timeout, &d, &gateway);
	out->gateway = (uint8_t)gateway;
	if (out->control == -1)
		return false;
	out->control_cookie = socket_cookie(out->control);
	out->relay = relay_of(&d, out->control);
	say_line("udp", "associated");
	return true;
}

/* Locked: the socket can send to the relay, or another one is put there. */
static bool
suit(struct entry *e, int fd)
{
	if (e->family == AF_INET6 || e->shadow != -1 ||
	    e->udp.relay.family == FAMILY_IPV4)
		return true;
	return place_exchange(e, fd, e->udp.gateway);
}

/* The IDs of another gateway are none of its. */
static void
adopt(struct association *to, const struct association *made)
{
	to->control = made->control;
	to->control_cookie = made->control_cookie;
	to->relay = made->relay;
	if (to->gateway != made->gateway)
		memset(to->asked_ids, 0, sizeof(to->asked_ids));
	to->gateway = made->gateway;
}

/* Puts a new association into the socket's entry, unless another thread was
 * quicker. */
static bool
install(int fd, const struct association *made, sa_family_t family)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e == NULL || e->role != ROLE_UDP)
		e = entry_new(fd, ROLE_UDP);
	bool done = e != NULL;
	if (done && e->udp.control != -1 && is_alive(&e->udp)) {
		(void)real.close(made->control);
	} else if (done) {
		if (e->udp.control != -1 &&
		    socket_cookie(e->udp.control) == e->udp.control_cookie)
			(void)real.close(e->udp.control);
		e->family = e->family == 0 ? family : e->family;
		adopt(&e->udp, made);
		done = suit(e, fd);
	}
	const int error = e == NULL ? EMFILE : errno;
	sockets_unlock(&saved);
	errno = error;
	return done;
}

static sa_family_t
family_of(int fd)
{
	int family = AF_INET;
	socklen_t length = sizeof(family);

	(void)real.getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
	return (sa_family_t)family;
}

/* What a call needs of the entry, as a copy; false: it is not ours. */
static bool
look(int fd, struct association *out, sa_family_t *family)
{
	struct guard saved;

	sockets_lock(&saved);
	const struct entry *e = entry_at(fd);
	const bool found = e != NULL && e->role == ROLE_UDP;
	if (found) {
		*out = e->udp;
		*family = e->family;
	}
	sockets_unlock(&saved);
	return found;
}

/* ------------------------------------------------------------- connect */

/* As the kernel's socket reaches the relay. */
static socklen_t
relay_sockaddr(int fd, const struct address *relay,
    struct sockaddr_storage *out)
{
	return endpoint_sockaddr(relay, family_of(fd), out);
}

/* An IPv6 socket that was told to be nothing else cannot reach IPv4. */
static void
widen(int fd)
{
	const int no = 0;

	(void)real.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
}

/* The kernel's socket is one of the relay's. */
static bool
connect_relay(int fd, const struct address *relay)
{
	struct sockaddr_storage to;
	const socklen_t length = relay_sockaddr(fd, relay, &to);

	if (real.connect(fd, (struct sockaddr *)&to, length) == 0)
		return true;
	if (errno != ENETUNREACH || to.ss_family != AF_INET6 ||
	    relay->family != FAMILY_IPV4)
		return false;
	widen(fd);
	return real.connect(fd, (struct sockaddr *)&to, length) == 0;
}

/* The socket has an association that lives, and is connected to its relay
 * where the program has connected it; false: errno. */
static bool
ensure(int fd, struct association *out)
{
	struct association made = { .control = -1 };
	sa_family_t family = 0;

	if (look(fd, out, &family) && is_alive(out))
		return true;
	if (!associate(&made) || !install(fd, &made, family_of(fd)) ||
	    !look(fd, out, &family))
		return false;
	return out->peer.family == FAMILY_NONE ||
	    connect_relay(fd, &out->relay);
}

static void
set_peer(int fd, const struct address *peer)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && e->role == ROLE_UDP)
		e->udp.peer = *peer;
	sockets_unlock(&saved);
}

int
udp_connect(int fd, const struct destination *d)
{
	struct association a;

	if (handover.udp == UDP_OFF) {
		errno = EACCES;
		return -1;
	}
	if (!ensure(fd, &a))
		return -1;
	if (!connect_relay(fd, &a.relay))
		return -1;
	set_peer(fd, &d->address);
	return 0;
}

void
udp_disconnect(int fd)
{
	const struct address nobody = { .family = FAMILY_NONE };

	set_peer(fd, &nobody);
}

static bool
has_ipv4_gateway(void)
{
	for (size_t i = 0; i < handover.gateway_count; i++)
		if (handover.gateways[i].family == FAMILY_IPV4)
			return true;
	return false;
}

void
udp_widen(int fd, const struct sockaddr *to, socklen_t length)
{
	int type = 0;
	socklen_t size = sizeof(type);
	struct address a;

	if (to != NULL && to->sa_family == AF_INET6 &&
	    handover.udp == UDP_ON && has_ipv4_gateway() &&
	    endpoint_read(to, length, &a) && address_is_any(&a) &&
	    a.port == 0 &&
	    real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	    type == SOCK_DGRAM)
		widen(fd);
}

/* ---------------------------------------------------------------- send */

/* A message whose parts stand behind `first`; `room` has a place for each of
 * them, and is large enough for most. */
static struct iovec *
parts_with(const struct iovec *first, const struct msghdr *message,
    struct iovec *room)
{
	/* musl's msg_iovlen has 32 bits, and nobody wrote the others. */
	const size_t count = (uint32_t)message->msg_iovlen;
	struct iovec *parts = room;

	if (count > PARTS_MAX) {
		errno = EMSGSIZE;
		return NULL;
	}
	if (count >= PARTS_ON_STACK)
		parts = mmap(NULL, (PARTS_MAX + 1) * sizeof(*parts),
		    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (parts == MAP_FAILED)
		return NULL;
	parts[0] = *first;
	memcpy(parts + 1, message->msg_iov, count * sizeof(*parts));
	return parts;
}

static void
parts_free(struct iovec *parts, const struct iovec *room)
{
	const int error = errno;

	if (parts != room)
		(void)munmap(parts, (PARTS_MAX + 1) * sizeof(*parts));
	errno = error;
}

/* The last destinations, each once, to name the source of an answer. */
static void
note_asked(int fd, const struct address *to, uint32_t id)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && e->role == ROLE_UDP) {
		struct association *a = &e->udp;
		const struct address *last =
		    &a->asked[(a->asked_count - 1) % ASKED_MAX];

		if (a->asked_count == 0 || !address_equal(last, to) ||
		    last->port != to->port)
			a->asked[a->asked_count++ % ASKED_MAX] = *to;
		a->asked_ids[(a->asked_count - 1) % ASKED_MAX] = id;
	}
	sockets_unlock(&saved);
}

/* One datagram with its header. */
static ssize_t
send_through(int fd, const struct msghdr *message, int flags,
    const struct destination *d)
{
	struct client_address to = place_target(d);
	struct association a;
	uint8_t header[CLIENT_DATAGRAM_MAX];
	struct iovec room[PARTS_ON_STACK + 1];
	struct sockaddr_storage relay;
	struct iovec first = { .iov_base = header };

	if (!ensure(fd, &a))
		return -1;
	to.id = ask_id(d->number, a.gateway, true);
	if (to.id != 0)
		to.name = NULL;
	first.iov_len = client_datagram_format(&to, header);
	struct iovec *parts = parts_with(&first, message, room);
	if (parts == NULL)
		return -1;
	struct msghdr whole = {
		.msg_iov = parts,
		.msg_iovlen = 1 + (uint32_t)message->msg_iovlen,
	};
	if (a.peer.family == FAMILY_NONE) {
		whole.msg_name = &relay;
		whole.msg_namelen = relay_sockaddr(fd, &a.relay, &relay);
	}
	ssize_t sent = real.sendmsg(fd, &whole, flags);
	if (sent == -1 && errno == ENETUNREACH) {
		widen(fd);
		sent = real.sendmsg(fd, &whole, flags);
	}
	parts_free(parts, room);
	if (sent == -1)
		return -1;
	note_asked(fd, &d->address, to.id);
	return sent - (ssize_t)first.iov_len;
}

static bool
is_datagram_socket(int fd)
{
	int type = 0;
	int protocol = 0;
	socklen_t length = sizeof(type);

	if (real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == -1 ||
	    type != SOCK_DGRAM)
		return false;
	length = sizeof(protocol);
	return real.getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol,
		   &length) == 0 &&
	    protocol == IPPROTO_UDP;
}

/* Where a datagram goes: the message's, else the peer.  False: nowhere of
 * ours. */
static bool
destination_of(int fd, const struct msghdr *message, struct address *out)
{
	struct association a;
	sa_family_t family;

	if (message->msg_name != NULL && message->msg_namelen > 0)
		return endpoint_read(message->msg_name, message->msg_namelen,
		    out);
	if (!look(fd, &a, &family) || a.peer.family == FAMILY_NONE)
		return false;
	*out = a.peer;
	return true;
}

bool
udp_send(int fd, const struct msghdr *message, int flags, ssize_t *result)
{
	struct destination d;
	struct address to;

	if (handover.udp == UDP_DIRECT || !destination_of(fd, message, &to))
		return false;
	const enum way way = place_way(&to, &d);
	if (way == WAY_DIRECT || !is_datagram_socket(fd))
		return false;
	*result = -1;
	if (way != WAY_GATEWAY)
		errno = place_errno(way);
	else if (handover.udp == UDP_OFF)
		errno = EACCES;
	else
		*result = send_through(fd, message, flags, &d);
	return true;
}

/* ------------------------------------------------------------- receive */

/* What is known of a datagram before it is taken. */
struct arrival {
	bool relayed;          /* it has a header; else it came directly */
	size_t header;         /* octets */
	struct address source; /* as the program is told */
};

/*
 * The source of an answer as the program asked for it: its peer, else what it
 * asked by that ADDRESS ID, else the literal itself, else the name that it
 * asked last on that port.
 */
static struct address
source_of(const struct association *a, const struct client_address *source)
{
	const struct address *from = &source->address;
	const unsigned known = a->asked_count < ASKED_MAX ? a->asked_count :
							    ASKED_MAX;
	struct address found = *from;
	uint32_t number;

	if (a->peer.family != FAMILY_NONE)
		return a->peer;
	for (unsigned i = 0; i < known; i++) {
		const struct address *asked =
		    &a->asked[(a->asked_count - 1 - i) % ASKED_MAX];

		if (asked->port != from->port)
			continue;
		if (source->id != 0 &&
		    source->id ==
			a->asked_ids[(a->asked_count - 1 - i) % ASKED_MAX])
			return *asked;
		if (source->id == 0 && address_equal(asked, from))
			return *from;
		if (address_equal(&found, from) &&
		    fakes_number_of(&handover, asked, &number))
			found = *asked;
	}
	return found;
}

/* An answer that a connected socket does not want. */
static bool
is_strange(const struct association *a, const struct client_address *source)
{
	const struct address *from = &source->address;
	uint32_t number = 0;

	if (a->peer.family == FAMILY_NONE)
		return false;
	if (from->port != a->peer.port)
		return true;
	const bool named = fakes_number_of(&handover, &a->peer, &number);
	const uint32_t id = named ? ask_id(number, a->gateway, false) : 0;
	if (source->id != 0 && id != 0)
		return source->id != id;
	return !named && from->family != FAMILY_NONE &&
	    !address_equal(from, &a->peer);
}

/*
 * Looks at the next datagram without taking it, and drops those that are
 * nothing for the program.  False: errno (EAGAIN: there is none).
 */
static bool
look_next(int fd, const struct association *a, struct arrival *out)
{
	uint8_t header[CLIENT_DATAGRAM_MAX];
	struct sockaddr_storage source;
	struct client_address from;
	struct address sender;

	for (;;) {
		socklen_t length = sizeof(source);
		const ssize_t got = real.recvfrom(fd, header, sizeof(header),
		    MSG_PEEK | MSG_DONTWAIT, (struct sockaddr *)&source,
		    &length);
		struct cursor c = { .at = header };

		if (got == -1)
			return false;
		c.left = (size_t)got;
		out->relayed = endpoint_read((struct sockaddr *)&source,
				   length, &sender) &&
		    address_equal(&sender, &a->relay) &&
		    sender.port == a->relay.port;
		if (!out->relayed)
			return true;
		if (client_datagram_parse(&c, &from) &&
		    !is_strange(a, &from)) {
			out->header = (size_t)got - c.left;
			out->source = source_of(a, &from);
			return true;
		}
		(void)real.recv(fd, header, 0, MSG_DONTWAIT);
	}
}

/* Takes the datagram that look_next() saw. */
static ssize_t
take(int fd, struct msghdr *message, int flags, const struct arrival *arrival)
{
	uint8_t header[CLIENT_DATAGRAM_MAX];
	struct iovec room[PARTS_ON_STACK + 1];
	const struct iovec first = { header, arrival->header };
	struct iovec *parts = parts_with(&first, message, room);

	if (parts == NULL)
		return -1;
	struct msghdr whole = {
		.msg_iov = parts,
		.msg_iovlen = 1 + (uint32_t)message->msg_iovlen,
		.msg_control = message->msg_control,
		.msg_controllen = (uint32_t)message->msg_controllen,
	};
	const ssize_t got = real.recvmsg(fd, &whole, flags | MSG_DONTWAIT);
	parts_free(parts, room);
	if (got == -1)
		return -1;
	message->msg_flags = whole.msg_flags;
	message->msg_controllen = whole.msg_controllen;
	return got - (ssize_t)arrival->header;
}

/* One try, without waiting.  Locked, so that no other thread takes what was
 * looked at. */
static ssize_t
receive_now(int fd, struct msghdr *message, int flags)
{
	struct arrival arrival;
	ssize_t got = -1;
	struct guard saved;

	sockets_lock(&saved);
	const struct entry *e = entry_at(fd);
	if (e == NULL || e->role != ROLE_UDP) {
		got = real.recvmsg(fd, message, flags | MSG_DONTWAIT);
	} else if (look_next(fd, &e->udp, &arrival)) {
		if (!arrival.relayed)
			got = real.recvmsg(fd, message, flags | MSG_DONTWAIT);
		else
			got = take(fd, message, flags, &arrival);
		if (got != -1 && arrival.relayed && message->msg_name != NULL)
			endpoint_store(&arrival.source, e->family,
			    message->msg_name, &message->msg_namelen);
	}
	const int error = errno;
	sockets_unlock(&saved);
	errno = error;
	return got;
}

ssize_t
udp_receive(int fd, struct msghdr *message, int flags)
{
	char octet;

	if ((flags & MSG_ERRQUEUE) != 0)
		return real.recvmsg(fd, message, flags);
	for (;;) {
		const ssize_t got = receive_now(fd, message, flags);

		if (got != -1 || errno != EAGAIN ||
		    (flags & MSG_DONTWAIT) != 0)
			return got;
		/* The kernel knows whether the socket waits, for how long, and
		 * which signals end it. */
		if (real.recv(fd, &octet, 1, MSG_PEEK) == -1)
			return -1;
	}
}
