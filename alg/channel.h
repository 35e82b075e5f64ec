/* SPDX-License-Identifier: ISC */
/*
 * Data connections of clients that listen by themselves (active mode without
 * BIND): the server connects to us, we connect to the client.
 */
#ifndef SOCKS64_ALG_CHANNEL_H
#define SOCKS64_ALG_CHANNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/session.h"
#include "base/wait.h"
#include "net/exchange.h"

/* One that is set up, and some that may still be running out. */
enum { CHANNELS = 3, CHANNELS_POLL_MAX = 2 * CHANNELS };

enum channel_state {
	CHANNEL_FREE,
	CHANNEL_LISTENING,  /* for the server */
	CHANNEL_CONNECTING, /* to the client */
	CHANNEL_RELAYING,
};

struct channel {
	enum channel_state state;
	int listener;
	int client;
	int server;
	struct address target; /* the client's */
	struct deadline until;
	struct relay relay;
	struct exchange exchange;
};

struct channels {
	struct channel list[CHANNELS];
	struct channel *newest; /* of channel_listen(); NULL: none */
	bool awaited; /* the server agreed to connect, and has not yet, */
	struct address announced; /* to this */
	int64_t moved_at; /* when octets of one moved last; 0: never */
};

/*
 * Listens for the server of the session, on behalf of `target'.  Whoever else
 * connects is closed again.  *announce is what to tell the server.  False:
 * there is no port, or too many transfers run.
 */
bool channel_listen(struct channels *c, const struct alg *a,
    const struct address *target, struct address *announce);

/* What it is to become, when the server has answered: it is not wanted after
 * all; or it is, and what was set up before and not used is given up. */
void channel_cancel(struct channels *c);
void channel_replace(struct channels *c);

/* The server says that it could not connect: for the record. */
void channels_unreached(struct channels *c, struct alg *a);

/* The server has another connection set up: none of these is used. */
void channels_give_up(struct channels *c);

/* What to wait for; returns how many descriptors, at most
 * CHANNELS_POLL_MAX. */
size_t channels_poll(const struct channels *c, struct pollfd *fds,
    struct deadline *until);

/* What follows; fds as channels_poll() made them, or NULL for no event.
 * Octets are counted in the session. */
void channels_turn(struct channels *c, struct alg *a,
    const struct pollfd *fds);

/* Does one run? */
bool channels_busy(const struct channels *c);

void channels_close(struct channels *c, struct alg *a);

#endif
