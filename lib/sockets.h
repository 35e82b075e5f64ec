/* SPDX-License-Identifier: ISC */
/*
 * Which descriptors are ours, and what is known of them.
 *
 * An entry belongs to a socket, by its SO_COOKIE, which no two sockets share;
 * a table by number leads to it.  So no close, dup2, fclose or closefrom has
 * to be seen: an entry counts only while the number's socket has its cookie.
 *
 * Everything but the marks is read and written under the one lock, over code
 * that cannot block, with all signals blocked.
 */
#ifndef SOCKS64_LIB_SOCKETS_H
#define SOCKS64_LIB_SOCKETS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/dial.h"
#include "wire/address.h"

enum {
	/* Descriptors from here on cannot be ours: EMFILE.  It is the limit
	 * that Linux begins with (proc(5), nr_open). */
	SOCKETS_MAX = 1 << 20,
	ASKED_MAX = 16,
};

/* What stands in the table of marks. */
enum {
	MARK_ENTRY = 1, /* names of its ends, options: look at the entry */
	MARK_DATA = 2,  /* data and waiting, too */
	MARK_CLOSE = 4, /* close(2): there are descriptors to be closed */
	/* None of ours: socket(2) made a TCP socket of it, and since then
	 * nobody was seen to give the number to another one. */
	MARK_MADE = 8,
};

enum role {
	ROLE_FREE,
	ROLE_TCP,    /* connects, or did */
	ROLE_CALLED, /* bound to port 0: may become a BIND (FTP) */
	ROLE_BIND,   /* the gateway listens for it */
	ROLE_UDP,
};

/* An association, RFC 1928 7. */
struct association {
	int control; /* the TCP connection that keeps it, or -1 */
	uint64_t control_cookie;
	uint8_t gateway;      /* whose it is */
	struct address relay; /* where datagrams go */
	struct address peer;  /* of connect(2); FAMILY_NONE: none */
	/* Destinations as the program knows them, the last ones, to name the
	 * source of an answer. */
	struct address asked[ASKED_MAX];
	uint32_t asked_ids[ASKED_MAX]; /* by which they were; 0: by none */
	unsigned asked_count;
};

struct entry {
	enum role role;
	uint64_t cookie;
	unsigned numbers;   /* descriptors that lead here */
	sa_family_t family; /* of the program's socket */

	struct dial dial;
	int64_t began;   /* microseconds of CLOCK_MONOTONIC */
	int64_t until;   /* milliseconds: the connect-timeout */
	uint8_t gateway; /* which of them */
	bool foreign;    /* begun before a fork(2): the parent's */
	bool lent;       /* O_NONBLOCK is ours, for a connect(2) that blocks */
	bool reported;   /* connect(2) or SO_ERROR told how it ended */
	bool said;       /* so did a message */

	struct address peer;  /* as the program knows it; with the port */
	struct address bound; /* BND */
	uint32_t number;      /* of the peer's name; 0: a literal */

	/* Where another socket is under the number (place_exchange()): the one
	 * of the program; -1. */
	int shadow;
	bool exchanged;  /* another one is there, with or without a shadow */
	uint64_t server; /* ROLE_TCP to a port of `bind`: when it was asked
	                  * for its name last, for the latest */
	struct association udp;
};

/* One octet a descriptor: MARK_*.  Read without the lock. */
extern _Atomic uint8_t socket_marks[SOCKETS_MAX];

/* How many handshakes are unfinished; ever begun.  Read without the lock. */
extern atomic_uint sockets_running;

static inline unsigned
socket_marks_all(int fd)
{
	return fd >= 0 && fd < SOCKETS_MAX ?
	    atomic_load_explicit(&socket_marks[fd], memory_order_relaxed) :
	    0;
}

/* Without MARK_MADE: 0: it is none of ours. */
static inline unsigned
socket_mark(int fd)
{
	return socket_marks_all(fd) & ~(unsigned)MARK_MADE;
}

/* Not locked: socket(2) made that descriptor, `tcp`: of TCP. */
void sockets_made(int fd, bool tcp);

/* Not locked: the number may be another socket's from now on. */
void sockets_unmake(int fd);

/* Which kind of socket.  Raw ones may have the numbers of TCP and UDP, too,
 * and SCTP has streams. */
enum kind { KIND_OTHER, KIND_TCP, KIND_UDP };

enum kind socket_kind(int fd);

static inline bool
sockets_run(void)
{
	return atomic_load_explicit(&sockets_running, memory_order_relaxed) >
	    0;
}

/* What a thread had before its signals were held and it had the lock. */
struct guard {
	sigset_t signals;
	int cancel;
};

/* Signals wait until they are let go, or for a call that has `signals` as its
 * mask. */
void sockets_hold(struct guard *g);
void sockets_let_go(const struct guard *g);

/*
 * The lock, of a thread whose signals are held; it cannot be cancelled
 * either, for what is called under the lock may be a cancellation point.  A
 * process that was forked off finds the lock open, and all unfinished
 * handshakes foreign.
 */
void sockets_enter(struct guard *g);
void sockets_leave(const struct guard *g);

/* Both: hold and enter, leave and let go. */
void sockets_lock(struct guard *g);
void sockets_unlock(const struct guard *g);

/* Not a vfork(2) child, which has the memory of its parent? */
bool sockets_are_mine(void);

/* Locked: the entry of the descriptor's socket; NULL, and no mark, where it is
 * not ours (any more). */
struct entry *entry_at(int fd);

/* The same where nobody but the caller's thread can have changed the
 * descriptor since entry_at(): the socket is not asked. */
struct entry *entry_again(int fd);

/* Not locked: the role of the descriptor's socket; ROLE_FREE where it is not
 * ours. */
enum role sockets_role(int fd);

/* Locked: a new entry for that descriptor, instead of the one that it may
 * have; NULL: no memory, or a number that is too high. */
struct entry *entry_new(int fd, enum role role);

/* Locked: the descriptor's socket is none of ours any more, under no
 * number.  The second one is told its entry. */
void entry_drop(int fd);
void entry_forget(const struct entry *e, int fd);

/* Locked: the descriptor is about to be closed.  The entry goes with the last
 * one of its socket. */
void entry_close(int fd);

/* Locked: fd has another socket from now on, whose entry stays. */
void entry_renew(struct entry *e, int fd);

/* Locked: `to` is the same socket as `from`. */
void entry_copy(int from, int to);

/* Locked: data and waiting go past the entry (false), or come to it.  Where
 * they do not, close(2) comes to it only if it has descriptors of its own:
 * else the next socket with that number finds that it is gone. */
void entry_mark(int fd, bool data);

/* Locked: the ith entry there ever was, for a walk, which passes free ones;
 * NULL behind the last. */
struct entry *entry_number(size_t i);

/* Locked: the first descriptor that leads to an entry, -1 for none. */
int entry_descriptor(const struct entry *e);

/* The cookie of a socket; 0: it is none. */
uint64_t socket_cookie(int fd);

#endif
