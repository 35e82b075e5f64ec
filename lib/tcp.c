/* SPDX-License-Identifier: ISC */
/*
 * connect(2) through the gateway.
 */
#include "lib/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/wait.h"
#include "lib/real.h"
#include "lib/register.h"
#include "lib/start.h"

enum { FAILURES_MAX = 64, FAILURE_LIFE = 10000 /* ms */ };

/* ------------------------------------------------- failures of a name */

/*
 * Names that the gateway could not connect to: it has tried both families,
 * so a program that tries its other address of the name has its answer.
 */
static struct {
	uint32_t number;
	uint16_t port;
	uint8_t family; /* enum family, which was tried */
	int error;
	int64_t at; /* milliseconds */
} failures[FAILURES_MAX];
static unsigned failures_next;

static void
failure_note(const struct entry *e)
{
	if (e->number == 0 || e->dial.reply == 0)
		return;
	const unsigned i = failures_next++ % FAILURES_MAX;
	failures[i].number = e->number;
	failures[i].port = e->peer.port;
	failures[i].family = (uint8_t)e->peer.family;
	failures[i].error = e->dial.error;
	failures[i].at = clock_now();
}

/* The errno of the other address; 0: it is not known to fail. */
static int
known_failure(const struct destination *d)
{
	const int64_t now = clock_now();

	for (unsigned i = 0; i < FAILURES_MAX; i++)
		if (failures[i].number == d->number && d->number != 0 &&
		    failures[i].port == d->address.port &&
		    failures[i].family != (uint8_t)d->address.family &&
		    now - failures[i].at < FAILURE_LIFE)
			return failures[i].error;
	return 0;
}

/* ------------------------------------------------------- the handshake */

/* Of which gateway the next connection begins. */
static uint8_t preferred;

static unsigned
gateways(void)
{
	return handover.gateway_count == 0 ? 1 :
					     (unsigned)handover.gateway_count;
}

/* The kernel's own state of a socket that was refused; the program's socket
 * is back. */
static void
disconnect(struct entry *e, int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int ignored;
	socklen_t length = sizeof(ignored);

	if (e->shadow != -1) {
		place_restore(e, fd);
		return;
	}
	(void)real.connect(fd, &nobody, sizeof(nobody));
	/* That it was reset is no news to the program. */
	(void)real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &ignored, &length);
}

/* Locked: the handshake of `e` is over, or gave up: the socket and its
 * registrations become what they are to the program. */
static void
conclude(struct entry *e, int fd)
{
	if (sockets_run())
		(void)atomic_fetch_sub(&sockets_running, 1);
	if (e->dial.step == DIAL_FAILED) {
		if (e->dial.fault == FAULT_UNREACHED)
			preferred = (uint8_t)((e->gateway + 1u) % gateways());
		failure_note(e);
		disconnect(e, fd);
	} else {
		e->bound = e->dial.bound;
		if (e->shadow != -1 && handover.gateway_count > 0) {
			(void)real.close(e->shadow);
			e->shadow = -1;
		}
		entry_mark(fd, false);
	}
	register_give_back(fd);
}

/* Locked: pushes; true where that ended it. */
static bool
push_entry(struct entry *e, int fd, short *events)
{
	*events = 0;
	if (e->foreign || !dial_runs(&e->dial))
		return false;
	*events = dial_push(&e->dial, fd, &handover);
	if (*events != 0 && clock_now() >= e->until) {
		dial_fail(&e->dial, ETIMEDOUT);
		*events = 0;
	}
	if (*events != 0)
		return false;
	conclude(e, fd);
	return true;
}

/* Is the address an IPv4 one that a socket of AF_INET6 is to connect to? */
static bool
is_mapped(const struct sockaddr_storage *to, socklen_t length)
{
	struct address a;

	return to->ss_family == AF_INET6 &&
	    endpoint_read((const struct sockaddr *)to, length, &a) &&
	    a.family == FAMILY_IPV4;
}

/* connect(2) is begun, or over; else false and errno. */
static bool
begin_connect(int fd, const struct sockaddr_storage *to, socklen_t length)
{
	return real.connect(fd, (const struct sockaddr *)to, length) == 0 ||
	    errno == EINPROGRESS;
}

/* connect(2) of the program's own socket.  True: it is begun, or cannot be;
 * false: another socket is to go. */
static bool
reach_by_own(struct entry *e, int fd)
{
	const int no = 0;
	struct sockaddr_storage to;
	const socklen_t length = place_gateway(e->gateway, e->family, &to);

	if (length == 0)
		return false;
	if (begin_connect(fd, &to, length))
		return true;
	if (errno == EAFNOSUPPORT ||
	    (errno == EINVAL && !is_mapped(&to, length))) {
		dial_fail(&e->dial, errno); /* the program's mistake */
		return true;
	}
	if (!is_mapped(&to, length)) {
		dial_unreached(&e->dial, errno);
		return true;
	}
	return real.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no,
		   sizeof(no)) == 0 &&
	    begin_connect(fd, &to, length);
}

