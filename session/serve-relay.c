/* SPDX-License-Identifier: ISC */
/*
 * The relay, in which CONNECT and BIND end.
 */
#include "session/serve.h"

_Noreturn void
serve_relay(struct session *s, int server)
{
	const struct cursor early = inbox_cursor(&s->inbox);
	struct relay *r = &s->relay;

	session_confine(s, SANDBOX_RELAY);
	/* From here: no new connection, no file. */
	r->client = s->inbox.fd;
	r->server = server;
	r->early = early.at;
	r->early_length = early.left;
	r->idle_timeout = s->settings.idle_timeout;
	r->half_closed_timeout = s->settings.half_closed_timeout;
	relay_run(r);
	s->record.up = r->up;
	s->record.down = r->down;
	session_conclude(s, &r->outcome);
}
