/* SPDX-License-Identifier: ISC */
/*
 * What becomes of commands and replies (RFC 6384 for IPv6 clients; the mirror
 * of it for IPv4 clients).  Every change of an octet is made here.
 *
 * A command that sets a data connection up holds those behind it back until
 * it is answered, because it may have to be asked in another way; so the
 * order of commands and of replies is always the client's.
 */
#include "alg/control.h"

#include <string.h>

#include "alg/forms.h"
#include "base/array.h"
#include "base/text.h"
#include "share/announced.h"
#include "share/binds.h"
#include "share/ids.h"

enum {
	LINE_TEXT = 256,
	CODE_PASV = 227,
	CODE_LPSV = 228,
	CODE_EPSV = 229,
	CODE_OK = 200,
	CODE_NO_CONNECTION = 425,
	TELNET_DM = 0xf2,
	TELNET_IP = 0xf4,
	TELNET_IAC = 0xff,
};

void
control_start(struct control *k, struct alg *a)
{
	const enum family client = a->client_address.family;
	const enum family server = a->server_address.family;

	k->alg = a;
	k->translating = true;
	k->pair = PAIR_SAME;
	if (client == FAMILY_IPV6 && server == FAMILY_IPV4)
		k->pair = PAIR_64;
	else if (client == FAMILY_IPV4 && server == FAMILY_IPV6)
		k->pair = PAIR_46;
	line_start(&k->commands, LINE_COMMAND_MAX, false);
	line_start(&k->replies, LINE_REPLY_MAX, true);
	k->to_client.urgent = NOWHERE;
	k->to_server.urgent = NOWHERE;
}

bool
control_takes_commands(const struct control *k)
{
	return k->greeted && !k->held && !k->raw && !k->over &&
	    !queue_is_full(&k->queue);
}

/* --- Writing. --- */

void
stream_put(struct stream *s, const void *octets, size_t length)
{
	if (length > STREAM_SIZE - s->end) {
		memmove(s->octets, s->octets + s->start, s->end - s->start);
		s->end -= s->start;
		if (s->urgent != NOWHERE)
			s->urgent -= (ptrdiff_t)s->start;
		s->start = 0;
	}
	if (length > STREAM_SIZE - s->end)
		return; /* who asks for room first never comes here */
	memcpy(s->octets + s->end, octets, length);
	s->end += length;
}

/* Data octets: 255 is doubled (RFC 854). */
static void
put_data(struct control *k, struct stream *s, const uint8_t *octets,
    size_t length)
{
	static const uint8_t iac = TELNET_IAC;

	if (k->alg->watch)
		return;
	for (size_t i = 0; i < length; i++) {
		if (octets[i] == iac)
			stream_put(s, &iac, 1);
		stream_put(s, octets + i, 1);
	}
}

static void
put_end(struct control *k, struct stream *s)
{
	put_data(k, s, (const uint8_t *)"\r\n", 2);
}

static void
put_text(struct control *k, struct stream *s, const char *text)
{
	put_data(k, s, (const uint8_t *)text, strlen(text));
	put_end(k, s);
}

/* RFC 959 4.1.3: IP, and the Data Mark as urgent data, before the line. */
static void
put_urgent(struct control *k)
{
	static const uint8_t synch[] = { TELNET_IAC, TELNET_IP, TELNET_IAC,
		TELNET_DM };

	if (k->alg->watch)
		return;
	stream_put(&k->to_server, synch, sizeof(synch));
	k->to_server.urgent = (ptrdiff_t)k->to_server.end - 1;
}

/* --- The record. --- */

/* CLIENT>SERVER, once. */
static void
note_done(struct control *k, enum ask ask, enum ask way)
{
	char buffer[LINE_TEXT];
	struct text one = text_in(buffer, sizeof(buffer));
	struct text all = { .start = k->alg->done,
		.length = strlen(k->alg->done),
		.size = sizeof(k->alg->done) };

	text_add(&one, ask_name(ask));
	text_add_char(&one, '>');
	text_add(&one, ask_name(way));
	if (strstr(k->alg->done, buffer) != NULL)
		return;
	if (all.length > 0)
		text_add_char(&all, ',');
	text_add(&all, buffer);
}

static const char *
table_why(const struct control *k, enum table_result result)
{
	if (result == TABLE_FULL)
		return "the association table is full";
	return k->alg->share.table->problem;
}

/* --- Commands. --- */

