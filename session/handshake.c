/* SPDX-License-Identifier: ISC */
/*
 * The steps before a request is known.  Untrusted octets come in pieces of
 * any size: each step reads until its message is whole, and leaves what is
 * behind it in the inbox.
 */
#include "session/handshake.h"

#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "base/wait.h"
#include "net/route.h"
#include "policy/password.h"
#include "share/places.h"
#include "wire/login.h"
#include "wire/proxy.h"
#include "wire/stranger.h"

enum {
	/* A wrong password is answered one to two seconds after it came, and
	 * whole seconds later where the hash took longer than that. */
	PENALTY_LEAST = 1000,
	PENALTY_SPREAD = 1000,
	PENALTY_STEP = 1000,
};

/* More octets, or the end of the session. */
static void
read_more(struct session *s)
{
	switch (inbox_fill(&s->inbox, s->handshake)) {
	case INBOX_MORE: return;
	case INBOX_TIMEOUT:
		if (s->record.ids > 0)
			session_end(s, RESULT_TIMEOUT,
			    "no request behind an ADDRESS ASSOCIATE");
		session_end(s, RESULT_HANDSHAKE_TIMEOUT,
		    "no whole request within handshake-timeout");
	case INBOX_STOPPED: session_stop(s);
	case INBOX_EOF:
	case INBOX_GONE: break;
	}
	if (s->record.ids > 0 && inbox_cursor(&s->inbox).left == 0)
		session_end(s, RESULT_OK, NULL);
	session_end(s, RESULT_CLIENT_GONE, "the client left in the handshake");
}

/* ------------------------------------------------------- PROXY protocol */

/* The source of the header is the client from here on. */
static void
take_proxied(struct session *s, const struct proxy_header *header)
{
	struct record *r = &s->record;

	s->health_check = header->local;
	if (header->source.family == FAMILY_NONE)
		return;
	r->proxy = r->client;
	r->client = header->source;
	s->scope = 0;
	s->proxied = header->destination;
}

/* Ends the session of a client who may not speak for others. */
static void
judge_proxy(struct session *s)
{
	const struct address *peer = &s->record.client;
	const bool self = session_route(s, peer, s->scope).self;
	const enum match match = settings_proxied(&s->settings, peer, self);

	if (match == MATCH_YES)
		return;
	read_more(s);
	if (match == MATCH_UNSURE)
		session_end(s, RESULT_ERROR,
		    "this host could not look up proxy-protocol-from");
	session_end(s, RESULT_BAD_PROXY_HEADER,
	    "proxy-protocol-from does not name this client");
}

void
session_proxy(struct session *s)
{
	struct proxy_header header;

	if (!s->settings.proxy_from.given)
		return;
	judge_proxy(s);
	for (;;) {
		struct cursor c = inbox_cursor(&s->inbox);
		const enum parse parse = proxy_header_parse(&c, &header);

		if (parse == PARSE_BAD)
			session_end(s, RESULT_BAD_PROXY_HEADER, header.wrong);
		if (parse == PARSE_DONE) {
			inbox_consume(&s->inbox, &c);
			break;
		}
		read_more(s);
	}
	take_proxied(s, &header);
}

/*
 * A balancer that asks for more than an answer to its greeting is no health
 * check: it is refused, and the record is no quiet one.  SECURITY: else whole
 * sessions would leave no record, with the balancer for a client.
 */
static void
refuse_health_check(struct session *s, enum result result)
{
	if (!s->health_check)
		return;
	s->health_check = false;
	session_fail(s, result, REPLY_NOT_ALLOWED,
	    "a PROXY header with LOCAL "
	    "is for health checks, which ask for nothing");
}

/* ------------------------------------------------- who speaks, and what */

/* Who speaks, for a helpful record. */
static _Noreturn void
refuse_stranger(struct session *s)
{
	static char reason[REASON_TEXT];
	const struct cursor c = inbox_cursor(&s->inbox);
	struct text t = text_in(reason, sizeof(reason));

	stranger_describe(&t, c.at, c.left);
	text_add(&t, ", not SOCKS5");
	session_end(s, RESULT_NOT_SOCKS, reason);
}

/* The first octet of a greeting, or of a request of SOCKS4. */
static uint8_t
read_version(struct session *s)
{
	struct cursor c = inbox_cursor(&s->inbox);

	while (c.left == 0) {
		read_more(s);
		c = inbox_cursor(&s->inbox);
	}
	return *c.at;
}

/* SECURITY: SOCKS4 has no login, so that it is served only where nobody needs
 * one. */
static void
begin_socks4(struct session *s)
{
	if (!s->settings.socks4)
		session_end(s, RESULT_NOT_SOCKS,
		    "SOCKS4, which is not "
		    "served unless `socks4' is on");
	if (!settings_offers(&s->settings, AUTH_NONE))
		session_end(s, RESULT_NOT_SOCKS,
		    "SOCKS4, which is not "
		    "served where `auth' has no none");
	s->record.auth = "socks4";
	s->stage = STAGE_SOCKS4;
}

