/* SPDX-License-Identifier: ISC */
/*
 * One question to the name servers, by c-ares: which server is asked, how
 * often, and by which transport.  Each question has sockets of its own, so
 * that what two of them ask leaves from two ports: there are boxes on the way
 * that let one answer through for each.
 */
#ifndef SOCKS64_NET_QUERY_H
#define SOCKS64_NET_QUERY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/descriptor.h"
#include "base/wait.h"
#include "net/resolvconf.h"

/* A socket for each server, and one that c-ares is about to close; it gets no
 * more. */
enum { QUERY_POLL_MAX = RESOLVERS_MAX + 1 };

/* What the servers said in the end.  Zero is the safe value. */
enum query_result {
	QUERY_USELESS,  /* nothing that answers the question */
	QUERY_ANSWERED, /* records */
	QUERY_NO_NAME,  /* NXDOMAIN */
	QUERY_NO_DATA,  /* the name has no such record */
	QUERY_TIMED_OUT,
	QUERY_FAILED,      /* each said that it cannot answer */
	QUERY_UNREACHABLE, /* not even that */
	QUERY_NO_MEMORY,
};

/* Takes that; for QUERY_ANSWERED the message is whole, and a walk over it
 * begins (dns_walk_start()). */
typedef void query_answer(void *context, enum query_result result,
    const struct iovec *message);

struct query {
	/* What to ask, by the caller; all of it is borrowed. */
	const struct name_servers *servers;
	const char *name;
	uint16_t type;        /* DNS_TYPE_A... */
	query_answer *answer; /* called once, but not from query_end() */
	void *context;

	/* Not for others. */
	void *channel;    /* c-ares's; NULL: nothing is asked (any more) */
	bool failed;      /* some server said that it cannot answer */
	bool again;       /* the question is to be asked anew */
	bool tcp;         /* an answer was too long for UDP */
	bool cut;         /* the last one was, and says nothing of it */
	unsigned useless; /* a bit for each server that gave no answer */
	size_t heard;     /* the server that the last octets came from */
	uint8_t server_of[DESCRIPTORS_OWN];    /* of each descriptor, from 1 */
	struct pollfd sockets[QUERY_POLL_MAX]; /* to be waited for */
	size_t socket_count;
	size_t open; /* so many sockets are */
};

/* Fills *out with `length' octets that nobody can guess; false: the kernel has
 * none. */
bool query_random(void *out, size_t length);

/*
 * Asks.  q->answer may have been called at return.  False: there is no memory,
 * and it is never called.  *q must not move until query_end().
 *
 * A server that says NOERROR and nothing else, and neither that the name is
 * its own nor that it looks names up, knows nothing (a lame one), and so does
 * one that sends the question back: the next one is asked.  Where an answer is
 * too long for UDP the question begins anew, by TCP, so that there is never
 * more than one socket for each server.
 */
bool query_start(struct query *q);

/* As resolve_poll() and resolve_process(); fds has room for QUERY_POLL_MAX. */
size_t query_poll(struct query *q, struct pollfd *fds, struct deadline *until);
void query_process(struct query *q, const struct pollfd *fds, size_t n);

/* Closes all descriptors.  A second call does nothing. */
void query_end(struct query *q);

#endif
