/* SPDX-License-Identifier: ISC */
/*
 * Announced FTP data connections: where a server said that it waits, and the
 * rule that allowed its control connection.
 */
#ifndef SOCKS64_SHARE_ANNOUNCED_H
#define SOCKS64_SHARE_ANNOUNCED_H

#include "share/table.h"

enum {
	TABLE_DATA_MAX = 64,          /* in a share */
	TABLE_DATA_LIFE = 120 * 1000, /* milliseconds */
};

/*
 * The server announced that it waits at `to` (address and port), on a control
 * connection that `rule` allowed.  *handle: what was announced before on that
 * control connection, which this replaces; zero at first.
 */
enum table_result table_data_announce(const struct share *share,
    const struct address *to, const char *rule, struct table_handle *handle);

/* Is it announced in this share?  rule as it was given. */
enum table_result table_data_find(const struct share *share,
    const struct address *to, char rule[TABLE_RULE_TEXT]);

/* The same, and takes it away: it is good for one connection. */
enum table_result table_data_take(const struct share *share,
    const struct address *to, char rule[TABLE_RULE_TEXT]);

/* The youngest that is announced with that port, whatever its address. */
enum table_result table_data_at_port(const struct share *share, uint16_t port,
    struct address *to);

#endif
