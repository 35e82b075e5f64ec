/* SPDX-License-Identifier: ISC */
/*
 * Time and waiting.  SIGTERM is blocked except inside ppoll(2), so that it
 * can neither be missed nor interrupt anything else.
 */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

enum { SIGNAL_EVERY = 64 };

/* How often ppoll(2) may fail in a row, and the pause behind each: the kernel
 * may have no memory for a moment. */
enum { FAILURES = 100, PAUSE_NANOSECONDS = 10 * 1000 * 1000 };

static volatile sig_atomic_t stopped;
static int failure;
static sigset_t waiting_mask;

static void
stop(int number)
{
	(void)number;
	stopped = 1;
}

void
wait_prepare(void)
{
	const struct sigaction act = { .sa_handler = stop };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &waiting_mask);
	sigdelset(&waiting_mask, SIGTERM);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

int
wait_leave_signals(const sigset_t *signals)
{
	if (sigprocmask(SIG_BLOCK, signals, NULL) != 0)
		return -1;
	sigorset(&waiting_mask, &waiting_mask, signals);
	return signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
wait_take_signals(const sigset_t *signals)
{
	sigset_t others = *signals;

	sigdelset(&others, SIGTERM);
	sigprocmask(SIG_UNBLOCK, &others, NULL);
	for (int number = 1; number < SIGRTMIN; number++)
		if (sigismember(signals, number) == 1)
			sigdelset(&waiting_mask, number);
}

void
wait_release(void)
{
	const struct sigaction end = { .sa_handler = SIG_DFL };

	sigaction(SIGTERM, &end, NULL);
	sigprocmask(SIG_SETMASK, &waiting_mask, NULL);
}

static int64_t
microseconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_microseconds(void)
{
	return microseconds_of(CLOCK_MONOTONIC);
}

int64_t
clock_utc_microseconds(void)
{
	return microseconds_of(CLOCK_REALTIME);
}

int64_t
clock_now(void)
{
	return clock_microseconds() / 1000;
}

struct deadline
deadline_in(int64_t milliseconds)
{
	return (struct deadline){ clock_now() + milliseconds };
}

struct deadline
deadline_first(struct deadline a, struct deadline b)
{
	return a.at < b.at ? a : b;
}

bool
deadline_passed(struct deadline d)
{
	return clock_now() >= d.at;
}

/* What is left, for ppoll(2); NULL where there is no end. */
static const struct timespec *
time_left(struct deadline until, struct timespec *left)
{
	int64_t milliseconds;

	if (until.at == DEADLINE_NEVER.at)
		return NULL;
	milliseconds = until.at - clock_now();
	if (milliseconds < 0)
		milliseconds = 0;
	left->tv_sec = (time_t)(milliseconds / 1000);
	left->tv_nsec = (long)(milliseconds % 1000) * 1000000;
	return left;
}

/*
 * ppoll(2) does not take a signal when it finds an event at once: between two
 * busy peers SIGTERM would wait for ever.  With nothing to find it takes it;
 * that is one more call, so not each time.
 */
static bool
was_stopped(void)
{
	static unsigned waits;
	const struct timespec nothing = { 0 };

	waits++;
	if (waits % SIGNAL_EVERY == 0)
		ppoll(NULL, 0, &nothing, &waiting_mask);
	return stopped != 0;
}

int
wait_failure(void)
{
	return failure;
}

void
wait_give_up(int error)
{
	failure = error;
	stopped = 1;
}

/* True: it has failed for the last time. */
static bool
fails_for_good(int error, unsigned failures)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NANOSECONDS };

	if (failures < FAILURES) {
		ppoll(NULL, 0, &pause, &waiting_mask);
		return false;
	}
	wait_give_up(error);
	return true;
}

enum wait
wait_for(struct pollfd *fds, size_t n, struct deadline until)
{
	struct timespec left;
	unsigned failures = 0;

	/* Its signal is gone: no ppoll() would take it once more. */
	if (stopped != 0)
		return WAIT_STOPPED;
	for (;;) {
		const int ready = ppoll(fds, (nfds_t)n,
		    time_left(until, &left), &waiting_mask);

		if (was_stopped())
			return WAIT_STOPPED;
		if (ready > 0)
			return WAIT_READY;
		if (ready == 0)
			return WAIT_TIMEOUT;
		if (errno != EINTR && fails_for_good(errno, failures++))
			return WAIT_STOPPED;
	}
}
