/* SPDX-License-Identifier: ISC */
/*
 * Data connections of clients that listen by themselves (active mode without
 * BIND).  Each channel goes through these states:
 *
 *	listening     for the server, at a port that the server is told;
 *	connecting    the server is there, and the client is dialled;
 *	relaying      octets go either way until both sides have ended.
 *
 * One channel at most is set up and unused; others may still be relaying.
 */
#ifndef SOCKS64_ALG_CHANNELS_H
#define SOCKS64_ALG_CHANNELS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/alg.h"
#include "base/wait.h"
#include "net/exchange.h"

enum { CHANNELS_MAX = 3, CHANNELS_POLL_MAX = 2 * CHANNELS_MAX };

enum channel_state {
	CHANNEL_FREE,
	CHANNEL_LISTENING,
	CHANNEL_CONNECTING,
	CHANNEL_RELAYING,
};

/* Descriptors are owned by the channel; -1 for none. */
struct channel {
	enum channel_state state;
	int listener;
	int client;
	int server;
	struct address target; /* where the client waits */
	struct deadline until; /* of listening or connecting */
	struct relay relay;
	struct exchange exchange;
};

struct channels {
	struct channel list[CHANNELS_MAX];
	struct channel *newest; /* channels_listen()'s; NULL for none */
	bool awaited;           /* the server agreed to connect and has not */
	struct address announced; /* where it is awaited */
	int64_t moved_at;         /* when octets moved last, as clock_now()
				   says; 0 for never */
};

/*
 * Listens for the server of the session, on behalf of the client that waits
 * at `target'.  Whoever else connects is closed again.  *announce becomes what
 * to tell the server.  Returns false, and errno says why: EBUSY where too many
 * transfers run, EADDRINUSE or another of bind(2) where there is no port, what
 * failure_is_ours() knows where this host lacks something.
 */
bool channels_listen(struct channels *c, const struct alg *a,
    const struct address *target, struct address *announce);

/* The server refused what channels_listen() made: the channel is closed. */
void channels_cancel(struct channels *c);

/* The server agreed to what channels_listen() made: those that were set up
 * before and not used are closed. */
void channels_replace(struct channels *c);

/* The server says that it could not connect: the record will say so. */
void channels_unreached(struct channels *c, struct alg *a);

/* The server has set up another data connection: all that were set up here
 * and not used are closed. */
void channels_give_up(struct channels *c);

/* Fills in what to wait for, and brings *until forward where a deadline is
 * earlier.  Returns how many of fds it filled in, at most
 * CHANNELS_POLL_MAX. */
size_t channels_poll(const struct channels *c, struct pollfd *fds,
    struct deadline *until);

/* Does what follows from a wait: fds are those of channels_poll(), or NULL
 * where there was no event.  Octets are counted in *a. */
void channels_turn(struct channels *c, struct alg *a,
    const struct pollfd *fds);

/*
 * Returns for how many milliseconds of silence the end of a transfer, as the
 * server tells it, is to wait for its data: 0 where the client has all of it.
 * A client that hears of the end before it has the data connection takes the
 * transfer for one without, and the way to the client may be the longer one.
 * What the client has taken is looked at, and breaks the silence.
 */
int64_t channels_patience(struct channels *c);

/* Tells whether a channel is connecting or relaying. */
bool channels_busy(const struct channels *c);

/* Closes all channels, and counts what they moved. */
void channels_close(struct channels *c, struct alg *a);

#endif
