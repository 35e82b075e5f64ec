/* SPDX-License-Identifier: ISC */
/*
 * PORT, EPRT and LPRT: the client waits for the server.  It waits either at
 * an address of its own, then the gateway listens for the server and connects
 * to the client (alg/channels.h); or at this gateway by a BIND, which has a
 * port in the server's family too, then only the text changes.
 *
 * An example, with an IPv4 client 192.0.2.77 of an IPv6 server:
 *
 *	client                     gateway                      server
 *	PORT 192,0,2,77,195,80 ->  listens at [2001:db8::1]:40123
 *	                           EPRT |2|2001:db8::1|40123| ->
 *	                                                     <- 200 Fine
 *	                       <-  200 PORT command successful
 *	RETR file              ->  RETR file                 ->
 *	                       <-  150 Here it comes         <- 150 ...
 *	                                   the server connects to port 40123
 *	     the gateway connects to 192.0.2.77, port 50000
 */
#ifndef SOCKS64_ALG_ACTIVE_H
#define SOCKS64_ALG_ACTIVE_H

#include <stdbool.h>

#include "alg/commands.h"
#include "alg/control.h"
#include "alg/queue.h"

/* Takes a command that says where the client waits: translates it, sends it
 * on as it is, or refuses it (command_judge_target()). */
void active_ask(struct control *k, const struct command *command);

/* Takes the reply, with this code, to what active_ask() asked.  Returns true
 * where the client has its answer; false where the server was asked anew. */
bool active_replied(struct control *k, struct waiting_command *c,
    unsigned code);

#endif
