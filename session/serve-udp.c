/* SPDX-License-Identifier: ISC */
/*
 * UDP ASSOCIATE: sockets for datagrams, then an association that lives as
 * long as the client's connection (RFC 1928 4 and 7).
 */
#include "session/serve.h"

#include <string.h>

#include "base/bucket.h"
#include "base/text.h"
#include "session/associate.h"

/* Records `peer' of a session: at most so many, so many at once, and so many a
 * second then. */
enum {
	PEERS_LOGGED_MAX = 256,
	PEERS_LOGGED_AT_ONCE = 64,
	PEERS_LOGGED_RATE = 8,
};

/* Each cause with its count. */
enum { DROPS_TEXT = 512 };

/* A record `peer' beside the one of the session, which comes at the end. */
static void
log_peer(void *context, const struct association_peer *peer)
{
	static struct bucket rate = { .size = PEERS_LOGGED_AT_ONCE,
		.rate = PEERS_LOGGED_RATE };
	static unsigned logged;
	struct session *s = context;
	struct record r = s->record;
	char literal[ADDRESS_TEXT];
	char rule[RULE_TEXT];
	struct text t = text_in(literal, sizeof(literal));
	struct text place = text_in(rule, sizeof(rule));

	if (logged == PEERS_LOGGED_MAX || !bucket_take(&rate, clock_now())) {
		s->record.unlogged++;
		return;
	}
	logged++;
	address_add(&t, &peer->address);
	r.result = RESULT_PEER;
	r.dest = peer->name != NULL ? peer->name : literal;
	r.dest_length = strlen(r.dest);
	r.dest_ipv6 = peer->name == NULL &&
	    peer->address.family == FAMILY_IPV6;
	r.dest_port = peer->address.port;
	r.peer = peer->address;
	r.local = peer->local;
	if (peer->rule != NULL) {
		rule_place(peer->rule, &place);
		r.rule = rule;
	}
	r.via = peer->via != NULL ? peer->via->text : NULL;
	r.duration_usec = clock_microseconds() - s->start;
	journal_record(&r);
}

/*
 * BND: what `advertise' says, else the address that the client reached us by
 * (behind a proxy: it), which may be none that we know.  Never a wildcard: no
 * client could send there.
 */
static struct address
relay_address(struct session *s)
{
	const enum family family = s->record.client.family;
	const struct address *advertised = settings_advertised(&s->settings,
	    ADVERTISE_UDP, family);
	const struct address *reached = session_reached(s);

	if (advertised->family != FAMILY_NONE)
		return *advertised;
	if (reached->family != family || address_is_any(reached))
		session_fail(s, RESULT_CONNECT_FAILED, REPLY_GENERAL_FAILURE,
		    "behind this proxy `advertise udp` must say where the "
		    "client finds the relay");
	return *reached;
}

/* Did the session itself end, and not only the way by that hop? */
static bool
is_final(const struct outcome *outcome)
{
	return outcome->result == RESULT_CLIENT_GONE ||
	    outcome->result == RESULT_STOPPED ||
	    outcome->result == RESULT_ERROR;
}

/*
 * An association at each next gateway that a datagram could go by.  One that
 * refuses ends the session where there is no other way; else its datagrams
 * will be dropped, and the record says why.
 */
static void
open_tunnels(struct session *s)
{
	const struct deadline until = deadline_in(s->settings.connect_timeout);
	struct association *a = &s->association;
	struct way ways[POLICY_HOPS_MAX];
	const struct outcome *refusal = NULL;
	bool otherwise;

	a->tunnel_count = policy_hops(s->settings.policy, &s->question, ways,
	    &otherwise);
	for (size_t i = 0; i < a->tunnel_count; i++) {
		struct upstream *u = &a->tunnels[i].upstream;

		u->settings = &s->settings;
		u->hop = ways[i].hop;
		u->origin = ways[i].origin;
		u->question = &s->question;
		u->reached = *session_reached(s);
		u->client = s->inbox.fd;
		s->record.via = ways[0].hop->text;
		if (tunnel_open(&a->tunnels[i], until))
			otherwise = true;
		else if (refusal == NULL || is_final(&u->outcome))
			refusal = &u->outcome;
	}
	if (refusal == NULL)
		return;
	if (!otherwise || is_final(refusal))
		session_conclude(s, refusal);
	s->record.reason = refusal->reason;
}

/*
 * The port that the client will send from, where it says so (RFC 1928 4); else
 * 0.  Many clients name their first destination instead, or what they have for
 * their address behind a NAT, whose port is none of ours either; with an
 * ADDRESS ID the address asked for is always a destination.
 */
static uint16_t
announced_port(const struct session *s)
{
	const struct address *asked = &s->request.address;
	const bool own = asked->family != FAMILY_NONE &&
	    (address_is_any(asked) || address_equal(asked, &s->record.client));

	return own && !associate_lasts(s) ? asked->port : 0;
}

static struct address
associate(struct session *s)
{
	struct association *a = &s->association;
	struct address bound = relay_address(s);

	a->settings = &s->settings;
	a->question = &s->question;
	a->inbox = &s->inbox;
	a->interface_data = (s->request.flag &
				SOCKS5_FLAG_INTERFACE_REQUEST) != 0;
	a->client = s->record.client;
	a->client.port = announced_port(s);
	a->scope = s->scope;
	a->peer_seen = s->settings.log_udp_peers ? log_peer : NULL;
	a->context = s;
	if (s->settings.address_id != ADDRESS_ID_OFF &&
	    s->table.file != NULL) {
		s->share = session_share(s);
		a->ids.share = &s->share;
	}
	a->proxy = s->record.proxy;
	a->listen = s->record.listen;
	open_tunnels(s);
	if (!association_open(a, session_reached(s)))
		session_conclude(s, &a->outcome);
	bound.port = a->bound.port;
	return bound;
}

static void
note_datagrams(struct session *s)
{
	const struct association *a = &s->association;
	static char drops[DROPS_TEXT];
	struct text t = text_in(drops, sizeof(drops));

	s->record.up = a->up;
	s->record.down = a->down;
	s->record.datagrams_up = a->datagrams_up;
	s->record.datagrams_down = a->datagrams_down;
	s->record.dropped = drops_total(&a->drops);
	s->record.peers = a->peer_count;
	drops_add(&t, &a->drops);
	s->record.drops = drops;
	/* Who got nothing through hears what was wrong. */
	if (a->datagrams_up == 0 && s->record.reason == NULL)
		s->record.reason = drops_sentence(&a->drops);
}

_Noreturn void
serve_udp(struct session *s)
{
	const struct association *a = &s->association;

	s->record.local = associate(s);
	associate_conclude(s, &(struct address){ .family = FAMILY_NONE });
	session_answer(s,
	    &(struct response){ .bound = &s->record.local,
		.flag = a->interface_data ? SOCKS5_FLAG_INTERFACE_REQUEST :
					    0 });
	s->record.datagrams = true;
	session_show(s);
	session_confine(s, SANDBOX_UDP);
	/* From here: datagrams, names, no connection but a name server's. */
	association_run(&s->association);
	note_datagrams(s);
	session_conclude(s, &a->outcome);
}
