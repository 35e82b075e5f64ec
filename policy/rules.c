/* SPDX-License-Identifier: ISC */
/*
 * Whether one rule matches.  Pure: no file, no memory of its own, no clock.
 */
#include "policy/rules.h"

#include <string.h>

#include "base/array.h"

/*
 * Does a condition hold?  MATCH_UNSURE: that depends on what is not known yet,
 * the destination of a datagram that is still to come.
 */
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

/* Is that the word for what the question asks? */
typedef bool word_test(const struct question *q, const char *word);

static enum match
match_words(const struct word_list *list, const struct question *q,
    word_test *is)
{
	if (!list->given)
		return MATCH_YES;
	for (size_t i = 0; i < list->count; i++)
		if (is(q, list->words[i]))
			return MATCH_YES;
	return MATCH_NO;
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

struct place
rule_place_of(const struct policy *policy, const struct candidate *candidate)
{
	const struct address address = address_inside(&candidate->address,
	    policy->nat64, policy->nat64_count);
	struct membership m = membership_of(&address, candidate->self);

	if (candidate->on_link)
		m.sets |= SET_ON_LINK;
	if ((m.sets & SET_GLOBAL) != 0) {
		const bool on_link = candidate->on_link &&
		    policy->inside_on_link;

		if (on_link || net_list_has(&policy->inside, &address, m)) {
			m.sets ^= SET_GLOBAL | SET_SPECIAL;
			m.what = on_link ? "on-link" : "inside";
		}
	}
	return (struct place){ .address = address, .membership = m };
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
	return match_of(net_list_has(from, &place.address, place.membership));
}

/* Is it the word `name' or `literal', that name, or, as ".example.com", the
 * domain above it or itself? */
static bool
destination_is(const struct question *q, const char *word)
{
	const bool suffix = word[0] == '.';
	const char *domain = suffix ? word + 1 : word;
	const size_t tail = strlen(domain);
	const size_t length = q->name == NULL ? 0 : strlen(q->name);

	if (strcmp(word, q->name == NULL ? "literal" : "name") == 0)
		return true;
	if (tail > length ||
	    memcmp(q->name + length - tail, domain, tail) != 0)
		return false;
	return tail == length || (suffix && q->name[length - tail - 1] == '.');
}

static enum match
match_to(const struct word_list *to, const struct question *q)
{
	const bool known = q->name != NULL || q->literal.family != FAMILY_NONE;

	if (to->given && !known)
		return to->count > 0 ? MATCH_UNSURE : MATCH_NO;
	return match_words(to, q, destination_is);
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
		match_words(&rule->users, q, user_is),
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

bool
rule_serves(const struct policy *policy, const struct rule *rule,
    const struct question *q)
{
	return match_words(&rule->users, q, user_is) == MATCH_YES &&
	    match_from(policy, &rule->from, q) == MATCH_YES;
}

bool
rule_forwards_name(const struct rule *rule, const struct question *q)
{
	return rule->via != NULL && !rule->at.given && q->name != NULL;
}

static bool
match_address(const struct rule *rule, const struct question *q,
    const struct place *at)
{
	if (rule->decision == DENY)
		return !rule->at.given ||
		    net_list_has(&rule->at, &at->address, at->membership);
	/* The name travels on, and no address of ours is dialled. */
	if (rule_forwards_name(rule, q))
		return true;
	/* SECURITY: without `at` a rule opens the world, never the inside. */
	if (!rule->at.given)
		return (at->membership.sets & SET_GLOBAL) != 0;
	return net_list_opens(&rule->at, &at->address, at->membership);
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
	const bool nowhere = at->given && at->sets == 0 && at->count == 0;
	const bool everywhere = !at->given || (at->sets & SET_ANY) != 0;

	return rule->decision == ALLOW ? match != MATCH_NO && !nowhere :
					 match == MATCH_YES && everywhere;
}

bool
rule_decides(const struct policy *policy, const struct rule *rule,
    const struct question *q, const struct place *at)
{
	const enum match match = match_request(policy, rule, q);
	/* SECURITY: what is unsure denies, and never allows, but where nothing
	 * is dialled yet. */
	const enum match enough = (rule->decision == ALLOW) != q->any_port ?
	    MATCH_YES :
	    MATCH_UNSURE;

	if (at == NULL)
		return match_somewhere(rule, match);
	return match >= enough && match_address(rule, q, at);
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
