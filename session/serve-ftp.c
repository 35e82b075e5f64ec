/* SPDX-License-Identifier: ISC */
/*
 * FTP as sessions see it: the control connection, which is watched or
 * translated, and the data connections of passive mode, which arrive as
 * sessions of their own and find here where they belong (SOCKS64, RFC 6384).
 */
#include "session/serve.h"

#include "alg/dialogue.h"
#include "net/candidates.h"
#include "net/route.h"
#include "share/announced.h"
#include "share/controls.h"
#include "share/ids.h"

/* 0.r.r.r, RFC 1122 3.2.1.3: nobody's address, so it can be an alias. */
enum { ALIAS_NET = 0, ALIAS_LEAST = 0x000100 };

struct share
serve_share(struct session *s)
{
	return (struct share){
		.table = &s->table,
		.client = s->record.client,
		.uid = s->record.client_uid,
		.auth = s->record.auth,
		.user = s->record.user,
		.user_length = s->record.user_length,
	};
}

/* ----------------------------------------------- data connections */

static void
find_alias(struct session *s, const struct share *share)
{
	struct question *q = &s->question;
	const uint8_t *octets = q->literal.octets;
	const uint32_t id = (uint32_t)octets[1] << 16 |
	    (uint32_t)octets[2] << 8 | octets[3];
	struct table_target target;

	if (q->name != NULL || q->literal.family != FAMILY_IPV4 ||
	    octets[0] != ALIAS_NET || id < ALIAS_LEAST)
		return;
	if (ids_find(share, id, &target) != TABLE_OK ||
	    target.count == 0)
		return;
	q->literal = target.addresses[0];
	q->literal.port = q->port;
}

/*
 * Under proxychains a client's control connection has this gateway for its
 * peer: who goes by that (EPSV) asks for a port of ours, which is never ours
 * to serve.
 */
static void
find_by_port(struct session *s, const struct share *share)
{
	struct question *q = &s->question;
	const struct address *reached = &s->record.listen;
	struct address to;

	if (q->proxied.family != FAMILY_NONE)
		reached = &q->proxied;
	if (q->name == NULL && address_equal(&q->literal, reached) &&
	    q->port >= PORT_UNPRIVILEGED && q->port != reached->port &&
	    announced_at_port(share, q->port, &to) == TABLE_OK)
		q->literal = to;
}

/* DNS may name another server now: the data is where the control is. */
static void
find_pin(struct session *s, const struct share *share)
{
	struct question *q = &s->question;
	struct table_control control;

	if (q->name == NULL ||
	    controls_by_name(share, q->name, &control) != TABLE_OK)
		return;
	s->dial.pinned = control.server;
	s->dial.pinned.port = q->port;
}

static bool
rules_allow(const struct session *s, const struct address *to)
{
	const struct policy *policy = s->settings.policy;
	const struct route route = route_probe(&s->settings, to, 0);
	const struct candidate candidate = candidate_of(&s->question, to,
	    &route);
	struct verdict verdict;

	policy_judge_request(policy, &s->question, &verdict);
	if (verdict.decision != ALLOW)
		return false;
	policy_judge_address(policy, &s->question, &candidate, &verdict);
	return verdict.decision == ALLOW;
}

/*
 * SECURITY: an announcement is good for one connection, to the very address
 * and port, of the same client; and for nothing where the rules do without.
 */
static void
find_announced(struct session *s, const struct share *share)
{
	struct question *q = &s->question;
	const struct address *to = q->name == NULL ? &q->literal :
	    &s->dial.pinned;

	if (to->family == FAMILY_NONE ||
	    announced_find(share, to, s->announced) != TABLE_OK)
		return;
	s->dial.pinned = *to;
	s->dial.pinned_only = true;
	if (!rules_allow(s, to) &&
	    announced_take(share, to, s->announced) == TABLE_OK)
		q->announced = s->announced;
}

/*
 * Active mode: the client asks for a port before it can announce it.
 * SECURITY: only the server of the live control connection may connect.
 */
