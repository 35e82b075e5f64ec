/* SPDX-License-Identifier: ISC */
/*
 * The association: one loop over the client's connection, the relay socket
 * and a socket of each family outside.  What is not relayed is dropped, and
 * counted, without a word to anybody (RFC 1928 7); no datagram ends it.
 *
 * The sockets are not connected, so that no ICMP error becomes an error of
 * theirs.
 */
#include "net/association.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/figures.h"
#include "base/seldom.h"
#include "base/text.h"
#include "net/candidates.h"
#include "net/failure.h"
#include "net/ports.h"
#include "net/route.h"
#include "net/sockaddr.h"
#include "wire/client.h"
#include "wire/udp.h"

enum {
	OCTETS_MAX = 65536, /* no datagram is longer */
	RECEIVE_BUFFER = 1 << 20,
	BATCH = 64, /* datagrams of one socket in one turn */
	CONTROLS_MAX = 32,
	CONTROL_PATIENCE = 1000,
};

/* Where a datagram goes. */
struct target {
	struct address address;
	const char *name; /* that it was asked by; NULL: by address */
	uint32_t serial;  /* of that; 0 */
};

/* There is room for a header in front of it. */
struct payload {
	uint8_t *octets;
	size_t length;
};

/* A datagram that came, at `received'. */
struct arrival {
	int fd;
	struct address from;
	size_t length;
};

/* Room for the longest header. */
enum { HEADROOM = CLIENT_DATAGRAM_MAX };

/* Static memory costs nothing until a datagram touches it. */
static SELDOM uint8_t buffer[HEADROOM + OCTETS_MAX];
static uint8_t *const received = buffer + HEADROOM;
static SELDOM uint8_t held_octets[HELD_MAX][HEADROOM + OCTETS_MAX];

/* ------------------------------------------------------- the sockets */

static int
socket_open(enum family family)
{
	const int on = 1;
	const int wish = RECEIVE_BUFFER;
	const int fd = socket_create(family, SOCK_DGRAM);

	if (fd == -1)
		return -1;
	/* This cannot fail before bind(2). */
	if (family == FAMILY_IPV6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* Datagrams come in bursts; the kernel gives as much as it allows. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wish, sizeof(wish));
	return fd;
}

static bool
bind_at(int fd, const struct address *at, uint32_t scope)
{
	const struct endpoint to = endpoint_of(at, scope);

	return bind(fd, (const struct sockaddr *)&to.storage, to.length) == 0;
}

static bool
relay_open(struct association *a, const struct address *at)
{
	struct ports ports = ports_start(a->settings, 0);
	struct address where = { .family = a->client.family };

	if (at->family == where.family)
		where = *at;
	a->relay = socket_open(where.family);
	if (a->relay == -1)
		return false;
	while (ports_next(&ports, &where.port)) {
		if (bind_at(a->relay, &where, a->scope))
			return socket_local(a->relay, &a->bound);
		if (errno != EADDRNOTAVAIL || address_is_any(&where))
			continue;
		/* The address is the proxy's, or that of a connection that
		 * was redirected to us. */
		where = (struct address){ .family = where.family };
		ports = ports_start(a->settings, 0);
	}
	return false;
}

/*
 * A gateway that named its client to us sends the datagrams itself: it reached
 * us by another family than its client has, and expects the same port there.
 * Where that is taken, it goes without.
 */
static void
relay_proxy_open(struct association *a)
{
	struct address where = a->listen;

	a->relay_proxy = -1;
	if (a->proxy.family == FAMILY_NONE ||
	    a->proxy.family == a->client.family)
		return;
	where.port = a->bound.port;
	a->relay_proxy = socket_open(where.family);
	if (a->relay_proxy == -1 || bind_at(a->relay_proxy, &where, 0))
		return;
	close(a->relay_proxy);
	a->relay_proxy = -1;
}

/* Opens the socket towards peers of a family; -1: there is no way to them. */
static int
outside_socket(const struct settings *settings, const struct egress *egress,
    enum family family, uint16_t *port)
{
	const struct address any = { .family = family };
	const struct address *source = family == FAMILY_IPV6 ?
	    &egress->source_ipv6 :
	    &egress->source_ipv4;
	struct address local;
	int fd;

	if (!route_wanted(settings, family))
		return -1;
	fd = socket_open(family);
	if (fd == -1)
		return -1;
	if (!route_apply(egress, fd, family) ||
	    (source->family == FAMILY_NONE && !bind_at(fd, &any, 0)) ||
	    !socket_local(fd, &local)) {
		close(fd);
		return -1;
	}
	*port = local.port;
	return fd;
}

