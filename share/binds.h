/* SPDX-License-Identifier: ISC */
/*
 * Live BIND ports: so that an FTP session of the same client can tell what its
 * PORT or EPRT means, and say it in the other family.
 */
#ifndef SOCKS64_SHARE_BINDS_H
#define SOCKS64_SHARE_BINDS_H

#include <stdint.h>

#include "share/table.h"

enum { TABLE_BINDS_MAX = 64 }; /* in a share */

/* Where a BIND listens: the same port at both; FAMILY_NONE where it does not
 * listen in that family.  told: BND of its first reply, which may be neither
 * of them (`advertise'). */
struct table_bind {
	struct address told;
	struct address ipv4;
	struct address ipv6;
};

/*
 * Says that this process listens there until `until` (clock_now()) at most.
 * The entry is bound to the table's descriptor: it is gone with the process,
 * however that ends.
 */
enum table_result table_bind_put(const struct share *share,
    const struct table_bind *bind, int64_t until,
    struct table_handle *handle);

/* The listener is closed. */
void table_bind_remove(const struct share *share,
    const struct table_handle *handle);

/* The share's live BIND, of another process, that told that address and port
 * or listens there. */
enum table_result table_bind_find(const struct share *share,
    const struct address *announced, struct table_bind *out);

#endif
