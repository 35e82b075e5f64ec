/* SPDX-License-Identifier: ISC */
/*
 * Answers and literals, turned into a sorted list of destinations.
 */
#include "net/candidates.h"

#include <string.h>

#include "base/wait.h"

/* Milliseconds for the addresses of one answer: on a host with many routes
 * the kernel takes its time for each of them. */
enum { LOOK_PATIENCE = 1000 };

struct candidate
candidate_at(const struct destination *destination)
{
	return (struct candidate){ .address = destination->address,
		.self = destination->self,
		.on_link = destination->on_link,
		.unknown = destination->unknown != 0 };
}

struct candidate
candidate_of(const struct question *question, const struct address *address,
    const struct route *route)
{
	const bool any_peer = question->command == POLICY_BIND &&
	    address_is_any(address);

	return (struct candidate){ .address = *address,
		.self = route->self && !any_peer,
		.on_link = route->on_link,
		.unknown = route->unknown != 0 && !any_peer };
}

void
candidates_start(struct candidates *c, const struct settings *settings,
    const struct question *question, candidate_judge *judge)
{
	c->settings = settings;
	c->question = question;
	c->judge = judge;
	c->count = 0;
	c->fixed = 0;
	c->taken = FAMILY_NONE;
}

enum family
candidates_preferred(const struct settings *settings)
{
	return settings->prefer == PREFER_IPV4 ||
		settings->prefer == PREFER_IPV4_ONLY ?
	    FAMILY_IPV4 :
	    FAMILY_IPV6;
}

/* The family of the first turn: the other one than the last that was taken,
 * else the configuration's choice, else that of RFC 6724. */
static enum family
first_family(const struct candidates *c)
{
	switch (c->taken) {
	case FAMILY_IPV6: return FAMILY_IPV4;
	case FAMILY_IPV4: return FAMILY_IPV6;
	case FAMILY_NONE: break;
	}
	return c->settings->prefer == PREFER_AUTO ?
	    FAMILY_NONE :
	    candidates_preferred(c->settings);
}

static struct destination
destination_of(const struct candidates *c, const struct address *address)
{
	struct destination d = { .address = *address };
	struct route route;

	d.address.port = c->question->port;
	route = route_probe(c->settings, &d.address, 0);
	d.source = route.source;
	d.self = route.self;
	d.on_link = route.on_link;
	d.unknown = route.unknown;
	return d;
}

void
candidates_put(struct candidates *c, const struct address *address)
{
	if (route_wanted(c->settings, address->family))
		c->list[c->count++] = destination_of(c, address);
	c->fixed = c->count;
}

/* This does not count: it is judged again when it is dialled. */
static bool
is_denied(const struct candidates *c, const struct destination *d)
{
	const struct candidate candidate = candidate_at(d);
	struct verdict verdict;

	c->judge(c->settings->policy, c->question, &candidate, &verdict);
	return verdict.decision != ALLOW && !verdict.unsure;
}

/* Appends an answer.  As many of the denied as would take a place of another
 * one are left out, and no more: the record tells of them.  Where there is no
 * time to find more of those, the next ones are taken as they come. */
static void
append(struct candidates *c, const struct answer *answer,
    const struct address *known)
{
	const struct deadline until = deadline_in(LOOK_PATIENCE);
	const size_t most = c->count + CANDIDATES_OF_ANSWER;
	size_t surplus = answer->count > CANDIDATES_OF_ANSWER ?
	    answer->count - CANDIDATES_OF_ANSWER :
	    0;

	for (size_t i = 0; i < answer->count && c->count < most; i++) {
		struct destination d;

		if (address_equal(&answer->list[i], known))
			continue;
		d = destination_of(c, &answer->list[i]);
		if (surplus > 0 && !deadline_passed(until) && is_denied(c, &d))
			surplus--;
		else
			c->list[c->count++] = d;
	}
}

void
candidates_add(struct candidates *c, const struct answer *answer,
    const struct address *known)
{
	struct destination *sorted = c->list + c->fixed;

	if (answer->count > 0 &&
	    route_wanted(c->settings, answer->list[0].family))
		append(c, answer, known);
	order_sort(sorted, c->count - c->fixed);
	order_interleave(sorted, c->count - c->fixed, first_family(c));
}

struct destination
candidates_take(struct candidates *c)
{
	const struct destination first = c->list[0];

	memmove(&c->list[0], &c->list[1], --c->count * sizeof(c->list[0]));
	if (c->fixed > 0)
		c->fixed--;
	c->taken = first.address.family;
	return first;
}

size_t
candidates_list(const struct settings *settings,
    const struct question *question, const struct resolution *names,
    struct address list[CANDIDATES_MAX])
{
	const struct address none = { .family = FAMILY_NONE };
	struct candidates c;

	candidates_start(&c, settings, question,
	    question->command == POLICY_ALL ? policy_judge_associate :
					      policy_judge_address);
	if (question->name == NULL) {
		candidates_put(&c, &question->literal);
	} else {
		candidates_add(&c, &names->ipv6, &none);
		candidates_add(&c, &names->ipv4, &none);
	}
	for (size_t i = 0; i < c.count; i++)
		list[i] = c.list[i].address;
	return c.count;
}

void
candidates_explain_none(const struct resolution *names,
    struct outcome *outcome)
{
	const char *reason = resolve_reason(names);

	if (names->broken)
		outcome_fail(outcome, RESULT_ERROR, resolve_reply(names),
		    reason);
	else if (reason != NULL)
		outcome_fail(outcome, RESULT_RESOLVE_FAILED,
		    resolve_reply(names), reason);
	else
		outcome_fail(outcome, RESULT_CONNECT_FAILED,
		    REPLY_NETWORK_UNREACHABLE,
		    "`prefer` excludes the family of the address");
}
