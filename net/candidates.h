/* SPDX-License-Identifier: ISC */
/*
 * The addresses that a race, a BIND or a datagram may go to: those of a name
 * or of a literal, asked of the kernel once each, and sorted (RFC 6724, RFC
 * 8305 4).
 */
#ifndef SOCKS64_NET_CANDIDATES_H
#define SOCKS64_NET_CANDIDATES_H

#include <stddef.h>

#include "net/order.h"
#include "net/outcome.h"
#include "net/resolve.h"
#include "net/route.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "wire/address.h"

/* Of both answers of a name, and an address that was known before. */
enum {
	CANDIDATES_OF_ANSWER = 128,
	CANDIDATES_MAX = 2 * CANDIDATES_OF_ANSWER + 1,
};

/* How an address is judged: policy_judge_address() and those like it. */
typedef void candidate_judge(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out);

/* A destination as the rules judge it. */
struct candidate candidate_at(const struct destination *destination);

/*
 * An address as the rules judge it; route is what route_probe() said of it.
 * The address of zeros, which stands for any peer of a BIND, is no address of
 * this host there.
 */
struct candidate candidate_of(const struct question *question,
    const struct address *address, const struct route *route);

/*
 * Those that nobody has tried yet, the best first.  A literal or an address
 * that was known before stands in front of what a look-up finds, and no
 * sorting moves it.
 *
 * Example: www.example.com has 2001:db8::80 and 192.0.2.80, and the AAAA
 * answer came first.  candidates_add() puts 2001:db8::80 into the list;
 * candidates_take() gives it to the race, which dials it.  The A answer comes:
 * candidates_add() puts 192.0.2.80 in, which is the first now, and the turn of
 * its family.
 */
struct candidates {
	const struct settings *settings; /* borrowed, like the question */
	const struct question *question;
	candidate_judge *judge;
	size_t count;
	size_t fixed;      /* so many in front are not sorted */
	enum family taken; /* of the last one that was taken */
	struct destination list[CANDIDATES_MAX]; /* last: nobody clears it */
};

/* None yet.  judge: how each will be judged by who takes it. */
void candidates_start(struct candidates *c, const struct settings *settings,
    const struct question *question, candidate_judge *judge);

/* Puts an address in front, unless `prefer' excludes its family.  Its port
 * becomes the question's.  At most one, and before any candidates_add(). */
void candidates_put(struct candidates *c, const struct address *address);

/*
 * Merges an answer in, and sorts: the families take turns, and the first turn
 * is the one that the last candidate taken did not have.  An address that
 * candidates_put() was given is left out: `known' is that one (FAMILY_NONE:
 * none), which may have been taken already.
 *
 * Of an answer that has more than CANDIDATES_OF_ANSWER those that are denied
 * make room for the others, as many as can be looked at in a second; then the
 * server's first are the candidates.
 */
void candidates_add(struct candidates *c, const struct answer *answer,
    const struct address *known);

/* Takes the first away; count is not 0. */
struct destination candidates_take(struct candidates *c);

/* The family whose answer is worth waiting for, and goes first. */
enum family candidates_preferred(const struct settings *settings);

/*
 * The addresses that a race would try for this question, in its order, had
 * both answers of `names' been there at once; names is not looked at for a
 * literal.  A question of POLICY_ALL is one of an ADDRESS ASSOCIATE.  Fills
 * list, returns how many: 0 where there is none or `prefer' excludes all.
 */
size_t candidates_list(const struct settings *settings,
    const struct question *question, const struct resolution *names,
    struct address list[CANDIDATES_MAX]);

/* Where there is no candidate: why, and what the client is to be answered. */
void candidates_explain_none(const struct resolution *names,
    struct outcome *outcome);

#endif
