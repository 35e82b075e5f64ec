/* SPDX-License-Identifier: ISC */
/*
 * Judging by the rules: the first that matches decides, and what none
 * matches is denied.  Pure: no file, no memory of its own, no clock.
 */
#include "policy/rules.h"

#include <string.h>

#include "base/array.h"

/* Does a condition hold?  UNSURE: only when more is known of the request
 * (the destination of a datagram still to come). */
enum match {
	MATCH_NO,
	MATCH_UNSURE,
	MATCH_YES,
};

static enum match
match_of(bool holds)
{
	return holds ? MATCH_YES : MATCH_NO;
}

static bool
user_is(const struct question *q, const char *word)
{
	if (strcmp(word, "*") == 0)
		return q->user != NULL;
	if (strcmp(word, "-") == 0)
		return q->user == NULL;
	if (strncmp(word, "uid=", 4) == 0) {
		char buffer[16];
		struct text uid = text_in(buffer, sizeof(buffer));

		text_add_number(&uid, q->client_uid);
		return q->client.family == FAMILY_NONE &&
		    strcmp(word + 4, buffer) == 0;
	}
	return q->user != NULL && strlen(word) == q->user_length &&
	    memcmp(word, q->user, q->user_length) == 0;
}

static enum match
match_users(const struct word_list *users, const struct question *q)
{
	if (!users->given)
		return MATCH_YES;
	for (size_t i = 0; i < users->count; i++)
		if (user_is(q, users->words[i]))
			return MATCH_YES;
	return MATCH_NO;
}

static enum match
match_from(const struct policy *policy, const struct net_list *from,
    const struct question *q)
{
	if (!from->given)
		return MATCH_YES;
	const struct address client = policy_inside(policy, &q->client);
	return match_of(net_list_has(from, &client,
	    membership_of(&client, q->client_self)));
}

bool
policy_asks_client_self(const struct policy *policy)
{
	const unsigned depends = SET_SELF | SET_GLOBAL | SET_SPECIAL;

	for (size_t i = 0; i < policy->count; i++)
		if ((policy->rules[i].from.sets & depends) != 0)
			return true;
	return false;
}

/* ".example.com" is that domain and all below it. */
static bool
name_is(const char *name, size_t length, const char *word)
{
	const bool suffix = word[0] == '.';
	const char *domain = suffix ? word + 1 : word;
	const size_t tail = strlen(domain);

	if (tail > length || memcmp(name + length - tail, domain, tail) != 0)
		return false;
	return tail == length || (suffix && name[length - tail - 1] == '.');
}

static enum match
match_to(const struct word_list *to, const struct question *q)
{
	const char *any = q->name == NULL ? "literal" : "name";
	const size_t length = q->name == NULL ? 0 : strlen(q->name);

	if (!to->given)
		return MATCH_YES;
	if (q->name == NULL && q->literal.family == FAMILY_NONE)
		return to->count > 0 ? MATCH_UNSURE : MATCH_NO;
	for (size_t i = 0; i < to->count; i++) {
		if (strcmp(to->words[i], any) == 0)
			return MATCH_YES;
		if (q->name != NULL && name_is(q->name, length, to->words[i]))
			return MATCH_YES;
	}
	return MATCH_NO;
}

static enum match
match_ports(const struct port_list *ports, const struct question *q)
{
	if (!ports->given)
		return MATCH_YES;
	if (q->command == POLICY_BIND)
		return MATCH_NO;
	if (q->port == 0)
		return ports->count > 0 ? MATCH_UNSURE : MATCH_NO;
	for (size_t i = 0; i < ports->count; i++)
		if (q->port >= ports->ranges[i].low &&
		    q->port <= ports->ranges[i].high)
			return MATCH_YES;
	return MATCH_NO;
}

/* All conditions but `at`. */
static enum match
match_request(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	const enum match each[] = {
		match_of((rule->commands & (unsigned)q->command) != 0),
		match_users(&rule->users, q),
		match_from(policy, &rule->from, q),
		match_to(&rule->to, q),
		match_ports(&rule->ports, q),
	};
	enum match all = MATCH_YES;

	for (size_t i = 0; i < ARRAY_COUNT(each); i++)
		if (each[i] < all)
			all = each[i];
	return all;
}

static bool
match_address(const struct rule *rule, const struct address *address,
    struct membership membership)
{
	if (rule->decision == DENY)
		return !rule->at.given ||
		    net_list_has(&rule->at, address, membership);
	/* SECURITY: without `at` a rule opens the world, never the inside. */
	if (!rule->at.given)
		return (membership.sets & SET_GLOBAL) != 0;
	return net_list_opens(&rule->at, address, membership);
}

bool
policy_needs_address(enum policy_command command)
{
	return command == POLICY_BIND || command == POLICY_UDP;
}

