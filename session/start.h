/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a session, in two parts.  session_prepare() does what
 * needs no connection, and is done once however many sessions follow it.
 * session_take() does what each connection needs.  A process that was started
 * for one connection does both, by session_open():
 *
 *	session_open
 *	    session_prepare   configuration, log, user, what will be read
 *	    session_take      the client, its record, its deadline
 */
#ifndef SOCKS64_SESSION_START_H
#define SOCKS64_SESSION_START_H

#include "policy/settings.h"
#include "session/connection.h"
#include "session/session.h"
#include "status.h"

/* What a preparation is made from, and whom it tells what is wrong. */
struct preparation {
	const struct settings_source *source;
	int client; /* the log never writes to it; -1: there is none yet */
	settings_report *report; /* is told each error of the configuration;
				    warnings are for -t */
	void *context;
	const char *failure; /* set where the system failed us: a sentence */
};

/*
 * Reads the configuration, opens the log, becomes the user, tries what
 * outgoing connections will be given, and opens the files that are read
 * behind the sandbox: passwords, association table, the resolver's.  *s is
 * zero before.  Returns STATUS_OK; or STATUS_CONFIG or STATUS_SYSTEM, and then
 * either `report` was called or p->failure says why.
 */
enum exit_status session_prepare(struct session *s, struct preparation *p);

/*
 * Makes a prepared session that of connection *c, which is CONNECTION_OPEN or
 * CONNECTION_GONE: its record, and the absolute deadline of its handshake,
 * which counts from c->since.  A client that has gone ends the session here.
 */
void session_take(struct session *s, const struct connection *c);

/*
 * All of that for the one connection of this process, which is not
 * CONNECTION_NONE.  Returns STATUS_OK with a connection to serve; else the
 * exit status, and what is wrong is in the log.
 */
enum exit_status session_open(struct session *s, const struct connection *c,
    const struct settings_source *source);

#endif