/* --------------------------------------- greeting, method (RFC 1928 3) */

static void
read_greeting(struct session *s, struct socks5_greeting *greeting)
{
	for (;;) {
		struct cursor c = inbox_cursor(&s->inbox);
		const enum parse parse = socks5_greeting_parse(&c, greeting);

		/* Never PARSE_BAD: the version is known already. */
		if (parse == PARSE_DONE) {
			inbox_consume(&s->inbox, &c);
			return;
		}
		read_more(s);
	}
}

/* The first of ours that the client offers, and never another one. */
static enum socks5_method
choose_method(const struct settings *settings,
    const struct socks5_greeting *greeting)
{
	static const enum socks5_method methods[] = {
		[AUTH_NONE] = SOCKS5_METHOD_NONE,
		[AUTH_PASSWORD] = SOCKS5_METHOD_PASSWORD,
	};

	for (size_t i = 0; i < settings->auth_count; i++) {
		const enum socks5_method method = methods[settings->auth[i]];

		if (greeting->offers[method])
			return method;
	}
	return SOCKS5_METHOD_NO_ACCEPTABLE;
}

/* ------------------------------------------ username/password (RFC 1929) */

static void
read_login(struct session *s, struct login *login, struct cursor *behind)
{
	for (;;) {
		enum parse parse;

		*behind = inbox_cursor(&s->inbox);
		parse = login_parse(behind, login);
		if (parse == PARSE_BAD)
			session_fail(s, RESULT_AUTH_FAILED,
			    REPLY_GENERAL_FAILURE,
			    *behind->at == LOGIN_VERSION ?
				"the login has no user name" :
				"the login is not of version 01 (RFC 1929)");
		if (parse == PARSE_DONE)
			return;
		read_more(s);
	}
}

/*
 * SECURITY: a guess takes a while, and the moment of its answer says nothing
 * about what was wrong with it, nor what was computed: it is counted from the
 * arrival of the login.  A client that used up handshake-timeout before has
 * waited already.
 */
static void
penalty(const struct session *s, int64_t arrival)
{
	const int64_t spread = arrival % PENALTY_SPREAD;
	struct deadline answer = { arrival / 1000 + PENALTY_LEAST + spread };

	while (deadline_passed(answer))
		answer.at += PENALTY_STEP;
	(void)wait_for(NULL, 0, deadline_first(s->handshake, answer));
}

/* The hash of a password takes memory, so few are computed at once. */
static enum password
check_password(struct session *s, const struct login *login)
{
	enum password result;

	switch (places_take(&s->table, s->handshake)) {
	case WAIT_READY: break;
	case WAIT_TIMEOUT: /* nobody is to be banned for others */
		session_end(s, RESULT_DENIED, "too many others log in");
	case WAIT_STOPPED: session_stop(s);
	}
	result = password_check(s->passwords, login);
	places_leave(&s->table);
	return result;
}

static void
log_in(struct session *s)
{
	struct cursor behind;
	struct login login;
	int64_t arrival;
	enum password result;

	s->stage = STAGE_LOGIN;
	s->record.auth = "password";
	read_login(s, &login, &behind);
	arrival = clock_microseconds();
	memcpy(s->user, login.user, login.user_length);
	s->record.user = s->user;
	s->record.user_length = login.user_length;
	refuse_health_check(s, RESULT_AUTH_FAILED);
	result = check_password(s, &login);
	inbox_consume(&s->inbox, &behind);
	inbox_wipe(&s->inbox);
	if (result != PASSWORD_RIGHT)
		penalty(s, arrival);
	/* Nobody is to be banned for what this host could not do. */
	if (result == PASSWORD_FAILED)
		session_fail(s, RESULT_ERROR, REPLY_GENERAL_FAILURE,
		    "the password could not be checked: no memory for the "
		    "hash, a hash that is cut, or an unreadable file");
	if (result == PASSWORD_WRONG)
		session_fail(s, RESULT_AUTH_FAILED, REPLY_GENERAL_FAILURE,
		    "wrong user or password");
	session_answer(s, &(struct response){ .reply = REPLY_SUCCEEDED });
}

static void
begin_socks5(struct session *s)
{
	struct socks5_greeting greeting;
	enum socks5_method method;

	read_greeting(s, &greeting);
	s->stage = STAGE_METHOD;
	method = choose_method(&s->settings, &greeting);
	if (method == SOCKS5_METHOD_NO_ACCEPTABLE)
		session_fail(s, RESULT_AUTH_FAILED, REPLY_GENERAL_FAILURE,
		    "the client offered no method that `auth' has");
	session_answer(s, &(struct response){ .method = method });
	if (method == SOCKS5_METHOD_PASSWORD)
		log_in(s);
	else
		s->record.auth = s->record.client.family == FAMILY_NONE ?
		    "unix" :
		    "none";
	s->stage = STAGE_REQUEST;
}

