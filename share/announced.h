/* SPDX-License-Identifier: ISC */
/*
 * Announced FTP data connections.  When a server says on a control connection
 * where it waits for the data connection (227, 228, 229), the session of that
 * control connection puts the place here; the data connection arrives as a
 * session of its own and finds it.
 */
#ifndef SOCKS64_SHARE_ANNOUNCED_H
#define SOCKS64_SHARE_ANNOUNCED_H

#include "share/table.h"

enum {
	ANNOUNCED_MAX = 256, /* live ones of one share */
	/* Milliseconds, from announced_put(): so long it lives, and is kept
	 * where there are too many. */
	ANNOUNCED_LIFE = 120 * 1000,
	ANNOUNCED_REST = 10 * 1000,
};

/*
 * Notes that the server waits at `to`, an address with its port.  The entry
 * that *handle names, which was announced before on the same control
 * connection, is replaced; *handle is zero at first and names the new entry
 * then.
 */
enum table_result announced_put(const struct share *share,
    const struct address *to, struct table_handle *handle);

/* Is there an entry of that address and port in this share? */
enum table_result announced_find(const struct share *share,
    const struct address *to);

/* As announced_find(), and removes the entry, which is good for one
 * connection. */
enum table_result announced_take(const struct share *share,
    const struct address *to);

/* Looks for the youngest entry of the share with that port, whatever its
 * address, which *to becomes. */
enum table_result announced_at_port(const struct share *share, uint16_t port,
    struct address *to);

#endif
