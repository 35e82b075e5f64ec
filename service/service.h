/* SPDX-License-Identifier: ISC */
/*
 * The listening mode: the parent Gateway of RFC 3089.
 *
 *	parent   keeps the listening sockets, is the father of all; reads
 *	         neither the configuration nor an octet of a client
 *	gate     a child of the parent that has read the configuration:
 *	         accepts, inside the sandbox, and clones; ends when an input
 *	         changes
 *	session  a clone of the gate, and a child of the parent: from here on
 *	         as in a process that was started for one connection
 */
#ifndef SOCKS64_SERVICE_SERVICE_H
#define SOCKS64_SERVICE_SERVICE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/figures.h"
#include "command/options.h"
#include "service/ledger.h"
#include "service/listeners.h"
#include "session/session.h"
#include "status.h"

/* What the processes of a service have in common. */
struct service {
	const struct options *options;
	char *const *arguments; /* argv, to execute it anew */
	const char *program;    /* the path by which it was started */
	struct listeners listeners;
	struct ledger *ledger;   /* shared by parent and gate */
	struct figures *figures; /* shared by all */
	int memory;              /* the file in memory that has both */
	int parent_end;          /* of the claims socket */
	int child_end;
	sigset_t signals; /* that the parent reads, and nobody else */
	bool strict;      /* a configuration that is broken at the start ends
			  the service: with -l, or as root */
};

/* Is this process to listen?  See listeners_wanted(). */
bool service_wanted(const struct options *options);

/*
 * Serves until it is told to end.  Returns in a session, with STATUS_OK and
 * *is_session true: *s is taken, and inside the sandbox.  Else it returns the
 * exit status of the process.
 */
enum exit_status service_run(struct service *v, struct session *s,
    bool *is_session);

#endif
