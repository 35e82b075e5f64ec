/* SPDX-License-Identifier: ISC */
/*
 * Connecting to a destination: the name is resolved, its addresses are sorted
 * (RFC 6724), each is judged as it is dialled, and they race (RFC 8305).
 *
 * Example: a client asks for www.example.com:443, and the route to IPv6 is
 * dead.
 *
 *	  0 ms  AAAA and A are asked.
 *	  4 ms  A answers 192.0.2.80.  AAAA is the preferred family, so the
 *		race holds this address back for 50 ms.
 *	 20 ms  AAAA answers 2001:db8::80.  The rules allow it; it is dialled.
 *	270 ms  It is still silent, and attempt-delay is over.  The rules allow
 *		192.0.2.80; it is dialled, too.
 *	290 ms  192.0.2.80 answers and wins.  The other attempt is closed.
 *
 * The record then has "[2001:db8::80]:443 cancelled, 192.0.2.80:443 ok".  Had
 * the rules denied 192.0.2.80, the race would go on with the first alone.
 */
#ifndef SOCKS64_NET_DIAL_H
#define SOCKS64_NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "net/outcome.h"
#include "net/resolve.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "wire/address.h"
#include "wire/socks5.h"

enum {
	ATTEMPTS_TEXT = 1024,
	DIAL_CONNECTING_MAX = 16, /* at a time: descriptors are few */
	/* Those that are open at a time: these, and two look-ups'. */
	DIAL_DESCRIPTORS_MAX = DIAL_CONNECTING_MAX + 2 * RESOLVE_POLL_MAX,
};

struct dial {
	/* What to do.  question->name is looked up, or question->literal is
	 * the one candidate.  client: watched for a reset; -1 for none. */
	const struct settings *settings;
	const struct question *question;
	struct deadline until;
	int client;
	/* The address that the name stands for in a live FTP session of the
	 * same client: goes before what a look-up finds.  FAMILY_NONE: none.
	 * pinned_only: there is no other. */
	struct address pinned;
	bool pinned_only;
	/* The destination is a next gateway, whose address no rule judges, and
	 * what the rule that leads there says of the way (NULL: nothing). */
	bool hop;
	const struct origin *origin;
	/* Ours on the FTP control connection that this is a data connection
	 * of: where the rule has a net with it to choose from, this is chosen.
	 * FAMILY_NONE: there is none. */
	struct address chosen;

	/*
	 * What came of it.  RESULT_OK: connected.  RESULT_CONNECT_FAILED: no
	 * address answered, and the reply follows from its errno.
	 * RESULT_DENIED: every address was denied.  RESULT_RESOLVE_FAILED:
	 * there is no address.  RESULT_CLIENT_GONE: the client reset its
	 * connection meanwhile.  RESULT_STOPPED: SIGTERM.  RESULT_ERROR:
	 * the resolver has no memory.
	 */
	struct outcome outcome;
	int fd;                 /* non-blocking, tuned, the caller's; or -1 */
	struct address peer;    /* dialled, with the port */
	struct address local;   /* of fd */
	bool nat64;             /* peer stands for an IPv4 address */
	struct verdict verdict; /* of the address that was dialled, or of the
				   last one that was denied.  verdict.via set:
				   nothing was dialled, for the rules lead to
				   `peer' by that next gateway */
	char attempts[ATTEMPTS_TEXT]; /* "[2001:db8::80]:443 timeout, ..." */
};

/*
 * Runs to the end, and all descriptors but d->fd are closed.  True: it is
 * connected.  Where the first address that the rules allow goes by a next
 * gateway, or no other answers, d->verdict.via says which, and that is the
 * caller's to dial.
 */
bool dial_run(struct dial *d);

#endif
