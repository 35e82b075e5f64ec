/* SPDX-License-Identifier: ISC */
/*
 * One relay as a step of somebody's loop.  relay_run() is the loop around a
 * single exchange; an FTP session has exchanges of data connections beside its
 * dialogue.  An exchange is two flows (net/flow.h), and adds what concerns
 * both: time, resets, and the end.
 *
 * Example: the client sends a request and FIN, the server answers and dies.
 *
 *	exchange_turn()  the request is read and written; UP moved.
 *	exchange_turn()  the client's FIN is read: UP ends, the server gets
 *			 FIN, and half-closed-timeout runs.
 *	exchange_turn()  a part of the answer is read and written; DOWN moved.
 *	exchange_turn()  the server's reset is met: the server is `lost'.  What
 *			 came before it goes on to the client, and the
 *			 exchange waits until the client has acknowledged it,
 *			 10 seconds at most.
 *	exchange_turn()  says that it is over, with RESULT_RESET.
 *	exchange_end()   makes both sockets reset at their last close(2).
 */
#ifndef SOCKS64_NET_EXCHANGE_H
#define SOCKS64_NET_EXCHANGE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "net/flow.h"
#include "net/relay.h"

enum { EXCHANGE_CLIENT, EXCHANGE_SERVER, EXCHANGE_SIDES };

/* A flow is named like its source. */
enum { EXCHANGE_UP, EXCHANGE_DOWN, EXCHANGE_FLOWS };

struct exchange {
	struct relay *relay; /* borrowed: what to do, what came of it */
	struct side sides[EXCHANGE_SIDES];
	struct flow flows[EXCHANGE_FLOWS];
	int64_t moved_at[EXCHANGE_FLOWS]; /* when octets moved last */
	int64_t looked_at; /* when what readers have taken was looked at */
	int64_t fin_at;    /* the first FIN; 0: none yet */
	int64_t reset_at;  /* the first reset; 0: none yet */
	uint64_t counted[EXCHANGE_FLOWS]; /* written, and in the figures */
	int lost;                         /* the side whose reset that was */
};

/* Starts an exchange as `r' says; `r' and the buffers are borrowed until
 * exchange_end().  SECURITY: from here on a side that has not got FIN is reset
 * even if this process is killed. */
void exchange_start(struct exchange *x, struct relay *r,
    uint8_t buffers[EXCHANGE_FLOWS][FLOW_BUFFER]);

/* What to wait for: events of the two sockets, and the moment at which there
 * is something to do although no event comes. */
void exchange_poll(const struct exchange *x,
    struct pollfd fds[EXCHANGE_SIDES]);
struct deadline exchange_deadline(const struct exchange *x);

/* When octets moved last, in either direction (clock_now()): to us, from us,
 * or from the kernel to a slow reader. */
int64_t exchange_moved_at(const struct exchange *x);

/* Looks what the readers have taken since the last time, which is octets that
 * moved; one system call for a direction that has something pending. */
void exchange_look(struct exchange *x);

/* Has the reader of that direction (EXCHANGE_UP, EXCHANGE_DOWN) taken all, as
 * far as was looked, and its end? */
bool exchange_delivered(const struct exchange *x, int flow);

/*
 * Does what follows from a wait.  fds are those of exchange_poll() with their
 * revents, or NULL where the wait ended without an event.  True: the exchange
 * is over, and the relay's outcome says how; exchange_end() is next.
 */
bool exchange_turn(struct exchange *x, const struct pollfd *fds);

/* Gives the pipes back and stores in the relay how many octets were written.
 * What becomes of the sockets is said in net/relay.h. */
void exchange_end(struct exchange *x);

#endif
