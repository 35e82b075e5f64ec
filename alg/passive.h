/* SPDX-License-Identifier: ISC */
/*
 * PASV, EPSV and LPSV: the server listens, and the client connects there by
 * another session of this gateway.  So nothing is relayed here: the server is
 * asked in its own family's way, what it answers is announced in the table,
 * and the client is told in its own family's way.
 *
 * An example, with an IPv4 client of an IPv6 server that knows no EPSV:
 *
 *	client     gateway    server
 *	PASV  ->   EPSV  ->
 *	                   <- 500 What?
 *	           LPSV  ->
 *	                   <- 228 Long Passive (6,16,32,1,...,9,2,237,19)
 *	      <-   227 Entering Passive Mode (0,17,4,9,237,19)
 *
 * 0.17.4.9 is an alias, which stands for the server's address in this client's
 * later requests.  The next PASV becomes an LPSV at once.
 */
#ifndef SOCKS64_ALG_PASSIVE_H
#define SOCKS64_ALG_PASSIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "alg/commands.h"
#include "alg/control.h"
#include "alg/queue.h"
#include "alg/replies.h"

/* Asks the server for a passive data connection in the way that it took last
 * time.  Later commands are held until it has answered. */
void passive_ask(struct control *k, enum ask ask);

/*
 * Returns the port that a line of a 227, 228 or 229 announces, 0 for none.
 *
 * SECURITY: the address in the line is never used (RFC 2577, RFC 6384 6): it
 * is the server's own, whatever the line says.
 */
uint16_t passive_port(struct control *k, const struct reply_line *line);

/* Announces in the table that the server waits at that port of its own.
 * SECURITY: a port below 1024 is a service's, and is not announced; neither is
 * any port where the client has not logged in. */
void passive_announce(struct control *k, uint16_t port);

/* Takes the reply, with this code, to what passive_ask() asked.  Returns true
 * where the client has its answer; false where the server was asked anew. */
bool passive_replied(struct control *k, struct waiting_command *c,
    unsigned code);

#endif
