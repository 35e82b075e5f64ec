/* SPDX-License-Identifier: ISC */
/*
 * One wait for all sockets, then a turn of each that has something to do.
 */
#include "alg/dialogue.h"

#include <errno.h>
#include <sys/socket.h>

#include "alg/channels.h"
#include "alg/control.h"
#include "alg/intake.h"
#include "base/figures.h"
#include "base/seldom.h"
#include "base/wait.h"
#include "net/failure.h"
#include "net/sockaddr.h"

enum { /* milliseconds */
	GREETING_MILLISECONDS = 30 * 1000,
	DELIVERY_TICK = 20,
	LAST_WORDS = 10 * 1000,
	LAST_WORDS_TICK = 20,
};

enum { CLIENT, SERVER, SIDES };

/* One of the two sockets. */
struct end {
	int fd;
	struct stream *in;
	struct stream *out;
	uint64_t *counter; /* of octets that were written */
	bool eof;          /* all of it was read */
	bool hung;         /* it ended behind what waits to be read */
	bool shut;         /* the gateway's FIN is sent */
	bool lost;         /* it was reset, or had an error */
	bool starved;      /* so it is, for this host lacked memory */
};

struct dialogue {
	struct control control;
	struct end ends[SIDES];
	struct deadline greeting;
	struct deadline refresh;
	struct deadline last_words; /* of the side that is still there */
	int64_t moved_at;
	int64_t server_at; /* when the server was heard or told something */
};

/* Its streams are too large for the stack. */
static SELDOM struct dialogue dialogue;

static void
tick(void *context)
{
	alg_refresh(((struct dialogue *)context)->control.alg);
}

/* --- Octets in and out. --- */

static void
end_lost(struct dialogue *s, struct end *e)
{
	e->lost = true;
	e->starved = failure_is_ours(errno);
	e->eof = true;
	if (s->last_words.at == DEADLINE_NEVER.at)
		s->last_words = deadline_in(LAST_WORDS);
}

static void
note_moved(struct dialogue *s, const struct end *e)
{
	s->moved_at = clock_now();
	if (e == &s->ends[SERVER])
		s->server_at = s->moved_at;
}

static void
end_read(struct dialogue *s, struct end *e)
{
	uint8_t octets[4096];
	const ssize_t n = recv(e->fd, octets, sizeof(octets), 0);

	if (n > 0) {
		stream_put(e->in, octets, (size_t)n);
		note_moved(s, e);
	} else if (n == 0) {
		e->eof = true;
	} else if (!socket_is_busy(errno)) {
		end_lost(s, e);
	}
}

/* Sends what is before the urgent octet, or that alone. */
static ssize_t
send_some(const struct end *e)
{
	const struct stream *out = e->out;
	const uint8_t *at = out->octets + out->start;
	size_t length = stream_length(out);

	if (out->urgent == (ptrdiff_t)out->start)
		return send(e->fd, at, 1, MSG_NOSIGNAL | MSG_OOB);
	if (out->urgent != STREAM_NOT_URGENT)
		length = (size_t)out->urgent - out->start;
	return send(e->fd, at, length, MSG_NOSIGNAL);
}

/* Sends what goes, and returns whether anything went. */
static bool
end_write(struct dialogue *s, struct end *e)
{
	bool sent = false;

	while (stream_length(e->out) > 0 && !e->lost) {
		const ssize_t n = send_some(e);

		if (n < 0) {
			if (!socket_is_busy(errno))
				end_lost(s, e);
			break;
		}
		sent = true;
		if (e->out->urgent == (ptrdiff_t)e->out->start)
			e->out->urgent = STREAM_NOT_URGENT;
		e->out->start += (size_t)n;
		*e->counter += (uint64_t)n;
		figures_octets(e == &s->ends[SERVER] ? (uint64_t)n : 0,
		    e == &s->ends[SERVER] ? 0 : (uint64_t)n);
		note_moved(s, e);
	}
	return sent;
}

