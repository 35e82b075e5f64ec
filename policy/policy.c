/* SPDX-License-Identifier: ISC */
/*
 * Judging by the rules: the first that matches decides, and what none matches
 * is denied.  Pure: no file, no memory of its own, no clock.
 */
#include "policy/policy.h"

#include <string.h>

#include "base/array.h"
#include "policy/rules.h"

bool
policy_needs_address(enum policy_command command)
{
	return command == POLICY_BIND || command == POLICY_UDP;
}

bool
policy_asks_client_self(const struct policy *policy)
{
	const unsigned depends = SET_SELF | SET_GLOBAL | SET_SPECIAL |
	    SET_ON_LINK;

	for (size_t i = 0; i < policy->count; i++)
		if ((policy->rules[i].from.sets & depends) != 0)
			return true;
	return false;
}

bool
policy_asks_listener(const struct policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		if (policy->rules[i].on.given)
			return true;
	return false;
}

bool
policy_asks_on_link(const struct policy *policy, const struct address *address)
{
	if (policy->inside_on_link &&
	    (address == NULL ||
		(membership_of(address, false).sets & SET_GLOBAL) != 0))
		return true;
	for (size_t i = 0; i < policy->count; i++)
		if (((policy->rules[i].at.sets | policy->rules[i].from.sets) &
			SET_ON_LINK) != 0)
			return true;
	return false;
}

bool
policy_serves(const struct policy *policy, const struct question *q)
{
	for (size_t i = 0; i < policy->count; i++)
		if (policy->rules[i].decision == ALLOW &&
		    rule_serves(policy, &policy->rules[i], q))
			return true;
	return false;
}

static void
decide_by_rule(const struct rule *rule, const struct question *q,
    struct verdict *out)
{
	struct text name = text_in(out->rule, sizeof(out->rule));
	struct text reason = text_in(out->reason, sizeof(out->reason));

	out->decision = rule->decision;
	out->matched = rule;
	out->via = rule->via;
	out->origin = origin_given(&rule->origin) ? &rule->origin : NULL;
	out->forwards = rule_forwards_name(rule, q);
	out->unsure = false;
	out->settled = false;
	rule_place(rule, &name);
	if (rule->decision == ALLOW)
		return;
	text_add(&reason, "denied by ");
	rule_place(rule, &reason);
}

/* Denies where no line decided; the reason is the caller's to write. */
static struct text
deny_by_default(struct verdict *out)
{
	struct text name = text_in(out->rule, sizeof(out->rule));

	out->decision = DENY;
	out->matched = NULL;
	out->via = NULL;
	out->origin = NULL;
	out->forwards = false;
	out->unsure = false;
	out->settled = false;
	text_add(&name, "default");
	return text_in(out->reason, sizeof(out->reason));
}

static const char *
command_word(enum policy_command command)
{
	switch (command) {
	case POLICY_CONNECT: return "CONNECT";
	case POLICY_BIND: return "BIND";
	case POLICY_UDP: return "UDP";
	case POLICY_ALL: break;
	}
	return "this";
}

static void
deny_unmatched(const struct policy *policy, const struct question *q,
    struct verdict *out)
{
	struct text reason = deny_by_default(out);

	if (policy->built_in) {
		text_add(&reason,
		    "without rules only this machine, private "
		    "nets and authenticated users are served");
		return;
	}
	text_add(&reason, "no rule allows ");
	text_add(&reason, command_word(q->command));
	text_add(&reason, " to this client and destination");
}

/*
 * The first rule that decides, or would if a list of it could be looked up:
 * those below it are not asked then.  NULL: there is none.  `at' as
 * rule_decides() takes it.  What was announced is decided by its own rule at
 * the latest.
 */
static const struct rule *
first_rule(const struct policy *policy, const struct question *q,
    const struct place *at, enum match *match)
{
	*match = MATCH_YES;
	for (size_t i = 0; i < policy->count; i++) {
		if (&policy->rules[i] == q->announced)
			return &policy->rules[i];
		*match = rule_decides(policy, &policy->rules[i], q, at);
		if (*match != MATCH_NO)
			return &policy->rules[i];
	}
	return NULL;
}

