/* SPDX-License-Identifier: ISC */
/*
 * One direction of a relay.  Few octets are copied through a small buffer; a
 * stream that fills it again and again goes through a pipe, which costs two
 * descriptors and the user's share of pipe pages, so only as long as it lasts.
 *
 * Urgent octets (RFC 9293 3.8.5) are left in line, SO_OOBINLINE: their place
 * in the stream is then what the sender made it.  Without it Linux throws an
 * urgent octet away when the next one comes, when recv(2) happens to begin at
 * it, and when a reset came behind it; with it the worst that can happen is
 * that an octet arrives without its urgency (a sender may have one mark at a
 * time: RFC 6093 3.2).  Reading never crosses the mark unseen:
 *
 *  - recv(2) stops before a mark, but begins at one as if there were none.
 *    When poll(2) found octets and no POLLPRI, the next octet is not urgent
 *    and cannot become so, as the kernel ignores marks behind what it has
 *    received; so one recv(2) for each poll(2), never two.
 *  - From POLLPRI on SIOCATMARK is asked before each recv(2).  POLLPRI is
 *    not polled for meanwhile: it is raised by a segment that came out of
 *    order, too, long before there is something to read.
 *  - splice(2) refuses to cross it, for ever: EAGAIN, or 0 if a FIN is
 *    behind it.  Whenever it refuses what poll(2) promised, we copy.
 */
#include "net/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"

enum {
	BULK_AFTER = 4,  /* full buffers in a row */
	REST_AFTER = 64, /* splices in a row that were not worth a pipe */
	PIPE_WANTED = 1 << 20, /* half of it costs a third more */
	PIPE_LEAST = 64 << 10, /* the kernel makes 8 KiB for users who have
				  too many: copying is cheaper */
};

static const short gone = POLLERR | POLLHUP | POLLNVAL;

static void
pipe_close(struct flow *f)
{
	if (f->pipe[0] >= 0) {
		close(f->pipe[0]);
		close(f->pipe[1]);
	}
	f->pipe[0] = -1;
	f->pipe[1] = -1;
	f->piped = 0;
	f->full = 0;
	f->small = 0;
}

/* Without a pipe, or with a bad one, it just goes on copying. */
static void
pipe_open(struct flow *f)
{
	f->full = 0;
	if (pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		f->pipe[0] = -1;
		f->pipe[1] = -1;
		return;
	}
	if (fcntl(f->pipe[1], F_SETPIPE_SZ, PIPE_WANTED) < 0 &&
	    fcntl(f->pipe[1], F_GETPIPE_SZ) < PIPE_LEAST)
		pipe_close(f);
}

void
flow_start(struct flow *f, struct side *source, struct side *sink,
    uint8_t *buffer)
{
	*f = (struct flow){
		.state = FLOW_OPEN,
		.source = source,
		.sink = sink,
		.pipe = { -1, -1 },
		.buffer = buffer,
	};
}

static bool
flow_holds(const struct flow *f)
{
	return f->held_length > 0 || f->piped > 0;
}

short
flow_source_events(const struct flow *f)
{
	switch (f->state) {
	case FLOW_OPEN:
		if (flow_holds(f))
			return 0;
		return f->mark_ahead ? POLLIN : POLLIN | POLLPRI;
	case FLOW_DROP: return POLLIN;
	case FLOW_LAST:
	case FLOW_ENDED: return 0;
	}
	return 0;
}

short
flow_sink_events(const struct flow *f)
{
	return flow_holds(f) ? POLLOUT : 0;
}

void
flow_end(struct flow *f)
{
	pipe_close(f);
	f->held_length = 0;
	f->urgent = false;
	f->state = FLOW_ENDED;
}

void
flow_drop(struct flow *f)
{
	const bool more = f->state == FLOW_OPEN || f->state == FLOW_DROP;

	flow_end(f);
	if (more)
		f->state = FLOW_DROP;
}

bool
flow_resting(const struct flow *f)
{
	return f->pipe[0] >= 0 && f->piped == 0;
}

void
flow_rest(struct flow *f)
{
	if (flow_resting(f))
		pipe_close(f);
}

/* EOF (error 0) or an error of the source. */
static void
source_ended(struct flow *f, int error)
{
	if (error != 0 && f->source->error == 0)
		f->source->error = error;
	if (f->state == FLOW_DROP)
		flow_end(f);
	else
		f->state = FLOW_LAST;
}

/* One recv(2) into the buffer; how many octets are there now? */
static size_t
receive(struct flow *f)
{
	const ssize_t n = recv(f->source->fd, f->buffer, FLOW_BUFFER, 0);

	if (n > 0)
		return (size_t)n;
	if (n == 0)
		source_ended(f, 0);
	else if (!socket_is_busy(errno))
		source_ended(f, errno);
	return 0;
}

