/* SPDX-License-Identifier: ISC */
/*
 * The queue of commands whose replies are awaited (RFC 959 5.4), the oldest
 * first: which command a reply belongs to, and what is to become of it.  Pure.
 */
#ifndef SOCKS64_ALG_QUEUE_H
#define SOCKS64_ALG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "alg/commands.h"

/* What a reply is to become. */
enum waiting {
	WAITING_PASS,    /* it goes on as it is */
	WAITING_WATCH,   /* the same, and it announces a data connection */
	WAITING_PASSIVE, /* it is translated: PASV, EPSV, LPSV */
	WAITING_ACTIVE,  /* it is translated: PORT, EPRT, LPRT */
	WAITING_LOCAL,   /* it answers a NOOP of ours, and becomes `say' */
	WAITING_ALL,     /* it goes on, and says whether EPSV ALL holds */
	WAITING_AUTH,    /* it goes on, and says whether lines end here */
};

struct waiting_command {
	enum waiting waiting;
	enum ask ask;    /* what the client asked */
	enum ask way;    /* how the server was asked */
	bool begun;      /* a 1yz reply came: a transfer runs */
	const char *say; /* a static text without a line end; or NULL */
};

enum { QUEUE_MAX = 64 };

struct queue {
	struct waiting_command list[QUEUE_MAX]; /* the oldest first */
	size_t count;
};

/* Tells whether no further command can be added.  Whoever adds one asks
 * first. */
bool queue_is_full(const struct queue *q);

/* Appends a copy of the command; a full queue stays as it is. */
void queue_add(struct queue *q, const struct waiting_command *command);

/*
 * Returns the command that a reply with this code (100 to 699) belongs to, or
 * NULL for a reply that is nobody's and just goes on.  Replies come in the
 * order of the commands, with two exceptions: STAT is answered while a
 * transfer runs, and a reply that only a later command can have (227, 228,
 * 229) drops the commands before it, which the server forgot.
 *
 * The pointer is good until the next call that changes the queue.
 */
struct waiting_command *queue_owner(struct queue *q, unsigned code);

/* Takes out a command that has its last reply, by queue_owner()'s pointer. */
void queue_remove(struct queue *q, struct waiting_command *command);

#endif
