/* SPDX-License-Identifier: ISC */
/*
 * The ADDRESS IDs of an association's datagrams (RFC 1928 7 and
 * draft-kitamura-socks-ipv6-01).  What each stands for is asked of the table
 * once, and believed for a moment, so that not every datagram takes the
 * table's lock; and who names many that are none is not asked for any more.
 */
#ifndef SOCKS64_NET_ASSOCIATED_H
#define SOCKS64_NET_ASSOCIATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "share/table.h"
#include "wire/request.h"

enum {
	ASSOCIATED_MAX = 16,     /* that are known at a time */
	ASSOCIATED_LIFE = 10000, /* milliseconds; less than an ID's */
};

/* Zero, but for `share', is none. */
struct associated {
	struct share *share; /* borrowed; NULL: IDs are not served */
	size_t next;         /* whose place the next one takes */
	unsigned wrong;      /* IDs that there are not, */
	int64_t wrong_since; /* ... from then on; clock_now() */
	struct {
		uint32_t id;   /* 0: a free place */
		int64_t until; /* clock_now() */
		bool unpinned; /* the table is to be told of its use */
		struct address address; /* without a name: it; else where
					 * the name led last, FAMILY_NONE:
					 * nowhere that counts */
		char name[NAME_LENGTH_MAX + 1];
	} list[ASSOCIATED_MAX];
};

/*
 * Makes of an address field that is an ADDRESS ID what that stands for; the
 * port stays.  *pinned: where a name led within the last minute, to whoever
 * used this ID; FAMILY_NONE for nowhere.  False: this client has no such ID,
 * or has named GUESSES_MAX wrong ones within GUESS_LIFE here; the field is as
 * it was.
 */
bool associated_read(struct associated *a, struct request *to,
    struct address *pinned);

/* Notes that the name behind an ID was used at that address. */
void associated_use(struct associated *a, uint32_t id,
    const struct address *address);

#endif
