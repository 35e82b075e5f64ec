/* SPDX-License-Identifier: ISC */
/*
 * Lines to either side.  Who only watches writes nothing: the relay passes
 * the very octets on.
 */
#include "alg/control.h"

#include <string.h>

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
	stream_start(&k->from_client);
	stream_start(&k->from_server);
	stream_start(&k->to_client);
	stream_start(&k->to_server);
}

bool
control_takes_commands(const struct control *k)
{
	return k->greeted && !k->held && !k->raw && !k->over;
}

bool
control_has_room(const struct control *k)
{
	return stream_has_room(&k->to_client) &&
	    stream_has_room(&k->to_server);
}

void
control_expect(struct control *k, enum waiting waiting, enum ask ask,
    enum ask way)
{
	const struct waiting_command command = { .waiting = waiting,
		.ask = ask,
		.way = way };

	queue_add(&k->queue, &command);
}

static void
write_octets(const struct control *k, struct stream *s, const uint8_t *octets,
    size_t length)
{
	if (!k->alg->watch)
		stream_put(s, octets, length);
}

static void
write_end(const struct control *k, struct stream *s)
{
	write_octets(k, s, (const uint8_t *)"\r\n", 2);
}

static void
write_line(const struct control *k, struct stream *s, const char *text)
{
	write_octets(k, s, (const uint8_t *)text, strlen(text));
	write_end(k, s);
}

void
control_tell_client(struct control *k, const char *text)
{
	write_line(k, &k->to_client, text);
}

void
control_tell_server(struct control *k, const char *text)
{
	write_line(k, &k->to_server, text);
}

void
control_say(struct control *k, const char *say)
{
	const struct waiting_command command = { .waiting = WAITING_LOCAL,
		.ask = ASK_NOOP,
		.say = say };

	k->held = true;
	queue_add(&k->queue, &command);
	control_tell_server(k, "NOOP");
}

void
control_pass_command(struct control *k, enum waiting waiting, enum ask ask)
{
	const struct line_reader *r = &k->commands;

	if (r->urgent && !k->alg->watch)
		stream_put_synch(&k->to_server);
	control_expect(k, waiting, ask, ask);
	write_octets(k, &k->to_server, r->octets, r->length);
	write_end(k, &k->to_server);
}

void
control_pass_reply(struct control *k, enum line_event event)
{
	const struct line_reader *r = &k->replies;

	write_octets(k, &k->to_client, r->octets, r->length);
	if (event == LINE_WHOLE)
		write_end(k, &k->to_client);
}

void
control_pass_last_words(struct control *k)
{
	struct line_reader *r = &k->replies;

	if (r->given ||
	    (k->queue.count > 0 && k->queue.list[0].waiting != WAITING_PASS))
		return;
	write_octets(k, &k->to_client, r->octets, r->length);
	r->length = 0;
}

void
control_leave(struct control *k)
{
	k->raw = true;
	alg_withdraw(k->alg);
	alg_mention(k->alg,
	    "the client does not speak FTP: nothing is "
	    "translated",
	    "");
}
