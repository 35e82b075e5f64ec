/* SPDX-License-Identifier: ISC */
/*
 * Waiting for the peer of a BIND (RFC 1928 4): a listener in both families at
 * one port, and who may connect to it.
 */
#ifndef SOCKS64_NET_BIND_H
#define SOCKS64_NET_BIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "net/candidates.h"
#include "net/dial.h"
#include "net/outcome.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "wire/socks5.h"

struct binding {
	/* What to do.  question->name is looked up, or question->literal is
	 * the peer; an address of zeros is any peer, which a rule must open
	 * as the address that it is. */
	const struct settings *settings;
	const struct question *question;
	uint16_t wanted; /* port; 0: any */
	int client;      /* watched; not read */

	/* Who may connect: each was judged. */
	struct address peers[CANDIDATES_MAX];
	size_t peer_count;
	bool any_peer;

	/* From where, as the rule has it that allows the first of them: our
	 * address towards them. */
	struct egress egress;

	/* Where they may: -1 where this host lacks the family. */
	int listener_ipv4;
	int listener_ipv6;
	/* Our addresses towards the peer, by family, with the port; zeros
	 * and the port where the peer has no address of that family. */
	struct address ipv4;
	struct address ipv6;

	/*
	 * What came of it.  RESULT_DENIED: no peer would be allowed.
	 * RESULT_RESOLVE_FAILED: the peer's name has no address.
	 * RESULT_CONNECT_FAILED: there was no port, or no descriptor for the
	 * peer.  RESULT_TIMEOUT: nobody came in time.  RESULT_CLIENT_GONE,
	 * RESULT_RESET: the client left before the first reply, behind it.
	 * RESULT_OK: the peer is there; or the client ended its wait.
	 * RESULT_STOPPED: SIGTERM.  RESULT_ERROR: the resolver has no memory,
	 * or this host could not be asked whose address the peer's is.
	 */
	struct outcome outcome;
	int fd; /* of the peer: non-blocking, tuned; or -1 */
	struct address peer;
	struct address local; /* of fd */
	struct verdict verdict;
	int unknown; /* an errno: this host could not be asked about a peer */
	char attempts[ATTEMPTS_TEXT]; /* "192.0.2.9:4711 stranger, ..." */
};

/*
 * From the question to two listeners, by `until'.  True: they listen.  Where
 * the first peer that the rules allow is to be met at a next gateway,
 * b->verdict.via says which, b->peers has that peer alone, and there is no
 * listener.
 */
bool binding_open(struct binding *b, struct deadline until);

/*
 * Waits for a peer that is expected and that the rules allow now, by `until';
 * all others are closed, and the wait goes on.  The listeners are closed at
 * return, whatever came of it.  True: the peer is there.
 */
bool binding_wait(struct binding *b, struct deadline until);

#endif
