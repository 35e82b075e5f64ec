/* SPDX-License-Identifier: ISC */
/*
 * Data connections of active mode.  SECURITY: only the server of the control
 * connection is accepted, and only the client's own address is connected to,
 * where the rules allow it at that moment; a listener takes one connection and
 * is closed.
 */
#include "alg/channels.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alg/permit.h"
#include "base/seldom.h"
#include "base/text.h"
#include "net/failure.h"
#include "net/ports.h"
#include "net/route.h"
#include "net/sockaddr.h"

enum {
	ACCEPT_MILLISECONDS = 120 * 1000, /* RFC 6384 11: at least 30 s */
	DELIVER_MILLISECONDS = 10 * 1000,
	ARRIVE_MILLISECONDS = 1000, /* the server says that it connected */
	BACKLOG = 4,
	NONE = -1,
	WHAT_TEXT = 128,
};

static SELDOM uint8_t buffers[CHANNELS_MAX][EXCHANGE_FLOWS][FLOW_BUFFER];

static void
close_one(int *fd)
{
	if (*fd != NONE)
		close(*fd);
	*fd = NONE;
}

static void
reset_one(int *fd)
{
	if (*fd != NONE)
		socket_reset_at_close(*fd);
	close_one(fd);
}

/* --- The record. --- */

/* Notes "WHAT ADDRESS:PORT: WHY". */
static void
note(struct alg *a, const char *what, const struct address *where,
    const char *why)
{
	char buffer[WHAT_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, what);
	text_add_char(&t, ' ');
	address_add_port(&t, where);
	alg_note(a, buffer, why);
}

/* --- Listening. --- */

/* Listens at the gateway's address towards the server, steered as the control
 * connection is (a link-local address needs the interface).  Port 0 lets the
 * kernel choose. */
static bool
listen_at(int fd, const struct alg *a, uint16_t port)
{
	const int on = 1;
	const struct egress egress = route_egress(a->settings, a->origin);
	struct address at = a->local;

	at.port = port;
	const struct endpoint local = endpoint_of(&at, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return route_steer(&egress, fd, at.family) &&
	    bind(fd, (const struct sockaddr *)&local.storage, local.length) ==
	    0 &&
	    listen(fd, BACKLOG) == 0;
}

/* Returns a listener and what to tell the server, or NONE, and errno says
 * why. */
static int
listener_open(const struct alg *a, struct address *announce)
{
	struct ports ports = ports_start(a->settings, 0);
	const struct address *advertised = settings_advertised(a->settings,
	    ADVERTISE_BIND, a->local.family);
	uint16_t port;

	errno = EADDRINUSE; /* where every port is taken */
	while (ports_next(&ports, &port)) {
		int fd = socket_create(a->local.family, SOCK_STREAM);

		if (fd == NONE)
			return NONE;
		if (listen_at(fd, a, port) && socket_local(fd, announce)) {
			port = announce->port;
			if (advertised->family != FAMILY_NONE)
				*announce = *advertised;
			announce->port = port;
			return fd;
		}
		close_one(&fd);
	}
	return NONE;
}

static struct channel *
channel_in(struct channels *c, enum channel_state state)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		if (c->list[i].state == state)
			return &c->list[i];
	return NULL;
}

static void
channel_free(struct channel *ch)
{
	close_one(&ch->listener);
	reset_one(&ch->client);
	reset_one(&ch->server);
	ch->state = CHANNEL_FREE;
}

static void
give_up_but(struct channels *c, const struct channel *kept)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		if (&c->list[i] != kept &&
		    c->list[i].state == CHANNEL_LISTENING)
			channel_free(&c->list[i]);
}

void
channels_give_up(struct channels *c)
{
	c->awaited = false;
	give_up_but(c, NULL);
}

void
channels_replace(struct channels *c)
{
	c->awaited = c->newest != NULL;
	give_up_but(c, c->newest);
}

void
channels_unreached(struct channels *c, struct alg *a)
{
	if (c->awaited)
		note(a, "the server made no data connection to", &c->announced,
		    "");
	c->awaited = false;
}

/* The server may have connected although it says no: such a channel stays. */
void
channels_cancel(struct channels *c)
{
	if (c->newest != NULL && c->newest->state == CHANNEL_LISTENING)
		channel_free(c->newest);
	c->newest = NULL;
}

