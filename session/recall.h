/* SPDX-License-Identifier: ISC */
/*
 * What the association table knows of the destination of a CONNECT or a BIND,
 * from other sessions of the same client: FTP's data connections arrive as
 * sessions of their own, and find here where they belong (SOCKS64, RFC 6384).
 *
 * An example.  A client of IPv4 reads `227 ... (0,1,2,3,195,80)' on a control
 * connection to 2001:db8::21, which this gateway translated.  Its CONNECT to
 * 0.1.2.3 port 50000 becomes one to 2001:db8::21, and where no rule allows
 * that, the announcement does.
 */
#ifndef SOCKS64_SESSION_RECALL_H
#define SOCKS64_SESSION_RECALL_H

#include <stdbool.h>

#include "policy/policy.h"
#include "policy/settings.h"
#include "share/table.h"
#include "wire/address.h"

struct recall {
	/* What is asked of.  reached: where the client reached us, or its
	 * proxy. */
	const struct settings *settings;
	struct share share;
	struct address reached;

	/* What is known.  pinned, with a port: where a live FTP session of the
	 * client has the name, or FAMILY_NONE; it goes before what a look-up
	 * finds.  pinned_only: nothing else is to be dialled. */
	struct address pinned;
	bool pinned_only;
	/* Ours on the control connection of FTP on which this destination was
	 * announced; FAMILY_NONE: it was not.  Servers look whether both come
	 * from the same address. */
	struct address local;
	char name[NAME_LENGTH_MAX + 1]; /* question->name may point here */
};

/*
 * Rewrites what the question asks for, before it is judged.  An alias becomes
 * the address that it stands for; a port of this gateway that was announced,
 * the address where it was; the peer of a BIND, the server of the live control
 * connection.  question->announced is set where no rule allows the destination
 * but one allows the control connection on which it was announced; the
 * announcement is used up by that.  Everything but name, literal and announced
 * stays as it is, and all of it where the table knows nothing, or where no
 * rule could allow this client anything.
 */
void recall_rewrite(struct recall *r, struct question *question);

#endif
