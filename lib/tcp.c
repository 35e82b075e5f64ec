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
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/wait.h"
#include "lib/ask.h"
#include "lib/fakes.h"
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

/* No deadline of an unfinished handshake is before it. */
static _Atomic int64_t first_deadline = INT64_MAX;

static void
note_deadline(int64_t deadline)
{
	int64_t known = atomic_load(&first_deadline);

	while (deadline < known &&
	    !atomic_compare_exchange_weak(&first_deadline, &known, deadline))
		continue;
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
	if (e->dial.error == EISCONN || e->dial.error == EALREADY)
		return; /* a connection that was there before */
	(void)real.connect(fd, &nobody, sizeof(nobody));
	/* That it was reset is no news to the program. */
	(void)real.getsockopt(fd, SOL_SOCKET, SO_ERROR, &ignored, &length);
}

/*
 * A blocking connect(2) needs O_NONBLOCK for the kernel's own connect(2); the
 * entry knows it, for the flag is seen by whoever has the descriptor.  It is
 * taken back with the handshake's end, also where the thread that connects
 * has gone: it was cancelled, or a handler jumped out of it.
 */
static bool
lend_flag(struct entry *e, int fd)
{
	int yes = 1;

	e->lent = ioctl(fd, FIONBIO, &yes) == 0;
	return e->lent;
}

void
tcp_take_flag(struct entry *e, int fd)
{
	int no = 0;

	if (e->lent)
		(void)ioctl(fd, FIONBIO, &no);
	e->lent = false;
}

bool
tcp_flags(int fd, int command, long argument, int *result)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	const bool lent = e != NULL && e->lent;
	if (lent && command == F_SETFL) {
		e->lent = (argument & O_NONBLOCK) == 0;
		*result = real.fcntl(fd, F_SETFL, argument | O_NONBLOCK);
	} else if (lent) {
		*result = real.fcntl(fd, F_GETFL) & ~O_NONBLOCK;
	}
	sockets_unlock(&saved);
	return lent;
}

/* Locked: the handshake of `e` is over, or gave up: the socket and its
 * registrations become what they are to the program. */