/*
 * A socket of AF_INET6 reaches an IPv4 gateway unless it has IPV6_V6ONLY, or
 * is bound to an IPv6 address: then, and where it has AF_INET and the gateway
 * has not, another one goes.
 */
void
tcp_reach(struct entry *e, int fd)
{
	struct sockaddr_storage to;

	if (e->shadow == -1 && reach_by_own(e, fd))
		return;
	const socklen_t length = place_gateway_own(e->gateway, &to);
	if (!place_exchange(e, fd, e->gateway))
		dial_fail(&e->dial, errno);
	else if (!begin_connect(fd, &to, length))
		dial_unreached(&e->dial, errno);
}

/* Locked: the entry of a connection that begins; NULL: errno. */
static struct entry *
begin(int fd, const struct destination *d)
{
	const struct client_request request = { .command = REQUEST_CONNECT,
		.to = place_target(d) };
	struct entry *e = entry_new(fd, ROLE_TCP);

	if (e == NULL) {
		errno = EMFILE;
		return NULL;
	}
	e->family = d->family;
	e->peer = d->address;
	e->number = d->number;
	e->gateway = preferred;
	e->began = clock_microseconds();
	e->until = clock_now() + handover.connect_timeout;
	dial_begin(&e->dial, &request);
	(void)atomic_fetch_add(&sockets_running, 1);
	tcp_reach(e, fd);
	register_take(fd);
	if (!dial_runs(&e->dial))
		conclude(e, fd);
	return e;
}

/* ------------------------------------------------------------- waiting */

/* Of what a thread does itself, not of what comes from outside. */
static bool
is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
	    signal == SIGILL || signal == SIGTRAP || signal == SIGABRT ||
	    signal == SIGSYS;
}

bool
tcp_restarts(void)
{
	struct sigaction action;

	for (int signal = 1; signal < NSIG; signal++)
		if (!is_fault(signal) &&
		    sigaction(signal, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN &&
		    (action.sa_flags & SA_RESTART) == 0)
			return false;
	return true;
}

static struct timespec
timespec_until(int64_t until)
{
	const int64_t left = until - clock_now();
	const int64_t rest = left < 0 ? 0 : left;

	return (struct timespec){ .tv_sec = rest / 1000,
		.tv_nsec = rest % 1000 * 1000000 };
}

/* Says how it ended, where nobody did; `copy` is of the entry, unlocked. */
static void
say_once(struct entry *e, bool over, struct entry *copy)
{
	copy->role = ROLE_FREE;
	if (!over || e->said)
		return;
	e->said = true;
	*copy = *e;
}

short
tcp_push(int fd, int64_t *until)
{
	struct entry copy;
	sigset_t saved;
	short events = 0;

	copy.role = ROLE_FREE;
	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && e->role == ROLE_TCP) {
		const bool over = push_entry(e, fd, &events);

		say_once(e, over, &copy);
		if (events != 0 && e->until < *until)
			*until = e->until;
	}
	sockets_unlock(&saved);
	if (copy.role != ROLE_FREE)
		say_end(&copy);
	return events;
}

/* Takes the failure that is to be told, once: the socket is none of ours any
 * more.  0: there is none, and connect(2) tells that where `reported`. */
static int
take_end(int fd, bool reported)
{
	sigset_t saved;
	int error = 0;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && reported)
		e->reported = true;
	if (e != NULL && e->foreign)
		error = ECONNABORTED;
	else if (e != NULL && e->role == ROLE_TCP &&
	    e->dial.step == DIAL_FAILED)
		error = e->dial.error;
	if (error != 0 && !e->foreign)
		entry_drop(fd);
	sockets_unlock(&saved);
	return error;
}

int64_t
tcp_expire(void)
{
	int64_t first = INT64_MAX;
	const int64_t now = clock_now();
	sigset_t saved;
	const struct entry *e;

	sockets_lock(&saved);
	for (size_t i = 0; entry_number(i) != NULL; i++) {
		e = entry_number(i);
		if (e->role != ROLE_TCP || e->foreign || !dial_runs(&e->dial))
			continue;
		short events;
		const int fd = e->until > now ? -1 : entry_descriptor(e);

		if (fd == -1 && e->until < first)
			first = e->until;
		else if (fd != -1)
			(void)push_entry(entry_number(i), fd, &events);
	}
	sockets_unlock(&saved);
	return first;
}

/* Waits for the handshake of a socket until `until` (milliseconds of
 * CLOCK_MONOTONIC); 0, or -1 and errno: EINTR, ETIMEDOUT, the failure's. */