static void
forget_passwords(struct session *s)
{
	if (s->passwords != -1)
		close(s->passwords);
	s->passwords = -1;
}

void
session_authenticate(struct session *s)
{
	const uint8_t version = read_version(s);

	switch (version) {
	case SOCKS5_VERSION: begin_socks5(s); break;
	case SOCKS4_VERSION: begin_socks4(s); break;
	default: refuse_stranger(s);
	}
	forget_passwords(s);
	/* From here: no hash of anybody. */
}

/* ------------------------------------- request (RFC 1928 4, SOCKS4, 4A) */

/* CONNECT, BIND, UDP, or the number, which 3 is in SOCKS4. */
static const char *
command_word(struct session *s)
{
	static const char *const words[] = {
		[REQUEST_CONNECT] = "CONNECT",
		[REQUEST_BIND] = "BIND",
		[REQUEST_UDP_ASSOCIATE] = "UDP",
		[REQUEST_ADDRESS_ASSOCIATE] = "ASSOCIATE",
		[REQUEST_ADDRESS_ASSOCIATE | REQUEST_CONNECT] = "CONNECT",
		[REQUEST_ADDRESS_ASSOCIATE | REQUEST_BIND] = "BIND",
		[REQUEST_ADDRESS_ASSOCIATE | REQUEST_UDP_ASSOCIATE] = "UDP",
	};
	const uint8_t command = s->request.command;
	const size_t known = s->stage == STAGE_SOCKS4 ?
	    REQUEST_BIND + 1 :
	    s->settings.address_id == ADDRESS_ID_OFF ?
	    (size_t)REQUEST_ADDRESS_ASSOCIATE :
	    ARRAY_COUNT(words);
	struct text t = text_in(s->command, sizeof(s->command));

	if (command < known && words[command] != NULL)
		return words[command];
	text_add_number(&t, command);
	return s->command;
}

/* The destination as it was asked for, into the record. */
void
session_note_request(struct session *s)
{
	const struct request *request = &s->request;
	struct record *r = &s->record;
	struct text t = text_in(s->literal, sizeof(s->literal));

	r->command = command_word(s);
	if (request->by_id && request->kind == NAME_HOST) {
		r->dest = request->name;
		r->dest_length = strlen(request->name);
		r->dest_ipv6 = false;
	} else if (request->kind == NAME_LITERAL) {
		address_add(&t, &request->address);
		r->dest = s->literal;
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
request_wrong(const struct session *s, enum reply why)
{
	if (why == REPLY_ADDRESS_TYPE_NOT_SUPPORTED)
		return "the address type is not 01, 03 or 04";
	if (why == REPLY_COMMAND_NOT_SUPPORTED)
		return "the command is none of SOCKS4";
	if (s->request.by_name)
		return s->request.asked_length == 0 ?
		    "the name is empty" :
		    "the name is not a host name";
	if (s->stage == STAGE_SOCKS4)
		return "the USERID has more than 255 octets";
	return "the request does not begin with version 05";
}

static _Noreturn void
refuse_request(struct session *s, enum reply why)
{
	s->health_check = false;
	if (why != REPLY_GENERAL_FAILURE || s->request.by_name)
		session_note_request(s);
	session_fail(s, RESULT_BAD_REQUEST, why, request_wrong(s, why));
}

/* SECURITY: the USERID proves nothing.  It is no user for rules and shares,
 * but goes into the record. */
static void
note_claim(struct session *s, const struct socks4_claim *claim)
{
	memcpy(s->user, claim->userid, claim->length);
	s->record.userid = s->user;
	s->record.userid_length = claim->length;
}

static enum parse
parse_request(struct session *s, struct cursor *c, enum reply *why)
{
	struct socks4_claim claim;
	enum parse parse;

	if (s->stage != STAGE_SOCKS4)
		return socks5_request_parse(c, &s->request, why);
	parse = socks4_request_parse(c, &s->request, &claim, why);
	if (parse == PARSE_DONE)
		note_claim(s, &claim);
	return parse;
}

void
session_request(struct session *s)
{
	for (;;) {
		struct cursor c = inbox_cursor(&s->inbox);
		enum reply why;
		const enum parse parse = parse_request(s, &c, &why);

		if (parse == PARSE_BAD)
			refuse_request(s, why);
		if (parse == PARSE_DONE) {
			inbox_consume(&s->inbox, &c);
			break;
		}
		read_more(s);
	}
	session_note_request(s);
	refuse_health_check(s, RESULT_DENIED);
}
