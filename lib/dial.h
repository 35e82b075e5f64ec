/* SPDX-License-Identifier: ISC */
/*
 * One handshake with the gateway over a stream socket: greeting, login,
 * request and reply, pushed as far as it goes without waiting.  The reply is
 * read to its last octet and no further.
 */
#ifndef SOCKS64_LIB_DIAL_H
#define SOCKS64_LIB_DIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/handover.h"
#include "wire/client.h"

enum dial_step {
	DIAL_NONE, /* nothing begun */
	DIAL_GREETING,
	DIAL_METHOD,
	DIAL_LOGIN,
	DIAL_ANSWER,
	DIAL_REQUEST,
	DIAL_REPLY,
	DIAL_DONE,
	DIAL_FAILED,
};

/* What is wrong with the gateway, for a message. */
enum dial_fault {
	FAULT_NONE,      /* the destination's failure, or none */
	FAULT_UNREACHED, /* `cause` says why */
	FAULT_NOT_SOCKS,
	FAULT_USER,      /* the login was refused */
	FAULT_NO_METHOD, /* there is no user, or not for its method */
};

struct dial {
	enum dial_step step;
	bool login_sent; /* with the greeting */
	uint8_t method;
	uint16_t used;   /* octets of the step that went or came */
	uint16_t length; /* of the request */
	uint8_t answer[2];
	/* The request until it is sent, then the reply. */
	uint8_t buffer[CLIENT_REPLY_MAX];

	/* DIAL_DONE: BND; FAMILY_NONE where it is a name or an ID. */
	struct address bound;
	uint32_t id; /* BND is that ADDRESS ID; 0: it is none */

	/* DIAL_FAILED */
	int error;     /* of socks64(1), ERRORS OF CONNECTIONS */
	uint8_t reply; /* REP of a refusal; 0: there was none */
	enum dial_fault fault;
	int cause; /* errno of the gateway's connection; 0: it ended */
};

/* Begins: nothing is sent yet. */
void dial_begin(struct dial *d, const struct client_request *request);

/* Another reply is to come, the second one of BIND. */
void dial_await(struct dial *d);

/* Another request, behind the reply to the last one. */
void dial_request(struct dial *d, const struct client_request *request);

/*
 * Pushes the handshake over fd, whose connect(2) has begun.  Returns what it
 * waits for, POLLIN or POLLOUT; 0 when it is over: DIAL_DONE or DIAL_FAILED.
 * It never waits and raises no signal.
 */
short dial_push(struct dial *d, int fd, const struct handover *h);

/* Ends it as failed: the gateway was not reached, errno `cause`; or `error`
 * by our own decision. */
void dial_unreached(struct dial *d, int cause);
void dial_fail(struct dial *d, int error);

/* Ends it because its time is over: ETIMEDOUT.  A gateway that has not said a
 * word is not reached. */
void dial_expire(struct dial *d);

/* Begun, and not over? */
bool dial_runs(const struct dial *d);

#endif
