/* SPDX-License-Identifier: ISC */
/*
 * CONNECT: to the destination, and then octets both ways (RFC 1928 4, RFC
 * 3089).
 */
#include "session/serve.h"

#include "session/associate.h"

/* To the destination itself; false: a next gateway leads there. */
static bool
dial(struct session *s, struct deadline until)
{
	struct dial *d = &s->dial;
	const int64_t start = clock_microseconds();
	bool connected;

	d->settings = &s->settings;
	d->question = &s->question;
	d->until = until;
	d->client = s->inbox.fd;
	d->pinned = s->recall.pinned;
	d->pinned_only = s->recall.pinned_only;
	d->chosen = s->recall.local;
	connected = dial_run(d);
	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = d->attempts;
	if (d->verdict.rule[0] != '\0')
		s->record.rule = d->verdict.rule;
	if (d->verdict.via != NULL && !connected &&
	    d->outcome.result == RESULT_OK)
		return false;
	s->record.peer = d->peer;
	s->record.local = d->local;
	if (!connected)
		session_conclude(s, &d->outcome);
	return true;
}

/* By the next gateway that the verdict leads to.  Returns BND. */
static struct address
pass_on(struct session *s, const struct verdict *verdict,
    struct deadline until)
{
	serve_via_open(s, verdict, until);
	return serve_via_ask(s, verdict, &s->dial.peer, until);
}

_Noreturn void
serve_connect(struct session *s)
{
	const struct deadline until = deadline_in(s->settings.connect_timeout);
	const struct verdict *way = s->verdict.settled ? &s->verdict :
							 &s->dial.verdict;
	struct response answer = { .flag = s->request.flag &
		    REQUEST_FLAG_DESTINATION };
	struct address bound;
	int server;

	if (!serve_is_ftp(s) && !associate_lasts(s))
		table_close(&s->table);
	/* From here: of the table no more than recall_rewrite() took, but
	 * where an ADDRESS ID is to be pinned or forgotten. */
	if (s->verdict.settled || !dial(s, until)) {
		bound = pass_on(s, way, until);
		answer.flag = serve_via_flag(s);
		server = s->upstream.fd;
	} else {
		bound = session_bound(s, &s->record.local);
		server = s->dial.fd;
	}
	/* From here: two connections that policy allows to be one. */
	if (serve_is_ftp(s))
		serve_ftp_begin(s, way, server);
	associate_conclude(s, &s->dial.peer);
	answer.bound = &bound;
	session_promise(s, server);
	session_answer(s, &answer);
	s->stage = STAGE_SILENT;
	session_announce(s);
	if (serve_is_ftp(s))
		serve_ftp(s);
	serve_relay(s, server);
}
