/* SPDX-License-Identifier: ISC */
/*
 * What was read from the client and not yet consumed.  A message may come in
 * any pieces; what lies behind the request is early data, for the server.
 */
#ifndef SOCKS64_NET_INBOX_H
#define SOCKS64_NET_INBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/wait.h"
#include "wire/cursor.h"

enum { INBOX_SIZE = 4352 }; /* the longest PROXY header that we take */

struct inbox {
	int fd; /* non-blocking; borrowed */
	size_t start;
	size_t end;
	uint64_t received; /* octets, in all */
	uint8_t octets[INBOX_SIZE];
};

enum inbox_result {
	INBOX_MORE,    /* at least one octet was added */
	INBOX_EOF,     /* FIN */
	INBOX_GONE,    /* a reset or another error of the connection */
	INBOX_TIMEOUT, /* the deadline passed */
	INBOX_STOPPED, /* SIGTERM, or wait_failure() */
};

/*
 * Waits for octets and takes what is there, as much as fits.  Every message
 * of the protocol is shorter than the inbox, so a caller that needs more
 * always has room; a full inbox reads as INBOX_EOF.  An expired deadline
 * ends it even while octets keep coming.
 */
enum inbox_result inbox_fill(struct inbox *in, struct deadline until);

/* A cursor over the unconsumed octets, valid until the next inbox_fill(). */
struct cursor inbox_cursor(const struct inbox *in);

/* Consumes up to where a cursor of inbox_cursor() stands. */
void inbox_consume(struct inbox *in, const struct cursor *c);

/* Overwrites everything but the unconsumed octets: there was a secret. */
void inbox_wipe(struct inbox *in);

#endif
