/* SPDX-License-Identifier: ISC */
/*
 * Live FTP control connections.  Data connections and BINDs of the same client
 * find here which server its control connection goes to, whatever DNS says by
 * then.
 */
#ifndef SOCKS64_SHARE_CONTROLS_H
#define SOCKS64_SHARE_CONTROLS_H

#include "share/table.h"

enum { CONTROLS_MAX = 256 }; /* live ones of one share */

/* Milliseconds. */
enum {
	CONTROL_REST = 40 * 1000, /* it has ended, and may be forgotten */
	CONTROL_LIFE = 90 * 1000, /* from the last controls_put() */
	CONTROL_REFRESH = 30 * 1000,
};

struct table_control {
	/* What the client asked for, as name_classify() gives it; "" where
	 * it asked for an address. */
	char name[NAME_LENGTH_MAX + 1];
	/* What was dialled, or what a next gateway was told, with the port; or
	 * controls_key() of the name. */
	struct address server;
	/* Ours on that connection.  FAMILY_NONE: not known. */
	struct address local;
};

/*
 * The address that stands for a server which a next gateway is told by that
 * name, and which nobody here knows the address of: one of 100::/64, to which
 * nothing is ever sent (RFC 6666).  The same name has the same one.
 */
struct address controls_key(const char *name);
bool controls_is_key(const struct address *address);

/*
 * Notes that a control connection lives, for CONTROL_LIFE.  Its session calls
 * this again every CONTROL_REFRESH with the same handle, which is zero at
 * first.  So an entry outlives its connection by 60 to 90 s, however that
 * ends.
 */
enum table_result controls_put(const struct share *share,
    const struct table_control *control, struct table_handle *handle);

/* Looks for the youngest control connection of the share by that name; the
 * name "" finds none. */
enum table_result controls_by_name(const struct share *share, const char *name,
    struct table_control *out);

/* The same by the address of the server, whatever its port. */
enum table_result controls_by_address(const struct share *share,
    const struct address *address, struct table_control *out);

#endif
