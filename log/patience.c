/* SPDX-License-Identifier: ISC */
/*
 * SIGALRM, which does nothing but interrupt.  It comes again and again: the
 * first may have come before the call began to block.  Each time it takes
 * twice as long: where a signal takes longer than that, under a tracer or an
 * emulator of a busy machine, the process would get to nothing else.
 */
#include "log/patience.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "log/journal.h"

enum { AGAIN_MICROSECONDS = 100, SECOND = 1000 * 1000 };

/* How long the next one takes; 0: there is to be none. */
static volatile sig_atomic_t again;
/* SIGALRM does not end this process. */
static bool prepared;

/* Once; 0: never. */
static void
arm(long microseconds)
{
	const struct itimerval timer = {
		.it_value = { .tv_sec = microseconds / SECOND,
		    .tv_usec = microseconds % SECOND },
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

static void
interrupt(int number)
{
	const int error = errno;

	(void)number;
	if (again != 0) {
		arm(again);
		if (again < SECOND)
			again *= 2;
	}
	errno = error;
}

void
patience_prepare(void)
{
	/* Without SA_RESTART. */
	const struct sigaction act = { .sa_handler = interrupt };
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	prepared = sigaction(SIGALRM, &act, NULL) == 0;
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
}

void
patience_begin(bool waits)
{
	if (!prepared)
		return;
	again = AGAIN_MICROSECONDS;
	arm(waits ? JOURNAL_PATIENCE * SECOND : AGAIN_MICROSECONDS);
}

void
patience_end(void)
{
	again = 0; /* before, so that no handler arms it behind this */
	arm(0);
}
