/* SPDX-License-Identifier: ISC */
/*
 * UDP ASSOCIATE as its client (RFC 1928 4, 6 and 7).
 */
#include "net/tunnel.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/route.h"
#include "net/sockaddr.h"

/*
 * Where the hop takes datagrams: its BND, or its own address where BND is none
 * or is what a PROXY header told it of us.  SECURITY: not an address of this
 * host, unless the hop is here.
 */
static struct address
relay_of(const struct tunnel *t)
{
	const struct upstream *u = &t->upstream;
	const struct address *told = u->question->proxied.family !=
		FAMILY_NONE ?
	    &u->question->proxied :
	    &u->reached;
	struct address relay = u->bound;

	if (relay.family == FAMILY_NONE || address_is_any(&relay) ||
	    (u->hop->proxied && address_equal(&relay, told)) ||
	    (route_probe(u->settings, &relay, 0).self &&
		!route_is_own(u->settings, &u->dial.peer, 0))) {
		relay = u->dial.peer;
		relay.port = u->bound.port;
	}
	return relay;
}

/* The socket has the address that the hop knows this session by. */
static bool
bind_socket(const struct tunnel *t)
{
	const struct upstream *u = &t->upstream;
	const enum family family = t->relay.family;
	struct egress egress = route_egress(u->settings, u->origin);
	struct address *source = family == FAMILY_IPV6 ? &egress.source_ipv6 :
							 &egress.source_ipv4;

	if (u->dial.local.family == family)
		*source = u->dial.local;
	source->family = family; /* zeros: the kernel's choice */
	source->port = 0;
	return route_apply(&egress, t->fd, family);
}

static bool
open_socket(struct tunnel *t)
{
	struct upstream *u = &t->upstream;

	t->relay = relay_of(t);
	t->fd = socket_create(t->relay.family, SOCK_DGRAM);
	if (t->fd != -1 && bind_socket(t))
		return true;
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	outcome_fail(&u->outcome, RESULT_CONNECT_FAILED, REPLY_GENERAL_FAILURE,
	    "there is no socket for datagrams to the next gateway");
	upstream_close(u);
	return false;
}

bool
tunnel_open(struct tunnel *t, struct deadline until)
{
	const struct client_request request = {
		.command = REQUEST_UDP_ASSOCIATE
	};

	t->fd = -1;
	return upstream_open(&t->upstream, until) &&
	    upstream_request(&t->upstream, &request) &&
	    upstream_reply(&t->upstream, until) && open_socket(t);
}
