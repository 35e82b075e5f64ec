/* SPDX-License-Identifier: ISC */
/*
 * One relay as a step of a loop that waits for more than it: the relay itself
 * is the loop around one, an FTP session has others beside it.
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
	struct relay *relay;
	struct side sides[EXCHANGE_SIDES];
	struct flow flows[EXCHANGE_FLOWS];
	int64_t moved_at[EXCHANGE_FLOWS]; /* when octets moved last */
	int64_t fin_at;          /* the first FIN; 0: none yet */
	int64_t reset_at;        /* the first reset; 0: none yet */
	int lost;                /* and whose it was */
};

/* From what `r' says; both it and the buffers are borrowed to the end. */
void exchange_start(struct exchange *x, struct relay *r,
    uint8_t buffers[EXCHANGE_FLOWS][FLOW_BUFFER]);

/* What to wait for: its two sockets, and until when. */
void exchange_poll(const struct exchange *x,
    struct pollfd fds[EXCHANGE_SIDES]);
struct deadline exchange_deadline(const struct exchange *x);

/* When octets moved last, either way. */
int64_t exchange_moved_at(const struct exchange *x);

/*
 * What follows from a wait; fds as exchange_poll() made them, or NULL when
 * there was no event.  True: it is over, and the relay's outcome says how;
 * exchange_end() is next.
 */
bool exchange_turn(struct exchange *x, const struct pollfd *fds);

/* Gives its pipes back, counts what was written into the relay; the relay's
 * outcome says what becomes of the sockets (net/relay.h). */
void exchange_end(struct exchange *x);

#endif