bool
channels_listen(struct channels *c, const struct alg *a,
    const struct address *target, struct address *announce)
{
	struct channel *ch = channel_in(c, CHANNEL_FREE);

	if (ch == NULL) {
		errno = EBUSY;
		return false;
	}
	const int listener = listener_open(a, announce);
	if (listener == NONE)
		return false;
	*ch = (struct channel){ .state = CHANNEL_LISTENING,
		.listener = listener,
		.client = NONE,
		.server = NONE,
		.target = *target,
		.until = deadline_in(ACCEPT_MILLISECONDS) };
	c->newest = ch;
	c->announced = *announce;
	return true;
}

/* --- From the server to the client. --- */

/* An FTP client shows no more than a code; the record says what was wrong. */
static void
channel_fail(struct channel *ch, struct alg *a, int error)
{
	note(a,
	    failure_is_ours(error) ?
		"this gateway made no data connection to" :
		"the client took no data connection at",
	    &ch->target, strerror(error));
	channel_free(ch);
}

/* Connects from the address that the client knows the gateway by, or from any
 * other where that is not to be had. */
static bool
connect_start(const struct channel *ch, const struct alg *a)
{
	const struct endpoint from = endpoint_of(&a->near, a->scope);
	const struct endpoint to = endpoint_of(&ch->target, a->scope);

	if (a->near.family == ch->target.family)
		(void)bind(ch->client, (const struct sockaddr *)&from.storage,
		    from.length);
	return connect(ch->client, (const struct sockaddr *)&to.storage,
		   to.length) == 0 ||
	    errno == EINPROGRESS;
}

static void
channel_connect(struct channel *ch, struct alg *a)
{
	struct verdict verdict;

	if (!permit_target(a, &ch->target, &verdict)) {
		note(a, "no data connection to", &ch->target, verdict.reason);
		channel_free(ch);
		return;
	}
	ch->state = CHANNEL_CONNECTING;
	ch->until = deadline_in(a->settings->connect_timeout);
	ch->client = socket_create(ch->target.family, SOCK_STREAM);
	/* SECURITY: nor must a download that never began. */
	if (ch->client != NONE)
		socket_reset_at_close(ch->client);
	if (ch->client == NONE || !connect_start(ch, a))
		channel_fail(ch, a, errno);
}

/* SECURITY: a stranger who is faster than the server would get the client's
 * file, or give it another. */
static bool
is_server(struct alg *a, const struct sockaddr_storage *from)
{
	struct address peer = address_of(from);

	if (address_equal(&peer, &a->server_address))
		return true;
	note(a, "refused a data connection that is not the server's, of",
	    &peer, "");
	return false;
}

static void
channel_accept(struct channels *c, struct channel *ch, struct alg *a)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(from);

	ch->server = accept4(ch->listener, (struct sockaddr *)&from, &length,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (ch->server == NONE) {
		if (failure_is_ours(errno)) {
			alg_note(a,
			    "this gateway did not accept the data "
			    "connection",
			    strerror(errno));
			/* The server did connect, whatever it says now. */
			c->awaited = false;
			channel_free(ch);
		}
		return;
	}
	if (!is_server(a, &from)) {
		reset_one(&ch->server);
		return;
	}
	c->awaited = false;
	close_one(&ch->listener);
	/* SECURITY: an upload that never began must not look like an empty
	 * file, if this process is killed. */
	socket_reset_at_close(ch->server);
	channel_connect(ch, a);
}

static void
channel_relay(struct channel *ch, size_t i, struct alg *a)
{
	const int error = socket_error(ch->client);

	if (error != 0) {
		channel_fail(ch, a, error);
		return;
	}
	socket_tune(ch->client);
	socket_tune(ch->server);
	ch->state = CHANNEL_RELAYING;
	ch->relay = (struct relay){ .client = ch->client,
		.server = ch->server,
		.idle_timeout = a->settings->idle_timeout,
		.half_closed_timeout = a->settings->half_closed_timeout };
	exchange_start(&ch->exchange, &ch->relay, buffers[i]);
}

