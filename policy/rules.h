/* SPDX-License-Identifier: ISC */
/*
 * The rules of a configuration, read (policy/grammar.h) and constant from
 * then on; policy/policy.h judges by them.
 */
#ifndef SOCKS64_POLICY_RULES_H
#define SOCKS64_POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "policy/sets.h"

enum { NAT64_PREFIXES_MAX = 8 };

/* User names, "*", "-", "uid=N"; or names, ".suffixes", "name", "literal",
 * in lower case and without trailing dot. */
struct word_list {
	bool given;
	const char **words;
	size_t count;
};

struct port_range {
	uint16_t low;
	uint16_t high;
};

struct port_list {
	bool given;
	struct port_range *ranges;
	size_t count;
};

struct rule {
	enum decision decision;
	unsigned commands; /* enum policy_command, ored */
	struct word_list users;
	struct net_list from;
	struct word_list to;
	struct net_list at;
	struct port_list ports;

	const char *file; /* where it stands; line 0: `file` says it all */
	unsigned line;
	const char *text; /* as it was written, behind allow or deny */
};

struct policy {
	struct rule *rules;
	size_t count;
	bool built_in; /* no rule was given: these are the default's */
	struct net nat64[NAT64_PREFIXES_MAX];
	size_t nat64_count;
};

/* FILE:LINE of a rule, or the word that says where else it is from. */
void rule_place(const struct rule *rule, struct text *out);

/* What an address is for every rule: address_inside() with the NAT64
 * prefixes of this policy.  Whoever finds out whether a candidate is an
 * address of this host asks the kernel about this one too. */
struct address policy_inside(const struct policy *policy,
    const struct address *address);

#endif
