/* SPDX-License-Identifier: ISC */
/*
 * The next gateway of a chain (`via'): dialling it, speaking SOCKS5 to it as a
 * client does (RFC 1928, RFC 1929), and what it answers.  It is used in steps,
 * because BIND has two replies and UDP ASSOCIATE keeps the connection.
 *
 * Example: CONNECT to www.example.com:80 via gw2.example.com:1080.
 *
 *	upstream_open()     gw2.example.com is looked up and dialled, as any
 *			    destination is.  A PROXY header goes first where
 *			    `via-proxy-protocol' asks for one.  The greeting
 *			    offers "none", and a password where there is one;
 *			    the answer is read, and a login done if it is asked
 *			    for.
 *	upstream_request()  CONNECT www.example.com:80, the name unresolved.
 *	upstream_reply()    REP 00 and BND.  The connection is a relay's from
 *			    here on: no octet behind the reply was read.
 *
 * A hop that says no ends this with its own REP; one that speaks something
 * else, with 01 and RESULT_UPSTREAM_FAILED.
 */
#ifndef SOCKS64_NET_UPSTREAM_H
#define SOCKS64_NET_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "net/dial.h"
#include "net/outcome.h"
#include "policy/hops.h"
#include "policy/settings.h"
#include "wire/client.h"

struct upstream {
	/* What to do; all is borrowed.  origin: what the rule that leads there
	 * says of the way, or NULL.  question: of the client, whose
	 * address goes into a PROXY header and whose own gateway is never
	 * dialled.  reached: the address that the client connected to.
	 * client: watched; -1 for none. */
	const struct settings *settings;
	const struct hop *hop;
	const struct origin *origin;
	const struct question *question;
	struct address reached;
	int client;

	/*
	 * What came of it.  RESULT_UPSTREAM_FAILED: the hop was not reached,
	 * refused the login, or speaks no SOCKS5.  RESULT_DENIED,
	 * RESULT_CONNECT_FAILED, RESULT_UPSTREAM_FAILED with the REP of the
	 * hop: it said no.  RESULT_CLIENT_GONE, RESULT_RESET, RESULT_STOPPED
	 * and RESULT_ERROR as for a dial.
	 */
	struct outcome outcome;
	int fd;               /* the caller's, non-blocking; or -1 */
	struct dial dial;     /* to the hop: peer, local, attempts */
	struct address bound; /* BND of the last reply, with the port;
				  FAMILY_NONE: no address */
	uint8_t flag;         /* FLAG of that reply (RSV of RFC 1928) */

	/* Not for others. */
	size_t length; /* of what was read of a message */
	uint8_t octets[CLIENT_REPLY_MAX];
};

/* From nothing to a hop that waits for a request, by `until'.  u->fd is -1
 * before.  False: u->outcome says why, and u->fd is -1. */
bool upstream_open(struct upstream *u, struct deadline until);

/* Sends a request.  False: as upstream_open(). */
bool upstream_request(struct upstream *u,
    const struct client_request *request);

/*
 * Waits for a reply, and takes not one octet of what follows it.  False: it
 * was none or no success, and u->fd is closed.  A client that leaves meanwhile
 * ends the wait with RESULT_CLIENT_GONE.
 */
bool upstream_reply(struct upstream *u, struct deadline until);

/*
 * Waits for the second reply to a BIND, by `until': who has connected to the
 * hop is u->bound then.  False: u->fd is closed.  RESULT_TIMEOUT: nobody came
 * in time.  RESULT_OK, RESULT_RESET: the client ended its BIND, reset it.
 */
bool upstream_peer(struct upstream *u, struct deadline until);

/* Closes the connection, if there is one. */
void upstream_close(struct upstream *u);

#endif