static void
wait_for_reply(struct control *k, enum waiting waiting, enum ask ask,
    enum ask way)
{
	const struct waiting_command command = { .waiting = waiting,
		.ask = ask, .way = way };

	queue_add(&k->queue, &command);
}

/* An answer of ours, when its turn comes: NOOP's reply says when (RFC 6384
 * 13). */
static void
say(struct control *k, const char *what)
{
	const struct waiting_command command = { .waiting = WAITING_LOCAL,
		.say = what };

	queue_add(&k->queue, &command);
	put_text(k, &k->to_server, "NOOP");
}

static void
pass(struct control *k, enum waiting waiting, enum ask ask)
{
	const struct line_reader *r = &k->commands;

	if (r->urgent)
		put_urgent(k);
	wait_for_reply(k, waiting, ask, ask);
	put_data(k, &k->to_server, r->octets, r->length);
	put_end(k, &k->to_server);
}

static void
send_passive(struct control *k, enum ask way)
{
	put_text(k, &k->to_server, ask_name(way));
}

static void
ask_passive(struct control *k, enum ask ask)
{
	const enum ask way = passive_way(k->alg->server_address.family,
	    k->passive);

	k->held = true;
	wait_for_reply(k, WAITING_PASSIVE, ask, way);
	send_passive(k, way);
}

static void
send_active(struct control *k, enum ask way)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, ask_name(way));
	text_add_char(&t, ' ');
	if (way == ASK_PORT)
		form_port_add(&t, &k->announced);
	else if (way == ASK_EPRT)
		form_eprt_add(&t, &k->announced);
	else
		form_lprt_add(&t, &k->announced, false);
	put_text(k, &k->to_server, buffer);
}

/* The client itself, or a live BIND of it, which has a port in the server's
 * family too.  SECURITY: never this gateway, where the client is a process of
 * its host: the server would be a client that comes from there. */
static bool
is_own(void *context, const struct address *address)
{
	struct control *k = context;
	struct alg *a = k->alg;
	struct table_bind bind;

	if (binds_find(&a->share, address, &bind) == TABLE_OK) {
		k->live_bind = a->server_address.family == FAMILY_IPV6 ?
		    bind.ipv6 : bind.ipv4;
		return k->live_bind.family != FAMILY_NONE;
	}
	return address_equal(address, &a->client_address) &&
	    address->port != a->never[0] && address->port != a->never[1];
}

/* The BIND's port at the address that the server may know us by. */
static void
announce_bind(struct control *k)
{
	const struct alg *a = k->alg;
	const uint16_t port = k->live_bind.port;
	const struct address *advertised = settings_advertised(a->settings,
	    ADVERTISE_BIND, a->server_address.family);

	k->announced = advertised->family != FAMILY_NONE ? *advertised :
	    a->local;
	k->announced.port = port;
}

static void
ask_active(struct control *k, const struct command *c)
{
	struct active_verdict v;
	enum ask way;

	k->live_bind = (struct address){ .family = FAMILY_NONE };
	v = active_judge(c, k->pair, is_own, k);
	if (v.active == ACTIVE_SAY) {
		say(k, v.say);
		return;
	}
	if (v.active == ACTIVE_PASS) {
		pass(k, WAITING_PASS, c->ask);
		return;
	}
	if (k->live_bind.family != FAMILY_NONE) {
		k->channels.newest = NULL;
		announce_bind(k);
	} else if (!channel_listen(&k->channels, k->alg, &v.target,
	    &k->announced)) {
		alg_note(k->alg, "no port to listen at for the FTP server",
		    "");
		say(k, "425 No port to listen on");
		return;
	}
	way = active_way(k->alg->server_address.family, k->active);
	k->held = true;
	wait_for_reply(k, WAITING_ACTIVE, c->ask, way);
	send_active(k, way);
}

/* RFC 6384 11. */
static void
answer_algs(struct control *k, const struct command *c)
{
	static const struct {
		const char *word;
		bool changes;
		bool to;
	} words[] = {
		{ "STATUS64", false, false },
		{ "ENABLE64", true, true },
		{ "DISABLE64", true, false },
	};

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		if (!command_argument_is(c, words[i].word))
			continue;
		if (words[i].changes)
			k->translating = words[i].to;
		say(k, k->translating && k->pair != PAIR_SAME ?
		    "216 EPSVEPRT" : "216 NONE");
		return;
	}
	say(k, "504 ALGS takes STATUS64, ENABLE64 or DISABLE64");
}

