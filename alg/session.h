/* SPDX-License-Identifier: ISC */
/*
 * An FTP control connection between two sockets: watched, or translated
 * between the families (RFC 6384 and the other direction), with the data
 * connections of clients that listen by themselves.
 */
#ifndef SOCKS64_ALG_SESSION_H
#define SOCKS64_ALG_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/relay.h"
#include "policy/settings.h"
#include "share/controls.h"
#include "wire/address.h"

enum { ALG_DONE_TEXT = 128, ALG_REASON_TEXT = 256 };

struct alg {
	/* The two sockets, as struct relay has them, and what the client
	 * sent before. */
	int client;
	int server;
	const uint8_t *early;
	size_t early_length;
	const struct settings *settings;

	/* Changes no octet, only notes what is announced. */
	bool watch;

	struct address client_address;
	uint32_t scope;                /* of a link-local client */
	struct address reached;        /* ours, as the client knows it */
	struct address near;           /* the same, port 0, where it is an
					  address of this host; else
					  FAMILY_NONE */
	uint16_t never[2];             /* ports at the client's address that
					  are this gateway's own; 0: none */
	struct address server_address; /* with the port */
	struct address local;          /* ours towards the server */

	struct share share;
	struct table_control control; /* what the table is to say of this */

	struct table_handle alive; /* of alg_begin() */

	/* Of alg_run(): it is not over, but there are no lines any more
	 * (AUTH; or it is not FTP).  early: what is to go first. */
	bool transparent;

	/* Payload octets to the server, to the client: of the control
	 * connection, and of the data connections that were relayed here. */
	uint64_t up;
	uint64_t down;

	/* "PASV>EPSV,PORT>EPRT"; empty: nothing was translated. */
	char done[ALG_DONE_TEXT];
	/* What did not work though the session went on, or why it ended;
	 * empty: nothing to say. */
	char reason[ALG_REASON_TEXT];
};

/* Says in the table that the control connection lives: before the client
 * hears of it. */
void alg_begin(struct alg *a);

/*
 * To the end of the control connection: its result.  Or, with
 * a->transparent, until alg_relay() is to go on, which makes no connection
 * and opens nothing; the result says nothing then.
 */
enum result alg_run(struct alg *a);
enum result alg_relay(struct alg *a);

/* For the record: what did not work.  The last one is kept. */
void alg_note(struct alg *a, const char *what, const char *why);

/* The same, where there is nothing worse to say. */
void alg_mention(struct alg *a, const char *what, const char *why);

#endif
