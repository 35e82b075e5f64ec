/* SPDX-License-Identifier: ISC */
/*
 * One direction of a relay: octets from one socket to another, in order, the
 * urgent ones too.  It knows no time and does not wait; the relay does.
 */
#ifndef SOCKS64_NET_FLOW_H
#define SOCKS64_NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The life of a direction:
 *
 *	OPEN --- the source ended ---> LAST --- all is written ---> ENDED
 *	  |                             |                             ^
 *	  |                             '------ the sink failed ------+
 *	  '------ the sink failed ---> DROP --- the source ended -----'
 */
enum flow_state {
	FLOW_OPEN,  /* reads and writes */
	FLOW_LAST,  /* writes what it holds, then ends the sink too */
	FLOW_DROP,  /* reads and forgets, so that the source gets on */
	FLOW_ENDED, /* does nothing any more, holds nothing */
};

/* One of the two sockets; its two directions share it. */
struct side {
	int fd;    /* non-blocking, SO_OOBINLINE */
	int error; /* errno that ended it both ways (a reset); 0: it lives */
	bool hung; /* poll(2) says POLLHUP, and always will */
};

enum { FLOW_BUFFER = 16384 };

typedef void flow_tap(void *context, const uint8_t *octets, size_t length);

struct flow {
	enum flow_state state;
	struct side *source;
	struct side *sink;

	/* Read and not yet written: octets in memory, or in the pipe. */
	const uint8_t *held;
	size_t held_length;
	size_t piped;
	bool urgent;     /* the first held octet is urgent */
	bool mark_ahead; /* the source has an urgent octet that is unread */

	int pipe[2];    /* -1: it copies */
	unsigned full;  /* copies that filled the buffer, in a row */
	unsigned small; /* splices that would not have, in a row */

	uint64_t written;
	uint64_t taken;  /* of these, by the reader, when flow_look() looked */
	bool pending;    /* the kernel may hold some of them yet, or the FIN */
	bool whole;      /* the sink has got FIN behind its last octet */
	uint8_t *buffer; /* FLOW_BUFFER octets; borrowed */

	/* Is shown every octet before it is written; then it never goes by a
	 * pipe.  NULL: nobody looks. */
	flow_tap *tap;
	void *tap_context;
};

/* A direction that copies and holds nothing. */
void flow_start(struct flow *f, struct side *source, struct side *sink,
    uint8_t *buffer);

/* What to poll(2) for on the source, on the sink. */
short flow_source_events(const struct flow *f);
short flow_sink_events(const struct flow *f);

/*
 * One step, after the poll: at most one read and one write.  The arguments
 * are the revents of either side, whatever was asked for.  A socket's error
 * is left in its side.  Did octets move?
 */
bool flow_step(struct flow *f, short source_events, short sink_events);

/* Looks how much of what was written the reader has taken (SIOCOUTQ), which
 * costs a system call where anything is pending.  Was it more than the last
 * time? */
bool flow_look(struct flow *f);

/* Is there something that the kernel could not send yet, because the reader
 * takes nothing?  The FIN counts.  One system call. */
bool flow_unsent(const struct flow *f);

/* The sink failed: what is held is forgotten.  May be said again. */
void flow_drop(struct flow *f);

/* Is there a pipe that holds nothing?  Gives it back if so. */
bool flow_resting(const struct flow *f);
void flow_rest(struct flow *f);

/* Gives everything back, octets or not. */
void flow_end(struct flow *f);

#endif
