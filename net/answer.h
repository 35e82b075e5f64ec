/* SPDX-License-Identifier: ISC */
/*
 * What is known of a name in one family: nothing yet, its addresses, or why it
 * has none.  /etc/hosts fills an answer, and so does what name servers say.
 */
#ifndef SOCKS64_NET_ANSWER_H
#define SOCKS64_NET_ANSWER_H

#include <stddef.h>
#include <sys/uio.h>

#include "net/query.h"
#include "wire/address.h"

/* Addresses of one answer: a message of 65,535 octets has no more records, of
 * 16 octets at least.  Most send two, so nobody clears or copies the list. */
enum { ANSWER_MAX = 4096 };

enum answer_state {
	ANSWER_FAILED,  /* SERVFAIL, no name server reachable, timeout */
	ANSWER_PENDING, /* not yet */
	ANSWER_FOUND,   /* count is 1 to ANSWER_MAX */
	ANSWER_NO_NAME, /* NXDOMAIN */
	ANSWER_NO_DATA, /* the name has no address of this family */
	ANSWER_UNASKED, /* this family was not wanted */
};

struct answer {
	enum answer_state state;
	enum query_result failure; /* of ANSWER_FAILED: why */
	size_t count;
	/* Room for ANSWER_MAX, the owner's; in the server's order, port 0. */
	struct address *list;
};

/* Becomes an answer without addresses; the octets of those it had stay. */
void answer_reset(struct answer *answer, enum answer_state state);

/* Adds an address, if there is room for one more; the state is FOUND. */
void answer_add(struct answer *answer, const struct address *address);

/* Concludes a pending answer of that family with what the name servers said in
 * the end.  Records of another type are passed over. */
void answer_conclude(struct answer *answer, enum family family,
    enum query_result result, const struct iovec *message);

#endif
