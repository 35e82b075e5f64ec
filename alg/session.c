/* SPDX-License-Identifier: ISC */
/*
 * An FTP session: the loop that moves octets between the two control sockets
 * and the data connections.  What the octets mean is alg/translate.c's.
 *
 * Where all is only watched, or lines are no more (AUTH, or it is not FTP),
 * the relay does it: the very octets, urgent ones and resets too.
 */
#include "alg/session.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "alg/control.h"
#include "base/text.h"
#include "base/wait.h"
#include "net/sockaddr.h"

enum { /* milliseconds */
	GREETING_MILLISECONDS = 30 * 1000,
	LAST_WORDS = 10 * 1000,
	LAST_WORDS_TICK = 20,
};

enum { CLIENT, SERVER, SIDES };

/* One of the two sockets. */
struct end {
	int fd;
	struct stream in; /* read, and not yet taken apart */
	struct stream *out;
	uint64_t *counter;
	bool eof;
	bool hung;  /* it ended behind what waits to be read */
	bool shut;  /* our FIN is sent */
	bool lost;  /* reset, or an error */
};

struct dialogue {
	struct control control;
	struct end ends[SIDES];
	struct deadline greeting;
	struct deadline refresh;
	struct deadline last_words; /* for the side that is still there */
	int64_t moved_at;
	bool any_reply; /* the first octet of the server was seen */
};

/* Not on the stack. */
static struct dialogue dialogue;

/* --- The record. --- */

void
alg_note(struct alg *a, const char *what, const char *why)
{
	struct text t = text_in(a->reason, sizeof(a->reason));

	text_add(&t, what);
	if (*why != '\0') {
		text_add(&t, ": ");
		text_add(&t, why);
	}
}

void
alg_mention(struct alg *a, const char *what, const char *why)
{
	if (a->reason[0] == '\0')
		alg_note(a, what, why);
}

/* --- The table. --- */

void
alg_begin(struct alg *a)
{
	const char *problem = a->share.table->problem;

	if (controls_put(&a->share, &a->control, &a->alive) == TABLE_OK)
		return;
	alg_mention(a, "FTP data connections are not known",
	    problem[0] != '\0' ? problem :
	    "the association table is full");
}

static void
tick(void *context)
{
	alg_begin(((struct dialogue *)context)->control.alg);
}

/* --- Octets in and out. --- */

static size_t
stream_length(const struct stream *s)
{
	return s->end - s->start;
}

static bool
has_room(const struct stream *s)
{
	return STREAM_SIZE - stream_length(s) >= CONTROL_ROOM;
}

static void
end_lost(struct dialogue *s, struct end *e)
{
	e->lost = true;
	e->eof = true;
	if (s->last_words.at == DEADLINE_NEVER.at)
		s->last_words = deadline_in(LAST_WORDS);
}

static void
end_read(struct dialogue *s, struct end *e)
{
	uint8_t octets[4096];
	const ssize_t n = recv(e->fd, octets, sizeof(octets), 0);

	if (n > 0) {
		stream_put(&e->in, octets, (size_t)n);
		s->moved_at = clock_now();
	} else if (n == 0) {
		e->eof = true;
	} else if (!socket_is_busy(errno)) {
		end_lost(s, e);
	}
}

/* Up to the urgent octet, or that alone. */
static ssize_t
send_some(const struct end *e)
{
	const struct stream *out = e->out;
	const uint8_t *at = out->octets + out->start;
	size_t length = stream_length(out);

	if (out->urgent == (ptrdiff_t)out->start)
		return send(e->fd, at, 1, MSG_NOSIGNAL | MSG_OOB);
	if (out->urgent != NOWHERE)
		length = (size_t)out->urgent - out->start;
	return send(e->fd, at, length, MSG_NOSIGNAL);
}

static void
end_write(struct dialogue *s, struct end *e)
{
	while (stream_length(e->out) > 0 && !e->lost) {
		const ssize_t n = send_some(e);

		if (n < 0) {
			if (!socket_is_busy(errno))
				end_lost(s, e);
			return;
		}
		if (e->out->urgent == (ptrdiff_t)e->out->start)
			e->out->urgent = NOWHERE;
		e->out->start += (size_t)n;
		*e->counter += (uint64_t)n;
		s->moved_at = clock_now();
	}
}

/* Our FIN, behind the last octet; never where the other side was lost.  What
 * waits for a reply of `e' waits in vain when that has ended. */
static void
end_finish(struct end *e, const struct end *other)
{
	if (e->shut || !other->eof || other->lost ||
	    (stream_length(&other->in) > 0 && !e->eof) ||
	    stream_length(e->out) > 0)
		return;
	shutdown(e->fd, SHUT_WR);
	e->shut = true;
}

/* --- Lines. --- */

static struct cursor
stream_cursor(const struct stream *s)
{
	return (struct cursor){ .at = s->octets + s->start,
		.left = stream_length(s) };
}

static void
stream_consume(struct stream *s, const struct cursor *c)
{
	s->start = s->end - c->left;
}

