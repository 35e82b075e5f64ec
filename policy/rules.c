/* SPDX-License-Identifier: ISC */
/*
 * Whether one rule matches.  Pure: no file, no memory of its own, no clock.
 */
#include "policy/rules.h"

#include <string.h>

#include "base/array.h"
#include "wire/name.h"

static enum match
match_of(bool holds)
{
	return holds ? MATCH_YES : MATCH_NO;
}

static enum match
either(enum match one, enum match other)
{
	return one > other ? one : other;
}

static enum match
both(enum match one, enum match other)
{
	return one < other ? one : other;
}

/* SECURITY: a user who calls himself as these words of a rule is not meant by
 * them. */
static bool
is_plain_user(const char *user, size_t length)
{
	return !(length == 1 && (user[0] == '-' || user[0] == '*')) &&
	    !(length >= 4 && memcmp(user, "uid=", 4) == 0);
}

static enum match
match_users(const struct word_list *users, const struct question *q)
{
	char buffer[16];
	struct text uid = text_in(buffer, sizeof(buffer));
	enum match match;

	if (!users->given)
		return MATCH_YES;
	match = word_list_has(users, q->user == NULL ? "-" : "*", 1);
	if (q->user != NULL && is_plain_user(q->user, q->user_length))
		match = either(match,
		    word_list_has(users, q->user, q->user_length));
	if (q->client.family != FAMILY_NONE)
		return match;
	text_add(&uid, "uid=");
	text_add_number(&uid, q->client_uid);
	return either(match, word_list_has(users, buffer, uid.length));
}

struct place
rule_place_of(const struct policy *policy, const struct candidate *candidate)
{
	const struct address address = address_inside(&candidate->address,
	    policy->nat64, policy->nat64_count);
	struct membership m = membership_of(&address, candidate->self);
	bool unsure = false;

	if (candidate->on_link)
		m.sets |= SET_ON_LINK;
	if ((m.sets & SET_GLOBAL) != 0) {
		const bool on_link = candidate->on_link &&
		    policy->inside_on_link;
		const enum match inside = on_link ?
		    MATCH_YES :
		    net_list_has(&policy->inside, &address, m);

		unsure = inside == MATCH_UNSURE;
		/* SECURITY: what may be inside is not global. */
		if (inside != MATCH_NO) {
			m.sets ^= SET_GLOBAL | SET_SPECIAL;
			m.what = on_link ? "on-link" : "inside";
		}
	}
	return (struct place){ .address = address,
		.membership = m,
		.unsure = unsure };
}

/* Does it depend on what the place is, and is that not known? */
static bool
is_unsure(const struct net_list *list, const struct place *place)
{
	return place->unsure && (list->sets & (SET_GLOBAL | SET_SPECIAL)) != 0;
}

static enum match
match_place(const struct net_list *list, const struct place *place)
{
	return is_unsure(list, place) ?
	    MATCH_UNSURE :
	    net_list_has(list, &place->address, place->membership);
}

static enum match
match_from(const struct policy *policy, const struct net_list *from,
    const struct question *q)
{
	const struct candidate client = { .address = q->client,
		.self = q->client_self,
		.on_link = q->client_on_link };
	struct place place;

	if (!from->given)
		return MATCH_YES;
	place = rule_place_of(policy, &client);
	return match_place(from, &place);
}

static const char literal[] = "literal";

/* The name itself, or a domain that it is in: ".example.com".  SECURITY: a
 * host that is called as the word is not meant by it. */
static enum match
match_name(const struct word_list *to, const char *name)
{
	char buffer[1 + NAME_LENGTH_MAX + 1];
	struct text dotted = text_in(buffer, sizeof(buffer));
	enum match match = MATCH_NO;

	text_add_char(&dotted, '.');
	text_add(&dotted, name);
	if (strcmp(name, literal) != 0)
		match = word_list_has(to, buffer + 1, dotted.length - 1);
	for (const char *dot = buffer; dot != NULL && match != MATCH_YES;
	     dot = strchr(dot + 1, '.'))
		match = either(match,
		    word_list_has(to, dot,
			dotted.length - (size_t)(dot - buffer)));
	return match;
}

