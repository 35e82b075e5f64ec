/* SPDX-License-Identifier: ISC */
/*
 * SIGALRM, which does nothing but interrupt.  It comes again and again: the
 * first may have come before the call began to block.
 */
#include "log/patience.h"

#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "log/journal.h"

enum { AGAIN_MICROSECONDS = 100 };

static void
interrupt(int number)
{
	(void)number;
}

void
patience_prepare(void)
{
	/* Without SA_RESTART. */
	const struct sigaction act = { .sa_handler = interrupt };
	sigset_t alarms;

	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	sigaction(SIGALRM, &act, NULL);
	sigprocmask(SIG_UNBLOCK, &alarms, NULL);
}

void
patience_begin(bool waits)
{
	const struct itimerval timer = {
		.it_value = { .tv_sec = waits ? JOURNAL_PATIENCE : 0,
		    .tv_usec = waits ? 0 : AGAIN_MICROSECONDS },
		.it_interval.tv_usec = AGAIN_MICROSECONDS,
	};

	(void)setitimer(ITIMER_REAL, &timer, NULL);
}

void
patience_end(void)
{
	const struct itimerval never = { .it_value.tv_sec = 0 };

	(void)setitimer(ITIMER_REAL, &never, NULL);
}
