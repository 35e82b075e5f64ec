/*
 * socks64-handler: one SOCKS5 session between IPv4 and IPv6, from an accepted
 * connection to its end.  RFC 3089, RFC 1928.
 *
 * main() is the session, step by step; every step either comes back or ends
 * the session through session_fail() or session_end().
 */
#include <string.h>
#include <sys/socket.h>

#include "handshake.h"
#include "net/route.h"
#include "options.h"
#include "session.h"
#include "title.h"
#include "wire/text.h"

enum { STATUS_TEXT = 1024 };

/* ------------------------------------------------------ judge, dial, reply */

static void
session_judge(struct session *s)
{
	struct question *q = &s->question;

	q->command = POLICY_CONNECT;
	q->client = s->record.client;
	q->client_uid = s->record.client_uid;
	q->client_self = policy_asks_client_self(s->settings.policy) &&
	    route_probe(&s->settings, &q->client, s->scope).self;
	q->user = s->record.user;
	q->user_length = s->record.user_length;
	q->name = s->request.kind == NAME_HOST ? s->request.name : NULL;
	q->literal = s->request.address;
	q->port = s->request.address.port;
	q->listener_port = s->record.listen.port;
	policy_judge_request(s->settings.policy, q, &s->verdict);
	s->record.rule = s->verdict.rule;
	if (s->verdict.decision != ALLOW)
		session_fail(s, RESULT_DENIED, REPLY_NOT_ALLOWED,
		    s->verdict.reason);
}

static void
session_dial(struct session *s)
{
	static const enum result results[] = {
		[DIAL_FAILED] = RESULT_CONNECT_FAILED,
		[DIAL_CONNECTED] = RESULT_OK,
		[DIAL_DENIED] = RESULT_DENIED,
		[DIAL_RESOLVE_FAILED] = RESULT_RESOLVE_FAILED,
		[DIAL_CLIENT_GONE] = RESULT_CLIENT_GONE,
		[DIAL_STOPPED] = RESULT_STOPPED,
		[DIAL_ERROR] = RESULT_ERROR,
	};
	struct dial *d = &s->dial;
	const int64_t start = clock_microseconds();

	d->settings = &s->settings;
	d->question = &s->question;
	d->until = deadline_in(s->settings.connect_timeout);
	d->client = s->inbox.fd;
	dial_run(d);
	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = d->attempts;
	if (d->verdict.rule[0] != '\0')
		s->record.rule = d->verdict.rule;
	s->record.peer = d->peer;
	s->record.local = d->local;
	if (d->result == DIAL_STOPPED || d->result == DIAL_CLIENT_GONE)
		session_end(s, results[d->result], d->reason);
	if (d->result != DIAL_CONNECTED)
		session_fail(s, results[d->result], d->reply, d->reason);
}

/*
 * BND: our address towards the server where its family is the client's, else
 * the address that the client reached us by (behind a proxy: it), or zeros
 * where that is of the other family too.  The port is always real.
 */
static struct address
bound_address(const struct session *s)
{
	const enum family family = s->record.client.family;
	struct address bound = s->record.local;

	if (family != FAMILY_NONE && family != bound.family) {
		bound = s->question.proxied.family != FAMILY_NONE ?
		    s->question.proxied : s->record.listen;
		if (bound.family != family)
			bound = (struct address){ .family = FAMILY_IPV4 };
	}
	bound.port = s->record.local.port;
	return bound;
}

static void
session_reply(struct session *s)
{
	const struct address bound = bound_address(s);
	uint8_t octets[SOCKS5_REPLY_MAX];
	const size_t length = socks5_reply_format(REPLY_SUCCEEDED, &bound,
	    octets);

	if (send(s->inbox.fd, octets, length, MSG_NOSIGNAL) !=
	    (ssize_t)length)
		session_end(s, RESULT_CLIENT_GONE,
		    "the client left before the reply");
	s->record.reply = REPLY_SUCCEEDED;
	s->stage = STAGE_SILENT;
}

/* ------------------------------------------------------------------ relay */

/* CLIENT USER -> DEST (PEER), for systemctl status and ps(1). */
static void
session_announce(struct session *s)
{
	char buffer[STATUS_TEXT];
	struct text status = text_in(buffer, sizeof(buffer));

	journal_describe(&status, &s->record);
	journal_status(buffer);
	if (!s->settings.log_start)
		return;
	s->record.result = RESULT_OPEN;
	journal_record(&s->record);
}

static _Noreturn void
session_relay(struct session *s)
{
	static const enum result results[] = {
		[RELAY_ERROR] = RESULT_ERROR,
		[RELAY_OK] = RESULT_OK,
		[RELAY_RESET] = RESULT_RESET,
		[RELAY_TIMEOUT] = RESULT_TIMEOUT,
		[RELAY_STOPPED] = RESULT_STOPPED,
	};
	const struct cursor early = inbox_cursor(&s->inbox);
	struct relay *r = &s->relay;
	enum relay_result result;

	r->client = s->inbox.fd;
	r->server = s->dial.fd;
	r->early = early.at;
	r->early_length = early.left;
	r->idle_timeout = s->settings.idle_timeout;
	r->half_closed_timeout = s->settings.half_closed_timeout;
	result = relay_run(r);
	s->record.up = r->up;
	s->record.down = r->down;
	session_end(s, results[result], r->reason);
}

/* ------------------------------------------------------- the session line */

int
main(int argc, char **argv)
{
	static struct session session;
	struct session *s = &session;
	struct options options;

	wait_prepare();
	title_prepare(argc, argv);
	options = options_read(argc, argv);
	if (options.mode != MODE_SESSION)
		return options_run(&options);

	session_open(s, &options);
	session_confine(s, SANDBOX_NEGOTIATE);
	/* From here: octets of a stranger.  Nothing of this machine can be
	 * opened but what the resolver reads. */
	session_proxy(s);
	session_authenticate(s);
	/* From here: a client whom we know by address, and by name where
	 * `auth' asks for one. */
	session_request(s);
	session_judge(s);
	session_dial(s);
	/* From here: two connections that policy allows to be one. */
	session_reply(s);
	session_announce(s);
	session_confine(s, SANDBOX_RELAY);
	/* From here: no new connection, no file. */
	session_relay(s);
}
