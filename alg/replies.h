/* SPDX-License-Identifier: ISC */
/*
 * The server's replies, and which command each belongs to (RFC 959 4.2 and
 * 5.4): a queue of commands that wait, and lines with codes.  Pure.
 */
#ifndef SOCKS64_ALG_REPLIES_H
#define SOCKS64_ALG_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/commands.h"
#include "wire/address.h"

/* One line of a reply.  code 0: a line that belongs to no reply. */
struct reply_line {
	unsigned code;
	bool first;
	bool last;
	const uint8_t *text; /* behind the code of this reply; borrowed */
	size_t length;
};

struct reply_reader {
	bool open; /* inside a reply of several lines */
	unsigned code;
};

struct reply_line reply_read(struct reply_reader *r, const uint8_t *line,
    size_t length);

/* What a reply is to become. */
enum waiting {
	WAITING_PASS,    /* goes on as it is */
	WAITING_WATCH,   /* the same; it announces a data connection */
	WAITING_PASSIVE, /* translated */
	WAITING_ACTIVE,  /* translated */
	WAITING_LOCAL,   /* to a NOOP of ours: becomes `say' */
	WAITING_ALL,     /* EPSV ALL: goes on */
	WAITING_AUTH,    /* goes on, and decides */
};

struct waiting_command {
	enum waiting waiting;
	enum ask ask;     /* what the client asked */
	enum ask way;     /* how the server was asked */
	bool begun;       /* a 1yz came */
	const char *say;
};

enum { WAITING_MAX = 64 };

struct queue {
	struct waiting_command list[WAITING_MAX]; /* oldest first */
	size_t count;
};

bool queue_is_full(const struct queue *q);
void queue_add(struct queue *q, const struct waiting_command *command);

/*
 * Whose is a reply with this code?  NULL: nobody's, it just goes on.  A reply
 * that can only be a later command's drops those before it, which got none.
 */
struct waiting_command *queue_owner(struct queue *q, unsigned code);

/* It has its last reply. */
void queue_remove(struct queue *q, struct waiting_command *command);

#endif