static int
wait_for_end(int fd, int64_t until, bool reported)
{
	for (;;) {
		int64_t next = until;
		struct pollfd one = { .fd = fd };

		one.events = tcp_push(fd, &next);
		if (one.events == 0)
			break;
		const struct timespec left = timespec_until(next);
		const int ready = real.ppoll(&one, 1, &left, NULL);
		if (ready == -1 && (errno != EINTR || !tcp_restarts()))
			return -1;
		if (ready == 0 && clock_now() >= until) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	const int error = take_end(fd, reported);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* SO_SNDTIMEO as a moment; INT64_MAX: there is none. */
static int64_t
send_deadline(int fd)
{
	struct timeval time = { .tv_sec = 0 };
	socklen_t length = sizeof(time);

	if (real.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &length) ==
		-1 ||
	    (time.tv_sec == 0 && time.tv_usec == 0))
		return INT64_MAX;
	return clock_now() + time.tv_sec * 1000 + time.tv_usec / 1000;
}

/* ------------------------------------------------------------- connect */

/* The kernel's answers to a blocking connect(2) that SO_SNDTIMEO ends, and
 * to one that a signal ends: it goes on by itself. */
static int
wait_connected(int fd)
{
	const int64_t until = send_deadline(fd);
	const int status = wait_for_end(fd, until, true);

	if (status == -1 && errno == ETIMEDOUT && clock_now() >= until)
		errno = EINPROGRESS;
	return status;
}

/* Begins, and where the gateway cannot even be asked tells it at once. */
static int
begin_unlocked(int fd, const struct destination *d)
{
	struct entry copy = { .role = ROLE_FREE };
	sigset_t saved;
	int error = 0;

	sockets_lock(&saved);
	struct entry *e = begin(fd, d);
	if (e == NULL)
		error = errno;
	else if (e->dial.step == DIAL_FAILED) {
		error = e->dial.error;
		copy = *e;
		entry_drop(fd);
	}
	sockets_unlock(&saved);
	if (copy.role != ROLE_FREE)
		say_end(&copy);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* A blocking connect(2) tries all addresses of the gateway.  flags: of the
 * descriptor. */
static int
connect_blocking(int fd, const struct destination *d, int flags)
{
	int status = -1;

	(void)real.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	for (unsigned i = 0; i < gateways() && status != 0; i++) {
		status = begin_unlocked(fd, d);
		if (status == 0)
			status = wait_connected(fd);
		if (status == -1 && errno != ENETDOWN)
			break;
	}
	const int error = errno;
	(void)real.fcntl(fd, F_SETFL, flags);
	errno = error;
	return status;
}

static bool
is_blocking(int fd)
{
	return (real.fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

int
tcp_connect(int fd, const struct destination *d)
{
	const int known = known_failure(d);

	if (known != 0) {
		errno = known;
		return -1;
	}
	const int flags = real.fcntl(fd, F_GETFL);
	if ((flags & O_NONBLOCK) == 0)
		return connect_blocking(fd, d, flags);
	if (begin_unlocked(fd, d) == 0)
		errno = EINPROGRESS;
	return -1;
}

bool
tcp_connect_again(int fd, int *result)
{
	int64_t until = INT64_MAX;
	sigset_t saved;
	enum dial_step step = DIAL_NONE;
	bool reported = false;

	*result = -1;
	if (tcp_push(fd, &until) != 0) {
		if (is_blocking(fd))
			*result = wait_connected(fd);
		else
			errno = EALREADY;
		return true;
	}
	const int error = take_end(fd, false);
	if (error != 0) {
		errno = error;
		return true;
	}
	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL && e->role == ROLE_TCP) {
		step = e->dial.step;
		reported = e->reported;
		e->reported = true;
	}
	sockets_unlock(&saved);
	*result = reported ? -1 : 0;
	if (reported)
		errno = EISCONN;
	return step == DIAL_DONE;
}

/* ---------------------------------------------------------------- data */

bool
tcp_data(int fd, int flags)
{
	int64_t until = INT64_MAX;

	if (tcp_push(fd, &until) != 0) {
		if ((flags & MSG_DONTWAIT) == 0 && is_blocking(fd))
			return wait_for_end(fd, INT64_MAX, false) == 0;
		errno = EAGAIN;
		return false;
	}
	const int error = take_end(fd, false);
	if (error != 0)
		errno = error;
	return error == 0;
}

int
tcp_error(int fd)
{
	int64_t until = INT64_MAX;

	return tcp_push(fd, &until) != 0 ? 0 : take_end(fd, false);
}

bool
tcp_give_up(int fd)
{
	int64_t until = INT64_MAX;
	sigset_t saved;

	if (tcp_push(fd, &until) == 0)
		return false;
	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	const bool runs = e != NULL && e->role == ROLE_TCP && !e->foreign &&
	    dial_runs(&e->dial);
	if (runs) {
		dial_fail(&e->dial, ECONNRESET);
		conclude(e, fd);
	}
	sockets_unlock(&saved);
	return runs;
}