static void
outside_open(struct association *a, const struct origin *origin)
{
	struct outside *o = &a->outsides[a->outside_count++];

	o->origin = origin;
	o->egress = route_egress(a->settings, origin);
	o->ipv6 = outside_socket(a->settings, &o->egress, FAMILY_IPV6,
	    &o->port_ipv6);
	o->ipv4 = outside_socket(a->settings, &o->egress, FAMILY_IPV4,
	    &o->port_ipv4);
}

/* Before the sandbox is that of an association, where no socket is made as
 * these are. */
static void
outsides_open(struct association *a)
{
	struct way ways[POLICY_ORIGINS_MAX];
	const size_t count = policy_origins(a->settings->policy, a->question,
	    ways);

	outside_open(a, NULL);
	for (size_t i = 0; i < count; i++)
		outside_open(a, ways[i].origin);
}

/* The sockets for what a rule says of the way; NULL: there was no room. */
static const struct outside *
outside_of(const struct association *a, const struct origin *origin)
{
	for (size_t i = 0; i < a->outside_count; i++)
		if (origin_equal(a->outsides[i].origin, origin))
			return &a->outsides[i];
	return NULL;
}

static int
outside_socket_of(const struct outside *o, enum family family)
{
	return family == FAMILY_IPV6 ? o->ipv6 : o->ipv4;
}

/* Is there a socket by which some datagram may leave?  A rule may name a
 * source where that of the directives is gone. */
static bool
has_outside(const struct association *a)
{
	for (size_t i = 0; i < a->outside_count; i++)
		if (a->outsides[i].ipv6 != -1 || a->outsides[i].ipv4 != -1)
			return true;
	for (size_t i = 0; i < a->tunnel_count; i++)
		if (a->tunnels[i].fd != -1)
			return true;
	return false;
}

bool
association_open(struct association *a, const struct address *at)
{
	a->outside_count = 0;
	a->names.settings = a->settings;
	a->names.question = a->question;
	if (!relay_open(a, at)) {
		if (a->relay != -1)
			close(a->relay);
		outcome_fail(&a->outcome, RESULT_CONNECT_FAILED,
		    REPLY_GENERAL_FAILURE,
		    "no port is free for the relay of datagrams");
		return false;
	}
	relay_proxy_open(a);
	outsides_open(a);
	if (!has_outside(a)) {
		close(a->relay);
		if (a->relay_proxy != -1)
			close(a->relay_proxy);
		outcome_fail(&a->outcome, RESULT_CONNECT_FAILED,
		    REPLY_GENERAL_FAILURE,
		    "there is no socket for datagrams to peers");
		return false;
	}
	return true;
}

/* --------------------------------------------------- what is allowed */

static struct question
question_of(const struct association *a, const struct target *t)
{
	struct question q = *a->question;

	q.name = t->name;
	if (t->name == NULL)
		q.literal = t->address;
	q.port = t->address.port;
	return q;
}

/*
 * As route_probe(), by that way.  An address that was chosen out of a net is
 * the socket's since before the sandbox, in which nothing can be bound to one
 * any more: so the kernel is asked for a route alone.
 */
static struct route
route_by(const struct association *a, const struct outside *o,
    const struct address *address)
{
	struct egress egress = o->egress;
	struct route route;

	if (!egress.chosen || address->family != FAMILY_IPV6)
		return route_probe_by(a->settings, &egress, address);
	egress.chosen = false;
	egress.source_ipv6 = (struct address){ .family = FAMILY_NONE };
	route = route_probe_by(a->settings, &egress, address);
	route.source = o->egress.source_ipv6;
	return route;
}

/* Our address towards a peer that a rule sends by a way of its own. */
static void
find_source(const struct association *a, struct peer *peer)
{
	const struct outside *o = outside_of(a, peer->origin);
	struct route route;

	if (o == NULL)
		return;
	route = route_by(a, o, &peer->address);
	peer->source = route.source;
	peer->unsure = peer->unsure || route.unknown != 0;
}

/* Is there a socket that reaches that address, as the rules send it? */
static bool
has_way(const struct association *a, const struct peer *peer,
    enum family family)
{
	const struct outside *o = outside_of(a, peer->origin);

	return o != NULL && outside_socket_of(o, family) != -1;
}

/*
 * SECURITY: each address and port is judged as if it were dialled, whatever
 * the association was asked for; once, and the peer keeps what came of it,
 * unless the kernel could not be asked whose the address is.
 */
static void
judge_peer(const struct association *a, const struct target *t,
    struct peer *peer)
{
	const struct question q = question_of(a, t);
	const struct route route = route_probe(a->settings, &t->address, 0);
	const struct candidate candidate = candidate_of(&q, &t->address,
	    &route);
	struct verdict verdict;

