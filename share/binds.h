/* SPDX-License-Identifier: ISC */
/*
 * Live BIND ports.  A client that asks for a BIND announces the port to its
 * FTP server (PORT, EPRT); the session that translates that control connection
 * finds here which port is meant, and names it in the other family.
 */
#ifndef SOCKS64_SHARE_BINDS_H
#define SOCKS64_SHARE_BINDS_H

#include <stdint.h>

#include "share/table.h"

enum { BINDS_MAX = 256 }; /* live ones of one share */

/*
 * Where a BIND listens.  Both addresses have the same port; one is
 * FAMILY_NONE where the BIND does not listen in that family.
 */
struct table_bind {
	struct address told; /* BND of the first reply: with `advertise' it
			      * is neither of the two */
	struct address ipv4;
	struct address ipv6;
};

/*
 * Notes that this process listens there, until `until` (clock_now()) at most.
 * The entry lives by a lock that this process holds: table_keep_locks() leaves
 * it, table_close() and the end of the process, however that ends, end it.
 */
enum table_result binds_put(const struct share *share,
    const struct table_bind *bind, int64_t until);

/*
 * Looks for a live BIND of this share, in another process, that told the
 * address and port `announced` or listens there.  0.0.0.0 and :: are any of
 * its addresses: a program of one family whose connection to the gateway has
 * the other knows no better one.
 */
enum table_result binds_find(const struct share *share,
    const struct address *announced, struct table_bind *out);

#endif
