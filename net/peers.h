/* SPDX-License-Identifier: ISC */
/*
 * The peers of an association: where it may send, as far as that was judged,
 * and where it has sent, because answers are taken from there only (those of a
 * next gateway come from the gateway).  Pure: no
 * descriptor, no clock.
 */
#ifndef SOCKS64_NET_PEERS_H
#define SOCKS64_NET_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

/* The table has PEER_SETS sets of PEER_WAYS peers.  Address and port say which
 * set; there a new peer takes the place of the one that was used longest
 * ago. */
enum { PEER_SETS = 1024, PEER_WAYS = 4 };

struct peer {
	struct address address; /* with the port; FAMILY_NONE: unused */
	/* The name that it was asked by (a rule may look at it); 0: by
	 * address. */
	uint32_t name;
	uint32_t used;               /* the value of peers.uses then */
	struct address source;       /* ours towards it, port 0 */
	const struct rule *rule;     /* that decided; NULL: no line did */
	const struct hop *via;       /* the next gateway that leads there */
	const struct origin *origin; /* what that rule says of the way; NULL */
	bool forwards;               /* ... and is told the name */
	bool allowed;                /* the rules let datagrams go there */
	bool unsure;                 /* the kernel could not be asked: not
					allowed for now */
	bool sent;                   /* one went there */
	uint32_t id;      /* the last one had this ADDRESS ID; 0: none */
	uint32_t sent_at; /* the value of peers.uses then */
};

struct peers {
	uint32_t uses; /* how often a peer was found or added */
	struct peer list[PEER_SETS][PEER_WAYS];
};

/* The peer with that address and port, as it was asked by that name; NULL: it
 * is not known, or had to make room. */
struct peer *peers_find(struct peers *p, const struct address *address,
    uint32_t name);

/* Makes one, neither allowed nor sent to.  The one whose place it takes is
 * forgotten. */
struct peer *peers_add(struct peers *p, const struct address *address,
    uint32_t name);

/* The key of a name that is not looked up: no address of a host, but its own
 * for each name and port. */
struct address peers_key(const char *name, uint16_t port);

/* Notes that a datagram went there, by that ADDRESS ID or (0) without. */
void peers_note(struct peers *p, struct peer *peer, uint32_t id);

/* The ADDRESS ID of the last datagram that went to that address and port,
 * whatever the name; 0: it had none. */
uint32_t peers_id(struct peers *p, const struct address *address);

/* Was anything sent to that address and port, whatever the name? */
bool peers_sent(struct peers *p, const struct address *address);

#endif