	policy_judge_address(a->settings->policy, &q, &candidate, &verdict);
	peer->allowed = verdict.decision == ALLOW;
	peer->unsure = verdict.unsure;
	peer->rule = verdict.matched;
	peer->via = verdict.via;
	peer->forwards = verdict.forwards;
	peer->origin = verdict.origin;
	peer->source = route.source;
	if (peer->allowed && peer->origin != NULL && peer->via == NULL)
		find_source(a, peer);
}

/* Why nothing goes to a peer that is not allowed. */
static enum drop
refusal_of(const struct peer *peer)
{
	return peer->unsure ? DROP_SEND : DROP_RULE;
}

static struct peer *
peer_of(struct association *a, const struct target *t)
{
	struct peer *peer = peers_find(&a->peers, &t->address, t->serial);

	if (peer != NULL && !peer->unsure)
		return peer;
	if (peer == NULL)
		peer = peers_add(&a->peers, &t->address, t->serial);
	judge_peer(a, t, peer);
	return peer;
}

static bool
is_unknown(const struct pinned_name *p)
{
	return p->state == NAME_WAITING || p->state == NAME_ASKED;
}

/* The first address of a name that may be sent to; false: none. */
static bool
target_choose(struct association *a, const struct pinned_name *p,
    uint16_t port, struct target *out)
{
	for (size_t i = 0; i < p->found_count; i++) {
		*out = (struct target){ .address = p->found[i],
			.name = p->name,
			.serial = p->serial };
		out->address.port = port;
		const struct peer *peer = peer_of(a, out);

		if (peer->allowed &&
		    (peer->via != NULL ||
			has_way(a, peer, out->address.family) ||
			nat64_needed(a->settings, &out->address,
			    &peer->source)))
			return true;
	}
	return false;
}

/* A name that stands behind an ADDRESS ID is where the client's other sessions
 * found it, if the rules allow that; else NULL. */
static struct pinned_name *
name_recall(struct association *a, const struct request *to)
{
	struct pinned_name *p;
	struct target t;

	if (a->pinned.family == FAMILY_NONE)
		return NULL;
	p = names_put(&a->names, to->name, &a->pinned);
	if (p == NULL || target_choose(a, p, to->address.port, &t))
		return p;
	names_forget(p);
	return NULL;
}

/* Finds the name in the list, or puts it there and starts its look-up.  NULL:
 * no rule could allow it, or there is no room: *why says which. */
static struct pinned_name *
name_pin(struct association *a, const struct request *to, enum drop *why)
{
	const struct target t = { .name = to->name,
		.address.port = to->address.port };
	const struct question q = question_of(a, &t);
	struct pinned_name *p = names_find(&a->names, to->name);
	struct verdict verdict;

	if (p != NULL)
		return p;
	policy_judge_request(a->settings->policy, &q, &verdict);
	*why = verdict.decision != ALLOW ? DROP_RULE : DROP_BUSY;
	if (verdict.decision != ALLOW)
		return NULL;
	p = name_recall(a, to);
	return p != NULL ? p : names_add(&a->names, to->name);
}

/* ------------------------------------------------- from the client */

/* Tells of the first datagram to an address and port. */
static void
tell_peer(struct association *a, const struct peer *peer,
    const struct target *t)
{
	struct association_peer told = { .name = t->name,
		.address = t->address,
		.local = peer->source,
		.rule = peer->rule,
		.via = peer->via };
	const struct outside *o = outside_of(a, peer->origin);

	if (o != NULL)
		told.local.port = t->address.family == FAMILY_IPV6 ?
		    o->port_ipv6 :
		    o->port_ipv4;
	if (a->peer_seen != NULL)
		a->peer_seen(a->context, &told);
}

static void
note_sent(struct association *a, struct peer *peer, const struct target *t)
{
	const bool before = peer->via == NULL &&
	    peers_sent(&a->peers, &t->address);

	peer->sent = true;
	if (before)
		return;
	a->peer_count++;
	tell_peer(a, peer, t);
}

static void
count_drop(struct association *a, enum drop drop)
{
	if (drop != DROP_NOT)
		a->drops.count[drop]++;
}

static void
count_up(struct association *a, struct payload data)
{
	a->up += data.length;
	figures_octets(data.length, 0);
	a->datagrams_up++;
	a->moved_at = clock_now();
}

static struct tunnel *
tunnel_of(struct association *a, const struct peer *peer)
{
	for (size_t i = 0; i < a->tunnel_count; i++) {
		const struct upstream *u = &a->tunnels[i].upstream;

		if (u->hop == peer->via &&
		    origin_equal(u->origin, peer->origin))
			return &a->tunnels[i];
	}
	return NULL;
}