/* RFC 2428 4: after EPSV ALL there is nothing else. */
static bool
is_against_all(enum ask ask)
{
	return ask == ASK_PASV || ask == ASK_LPSV || ask == ASK_PORT ||
	    ask == ASK_EPRT || ask == ASK_LPRT;
}

/* Where nothing is translated. */
static struct treatment
untranslated(const struct control *k, enum ask ask)
{
	const struct treatment same = treatment_of(ask, PAIR_SAME);
	const bool keeps = same.action == ACTION_WATCH ||
	    same.action == ACTION_AUTH ||
	    (same.action == ACTION_ALGS && !k->alg->watch);

	return keeps ? same : (struct treatment){ .action = ACTION_PASS };
}

static void
command_act(struct control *k, const struct command *c)
{
	const struct treatment t = k->alg->watch || !k->translating ?
	    untranslated(k, c->ask) : treatment_of(c->ask, k->pair);

	switch (t.action) {
	case ACTION_PASS:
		pass(k, WAITING_PASS, c->ask);
		break;
	case ACTION_WATCH:
		pass(k, WAITING_WATCH, c->ask);
		break;
	case ACTION_PASSIVE:
		ask_passive(k, c->ask);
		break;
	case ACTION_ACTIVE:
		ask_active(k, c);
		break;
	case ACTION_ALL:
		pass(k, WAITING_ALL, c->ask);
		break;
	case ACTION_ALGS:
		answer_algs(k, c);
		break;
	case ACTION_AUTH:
		if (k->alg->watch) {
			pass(k, WAITING_AUTH, c->ask);
			break;
		}
		k->auth_waits = true;
		k->held = true;
		break;
	case ACTION_SAY:
		say(k, t.say);
		break;
	}
}

void
control_auth(struct control *k)
{
	k->auth_waits = false;
	pass(k, WAITING_AUTH, ASK_AUTH);
}

/* SECURITY: none of it goes on, so that its tail is no command either. */
static void
command_too_long(struct control *k)
{
	if (k->alg->watch)
		wait_for_reply(k, WAITING_PASS, ASK_OTHER, ASK_OTHER);
	else
		say(k, "500 The command is too long");
}

void
control_command(struct control *k, enum line_event event)
{
	const struct command c = command_parse(k->commands.octets,
	    k->commands.length);

	if (queue_is_full(&k->queue))
		k->raw = true; /* only who watches cannot hold it back */
	else if (event == LINE_TOO_LONG)
		command_too_long(k);
	else if (k->all && is_against_all(c.ask))
		say(k, "501 EPSV ALL was given");
	else
		command_act(k, &c);
}

/* --- Replies: what is passed on. --- */

static bool
is_passive_code(unsigned code)
{
	return code == CODE_PASV || code == CODE_LPSV || code == CODE_EPSV;
}

static bool
is_success(unsigned code)
{
	return code >= 200 && code < 300;
}

/* Is the reply for us to replace? */
static bool
is_ours(const struct waiting_command *owner, unsigned code)
{
	if (owner == NULL || code < 200)
		return false;
	switch (owner->waiting) {
	case WAITING_LOCAL:
		return true;
	case WAITING_PASSIVE:
	case WAITING_ACTIVE:
		return code < 400 || is_refusal(code);
	case WAITING_PASS:
	case WAITING_WATCH:
	case WAITING_ALL:
	case WAITING_AUTH:
		break;
	}
	return false;
}

/* Who wonders why a client that believes it fails finds it in the record. */
static void
compare(struct control *k, const struct address *announced)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	if (k->owner == NULL || announced->family == FAMILY_NONE ||
	    address_equal(announced, &k->alg->server_address))
		return;
	text_add(&t, "the server announced another address than its own: ");
	address_add(&t, announced);
	alg_mention(k->alg, buffer, "");
}

/* The port in a line of 227, 228, 229; 0: none.  SECURITY: the address is
 * never used; it is the server's, whatever the line says. */
static uint16_t
announced_port(struct control *k, const struct reply_line *l)
{
	struct address a = { .family = FAMILY_NONE };

	switch (l->code) {
	case CODE_PASV:
		(void)form_227_parse(l->text, l->length, &a);
		break;
	case CODE_LPSV:
		(void)form_228_parse(l->text, l->length, &a);
		break;
	case CODE_EPSV:
		(void)form_229_parse(l->text, l->length, &a.port);
		break;
	default:
		break;
	}
	compare(k, &a);
	return a.port;
}

