/* SPDX-License-Identifier: ISC */
/*
 * Where an association may send, as far as it was judged, and where it has
 * sent: from there answers are taken.  No descriptor, no clock.
 */
#ifndef SOCKS64_NET_PEERS_H
#define SOCKS64_NET_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

/* A peer has its place in one of so many sets of so many; a new one takes the
 * place of the one that was used longest ago. */
enum { PEER_SETS = 1024, PEER_WAYS = 4 };

struct peer {
	struct address address; /* with the port; FAMILY_NONE: unused */
	/* The name that it was asked by (a rule may look at it); 0: by
	 * address. */
	uint32_t name;
	uint32_t used;
	bool allowed;
	bool sent; /* answers are welcome */
};

struct peers {
	uint32_t uses;
	struct peer list[PEER_SETS][PEER_WAYS];
};

/* The peer, as it was asked by that name; NULL: not known (any more). */
struct peer *peers_find(struct peers *p, const struct address *address,
    uint32_t name);

/* Makes one, neither allowed nor sent to. */
struct peer *peers_add(struct peers *p, const struct address *address,
    uint32_t name);

/* Was anything sent to that address and port, whatever the name? */
bool peers_sent(struct peers *p, const struct address *address);

#endif