/* By a next gateway, which is told where to in a header of its own. */
static enum drop
send_via(struct association *a, const struct peer *peer,
    const struct target *t, struct payload data)
{
	const struct tunnel *tunnel = tunnel_of(a, peer);
	struct client_address to = { .address = t->address };
	uint8_t header[CLIENT_DATAGRAM_MAX];
	struct endpoint relay;
	size_t size;

	if (tunnel == NULL || tunnel->fd == -1)
		return DROP_HOP;
	relay = endpoint_of(&tunnel->relay, 0);
	if (peer->forwards) {
		to.name = (const uint8_t *)t->name;
		to.name_length = (uint8_t)strlen(t->name);
	}
	size = client_datagram_format(&to, header);
	memcpy(data.octets - size, header, size);
	return sendto(tunnel->fd, data.octets - size, size + data.length,
		   MSG_NOSIGNAL, (const struct sockaddr *)&relay.storage,
		   relay.length) < 0 ?
	    DROP_SEND :
	    DROP_NOT;
}

/* The name that is looked up for the prefix by which IPv4 peers are reached;
 * NULL: it is known what came of it. */
static const struct pinned_name *
prefix_awaited(struct association *a)
{
	const struct pinned_name *p;

	if (a->settings->nat64_count > 0)
		nat64_ask(&a->nat64, a->settings);
	if (a->nat64.state != NAT64_UNASKED)
		return NULL;
	p = names_find(&a->names, NAT64_NAME);
	if (p == NULL)
		p = names_add(&a->names, NAT64_NAME);
	if (p != NULL && is_unknown(p))
		return p;
	if (p != NULL)
		nat64_conclude(&a->nat64, a->settings, p->found,
		    p->found_count);
	return NULL;
}

static enum drop
send_directly(struct association *a, const struct peer *peer,
    const struct target *t, struct payload data)
{
	const struct outside *o = outside_of(a, peer->origin);
	struct address address = t->address;
	struct endpoint to;
	int fd;

	if (o == NULL)
		return DROP_SEND;
	if (nat64_needed(a->settings, &t->address, &peer->source)) {
		if (a->nat64.state != NAT64_FOUND)
			return DROP_FAMILY;
		address = nat64_address(&a->nat64, &t->address);
	}
	to = endpoint_of(&address, 0);
	fd = outside_socket_of(o, address.family);
	if (fd == -1)
		return DROP_FAMILY;
	return sendto(fd, data.octets, data.length, MSG_NOSIGNAL,
		   (const struct sockaddr *)&to.storage, to.length) < 0 ?
	    DROP_SEND :
	    DROP_NOT;
}

static bool
is_place_free(const struct association *a, uint16_t place)
{
	for (size_t i = 0; i < a->held_count; i++)
		if (a->held[i].place == place)
			return false;
	return true;
}

/* Keeps a datagram until a name is known; others go on meanwhile. */
static enum drop
hold(struct association *a, const struct pinned_name *p,
    const struct target *t, struct payload data)
{
	struct held_datagram *h = &a->held[a->held_count];
	uint16_t place = 0;

	if (a->held_count == HELD_MAX)
		return DROP_BUSY;
	while (!is_place_free(a, place))
		place++;
	*h = (struct held_datagram){ .name = p->serial,
		.id = a->id,
		.address = t->address,
		.serial = t->serial,
		.place = place,
		.length = (uint32_t)data.length };
	memcpy(held_octets[place] + HEADROOM, data.octets, data.length);
	a->held_count++;
	return DROP_NOT;
}

static enum drop
send_to(struct association *a, const struct target *t, struct payload data)
{
	struct peer *peer = peer_of(a, t);
	enum drop drop;

	if (peer->allowed && peer->via == NULL &&
	    nat64_needed(a->settings, &t->address, &peer->source)) {
		const struct pinned_name *prefix = prefix_awaited(a);

		if (prefix != NULL)
			return hold(a, prefix, t, data);
	}
	if (!peer->allowed)
		return refusal_of(peer);
	drop = peer->via != NULL ? send_via(a, peer, t, data) :
				   send_directly(a, peer, t, data);
	if (drop != DROP_NOT)
		return drop;
	if (!peer->sent)
		note_sent(a, peer, t);
	peers_note(&a->peers, peer, a->id);
	if (a->id != 0)
		associated_use(&a->ids, a->id, &t->address);
	count_up(a, data);
	return DROP_NOT;
}

/* Would a rule send the name on as it is, whatever its addresses are? */
static bool
is_settled(const struct association *a, const struct request *to,
    struct verdict *verdict)
{
	const struct target t = { .name = to->name,
		.address.port = to->address.port };
	const struct question q = question_of(a, &t);

	if (a->tunnel_count == 0)
		return false;
	policy_judge_request(a->settings->policy, &q, verdict);
	return verdict->decision == ALLOW && verdict->settled;
}

