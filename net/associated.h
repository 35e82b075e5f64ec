/* SPDX-License-Identifier: ISC */
/*
 * The ADDRESS IDs of an association's datagrams (RFC 1928 7 and
 * draft-kitamura-socks-ipv6-01).  What each stands for is asked of the table
 * once, and believed for a moment, so that not every datagram takes the
 * table's lock.
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
	struct {
		uint32_t id;            /* 0: a free place */
		int64_t until;          /* clock_now() */
		struct address address; /* FAMILY_NONE: the name */
		char name[NAME_LENGTH_MAX + 1];
	} list[ASSOCIATED_MAX];
};

/*
 * Makes of an address field that is an ADDRESS ID what that stands for; the
 * port stays.  False: this client has no such ID, and the field is as it was.
 */
bool associated_read(struct associated *a, struct request *to);

#endif
