/* SPDX-License-Identifier: ISC */
/*
 * The loop of an FTP control connection: it moves octets between the two
 * sockets, and those of the data connections that the gateway makes for
 * clients that listen.  What the octets mean is not its business.
 *
 * The states of a dialogue, with an IPv6 client of an IPv4 server:
 *
 *	server: 220 Welcome            Until the greeting is complete nothing
 *	                               is taken from the client.
 *	client: USER a                 Commands go on as lines, each waits in
 *	server: 331 Which password?    the queue for its reply.
 *	client: EPSV                   Behind all replies the server is asked
 *	client: RETR file              PASV.  RETR stays where it was read.
 *	server: 227 ... 237,19         The client gets 229 with port 60691;
 *	                               RETR is taken, and goes on.
 *	client: AUTH TLS               It is held until RETR is answered and no
 *	                               data connection runs; then it goes on.
 *	server: 234 Go ahead           Lines are over (raw).  When all of them
 *	                               is written, dialogue_run() returns with
 *	                               a->transparent, the caller takes away
 *	                               what made connections possible, and
 *	                               dialogue_relay() does the rest.
 *
 * Where the connection is only watched, or lines are over, the relay moves
 * the very octets: urgent ones and resets stay what they are.
 */
#ifndef SOCKS64_ALG_DIALOGUE_H
#define SOCKS64_ALG_DIALOGUE_H

#include "alg/alg.h"
#include "net/outcome.h"

/*
 * Runs the control connection to its end, and returns its result.  Or, with
 * a->transparent set and a result that means nothing, to where
 * dialogue_relay() is to go on.  Sockets are left as relay_run() leaves them.
 */
enum result dialogue_run(struct alg *a);

/* Relays the rest without looking at it.  It makes no connection and opens
 * nothing. */
enum result dialogue_relay(struct alg *a);

#endif
