/* SPDX-License-Identifier: ISC */
/*
 * From requests to ADDRESS IDs, and back.
 */
#include "session/associate.h"

#include <string.h>

#include "base/seldom.h"
#include "base/text.h"
#include "net/candidates.h"
#include "net/resolve.h"
#include "net/route.h"
#include "session/handshake.h"
#include "share/ids.h"

/* ADR.PREF: what the reply to a dedicated command is to have. */
enum {
	WANTS_ID = 0,
	WANTS_IPV4 = 1,
	WANTS_NAME = 3,
	WANTS_IPV6 = 4,
	WANTS_ID_TOO = 8,
};

enum { REALID_MAX = 0xffffff, ID_DIGITS = 6 };

static bool
is_dedicated(const struct session *s)
{
	return s->request.command == REQUEST_ADDRESS_ASSOCIATE;
}

bool
associate_serves(const struct session *s)
{
	const unsigned command = s->request.command;

	return s->settings.address_id != ADDRESS_ID_OFF &&
	    command >= REQUEST_ADDRESS_ASSOCIATE &&
	    command <= (REQUEST_ADDRESS_ASSOCIATE | REQUEST_UDP_ASSOCIATE);
}

/* ------------------------------------------------- requests by an ID */

/* 5a3ce1, for the record. */
static void
note_id(struct session *s, uint32_t id)
{
	char *at = s->associated.text;

	for (size_t i = 0; i < ID_DIGITS; i++)
		at[i] = text_digit(id >> 4 * (ID_DIGITS - 1 - i));
	at[ID_DIGITS] = '\0';
	s->record.address_id = at;
}

static _Noreturn void
refuse_id(struct session *s)
{
	session_fail(s, RESULT_BAD_REQUEST, REPLY_INVALID_ADDRESS,
	    "the client has no such ADDRESS ID");
}

static _Noreturn void
fail_without_table(struct session *s, enum table_result result)
{
	session_fail(s, RESULT_CONNECT_FAILED, REPLY_GENERAL_FAILURE,
	    result == TABLE_FULL ? "the association table is full" :
				   s->table.problem);
}

/* SECURITY: what this host could not look up is no guess of the client's. */
static void
find_id(struct session *s, uint32_t id, struct table_target *target)
{
	const struct share share = session_share(s);
	enum table_result result = TABLE_NONE;

	if (id <= REALID_MAX)
		result = ids_find(&share, id, target);
	if (result == TABLE_UNUSABLE)
		fail_without_table(s, result);
	if (result != TABLE_OK)
		refuse_id(s);
}

void
associate_read(struct session *s)
{
	struct request *r = &s->request;
	struct table_target target;
	const uint16_t port = r->address.port;

	if (!r->by_id)
		return;
	if (s->settings.address_id == ADDRESS_ID_OFF)
		session_fail(s, RESULT_BAD_REQUEST,
		    REPLY_ADDRESS_TYPE_NOT_SUPPORTED,
		    "the address type is not 01, 03 or 04");
	note_id(s, r->id & REALID_MAX);
	find_id(s, r->id, &target);
	s->associated.asked = r->id;
	if (target.name[0] != '\0') {
		r->kind = NAME_HOST;
		text_copy(r->name, sizeof(r->name), target.name);
		if (target.count > 0)
			s->associated.pinned = target.addresses[0];
	} else {
		r->kind = NAME_LITERAL;
		r->address = target.addresses[0];
	}
	r->address.port = port;
	session_note_request(s);
}

struct address
associate_pinned(const struct session *s)
{
	struct address pinned = s->associated.pinned;

	pinned.port = s->request.address.port;
	return pinned;
}

/* ------------------------------------------------------- making an ID */

/* An ID for what the request asks for; the one that it was asked by, where it
 * was. */
static uint32_t
make_id(struct session *s)
{
	const struct share share = session_share(s);
	const struct request *r = &s->request;
	struct table_target target = { .count = 0 };
	enum table_result result;
	uint32_t id;

	if (s->associated.asked != 0)
		return s->associated.asked;
	if (r->kind == NAME_HOST) {
		text_copy(target.name, sizeof(target.name), r->name);
	} else {
		target.addresses[target.count++] = r->address;
		target.addresses[0].port = 0;
	}
	result = ids_make(&share, &target, &id);
	if (result != TABLE_OK)
		fail_without_table(s, result);
	note_id(s, id);
	return id;
}

