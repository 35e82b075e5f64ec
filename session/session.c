/* SPDX-License-Identifier: ISC */
/*
 * What every step of a session uses: the stages of its sandbox, its answers,
 * and its two ends.  Once session_open() has come back, session_end() is the
 * only way out of the process.
 */
#include "session/session.h"

#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/figures.h"
#include "base/text.h"
#include "base/wait.h"
#include "net/failure.h"
#include "net/onlink.h"
#include "net/resolve.h"
#include "net/sockaddr.h"
#include "share/ids.h"

/* A user, a name and three addresses, escaped. */
enum { STATUS_TEXT = 1536 };

/* RFC 1928 6 leaves 10 seconds after a failure reply. */
enum { FAREWELL_MILLISECONDS = 2000, FAREWELL_OCTETS = 64 * 1024 };

/* So many descriptors a session has open at a time, at most: its limit is
 * never met, and no look at a route fails because of that. */
enum {
	OPEN_ALWAYS = 4, /* 0 to 2, the client */
	/* hosts, resolv.conf, two of routes; the table and its directory;
	 * passwords, of users and of next gateways. */
	OPEN_FILES = 4 + 2 + 1 + HOPS_MAX,
	OPEN_BRIEFLY = 4, /* the log's, STATUS=', a route's, who came */
	OPEN_OTHERWISE = OPEN_ALWAYS + OPEN_FILES + OPEN_BRIEFLY,
	OPEN_TUNNELS = 2 * POLICY_HOPS_MAX, /* while the next one is dialled */
};

_Static_assert(OPEN_OTHERWISE + OPEN_TUNNELS + DIAL_DESCRIPTORS_MAX <=
	(int)DESCRIPTORS_OWN,
    "a race has room");
_Static_assert(OPEN_OTHERWISE + ASSOCIATION_DESCRIPTORS_MAX <=
	(int)DESCRIPTORS_OWN,
    "an association has room");

/*
 * SECURITY: what a stage has no use for is given up before it begins.  Whoever
 * takes a session over finds no descriptor but those of its own octets and of
 * the log, and can pass no other on.
 */
static void
give_up(struct session *s, enum sandbox_stage stage)
{
	static const struct {
		bool names; /* hosts, resolv.conf */
		bool links; /* the kernel's routes, for `on-link' */
		bool hops;  /* passwords of next gateways */
		bool lists; /* of rules, and their indexes */
		enum { TABLE_NOT, TABLE_LOCKS, TABLE_ALL } table;
	} kept[SANDBOX_STAGES] = {
		[SANDBOX_SERVICE] = { true, true, true, true, TABLE_ALL },
		[SANDBOX_NEGOTIATE] = { true, true, true, true, TABLE_ALL },
		[SANDBOX_BIND] = { false, true, false, true, TABLE_LOCKS },
		[SANDBOX_UDP] = { true, true, false, true, TABLE_NOT },
		[SANDBOX_WATCH] = { false, false, false, false, TABLE_ALL },
		[SANDBOX_ALG] = { false, false, false, true, TABLE_ALL },
		[SANDBOX_RELAY] = { false, false, false, false, TABLE_NOT },
	};

	if (!kept[stage].names)
		resolve_release();
	if (!kept[stage].links)
		onlink_close();
	if (!kept[stage].hops)
		hops_close(&s->settings.policy->hops);
	if (!kept[stage].lists)
		settings_forget_lists(&s->settings);
	if (stage == SANDBOX_UDP && s->association.ids.share != NULL)
		return; /* datagrams may go by ADDRESS IDs */
	/* An ID lives as long as the connection that it was made for. */
	if (kept[stage].table == TABLE_NOT && s->table.kept.slot == 0)
		table_close(&s->table);
	else if (kept[stage].table != TABLE_ALL)
		table_keep_locks(&s->table);
}

void
session_confine(struct session *s, enum sandbox_stage stage)
{
	const char *failure;

	give_up(s, stage);
	failure = sandbox_enter(stage, s->settings.sandbox);
	if (failure != NULL && s->record.reply < 0)
		session_fail(s, RESULT_ERROR, REPLY_GENERAL_FAILURE, failure);
	if (failure != NULL) { /* the client was told of success */
		session_promise(s, -1);
		session_end(s, RESULT_ERROR, failure);
	}
	if (stage == SANDBOX_NEGOTIATE && sandbox_lacks_landlock())
		journal_say(LOG_DEBUG,
		    "this kernel has no Landlock: any "
		    "file that the user may read can be read");
}

const struct address *
session_reached(const struct session *s)
{
	return s->proxied.family != FAMILY_NONE ? &s->proxied :
						  &s->record.listen;
}

struct share
session_share(struct session *s)
{
	return (struct share){
		.table = &s->table,
		.client = s->record.client,
		.uid = s->record.client_uid,
		.auth = s->record.auth,
		.user = s->record.user,
		.user_length = s->record.user_length,
	};
}

/* ------------------------------------------------ what the client sees */

/* Sends a response whole.  False: the client waits for none or is gone, or
 * wait_failure(). */
