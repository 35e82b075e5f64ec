/* SPDX-License-Identifier: ISC */
/*
 * Rules that are doubtful.  What cannot be known for sure is not told: a wider
 * rule is one whose conditions are missing, or the same.
 */
#include "command/doubts.h"

#include <string.h>

#include "base/array.h"

/* --- which rule is wider --- */

static bool
words_equal(const struct word_list *a, const struct word_list *b)
{
	if (a->count != b->count || a->indexes != NULL || b->indexes != NULL)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(word_list_at(a, i), word_list_at(b, i)) != 0)
			return false;
	return true;
}

static bool
words_wider(const struct word_list *a, const struct word_list *b)
{
	return !a->given || (b->given && words_equal(a, b));
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

static bool
nets_wider(const struct net_list *a, const struct net_list *b)
{
	return !a->given || (b->given && nets_equal(a, b));
}

/* Without `at' an allow rule reaches global addresses, a deny rule all. */
static bool
addresses_wider(const struct rule *a, const struct rule *b)
{
	if (a->at.given || a->decision == DENY)
		return nets_wider(&a->at, &b->at);
	return !b->at.given && b->decision == ALLOW;
}

static bool
ports_wider(const struct port_list *a, const struct port_list *b)
{
	if (!a->given)
		return true;
	return b->given && a->count == b->count &&
	    memcmp(a->ranges, b->ranges, a->count * sizeof(a->ranges[0])) == 0;
}

/* Does `a' match all that `b' does? */
static bool
is_wider(const struct rule *a, const struct rule *b)
{
	return (a->commands & b->commands) == b->commands &&
	    words_wider(&a->users, &b->users) &&
	    nets_wider(&a->from, &b->from) && words_wider(&a->to, &b->to) &&
	    addresses_wider(a, b) && ports_wider(&a->ports, &b->ports) &&
	    !a->on.given;
}

static void
find_hidden(const struct policy *policy, doubts_tell *tell, void *context)
{
	for (size_t i = 1; i < policy->count; i++)
		for (size_t above = 0; above < i; above++) {
			char buffer[RULE_TEXT + 64];
			struct text t = text_in(buffer, sizeof(buffer));

			if (!is_wider(&policy->rules[above],
				&policy->rules[i]))
				continue;
			text_add(&t, "it never matches: ");
			rule_place(&policy->rules[above], &t);
			text_add(&t, " above it matches all that it does");
			tell(context, &policy->rules[i], buffer);
			break;
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