static void
hold(struct flow *f, size_t length)
{
	f->held = f->buffer;
	f->held_length = length;
	if (f->tap != NULL && length > 0)
		f->tap(f->tap_context, f->held, length);
}

static void
read_by_copy(struct flow *f)
{
	const size_t n = receive(f);

	hold(f, n);
	f->full = n == FLOW_BUFFER ? f->full + 1 : 0;
	if (f->full == BULK_AFTER && f->tap == NULL)
		pipe_open(f);
}

/* Up to the mark; or from it, the urgent octet first. */
static void
read_towards_mark(struct flow *f)
{
	int at_mark = 0;

	if (ioctl(f->source->fd, SIOCATMARK, &at_mark) != 0)
		at_mark = 0;
	hold(f, receive(f));
	if (at_mark != 0 && f->held_length > 0) {
		f->urgent = true;
		f->mark_ahead = false;
	}
}

/* splice(2) says 0 for EOF, and for octets that it would not take. */
static bool
at_end(const struct side *source)
{
	uint8_t octet;

	return recv(source->fd, &octet, 1, MSG_PEEK) == 0;
}

static void
read_by_splice(struct flow *f)
{
	const ssize_t n = splice(f->source->fd, NULL, f->pipe[1], NULL,
	    PIPE_WANTED, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0) {
		f->piped = (size_t)n;
		f->small = n < FLOW_BUFFER ? f->small + 1 : 0;
	} else if (n < 0 && !socket_is_busy(errno)) {
		source_ended(f, errno);
	} else if (n == 0 && at_end(f->source)) {
		source_ended(f, 0);
	} else {
		pipe_close(f);
	}
}

static void
flow_read(struct flow *f, short events)
{
	if ((events & POLLPRI) != 0)
		f->mark_ahead = true;
	if ((events & (POLLIN | gone)) == 0)
		return;
	if (f->small == REST_AFTER)
		pipe_close(f);
	if (f->mark_ahead)
		read_towards_mark(f);
	else if (f->pipe[0] >= 0)
		read_by_splice(f);
	else
		read_by_copy(f);
}

/* A unix-domain socket may know no urgent octets: better late than never. */
static ssize_t
send_urgent(const struct flow *f)
{
	const ssize_t n = send(f->sink->fd, f->held, 1,
	    MSG_NOSIGNAL | MSG_OOB);

	if (n < 0 && errno == EOPNOTSUPP)
		return send(f->sink->fd, f->held, 1, MSG_NOSIGNAL);
	return n;
}

static ssize_t
flow_write_some(const struct flow *f)
{
	if (f->piped > 0)
		return splice(f->pipe[0], NULL, f->sink->fd, NULL, f->piped,
		    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (f->urgent)
		return send_urgent(f);
	return send(f->sink->fd, f->held, f->held_length, MSG_NOSIGNAL);
}

static void
flow_write(struct flow *f)
{
	const ssize_t n = flow_write_some(f);

	if (n < 0) {
		if (socket_is_busy(errno))
			return;
		if (f->sink->error == 0)
			f->sink->error = errno;
		flow_drop(f);
		return;
	}
	f->written += (size_t)n;
	f->pending = true;
	if (f->piped > 0) {
		f->piped -= (size_t)n;
		return;
	}
	f->held += n;
	f->held_length -= (size_t)n;
	f->urgent = false;
}

/* SECURITY: only a FIN becomes a FIN.  What a reset cut short must not look
 * whole to the other side; nor what is cut short by the end of this process,
 * however that comes (exchange_start()). */
static void
flow_finish(struct flow *f)
{
	if (f->source->error == 0) {
		socket_deliver_at_close(f->sink->fd);
		shutdown(f->sink->fd, SHUT_WR);
		f->pending = true;
		f->whole = true;
	}
	flow_end(f);
}

bool
flow_look(struct flow *f)
{
	const uint64_t before = f->taken;
	uint64_t queued;

	if (!f->pending)
		return false;
	/* What others wrote to the sink before may be there, too. */
	queued = socket_untaken(f->sink->fd);
	f->pending = queued > 0;
	f->taken = queued < f->written ? f->written - queued : 0;
	return f->taken > before;
}

bool
flow_unsent(const struct flow *f)
{
	return f->sink->error == 0 && socket_unsent(f->sink->fd) > 0;
}

bool
flow_step(struct flow *f, short source_events, short sink_events)
{
	const uint64_t written = f->written;
	bool moved = false;

	if (f->state == FLOW_DROP && (source_events & (POLLIN | gone)) != 0)
		moved = receive(f) > 0;
	if (flow_holds(f)) {
		if ((sink_events & (POLLOUT | gone)) != 0)
			flow_write(f);
	} else if (f->state == FLOW_OPEN) {
		flow_read(f, source_events);
		moved = flow_holds(f);
		if (moved)
			flow_write(f);
	}
	if (f->state == FLOW_LAST && !flow_holds(f))
		flow_finish(f);
	return moved || f->written > written;
}
