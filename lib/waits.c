/* SPDX-License-Identifier: ISC */
/*
 * One loop for each of the three: push, wait for what the handshakes need
 * together with what the program waits for, take ours out of the answer.
 */
#include "lib/waits.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/wait.h"
#include "lib/real.h"
#include "lib/register.h"
#include "lib/sockets.h"
#include "lib/tcp.h"

enum { ON_STACK = 64, WORD_BITS = 8 * sizeof(unsigned long) };

#define MILLISECOND INT64_C(1000000)
#define SECOND INT64_C(1000000000)

/* ----------------------------------------------------------------- time */

static int64_t
now_nanoseconds(void)
{
	struct timespec now = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

/* The moment at which the program's wait ends; INT64_MAX: never. */
static int64_t
end_of(int64_t nanoseconds)
{
	const int64_t now = now_nanoseconds();

	return nanoseconds < 0 || nanoseconds > INT64_MAX - now ?
	    INT64_MAX :
	    now + nanoseconds;
}

static int64_t
left_until(int64_t end)
{
	const int64_t left = end - now_nanoseconds();

	return end == INT64_MAX ? FOREVER : left < 0 ? 0 : left;
}

/* The earlier of the program's end and a deadline in milliseconds. */
static int64_t
first_of(int64_t end, int64_t deadline)
{
	return deadline == INT64_MAX || deadline > end / MILLISECOND ?
	    end :
	    deadline * MILLISECOND;
}

/* NULL: without an end. */
static const struct timespec *
timespec_of(int64_t nanoseconds, struct timespec *room)
{
	if (nanoseconds < 0)
		return NULL;
	room->tv_sec = nanoseconds / SECOND;
	room->tv_nsec = nanoseconds % SECOND;
	return room;
}

/* ----------------------------------------------------------------- poll */

/* `asked` has room for twice the descriptors. */
struct poll_work {
	struct pollfd *fds;
	nfds_t n;
	struct pollfd *asked;
	const sigset_t *mask; /* while it waits */
};

/* The same array with what the handshakes need; `ours` says whose it is.
 * Returns how many are ours. */
static unsigned
poll_prepare(const struct poll_work *w, int64_t *until,
    const struct guard *held)
{
	struct pollfd *asked = w->asked;
	const struct pollfd *fds = w->fds;
	const nfds_t n = w->n;
	unsigned ours = 0;

	for (nfds_t i = 0; i < n; i++) {
		asked[i] = fds[i];
		asked[n + i].fd = 0; /* the second half says whose it is */
		if ((socket_mark(fds[i].fd) & MARK_DATA) == 0)
			continue;
		const short events = tcp_push(fds[i].fd, until, held);
		if (events == 0)
			continue;
		asked[i].events = events;
		asked[n + i].fd = 1;
		ours++;
	}
	return ours;
}

/* What the program is told; returns how many have events. */
static int
poll_take(struct pollfd *fds, nfds_t n, const struct pollfd *asked)
{
	int ready = 0;

	for (nfds_t i = 0; i < n; i++) {
		fds[i].revents = asked[i].revents;
		if (asked[n + i].fd == 1)
			fds[i].revents = 0;
		ready += fds[i].revents != 0;
	}
	return ready;
}

static int
poll_loop(const struct poll_work *work, int64_t end, const struct guard *held)
{
	struct pollfd *fds = work->fds;
	struct pollfd *asked = work->asked;
	const nfds_t n = work->n;
	struct timespec time;

	for (;;) {
		int64_t until = INT64_MAX;

		if (poll_prepare(work, &until, held) == 0)
			return real.ppoll(fds, n,
			    timespec_of(left_until(end), &time), work->mask);
		if (real.ppoll(asked, n,
			timespec_of(left_until(first_of(end, until)), &time),
			work->mask) == -1)
			return -1;
		const int ready = poll_take(fds, n, asked);
		if (ready > 0 || left_until(end) == 0)
			return ready;
	}
}

int
waits_poll(struct pollfd *fds, nfds_t n, int64_t nanoseconds,
    const sigset_t *mask)
{
	struct pollfd few[2 * ON_STACK];
	struct pollfd *asked = few;
	const size_t size = 2 * n * sizeof(*asked);

	if (n > SOCKETS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (n > ON_STACK)
		asked = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (asked == MAP_FAILED) {
		errno = ENOMEM;
		return -1;
	}
	struct guard held;
	sockets_hold(&held);
	const struct poll_work work = { fds, n, asked,
		mask != NULL ? mask : &held.signals };
	const int ready = poll_loop(&work, end_of(nanoseconds), &held);
	const int error = errno;
	sockets_let_go(&held);
	if (asked != few)
		(void)munmap(asked, size);
	errno = error;
	return ready;
}

/* --------------------------------------------------------------- select */

enum { SET_IN, SET_OUT, SET_EXCEPT, SETS };

/* fd_set as an array of any length: programs have longer ones than libc's. */
typedef unsigned long set_words[SOCKETS_MAX / (8 * sizeof(unsigned long))];

struct select_work {
	set_words set[SETS];
	set_words ours;
	const sigset_t *mask; /* while it waits */
};

static bool
has(const void *set, int fd)
{
	const unsigned long *words = set;

	return words != NULL &&
	    (words[fd / WORD_BITS] >> fd % WORD_BITS & 1) != 0;
}

static void
put(unsigned long *words, int fd, bool on)
{
	const unsigned long bit = 1ul << fd % WORD_BITS;

	if (on)
		words[fd / WORD_BITS] |= bit;
	else
		words[fd / WORD_BITS] &= ~bit;
}

static size_t
set_size(int count)
{
	return ((size_t)count + WORD_BITS - 1) / WORD_BITS *
	    sizeof(unsigned long);
}

static void *
set_of(const struct select_sets *sets, unsigned i)
{
	return i == SET_IN ? sets->in :
	    i == SET_OUT   ? sets->out :
			     sets->except;
}

/* Copies of the sets, with what the handshakes need.  Returns how many are
 * ours. */
static unsigned
select_prepare(const struct select_sets *sets, struct select_work *work,
    int64_t *until, const struct guard *held)
{
	unsigned ours = 0;

	memset(work->ours, 0, set_size(sets->count));
	for (unsigned i = 0; i < SETS; i++) {
		const void *from = set_of(sets, i);

		if (from == NULL)
			memset(work->set[i], 0, set_size(sets->count));
		else
			memcpy(work->set[i], from, set_size(sets->count));
	}
	for (int fd = 0; fd < sets->count; fd++) {
		if ((socket_mark(fd) & MARK_DATA) == 0 ||
		    !(has(sets->in, fd) || has(sets->out, fd) ||
			has(sets->except, fd)))
			continue;
		const short events = tcp_push(fd, until, held);
		if (events == 0)
			continue;
		put(work->set[SET_IN], fd, events == POLLIN);
		put(work->set[SET_OUT], fd, events == POLLOUT);
		put(work->set[SET_EXCEPT], fd, false);
		put(work->ours, fd, true);
		ours++;
	}
	return ours;
}

static int
select_take(const struct select_sets *sets, struct select_work *work)
{
	int ready = 0;

	for (unsigned i = 0; i < SETS; i++) {
		void *to = set_of(sets, i);

		for (size_t w = 0;
		     w < set_size(sets->count) / sizeof(unsigned long); w++) {
			work->set[i][w] &= ~work->ours[w];
			ready += __builtin_popcountl(work->set[i][w]);
		}
		if (to != NULL)
			memcpy(to, work->set[i], set_size(sets->count));
	}
	return ready;
}

static int
select_loop(const struct select_sets *sets, int64_t end,
    struct select_work *work, const struct guard *held)
{
	struct timespec time;

	for (;;) {
		int64_t until = INT64_MAX;

		if (select_prepare(sets, work, &until, held) == 0)
			return real.pselect(sets->count, sets->in, sets->out,
			    sets->except, timespec_of(left_until(end), &time),
			    work->mask);
		if (real.pselect(sets->count, (fd_set *)work->set[SET_IN],
			(fd_set *)work->set[SET_OUT],
			(fd_set *)work->set[SET_EXCEPT],
			timespec_of(left_until(first_of(end, until)), &time),
			work->mask) == -1)
			return -1;
		/* The program's sets are kept as long as nothing is told. */
		bool any = left_until(end) == 0;
		for (size_t w = 0;
		     !any && w < set_size(sets->count) / sizeof(unsigned long);
		     w++)
			any = ((work->set[SET_IN][w] | work->set[SET_OUT][w] |
				   work->set[SET_EXCEPT][w]) &
				  ~work->ours[w]) != 0;
		if (any)
			return select_take(sets, work);
	}
}

int
waits_select(const struct select_sets *sets, int64_t *left,
    const sigset_t *mask)
{
	const int64_t end = end_of(*left);

	if (sets->count < 0 || sets->count > SOCKETS_MAX) {
		errno = EINVAL;
		return -1;
	}
	struct select_work *work = mmap(NULL, sizeof(*work),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (work == MAP_FAILED) {
		errno = ENOMEM;
		return -1;
	}
	struct guard held;
	sockets_hold(&held);
	work->mask = mask != NULL ? mask : &held.signals;
	const int ready = select_loop(sets, end, work, &held);
	const int error = errno;
	sockets_let_go(&held);
	(void)munmap(work, sizeof(*work));
	*left = left_until(end);
	errno = error;
	return ready;
}

/* ---------------------------------------------------------------- epoll */

/* Pushes the handshakes whose events came, and takes these out.  Returns how
 * many events are left. */
static int
epoll_take(struct epoll_event *events, int n, const struct guard *held)
{
	int left = 0;

	for (int i = 0; i < n; i++) {
		int64_t until = INT64_MAX;
		int fd;

		if (register_is_ours(&events[i], &fd))
			(void)tcp_push(fd, &until, held);
		else
			events[left++] = events[i];
	}
	return left;
}

/* With a granularity of milliseconds where that is all there is. */
static int
epoll_real(const struct epoll_room *room, int64_t nanoseconds,
    const sigset_t *mask)
{
	struct timespec time;

	if (nanoseconds > 0 && nanoseconds % MILLISECOND != 0 &&
	    real.epoll_pwait2 != NULL)
		return real.epoll_pwait2(room->set, room->events, room->size,
		    timespec_of(nanoseconds, &time), mask);
	const int64_t rounded = nanoseconds < 0 ?
	    -1 :
	    (nanoseconds + MILLISECOND - 1) / MILLISECOND;
	return real.epoll_pwait(room->set, room->events, room->size,
	    rounded > INT32_MAX ? INT32_MAX : (int)rounded, mask);
}

/* Signals are held once a handshake is seen to run: it is pushed more than
 * once, as a rule.  *holds says so. */
static int
epoll_loop(const struct epoll_room *room, int64_t nanoseconds,
    struct guard *held, bool *holds)
{
	const int64_t end = end_of(nanoseconds);

	for (;;) {
		const bool runs = sockets_run();
		const int64_t next = runs ? first_of(end, tcp_expire()) : end;

		if (runs && !*holds)
			sockets_hold(held);
		*holds = *holds || runs;
		const int n = epoll_real(room,
		    next == end && nanoseconds <= 0 ? nanoseconds :
						      left_until(next),
		    room->mask != NULL ? room->mask :
			*holds         ? &held->signals :
					 NULL);
		if (n <= 0 && (n == -1 || next == end))
			return n;
		const int left = epoll_take(room->events, n,
		    *holds ? held : NULL);
		if (left > 0 || left_until(end) == 0)
			return left;
	}
}

int
waits_epoll(const struct epoll_room *room, int64_t nanoseconds)
{
	struct guard held;
	bool holds = false;
	const int n = epoll_loop(room, nanoseconds, &held, &holds);
	const int error = errno;

	if (holds)
		sockets_let_go(&held);
	errno = error;
	return n;
}

/* What the kernel knows now is known here, too, or nowhere. */
static int
keep(int set, int fd, const struct epoll_event *event, bool ours)
{
	if (register_add(set, fd, event, ours))
		return 0;
	(void)real.epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
	errno = ENOMEM;
	return -1;
}

/* epoll_ctl(2) of a descriptor whose handshake lasts: the kernel has ours. */
static int
control_ours(int set, int operation, int fd, struct epoll_event *event)
{
	struct epoll_event ours = register_ours(fd);
	const bool known = register_find(set, fd) != NULL;

	if (operation == EPOLL_CTL_MOD && known) {
		register_change(set, fd, event);
		return 0;
	}
	if (real.epoll_ctl(set, operation, fd, &ours) == -1)
		return -1;
	return keep(set, fd, event, true);
}

static int
control_theirs(int set, int operation, int fd, struct epoll_event *event)
{
	const int status = real.epoll_ctl(set, operation, fd, event);

	if (status == 0 && operation == EPOLL_CTL_ADD)
		return keep(set, fd, event, false);
	if (status == 0 && operation == EPOLL_CTL_MOD)
		register_change(set, fd, event);
	if (status == 0 && operation == EPOLL_CTL_DEL)
		register_remove(set, fd);
	return status;
}

int
waits_control(int set, int operation, int fd, struct epoll_event *event)
{
	struct guard saved;

	sockets_lock(&saved);
	const struct entry *e = (socket_mark(fd) & MARK_DATA) != 0 ?
	    entry_at(fd) :
	    NULL;
	const bool runs = e != NULL && e->role == ROLE_TCP && !e->foreign &&
	    dial_runs(&e->dial);
	const int status = runs && operation != EPOLL_CTL_DEL &&
		event != NULL ?
	    control_ours(set, operation, fd, event) :
	    control_theirs(set, operation, fd, event);
	const int error = errno;
	sockets_unlock(&saved);
	errno = error;
	return status;
}
