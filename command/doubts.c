/* SPDX-License-Identifier: ISC */
/*
 * Rules that are doubtful.  What cannot be known for sure is not told: a wider
 * rule is one whose conditions are missing, or have each entry of the other's.
 */
#include "command/doubts.h"

#include <string.h>

#include "base/array.h"

/* --- which rule is wider --- */

/* Does a list of names have this name or domain, as match_name() in
 * policy/rules.c would find it? */
static bool
names_cover(const struct word_list *a, const char *word)
{
	if (strcmp(word, "literal") == 0 || strcmp(word, "name") == 0)
		return false;
	if (word_list_has(a, "name", strlen("name")) == MATCH_YES)
		return true;
	for (const char *dot = strchr(word, '.'); dot != NULL;
	     dot = strchr(dot + 1, '.'))
		if (word_list_has(a, dot, strlen(dot)) == MATCH_YES)
			return true;
	return false;
}

/* "-" and uid=N are no names. */
static bool
users_cover(const struct word_list *a, const char *word)
{
	return strcmp(word, "-") != 0 && strncmp(word, "uid=", 4) != 0 &&
	    word_list_has(a, "*", 1) == MATCH_YES;
}

typedef bool words_cover(const struct word_list *a, const char *word);

static bool
words_wider(const struct word_list *a, const struct word_list *b,
    words_cover *cover)
{
	if (!a->given)
		return true;
	if (!b->given || b->indexes != NULL)
		return false;
	for (size_t i = 0; i < b->count; i++) {
		const char *word = word_list_at(b, i);

		if (word_list_has(a, word, strlen(word)) != MATCH_YES &&
		    !cover(a, word))
			return false;
	}
	return true;
}

static bool
net_equal(const struct net *a, const struct net *b)
{
	return a->family == b->family && a->bits == b->bits &&
	    memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static bool
nets_equal(const struct net_list *a, const struct net_list *b)
{
	if (a->sets != b->sets || a->count != b->count || a->indexes != NULL ||
	    b->indexes != NULL)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!net_equal(&a->nets[i], &b->nets[i]))
			return false;
	return true;
}

/* An end of a net: its first address, or its last. */
static struct address
net_end(const struct net *net, bool last)
{
	uint8_t octets[16];

	memcpy(octets, net->octets, sizeof(octets));
	for (unsigned bit = net->bits; last && bit < 8 * sizeof(octets); bit++)
		octets[bit / 8] |= (uint8_t)(0x80U >> bit % 8);
	return net->family == FAMILY_IPV4 ? address_ipv4(octets, 0) :
					    address_ipv6(octets, 0);
}

/* A net whose ends are in one of these sets is in it. */
static bool
sets_cover(unsigned sets, const struct net *net)
{
	const unsigned whole = SET_LOOPBACK | SET_PRIVATE | SET_LINK_LOCAL;
	const struct address first = net_end(net, false);
	const struct address last = net_end(net, true);

	return (sets & SET_ANY) != 0 ||
	    (sets & whole & membership_of(&first, false).sets &
		membership_of(&last, false).sets) != 0;
}

static bool
nets_cover(const struct net_list *a, const struct net *net)
{
	for (size_t i = 0; i < a->count; i++)
		if (net_covers(&a->nets[i], net))
			return true;
	return sets_cover(a->sets, net);
}

static bool
nets_wider(const struct net_list *a, const struct net_list *b)
{
	if (!a->given)
		return true;
	if (!b->given || b->indexes != NULL ||
	    ((b->sets & ~a->sets) != 0 && (a->sets & SET_ANY) == 0))
		return false;
	for (size_t i = 0; i < b->count; i++)
		if (!nets_cover(a, &b->nets[i]))
			return false;
	return true;
}

/* Without `at' an allow rule reaches global addresses, a deny rule all.  Of
 * two that open something the narrower one may open more: this host. */
static bool
addresses_wider(const struct rule *a, const struct rule *b)
{
	if (a->decision == DENY)
		return nets_wider(&a->at, &b->at);
	if (a->at.given)
		return b->at.given && nets_equal(&a->at, &b->at);
	return !b->at.given && b->decision == ALLOW;
}

static bool
ports_cover(const struct port_list *a, const struct port_range *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->ranges[i].low <= b->low && a->ranges[i].high >= b->high)
			return true;
	return false;
}

static bool
ports_wider(const struct port_list *a, const struct port_list *b)
{
	if (!a->given)
		return true;
	for (size_t i = 0; i < b->count; i++)
		if (!ports_cover(a, &b->ranges[i]))
			return false;
	return b->given;
}

/* The same but for command and address. */
static bool
is_wider_request(const struct rule *a, const struct rule *b)
{
	return words_wider(&a->users, &b->users, users_cover) &&
	    nets_wider(&a->from, &b->from) &&
	    words_wider(&a->to, &b->to, names_cover) &&
	    ports_wider(&a->ports, &b->ports) && !a->on.given;
}

