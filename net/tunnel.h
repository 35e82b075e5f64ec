/* SPDX-License-Identifier: ISC */
/*
 * The association that an association has at a next gateway: a connection to
 * it, which asked for UDP ASSOCIATE and stays open, and a socket for the
 * datagrams that go by it.  They travel with the header of RFC 1928 7, so that
 * the hop knows where to.
 */
#ifndef SOCKS64_NET_TUNNEL_H
#define SOCKS64_NET_TUNNEL_H

#include <stdbool.h>

#include "base/wait.h"
#include "net/upstream.h"
#include "wire/address.h"

struct tunnel {
	/* upstream.settings, hop, question, reached and client are set by who
	 * opens it. */
	struct upstream upstream;
	int fd;               /* of the datagrams; -1: the hop refused */
	struct address relay; /* where they are sent, and come from */
};

/*
 * Asks the hop for an association, by `until'.  False: upstream.outcome says
 * why, and nothing is left open.
 */
bool tunnel_open(struct tunnel *t, struct deadline until);

#endif
