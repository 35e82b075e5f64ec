/* SPDX-License-Identifier: ISC */
/*
 * The rules of a configuration.  policy/grammar.h reads them, and they are
 * constant from then on; policy/policy.h judges by them.
 */
#ifndef SOCKS64_POLICY_RULES_H
#define SOCKS64_POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hops.h"
#include "policy/lists.h"
#include "policy/origin.h"
#include "policy/policy.h"
#include "policy/sets.h"

enum { NAT64_PREFIXES_MAX = 8 };

/* From `low' to `high', both included; host byte order. */
struct port_range {
	uint16_t low;
	uint16_t high;
};

struct port_list {
	bool given;
	struct port_range *ranges;
	size_t count;
};

/* Where a client may have reached us: at any address of a net, at any port (0)
 * or one; or by a socket of the unix domain. */
struct listener {
	bool is_unix;
	bool any_address; /* `net' does not count */
	struct net net;
	uint16_t port;
};

struct listener_list {
	bool given;
	struct listener *listeners;
	size_t count;
};

/* A rule: all of its conditions must match.  One that was not given matches
 * everything. */
struct rule {
	enum decision decision;
	unsigned commands; /* enum policy_command, ored */
	struct word_list users;
	struct net_list from;
	struct word_list to;
	struct net_list at;
	struct port_list ports;
	struct listener_list on;
	const struct hop *via; /* of an allow rule; NULL: directly */
	struct origin origin;  /* the same, in the place of the directives */

	const char *file; /* where it stands; line 0: `file` says it all */
	unsigned line;
	const char *text; /* as it was written, behind allow or deny */
};

struct policy {
	struct rule *rules;
	size_t count;
	bool built_in;    /* no rule was given: these are the default's */
	struct hops hops; /* the rules point into it */
	struct net nat64[NAT64_PREFIXES_MAX];
	size_t nat64_count;

	/* `inside': what is not global although the registries say so. */
	struct net_list inside;
	bool inside_on_link;
};

/* Appends where a rule stands: FILE:LINE, or the word that says where else it
 * is from. */
void rule_place(const struct rule *rule, struct text *out);

/* An address as rules see it, policy_inside(), and the sets that it is in.
 * unsure: `inside' could not be looked up; it may be global. */
struct place {
	struct address address;
	struct membership membership;
	bool unsure;
};

/* The candidate as rules see it. */
struct place rule_place_of(const struct policy *policy,
    const struct candidate *candidate);

/* Do the conditions on the client, its user and where it reached us match? */
bool rule_serves(const struct policy *policy, const struct rule *rule,
    const struct question *q);

/*
 * Is this the rule that decides, where those above it do not?  `at' NULL
 * stands for every address that the request could dial: an allow rule
 * decides where it could match for one of them, a deny rule where it matches
 * for all; there is no MATCH_UNSURE then.  Else that is for a list that could
 * not be looked up: index_silent() has it.
 */
enum match rule_decides(const struct policy *policy, const struct rule *rule,
    const struct question *q, const struct place *at);

/* Does the rule lead to a next gateway that is told the name as it is, as one
 * without `at' does? */
bool rule_forwards_name(const struct rule *rule, const struct question *q);

/*
 * Does the rule, which decides for a question without an address, decide for
 * every address of it?  Then a name need not be looked up: the rule leads to a
 * next gateway, looks at no address, and no rule above it that could match
 * does.
 */
bool rule_settles(const struct policy *policy, const struct rule *rule,
    const struct question *q);

#endif
