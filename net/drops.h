/* SPDX-License-Identifier: ISC */
/*
 * Why a datagram of UDP ASSOCIATE was not relayed (RFC 1928 7), counted for
 * the record.  Pure.
 */
#ifndef SOCKS64_NET_DROPS_H
#define SOCKS64_NET_DROPS_H

#include <stdint.h>

#include "base/text.h"

enum drop {
	DROP_NOT,      /* it was relayed, or waits for a name */
	DROP_STRANGER, /* it came from another address than the client's */
	DROP_PORT,     /* from another port of the client */
	DROP_HEADER,   /* it has no header of SOCKS */
	DROP_FRAGMENT,
	DROP_ID,     /* of an ADDRESS ID that this client has not */
	DROP_RULE,   /* denied */
	DROP_NAME,   /* the name has no address */
	DROP_BUSY,   /* too many wait for names, or the client ended */
	DROP_FAMILY, /* this host has no address of that family */
	DROP_HOP,    /* the next gateway has no association for us */
	DROP_SEND,   /* the kernel refused it, it may be too long; or could not
			be asked about the address */
	DROP_PEER,   /* from where nothing was sent to */
	DROP_COUNT,
};

struct drops {
	uint64_t count[DROP_COUNT];
};

/* How many there were, whatever the cause. */
uint64_t drops_total(const struct drops *d);

/* Appends the causes with their counts, as "header:3,rule:1"; nothing where
 * there was none. */
void drops_add(struct text *t, const struct drops *d);

/*
 * Returns what an administrator should hear of an association in which
 * nothing was relayed from the client: a sentence about the most frequent
 * cause; NULL where there was none.
 */
const char *drops_sentence(const struct drops *d);

#endif