static void
conclude(struct entry *e, int fd)
{
	if (sockets_run())
		(void)atomic_fetch_sub(&sockets_running, 1);
	tcp_take_flag(e, fd);
	if (e->dial.step == DIAL_FAILED) {
		if (e->dial.fault == FAULT_UNREACHED)
			place_gateway_failed(e->gateway);
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
		dial_expire(&e->dial);
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

/* connect(2) is begun, errno EINPROGRESS, or over, errno 0; else false and
 * errno. */
static bool
begin_connect(int fd, const struct sockaddr_storage *to, socklen_t length)
{
	errno = 0;
	return real.connect(fd, (const struct sockaddr *)to, length) == 0 ||
	    errno == EINPROGRESS;
}

/* What connect(2) says to a program that is mistaken in its descriptor. */
static bool
is_mistake(int error, bool mapped)
{
	static const int mistakes[] = { EAFNOSUPPORT, EBADF, ENOTSOCK, EISCONN,
		EALREADY };

	for (size_t i = 0; i < ARRAY_COUNT(mistakes); i++)
		if (error == mistakes[i])
			return true;
	return error == EINVAL && !mapped;
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
	if (begin_connect(fd, &to, length)) {
		/* No other socket connects at once. */
		if (errno == 0 && socket_kind(fd) != KIND_TCP)
			dial_fail(&e->dial, EPROTOTYPE);
		return true;
	}
	if (is_mistake(errno, is_mapped(&to, length))) {
		dial_fail(&e->dial, errno);
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

/* Why no other socket may go in place of this one; 0: it may. */
static int
unfit(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int type = -1;

	if (real.getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
		return EISCONN;
	length = sizeof(type);
	return real.getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0 ?
	    errno :
	    type == SOCK_STREAM ? 0 :
				  EPROTOTYPE;
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
	const int wrong = e->shadow == -1 ? unfit(fd) : 0;
	if (wrong != 0)
		dial_fail(&e->dial, wrong);
	else if (!place_exchange(e, fd, e->gateway))
		dial_fail(&e->dial, errno);
	else if (!begin_connect(fd, &to, length))
		dial_unreached(&e->dial, errno);
}

/* One call of connect(2). */
struct call {
	const struct destination *to;
	const struct guard *held; /* before the thread's signals were held */
	bool waits; /* for the end; the socket is a blocking one */
};

/* The connection to a gateway that was a BIND's: connect(2) ends it. */
static void
leave_bind(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct entry *e = entry_again(fd);

	/* Whose the number is costs a call: most are no BIND's. */
	if (e == NULL || e->role != ROLE_BIND || entry_at(fd) != e)
		return;
	if (e->shadow != -1)
		place_restore(e, fd);
	else
		(void)real.connect(fd, &nobody, sizeof(nobody));
}

/* Locked: the entry of a connection that begins; NULL: errno.  events: where
 * the program waits for it, it is pushed at once, to what it waits for then;
 * NULL: it does not. */
static struct entry *
begin(int fd, const struct call *call, short *events)
{
	const struct destination *d = call->to;
	/* A socket of AF_INET6 is told its name by BND then, whatever family
	 * the gateway's own address has. */
	const unsigned gateway = place_first_gateway();
	const bool wants_name = d->family == AF_INET6 && ask_is_known(gateway);
	const struct client_request request = { .command = REQUEST_CONNECT,
		.flag = wants_name ? REQUEST_FLAG_DESTINATION : 0,
		.to = place_target(d) };
	const int known = known_failure(d);
	struct entry *e = NULL;

	if (known == 0) {
		leave_bind(fd);
		e = entry_new(fd, ROLE_TCP);
	}
	if (e == NULL) {
		errno = known == 0 ? EMFILE : known;
		return NULL;
	}
	e->family = d->family;
	e->peer = d->address;
	e->number = d->number;
	e->gateway = (uint8_t)gateway;
	e->began = clock_microseconds();
	e->until = e->began / 1000 + handover.connect_timeout;
	dial_begin(&e->dial, &request);
	(void)atomic_fetch_add(&sockets_running, 1);
	note_deadline(e->until);
	/* SECURITY: no call waits under the lock. */
	if (!call->waits || lend_flag(e, fd))
		tcp_reach(e, fd);
	else
		dial_fail(&e->dial, errno);
	register_take(fd);
	if (!dial_runs(&e->dial))
		conclude(e, fd);
	else if (events != NULL)
		(void)push_entry(e, fd, events);
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

/* Those of signals that are blocked do not count. */
static bool
all_restart(const sigset_t *blocked)
{
	struct sigaction action;

	for (int signal = 1; signal < NSIG; signal++)
		if (!is_fault(signal) && sigismember(blocked, signal) != 1 &&
		    sigaction(signal, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL &&
		    action.sa_handler != SIG_IGN &&
		    (action.sa_flags & SA_RESTART) == 0)
			return false;
	return true;
}

bool
tcp_restarts(void)
{
	sigset_t blocked;

	(void)sigemptyset(&blocked);
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	return all_restart(&blocked);
}

static struct timespec
timespec_until(int64_t until)
{
	const int64_t left = until - clock_now();
	const int64_t rest = left < 0 ? 0 : left;

	return (struct timespec){ .tv_sec = rest / 1000,
		.tv_nsec = rest % 1000 * 1000000 };
}

/* What one look at a handshake is for, and what it came to. */
struct look {
	bool sure;     /* nobody can have changed the descriptor since */
	bool takes;    /* its end is told: it is no more */
	bool connects; /* connect(2) tells it */
	int64_t until; /* the earlier one of itself and of the deadline */
	short events;  /* 0: it is over, or there is none */
	int error;     /* of a failure that is told */
	enum dial_step step; /* DIAL_NONE: the socket is none of ours */
	bool reported;       /* connect(2) told that it succeeded */
	bool unreached;      /* it failed, and before the gateway answered */
	bool lent;           /* the socket is a blocking one, in truth */
};

/* Locked: takes the failure that is to be told, once: the socket is none of
 * ours any more.  0: there is none. */
static int
take_end(struct entry *e, int fd)
{
	if (e->foreign)
		return ECONNABORTED;
	if (e->dial.step != DIAL_FAILED)
		return 0;
	const int error = e->dial.error;
	entry_forget(e, fd);
	return error;
}

/* Locked.  `copy` is of an entry whose end is to be said, where there is
 * one. */
static void
look_locked(int fd, struct look *l, struct entry *copy)
{
	struct entry *e = l->sure ? entry_again(fd) : entry_at(fd);

	l->events = 0;
	l->error = 0;
	l->step = DIAL_NONE;
	l->lent = false;
	if (e == NULL || e->role != ROLE_TCP)
		return;
	const bool over = push_entry(e, fd, &l->events);
	l->lent = e->lent;
	if ((over || !dial_runs(&e->dial)) && !e->said) {
		e->said = true;
		if (say_wants(e))
			*copy = *e;
	}
	if (l->events != 0 && e->until < l->until)
		l->until = e->until;
	if (l->events != 0 || !l->takes)
		return;
	l->step = e->dial.step;
	l->reported = e->reported;
	e->reported = e->reported || l->connects;
	l->unreached = e->dial.fault == FAULT_UNREACHED;
	l->error = take_end(e, fd);
}

/* Pushes the handshake, and takes its end where that is wanted.  held: as of
 * tcp_push(). */
static void
look_at(int fd, struct look *l, const struct guard *held)
{
	struct entry copy;
	struct guard own;

	copy.role = ROLE_FREE;
	if (held == NULL)
		sockets_hold(&own);
	else
		own = *held;
	sockets_enter(&own);
	look_locked(fd, l, &copy);
	sockets_leave(&own);
	if (held == NULL || copy.role != ROLE_FREE)
		sockets_let_go(&own);
	if (copy.role != ROLE_FREE)
		say_end(&copy); /* which may block */
	if (held != NULL && copy.role != ROLE_FREE)
		sockets_hold(&own);
}

short
tcp_push(int fd, int64_t *until, const struct guard *held)
{
	struct look l = { .until = *until };

	look_at(fd, &l, held);
	*until = l.until;
	return l.events;
}

int64_t
tcp_expire(void)
{
	int64_t first = INT64_MAX;
	const int64_t known = atomic_load(&first_deadline);
	const int64_t now = clock_now();
	struct guard saved;
	const struct entry *e;

	if (now < known)
		return known;
	sockets_lock(&saved);
	for (size_t i = 0; entry_number(i) != NULL; i++) {
		e = entry_number(i);
		if (e->role != ROLE_TCP || e->foreign || !dial_runs(&e->dial))
			continue;
		short events;
		const int fd = e->until > now ? -1 : entry_descriptor(e);

		if (fd != -1 && entry_at(fd) != e)
			continue; /* another socket has the number */
		if (fd == -1 && e->until < first)
			first = e->until;
		else if (fd != -1)
			(void)push_entry(entry_number(i), fd, &events);
	}
	atomic_store(&first_deadline, first);
	sockets_unlock(&saved);
	return first;
}

/* Waits until the handshake of a socket is over, or until `end` (milliseconds
 * of CLOCK_MONOTONIC); 0, or -1 and errno: EINTR, ETIMEDOUT, the failure's.
 * l->events, where that is known, is waited for first, until l->until.
 * Signals that are held come while it waits. */
static int
wait_for_end(int fd, struct look *l, int64_t end, const struct guard *held)
{
	l->takes = true;
	for (bool looks = l->events == 0;; looks = true) {
		if (looks) {
			l->until = end;
			look_at(fd, l, held);
		}
		if (l->events == 0)
			break;
		struct pollfd one = { .fd = fd, .events = l->events };
		const struct timespec left = timespec_until(l->until);
		const bool alone = real_is_alone();
		const int ready = real.ppoll(&one, 1, &left, &held->signals);
		if (ready == -1 &&
		    (errno != EINTR || !all_restart(&held->signals)))
			return -1;
		if (ready == 0 && clock_now() >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		/* No other thread, and no handler of a signal. */
		l->sure = alone && ready != -1;
	}
	if (l->error == 0)
		return 0;
	errno = l->error;
	return -1;
}

/* SO_SNDTIMEO as a moment; INT64_MAX: there is none. */
static int64_t
send_deadline(int fd)
{
	struct timeval time = { .tv_sec = 0 };
	socklen_t length = sizeof(time);

	if (fakes_know_no_send_timeout() ||
	    real.getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, &length) ==
		-1 ||
	    (time.tv_sec == 0 && time.tv_usec == 0))
		return INT64_MAX;
	return clock_now() + time.tv_sec * 1000 + time.tv_usec / 1000;
}

/* ------------------------------------------------------------- connect */

/* The kernel's answers to a blocking connect(2) that SO_SNDTIMEO ends at
 * `end`, and to one that a signal ends: it goes on by itself. */
static int
wait_connected(int fd, struct look *l, int64_t end, const struct guard *held)
{
	l->connects = true;
	const int status = wait_for_end(fd, l, end, held);

	if (status == -1 && errno == ETIMEDOUT && clock_now() >= end)
		errno = EINPROGRESS;
	if (status == 0 && l->step == DIAL_NONE) {
		errno = EBADF; /* another thread closed it */
		return -1;
	}
	return status;
}

/* Begins, and where the gateway cannot even be asked tells it at once.  l:
 * what it waits for, and until when; NULL: the program does not wait. */
static int
begin_held(int fd, const struct call *call, struct look *l)
{
	struct entry copy = { .role = ROLE_FREE };
	struct guard own = *call->held;
	int error = 0;

	sockets_enter(&own);
	struct entry *e = begin(fd, call, l == NULL ? NULL : &l->events);
	if (e != NULL && l != NULL && e->until < l->until)
		l->until = e->until;
	if (e == NULL)
		error = errno;
	else if (e->dial.step == DIAL_FAILED) {
		error = e->dial.error;
		if (say_wants(e))
			copy = *e;
		entry_forget(e, fd);
	}
	sockets_leave(&own);
	if (copy.role != ROLE_FREE) {
		sockets_let_go(call->held);
		say_end(&copy);
		sockets_hold(&own);
	}
	errno = error;
	return error == 0 ? 0 : -1;
}

/* connect(2) returns, and the handshake goes on. */
static void
leave_alone(int fd, const struct guard *held)
{
	const int error = errno;
	struct guard own = *held;

	sockets_enter(&own);
	struct entry *e = entry_at(fd);
	if (e != NULL)
		tcp_take_flag(e, fd);
	sockets_leave(&own);
	errno = error;
}

/* A blocking connect(2) tries all addresses of the gateway. */
static int
connect_blocking(int fd, const struct call *call)
{
	const int64_t end = send_deadline(fd);
	int status = -1;

	for (unsigned i = 0; i < place_gateways() && status != 0; i++) {
		struct look l = { .until = end };

		status = begin_held(fd, call, &l);
		if (status == 0)
			status = wait_connected(fd, &l, end, call->held);
		if (status == -1 && errno != ENETDOWN && !l.unreached)
			break;
	}
	if (status == -1 && (errno == EINTR || errno == EINPROGRESS))
		leave_alone(fd, call->held);
	return status;
}

static bool
is_blocking(int fd)
{
	return (real.fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

/* The same call again: the handshake that there is, or was, answers. */
static bool
connect_again(int fd, int *result, const struct guard *held)
{
	struct look l = { .takes = true,
		.connects = true,
		.until = INT64_MAX };

	*result = -1;
	look_at(fd, &l, held);
	if (l.events != 0) {
		if (l.lent || is_blocking(fd))
			*result = wait_connected(fd, &l, send_deadline(fd),
			    held);
		else
			errno = EALREADY;
		return true;
	}
	if (l.error != 0) {
		errno = l.error;
		return true;
	}
	*result = l.reported ? -1 : 0;
	if (l.reported)
		errno = EISCONN;
	return l.step == DIAL_DONE;
}

static int
connect_anew(int fd, const struct call *call)
{
	if (call->waits)
		return connect_blocking(fd, call);
	if (begin_held(fd, call, NULL) == 0)
		errno = EINPROGRESS;
	return -1;
}

/* A handshake that there is, or was, answers.  A socket that a server was to
 * call is not, after all: it has a new entry. */
static int
connect_held(int fd, const struct destination *d, const struct guard *held)
{
	int status;

	if (socket_mark(fd) != 0 && connect_again(fd, &status, held))
		return status;
	const struct call call = { .to = d,
		.held = held,
		.waits = is_blocking(fd) };
	return connect_anew(fd, &call);
}

int
tcp_connect(int fd, const struct destination *d)
{
	struct guard held;

	sockets_hold(&held);
	const int status = connect_held(fd, d, &held);
	const int error = errno;
	sockets_let_go(&held);
	errno = error;
	return status;
}

/* ---------------------------------------------------------------- data */

static bool
data_held(int fd, int flags, const struct guard *held)
{
	struct look l = { .takes = true, .until = INT64_MAX };

	look_at(fd, &l, held);
	if (l.events != 0) {
		if ((flags & MSG_DONTWAIT) == 0 && (l.lent || is_blocking(fd)))
			return wait_for_end(fd, &l, INT64_MAX, held) == 0;
		errno = EAGAIN;
		return false;
	}
	if (l.error != 0)
		errno = l.error;
	return l.error == 0;
}

bool
tcp_data(int fd, int flags)
{
	struct guard held;

	sockets_hold(&held);
	const bool good = data_held(fd, flags, &held);
	const int error = errno;
	sockets_let_go(&held);
	errno = error;
	return good;
}

int
tcp_error(int fd)
{
	struct look l = { .takes = true, .until = INT64_MAX };

	look_at(fd, &l, NULL);
	return l.error;
}

bool
tcp_give_up(int fd)
{
	int64_t until = INT64_MAX;
	struct guard saved;

	if (tcp_push(fd, &until, NULL) == 0)
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