/* Sends a FIN behind the last octet; never where the other side was lost.
 * Commands that wait for a reply of `e' wait in vain when that has ended. */
static void
end_finish(struct dialogue *s, int side)
{
	struct end *e = &s->ends[side];
	const struct end *other = &s->ends[SIDES - 1 - side];
	const bool waits = side == CLIENT && s->control.reply_waits;

	if (e->shut || !other->eof || other->lost || waits ||
	    (stream_length(other->in) > 0 && !e->eof) ||
	    stream_length(e->out) > 0)
		return;
	socket_deliver_at_close(e->fd);
	shutdown(e->fd, SHUT_WR);
	e->shut = true;
}

static size_t
octets_to_take(const struct control *k)
{
	return stream_length(&k->from_client) + stream_length(&k->from_server);
}

/* Moves octets through the control connection until nothing moves any
 * more. */
static void
move(struct dialogue *s)
{
	struct control *k = &s->control;
	size_t before;
	bool sent;

	k->client_ended = s->ends[CLIENT].eof;
	k->server_ended = s->ends[SERVER].eof;
	do {
		before = octets_to_take(k);
		intake_turn(k);
		sent = end_write(s, &s->ends[CLIENT]);
		sent = end_write(s, &s->ends[SERVER]) || sent;
	} while (sent || octets_to_take(k) < before);
}

/* --- Time. --- */

static int64_t
last_moved(const struct dialogue *s)
{
	const int64_t data = s->control.channels.moved_at;

	return data > s->moved_at ? data : s->moved_at;
}

static bool
is_half_closed(const struct dialogue *s)
{
	return s->ends[CLIENT].eof || s->ends[CLIENT].hung ||
	    s->ends[SERVER].eof || s->ends[SERVER].hung;
}

/* A control connection is not idle while data moves. */
static struct deadline
idle_deadline(const struct dialogue *s)
{
	const struct settings *settings = s->control.alg->settings;
	struct deadline until = DEADLINE_NEVER;

	if (settings->idle_timeout != 0)
		until.at = last_moved(s) + settings->idle_timeout;
	if (is_half_closed(s) && settings->half_closed_timeout != 0)
		until = deadline_first(until,
		    (struct deadline){
			last_moved(s) + settings->half_closed_timeout });
	return until;
}

/* Returns for how long the server has said nothing and no data moved. */
static int64_t
silence(const struct dialogue *s)
{
	const int64_t data = s->control.channels.moved_at;

	return clock_now() - (data > s->server_at ? data : s->server_at);
}

static struct deadline
dialogue_deadline(struct dialogue *s)
{
	struct control *k = &s->control;
	const int64_t patience = intake_patience(k);
	struct deadline until = deadline_first(idle_deadline(s), s->refresh);

	if (!k->raw && !k->reader.any)
		until = deadline_first(until, s->greeting);
	if (s->last_words.at != DEADLINE_NEVER.at)
		until = deadline_first(until, deadline_in(LAST_WORDS_TICK));
	if (k->reply_waits)
		until = deadline_first(until, deadline_in(DELIVERY_TICK));
	else if (patience != INTAKE_FOR_EVER)
		until = deadline_first(until,
		    deadline_in(patience - silence(s)));
	return until;
}

static void
do_what_is_due(struct dialogue *s)
{
	struct control *k = &s->control;
	const int64_t patience = intake_patience(k);

	if (deadline_passed(s->refresh)) {
		tick(s);
		s->refresh = deadline_in(CONTROL_REFRESH);
	}
	if (!k->reader.any && deadline_passed(s->greeting))
		k->raw = true;
	if (patience != INTAKE_FOR_EVER && silence(s) >= patience)
		intake_lose_patience(k);
}

/* --- The end. --- */

static enum result
ended(struct alg *a, enum result result, const char *reason)
{
	alg_note_end(a, reason);
	return result;
}