static enum match
match_to(const struct word_list *to, const struct question *q)
{
	const bool known = q->name != NULL || q->literal.family != FAMILY_NONE;
	enum match match;

	if (!to->given)
		return MATCH_YES;
	if (!known)
		return word_list_is_empty(to) ? MATCH_NO : MATCH_UNSURE;
	if (q->name == NULL)
		return word_list_has(to, literal, strlen(literal));
	match = word_list_has(to, "name", 4);
	return match == MATCH_YES ? match :
				    either(match, match_name(to, q->name));
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

static bool
listener_is(const struct listener *listener, const struct address *ours)
{
	if (listener->is_unix || ours->family == FAMILY_NONE)
		return listener->is_unix && ours->family == FAMILY_NONE;
	const struct net here = net_around(ours, net_bits_max(ours->family));

	return (listener->port == 0 || listener->port == ours->port) &&
	    (listener->any_address || net_covers(&listener->net, &here));
}

static enum match
match_on(const struct listener_list *on, const struct question *q)
{
	if (!on->given)
		return MATCH_YES;
	for (size_t i = 0; i < on->count; i++)
		if (listener_is(&on->listeners[i], &q->listener))
			return MATCH_YES;
	return MATCH_NO;
}

/* All conditions but `at` and `port`. */
static enum match
match_rest(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	const enum match each[] = {
		match_of((rule->commands & (unsigned)q->command) != 0),
		match_users(&rule->users, q),
		match_from(policy, &rule->from, q),
		match_to(&rule->to, q),
		match_on(&rule->on, q),
	};
	enum match all = MATCH_YES;

	for (size_t i = 0; i < ARRAY_COUNT(each); i++)
		all = both(all, each[i]);
	return all;
}

/* All conditions but `at`. */
static enum match
match_request(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	return both(match_rest(policy, rule, q), match_ports(&rule->ports, q));
}

/* SECURITY: where nothing is dialled yet, one port is enough for an allow
 * rule, and a deny rule is for all of them. */
static enum match
match_any_port(const struct rule *rule, const struct question *q)
{
	const enum match match = match_ports(&rule->ports, q);

	return match == MATCH_UNSURE && q->any_port ?
	    match_of(rule->decision == ALLOW) :
	    match;
}

bool
rule_serves(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	return match_users(&rule->users, q) == MATCH_YES &&
	    match_from(policy, &rule->from, q) == MATCH_YES &&
	    match_on(&rule->on, q) == MATCH_YES;
}

bool
rule_forwards_name(const struct rule *rule, const struct question *q)
{
	return rule->via != NULL && !rule->at.given && q->name != NULL;
}

static enum match
match_address(const struct rule *rule, const struct question *q,
    const struct place *at)
{
	if (rule->decision == DENY)
		return rule->at.given ? match_place(&rule->at, at) : MATCH_YES;
	/* The name travels on, and no address of ours is dialled. */
	if (rule_forwards_name(rule, q))
		return MATCH_YES;
	/* SECURITY: without `at` a rule opens the world, never the inside. */
	if (!rule->at.given)
		return at->unsure ?
		    MATCH_UNSURE :
		    match_of((at->membership.sets & SET_GLOBAL) != 0);
	return is_unsure(&rule->at, at) ?
	    MATCH_UNSURE :
	    net_list_opens(&rule->at, &at->address, at->membership);
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

/* Could the rule match for some address, or, a deny rule, for every one? */
static bool
match_somewhere(const struct rule *rule, enum match match)
{
	const struct net_list *at = &rule->at;
	const bool nowhere = at->given && net_list_is_empty(at);
	const bool everywhere = !at->given || (at->sets & SET_ANY) != 0;

	return rule->decision == ALLOW ? match != MATCH_NO && !nowhere :
					 match == MATCH_YES && everywhere;
}

enum match
rule_decides(const struct policy *policy, const struct rule *rule,
    const struct question *q, const struct place *at)
{
	const enum match match = both(match_rest(policy, rule, q),
	    match_any_port(rule, q));

	if (at == NULL)
		return match_of(match_somewhere(rule, match));
	return match == MATCH_NO ? match :
				   both(match, match_address(rule, q, at));
}

bool
rule_settles(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	if (!rule_forwards_name(rule, q) ||
	    (rule != q->announced &&
		match_request(policy, rule, q) != MATCH_YES))
		return false;
	for (const struct rule *above = policy->rules; above < rule; above++)
		if (match_request(policy, above, q) != MATCH_NO)
			return false;
	return true;
}
