/* SPDX-License-Identifier: ISC */
/*
 * The queue of commands whose replies are awaited (RFC 959 5.4), the oldest
 * first: which command a reply belongs to, and what is to become of it.  Pure.
 *
 * An example, with a server that answers an ABOR once where two replies are
 * due (426 and 226):
 *
 *	RETR, ABOR wait      150 is RETR's, which has begun
 *	                     226 is RETR's; ABOR is doubtful
 *	ABOR, PORT wait      200 answers no ABOR: it is PORT's
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
	unsigned times;  /* so many of them, one behind the other; 0 is 1 */
	bool begun;      /* a 1yz reply came: a transfer runs */
	bool doubtful;   /* the server may have forgotten it */
	const char *say; /* a static text without a line end; or NULL */
};

enum { QUEUE_MAX = 64 };

struct queue {
	struct waiting_command list[QUEUE_MAX]; /* the oldest first */
	size_t count;
	size_t fixed; /* so many in front stay: a reply to the last of these
			 is being read */
};

/*
 * Appends a copy of the command.  Those that only go on are counted where they
 * are alike; and where the list is full two neighbours are counted as one of
 * no particular kind.  So there is no limit to what a client may ask before it
 * is answered, and none is forgotten.
 */
void queue_add(struct queue *q, const struct waiting_command *command);

/*
 * Returns the command that a reply with this code (100 to 699) belongs to, or
 * NULL for a reply that is nobody's and just goes on.
 *
 * Replies come in the order of the commands, but servers forget some (to ABOR;
 * to what came during a transfer).  So a reply belongs to the first command
 * that can be answered by its code, and those before it are dropped; but for a
 * transfer that runs: that goes on while STAT, NOOP and others are answered.
 * Where the code fits none, it is the first one's.
 *
 * The pointer is good until the next call but queue_add().
 */
struct waiting_command *queue_owner(struct queue *q, unsigned code);

/* Takes out a command that has its last reply, by queue_owner()'s pointer.
 * Those that were asked while it ran, if it was a transfer, are doubtful from
 * then on. */
void queue_remove(struct queue *q, struct waiting_command *command);

/* All that wait are doubtful from now on. */
void queue_doubt(struct queue *q);

/* Tells whether all that wait are doubtful; an empty queue is. */
bool queue_is_doubtful(const struct queue *q);

/* Tells whether a final reply with this code, a 2yz, is the end of a transfer
 * that the client did not abort. */
bool queue_ends_transfer(const struct queue *q, unsigned code);

#endif