void
associate_give(struct session *s)
{
	const struct request *r = &s->request;

	if (!associate_serves(s) || is_dedicated(s))
		return;
	/* Where datagrams will come from is nothing to go to. */
	if (r->kind == NAME_BAD ||
	    (r->kind == NAME_LITERAL &&
		(address_is_any(&r->address) ||
		    ((r->command & ~REQUEST_ADDRESS_ASSOCIATE) ==
			    REQUEST_UDP_ASSOCIATE &&
			address_equal(&r->address, &s->record.client)))))
		session_fail(s, RESULT_BAD_REQUEST, REPLY_INVALID_ADDRESS,
		    "no destination to associate");
	s->associated.given = make_id(s);
}

bool
associate_lasts(const struct session *s)
{
	return s->associated.given != 0 || s->associated.asked != 0;
}

void
associate_conclude(struct session *s, const struct address *peer)
{
	const struct share share = session_share(s);
	const uint32_t id = s->associated.given != 0 ? s->associated.given :
						       s->associated.asked;

	if (id == 0)
		return;
	if (peer->family != FAMILY_NONE)
		(void)ids_pin(&share, id, peer);
	if (s->associated.given != 0)
		(void)ids_keep(&share, id);
}

/* ------------------------------------------------- dedicated commands */

static struct question
question_of(const struct session *s)
{
	const struct request *r = &s->request;
	struct question q = s->question;

	q.name = r->kind == NAME_HOST ? r->name : NULL;
	q.literal = r->address;
	q.port = 0;
	q.command = POLICY_ALL;
	return q;
}

static void
judge(struct session *s, const struct question *q)
{
	policy_judge_associate(s->settings.policy, q, NULL, &s->verdict);
	s->record.rule = s->verdict.rule;
	if (s->verdict.decision != ALLOW)
		session_deny(s);
}

/* SECURITY: an address is told only where it could be used: else names inside
 * could be asked for. */
static bool
is_allowed(struct session *s, const struct question *q,
    const struct address *address)
{
	const struct route route = session_route(s, address, 0);
	const struct candidate candidate = candidate_of(q, address, &route);
	struct verdict verdict;

	policy_judge_associate(s->settings.policy, q, &candidate, &verdict);
	policy_keep(&s->verdict, &verdict);
	s->record.rule = s->verdict.rule;
	return verdict.decision == ALLOW;
}

/* Is what is wanted there, or known to be nowhere?  What the other family has
 * is no reason to wait less for this one. */
static bool
is_enough(const struct resolution *r, enum family family)
{
	switch (family) {
	case FAMILY_IPV6:
		return resolve_done(r) || r->ipv6.state == ANSWER_FOUND;
	case FAMILY_IPV4:
		return resolve_done(r) || r->ipv4.state == ANSWER_FOUND;
	case FAMILY_NONE: break;
	}
	return resolve_settled(r);
}

/* Until the look-up is done, or the session ends.  family: that is wanted. */
static void
wait_for_names(struct session *s, struct resolution *r, enum family family)
{
	const struct deadline until = deadline_in(s->settings.connect_timeout);

	while (!is_enough(r, family) && !deadline_passed(until)) {
		struct pollfd fds[1 + RESOLVE_POLL_MAX] = {
			{ .fd = s->inbox.fd }
		};
		struct deadline wake = until;
		const size_t n = resolve_poll(r, fds + 1, &wake);
		const enum wait wait = wait_for(fds, 1 + n, wake);

		if (wait == WAIT_STOPPED)
			session_stop(s);
		if (wait == WAIT_READY && fds[0].revents != 0)
			session_end(s, RESULT_CLIENT_GONE,
			    "the client left before the reply");
		resolve_process(r, fds + 1, wait == WAIT_READY ? n : 0);
	}
	resolve_end(r);
}