static bool
can_write(const struct dialogue *s)
{
	return has_room(&s->control.to_client) &&
	    has_room(&s->control.to_server);
}

static void
take_commands(struct dialogue *s)
{
	struct control *k = &s->control;
	struct stream *in = &s->ends[CLIENT].in;
	struct cursor c = stream_cursor(in);

	while (control_takes_commands(k) && can_write(s)) {
		const enum line_event event = line_read(&k->commands, &c);

		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_client, k->commands.answer,
			    LINE_ANSWER);
		else
			control_command(k, event);
	}
	stream_consume(in, &c);
	/* Behind it no transfer is ours any more: those run out first. */
	if (k->auth_waits && k->queue.count == 0 && can_write(s) &&
	    !channels_busy(&k->channels))
		control_auth(k);
}

/* SECURITY: it must be FTP that is translated (7.10): a server speaks first,
 * and a reply begins with a digit. */
static void
look_at_first_octet(struct dialogue *s, const uint8_t *octets, size_t length)
{
	if (s->any_reply || length == 0)
		return;
	s->any_reply = true;
	if (*octets < '0' || *octets > '9')
		s->control.raw = true;
}

static void
take_replies(struct dialogue *s)
{
	struct control *k = &s->control;
	struct stream *in = &s->ends[SERVER].in;

	look_at_first_octet(s, in->octets + in->start, stream_length(in));
	struct cursor c = stream_cursor(in);
	while (!k->raw && !k->over && can_write(s)) {
		const enum line_event event = line_read(&k->replies, &c);

		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_server, k->replies.answer,
			    LINE_ANSWER);
		else
			control_reply(k, event);
	}
	stream_consume(in, &c);
	if (s->ends[SERVER].eof && stream_length(in) == 0 && !k->raw)
		control_last_words(k);
}

/* What is no line any more goes on behind the lines. */
static void
take_raw(struct dialogue *s)
{
	struct stream *in = &s->ends[SERVER].in;
	struct stream *out = &s->control.to_client;

	if (stream_length(out) > 0)
		return;
	stream_put(out, in->octets + in->start, stream_length(in));
	in->start = in->end;
}

/* Until nothing moves any more. */
static void
take_lines(struct dialogue *s)
{
	size_t before;
	size_t after;

	do {
		before = stream_length(&s->ends[CLIENT].in) +
		    stream_length(&s->ends[SERVER].in);
		take_replies(s);
		take_commands(s);
		if (s->control.raw)
			take_raw(s);
		for (int i = 0; i < SIDES; i++)
			end_write(s, &s->ends[i]);
		after = stream_length(&s->ends[CLIENT].in) +
		    stream_length(&s->ends[SERVER].in);
	} while (after < before);
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
		until = deadline_first(until, (struct deadline){
		    last_moved(s) + settings->half_closed_timeout });
	return until;
}

static struct deadline
dialogue_deadline(const struct dialogue *s)
{
	struct deadline until = deadline_first(idle_deadline(s), s->refresh);

	if (!s->any_reply)
		until = deadline_first(until, s->greeting);
	if (s->last_words.at != DEADLINE_NEVER.at)
		until = deadline_first(until, deadline_in(LAST_WORDS_TICK));
	return until;
}

static void
do_what_is_due(struct dialogue *s)
{
	if (deadline_passed(s->refresh)) {
		tick(s);
		s->refresh = deadline_in(CONTROL_REFRESH);
	}
	if (!s->any_reply && deadline_passed(s->greeting))
		s->control.raw = true;
}

/* --- The end. --- */

/* Why it ended, and behind it what was to be said before. */
static enum result
dialogue_end(struct alg *a, enum result result, const char *reason)
{
	char before[ALG_REASON_TEXT];
	struct text copy = text_in(before, sizeof(before));
	struct text t;

	text_add(&copy, a->reason);
	t = text_in(a->reason, sizeof(a->reason));
	text_add(&t, reason);
	if (before[0] != '\0') {
		text_add(&t, "; ");
		text_add(&t, before);
	}
	return result;
}

/* Has the side that is still there all that was for it?  A reset throws away
 * what is not delivered. */
static bool
is_delivered(const struct dialogue *s, const struct end *e)
{
	int unsent = 0;

	if (e->lost || deadline_passed(s->last_words))
		return true;
	return stream_length(e->out) == 0 &&
	    (ioctl(e->fd, SIOCOUTQ, &unsent) != 0 || unsent == 0);
}

