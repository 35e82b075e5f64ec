/* SPDX-License-Identifier: ISC */
/*
 * Two flows between two sockets, and all that is about time and about resets.
 * No memory is allocated, and no more is read than the other side takes.
 *
 * What Linux does at a reset, and what we make of it: what was received
 * before stays readable, then recv(2) fails once and is at EOF for ever
 * after; so the first error is kept in struct side and believed from then on.
 * The flow from that side goes on until it has given all to the other one
 * and that has acknowledged it (SIOCOUTQ), 10 s at most; only then the other
 * is reset, because a reset makes the kernel forget what it has not sent.
 */
#include "net/exchange.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "base/figures.h"
#include "net/sockaddr.h"

enum {
	UP = EXCHANGE_UP,
	DOWN = EXCHANGE_DOWN,
	FLOWS = EXCHANGE_FLOWS,
	SIDES = EXCHANGE_SIDES,
};

enum { /* milliseconds */
	RESET_GRACE = 10000,
	RESET_TICK = 20,
	PIPE_REST = 1000,
};

void
exchange_start(struct exchange *x, struct relay *r,
    uint8_t buffers[EXCHANGE_FLOWS][FLOW_BUFFER])
{
	const struct relay_watch *watch = r->watch;
	const int on = 1;
	const int64_t now = clock_now();

	*x = (struct exchange){
		.relay = r,
		.sides = { { .fd = r->client }, { .fd = r->server } },
		.moved_at = { now, now },
	};
	for (int i = 0; i < SIDES; i++) {
		flow_start(&x->flows[i], &x->sides[i], &x->sides[1 - i],
		    buffers[i]);
		/* It cannot fail on a socket. */
		setsockopt(x->sides[i].fd, SOL_SOCKET, SO_OOBINLINE, &on,
		    sizeof(on));
	}
	x->flows[UP].held = r->early;
	x->flows[UP].held_length = r->early_length;
	if (watch == NULL)
		return;
	x->flows[UP].tap = watch->up;
	x->flows[DOWN].tap = watch->down;
	x->flows[UP].tap_context = watch->context;
	x->flows[DOWN].tap_context = watch->context;
	if (watch->up != NULL && r->early_length > 0)
		watch->up(watch->context, r->early, r->early_length);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t
exchange_moved_at(const struct exchange *x)
{
	return later(x->moved_at[UP], x->moved_at[DOWN]);
}

static struct deadline
deadline_after(int64_t moment, int64_t timeout)
{
	if (timeout == 0 || moment > INT64_MAX - timeout)
		return DEADLINE_NEVER;
	return (struct deadline){ moment + timeout };
}

static struct deadline
exchange_idle_deadline(const struct exchange *x)
{
	return deadline_after(exchange_moved_at(x), x->relay->idle_timeout);
}

static struct deadline
half_closed_deadline(const struct exchange *x)
{
	const int64_t moved = exchange_moved_at(x);

	if (x->fin_at == 0)
		return DEADLINE_NEVER;
	return deadline_after(later(moved, x->fin_at),
	    x->relay->half_closed_timeout);
}

struct deadline
exchange_deadline(const struct exchange *x)
{
	struct deadline until = deadline_first(exchange_idle_deadline(x),
	    half_closed_deadline(x));

	if (x->reset_at != 0)
		until = x->flows[x->lost].state == FLOW_ENDED ?
		    deadline_in(RESET_TICK) :
		    deadline_after(x->reset_at, RESET_GRACE);
	for (int i = 0; i < FLOWS; i++)
		if (flow_resting(&x->flows[i]))
			until = deadline_first(until,
			    deadline_after(x->moved_at[i], PIPE_REST));
	return until;
}

/* Gives back the pipes of directions that fell idle. */
static void
pipes_rest(struct exchange *x)
{
	for (int i = 0; i < FLOWS; i++)
		if (deadline_passed(deadline_after(x->moved_at[i], PIPE_REST)))
			flow_rest(&x->flows[i]);
}

/* Notes an error that no read or write has met yet. */
static void
side_failed(struct side *s)
{
	if (s->error != 0)
		return;
	s->error = socket_error(s->fd);
	if (s->error == 0)
		s->error = ECONNRESET;
}

static struct pollfd
side_poll(const struct exchange *x, int i)
{
	const struct side *s = &x->sides[i];
	const short events = (short)(flow_source_events(&x->flows[i]) |
	    flow_sink_events(&x->flows[1 - i]));

	/* POLLHUP is always polled for: without this we would spin. */
	return (struct pollfd){
		.fd = events == 0 && s->hung ? -1 : s->fd,
		.events = events,
	};
}

static void
exchange_step(struct exchange *x, const struct pollfd fds[SIDES])
{
	const int64_t now = clock_now();

	for (int i = 0; i < SIDES; i++) {
		if ((fds[i].revents & (POLLERR | POLLNVAL)) != 0)
			side_failed(&x->sides[i]);
		if ((fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
			x->sides[i].hung = true;
	}
	for (int i = 0; i < FLOWS; i++) {
		const bool open = x->flows[i].state == FLOW_OPEN;

		if (flow_step(&x->flows[i], fds[i].revents,
			fds[1 - i].revents))
			x->moved_at[i] = now;
		if (open && x->flows[i].state != FLOW_OPEN && x->fin_at == 0)
			x->fin_at = now;
	}
	for (int i = 0; i < SIDES; i++) {
		if (x->sides[i].error == 0)
			continue;
		flow_drop(&x->flows[1 - i]);
		if (x->reset_at == 0) {
			x->reset_at = now;
			x->lost = i;
		}
	}
}

/* Has all that came before the reset reached the other side, or will not? */
static bool
reset_delivered(const struct exchange *x)
{
	const struct side *other = &x->sides[1 - x->lost];
	int unsent = 0;

	if (other->error != 0 ||
	    deadline_passed(deadline_after(x->reset_at, RESET_GRACE)))
		return true;
	return x->flows[x->lost].state == FLOW_ENDED &&
	    (ioctl(other->fd, SIOCOUTQ, &unsent) != 0 || unsent == 0);
}

static void
tell_reset(struct exchange *x)
{
	static const char *const reset[SIDES] = {
		"the client reset its connection",
		"the server reset its connection",
	};
	static const char *const lost[SIDES] = {
		"the connection to the client was lost",
		"the connection to the server was lost",
	};
	struct outcome *o = &x->relay->outcome;

	switch (x->sides[x->lost].error) {
	case ECONNRESET:
	case EPIPE: outcome_end(o, RESULT_RESET, reset[x->lost]); return;
	case ENOMEM:
	case ENOBUFS:
	case EBADF:
		outcome_end(o, RESULT_ERROR,
		    "the relay lacked memory or a descriptor");
		return;
	default: /* keepalive, a router or a firewall of this host said so */
		outcome_end(o, RESULT_RESET, lost[x->lost]);
	}
}

static bool
exchange_over(struct exchange *x)
{
	if (x->reset_at != 0) {
		if (!reset_delivered(x))
			return false;
		tell_reset(x);
		return true;
	}
	if (x->flows[UP].state != FLOW_ENDED ||
	    x->flows[DOWN].state != FLOW_ENDED)
		return false;
	outcome_end(&x->relay->outcome, RESULT_OK, NULL);
	return true;
}

static bool
exchange_timed_out(struct exchange *x)
{
	struct outcome *o = &x->relay->outcome;

	if (x->reset_at != 0)
		return false; /* has its own time */
	if (deadline_passed(half_closed_deadline(x)))
		outcome_end(o, RESULT_TIMEOUT,
		    "half-closed and silent for too long");
	else if (deadline_passed(exchange_idle_deadline(x)))
		outcome_end(o, RESULT_TIMEOUT, "silent for too long");
	else
		return false;
	return true;
}

void
exchange_poll(const struct exchange *x, struct pollfd fds[SIDES])
{
	for (int i = 0; i < SIDES; i++)
		fds[i] = side_poll(x, i);
}

/* What was written since the last call. */
static void
count_octets(struct exchange *x)
{
	const uint64_t up = x->flows[UP].written - x->counted[UP];
	const uint64_t down = x->flows[DOWN].written - x->counted[DOWN];

	if (figures == NULL || (up | down) == 0)
		return;
	figures_octets(up, down);
	x->counted[UP] += up;
	x->counted[DOWN] += down;
}

bool
exchange_turn(struct exchange *x, const struct pollfd *fds)
{
	if (fds != NULL &&
	    (fds[EXCHANGE_CLIENT].revents != 0 ||
		fds[EXCHANGE_SERVER].revents != 0))
		exchange_step(x, fds);
	else if (exchange_timed_out(x))
		return true;
	count_octets(x);
	pipes_rest(x);
	return exchange_over(x);
}

/* SECURITY: a stream that was cut short must not look whole, so whatever is
 * not the proper end becomes a reset at close(2). */
void
exchange_end(struct exchange *x)
{
	for (int i = 0; i < SIDES; i++) {
		flow_end(&x->flows[i]);
		if (x->relay->outcome.result != RESULT_OK)
			socket_reset_at_close(x->sides[i].fd);
	}
	count_octets(x);
	x->relay->up = x->flows[UP].written;
	x->relay->down = x->flows[DOWN].written;
}