/* SECURITY: what is unsure denies, and never allows.  But it is no word of
 * the rule. */
static void
deny_unsure(const struct rule *rule, struct verdict *out)
{
	struct text reason = deny_by_default(out);
	struct text name = text_in(out->rule, sizeof(out->rule));
	const char *list = index_silent();

	out->unsure = true;
	rule_place(rule, &name);
	text_add(&reason, "this host could not look up ");
	text_add_quotable(&reason, list, strlen(list));
	text_add(&reason, ".cdb");
}

void
policy_judge_request(const struct policy *policy, const struct question *q,
    struct verdict *out)
{
	const struct rule *rule;
	enum match match;

	if (q->command == POLICY_CONNECT && q->port == 0 && !q->any_port) {
		struct text reason = deny_by_default(out);

		text_add(&reason, "port 0 is no destination");
		return;
	}
	rule = first_rule(policy, q, NULL, &match);
	if (rule == NULL) {
		deny_unmatched(policy, q, out);
		return;
	}
	decide_by_rule(rule, q, out);
	out->settled = rule_settles(policy, rule, q);
}

struct address
policy_inside(const struct policy *policy, const struct address *address)
{
	return address_inside(address, policy->nat64, policy->nat64_count);
}

/*
 * Why no rule can open the place; NULL: rules can.  SECURITY: a session into
 * this gateway itself would come from this machine, whoever its client is, and
 * could go on for ever.
 */
static const char *
forbidden(const struct policy *policy, const struct question *q,
    const struct candidate *candidate, const struct place *at)
{
	const struct address *address = &at->address;
	const unsigned sets = at->membership.sets;
	const struct address proxied = policy_inside(policy, &q->proxied);
	const bool here = address_is_any(address) ||
	    (sets & (SET_SELF | SET_LOOPBACK)) != 0;

	if (address->family == FAMILY_NONE)
		return "there is no address to dial";
	if (candidate->unknown)
		return "this host could not be asked whose address it is";
	if (q->port == 0 && q->command != POLICY_BIND && !q->any_port)
		return "port 0 is no destination";
	/* Answers would come from anybody. */
	if (q->command == POLICY_UDP && (sets & SET_MULTICAST) != 0)
		return "datagrams are never sent to a multicast address";
	if (here && q->listener_port != 0 && q->port == q->listener_port)
		return "the port of this gateway itself";
	/* The kernel would take it for this host. */
	if (address_is_any(address) && q->command != POLICY_BIND)
		return "the unspecified address is no destination";
	if (q->port != 0 && q->port == proxied.port &&
	    address_equal(address, &proxied))
		return "the destination of the PROXY header is the gateway "
		       "itself";
	return NULL;
}

static void
deny_forbidden(const char *why, const struct candidate *candidate,
    struct verdict *out)
{
	struct text reason = deny_by_default(out);

	text_add(&reason, why);
	out->unsure = candidate->unknown;
}

static void
deny_unopened(const struct candidate *candidate, const struct place *at,
    struct verdict *out)
{
	struct text reason = deny_by_default(out);

	address_add(&reason, &candidate->address);
	if (!address_equal(&at->address, &candidate->address)) {
		text_add(&reason, " (");
		address_add(&reason, &at->address);
		text_add(&reason, ")");
	}
	text_add(&reason, " is ");
	/* Only a BIND comes so far with it: many ask for any peer. */
	if (address_is_any(&at->address))
		text_add(&reason, "any peer, which `allow bind at any' opens");
	else
		text_add(&reason, at->membership.what);
	if (!address_is_any(&at->address))
		text_add(&reason, " and no rule opens it");
}

void
policy_judge_address(const struct policy *policy, const struct question *q,
    const struct candidate *candidate, struct verdict *out)
{
	const struct place at = rule_place_of(policy, candidate);
	const char *never = forbidden(policy, q, candidate, &at);
	enum match match;
	const struct rule *rule = first_rule(policy, q, &at, &match);

	if (never != NULL)
		deny_forbidden(never, candidate, out);
	else if (rule != NULL && match == MATCH_UNSURE)
		deny_unsure(rule, out);
	else if (rule != NULL)
		decide_by_rule(rule, q, out);
	else if (policy->built_in && (at.membership.sets & SET_GLOBAL) != 0)
		deny_unmatched(policy, q, out);
	else
		deny_unopened(candidate, &at, out);
}

