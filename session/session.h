/* SPDX-License-Identifier: ISC */
/*
 * One session: everything that is known of one accepted connection, and the
 * two ways out of it.  The rooms below session/ do not see this struct: each
 * is handed what it works on.
 */
#ifndef SOCKS64_SESSION_SESSION_H
#define SOCKS64_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/alg.h"
#include "log/journal.h"
#include "net/association.h"
#include "net/bind.h"
#include "net/dial.h"
#include "net/inbox.h"
#include "net/relay.h"
#include "net/upstream.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "sandbox/sandbox.h"
#include "session/recall.h"
#include "session/reply.h"
#include "share/table.h"
#include "status.h"
#include "wire/login.h"
#include "wire/request.h"

/* The number of a command without a name. */
enum { COMMAND_TEXT = 8 };

/*
 * Zero is a session that has not begun.  The parts are filled in the order of
 * main(): each step reads what the steps before it have left.
 *
 * What a session writes lies together, large things and what is constant
 * behind it: in the listening mode each page that it writes is a page of its
 * own.
 */
struct session {
	/* What the log says at the end; filled in on the way. */
	struct record record;
	int64_t start; /* CLOCK_MONOTONIC, microseconds */

	enum stage stage;          /* what the client waits for now */
	struct deadline handshake; /* absolute: to the end of the request */
	uint32_t scope;            /* of a link-local client */
	int passwords;             /* the password file, -1: none */
	/* Of the listening mode, until max-sessions-per-user was asked for:
	 * the socket to the parent (-1: none), and where it answers. */
	int claims;
	int answers;
	bool health_check; /* PROXY LOCAL, nothing asked for yet */
	/* record.user points here, or record.userid: nobody has both. */
	char user[LOGIN_FIELD_MAX];
	char literal[ADDRESS_TEXT]; /* record.dest points here, */
	char command[COMMAND_TEXT]; /* and record.command, some of them */

	struct address proxied;   /* destination of the PROXY header */
	struct request request;   /* as it was asked */
	struct recall recall;     /* what other sessions know of it */
	struct question question; /* as it is judged */
	struct verdict verdict;   /* of the request, before any look-up */
	/* ADDRESS IDs: by which one the request asks and where that led last;
	 * which one the reply has (0: none). */
	struct {
		uint32_t asked;
		uint32_t given;
		struct address pinned;
		char text[8];
	} associated;
	struct share share; /* of a UDP association, for its ADDRESS IDs */

	struct table table; /* what the client's sessions share */
	struct relay relay;
	struct dial dial;
	struct inbox inbox; /* inbox.fd is the client's connection */

	struct settings settings; /* session_prepare(); constant then */
	struct alg alg;           /* a control connection of FTP */
	/* One for each other thing that a session can be busy with. */
	struct upstream upstream;
	struct binding binding;
	struct association association;
};

/* Enters a stage of the sandbox, and closes before what that has no use for;
 * or ends the session with 71: a client that waits for a reply gets one, and
 * one that was told of success a reset. */
void session_confine(struct session *s, enum sandbox_stage stage);

/* Where the client reached us: the PROXY header's destination where there is
 * one, else our end of its connection. */
const struct address *session_reached(const struct session *s);

/* This client's part of the association table. */
struct share session_share(struct session *s);

/* ------------------------------------------------ what the client sees */

/* Sends the answer that the client waits for at this stage; a client that is
 * gone ends the session.  The record has the reply to a request. */
void session_answer(struct session *s, const struct response *response);

/* Before the reply that says that octets will be relayed.  SECURITY: from here
 * on no end of this process but that of a whole stream looks like one, to the
 * client or to the server: any other is a reset.  -1: there is none. */
void session_promise(const struct session *s, int server);

/*
 * The address that a reply may name to this client: `ours' where its family is
 * the client's, else session_reached(), or zeros where that is of the other
 * family too.  The port is always ours.
 */
struct address session_bound(const struct session *s,
    const struct address *ours);

/*
 * route_probe() of an address by which the rules decide.  SECURITY: where the
 * kernel could not be asked nothing is decided: the session ends.
 */
struct route session_route(struct session *s, const struct address *address,
    uint32_t scope);

/* --------------------------------------------- what the machine sees */

/* CLIENT USER -> DEST (PEER), or what `title' leaves of it, for systemctl
 * status and ps(1). */
void session_show(struct session *s);

/* The same, and the record `open' where `log-start' asks for one. */
void session_announce(struct session *s);

/* ------------------------------------------------------------ the ends */

/*
 * The end before the relay: says no in the dialect of the stage that the
 * client is in, and leaves the record.  RFC 1928 6 wants the connection closed
 * within 10 seconds; it is within 2.  reason is a sentence whose untrusted
 * octets are escaped, NULL for none.
 */
_Noreturn void session_fail(struct session *s, enum result result,
    enum reply reply, const char *reason);

/* The same, for s->verdict, which denies. */
_Noreturn void session_deny(struct session *s);

/* The end without an answer: leaves the record and the process. */
_Noreturn void session_end(struct session *s, enum result result,
    const char *reason);

/* That of the two which the outcome of a step asks for. */
_Noreturn void session_conclude(struct session *s,
    const struct outcome *outcome);

/* The end where wait_for() said WAIT_STOPPED: SIGTERM came, or the kernel does
 * not let us wait. */
_Noreturn void session_stop(struct session *s);

#endif
