/* SPDX-License-Identifier: ISC */
/*
 * From the first octet to a whole request: PROXY header, greeting, method,
 * authentication, request.  Each step comes back when it succeeded, and ends
 * the session otherwise.  RFC 1928 3 and 4, RFC 1929; SOCKS4 has a request
 * alone.
 */
#ifndef SOCKS64_SESSION_HANDSHAKE_H
#define SOCKS64_SESSION_HANDSHAKE_H

#include "session/session.h"

/*
 * Where `proxy-protocol-from' is set: the header, whose source is the client
 * from then on; who is not named there is sent away.
 */
void session_proxy(struct session *s);

/* The greeting, the choice of a method and what the method asks for; nothing
 * of it where the client begins with a request of SOCKS4 that is served. */
void session_authenticate(struct session *s);

/* The request, into s->request and the record. */
void session_request(struct session *s);

/* Puts command and destination of the request into the record. */
void session_note_request(struct session *s);

#endif