void
policy_keep(struct verdict *known, const struct verdict *next)
{
	if (next->decision == ALLOW || !known->unsure)
		*known = *next;
}

void
policy_judge_associate(const struct policy *policy, const struct question *q,
    const struct candidate *candidate, struct verdict *out)
{
	static const enum policy_command commands[] = { POLICY_BIND,
		POLICY_UDP, POLICY_CONNECT };
	struct question use = *q;

	use.port = 0;
	use.any_port = true;
	*out = (struct verdict){ .decision = DENY };
	for (size_t i = 0; i < ARRAY_COUNT(commands) && out->decision != ALLOW;
	     i++) {
		struct verdict one;

		use.command = commands[i];
		if (candidate == NULL)
			policy_judge_request(policy, &use, &one);
		else
			policy_judge_address(policy, &use, candidate, &one);
		policy_keep(out, &one);
	}
}

void
policy_judge_hop(const struct policy *policy, const struct question *q,
    const struct candidate *candidate, struct verdict *out)
{
	const struct place at = rule_place_of(policy, candidate);
	const char *never = forbidden(policy, q, candidate, &at);

	(void)deny_by_default(out);
	if (never == NULL)
		out->decision = ALLOW;
	else
		deny_forbidden(never, candidate, out);
}

/* The next rule from *at on that could allow the question, before any
 * destination is known; NULL: there is none. */
static const struct rule *
next_choice(const struct policy *policy, const struct question *q, size_t *at)
{
	while (*at < policy->count) {
		const struct rule *rule = &policy->rules[(*at)++];

		if (rule_decides(policy, rule, q, NULL) == MATCH_NO)
			continue;
		if (rule->decision == ALLOW)
			return rule;
		*at = policy->count;
	}
	return NULL;
}

/* Puts the rule's way into the list, unless it is there; false: there is no
 * room. */
static bool
way_list(const struct rule *rule, struct way *list, size_t most, size_t *count)
{
	const struct way way = { rule->via, &rule->origin };

	for (size_t i = 0; i < *count; i++)
		if (list[i].hop == way.hop &&
		    origin_equal(list[i].origin, way.origin))
			return true;
	if (*count == most)
		return false;
	list[(*count)++] = way;
	return true;
}

static bool
leads_to(const struct way *list, size_t count, const struct hop *hop)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].hop == hop)
			return true;
	return false;
}

/* Each next gateway by the first of the ways there.  So none is without one
 * because of the ways to another. */
static size_t
list_hops(const struct policy *policy, const struct question *q,
    struct way list[POLICY_HOPS_MAX])
{
	const struct rule *rule;
	size_t count = 0;
	size_t at = 0;

	for (rule = next_choice(policy, q, &at); rule != NULL;
	     rule = next_choice(policy, q, &at))
		if (rule->via != NULL && !leads_to(list, count, rule->via))
			(void)way_list(rule, list, POLICY_HOPS_MAX, &count);
	return count;
}

size_t
policy_hops(const struct policy *policy, const struct question *q,
    struct way list[POLICY_HOPS_MAX], bool *otherwise)
{
	const struct rule *rule;
	size_t count = list_hops(policy, q, list);
	size_t at = 0;

	*otherwise = false;
	for (rule = next_choice(policy, q, &at); rule != NULL;
	     rule = next_choice(policy, q, &at))
		if (rule->via == NULL ||
		    !way_list(rule, list, POLICY_HOPS_MAX, &count))
			*otherwise = true;
	return count;
}

size_t
policy_origins(const struct policy *policy, const struct question *q,
    struct way list[POLICY_ORIGINS_MAX])
{
	const struct rule *rule;
	size_t count = 0;
	size_t at = 0;

	for (rule = next_choice(policy, q, &at); rule != NULL;
	     rule = next_choice(policy, q, &at))
		if (rule->via == NULL && origin_given(&rule->origin))
			(void)way_list(rule, list, POLICY_ORIGINS_MAX, &count);
	return count;
}