/* Tells whether the side that is still there has all that was for it: a reset
 * would throw away what is not delivered. */
static bool
is_delivered(const struct dialogue *s, const struct end *e)
{
	if (e->lost || deadline_passed(s->last_words))
		return true;
	return stream_length(e->out) == 0 && socket_untaken(e->fd) == 0;
}

static enum result
loss(const struct dialogue *s)
{
	struct alg *a = s->control.alg;
	const struct end *client = &s->ends[CLIENT];

	if (client->starved || s->ends[SERVER].starved)
		return ended(a, RESULT_ERROR, "the relay lacked memory");
	return ended(a, RESULT_RESET,
	    client->lost ? "the client reset its connection" :
			   "the server reset its connection");
}

/* Returns true, and *result, where the dialogue is over. */
static bool
dialogue_over(struct dialogue *s, enum result *result)
{
	const struct end *client = &s->ends[CLIENT];
	const struct end *server = &s->ends[SERVER];
	const struct end *other = client->lost ? server : client;

	if (client->lost || server->lost) {
		if (!is_delivered(s, other))
			return false;
		*result = loss(s);
		return true;
	}
	if (s->control.over) {
		if (s->last_words.at == DEADLINE_NEVER.at)
			s->last_words = deadline_in(LAST_WORDS);
		*result = RESULT_RESET; /* a->reason says why */
		return is_delivered(s, client);
	}
	*result = RESULT_OK;
	return client->shut && server->shut &&
	    !channels_busy(&s->control.channels);
}

static bool
dialogue_timed_out(struct dialogue *s, enum result *result)
{
	if (!deadline_passed(idle_deadline(s)))
		return false;
	*result = ended(s->control.alg, RESULT_TIMEOUT,
	    is_half_closed(s) ? "half-closed and silent for too long" :
				"silent for too long");
	return true;
}

/* --- The loop. --- */

static struct pollfd
end_poll(const struct dialogue *s, const struct end *e)
{
	const bool reads = !e->eof && !s->control.over && !s->control.raw &&
	    stream_has_room(e->in);
	const bool writes = !e->lost && stream_length(e->out) > 0;
	const bool looks = !reads && !e->eof && !e->hung;

	return (struct pollfd){
		.fd = reads || writes || looks ? e->fd : -1,
		.events = (short)((reads ? POLLIN : 0) |
		    (writes ? POLLOUT : 0) | (looks ? POLLRDHUP : 0)),
	};
}

static void
end_turn(struct dialogue *s, struct end *e, const struct pollfd *fd)
{
	const bool ended = (fd->revents & (POLLRDHUP | POLLHUP | POLLERR)) !=
	    0;

	if ((ended || (fd->revents & POLLIN) != 0) && !e->eof &&
	    stream_has_room(e->in))
		end_read(s, e);
	else if (ended)
		e->hung = true;
	if ((fd->revents & POLLOUT) != 0)
		(void)end_write(s, e);
}

/* Waits once and does what follows.  Returns true, and *result, where the
 * dialogue is over. */
static bool
dialogue_turn(struct dialogue *s, enum result *result)
{
	struct control *k = &s->control;
	struct pollfd fds[SIDES + CHANNELS_POLL_MAX];
	struct deadline until = dialogue_deadline(s);
	size_t n = SIDES;
	enum wait wait;

	for (int i = 0; i < SIDES; i++)
		fds[i] = end_poll(s, &s->ends[i]);
	n += channels_poll(&k->channels, fds + SIDES, &until);
	wait = wait_for(fds, n, until);
	if (wait == WAIT_STOPPED) {
		struct outcome o;

		outcome_stop(&o);
		*result = ended(k->alg, o.result, o.reason);
		return true;
	}
	if (wait == WAIT_READY)
		for (int i = 0; i < SIDES; i++)
			end_turn(s, &s->ends[i], &fds[i]);
	channels_turn(&k->channels, k->alg,
	    wait == WAIT_READY ? fds + SIDES : NULL);
	do_what_is_due(s);
	move(s);
	end_finish(s, SERVER);
	end_finish(s, CLIENT);
	return dialogue_timed_out(s, result) || dialogue_over(s, result);
}