/* --- Replies: what they mean. --- */

/* SECURITY: a port of a service is no data port; the rules decide on it. */
static void
announce(struct control *k, uint16_t port)
{
	struct alg *a = k->alg;
	struct address to = a->server_address;
	enum table_result result;

	if (port < PORT_UNPRIVILEGED)
		return;
	to.port = port;
	result = announced_put(&a->share, &to, a->control.rule,
	    &k->data);
	if (result != TABLE_OK)
		alg_note(k->alg, "FTP data connections are not announced",
		    table_why(k, result));
}

/*
 * What stands for the server in a reply to an IPv4 client: its alias for this
 * client, or, without a table, our own address, which is right for clients
 * that look at the port alone.
 */
static struct address
alias_of_server(struct control *k)
{
	struct alg *a = k->alg;
	struct table_target target = { .count = 1 };
	struct address alias = { .family = FAMILY_IPV4 };
	enum table_result result;
	uint32_t id;

	target.addresses[0] = a->server_address;
	target.addresses[0].port = 0;
	result = ids_make(&a->share, &target, &id);
	if (result != TABLE_OK) {
		alg_note(k->alg, "PASV was answered without an alias",
		    table_why(k, result));
		return a->reached.family == FAMILY_IPV4 ? a->reached : alias;
	}
	alias.octets[1] = (uint8_t)(id >> 16);
	alias.octets[2] = (uint8_t)(id >> 8 & 0xff);
	alias.octets[3] = (uint8_t)(id & 0xff);
	return alias;
}

/* The address that the client is told: the server's where it can use that. */
static struct address
server_for_client(struct control *k, uint16_t port)
{
	struct address a = k->alg->server_address;

	if (k->pair == PAIR_46)
		a = alias_of_server(k);
	a.port = port;
	return a;
}

static void
passive_answer(struct control *k, enum ask ask, uint16_t port)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));
	struct address server;

	if (ask == ASK_PASV) {
		server = server_for_client(k, port);
		text_add(&t, "227 Entering Passive Mode (");
		form_port_add(&t, &server);
	} else if (ask == ASK_LPSV) {
		server = server_for_client(k, port);
		text_add(&t, "228 Entering Long Passive Mode (");
		form_lprt_add(&t, &server, k->pair == PAIR_64);
	} else {
		text_add(&t, "229 Entering Extended Passive Mode (");
		form_229_add(&t, port);
	}
	text_add_char(&t, ')');
	put_text(k, &k->to_client, buffer);
}

/* In another way, if there is one. */
static bool
passive_retry(struct control *k, struct waiting_command *c)
{
	k->passive++;
	c->way = passive_way(k->alg->server_address.family, k->passive);
	if (c->way == ASK_OTHER) {
		k->passive = 0;
		return false;
	}
	send_passive(k, c->way);
	return true;
}

/* True: it is answered. */
static bool
passive_replied(struct control *k, struct waiting_command *c, unsigned code)
{
	if (is_refusal(code)) {
		if (passive_retry(k, c))
			return false;
		put_text(k, &k->to_client,
		    "502 The server has no passive mode");
	} else if (is_passive_code(code) && k->found != 0) {
		channels_give_up(&k->channels);
		announce(k, k->found);
		note_done(k, c->ask, c->way);
		passive_answer(k, c->ask, k->found);
	} else if (k->swallow) {
		put_text(k, &k->to_client,
		    "425 The server's answer makes no sense");
	}
	k->held = false;
	return true;
}

static bool
active_retry(struct control *k, struct waiting_command *c)
{
	k->active++;
	c->way = active_way(k->alg->server_address.family, k->active);
	if (c->way == ASK_OTHER) {
		k->active = 0;
		return false;
	}
	send_active(k, c->way);
	return true;
}

/* What the client's own command is refused by. */
static const char *
active_refusal(const struct control *k, enum ask ask, unsigned code)
{
	const bool ipv6 = k->alg->client_address.family == FAMILY_IPV6;

	if (code != 521 && code != 522)
		return "501 The server has no active mode";
	if (ask == ASK_EPRT)
		return ipv6 ? "522 Network protocol not supported, use (1)" :
		    "522 Network protocol not supported, use (2)";
	if (ask == ASK_LPRT)
		return ipv6 ? "521 Supported address families are (4)" :
		    "521 Supported address families are (6)";
	return "501 The server has no active mode";
}

