/* SPDX-License-Identifier: ISC */
/*
 * CONNECT: to the destination, and then octets both ways (RFC 1928 4, RFC
 * 3089).
 */
#include "session/serve.h"

static void
dial(struct session *s)
{
	struct dial *d = &s->dial;
	const int64_t start = clock_microseconds();
	bool connected;

	d->settings = &s->settings;
	d->question = &s->question;
	d->until = deadline_in(s->settings.connect_timeout);
	d->client = s->inbox.fd;
	connected = dial_run(d);
	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = d->attempts;
	if (d->verdict.rule[0] != '\0')
		s->record.rule = d->verdict.rule;
	s->record.peer = d->peer;
	s->record.local = d->local;
	if (!connected)
		serve_end(s, &d->outcome);
}

_Noreturn void
serve_connect(struct session *s)
{
	struct address bound;

	dial(s);
	/* From here: two connections that policy allows to be one. */
	if (serve_is_ftp(s))
		serve_ftp_begin(s);
	bound = serve_bound(s, &s->record.local);
	serve_reply(s, &bound, 0);
	s->stage = STAGE_SILENT;
	serve_announce(s);
	if (serve_is_ftp(s))
		serve_ftp(s);
	session_confine(s, SANDBOX_RELAY);
	/* From here: no new connection, no file. */
	serve_relay(s, s->dial.fd);
}
