/* SPDX-License-Identifier: ISC */
/*
 * The control connection between its two sides: lines in, lines out, and all
 * that is remembered between.  alg/session.c moves the octets, alg/translate.c
 * knows what they mean.
 */
#ifndef SOCKS64_ALG_CONTROL_H
#define SOCKS64_ALG_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/channel.h"
#include "alg/commands.h"
#include "alg/line.h"
#include "alg/replies.h"
#include "alg/session.h"

enum {
	/* The longest reply line, each octet doubled, and some lines of our
	 * own: while there is less room, nothing more is read. */
	CONTROL_ROOM = 2 * LINE_REPLY_MAX + 2048,
	STREAM_SIZE = 2 * CONTROL_ROOM,
	NOWHERE = -1,
};

/* Octets on their way; one of them may be urgent. */
struct stream {
	size_t start;
	size_t end;
	ptrdiff_t urgent; /* which of octets; NOWHERE */
	uint8_t octets[STREAM_SIZE];
};

struct control {
	struct alg *alg;
	enum pair pair;
	bool translating; /* ALGS DISABLE64 */
	bool greeted;
	bool all;         /* EPSV ALL was granted */
	bool auth_waits;  /* AUTH is read and not yet sent */
	bool held;        /* the next command waits for a reply */
	bool raw;         /* no lines any more, whatever comes */
	bool over;        /* to be torn down: alg->reason says why */
	unsigned passive; /* the way that the server took last time */
	unsigned active;

	struct line_reader commands;
	struct line_reader replies;
	struct reply_reader reader;
	struct queue queue;

	/* The reply that is being read. */
	struct waiting_command *owner; /* in the queue; NULL: nobody's */
	bool swallow;
	uint16_t found;                /* the port that it announces */

	struct address announced; /* ours, in the command that waits */
	struct address live_bind; /* that it names, in the server's family;
				     FAMILY_NONE: the client itself */

	struct channels channels;
	struct table_handle data;

	struct stream to_client;
	struct stream to_server;
};

void control_start(struct control *k, struct alg *a);

/* May the next command be read now? */
bool control_takes_commands(const struct control *k);

/* One event of k->commands, one of k->replies; all of LINE_WHOLE, LINE_PART,
 * LINE_TOO_LONG. */
void control_command(struct control *k, enum line_event event);
void control_reply(struct control *k, enum line_event event);

/* The server ended: what it said of a line goes on as it is. */
void control_last_words(struct control *k);

/* AUTH, when what was before it is answered. */
void control_auth(struct control *k);

/* Appends octets as they are; they fit. */
void stream_put(struct stream *s, const void *octets, size_t length);

#endif
