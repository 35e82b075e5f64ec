/* SPDX-License-Identifier: ISC */
/*
 * Waiting over unfinished handshakes: poll(2), select(2) and epoll(7).  What a
 * handshake needs is waited for and done; what the program wants of its
 * descriptor is told when the destination has answered.
 */
#ifndef SOCKS64_LIB_WAITS_H
#define SOCKS64_LIB_WAITS_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>

/* How long, in nanoseconds; negative: without an end. */
#define FOREVER (-1)

/* ppoll(2). */
int waits_poll(struct pollfd *fds, nfds_t n, int64_t nanoseconds,
    const sigset_t *mask);

struct select_sets {
	int count; /* the highest descriptor, and 1 */
	fd_set *in;
	fd_set *out;
	fd_set *except;
};

/* pselect(2); *left becomes what is left of the time. */
int waits_select(const struct select_sets *sets, int64_t *left,
    const sigset_t *mask);

struct epoll_room {
	int set;
	int size;
	struct epoll_event *events;
	const sigset_t *mask; /* NULL: as it is */
};

/* epoll_pwait2(2). */
int waits_epoll(const struct epoll_room *room, int64_t nanoseconds);

/* epoll_ctl(2). */
int waits_control(int set, int operation, int fd, struct epoll_event *event);

#endif
