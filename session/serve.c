/* SPDX-License-Identifier: ISC */
/*
 * From a request to the file that serves its command, and what the commands
 * have in common.  RFC 1928 4 and 6.
 */
#include "session/serve.h"

#include <sys/socket.h>

#include "base/array.h"
#include "base/text.h"
#include "net/route.h"

/* A user, a name and three addresses, escaped. */
enum { STATUS_TEXT = 1536 };

static const struct command {
	enum policy_command policy;
	void (*serve)(struct session *s); /* does not come back */
} commands[] = {
	[SOCKS5_CONNECT] = { POLICY_CONNECT, serve_connect },
	[SOCKS5_BIND] = { POLICY_BIND, serve_bind },
	[SOCKS5_UDP_ASSOCIATE] = { POLICY_UDP, serve_udp },
};

static bool
is_served(const struct session *s)
{
	const uint8_t number = s->request.command;

	return number < ARRAY_COUNT(commands) &&
	    commands[number].serve != NULL &&
	    !(policy_needs_address(commands[number].policy) &&
	    s->record.client.family == FAMILY_NONE);
}

/* Who asks; and what, for the commands that go where the request says. */
static void
fill_question(struct session *s, enum policy_command command)
{
	struct question *q = &s->question;

	q->command = command;
	q->client = s->record.client;
	q->client_uid = s->record.client_uid;
	q->client_self = policy_asks_client_self(s->settings.policy) &&
	    route_probe(&s->settings, &q->client, s->scope).self;
	q->user = s->record.user;
	q->user_length = s->record.user_length;
	q->listener_port = s->record.listen.port;
	if (command == POLICY_UDP)
		return; /* each datagram says where it goes */
	q->name = s->request.kind == NAME_HOST ? s->request.name : NULL;
	q->literal = s->request.address;
	/* The port of a BIND is the one to listen on. */
	q->port = command == POLICY_BIND ? 0 : s->request.address.port;
}

/* Could a rule allow the question?  Else the session ends with 02. */
static void
judge(struct session *s)
{
	policy_judge_request(s->settings.policy, &s->question, &s->verdict);
	s->record.rule = s->verdict.rule;
	if (s->verdict.decision != ALLOW)
		session_fail(s, RESULT_DENIED, REPLY_NOT_ALLOWED,
		    s->verdict.reason);
}

void
session_serve(struct session *s)
{
	if (!is_served(s))
		session_fail(s, RESULT_BAD_REQUEST,
		    REPLY_COMMAND_NOT_SUPPORTED,
		    "the command is not served");
	fill_question(s, commands[s->request.command].policy);
	serve_find(s);
	judge(s);
	commands[s->request.command].serve(s);
}

struct address
serve_bound(const struct session *s, const struct address *ours)
{
	const enum family family = s->record.client.family;
	struct address bound = *ours;

	if (family != FAMILY_NONE && family != bound.family) {
		bound = s->question.proxied.family != FAMILY_NONE ?
		    s->question.proxied : s->record.listen;
		if (bound.family != family)
			bound = (struct address){ .family = FAMILY_IPV4 };
	}
	bound.port = ours->port;
	return bound;
}

void
serve_reply(struct session *s, const struct address *bound, uint8_t flag)
{
	uint8_t octets[SOCKS5_REPLY_MAX];
	const size_t length = socks5_reply_format(REPLY_SUCCEEDED, bound,
	    octets);

	octets[SOCKS5_REPLY_FLAG] = flag;
	if (send(s->inbox.fd, octets, length, MSG_NOSIGNAL) !=
	    (ssize_t)length)
		session_end(s, RESULT_CLIENT_GONE,
		    "the client left before the reply");
	s->record.reply = REPLY_SUCCEEDED;
}

/* CLIENT USER -> DEST (PEER), for systemctl status and ps(1). */
void
serve_show(struct session *s)
{
	char buffer[STATUS_TEXT];
	struct text status = text_in(buffer, sizeof(buffer));

	record_describe(&status, &s->record);
	journal_status(buffer);
}

void
serve_announce(struct session *s)
{
	serve_show(s);
	if (!s->settings.log_start)
		return;
	s->record.result = RESULT_OPEN;
	journal_record(&s->record);
}

_Noreturn void
serve_end(struct session *s, const struct outcome *outcome)
{
	const char *reason = outcome_reason(outcome);

	if (outcome->reply != REPLY_SUCCEEDED)
		session_fail(s, outcome->result, outcome->reply, reason);
	session_end(s, outcome->result, reason);
}

_Noreturn void
serve_relay(struct session *s, int server)
{
	const struct cursor early = inbox_cursor(&s->inbox);
	struct relay *r = &s->relay;

	r->client = s->inbox.fd;
	r->server = server;
	r->early = early.at;
	r->early_length = early.left;
	r->idle_timeout = s->settings.idle_timeout;
	r->half_closed_timeout = s->settings.half_closed_timeout;
	relay_run(r);
	s->record.up = r->up;
	s->record.down = r->down;
	serve_end(s, &r->outcome);
}