/* A name that is not looked up here. */
static enum drop
send_name_on(struct association *a, const struct request *to,
    const struct verdict *verdict, struct payload data)
{
	const struct target t = { .name = to->name,
		.address.port = to->address.port };
	const struct address key = peers_key(to->name, to->address.port);
	struct peer *peer = peers_find(&a->peers, &key, UINT32_MAX);
	enum drop drop;

	if (peer == NULL)
		peer = peers_add(&a->peers, &key, UINT32_MAX);
	peer->rule = verdict->matched;
	peer->via = verdict->via;
	peer->origin = verdict->origin;
	peer->forwards = true;
	drop = send_via(a, peer, &t, data);
	if (drop != DROP_NOT)
		return drop;
	if (!peer->sent)
		note_sent(a, peer, &t);
	count_up(a, data);
	return DROP_NOT;
}

/* Why target_choose() found none of the addresses that the name has. */
static enum drop
why_none(struct association *a, const struct pinned_name *p, uint16_t port)
{
	enum drop why = DROP_RULE;

	for (size_t i = 0; i < p->found_count; i++) {
		struct target t = { .address = p->found[i],
			.name = p->name,
			.serial = p->serial };
		const struct peer *peer;

		t.address.port = port;
		peer = peer_of(a, &t);
		if (peer->allowed)
			return DROP_FAMILY;
		if (peer->unsure)
			why = DROP_SEND;
	}
	return why;
}

static enum drop
send_by_name(struct association *a, const struct pinned_name *p, uint16_t port,
    struct payload data)
{
	struct target t;

	if (p->state != NAME_FOUND)
		return DROP_NAME;
	return target_choose(a, p, port, &t) ? send_to(a, &t, data) :
					       why_none(a, p, port);
}

/* Sends a held datagram; the name that it waited for is known. */
static enum drop
send_held(struct association *a, const struct held_datagram *h,
    const struct pinned_name *p)
{
	const struct payload data = { held_octets[h->place] + HEADROOM,
		h->length };
	const struct pinned_name *own = h->serial == 0 ?
	    NULL :
	    names_of_serial(&a->names, h->serial);

	a->id = h->id;
	if (h->address.family == FAMILY_NONE)
		return send_by_name(a, p, h->address.port, data);
	if (own == NULL && h->serial != 0)
		return DROP_BUSY;
	return send_to(a,
	    &(struct target){ .address = h->address,
		.name = own == NULL ? NULL : own->name,
		.serial = h->serial },
	    data);
}

/* Sends the held datagrams whose name is known now, in the order in which
 * they came. */
static void
release_held(struct association *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->held_count; i++) {
		const struct held_datagram h = a->held[i];
		const struct pinned_name *p = names_of_serial(&a->names,
		    h.name);

		if (p != NULL && is_unknown(p))
			a->held[kept++] = h;
		else
			count_drop(a,
			    p == NULL ? DROP_BUSY : send_held(a, &h, p));
	}
	a->held_count = kept;
}

static enum drop
send_to_name(struct association *a, const struct request *to,
    struct payload data)
{
	enum drop why = DROP_RULE;
	const struct pinned_name *p;
	struct verdict verdict;

	if (is_settled(a, to, &verdict))
		return send_name_on(a, to, &verdict, data);
	p = name_pin(a, to, &why);
	if (p == NULL)
		return why;
	if (is_unknown(p))
		return hold(a, p,
		    &(struct target){ .address.port = to->address.port },
		    data);
	return send_by_name(a, p, to->address.port, data);
}

/*
 * SECURITY: only from the client's address, or that of the gateway that named
 * it to us, and from one port of it: the one that was announced, else the
 * first that sends something valid.
 */
static enum drop
judge_source(const struct association *a, const struct address *from)
{
	if (address_equal(from, &a->client))
		return a->client.port == 0 || a->client.port == from->port ?
		    DROP_NOT :
		    DROP_PORT;
	return a->proxy.family != FAMILY_NONE &&
		address_equal(from, &a->proxy) ?
	    DROP_NOT :
	    DROP_STRANGER;
}

/* What is no header at all may look like a fragment. */
static enum drop
read_header(struct cursor *c, struct udp_header *header)
{
	const bool reserved = c->left > 1 && (c->at[0] != 0 || c->at[1] != 0);

	if (!udp_header_parse(c, header))
		return DROP_HEADER;
	if (header->fragment == 0)
		return DROP_NOT;
	return reserved ? DROP_HEADER : DROP_FRAGMENT;
}

static enum drop
relay_up(struct association *a, const struct arrival *got)
{
	struct cursor c = { .at = received, .left = got->length };
	enum drop drop = judge_source(a, &got->from);
	struct udp_header header;
	struct payload data;

	if (drop == DROP_NOT)
		drop = read_header(&c, &header);
	if (drop != DROP_NOT)
		return drop;
	a->pinned.family = FAMILY_NONE;
	if (header.to.by_id &&
	    !associated_read(&a->ids, &header.to, &a->pinned))
		return DROP_ID;
	a->id = header.to.id;
	a->client = got->from;
	a->proxy.family = FAMILY_NONE; /* the client has shown itself */
	if (got->fd == a->relay_proxy) {
		a->relay_proxy = a->relay;
		a->relay = got->fd;
	}
	data = (struct payload){ received + (got->length - c.left), c.left };
	if (header.to.kind == NAME_HOST)
		return send_to_name(a, &header.to, data);
	return send_to(a, &(struct target){ .address = header.to.address },
	    data);
}

