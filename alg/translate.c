/* SPDX-License-Identifier: ISC */
/*
 * Dispatch: who answers a command, and whose answer a reply is.
 */
#include "alg/translate.h"

#include "alg/active.h"
#include "alg/dialect.h"
#include "alg/passive.h"
#include "base/array.h"

/* --- Commands. --- */

/* ALGS is answered by the translator (RFC 6384 11). */
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
		control_say(k,
		    k->translating && k->pair != PAIR_SAME ? "216 EPSVEPRT" :
							     "216 NONE");
		return;
	}
	control_say(k, "504 ALGS takes STATUS64, ENABLE64 or DISABLE64");
}

/* Tells whether EPSV ALL forbids the command (RFC 2428 4). */
static bool
is_against_all(enum ask ask)
{
	return ask == ASK_PASV || ask == ASK_LPSV || ask == ASK_PORT ||
	    ask == ASK_EPRT || ask == ASK_LPRT;
}

/* Returns what becomes of a command where nothing is translated. */
static struct treatment
untranslated(const struct control *k, enum ask ask)
{
	const struct treatment same = command_treatment(ask, PAIR_SAME);
	const bool keeps = same.action == ACTION_WATCH ||
	    same.action == ACTION_AUTH ||
	    (same.action == ACTION_ALGS && !k->alg->watch);

	return keeps ? same : (struct treatment){ .action = ACTION_PASS };
}

/* Behind a next gateway no address means anything here: a reply that names one
 * is always put into our own words. */
static struct treatment
treatment_of(const struct control *k, enum ask ask)
{
	const struct treatment t = k->alg->watch || !k->translating ?
	    untranslated(k, ask) :
	    command_treatment(ask, k->pair);
	const bool named = ask == ASK_PASV || ask == ASK_LPSV;

	if (k->alg->via && named && t.action == ACTION_WATCH)
		return (struct treatment){ .action = ACTION_PASSIVE };
	return t;
}

static void
command_act(struct control *k, const struct command *c)
{
	const struct treatment t = treatment_of(k, c->ask);

	switch (t.action) {
	case ACTION_PASS: control_pass_command(k, WAITING_PASS, c->ask); break;
	case ACTION_WATCH:
		control_pass_command(k, WAITING_WATCH, c->ask);
		break;
	case ACTION_PASSIVE: passive_ask(k, c->ask); break;
	case ACTION_ACTIVE: active_ask(k, c); break;
	case ACTION_ALL: control_pass_command(k, WAITING_ALL, c->ask); break;
	case ACTION_ALGS: answer_algs(k, c); break;
	case ACTION_AUTH: control_pass_command(k, WAITING_AUTH, c->ask); break;
	case ACTION_SAY: control_say(k, t.say); break;
	}
}

/* SECURITY: nothing is set up for a client that has not logged in, and may
 * speak no FTP. */
static bool
is_too_early(const struct control *k, enum ask ask)
{
	return command_is_data(ask) && !k->logged_in;
}

/* SECURITY: no octet of the line goes on, so the server cannot take its tail
 * for a command. */
static void
command_too_long(struct control *k)
{
	if (k->alg->watch)
		control_expect(k, WAITING_PASS, ASK_OTHER, ASK_OTHER);
	else
		control_say(k, "500 The command is too long");
}

/* SECURITY: HTTP never follows FTP on one connection; somebody's first lines
 * were made to look like FTP. */
static void
leave_behind(struct control *k)
{
	control_pass_command(k, WAITING_PASS, ASK_OTHER);
	control_leave(k);
}

/* Tells whether the command is answered by the translator, or by the server in
 * the translator's words. */
static bool
is_handled(const struct control *k, const struct command *c)
{
	if (k->command == LINE_TOO_LONG || (k->all && is_against_all(c->ask)))
		return true;
	switch (treatment_of(k, c->ask).action) {
	case ACTION_PASS:
	case ACTION_WATCH:
	case ACTION_ALL: return false;
	case ACTION_PASSIVE:
	case ACTION_ACTIVE:
	case ACTION_ALGS:
	case ACTION_AUTH:
	case ACTION_SAY: break;
	}
	return true;
}

/*
 * Tells whether the command waits for its turn, until all before it are
 * answered: so that no other reply is taken for the one to it; because the
 * reply to AUTH says whether lines end (RFC 2228, RFC 4217); or because a
 * login may be answered yet.
 */
static bool
must_wait(const struct control *k, const struct command *c)
{
	if (k->alg->watch)
		return false;
	if (c->ask == ASK_AUTH)
		return true;
	return k->queue.count > 0 &&
	    (is_handled(k, c) || is_too_early(k, c->ask));
}

static void
command_take(struct control *k, const struct command *c)
{
	if (k->command == LINE_TOO_LONG)
		command_too_long(k);
	else if (!k->alg->watch && is_too_early(k, c->ask))
		control_pass_command(k, WAITING_PASS, c->ask);
	else if (k->all && is_against_all(c->ask))
		control_say(k, "501 EPSV ALL was given");
	else
		command_act(k, c);
}

void
translate_command(struct control *k, enum line_event event)
{
	const struct command c = command_parse(k->commands.octets,
	    k->commands.length);

	k->command = event;
	if (dialect_is_http(k->commands.octets, k->commands.length)) {
		leave_behind(k);
	} else if (must_wait(k, &c)) {
		k->waits = k->held = true;
		k->patient = true;
	} else {
		command_take(k, &c);
	}
	if (c.ask == ASK_LOGIN)
		k->login_asked = true;
}

