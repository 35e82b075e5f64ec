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

/* Is the command refused to a client without an address of its own, which is
 * a unix-domain one, whatever the rules say? */
bool policy_needs_address(enum policy_command command);

struct hop;    /* policy/hops.h */
struct origin; /* policy/origin.h */
struct rule;   /* policy/rules.h */

/* Who asks, for what.  All pointers are borrowed. */
struct question {
	enum policy_command command;

	/* The client: an address (the PROXY header's), or a unix-domain
	 * peer, when `client.family` is FAMILY_NONE. */
	struct address client;
	uint32_t client_uid;
	bool client_self;    /* the client's is an address of this host */
	bool client_on_link; /* it is on a link of this host */

	/* Our own end of its connection; FAMILY_NONE: of the unix domain, or
	 * not known, where nothing asks for it. */
	struct address listener;

	/* Authenticated user name: user_length octets, NULL for none. */
	const char *user;
	size_t user_length;

	/* The destination: a name as name_classify() gives it, or NULL for a
	 * literal, which is in `literal`.  The port counts in both cases. */
	const char *name;
	struct address literal;
	uint16_t port; /* 0: unknown (BIND) */

	bool any_port; /* whether some port could be allowed, `port' is 0 */

	/* A UDP ASSOCIATE has no name, literal or port yet: it is judged by
	 * what its datagrams could be. */

	/* The rule that would allow, now, the FTP control connection on which
	 * this very destination was announced.  The rules above it are asked
	 * first, so that a deny there holds; then the data connection is
	 * allowed as that one is.  NULL: it was not announced. */
	const struct rule *announced;

	/* No rule can open these: the port that the client connected to, on
	 * any address of this host (0: none), and the destination of the
	 * PROXY header (FAMILY_NONE: none). */
	uint16_t listener_port;
	struct address proxied;
};

/* An address that would be dialled, and what the kernel says of it. */
struct candidate {
	struct address address;
	bool self;    /* an address of this host */
	bool on_link; /* on a link of it; policy_asks_on_link() says when to
		       * ask the kernel */
	bool unknown; /* the kernel could not be asked whose it is, and no
		       * rule can open it */
};

enum decision {
	DENY, /* zero is the safe value */
	ALLOW,
};

enum { REASON_TEXT = 256, RULE_TEXT = 512 };

/*
 * reason: one sentence without a line end, of printable ASCII, in which
 * untrusted text is escaped already ("10.0.0.5 is private and no rule opens
 * it"); empty for ALLOW.  rule: "FILE:LINE", "-o:N" or "default"; matched: the
 * same as policy/rules.h has it, borrowed, NULL where no line decided.
 */
struct verdict {
	enum decision decision;
	const struct hop *via; /* the next gateway to go by; NULL: directly */
	const struct origin *origin; /* what the rule says of that; NULL: as
					the directives have it */
	bool forwards; /* ... which is told the name, not an address of it */
	bool unsure;   /* DENY, and no word of the rules: a list of theirs
			  could not be looked up, or the kernel not be asked
			  whose the address is */
	bool settled;  /* of policy_judge_request(): it forwards, whatever
			  addresses the name has */
	const struct rule *matched;
	char rule[RULE_TEXT];
	char reason[REASON_TEXT];
};

struct policy; /* rules, sets, prefixes: policy/rules.h */

/*
 * What an address is for every rule: the IPv4 address inside, where it lies in
 * 64:ff9b::/96 or a NAT64 prefix of this policy, else itself; the port is
 * kept.  Whoever asks the kernel whether a candidate is an address of this
 * host asks about this one too.
 */
struct address policy_inside(const struct policy *policy,
    const struct address *address);

/* Does any rule depend on whether the client has an address of this host, or
 * on its link?  Only then need the kernel be asked for question->client_self
 * and client_on_link. */
bool policy_asks_client_self(const struct policy *policy);

/* Does any rule depend on where the client reached us? */
bool policy_asks_listener(const struct policy *policy);

/* Does it matter whether that address (as policy_inside() gives it) is on a
 * link of this host?  NULL: could it ever matter, for any address? */
bool policy_asks_on_link(const struct policy *policy,
    const struct address *address);

/* Could any rule allow this client anything at all?  Nothing but the client
 * and its user is looked at. */
bool policy_serves(const struct policy *policy,
    const struct question *question);

/*
 * Judges a request before any look-up: could there be an address for which it
 * would be allowed?  DENY where there could not, with the rule that decided.
 */
void policy_judge_request(const struct policy *policy,
    const struct question *question, struct verdict *out);

/*
 * Judges an ADDRESS ASSOCIATE: could any command be allowed to the question's
 * destination, or, where `candidate' is not NULL, to that address of it, with
 * any port?  DENY is that of a CONNECT, or the first one that is unsure.
 */
void policy_judge_associate(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out);

/*
 * Judges the request with one address, at the moment that this is dialled.
 * The port is question->port; the candidate's own is not looked at.
 */
void policy_judge_address(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out);

/* Of addresses that are judged one after the other: *known becomes `next',
 * unless it is unsure, which tells more than another denial. */
void policy_keep(struct verdict *known, const struct verdict *next);

/*
 * An address of a next gateway, which no rule judges: only what no rule can
 * open is denied.
 */
void policy_judge_hop(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out);

enum { POLICY_HOPS_MAX = 4 };

/* A next gateway, and from where it is dialled: verdict.via and origin. */
struct way {
	const struct hop *hop;
	const struct origin *origin;
};

/*
 * The next gateways that could be chosen for datagrams of an association,
 * before any destination is known; returns how many.  Each is there once, the
 * first four, before one is there again by another origin.  *otherwise: could
 * a datagram also go directly, or by one for which there was no room?
 */
size_t policy_hops(const struct policy *policy,
    const struct question *question, struct way list[POLICY_HOPS_MAX],
    bool *otherwise);

enum { POLICY_ORIGINS_MAX = 5 };

/*
 * The same of the origins of what goes directly and not as the directives have
 * it; the hops are NULL.  The first five count.
 */
size_t policy_origins(const struct policy *policy,
    const struct question *question, struct way list[POLICY_ORIGINS_MAX]);

#endif