/* --------------------------------------------------- to the client */

static bool
send_down(struct association *a, const uint8_t *octets, size_t length)
{
	const struct endpoint to = endpoint_of(&a->client, a->scope);

	/* A datagram that is too long with its header fails here. */
	return sendto(a->relay, octets, length, MSG_NOSIGNAL,
		   (const struct sockaddr *)&to.storage, to.length) >= 0;
}

static void
count_down(struct association *a, size_t length)
{
	a->down += length;
	figures_octets(0, length);
	a->datagrams_down++;
	a->moved_at = clock_now();
}

/* Who sent that, for the client: behind a translator the IPv4 peer. */
static struct address
peer_address(const struct association *a, const struct address *from)
{
	return a->nat64.state == NAT64_FOUND ?
	    address_inside(from, &a->nat64.prefix, 1) :
	    *from;
}

static enum drop
relay_down(struct association *a, const struct arrival *got)
{
	uint8_t header[UDP_HEADER_MAX];
	struct address from = got->from;
	uint8_t *start = received;
	uint32_t id;
	size_t size;

	if (!peers_sent(&a->peers, &from))
		from = peer_address(a, &from);
	if (!peers_sent(&a->peers, &from))
		return DROP_PEER;
	id = peers_id(&a->peers, &from);
	size = id != 0 ? udp_header_format_id(id, from.port, header) :
			 udp_header_format(&from, header);
	start -= size;
	memcpy(start, header, size);
	if (!send_down(a, start, size + got->length))
		return DROP_SEND;
	count_down(a, got->length);
	return DROP_NOT;
}

static bool
is_relay_of_hop(const struct association *a, const struct arrival *got)
{
	for (size_t i = 0; i < a->tunnel_count; i++) {
		const struct address *relay = &a->tunnels[i].relay;

		if (a->tunnels[i].fd == got->fd)
			return address_equal(&got->from, relay) &&
			    got->from.port == relay->port;
	}
	return false;
}

/* What a next gateway sends has its header already.  SECURITY: nobody else is
 * listened to at that socket. */
static enum drop
relay_back(struct association *a, const struct arrival *got)
{
	struct cursor c = { .at = received, .left = got->length };
	struct client_address from;

	if (!is_relay_of_hop(a, got) || a->client.port == 0 ||
	    !client_datagram_parse(&c, &from) || from.id != 0)
		return DROP_PEER;
	if (!send_down(a, received, got->length))
		return DROP_SEND;
	count_down(a, c.left);
	return DROP_NOT;
}

/* Receives one datagram; false: there is none now. */
static bool
receive(struct arrival *got)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(storage);
	const ssize_t n = recvfrom(got->fd, received, OCTETS_MAX, MSG_TRUNC,
	    (struct sockaddr *)&storage, &length);

	got->from = address_of(&storage);
	got->length = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

typedef enum drop relay_datagram(struct association *a,
    const struct arrival *got);

static void
take_datagrams(struct association *a, int fd, relay_datagram *relay)
{
	for (unsigned i = 0; i < BATCH; i++) {
		struct arrival got = { .fd = fd };

		if (!receive(&got))
			return;
		count_drop(a,
		    got.length > OCTETS_MAX ? DROP_SEND : relay(a, &got));
	}
}

/* -------------------------------------------- the control channel */

/* These return false, as all steps here do that end the association. */
static bool
association_end(struct association *a, enum result result, const char *reason)
{
	outcome_end(&a->outcome, result, reason);
	return false;
}

static bool
association_stop(struct association *a)
{
	outcome_stop(&a->outcome);
	a->outcome.reply = REPLY_SUCCEEDED; /* nobody waits for one */
	return false;
}

/* why REPLY_SUCCEEDED: without an answer. */
static bool
control_bad(struct association *a, enum reply why, const char *reason)
{
	outcome_fail(&a->outcome, RESULT_BAD_REQUEST, why, reason);
	return false;
}

static bool
control_reply(struct association *a, enum reply reply,
    const struct address *bound)
{
	uint8_t octets[SOCKS5_REPLY_MAX];
	const size_t length = socks5_reply_format(reply, bound, octets);
	const ssize_t n = send(a->inbox->fd, octets, length, MSG_NOSIGNAL);

	if (n == (ssize_t)length)
		return true;
	if (failure_gives_up(n))
		return association_stop(a);
	return association_end(a, RESULT_RESET,
	    "the client does not take replies");
}

