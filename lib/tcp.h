/* SPDX-License-Identifier: ISC */
/*
 * What the calls on a TCP socket do whose destination is the gateway's.  Each
 * means what its page of section 2 says of the distant server itself.
 */
#ifndef SOCKS64_LIB_TCP_H
#define SOCKS64_LIB_TCP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/place.h"
#include "lib/sockets.h"

/* connect(2) of a stream socket to `d`, whatever it was before: a finished or
 * unfinished handshake answers, as a second connect(2) is answered. */
int tcp_connect(int fd, const struct destination *d);

/*
 * Pushes the handshake of the descriptor, if it has an unfinished one.
 * Returns what it waits for, POLLIN or POLLOUT; 0: there is none, or it is
 * over.  *until becomes the earlier one of itself and of its deadline.
 * held: what the caller's signals were before it held them; NULL: they come.
 */
short tcp_push(int fd, int64_t *until, const struct guard *held);

/* Ends what took longer than the connect-timeout; the moment of the next one,
 * INT64_MAX for none. */
int64_t tcp_expire(void);

/*
 * Before data is sent or received: true where libc's call is to be made.
 * False: errno (EAGAIN while the handshake lasts, the failure's once).  A
 * blocking socket waits.
 */
bool tcp_data(int fd, int flags);

/* shutdown(2): true where the handshake lasted: it does no more. */
bool tcp_give_up(int fd);

/* getsockopt(2) with SO_ERROR: the failure's errno, once; 0. */
int tcp_error(int fd);

/* Locked: connects the socket to the gateway; its handshake has begun. */
void tcp_reach(struct entry *e, int fd);

/* Locked: the socket is a blocking one again, where it is that in truth. */
void tcp_take_flag(struct entry *e, int fd);

/* fcntl(2) with F_GETFL or F_SETFL, where O_NONBLOCK is not the program's;
 * else false. */
bool tcp_flags(int fd, int command, long argument, int *result);

/* After EINTR: do all signal handlers of the program restart what they
 * interrupt (SA_RESTART)?  Those of signals that the thread blocks do not
 * count. */
bool tcp_restarts(void);

#endif
