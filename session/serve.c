/* SPDX-License-Identifier: ISC */
/*
 * From a request to the file that serves its command.  RFC 1928 4.
 */
#include "session/serve.h"

#include "base/array.h"
#include "net/route.h"
#include "session/associate.h"
#include "session/claim.h"
#include "session/handshake.h"

static const struct serving {
	enum policy_command policy;
	void (*serve)(struct session *s); /* does not come back */
} commands[] = {
	[REQUEST_CONNECT] = { POLICY_CONNECT, serve_connect },
	[REQUEST_BIND] = { POLICY_BIND, serve_bind },
	[REQUEST_UDP_ASSOCIATE] = { POLICY_UDP, serve_udp },
};

/* Without the wish for an ADDRESS ID, where that is served. */
static unsigned
base_command(const struct session *s)
{
	return associate_serves(s) ?
	    s->request.command & ~(unsigned)REQUEST_ADDRESS_ASSOCIATE :
	    s->request.command;
}

static bool
is_served(const struct session *s)
{
	const unsigned number = base_command(s);

	return number < ARRAY_COUNT(commands) &&
	    commands[number].serve != NULL &&
	    !(policy_needs_address(commands[number].policy) &&
		s->record.client.family == FAMILY_NONE);
}

/* The question says who asks, with which command. */
static void
fill_client(struct session *s, enum policy_command command)
{
	struct question *q = &s->question;

	q->command = command;
	q->client = s->record.client;
	q->client_uid = s->record.client_uid;
	if (policy_asks_client_self(s->settings.policy)) {
		const struct route route = session_route(s, &q->client,
		    s->scope);

		q->client_self = route.self;
		q->client_on_link = route.on_link;
	}
	q->user = s->record.user;
	q->user_length = s->record.user_length;
	q->listener = s->record.listen;
	q->listener_port = s->record.listen.port;
	q->proxied = s->proxied;
}

/* And for what, where the command goes where the request says.  It is filled
 * here alone, and then recall_rewrite()'s. */
static void
fill_destination(struct session *s, enum policy_command command)
{
	struct question *q = &s->question;

	if (command == POLICY_UDP)
		return; /* each datagram says where it goes */
	q->name = s->request.kind == NAME_HOST ? s->request.name : NULL;
	q->literal = s->request.address;
	/* The port of a BIND is the one to listen on. */
	q->port = command == POLICY_BIND ? 0 : s->request.address.port;
}

/* The destination as the client's other sessions have it. */
static void
rewrite_question(struct session *s)
{
	if (s->question.command == POLICY_UDP)
		return;
	s->recall = (struct recall){
		.settings = &s->settings,
		.share = session_share(s),
		.reached = *session_reached(s),
		.pinned = associate_pinned(s),
	};
	recall_rewrite(&s->recall, &s->question);
}

/* Could a rule allow the question?  Else the session ends with 02. */
static void
judge(struct session *s)
{
	policy_judge_request(s->settings.policy, &s->question, &s->verdict);
	s->record.rule = s->verdict.rule;
	if (s->verdict.decision != ALLOW)
		session_deny(s);
}

/* Dedicated ADDRESS ASSOCIATEs, until another request comes. */
static void
serve_associations(struct session *s)
{
	associate_read(s);
	while (s->request.command == REQUEST_ADDRESS_ASSOCIATE &&
	    associate_serves(s)) {
		fill_client(s, POLICY_ALL);
		associate_serve(s);
		session_request(s);
		associate_read(s);
	}
}

void
session_serve(struct session *s)
{
	enum policy_command command;

	session_claim(s);
	serve_associations(s);
	if (!is_served(s))
		session_fail(s, RESULT_BAD_REQUEST,
		    REPLY_COMMAND_NOT_SUPPORTED, "the command is not served");
	command = commands[base_command(s)].policy;
	fill_client(s, command);
	fill_destination(s, command);
	rewrite_question(s);
	judge(s);
	associate_give(s);
	commands[base_command(s)].serve(s);
}
