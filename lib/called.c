/* SPDX-License-Identifier: ISC */
/*
 * BIND.  The socket that the program bound is the connection to the gateway:
 * readable when the second reply comes, and from accept(2) on the connection
 * of the peer, under a new number.  Under the old one a socket listens that
 * nobody calls.
 */
#include "lib/called.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include "base/wait.h"
#include "lib/control.h"
#include "lib/fakes.h"
#include "lib/place.h"
#include "lib/real.h"
#include "lib/start.h"
#include "lib/tcp.h"

/* Of the connection to a server that was asked for its name last. */
static uint64_t last_asked;

/* ------------------------------------------------------------- servers */

static bool
is_bind_port(uint16_t port)
{
	for (size_t i = 0; i < handover.bind_count; i++)
		if (handover.bind_ports[i] == port)
			return true;
	return false;
}

static bool
is_server(const struct entry *e)
{
	return e->role == ROLE_TCP && e->dial.step == DIAL_DONE &&
	    is_bind_port(e->peer.port);
}

/* Locked: the server that is to call: a copy, for it may go.  False: there is
 * no connection to one. */
static bool
find_server(struct entry *out)
{
	const struct entry *found = NULL;

	for (size_t i = 0; entry_number(i) != NULL; i++) {
		const struct entry *e = entry_number(i);

		if (is_server(e) &&
		    (found == NULL || e->server >= found->server) &&
		    entry_at(entry_descriptor(e)) == e)
			found = e;
	}
	if (found != NULL)
		*out = *found;
	return found != NULL;
}

void
called_server(int fd)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && is_server(e))
		e->server = ++last_asked;
	sockets_unlock(&saved);
}

/* ---------------------------------------------------------------- bind */

bool
called_bind(int fd, const struct sockaddr *to, socklen_t length)
{
	struct entry server;
	struct address a;
	struct guard saved;
	bool wanted = false;

	if (!handover_good || handover.bind_count == 0 ||
	    !endpoint_read(to, length, &a) || a.port != 0 ||
	    socket_kind(fd) != KIND_TCP)
		return false;
	sockets_lock(&saved);
	if (entry_at(fd) == NULL && find_server(&server)) {
		struct entry *e = entry_new(fd, ROLE_CALLED);

		wanted = e != NULL;
		if (wanted) {
			e->family = to->sa_family;
			e->bound = a;
		}
	}
	sockets_unlock(&saved);
	return wanted;
}

/* ------------------------------------------------------------ the request */

/* What is asked of the gateway, and for whom. */
struct question {
	struct entry server;
	char name[NAME_LENGTH_MAX + 1];
	struct client_request request;
};

/* Locked.  False: there is no server any more. */
static bool
prepare(struct question *q)
{
	struct destination d;

	if (!find_server(&q->server))
		return false;
	d.address = q->server.peer;
	d.number = q->server.number;
	if (d.number != 0 && !fakes_name(d.number, q->name))
		return false;
	text_copy(d.name, sizeof(d.name), q->name);
	q->request.command = REQUEST_BIND;
	q->request.to = place_target(&d);
	q->request.to.address.port = 0; /* any port of the peer */
	if (q->request.to.name != NULL)
		q->request.to.name = (const uint8_t *)q->name;
	return true;
}

/* Locked: the connection of the socket to the gateway begins.  False: the
 * socket is bound by the kernel, after all. */
static bool
begin(int fd, struct question *q, struct dial *d)
{
	struct sockaddr_storage own;
	struct entry *e = entry_at(fd);

	if (e == NULL || e->role != ROLE_CALLED)
		return false;
	if (!prepare(q)) {
		const socklen_t length = endpoint_sockaddr(&e->bound,
		    e->family, &own);

		entry_drop(fd);
		(void)real.bind(fd, (struct sockaddr *)&own, length);
		return false;
	}
	/* Only the gateway of that connection knows what it is for. */
	e->gateway = q->server.gateway;
	dial_begin(&e->dial, &q->request);
	tcp_reach(e, fd);
	*d = e->dial;
	return true;
}

/* Locked: the reply is there, or the refusal. */
static void
conclude(int fd, const struct question *q, const struct dial *d)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct entry *e = entry_at(fd);

	if (e == NULL)
		return;
	if (d->step != DIAL_DONE) {
		if (e->shadow != -1)
			place_restore(e, fd);
		else
			(void)real.connect(fd, &nobody, sizeof(nobody));
		entry_drop(fd);
		return;
	}
	e->role = ROLE_BIND;
	e->dial = *d;
	e->bound = d->bound;
	if (e->bound.family == FAMILY_NONE || address_is_any(&e->bound)) {
		e->bound = control_peer(fd);
		e->bound.port = d->bound.port;
	}
	e->peer = q->server.peer;
	e->number = q->server.number;
	dial_await(&e->dial);
}