/* The no to INTERFACE DATA for what datagrams would be dropped for. */
static bool
control_refuse(struct association *a, enum drop why)
{
	return control_reply(a,
	    why == DROP_SEND ? REPLY_GENERAL_FAILURE : REPLY_NOT_ALLOWED,
	    NULL);
}

/* Tells the client from which address and port its datagrams to that target
 * leave. */
static bool
interface_tell(struct association *a, const struct target *t)
{
	const bool ipv6 = t->address.family == FAMILY_IPV6;
	const struct peer *peer = peer_of(a, t);
	const struct outside *o = outside_of(a, peer->origin);
	struct address ours;
	struct route route;

	if (!peer->allowed)
		return control_refuse(a, refusal_of(peer));
	/* Only the last gateway knows. */
	if (peer->via != NULL || o == NULL)
		return control_reply(a, REPLY_GENERAL_FAILURE, NULL);
	route = route_by(a, o, &t->address);
	/* Nor does anybody but the translator, if there is one. */
	if (nat64_needed(a->settings, &t->address, &route.source) &&
	    a->nat64.state != NAT64_NONE)
		return control_reply(a, REPLY_GENERAL_FAILURE, NULL);
	if (outside_socket_of(o, t->address.family) == -1)
		return control_reply(a, REPLY_NETWORK_UNREACHABLE, NULL);
	if (!route.usable)
		return control_reply(a, failure_of(route.error)->reply, NULL);
	ours = route.source;
	ours.port = ipv6 ? o->port_ipv6 : o->port_ipv4;
	return control_reply(a, REPLY_SUCCEEDED, &ours);
}

static bool
interface_tell_name(struct association *a, const struct pinned_name *p,
    uint16_t port)
{
	struct target t;

	if (p == NULL)
		return control_reply(a, REPLY_NOT_ALLOWED, NULL);
	if (is_unknown(p)) {
		a->control_name = p->serial;
		a->control_port = port;
		return true;
	}
	if (p->state != NAME_FOUND)
		return control_reply(a, p->failure, NULL);
	if (!target_choose(a, p, port, &t))
		return control_refuse(a, why_none(a, p, port));
	return interface_tell(a, &t);
}

static bool
control_answer(struct association *a, const struct request *to)
{
	enum drop why;

	a->moved_at = clock_now();
	if (++a->controls > CONTROLS_MAX)
		return control_reply(a, REPLY_NOT_ALLOWED, NULL);
	if (to->kind == NAME_HOST)
		return interface_tell_name(a, name_pin(a, to, &why),
		    to->address.port);
	return interface_tell(a, &(struct target){ .address = to->address });
}

/* Answers each whole message; one that waits for a name holds up those behind
 * it. */
static bool
control_take(struct association *a)
{
	while (a->control_name == 0) {
		struct cursor c = inbox_cursor(a->inbox);
		struct udp_control control;
		enum reply why;

		if (c.left == 0)
			return true;
		if (!a->interface_data)
			return control_bad(a, REPLY_SUCCEEDED,
			    "octets on "
			    "the connection of an association");
		switch (udp_control_parse(&c, &control, &why)) {
		case PARSE_BAD:
			return control_bad(a, why,
			    "not a message of the "
			    "control channel of UDP");
		case PARSE_MORE: return true;
		case PARSE_DONE: break;
		}
		inbox_consume(a->inbox, &c);
		a->pinned.family = FAMILY_NONE;
		if (control.to.by_id &&
		    !associated_read(&a->ids, &control.to, &a->pinned)) {
			if (!control_reply(a, REPLY_INVALID_ADDRESS, NULL))
				return false;
		} else if (!control_answer(a, &control.to)) {
			return false;
		}
	}
	return true;
}

/* The name that a message waits for may be known now. */
static bool
control_continue(struct association *a)
{
	const struct pinned_name *p = names_of_serial(&a->names,
	    a->control_name);

	if (p != NULL && is_unknown(p))
		return true;
	a->control_name = 0;
	return interface_tell_name(a, p, a->control_port) && control_take(a);
}

static bool
control_read(struct association *a, short events)
{
	static const char reset[] = "the client reset its connection";

	if ((events & (POLLERR | POLLHUP)) != 0)
		return association_end(a, RESULT_RESET, reset);
	if ((events & POLLIN) == 0) /* while a name was looked up */
		return association_end(a, RESULT_OK, NULL);
	switch (inbox_fill(a->inbox, deadline_in(CONTROL_PATIENCE))) {
	case INBOX_MORE: return control_take(a);
	case INBOX_TIMEOUT: return true;
	case INBOX_EOF: return association_end(a, RESULT_OK, NULL);
	case INBOX_GONE: return association_end(a, RESULT_RESET, reset);
	case INBOX_STOPPED: break;
	}
	return association_stop(a);
}

