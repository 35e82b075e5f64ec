/* SPDX-License-Identifier: ISC */
/*
 * What is allowed: the rules of socks64.conf(5) and the address sets, judged
 * for one request and for each address that it would dial.  Pure.
 */
#ifndef SOCKS64_POLICY_POLICY_H
#define SOCKS64_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "wire/address.h"

/* The command words of a rule. */
enum policy_command {
	POLICY_CONNECT = 1,
	POLICY_BIND = 2,
	POLICY_UDP = 4,
	POLICY_ALL = 7,
};

/* Is this not served to a client without an address of its own, a unix-domain
 * one, whatever the rules? */
bool policy_needs_address(enum policy_command command);

/* Who asks, for what.  All pointers are borrowed. */
struct question {
	enum policy_command command;

	/* The client: an address (the PROXY header's), or a unix-domain
	 * peer, when `client.family` is FAMILY_NONE. */
	struct address client;
	uint32_t client_uid;
	bool client_self; /* the client's is an address of this host */

	/* Authenticated user name: user_length octets, NULL for none. */
	const char *user;
	size_t user_length;

	/* The destination: a name as name_classify() gives it, or NULL for a
	 * literal, which is in `literal`.  The port counts in both cases. */
	const char *name;
	struct address literal;
	uint16_t port; /* 0: unknown (BIND) */

	/* UDP ASSOCIATE: no name, no literal and no port yet: the request is
	 * judged by what its datagrams could be. */

	/* The rule that allowed the FTP control connection on which this very
	 * destination was announced as a data connection, which is allowed
	 * as that one was; NULL: it was not announced. */
	const char *announced;

	/* What no rule can open: the port that the client connected to, on
	 * any address of this host (0: none), and the destination of the
	 * PROXY header (FAMILY_NONE: none). */
	uint16_t listener_port;
	struct address proxied;
};

/* An address that would be dialled, and what the kernel says of it. */
struct candidate {
	struct address address;
	bool self; /* an address of this host */
};

enum decision {
	DENY, /* zero is the safe value */
	ALLOW,
};

struct rule;

enum { REASON_TEXT = 256, RULE_TEXT = 512 };

/*
 * reason: one sentence without a line end, of printable ASCII, in which
 * untrusted text is escaped already ("10.0.0.5 is private and no rule opens
 * it"); empty for ALLOW.  rule: "FILE:LINE", "-o:N" or "default"; matched: the
 * same as policy/rules.h has it, borrowed, NULL where no line decided.
 */
struct verdict {
	enum decision decision;
	const struct rule *matched;
	char rule[RULE_TEXT];
	char reason[REASON_TEXT];
};

struct policy; /* rules, sets, prefixes: policy/rules.h */

/* Does any rule care whether the client has an address of this host?  Only
 * then the kernel need be asked for question->client_self. */
bool policy_asks_client_self(const struct policy *policy);

/*
 * Before any look-up: could there be an address for which the request would
 * be allowed?  DENY when not, with the rule that decided.
 */
void policy_judge_request(const struct policy *policy,
    const struct question *question, struct verdict *out);

/*
 * The question with one address, at the moment that it is dialled.  The
 * candidate's own port is not looked at; question->port is.
 */
void policy_judge_address(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out);

#endif
