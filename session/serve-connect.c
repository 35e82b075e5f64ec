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
	d->pinned = s->recall.pinned;
	d->pinned_only = s->recall.pinned_only;
	connected = dial_run(d);
	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = d->attempts;
	if (d->verdict.rule[0] != '\0')
		s->record.rule = d->verdict.rule;
	s->record.peer = d->peer;
	s->record.local = d->local;
	if (!connected)
		session_conclude(s, &d->outcome);
}

_Noreturn void
serve_connect(struct session *s)
{
	struct address bound;

	dial(s);
	/* From here: two connections that policy allows to be one. */
	if (serve_is_ftp(s))
		serve_ftp_begin(s);
	bound = session_bound(s, &s->record.local);
	session_answer(s, &(struct response){ .bound = &bound });
	s->stage = STAGE_SILENT;
	session_announce(s);
	if (serve_is_ftp(s))
		serve_ftp(s);
	serve_relay(s, s->dial.fd);
}
