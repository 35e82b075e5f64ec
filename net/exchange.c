/* SPDX-License-Identifier: ISC */
/*
 * Two flows between two sockets, and all that is about time and about resets.
 * No memory is allocated, and no more is read than the other side takes.
 *
 * What Linux does at a reset, and what we make of it: what was received
 * before stays readable, then recv(2) fails once and is at EOF for ever
 * after; so the first error is kept in struct side and believed from then on.
 * The flow from that side goes on until it has given all to the other one
 * and that has acknowledged it (SIOCOUTQ), or takes nothing for 10 s; only
 * then the other is reset, because a reset makes the kernel forget what it has
 * not sent.
 *
 * What was written is not yet delivered: megabytes may wait in the kernel for
 * a reader that is slow or pauses.  So both timeouts measure the silence of
 * the readers, too: a few times within each we look what they took.  A process
 * that is left at the end would be no loss, but Linux gives a connection
 * without an owner up within minutes while its window is closed; so we stay
 * until all is sent.
 */
#include "net/exchange.h"

#include <errno.h>
#include <sys/socket.h>

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
	TICK_LEAST = 20,
	TICK_MOST = 1000,
	PIPE_REST = 1000,
};

enum {
	LOOKS = 16,      /* within a timeout */
	TICKS = 8,       /* within what has passed since octets moved */
	DISCARDS = 1024, /* reads of what nobody will get any more */
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
		.looked_at = now,
	};
	for (int i = 0; i < SIDES; i++) {
		flow_start(&x->flows[i], &x->sides[i], &x->sides[1 - i],
		    buffers[i]);
		/* Until flow_finish(). */
		socket_reset_at_close(x->sides[i].fd);
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

/* While a reader pauses it is not the other side that is silent: this timeout
 * begins when all that was sent is taken. */
static struct deadline
half_closed_deadline(const struct exchange *x)
{
	const struct flow *up = &x->flows[UP];
	const struct flow *down = &x->flows[DOWN];

	if (!(up->whole || down->whole) || up->pending || down->pending)
		return DEADLINE_NEVER;
	return deadline_after(later(exchange_moved_at(x), x->fin_at),
	    x->relay->half_closed_timeout);
}

static struct deadline
timeout_deadline(const struct exchange *x)
{
	return deadline_first(exchange_idle_deadline(x),
	    half_closed_deadline(x));
}

static struct deadline
reset_deadline(const struct exchange *x)
{
	return deadline_after(later(x->reset_at, x->moved_at[x->lost]),
	    RESET_GRACE);
}

/* Nobody tells us when the kernel has sent something: we look, the more seldom
 * the longer it takes. */
static struct deadline
next_tick(const struct exchange *x)
{
	int64_t tick = (clock_now() - exchange_moved_at(x)) / TICKS;

	if (tick < TICK_LEAST)
		tick = TICK_LEAST;
	return deadline_in(tick < TICK_MOST ? tick : TICK_MOST);
}

/* Has all been written, and is there no more to come? */
static bool
both_ended(const struct exchange *x)
{
	return x->flows[UP].state == FLOW_ENDED &&
	    x->flows[DOWN].state == FLOW_ENDED;
}

/* Is there nothing left but to wait for the kernel? */
static bool
ticks(const struct exchange *x)
{
	return both_ended(x) ||
	    (x->reset_at != 0 && x->flows[x->lost].state == FLOW_ENDED);
}

/* When to look what the readers have taken. */
static struct deadline
look_deadline(const struct exchange *x)
{
	const int64_t idle = x->relay->idle_timeout;
	const int64_t half = x->relay->half_closed_timeout;
	const int64_t least = half != 0 && (idle == 0 || half < idle) ? half :
									idle;

	if (ticks(x) || (!x->flows[UP].pending && !x->flows[DOWN].pending))
		return DEADLINE_NEVER;
	return deadline_after(x->looked_at, (least + LOOKS - 1) / LOOKS);
}

struct deadline
exchange_deadline(const struct exchange *x)
{
	struct deadline until = x->reset_at == 0 ? timeout_deadline(x) :
						   reset_deadline(x);

	until = deadline_first(until,
	    ticks(x) ? next_tick(x) : look_deadline(x));
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

void
exchange_look(struct exchange *x)
{
	x->looked_at = clock_now();
	for (int i = 0; i < FLOWS; i++)
		if (flow_look(&x->flows[i]))
			x->moved_at[i] = x->looked_at;
}

bool
exchange_delivered(const struct exchange *x, int flow)
{
	const struct flow *f = &x->flows[flow];

	return f->state == FLOW_ENDED && !f->pending;
}

static void
reset_met(struct exchange *x, int side, int64_t now)
{
	flow_drop(&x->flows[1 - side]);
	if (x->reset_at != 0)
		return;
	x->reset_at = now;
	x->lost = side;
}

/* A side that was hung is not polled for any more. */
static void
errors_met(struct exchange *x)
{
	for (int i = 0; i < SIDES; i++) {
		struct side *s = &x->sides[i];

		if (s->error == 0 && s->hung)
			s->error = socket_error(s->fd);
		if (s->error != 0)
			reset_met(x, i, clock_now());
	}
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
	for (int i = 0; i < SIDES; i++)
		if (x->sides[i].error != 0)
			reset_met(x, i, now);
}

/* Has all that came before the reset reached the other side, or will not? */
static bool
reset_delivered(const struct exchange *x)
{
	return x->flows[x->lost].sink->error != 0 ||
	    deadline_passed(reset_deadline(x)) ||
	    exchange_delivered(x, x->lost);
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
	if (x->reset_at == 0 && both_ended(x) && !flow_unsent(&x->flows[UP]) &&
	    !flow_unsent(&x->flows[DOWN])) {
		outcome_end(&x->relay->outcome, RESULT_OK, NULL);
		return true;
	}
	if (!ticks(x) && x->reset_at == 0)
		return false;
	exchange_look(x);
	errors_met(x);
	if (x->reset_at == 0 || !reset_delivered(x))
		return false;
	tell_reset(x);
	return true;
}

static bool
exchange_timed_out(struct exchange *x)
{
	struct outcome *o = &x->relay->outcome;

	if (x->reset_at != 0)
		return false; /* has its own time */
	if (deadline_passed(deadline_first(look_deadline(x),
		timeout_deadline(x))))
		exchange_look(x);
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
	if (exchange_timed_out(x))
		return true;
	count_octets(x);
	pipes_rest(x);
	return exchange_over(x);
}

/* Octets that nobody has read would make close(2) a reset, which destroys what
 * the other side has not got yet. */
static void
discard(const struct side *s, uint8_t *buffer)
{
	unsigned reads = 0;

	while (reads < DISCARDS && recv(s->fd, buffer, FLOW_BUFFER, 0) > 0)
		reads++;
}

/* SECURITY: a stream that was cut short must not look whole, so whatever is
 * not the proper end becomes a reset at close(2).  But a reader that has not
 * taken all of a whole stream yet is not robbed of it for the sake of the
 * other direction. */
void
exchange_end(struct exchange *x)
{
	const enum result result = x->relay->outcome.result;

	exchange_look(x);
	for (int i = 0; i < FLOWS; i++) {
		const struct flow *f = &x->flows[i];

		flow_end(&x->flows[i]);
		if (result == RESULT_OK)
			continue;
		if (f->whole && f->pending && result != RESULT_RESET)
			discard(f->sink, f->buffer);
		else
			socket_reset_at_close(f->sink->fd);
	}
	count_octets(x);
	x->relay->up = x->flows[UP].written;
	x->relay->down = x->flows[DOWN].written;
}
