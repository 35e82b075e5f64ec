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
#include "policy/policy.h"
#include "policy/settings.h"
#include "sandbox/sandbox.h"
#include "share/table.h"
#include "status.h"
#include "wire/login.h"
#include "wire/socks5.h"

/* In which dialect the client waits for an answer. */
enum stage {
	STAGE_SILENT,  /* none: before a greeting, and while relaying */
	STAGE_METHOD,  /* VER METHOD */
	STAGE_LOGIN,   /* VER STATUS */
	STAGE_REQUEST, /* VER REP ... */
};

struct session {
	struct settings settings;
	enum stage stage;
	struct deadline handshake; /* absolute: to the end of the request */
	struct inbox inbox;        /* inbox.fd is the client's connection */
	uint32_t scope;            /* of a link-local client */
	int passwords;             /* the password file, -1: none */
	bool health_check;         /* PROXY LOCAL: not worth a record */
	char user[LOGIN_FIELD_MAX];

	struct socks5_request request;
	struct question question;
	struct verdict verdict;
	struct dial dial;
	struct binding binding;
	struct association association;
	struct relay relay;

	/* What the client's sessions share, and FTP. */
	struct table table;
	char announced[TABLE_RULE_TEXT]; /* question.announced */
	struct alg alg;

	/* What the log says at the end; filled in on the way. */
	struct record record;
	int64_t start; /* CLOCK_MONOTONIC, microseconds */
};

/* Enters a stage of the sandbox, or ends the session with 71. */
void session_confine(struct session *s, enum sandbox_stage stage);

/*
 * The only way out before the relay: says no in the dialect of the stage
 * that the client is in (10-second rule: RFC 1928 6), leaves the record.
 * reason is a sentence without untrusted octets that are not escaped, NULL
 * for none.
 */
_Noreturn void session_fail(struct session *s, enum result result,
    enum reply reply, const char *reason);

/* Leaves the record and the process. */
_Noreturn void session_end(struct session *s, enum result result,
    const char *reason);

#endif
