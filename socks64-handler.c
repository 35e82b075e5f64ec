/*
 * socks64-handler: one SOCKS5 session between IPv4 and IPv6, from an accepted
 * connection to its end.  RFC 3089, RFC 1928.
 *
 * main() is the session, step by step; every step either comes back or ends
 * the session through session_fail() or session_end().
 */
#include <string.h>
#include <sys/socket.h>

#include "options.h"
#include "session.h"
#include "title.h"
#include "wire/text.h"

enum { STATUS_TEXT = 1024, COMMAND_TEXT = 8 };

/* More octets, or the end of the session. */
static void
session_read(struct session *s)
{
	switch (inbox_fill(&s->inbox, s->handshake)) {
	case INBOX_MORE:
		return;
	case INBOX_TIMEOUT:
		session_end(s, RESULT_HANDSHAKE_TIMEOUT,
		    "no whole request within handshake-timeout");
	case INBOX_STOPPED:
		session_end(s, RESULT_STOPPED, "SIGTERM");
	case INBOX_EOF:
	case INBOX_GONE:
		break;
	}
	session_end(s, RESULT_CLIENT_GONE, "the client left in the handshake");
}

/* --------------------------------------- greeting, method (RFC 1928 3) */

/* What speaks first with that octet, for a helpful record. */
static const char *
stranger(uint8_t octet)
{
	static const struct {
		uint8_t first;
		const char *reason;
	} strangers[] = {
		{ 0x04, "SOCKS4, which is not served" },
		{ 0x16, "a TLS handshake, not SOCKS5" },
		{ 'C', "HTTP (CONNECT), not SOCKS5" },
		{ 'D', "HTTP (DELETE), not SOCKS5" },
		{ 'G', "HTTP (GET), not SOCKS5" },
		{ 'H', "HTTP (HEAD), not SOCKS5" },
		{ 'O', "HTTP (OPTIONS), not SOCKS5" },
		{ 'P', "HTTP (POST, PUT) or a PROXY header, not SOCKS5" },
		{ 0x0d, "a PROXY header that proxy-protocol-from does not "
		    "expect, not SOCKS5" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(strangers); i++)
		if (strangers[i].first == octet)
			return strangers[i].reason;
	return "the first octet is not 05, not SOCKS5";
}

static void
session_greet(struct session *s)
{
	static const uint8_t accepted[] = { SOCKS5_VERSION,
		SOCKS5_METHOD_NONE };
	struct socks5_greeting greeting;

	for (;;) {
		struct cursor c = inbox_cursor(&s->inbox);
		const enum parse parse = socks5_greeting_parse(&c, &greeting);

		if (parse == PARSE_BAD)
			session_end(s, RESULT_NOT_SOCKS, stranger(*c.at));
		if (parse == PARSE_DONE) {
			inbox_consume(&s->inbox, &c);
			break;
		}
		session_read(s);
	}
	s->stage = STAGE_METHOD;
	if (!greeting.offers[SOCKS5_METHOD_NONE])
		session_fail(s, RESULT_AUTH_FAILED, REPLY_GENERAL_FAILURE,
		    "the client offered no method that `auth' has");
	s->record.auth = "none";
	if (send(s->inbox.fd, accepted, sizeof(accepted), MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(accepted))
		session_end(s, RESULT_CLIENT_GONE, NULL);
	s->stage = STAGE_REQUEST;
}

/* --------------------------------------------------- request (RFC 1928 4) */

/* CONNECT, BIND, UDP, or the number. */
static const char *
command_word(uint8_t command)
{
	static const char *const words[] = {
		[SOCKS5_CONNECT] = "CONNECT",
		[SOCKS5_BIND] = "BIND",
		[SOCKS5_UDP_ASSOCIATE] = "UDP",
	};
	static char number[COMMAND_TEXT];
	struct text t = text_in(number, sizeof(number));

	if (command < ARRAY_COUNT(words) && words[command] != NULL)
		return words[command];
	text_add_number(&t, command);
	return number;
}

/* The destination as it was asked for, into the record. */
static void
record_destination(struct session *s)
{
	static char literal[ADDRESS_TEXT];
	const struct socks5_request *request = &s->request;
	struct record *r = &s->record;
	struct text t = text_in(literal, sizeof(literal));

	r->command = command_word(request->command);
	if (request->kind == NAME_LITERAL) {
		address_add(&t, &request->address);
		r->dest = literal;
		r->dest_length = t.length;
		r->dest_ipv6 = request->address.family == FAMILY_IPV6;
	} else {
		r->dest = (const char *)request->asked;
		r->dest_length = request->asked_length;
	}
	r->dest_port = request->address.port;
	r->asked = request->kind != NAME_BAD || request->by_name;
}

static const char *
request_wrong(const struct socks5_request *request, enum reply why)
{
	if (why == REPLY_ADDRESS_TYPE_NOT_SUPPORTED)
		return "the address type is not 01, 03 or 04";
	if (request->by_name)
		return "the name is not a host name";
	return "the request does not begin with version 05";
}

static void
session_request(struct session *s)
{
	for (;;) {
		struct cursor c = inbox_cursor(&s->inbox);
		enum reply why;
		const enum parse parse = socks5_request_parse(&c, &s->request,
		    &why);

		if (parse == PARSE_BAD) {
			if (why != REPLY_GENERAL_FAILURE ||
			    s->request.by_name)
				record_destination(s);
			session_fail(s, RESULT_BAD_REQUEST, why,
			    request_wrong(&s->request, why));
		}
		if (parse == PARSE_DONE) {
			inbox_consume(&s->inbox, &c);
			break;
		}
		session_read(s);
	}
	record_destination(s);
	if (s->request.command != SOCKS5_CONNECT)
		session_fail(s, RESULT_BAD_REQUEST,
		    REPLY_COMMAND_NOT_SUPPORTED,
		    "the command is not served");
}

/* ------------------------------------------------------ judge, dial, reply */

static void
session_judge(struct session *s)
{
	struct question *q = &s->question;

	q->command = POLICY_CONNECT;
	q->client = s->record.client;
	q->client_uid = s->record.client_uid;
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
 * the address that the client reached us by; the port is real in both.
 */
static struct address
bound_address(const struct session *s)
{
	struct address bound = s->record.local;

	if (s->record.client.family != FAMILY_NONE &&
	    s->record.client.family != bound.family)
		bound = s->record.listen;
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
	session_greet(s);
	session_request(s);
	/* From here: we know who wants what. */
	session_judge(s);
	session_dial(s);
	/* From here: two connections that policy allows to be one. */
	session_reply(s);
	session_announce(s);
	session_confine(s, SANDBOX_RELAY);
	/* From here: no new connection, no file. */
	session_relay(s);
}
