/* SPDX-License-Identifier: ISC */
/*
 * ADDRESS ID and ADDRESS ASSOCIATE (draft-kitamura-socks-ipv6-01): numbers
 * that stand for a destination, for the sessions of one client.
 *
 * An example.  A client sends `05 08 00 03 0f www.example.com 00 00' and gets
 * `05 00 00 08 00 5a 3c e1 00 00': 5a3ce1 is the name.  On this connection or
 * another, `05 01 00 08 00 5a 3c e1 00 50' connects to www.example.com, port
 * 80, if the rules allow that; and a datagram for it has a header of 10
 * octets.
 *
 * SECURITY: an ID is no permit.  What it stands for is judged at each use, as
 * if the client had written it out.
 */
#ifndef SOCKS64_SESSION_ASSOCIATE_H
#define SOCKS64_SESSION_ASSOCIATE_H

#include "session/session.h"

/* Dedicated commands of one connection, and how long it may say nothing
 * behind one; milliseconds. */
enum { ASSOCIATIONS_MAX = 16, ASSOCIATE_IDLE = 30 * 1000 };

/* Is that a command of this extension, and is it served? */
bool associate_serves(const struct session *s);

/*
 * Makes of a request by ADDRESS ID one for what the ID stands for.  The
 * session ends with 08 where `address-id' is off, and with 09 for an ID that
 * this client has not got: unknown, expired, another's, CLASS not 00, and
 * every one while it guesses.
 */
void associate_read(struct session *s);

/* Where the name behind the ID that was asked by led within the last minute,
 * with the port of the request; FAMILY_NONE: nowhere. */
struct address associate_pinned(const struct session *s);

/* Serves a dedicated command, which is judged first.  It comes back where the
 * client has its reply, and may ask for more. */
void associate_serve(struct session *s);

/* Makes the ID for 09, 0A and 0B, for what the request asks for; the session
 * ends with 01 where there is none to have.  Nothing for other commands. */
void associate_give(struct session *s);

/* Is there an ID of this request, for which the table stays open? */
bool associate_lasts(const struct session *s);

/* Notes that what was asked for by an ID, or for one, was reached at that
 * address; FAMILY_NONE: nowhere that counts.  session_fail() forgets an ID of
 * what was not. */
void associate_conclude(struct session *s, const struct address *peer);

#endif