/* --------------------------------------------------------- the loop */

/* Only datagrams that were relayed keep an association alive. */
static struct deadline
association_idle_deadline(const struct association *a)
{
	if (a->settings->idle_timeout == 0)
		return DEADLINE_NEVER;
	return (struct deadline){ a->moved_at + a->settings->idle_timeout };
}

enum { CONTROL, RELAY, RELAY_PROXY, OUTSIDES };
enum { TUNNELS = OUTSIDES + 2 * OUTSIDES_MAX };
enum { SOCKETS = TUNNELS + 2 * POLICY_HOPS_MAX };

/* Two for each way outside, one of each family; two for each tunnel: its
 * datagrams, and its connection, whose end is all that it says. */
static void
fill_sockets(const struct association *a, struct pollfd fds[SOCKETS])
{
	const short control = a->control_name == 0 ? POLLIN | POLLRDHUP :
						     POLLRDHUP;
	fds[CONTROL] = (struct pollfd){ a->inbox->fd, control, 0 };
	fds[RELAY] = (struct pollfd){ a->relay, POLLIN, 0 };
	fds[RELAY_PROXY] = (struct pollfd){ a->relay_proxy, POLLIN, 0 };
	for (size_t i = 0; i < OUTSIDES_MAX; i++) {
		const struct outside *o = &a->outsides[i];
		const bool open = i < a->outside_count;
		struct pollfd *own = &fds[OUTSIDES + 2 * i];

		own[0] = (struct pollfd){ open ? o->ipv6 : -1, POLLIN, 0 };
		own[1] = (struct pollfd){ open ? o->ipv4 : -1, POLLIN, 0 };
	}
	for (size_t i = 0; i < POLICY_HOPS_MAX; i++) {
		const bool open = i < a->tunnel_count &&
		    a->tunnels[i].fd != -1;
		struct pollfd *own = &fds[TUNNELS + 2 * i];

		own[0] = (struct pollfd){ .events = POLLIN,
			.fd = open ? a->tunnels[i].fd : -1 };
		own[1] = (struct pollfd){ .events = POLLRDHUP,
			.fd = open ? a->tunnels[i].upstream.fd : -1 };
	}
}

static bool
tunnel_lost(struct association *a, const struct tunnel *t)
{
	char reason[REASON_TEXT];
	struct text text = text_in(reason, sizeof(reason));

	text_add(&text, t->upstream.hop->text);
	text_add(&text, " ended its association");
	return association_end(a, RESULT_UPSTREAM_FAILED, reason);
}

static bool
take_tunnels(struct association *a, const struct pollfd fds[SOCKETS])
{
	for (size_t i = 0; i < a->tunnel_count; i++) {
		const struct pollfd *own = &fds[TUNNELS + 2 * i];

		if (own[0].revents != 0)
			take_datagrams(a, own[0].fd, relay_back);
		if (own[1].revents != 0)
			return tunnel_lost(a, &a->tunnels[i]);
	}
	return true;
}

static bool
take_ready(struct association *a, const struct pollfd fds[SOCKETS])
{
	if (fds[CONTROL].revents != 0 &&
	    !control_read(a, fds[CONTROL].revents))
		return false;
	for (size_t i = RELAY; i < TUNNELS; i++)
		if (fds[i].revents != 0)
			take_datagrams(a, fds[i].fd,
			    i < OUTSIDES ? relay_up : relay_down);
	return take_tunnels(a, fds);
}

static bool
take_turn(struct association *a)
{
	struct pollfd fds[SOCKETS + NAMES_POLL_MAX];
	struct deadline until = association_idle_deadline(a);
	const size_t n = names_poll(&a->names, fds + SOCKETS, &until);
	bool lasts = true;
	enum wait wait;

	fill_sockets(a, fds);
	wait = wait_for(fds, SOCKETS + n, until);
	if (wait == WAIT_STOPPED)
		return association_stop(a);
	if (wait == WAIT_READY)
		lasts = take_ready(a, fds);
	names_process(&a->names, fds + SOCKETS, wait == WAIT_READY ? n : 0);
	if (a->held_count > 0)
		release_held(a);
	if (lasts && a->control_name != 0)
		lasts = control_continue(a);
	if (lasts && deadline_passed(association_idle_deadline(a)))
		return association_end(a, RESULT_TIMEOUT,
		    "silent for too long");
	return lasts;
}

void
association_run(struct association *a)
{
	bool lasts;

	a->moved_at = clock_now();
	lasts = control_take(a);
	while (lasts)
		lasts = take_turn(a);
	a->drops.count[DROP_BUSY] += a->held_count;
	names_end(&a->names);
}