static bool
respond(struct session *s, const struct response *response)
{
	uint8_t octets[REPLY_MAX];
	struct response r = *response;
	size_t length;
	ssize_t sent;

	if (r.reply == REPLY_SUCCEEDED)
		r.id = s->associated.given;
	length = reply_format(s->stage, &r, octets);
	if (length == 0)
		return false;
	sent = send(s->inbox.fd, octets, length, MSG_NOSIGNAL);
	if (failure_gives_up(sent) || sent != (ssize_t)length)
		return false;
	if (reply_is_to_request(s->stage))
		s->record.reply = octets[REPLY_CODE];
	return true;
}

void
session_answer(struct session *s, const struct response *response)
{
	if (respond(s, response))
		return;
	if (wait_failure() != 0)
		session_stop(s);
	session_end(s, RESULT_CLIENT_GONE,
	    reply_is_to_request(s->stage) ?
		"the client left before the reply" :
		"the client left in the handshake");
}

void
session_promise(const struct session *s, int server)
{
	socket_reset_at_close(s->inbox.fd);
	if (server != -1)
		socket_reset_at_close(server);
}

struct address
session_bound(const struct session *s, const struct address *ours)
{
	const enum family family = s->record.client.family;
	struct address bound = *ours;

	if ((s->request.flag & REQUEST_FLAG_DESTINATION) != 0)
		return bound;
	if (family != FAMILY_NONE && family != bound.family)
		bound = *session_reached(s);
	if (family != FAMILY_NONE && family != bound.family)
		bound = (struct address){ .family = FAMILY_IPV4 };
	bound.port = ours->port;
	return bound;
}

/* --------------------------------------------- what the machine sees */

void
session_show(struct session *s)
{
	char buffer[STATUS_TEXT];
	struct text status = text_in(buffer, sizeof(buffer));

	if (s->settings.title == TITLE_CLIENT)
		record_client(&status, &s->record);
	else
		record_describe(&status, &s->record);
	journal_status(buffer);
}

void
session_announce(struct session *s)
{
	session_show(s);
	if (!s->settings.log_start)
		return;
	s->record.result = RESULT_OPEN;
	journal_record(&s->record);
}

/* ------------------------------------------------------------ the ends */

/*
 * Closing with octets unread makes the kernel send a reset, which may
 * overtake the refusal and destroy it at the client.  So read and drop what
 * still comes, for a moment.
 */
static void
farewell(struct session *s)
{
	const struct deadline until = deadline_in(FAREWELL_MILLISECONDS);
	uint64_t left = FAREWELL_OCTETS;

	shutdown(s->inbox.fd, SHUT_WR);
	for (;;) {
		const uint64_t before = s->inbox.received;

		s->inbox.start = 0;
		s->inbox.end = 0;
		if (inbox_fill(&s->inbox, until) != INBOX_MORE)
			return;
		if (s->inbox.received - before >= left)
			return;
		left -= s->inbox.received - before;
	}
}

/* draft-kitamura-socks-ipv6-01: no ADDRESS ID is left of what failed. */
static void
forget_id(struct session *s)
{
	const struct share share = session_share(s);

	if (s->associated.given != 0 && s->associated.asked == 0)
		(void)ids_forget(&share, s->associated.given);
	s->associated.given = 0;
}

_Noreturn void
session_fail(struct session *s, enum result result, enum reply reply,
    const char *reason)
{
	const struct response refusal = { .reply = reply };

	forget_id(s);
	if (respond(s, &refusal))
		farewell(s);
	session_end(s, result, reason);
}

struct route
session_route(struct session *s, const struct address *address, uint32_t scope)
{
	const struct route route = route_probe(&s->settings, address, scope);

	if (route.unknown != 0)
		session_fail(s, RESULT_ERROR, REPLY_GENERAL_FAILURE,
		    strerror(route.unknown));
	return route;
}

/*
 * Who asked for nothing is a probe: of a monitoring, of a balancer, of a
 * scanner.  SECURITY: who has logged in is not, for a guess may have been
 * right.
 */
static bool
is_quiet(const struct session *s, enum result result)
{
	const struct record *r = &s->record;

	if (result == RESULT_ERROR)
		return false;
	return s->inbox.received == 0 || s->health_check ||
	    (result == RESULT_CLIENT_GONE && r->command == NULL &&
		r->user_length == 0);
}

_Noreturn void
session_end(struct session *s, enum result result, const char *reason)
{
	struct record *r = &s->record;

	r->result = result;
	if (reason != NULL)
		r->reason = reason; /* else what a step has left there */
	r->quiet = is_quiet(s, result);
	r->duration_usec = clock_microseconds() - s->start;
	figures_end(result);
	journal_record(r);
	_exit(result == RESULT_ERROR ? STATUS_SYSTEM : STATUS_OK);
}

_Noreturn void
session_conclude(struct session *s, const struct outcome *outcome)
{
	const char *reason = outcome_reason(outcome);

	if (outcome->reply != REPLY_SUCCEEDED)
		session_fail(s, outcome->result, outcome->reply, reason);
	session_end(s, outcome->result, reason);
}

_Noreturn void
session_deny(struct session *s)
{
	struct outcome outcome;

	outcome_deny(&outcome, &s->verdict);
	session_conclude(s, &outcome);
}

_Noreturn void
session_stop(struct session *s)
{
	struct outcome outcome;

	outcome_stop(&outcome);
	session_conclude(s, &outcome);
}