void
translate_waiting(struct control *k)
{
	const struct command c = command_parse(k->commands.octets,
	    k->commands.length);

	k->waits = false;
	k->held = c.ask == ASK_AUTH;
	command_take(k, &c);
}

void
translate_release(struct control *k)
{
	struct queue *q = &k->queue;
	struct waiting_command *last = &q->list[q->count - 1];

	k->held = false;
	queue_doubt(q);
	if (q->count == 0 || last->waiting != WAITING_LOCAL)
		return;
	control_tell_client(k, last->say);
	/* The rest of an answer that has begun goes on to nobody. */
	if (k->owner == last)
		k->owner = NULL;
	queue_remove(q, last);
}

/* --- Replies. --- */

/* Tells whether the reply is replaced by one of the translator. */
static bool
is_ours(const struct waiting_command *owner, unsigned code)
{
	if (owner == NULL || code < 200)
		return false;
	switch (owner->waiting) {
	case WAITING_LOCAL: return true;
	case WAITING_PASSIVE:
	case WAITING_ACTIVE: return code < 400 || reply_is_refusal(code);
	case WAITING_PASS:
	case WAITING_WATCH:
	case WAITING_ALL:
	case WAITING_AUTH: break;
	}
	return false;
}

/* The translator cannot speak for a server without NOOP (RFC 6384 13). */
static void
local_replied(struct control *k, const struct waiting_command *c,
    unsigned code)
{
	k->held = false;
	if (code == CODE_OK) {
		control_tell_client(k, c->say);
		return;
	}
	control_tell_client(k, "421 The server refused NOOP");
	alg_note(k->alg, "the server refused a NOOP of the FTP translation",
	    "");
	k->over = true;
}

/* Returns true where the command has its last reply. */
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
		passive_announce(k, k->found);
		break;
	case WAITING_PASSIVE: return passive_replied(k, c, code);
	case WAITING_ACTIVE: return active_replied(k, c, code);
	case WAITING_LOCAL: local_replied(k, c, code); break;
	case WAITING_ALL: k->all = reply_is_success(code); break;
	case WAITING_AUTH: k->held = false; break;
	}
	return true;
}

static void
reply_begin(struct control *k, const struct reply_line *l)
{
	k->found = 0;
	k->cut = false;
	k->owner = !k->greeted || l->code == 0 ?
	    NULL :
	    queue_owner(&k->queue, l->code);
	k->swallow = is_ours(k->owner, l->code);
	/* What follows may be no text any more (RFC 2228, RFC 4217), nor the
	 * rest of this reply be read. */
	if (k->owner != NULL && k->owner->waiting == WAITING_AUTH &&
	    l->code < 400) {
		k->raw = true;
		alg_announce(k->alg);
	}
}

/* A server may say 200 or 202 where 230 is meant; or it forgot an answer, and
 * its 230 belongs to another command by the order. */
static bool
grants_login(const struct control *k, unsigned code)
{
	return k->login_asked &&
	    (reply_is_login(code) ||
		(k->owner != NULL && k->owner->ask == ASK_LOGIN &&
		    reply_is_success(code)));
}

static void
reply_end(struct control *k, const struct reply_line *l)
{
	struct waiting_command *owner = k->owner;

	if (!k->greeted) {
		k->greeted = l->code >= 200;
		return;
	}
	if (!k->logged_in && grants_login(k, l->code)) {
		k->logged_in = true;
		alg_announce(k->alg);
	}
	if (owner == NULL)
		return;
	if (l->code < 200)
		owner->begun = true;
	else if (reply_act(k, owner, l->code))
		queue_remove(&k->queue, owner);
	k->owner = NULL;
}

/* SECURITY: a line whose end is not known is not translated, for the end could
 * say another thing. */
static void
reply_cut(struct control *k)
{
	k->cut = true;
	alg_note(k->alg, "a reply to be translated is too long", "");
}

/* Takes the line in k->replies. */
static void
reply_take(struct control *k, enum line_event event)
{
	struct line_reader *r = &k->replies;
	struct reply_line l = { .code = 0 };
	uint16_t port = 0;

	if (r->begins) {
		l = reply_read(&k->reader, r->octets, r->length);
		r->text = k->reader.open;
		if (l.first)
			reply_begin(k, &l);
		if (event == LINE_WHOLE)
			port = passive_port(k, &l);
	}
	if (k->swallow && event == LINE_PART && !k->cut)
		reply_cut(k);
	if (port != 0)
		k->found = port;
	if (!k->swallow)
		control_pass_reply(k, event);
	if (l.last)
		reply_end(k, &l);
}

/* Tells whether the line ends a transfer of which the client has not all data
 * yet; it would take the transfer for one without. */
static bool
overtakes_data(struct control *k)
{
	const struct line_reader *r = &k->replies;
	struct reply_reader reader = k->reader;

	if (k->alg->watch || !r->begins || reader.open ||
	    channels_patience(&k->channels) == 0)
		return false;
	return queue_ends_transfer(&k->queue,
	    reply_read(&reader, r->octets, r->length).code);
}

void
translate_reply(struct control *k, enum line_event event)
{
	k->reply = event;
	k->delivered = false;
	k->reply_waits = overtakes_data(k);
	if (!k->reply_waits)
		reply_take(k, event);
}

void
translate_waiting_reply(struct control *k)
{
	k->reply_waits = false;
	reply_take(k, k->reply);
}

void
translate_settle(struct control *k)
{
	const struct reply_line l = reply_settle(&k->reader);

	k->replies.text = k->reader.open;
	if (l.last)
		reply_end(k, &l);
}