/* Does `a' match all that `b' does? */
static bool
is_wider(const struct rule *a, const struct rule *b)
{
	return (a->commands & b->commands) == b->commands &&
	    addresses_wider(a, b) && is_wider_request(a, b);
}

static bool
has_condition(const struct rule *rule)
{
	return rule->users.given || rule->from.given || rule->to.given ||
	    rule->at.given || rule->ports.given || rule->on.given;
}

/* Does the allow rule `a' allow all that the deny rule `b' below it would
 * deny, and that no rule below that could allow?  A last line that denies all
 * is nobody's mistake. */
static bool
is_too_late(const struct policy *policy, const struct rule *a,
    const struct rule *b)
{
	const struct rule *end = policy->rules + policy->count;

	if (a->decision != ALLOW || b->decision != DENY || a->at.given ||
	    b->at.given || (a->commands & b->commands) == 0 ||
	    !has_condition(b) || !is_wider_request(a, b))
		return false;
	for (const struct rule *c = b + 1; c < end; c++)
		if (c->decision == ALLOW &&
		    (c->at.given ||
			(c->commands & b->commands & ~a->commands) != 0))
			return false;
	return true;
}

static void
tell_hidden(const struct policy *policy, const struct rule *above,
    const struct rule *rule, struct text *t)
{
	const char *before = NULL;
	const char *behind = " above it matches all that it does";

	if (is_wider(above, rule)) {
		before = "it never matches: ";
	} else if (is_too_late(policy, above, rule)) {
		before = "it comes too late: ";
		behind = " above it allows what it would deny";
	}
	if (before == NULL)
		return;
	text_add(t, before);
	rule_place(above, t);
	text_add(t, behind);
}

static void
find_hidden(const struct policy *policy, doubts_tell *tell, void *context)
{
	for (size_t i = 1; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];
		char buffer[RULE_TEXT + 64];
		struct text t = text_in(buffer, sizeof(buffer));

		for (size_t above = 0; above < i && t.length == 0; above++)
			tell_hidden(policy, &policy->rules[above], rule, &t);
		if (t.length > 0)
			tell(context, rule, buffer);
	}
}

/* A file may have nothing but comments. */
static void
find_empty(const struct policy *policy, doubts_tell *tell, void *context)
{
	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];

		if ((rule->users.given && word_list_is_empty(&rule->users)) ||
		    (rule->to.given && word_list_is_empty(&rule->to)) ||
		    (rule->from.given && net_list_is_empty(&rule->from)) ||
		    (rule->at.given && net_list_is_empty(&rule->at)))
			tell(context, rule,
			    "it never matches: a list of it is empty");
	}
}

/* --- what all of them together do --- */

static bool
is_global(const struct address *address)
{
	return (membership_of(address, false).sets & SET_GLOBAL) != 0;
}

/* May the list have a global address?  An index may. */
static bool
has_global(const struct net_list *list)
{
	static const char *const samples[] = { "1.1.1.1", "8.8.8.8",
		"2606:4700::1111" };

	if (list->indexes != NULL || (list->sets & SET_GLOBAL) != 0)
		return true;
	for (size_t i = 0; i < list->count; i++) {
		const struct net *net = &list->nets[i];
		const struct address first = net->family == FAMILY_IPV4 ?
		    address_ipv4(net->octets, 0) :
		    address_ipv6(net->octets, 0);

		if (is_global(&first))
			return true;
	}
	for (size_t i = 0; i < ARRAY_COUNT(samples); i++) {
		struct address sample;

		if (address_parse(samples[i], strlen(samples[i]), &sample) &&
		    net_list_has(list, &sample,
			membership_of(&sample, false)) == MATCH_YES)
			return true;
	}
	return false;
}

static void
find_closed(const struct policy *policy, doubts_tell *tell, void *context)
{
	const struct rule *first = NULL;

	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->decision != ALLOW)
			continue;
		if (!rule->at.given || rule->via != NULL ||
		    has_global(&rule->at))
			return;
		first = first == NULL ? rule : first;
	}
	if (first == NULL)
		tell(context, &policy->rules[0],
		    "no rule allows anything: every request is denied");
	else
		tell(context, first,
		    "neither this rule nor another one reaches a global "
		    "address");
}

static void
find_open(const struct settings *settings, doubts_tell *tell, void *context)
{
	const struct policy *policy = settings->policy;

	if (!settings_offers(settings, AUTH_NONE))
		return;
	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];

		if (rule->decision != ALLOW || rule->from.given ||
		    rule->users.given || rule->on.given)
			continue;
		tell(context, rule,
		    "it serves whoever can reach the gateway: `from' or "
		    "`user' says whom");
		return;
	}
}

void
doubts_find(const struct settings *settings, doubts_tell *tell, void *context)
{
	const struct policy *policy = settings->policy;

	if (policy->built_in || policy->count == 0)
		return;
	find_closed(policy, tell, context);
	find_open(settings, tell, context);
	find_empty(policy, tell, context);
	find_hidden(policy, tell, context);
}