/* Is it over?  Then with *result. */
static bool
dialogue_over(struct dialogue *s, enum result *result)
{
	struct alg *a = s->control.alg;
	const struct end *client = &s->ends[CLIENT];
	const struct end *server = &s->ends[SERVER];
	const struct end *other = client->lost ? server : client;

	if (client->lost || server->lost) {
		if (!is_delivered(s, other))
			return false;
		*result = dialogue_end(a, RESULT_RESET, client->lost ?
		    "the client reset its connection" :
		    "the server reset its connection");
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
	*result = dialogue_end(s->control.alg, RESULT_TIMEOUT,
	    is_half_closed(s) ?
	    "half-closed and silent for too long" :
	    "silent for too long");
	return true;
}

/* --- The loop. --- */

static struct pollfd
end_poll(const struct dialogue *s, const struct end *e)
{
	const bool reads = !e->eof && !s->control.over && !s->control.raw &&
	    has_room(&e->in);
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
	const bool ended = (fd->revents &
	    (POLLRDHUP | POLLHUP | POLLERR)) != 0;

	if ((ended || (fd->revents & POLLIN) != 0) && !e->eof &&
	    has_room(&e->in))
		end_read(s, e);
	else if (ended)
		e->hung = true;
	if ((fd->revents & POLLOUT) != 0)
		end_write(s, e);
}

/* One wait and what follows.  True: it is over, with *result. */
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
		*result = dialogue_end(k->alg, o.result, o.reason);
		return true;
	}
	if (wait == WAIT_READY)
		for (int i = 0; i < SIDES; i++)
			end_turn(s, &s->ends[i], &fds[i]);
	channels_turn(&k->channels, k->alg,
	    wait == WAIT_READY ? fds + SIDES : NULL);
	do_what_is_due(s);
	take_lines(s);
	end_finish(&s->ends[SERVER], &s->ends[CLIENT]);
	end_finish(&s->ends[CLIENT], &s->ends[SERVER]);
	return dialogue_timed_out(s, result) || dialogue_over(s, result);
}

static void
dialogue_start(struct dialogue *s, struct alg *a)
{
	struct control *k = &s->control;
	const int on = 1;

	control_start(k, a);
	s->ends[CLIENT] = (struct end){ .fd = a->client,
		.in.urgent = NOWHERE, .out = &k->to_client,
		.counter = &a->down };
	s->ends[SERVER] = (struct end){ .fd = a->server,
		.in.urgent = NOWHERE, .out = &k->to_server,
		.counter = &a->up };
	for (int i = 0; i < SIDES; i++)
		(void)setsockopt(s->ends[i].fd, SOL_SOCKET, SO_OOBINLINE,
		    &on, sizeof(on));
	s->greeting = deadline_in(GREETING_MILLISECONDS);
	s->refresh = deadline_in(CONTROL_REFRESH);
	s->last_words = DEADLINE_NEVER;
	s->moved_at = clock_now();
	stream_put(&s->ends[CLIENT].in, a->early, a->early_length);
}

/* --- Without lines. --- */

/* The early octets first; the table is told in any case that it lives. */
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
	return r.outcome.result == RESULT_OK ? RESULT_OK :
	    dialogue_end(a, r.outcome.result, r.outcome.reason);
}

/* Lines are no more, and what was made of them is written. */
static bool
is_transparent(const struct dialogue *s)
{
	return s->control.raw &&
	    stream_length(&s->control.to_client) == 0 &&
	    stream_length(&s->control.to_server) == 0 &&
	    stream_length(&s->ends[SERVER].in) == 0;
}

/* What the client sent and nobody read goes first, then. */
static void
hand_over(struct dialogue *s, struct alg *a)
{
	const struct stream *in = &s->ends[CLIENT].in;

	a->transparent = true;
	a->early = in->octets + in->start;
	a->early_length = stream_length(in);
}

enum result
alg_relay(struct alg *a)
{
	return relay(a, (struct relay_watch){ .up = NULL, .down = NULL });
}

static enum result
run_lines(struct dialogue *s, struct alg *a)
{
	enum result result = RESULT_ERROR;

	take_lines(s);
	while (!a->transparent && !dialogue_turn(s, &result))
		if (is_transparent(s))
			hand_over(s, a);
	channels_close(&s->control.channels, a);
	if (a->transparent)
		return result;
	/* A client that is told why with 421 shall be able to read it. */
	if (result != RESULT_OK && !s->control.over)
		for (int i = 0; i < SIDES; i++)
			socket_reset_at_close(s->ends[i].fd);
	return result;
}

/* --- Watching. --- */

static void
watch_up(void *context, const uint8_t *octets, size_t length)
{
	struct dialogue *s = context;
	struct cursor c = { .at = octets, .left = length };

	while (!s->control.raw) {
		const enum line_event event = line_read(
		    &s->control.commands, &c);

		if (event == LINE_MORE)
			return;
		if (event != LINE_REFUSED)
			control_command(&s->control, event);
	}
}

static void
watch_down(void *context, const uint8_t *octets, size_t length)
{
	struct dialogue *s = context;
	struct cursor c = { .at = octets, .left = length };

	look_at_first_octet(s, octets, length);
	while (!s->control.raw) {
		const enum line_event event = line_read(
		    &s->control.replies, &c);

		if (event == LINE_MORE)
			return;
		if (event != LINE_REFUSED)
			control_reply(&s->control, event);
	}
}

enum result
alg_run(struct alg *a)
{
	if (a->watch) {
		control_start(&dialogue.control, a);
		return relay(a, (struct relay_watch){ .up = watch_up,
			.down = watch_down });
	}
	dialogue_start(&dialogue, a);
	return run_lines(&dialogue, a);
}