static _Noreturn void
fail_unresolved(struct session *s, const char *reason)
{
	session_fail(s, RESULT_RESOLVE_FAILED, REPLY_HOST_UNREACHABLE, reason);
}

/* The first address, in the order to try them, of that family (FAMILY_NONE:
 * any) that the rules could allow. */
static void
tell_address(struct session *s, const struct question *q, enum family family)
{
	static SELDOM struct resolution names;
	struct address list[CANDIDATES_MAX];
	struct outcome none;
	size_t count;

	if (q->name != NULL) {
		resolve_start(&names, &s->settings, q->name);
		wait_for_names(s, &names, family);
	}
	count = candidates_list(&s->settings, q, &names, list);
	if (count == 0) {
		candidates_explain_none(&names, &none);
		session_conclude(s, &none);
	}
	s->verdict.decision = ALLOW;
	for (size_t i = 0; i < count; i++) {
		if (family != FAMILY_NONE && list[i].family != family)
			continue;
		if (!is_allowed(s, q, &list[i]))
			continue;
		list[i].port = 0;
		session_answer(s,
		    &(struct response){ .bound = &list[i],
			.flag = s->request.flag & REQUEST_FLAG_DESTINATION });
		return;
	}
	if (s->verdict.decision != ALLOW)
		session_deny(s);
	fail_unresolved(s, "there is no address of that family");
}

/* The name of an address; `reverse' is asked for, and the address is judged
 * before anybody is. */
static void
tell_name(struct session *s, const struct question *q)
{
	static SELDOM struct resolution names;

	if (q->name != NULL) {
		session_answer(s, &(struct response){ .name = q->name });
		return;
	}
	if (s->settings.address_id != ADDRESS_ID_REVERSE)
		session_fail(s, RESULT_DENIED, REPLY_NOT_ALLOWED,
		    "`address-id' is not reverse");
	if (!is_allowed(s, q, &q->literal))
		session_deny(s);
	resolve_start_reverse(&names, &s->settings, &q->literal);
	wait_for_names(s, &names, FAMILY_NONE);
	if (names.broken)
		session_fail(s, RESULT_ERROR, resolve_reply(&names),
		    resolve_reason(&names));
	if (names.host[0] == '\0')
		fail_unresolved(s,
		    names.ipv6.state == ANSWER_PENDING ?
			"the name was not found in time" :
			"the address has no name");
	session_answer(s, &(struct response){ .name = names.host });
}

/* draft-kitamura-socks-ipv6-01: DST.PORT is ADR.PREF, whose upper octet is
 * reserved. */
static void
answer(struct session *s, const struct question *q)
{
	const bool any = (s->request.flag & REQUEST_FLAG_DESTINATION) != 0;

	switch (s->request.address.port) {
	case WANTS_ID:
	case WANTS_ID_TOO:
		s->associated.given = make_id(s);
		session_answer(s, &(struct response){ .bound = NULL });
		s->associated.given = 0;
		return;
	case WANTS_IPV4:
		tell_address(s, q, any ? FAMILY_NONE : FAMILY_IPV4);
		return;
	case WANTS_IPV6:
		tell_address(s, q, any ? FAMILY_NONE : FAMILY_IPV6);
		return;
	case WANTS_NAME: tell_name(s, q); return;
	default:
		session_fail(s, RESULT_BAD_REQUEST, REPLY_INVALID_ADDRESS,
		    "ADR.PREF has no meaning");
	}
}

void
associate_serve(struct session *s)
{
	const struct question q = question_of(s);

	if (s->record.ids == ASSOCIATIONS_MAX)
		session_fail(s, RESULT_DENIED, REPLY_NOT_ALLOWED,
		    "more than 16 ADDRESS ASSOCIATE on one connection");
	if (s->request.kind == NAME_LITERAL &&
	    address_is_any(&s->request.address))
		session_fail(s, RESULT_BAD_REQUEST, REPLY_INVALID_ADDRESS,
		    "no destination to associate");
	judge(s, &q);
	answer(s, &q);
	s->record.ids++;
	s->associated.asked = 0;
	s->associated.pinned = (struct address){ .family = FAMILY_NONE };
	s->handshake = deadline_in(ASSOCIATE_IDLE);
}