static void
active_answer(struct control *k, enum ask ask)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "200 ");
	text_add(&t, ask_name(ask));
	text_add(&t, " command successful");
	put_text(k, &k->to_client, buffer);
}

static bool
active_replied(struct control *k, struct waiting_command *c, unsigned code)
{
	if (is_refusal(code) && active_retry(k, c))
		return false;
	if (is_success(code)) {
		channel_replace(&k->channels);
		note_done(k, c->ask, c->way);
		active_answer(k, c->ask);
	} else {
		channel_cancel(&k->channels);
		if (is_refusal(code))
			put_text(k, &k->to_client,
			    active_refusal(k, c->ask, code));
		else if (k->swallow)
			put_text(k, &k->to_client,
			    "425 The server's answer makes no sense");
	}
	k->held = false;
	return true;
}

/* RFC 6384 13: a server without NOOP is none that we can speak for. */
static void
local_replied(struct control *k, const struct waiting_command *c,
    unsigned code)
{
	if (code == CODE_OK) {
		put_text(k, &k->to_client, c->say);
		return;
	}
	put_text(k, &k->to_client, "421 The server refused NOOP");
	alg_note(k->alg, "the server refused a NOOP of the FTP translation",
	    "");
	k->over = true;
}

/* True: the command has its last reply. */
static bool
reply_act(struct control *k, struct waiting_command *c, unsigned code)
{
	switch (c->waiting) {
	case WAITING_PASS:
		if (c->ask == ASK_TRANSFER && code == CODE_NO_CONNECTION)
			channels_unreached(&k->channels, k->alg);
		break;
	case WAITING_WATCH:
		if (k->found == 0)
			break;
		channels_give_up(&k->channels);
		announce(k, k->found);
		break;
	case WAITING_PASSIVE:
		return passive_replied(k, c, code);
	case WAITING_ACTIVE:
		return active_replied(k, c, code);
	case WAITING_LOCAL:
		local_replied(k, c, code);
		break;
	case WAITING_ALL:
		k->all = is_success(code);
		break;
	case WAITING_AUTH:
		k->held = false;
		k->raw = code < 400;
		break;
	}
	return true;
}

static void
reply_begin(struct control *k, const struct reply_line *l)
{
	k->found = 0;
	k->owner = !k->greeted || l->code == 0 ? NULL :
	    queue_owner(&k->queue, l->code);
	k->swallow = is_ours(k->owner, l->code);
	/* RFC 2228 and 4217: what follows may be no text any more. */
	if (k->owner != NULL && k->owner->waiting == WAITING_AUTH &&
	    l->code < 400)
		k->raw = true;
}

static void
reply_end(struct control *k, const struct reply_line *l)
{
	struct waiting_command *owner = k->owner;

	if (!k->greeted) {
		k->greeted = l->code >= 200;
		return;
	}
	if (owner == NULL)
		return;
	if (l->code < 200)
		owner->begun = true;
	else if (reply_act(k, owner, l->code))
		queue_remove(&k->queue, owner);
	k->owner = NULL;
}

/* SECURITY: a line of which only the beginning is known is not translated:
 * the end could say another thing. */
static void
reply_cut(struct control *k)
{
	put_text(k, &k->to_client, "425 The server's answer is too long");
	alg_note(k->alg, "a reply to be translated is too long", "");
	k->over = true;
}

static void
reply_pass(struct control *k, enum line_event event)
{
	put_data(k, &k->to_client, k->replies.octets, k->replies.length);
	if (event == LINE_WHOLE)
		put_end(k, &k->to_client);
}

/* Not where it could be one that is ours to replace. */
void
control_last_words(struct control *k)
{
	struct line_reader *r = &k->replies;

	if (r->given || (k->queue.count > 0 &&
	    k->queue.list[0].waiting != WAITING_PASS))
		return;
	put_data(k, &k->to_client, r->octets, r->length);
	r->length = 0;
}

void
control_reply(struct control *k, enum line_event event)
{
	const struct line_reader *r = &k->replies;
	struct reply_line l = { .code = 0 };
	uint16_t port = 0;

	if (r->begins) {
		l = reply_read(&k->reader, r->octets, r->length);
		if (l.first)
			reply_begin(k, &l);
		if (event == LINE_WHOLE)
			port = announced_port(k, &l);
	}
	if (k->swallow && event == LINE_PART) {
		reply_cut(k);
		return;
	}
	if (port != 0)
		k->found = port;
	if (!k->swallow)
		reply_pass(k, event);
	if (l.last)
		reply_end(k, &l);
}
