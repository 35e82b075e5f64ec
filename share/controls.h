/* SPDX-License-Identifier: ISC */
/*
 * Live FTP control connections: so that data connections and BINDs of the same
 * client find the server that it talks to, whatever DNS says by then.
 */
#ifndef SOCKS64_SHARE_CONTROLS_H
#define SOCKS64_SHARE_CONTROLS_H

#include "share/table.h"

enum { TABLE_CONTROLS_MAX = 64 }; /* in a share */

/* Milliseconds. */
enum {
	TABLE_CONTROL_LIFE = 90 * 1000, /* from making or refreshing */
	TABLE_CONTROL_REFRESH = 30 * 1000,
};

/* name: what the client asked for, as name_classify() gives it, "" for an
 * address.  server: with the port, what was dialled.  rule: the verdict's. */
struct table_control {
	char name[NAME_LENGTH_MAX + 1];
	struct address server;
	char rule[TABLE_RULE_TEXT];
};

/*
 * Says that a control connection lives, for TABLE_CONTROL_LIFE; said again
 * with the same handle every TABLE_CONTROL_REFRESH.  So it is there for 60 to
 * 90 s after its end, whatever that was.  *handle is zero at first.
 */
enum table_result table_control_put(const struct share *share,
    const struct table_control *control, struct table_handle *handle);

/* The youngest of the share's control connections by that name (not ""), or
 * to that address, whatever its port. */
enum table_result table_control_by_name(const struct share *share,
    const char *name, struct table_control *out);
enum table_result table_control_by_address(const struct share *share,
    const struct address *address, struct table_control *out);

#endif