void
rule_place(const struct rule *rule, struct text *out)
{
	text_add(out, rule->file);
	if (rule->line > 0) {
		text_add_char(out, ':');
		text_add_number(out, rule->line);
	}
}

static void
decide_by_rule(const struct rule *rule, struct verdict *out)
{
	struct text name = text_in(out->rule, sizeof(out->rule));
	struct text reason = text_in(out->reason, sizeof(out->reason));

	out->decision = rule->decision;
	out->matched = rule;
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
	text_add(&name, "default");
	return text_in(out->reason, sizeof(out->reason));
}

static void
allow_announced(const struct question *q, struct verdict *out)
{
	struct text name = text_in(out->rule, sizeof(out->rule));

	out->decision = ALLOW;
	out->matched = NULL;
	text_add(&name, q->announced);
	out->reason[0] = '\0';
}

static const char *
command_name(enum policy_command command)
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
		text_add(&reason, "without rules only this machine, private "
		    "nets and authenticated users are served");
		return;
	}
	text_add(&reason, "no rule allows ");
	text_add(&reason, command_name(q->command));
	text_add(&reason, " to this client and destination");
}

void
policy_judge_request(const struct policy *policy, const struct question *q,
    struct verdict *out)
{
	if (q->command == POLICY_CONNECT && q->port == 0) {
		struct text reason = deny_by_default(out);

		text_add(&reason, "port 0 is no destination");
		return;
	}
	if (q->announced != NULL) {
		allow_announced(q, out);
		return;
	}
	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct net_list *at = &rule->at;
		const enum match match = match_request(policy, rule, q);
		const bool nowhere = at->given && at->sets == 0 &&
		    at->count == 0;
		const bool everywhere = !at->given ||
		    (at->sets & SET_ANY) != 0;

		if (rule->decision == ALLOW ?
		    match != MATCH_NO && !nowhere :
		    match == MATCH_YES && everywhere) {
			decide_by_rule(rule, out);
			return;
		}
	}
	deny_unmatched(policy, q, out);
}

struct address
policy_inside(const struct policy *policy, const struct address *address)
{
	return address_inside(address, policy->nat64, policy->nat64_count);
}

/*
 * SECURITY: what no rule can open: a session into this gateway itself would
 * come from this machine, whatever its client is, and could go on for ever.
 * NULL where there is nothing to say.
 */
static const char *
forbidden(const struct policy *policy, const struct question *q,
    const struct address *address, struct membership membership)
{
	const struct address proxied = policy_inside(policy, &q->proxied);
	const bool here = address_is_any(address) ||
	    (membership.sets & (SET_SELF | SET_LOOPBACK)) != 0;

	if (address->family == FAMILY_NONE)
		return "there is no address to dial";
	if (q->port == 0 && q->command != POLICY_BIND)
		return "port 0 is no destination";
	/* Answers would come from anybody. */
	if (q->command == POLICY_UDP &&
	    (membership.sets & SET_MULTICAST) != 0)
		return "datagrams are never sent to a multicast address";
	if (here && q->listener_port != 0 && q->port == q->listener_port)
		return "the port of this gateway itself";
	if (q->port != 0 && q->port == proxied.port &&
	    address_equal(address, &proxied))
		return "the destination of the PROXY header is the gateway "
		    "itself";
	return NULL;
}

static void
deny_unopened(const struct candidate *candidate, const struct address *inside,
    struct membership membership, struct verdict *out)
{
	struct text reason = deny_by_default(out);

	address_add(&reason, &candidate->address);
	if (!address_equal(inside, &candidate->address)) {
		text_add(&reason, " (");
		address_add(&reason, inside);
		text_add(&reason, ")");
	}
	text_add(&reason, " is ");
	text_add(&reason, membership.what);
	text_add(&reason, " and no rule opens it");
}

void
policy_judge_address(const struct policy *policy, const struct question *q,
    const struct candidate *candidate, struct verdict *out)
{
	const struct address address = policy_inside(policy,
	    &candidate->address);
	const struct membership membership = membership_of(&address,
	    candidate->self);
	const char *never = forbidden(policy, q, &address, membership);

	if (never != NULL) {
		struct text reason = deny_by_default(out);

		text_add(&reason, never);
		return;
	}
	if (q->announced != NULL) {
		allow_announced(q, out);
		return;
	}
	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];
		const enum match match = match_request(policy, rule, q);
		/* SECURITY: what is unsure denies, and never allows. */
		const enum match enough = rule->decision == ALLOW ?
		    MATCH_YES : MATCH_UNSURE;

		if (match >= enough &&
		    match_address(rule, &address, membership)) {
			decide_by_rule(rule, out);
			return;
		}
	}
	if (policy->built_in && (membership.sets & SET_GLOBAL) != 0)
		deny_unmatched(policy, q, out);
	else
		deny_unopened(candidate, &address, membership, out);
}