bool
called_ask(int fd)
{
	struct question q = { .request = { 0 } };
	struct dial d;
	struct guard saved;

	/* The flags of any other socket are let alone: others may use it. */
	if (sockets_role(fd) != ROLE_CALLED)
		return true;
	const int flags = real.fcntl(fd, F_GETFL);
	(void)real.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	sockets_lock(&saved);
	const bool begun = begin(fd, &q, &d);
	sockets_unlock(&saved);
	int status = 0;
	if (begun) {
		status = control_wait(&d, fd,
		    clock_now() + handover.connect_timeout);
		const int error = errno;
		sockets_lock(&saved);
		conclude(fd, &q, &d);
		sockets_unlock(&saved);
		if (status == -1)
			say_fault(q.server.gateway, &d);
		errno = error;
	}
	const int error = errno;
	(void)real.fcntl(fd, F_SETFL, flags);
	errno = error;
	return status == 0;
}

bool
called_listen(int fd, int *result)
{
	const enum role role = sockets_role(fd);

	if (role != ROLE_CALLED && role != ROLE_BIND)
		return false;
	*result = role == ROLE_BIND || called_ask(fd) ? 0 : -1;
	return *result == -1 || sockets_role(fd) == ROLE_BIND;
}

/* -------------------------------------------------------------- accept */

/* Nobody calls it: it is bound to the host's own address. */
static int
listener_of(sa_family_t family)
{
	const int fd = real.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage own;
	struct address loopback = { .family = FAMILY_IPV4,
		.octets = { 127, 0, 0, 1 } };

	if (family == AF_INET6)
		loopback = (struct address){ .family = FAMILY_IPV6,
			.octets = { [15] = 1 } };
	const socklen_t length = endpoint_sockaddr(&loopback, family, &own);
	if (fd != -1 && real.bind(fd, (struct sockaddr *)&own, length) == 0)
		(void)real.listen(fd, 1);
	return fd;
}

/* Locked: a listener that stays silent comes under the number. */
static void
silence(int fd, sa_family_t family)
{
	const int other = listener_of(family);
	const int flags = real.fcntl(fd, F_GETFL);
	const int flag = real.fcntl(fd, F_GETFD);

	if (other == -1)
		return;
	(void)real.fcntl(other, F_SETFL, flags);
	(void)real.dup3(other, fd, (flag & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
	(void)real.close(other);
}

/* Locked: the peer has come: its connection gets a number of its own. */
static int
hand_over(int fd, int flags)
{
	const struct entry before = *entry_at(fd);
	const int made = real.fcntl(fd,
	    (flags & SOCK_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD, 0);

	if (made == -1)
		return -1;
	entry_drop(fd);
	silence(fd, before.family);
	(void)real.fcntl(made, F_SETFL,
	    (flags & SOCK_NONBLOCK) != 0 ? O_RDWR | O_NONBLOCK : O_RDWR);
	struct entry *e = entry_new(made, ROLE_TCP);
	if (e == NULL)
		return made;
	e->family = before.family;
	e->dial = before.dial;
	e->peer = before.peer;
	e->peer.port = before.dial.bound.port;
	e->number = before.number;
	e->bound = before.bound;
	e->reported = true;
	entry_mark(made, false);
	return made;
}

/* One try.  False: the reply is not there. */
static bool
accept_now(int fd, int flags, int *result)
{
	struct guard saved;
	bool over = true;

	*result = -1;
	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e == NULL || e->role != ROLE_BIND) {
		errno = EINVAL;
	} else if (dial_push(&e->dial, fd, &handover) != 0) {
		errno = EAGAIN;
		over = false;
	} else if (e->dial.step == DIAL_DONE) {
		*result = hand_over(fd, flags);
	} else {
		const sa_family_t family = e->family;
		const int error = e->dial.error;

		entry_drop(fd);
		silence(fd, family);
		errno = error;
	}
	const int error = errno;
	sockets_unlock(&saved);
	errno = error;
	return over;
}

bool
called_accept(int fd, int flags, int *result)
{
	if (sockets_role(fd) != ROLE_BIND)
		return false;
	while (!accept_now(fd, flags, result)) {
		struct pollfd one = { .fd = fd, .events = POLLIN };

		if ((real.fcntl(fd, F_GETFL) & O_NONBLOCK) != 0)
			break;
		if (real.ppoll(&one, 1, NULL, NULL) == -1 &&
		    (errno != EINTR || !tcp_restarts()))
			break;
	}
	return true;
}
