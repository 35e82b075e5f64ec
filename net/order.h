/* SPDX-License-Identifier: ISC */
/*
 * Which destination first: RFC 6724 6 and the interleaving of RFC 8305 4.
 * Pure.
 */
#ifndef SOCKS64_NET_ORDER_H
#define SOCKS64_NET_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "wire/address.h"

struct destination {
	struct address address;
	struct address source; /* FAMILY_NONE: there is no route */
	/* What else the kernel said of it, at which sorting does not look: it
	 * is one of this host; it is on a link of it; it could not be said,
	 * for that errno (0: it was). */
	bool self;
	bool on_link;
	int unknown;
};

/* Sorts by the rules of RFC 6724 6; what they find equal keeps its order. */
void order_sort(struct destination *list, size_t n);

/*
 * Lets the families take turns in a sorted list, beginning with `first`
 * (FAMILY_NONE: as it begins); those without a route stay behind the others.
 */
void order_interleave(struct destination *list, size_t n, enum family first);

#endif
