/* SPDX-License-Identifier: ISC */
/*
 * Chains of gateways (SOCKS64, types E to L): the request is passed on to the
 * next one, which alone knows what is behind it.
 */
#include "session/serve.h"

#include <string.h>

void
serve_via_open(struct session *s, const struct verdict *verdict,
    struct deadline until)
{
	struct upstream *u = &s->upstream;
	const int64_t start = clock_microseconds();
	bool open;

	u->settings = &s->settings;
	u->hop = verdict->via;
	u->origin = verdict->origin;
	u->question = &s->question;
	u->reached = *session_reached(s);
	u->client = s->inbox.fd;
	s->record.via = u->hop->text;
	s->record.rule = verdict->rule;
	open = upstream_open(u, until);
	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = u->dial.attempts;
	s->record.peer = u->dial.peer;
	s->record.local = u->dial.local;
	if (!open)
		session_conclude(s, &u->outcome);
}

struct address
serve_via_ask(struct session *s, const struct verdict *verdict,
    const struct address *to, struct deadline until)
{
	struct upstream *u = &s->upstream;
	struct client_request request = {
		.command = (uint8_t)(s->request.command &
		    ~REQUEST_ADDRESS_ASSOCIATE),
		.flag = s->request.flag & REQUEST_FLAG_DESTINATION,
		.to.address = *to,
	};

	request.to.address.port = s->request.command == REQUEST_BIND ?
	    s->request.bind_port :
	    s->request.address.port;
	if (verdict->forwards) {
		request.to.name = (const uint8_t *)s->question.name;
		request.to.name_length = (uint8_t)strlen(s->question.name);
	}
	if (!upstream_request(u, &request) || !upstream_reply(u, until))
		session_conclude(s, &u->outcome);
	return serve_via_bound(s);
}

uint8_t
serve_via_flag(const struct session *s)
{
	return s->request.flag & s->upstream.flag & REQUEST_FLAG_DESTINATION;
}

/* BND of the hop's last reply, as this client may be told it. */
struct address
serve_via_bound(const struct session *s)
{
	return (s->request.flag & REQUEST_FLAG_DESTINATION) != 0 ?
	    s->upstream.bound :
	    session_bound(s, &s->upstream.bound);
}
