/* SPDX-License-Identifier: ISC */
/*
 * From what a client asks for to what its other sessions made of that.
 */
#include "session/recall.h"

#include "net/candidates.h"
#include "net/ports.h"
#include "net/route.h"
#include "share/announced.h"
#include "share/controls.h"
#include "share/ids.h"
#include "share/lock.h"

/* 0.r.r.r is no host's address (RFC 1122 3.2.1.3), so it can be an alias. */
enum { ALIAS_NET = 0, ALIAS_LEAST = 0x000100 };

/* ---------------------------------------------------------- destinations */

/* The question is for that server of the table: its address, or the name that
 * a next gateway is told. */
static void
ask_for(struct recall *r, struct question *q, const struct address *server)
{
	struct table_control control;

	if (!controls_is_key(server)) {
		q->name = NULL;
		q->literal = *server;
		q->literal.port = q->port;
	} else if (controls_by_address(&r->share, server, &control) ==
		TABLE_OK &&
	    control.name[0] != '\0') {
		text_copy(r->name, sizeof(r->name), control.name);
		q->name = r->name;
	}
}

static void
rewrite_alias(struct recall *r, struct question *q)
{
	const uint8_t *octets = q->literal.octets;
	const uint32_t id = (uint32_t)octets[1] << 16 |
	    (uint32_t)octets[2] << 8 | octets[3];
	struct table_target target;

	if (q->name != NULL || q->literal.family != FAMILY_IPV4 ||
	    octets[0] != ALIAS_NET || id < ALIAS_LEAST)
		return;
	if (ids_find(&r->share, id, &target) != TABLE_OK || target.count == 0)
		return;
	ask_for(r, q, &target.addresses[0]);
}

/*
 * A client behind proxychains sees this gateway as the peer of its control
 * connection, and so asks for the port of an EPSV at our address.  We serve no
 * port but the one that it connected to, so that no other is meant.
 */
static void
rewrite_own_port(struct recall *r, struct question *q)
{
	struct address to;

	if (q->name == NULL && address_equal(&q->literal, &r->reached) &&
	    q->port >= PORT_UNPRIVILEGED && q->port != r->reached.port &&
	    announced_at_port(&r->share, q->port, &to) == TABLE_OK)
		ask_for(r, q, &to);
}

/* DNS may name another server by now: the data is where the control is. */
static void
pin_name(struct recall *r, const struct question *q)
{
	struct table_control control;

	if (q->name == NULL ||
	    controls_by_name(&r->share, q->name, &control) != TABLE_OK)
		return;
	r->pinned = control.server;
	r->pinned.port = q->port;
}

/* ------------------------------------------------------------ permits */

/* What the rules say of the question with that one address. */
static struct verdict
judge(const struct recall *r, const struct question *q,
    const struct address *to)
{
	const struct policy *policy = r->settings->policy;
	const struct route route = route_probe(r->settings, to, 0);
	const struct candidate candidate = candidate_of(q, to, &route);
	struct verdict verdict;

	policy_judge_request(policy, q, &verdict);
	if (verdict.decision == ALLOW && !verdict.settled)
		policy_judge_address(policy, q, &candidate, &verdict);
	return verdict;
}

/*
 * The rule that allows this client, now, the control connection that the table
 * knows; NULL: none does.  SECURITY: what the table says is no permit, for
 * another process may have written it.
 */
static const struct rule *
control_rule(const struct recall *r, const struct question *q,
    const struct table_control *control)
{
	struct question dialled = *q;
	struct verdict verdict;

	if (!settings_speak_ftp(r->settings, control->server.port))
		return NULL;
	dialled.command = POLICY_CONNECT;
	dialled.name = control->name[0] != '\0' ? control->name : NULL;
	dialled.literal = control->server;
	dialled.port = control->server.port;
	dialled.announced = NULL;
	verdict = judge(r, &dialled, &control->server);
	return verdict.decision == ALLOW ? verdict.matched : NULL;
}

/*
 * SECURITY: an announcement is good for one connection, to the very address
 * and port, of the same client, while its control connection lives.  It is
 * left alone where the rules allow that connection without it, or not at all.
 */
static void
use_announcement(struct recall *r, struct question *q)
{
	const struct address *to = q->name == NULL ? &q->literal : &r->pinned;
	struct table_control control;

	if (to->family == FAMILY_NONE || q->port < PORT_UNPRIVILEGED ||
	    announced_find(&r->share, to) != TABLE_OK ||
	    controls_by_address(&r->share, to, &control) != TABLE_OK)
		return;
	r->pinned = *to;
	r->pinned_only = true;
	r->local = control.local;
	if (judge(r, q, to).decision == ALLOW)
		return;
	q->announced = control_rule(r, q, &control);
	if (q->announced != NULL &&
	    (judge(r, q, to).decision != ALLOW ||
		announced_take(&r->share, to) != TABLE_OK))
		q->announced = NULL;
}

/*
 * Active mode: the client asks for a port before it can announce it.
 * SECURITY: only the server of the live control connection may connect.
 */
static void
rewrite_peer(struct recall *r, struct question *q)
{
	struct table_control control;
	const enum table_result found = q->name != NULL ?
	    controls_by_name(&r->share, q->name, &control) :
	    controls_by_address(&r->share, &q->literal, &control);

	if (found != TABLE_OK)
		return;
	if (judge(r, q, &control.server).decision != ALLOW)
		q->announced = control_rule(r, q, &control);
	ask_for(r, q, &control.server);
}

/* What may be a connection that another session of the client announced. */
static void
rewrite_destination(struct recall *r, struct question *q)
{
	rewrite_own_port(r, q);
	pin_name(r, q);
	use_announcement(r, q);
	/* It is nobody's address. */
	if (controls_is_key(&r->pinned)) {
		r->pinned.family = FAMILY_NONE;
		r->pinned_only = false;
	}
}

void
recall_rewrite(struct recall *r, struct question *q)
{
	struct table *t = r->share.table;

	if (t->file == NULL || !policy_serves(r->settings->policy, q))
		return;
	rewrite_alias(r, q);
	if (q->command == POLICY_BIND) {
		rewrite_peer(r, q);
		return;
	}
	/* Most need nothing of it. */
	if (t->patience > LOCK_LOOK)
		t->patience = LOCK_LOOK;
	rewrite_destination(r, q);
	if (t->patience > 0)
		t->patience = LOCK_LIMIT;
}