static void
dialogue_start(struct dialogue *s, struct alg *a)
{
	struct control *k = &s->control;
	const int on = 1;

	control_start(k, a);
	s->ends[CLIENT] = (struct end){ .fd = a->client,
		.in = &k->from_client,
		.out = &k->to_client,
		.counter = &a->down };
	s->ends[SERVER] = (struct end){ .fd = a->server,
		.in = &k->from_server,
		.out = &k->to_server,
		.counter = &a->up };
	for (int i = 0; i < SIDES; i++) {
		/* Until end_finish(). */
		socket_reset_at_close(s->ends[i].fd);
		(void)setsockopt(s->ends[i].fd, SOL_SOCKET, SO_OOBINLINE, &on,
		    sizeof(on));
	}
	s->greeting = deadline_in(GREETING_MILLISECONDS);
	s->refresh = deadline_in(CONTROL_REFRESH);
	s->last_words = DEADLINE_NEVER;
	s->moved_at = clock_now();
	s->server_at = s->moved_at;
	stream_put(&k->from_client, a->early, a->early_length);
}

/* --- Without lines. --- */

/* Relays, the early octets first; the table is told that the connection
 * lives. */
static enum result
relay(struct alg *a, struct relay_watch watch)
{
	struct relay r = {
		.client = a->client,
		.server = a->server,
		.early = a->early,
		.early_length = a->early_length,
		.idle_timeout = a->settings->idle_timeout,
		.half_closed_timeout = a->settings->half_closed_timeout,
		.watch = &watch,
	};

	watch.tick = tick;
	watch.interval = CONTROL_REFRESH;
	watch.context = &dialogue;
	relay_run(&r);
	a->up += r.up;
	a->down += r.down;
	return r.outcome.result == RESULT_OK ?
	    RESULT_OK :
	    ended(a, r.outcome.result, r.outcome.reason);
}

/* What the client sent and nobody took apart will go first. */
static void
hand_over(struct dialogue *s, struct alg *a)
{
	const struct stream *in = &s->control.from_client;

	a->transparent = true;
	a->early = in->octets + in->start;
	a->early_length = stream_length(in);
}

enum result
dialogue_relay(struct alg *a)
{
	return relay(a, (struct relay_watch){ .up = NULL, .down = NULL });
}

static enum result
run_lines(struct dialogue *s, struct alg *a)
{
	enum result result = RESULT_ERROR;
	bool over = false;

	move(s);
	while (!over && !intake_is_over(&s->control))
		over = dialogue_turn(s, &result);
	if (!over)
		hand_over(s, a);
	channels_close(&s->control.channels, a);
	if (a->transparent)
		return result;
	for (int i = 0; i < SIDES; i++) {
		/* A client that was told why with 421 can still read it. */
		if (s->control.over)
			socket_deliver_at_close(s->ends[i].fd);
		else if (result != RESULT_OK)
			socket_reset_at_close(s->ends[i].fd);
	}
	return result;
}

/* --- Watching. --- */

static void
watch_up(void *context, const uint8_t *octets, size_t length)
{
	struct dialogue *s = context;

	intake_watch_client(&s->control, octets, length);
}

static void
watch_down(void *context, const uint8_t *octets, size_t length)
{
	struct dialogue *s = context;

	intake_watch_server(&s->control, octets, length);
}

enum result
dialogue_run(struct alg *a)
{
	if (a->watch) {
		control_start(&dialogue.control, a);
		return relay(a,
		    (struct relay_watch){ .up = watch_up,
			.down = watch_down });
	}
	dialogue_start(&dialogue, a);
	return run_lines(&dialogue, a);
}