static void
channel_end(struct channel *ch, struct alg *a)
{
	const char *reason = outcome_reason(&ch->relay.outcome);

	exchange_end(&ch->exchange);
	if (reason != NULL)
		alg_note(a, "a data connection failed", reason);
	a->up += ch->relay.up;
	a->down += ch->relay.down;
	close_one(&ch->client); /* exchange_end() said whether by a reset */
	close_one(&ch->server);
	ch->state = CHANNEL_FREE;
}

/* --- Steps of the loop. --- */

static size_t
channel_poll(const struct channel *ch, struct pollfd fds[2],
    struct deadline *until)
{
	switch (ch->state) {
	case CHANNEL_FREE: return 0;
	case CHANNEL_LISTENING:
		fds[0] = (struct pollfd){ .fd = ch->listener,
			.events = POLLIN };
		*until = deadline_first(*until, ch->until);
		return 1;
	case CHANNEL_CONNECTING:
		fds[0] = (struct pollfd){ .fd = ch->client,
			.events = POLLOUT };
		*until = deadline_first(*until, ch->until);
		return 1;
	case CHANNEL_RELAYING:
		exchange_poll(&ch->exchange, fds);
		*until = deadline_first(*until,
		    exchange_deadline(&ch->exchange));
		return EXCHANGE_SIDES;
	}
	return 0;
}

size_t
channels_poll(const struct channels *c, struct pollfd *fds,
    struct deadline *until)
{
	size_t n = 0;

	for (size_t i = 0; i < CHANNELS_MAX; i++)
		n += channel_poll(&c->list[i], fds + n, until);
	return n;
}

static void
note_moved(struct channels *c, const struct channel *ch)
{
	if (exchange_moved_at(&ch->exchange) > c->moved_at)
		c->moved_at = exchange_moved_at(&ch->exchange);
}

/* Returns how many of fds were the channel's. */
static size_t
channel_turn(struct channels *c, size_t i, struct alg *a,
    const struct pollfd *fds)
{
	struct channel *ch = &c->list[i];
	const bool ready = fds != NULL && fds[0].revents != 0;

	switch (ch->state) {
	case CHANNEL_FREE: return 0;
	case CHANNEL_LISTENING:
		/* A stream of strangers does not prolong the wait. */
		if (deadline_passed(ch->until))
			channel_free(ch);
		else if (ready)
			channel_accept(c, ch, a);
		return 1;
	case CHANNEL_CONNECTING:
		if (ready)
			channel_relay(ch, i, a);
		else if (deadline_passed(ch->until))
			channel_fail(ch, a, ETIMEDOUT);
		return 1;
	case CHANNEL_RELAYING:
		if (exchange_turn(&ch->exchange, fds))
			channel_end(ch, a);
		else
			note_moved(c, ch);
		return EXCHANGE_SIDES;
	}
	return 0;
}

void
channels_turn(struct channels *c, struct alg *a, const struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < CHANNELS_MAX; i++)
		n += channel_turn(c, i, a, fds == NULL ? NULL : fds + n);
}

/* Tells whether the client has acknowledged all that the server sent, and its
 * end. */
static bool
is_delivered(struct channels *c, struct channel *ch)
{
	exchange_look(&ch->exchange);
	note_moved(c, ch);
	return exchange_delivered(&ch->exchange, EXCHANGE_DOWN);
}

int64_t
channels_patience(struct channels *c)
{
	int64_t patience = 0;

	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *ch = &c->list[i];

		if (ch->state == CHANNEL_CONNECTING ||
		    (ch->state == CHANNEL_RELAYING && !is_delivered(c, ch)))
			return DELIVER_MILLISECONDS;
		if (ch->state == CHANNEL_LISTENING && c->awaited)
			patience = ARRIVE_MILLISECONDS;
	}
	return patience;
}

bool
channels_busy(const struct channels *c)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		if (c->list[i].state == CHANNEL_CONNECTING ||
		    c->list[i].state == CHANNEL_RELAYING)
			return true;
	return false;
}

void
channels_close(struct channels *c, struct alg *a)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *ch = &c->list[i];

		if (ch->state == CHANNEL_RELAYING)
			channel_end(ch, a);
		else if (ch->state != CHANNEL_FREE)
			channel_free(ch);
	}
}
