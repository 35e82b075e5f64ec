/* SPDX-License-Identifier: ISC */
/*
 * Time and waiting: absolute deadlines, and the one function of this program
 * that waits.  A session sees SIGTERM here and nowhere else.
 */
#ifndef SOCKS64_BASE_WAIT_H
#define SOCKS64_BASE_WAIT_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A moment of CLOCK_MONOTONIC in milliseconds; DEADLINE_NEVER for none. */
struct deadline {
	int64_t at;
};

#define DEADLINE_NEVER ((struct deadline){ INT64_MAX })

/* Milliseconds of CLOCK_MONOTONIC, now. */
int64_t clock_now(void);

/* Microseconds of CLOCK_MONOTONIC, now; and of UTC since 1970. */
int64_t clock_microseconds(void);
int64_t clock_utc_microseconds(void);

/* The moment `milliseconds` (>= 0) from now. */
struct deadline deadline_in(int64_t milliseconds);

/* The earlier of two. */
struct deadline deadline_first(struct deadline a, struct deadline b);

bool deadline_passed(struct deadline d);

enum wait {
	WAIT_READY,   /* some descriptor has an event */
	WAIT_TIMEOUT, /* the deadline passed first */
	WAIT_STOPPED, /* SIGTERM came, now or earlier; or wait_failure() */
};

/*
 * Installs the handler of SIGTERM, which stays blocked except while waiting,
 * and ignores SIGPIPE and SIGXFSZ.  Called once, first.
 */
void wait_prepare(void);

/*
 * These signals are blocked, in wait_for(), too: the process reads them from
 * the descriptor that is returned (signalfd(2), close-on-exec, non-blocking;
 * -1: errno tells).  wait_take_signals() undoes it, in a child of that
 * process: SIGTERM is seen in wait_for() again.
 */
int wait_leave_signals(const sigset_t *signals);
void wait_take_signals(const sigset_t *signals);

/* SIGTERM ends the process again, wherever it is: for what is no session. */
void wait_release(void);

/*
 * ppoll(2) until an event or the deadline.  A negative fd is skipped; n may
 * be 0.  revents are valid on WAIT_READY only.  EINTR is handled here.
 */
enum wait wait_for(struct pollfd *fds, size_t n, struct deadline until);

/*
 * The errno for which ppoll(2) failed again and again, for a second, or that
 * wait_give_up() was told: every wait is WAIT_STOPPED then.  0: SIGTERM came.
 */
int wait_failure(void);

/* This host lacks what the process needs to go on: the errno says what. */
void wait_give_up(int error);

#endif