static void
find_control(struct session *s, const struct share *share)
{
	struct question *q = &s->question;
	struct table_control control;
	const enum table_result found = q->name != NULL ?
	    controls_by_name(share, q->name, &control) :
	    controls_by_address(share, &q->literal, &control);
	struct text rule = text_in(s->announced, sizeof(s->announced));

	if (found != TABLE_OK)
		return;
	if (!rules_allow(s, &control.server)) {
		text_add(&rule, control.rule);
		q->announced = s->announced;
	}
	q->name = NULL;
	q->literal = control.server;
}

void
serve_find(struct session *s)
{
	const struct share share = serve_share(s);

	if (s->table.file == NULL || s->question.command == POLICY_UDP)
		return;
	find_alias(s, &share);
	if (s->question.command == POLICY_BIND) {
		find_control(s, &share);
		return;
	}
	find_by_port(s, &share);
	find_pin(s, &share);
	find_announced(s, &share);
}

/* --------------------------------------------- control connections */

bool
serve_is_ftp(const struct session *s)
{
	const struct settings *settings = &s->settings;

	if (settings->ftp_alg == FTP_ALG_OFF)
		return false;
	for (size_t i = 0; i < settings->ftp_port_count; i++)
		if (settings->ftp_ports[i] == s->question.port)
			return true;
	return false;
}

static bool
families_differ(const struct session *s)
{
	const enum family client = s->record.client.family;

	return client != FAMILY_NONE && client != s->record.peer.family;
}

/* What other sessions of this client shall know of it. */
static void
fill_control(struct session *s, struct table_control *control)
{
	struct text name = text_in(control->name, sizeof(control->name));
	struct text rule = text_in(control->rule, sizeof(control->rule));

	control->server = s->record.peer;
	if (s->question.name != NULL)
		text_add(&name, s->question.name);
	if (s->record.rule != NULL)
		text_add(&rule, s->record.rule);
}

/* Who the client is to us, and we to it. */
static void
fill_client(struct session *s, struct alg *a)
{
	const struct address *listen = &s->record.listen;
	const struct address *proxied = &s->question.proxied;

	a->client_address = s->record.client;
	a->scope = s->scope;
	a->reached = *listen;
	if (proxied->family == FAMILY_NONE) {
		a->near = *listen;
		a->near.port = 0;
	} else {
		a->reached = *proxied;
		if (address_equal(proxied, &a->client_address))
			a->never[1] = proxied->port;
	}
	if (!a->watch && route_probe(&s->settings, &a->client_address,
	    s->scope).self)
		a->never[0] = listen->port;
}

void
serve_ftp_begin(struct session *s)
{
	const struct cursor early = inbox_cursor(&s->inbox);
	struct alg *a = &s->alg;

	a->client = s->inbox.fd;
	a->server = s->dial.fd;
	a->early = early.at;
	a->early_length = early.left;
	a->settings = &s->settings;
	a->watch = s->settings.ftp_alg == FTP_ALG_AUTO &&
	    !families_differ(s);
	fill_client(s, a);
	a->server_address = s->record.peer;
	a->local = s->record.local;
	a->share = serve_share(s);
	fill_control(s, &a->control);
	alg_begin(a);
}

_Noreturn void
serve_ftp(struct session *s)
{
	struct alg *a = &s->alg;
	enum result result;

	session_confine(s, a->watch ? SANDBOX_WATCH : SANDBOX_ALG);
	/* From here: what either side says may open a connection, but only
	 * between these two. */
	result = dialogue_run(a);
	if (a->transparent) {
		session_confine(s, SANDBOX_WATCH);
		/* From here: no new connection. */
		result = dialogue_relay(a);
	}
	s->record.up = a->up;
	s->record.down = a->down;
	if (a->done[0] != '\0')
		s->record.alg = a->done;
	session_end(s, result, a->reason[0] != '\0' ? a->reason : NULL);
}
