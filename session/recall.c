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

/* 0.r.r.r is no host's address (RFC 1122 3.2.1.3), so it can be an alias. */
enum { ALIAS_NET = 0, ALIAS_LEAST = 0x000100 };

/* ---------------------------------------------------------- destinations */

static void
rewrite_alias(const struct recall *r, struct question *q)
{
	const uint8_t *octets = q->literal.octets;
	const uint32_t id = (uint32_t)octets[1] << 16 |
	    (uint32_t)octets[2] << 8 | octets[3];
	struct table_target target;

	if (q->name != NULL || q->literal.family != FAMILY_IPV4 ||
	    octets[0] != ALIAS_NET || id < ALIAS_LEAST)
		return;
	if (ids_find(&r->share, id, &target) != TABLE_OK ||
	    target.count == 0)
		return;
	q->literal = target.addresses[0];
	q->literal.port = q->port;
}

/*
 * A client behind proxychains sees this gateway as the peer of its control
 * connection, and so asks for the port of an EPSV at our address.  We serve no
 * port but the one that it connected to, so that no other is meant.
 */
static void
rewrite_own_port(const struct recall *r, struct question *q)
{
	struct address to;

	if (q->name == NULL && address_equal(&q->literal, &r->reached) &&
	    q->port >= PORT_UNPRIVILEGED && q->port != r->reached.port &&
	    announced_at_port(&r->share, q->port, &to) == TABLE_OK)
		q->literal = to;
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

static bool
rules_allow(const struct recall *r, const struct question *q,
    const struct address *to)
{
	const struct policy *policy = r->settings->policy;
	const struct route route = route_probe(r->settings, to, 0);
	const struct candidate candidate = candidate_of(q, to, &route);
	struct verdict verdict;

	policy_judge_request(policy, q, &verdict);
	if (verdict.decision != ALLOW)
		return false;
	policy_judge_address(policy, q, &candidate, &verdict);
	return verdict.decision == ALLOW;
}

/*
 * SECURITY: an announcement is good for one connection, to the very address
 * and port, of the same client.  It is left alone where the rules allow that
 * connection without it.
 */
static void
use_announcement(struct recall *r, struct question *q)
{
	const struct address *to = q->name == NULL ? &q->literal :
	    &r->pinned;

	if (to->family == FAMILY_NONE ||
	    announced_find(&r->share, to, r->rule) != TABLE_OK)
		return;
	r->pinned = *to;
	r->pinned_only = true;
	if (!rules_allow(r, q, to) &&
	    announced_take(&r->share, to, r->rule) == TABLE_OK)
		q->announced = r->rule;
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
	if (!rules_allow(r, q, &control.server)) {
		text_copy(r->rule, sizeof(r->rule), control.rule);
		q->announced = r->rule;
	}
	q->name = NULL;
	q->literal = control.server;
}

void
recall_rewrite(struct recall *r, struct question *q)
{
	if (r->share.table->file == NULL)
		return;
	rewrite_alias(r, q);
	if (q->command == POLICY_BIND) {
		rewrite_peer(r, q);
		return;
	}
	rewrite_own_port(r, q);
	pin_name(r, q);
	use_announcement(r, q);
}
