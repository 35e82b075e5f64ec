/* SPDX-License-Identifier: ISC */
/*
 * The state of an FTP control connection that a session hands to this room:
 * its two sockets, who the client and the server are, and what the session's
 * record will say.  alg/dialogue.h runs it.
 *
 * FTP is translated between the families (RFC 6384 and the other direction),
 * with the data connections of clients that listen by themselves; or it is
 * watched only, and no octet changes.
 */
#ifndef SOCKS64_ALG_ALG_H
#define SOCKS64_ALG_ALG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "policy/settings.h"
#include "share/controls.h"
#include "wire/address.h"

enum { ALG_DONE_TEXT = 128, ALG_REASON_TEXT = 256 };

struct alg {
	/* The two sockets are non-blocking and borrowed, as struct relay has
	 * them; `early' is what the client sent before, borrowed too. */
	int client;
	int server;
	const uint8_t *early;
	size_t early_length;
	const struct settings *settings;

	/* What the session was asked and the rule that allowed it; whether
	 * the gateway may connect to the client is judged by both.  origin:
	 * what that rule says of connections to the server, or NULL.
	 * client_self says that the client's address is one of this host,
	 * client_on_link that it is on a link of it.  Borrowed. */
	const struct question *question;
	const struct rule *rule;
	const struct origin *origin;
	bool client_self;
	bool client_on_link;

	/* True where octets are only watched for announced connections. */
	bool watch;

	struct address client_address;
	uint32_t scope;      /* of a link-local client; else 0 */
	struct address near; /* where the client reached the gateway, with port
				0, where that is an address of this host; else
				FAMILY_NONE */
	/* The other end of `server', with the port: the FTP server, or the
	 * next gateway on the way there.  destination: what the table calls
	 * the server. */
	struct address server_address;
	struct address destination;
	bool via;             /* it is a next gateway */
	bool nat64;           /* it is an IPv4 host behind a translator */
	struct address local; /* the gateway's address towards the server */

	/* The table, and what it is to say of this control connection. */
	struct share share;
	struct table_control control;
	struct table_handle alive; /* zero at first */
	bool announced;            /* it was announced, and still is */

	/* dialogue_run() sets it where the connection lives on without lines
	 * (AUTH, or it is no FTP): dialogue_relay() is to follow, and `early'
	 * is what goes to the server first. */
	bool transparent;

	/* Payload octets to the server and to the client: those of the
	 * control connection, and those of the data connections that were
	 * relayed here. */
	uint64_t up;
	uint64_t down;

	/* "PASV>EPSV,PORT>EPRT"; empty where nothing was translated. */
	char done[ALG_DONE_TEXT];
	/* What did not work though the session went on, or why it ended;
	 * empty where there is nothing to say. */
	char reason[ALG_REASON_TEXT];
};

/*
 * Announces in the table that the control connection lives: before the client
 * hears that it has logged in, or that AUTH was accepted.  The entry pins the
 * server's name, and lets the client have a BIND for the server; it is good
 * for CONTROL_LIFE.
 */
void alg_announce(struct alg *a);

/* Announces it again; to be called every CONTROL_REFRESH.  Does nothing where
 * alg_announce() was not called, or alg_withdraw() was. */
void alg_refresh(struct alg *a);

/* The connection turned out to be no FTP: it is not announced again. */
void alg_withdraw(struct alg *a);

/* Returns why an operation on the table failed, as a sentence. */
const char *alg_table_problem(const struct alg *a, enum table_result result);

/* Notes in `done' that the client's command became another of the server's;
 * once for each pair of verbs. */
void alg_note_translated(struct alg *a, const char *asked, const char *way);

/* Notes in `reason' what did not work, and why ("" for no more to say); the
 * last note is kept. */
void alg_note(struct alg *a, const char *what, const char *why);

/* Notes the same only where nothing was noted before. */
void alg_mention(struct alg *a, const char *what, const char *why);

/* Puts the reason of the end before what was noted on the way. */
void alg_note_end(struct alg *a, const char *reason);

#endif
