/* SPDX-License-Identifier: ISC */
/*
 * Lines are cut out of the streams in one place, whatever pieces they came
 * in.
 */
#include "alg/intake.h"

#include "alg/translate.h"

/* SECURITY: only FTP is translated.  A server of FTP speaks first, and its
 * replies begin with a digit. */
static void
look_at_first_octet(struct control *k, const uint8_t *octets, size_t length)
{
	if (k->any_reply || length == 0)
		return;
	k->any_reply = true;
	if (*octets < '0' || *octets > '9')
		k->raw = true;
}

static void
take_replies(struct control *k)
{
	struct stream *in = &k->from_server;
	struct cursor c = stream_cursor(in);

	look_at_first_octet(k, c.at, c.left);
	while (!k->raw && !k->over && control_has_room(k)) {
		const enum line_event event = line_read(&k->replies, &c);

		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_server, k->replies.answer,
			    LINE_ANSWER);
		else
			translate_reply(k, event);
	}
	stream_consume(in, &c);
	if (k->server_ended && stream_length(in) == 0 && !k->raw)
		control_pass_last_words(k);
}

static void
take_commands(struct control *k)
{
	struct stream *in = &k->from_client;
	struct cursor c = stream_cursor(in);

	while (control_takes_commands(k) && control_has_room(k)) {
		const enum line_event event = line_read(&k->commands, &c);

		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_client, k->commands.answer,
			    LINE_ANSWER);
		else
			translate_command(k, event);
	}
	stream_consume(in, &c);
	/* A transfer that runs ends first: behind AUTH nothing is relayed
	 * here but the control connection. */
	if (k->auth_waits && k->queue.count == 0 && control_has_room(k) &&
	    !channels_busy(&k->channels))
		translate_auth(k);
}

/* Moves what is no line any more behind what became of the lines. */
static void
take_raw(struct control *k)
{
	struct stream *in = &k->from_server;
	struct stream *out = &k->to_client;

	if (stream_length(out) > 0)
		return;
	stream_put(out, in->octets + in->start, stream_length(in));
	in->start = in->end;
}

void
intake_turn(struct control *k)
{
	take_replies(k);
	take_commands(k);
	if (k->raw)
		take_raw(k);
}

bool
intake_is_over(const struct control *k)
{
	return k->raw && stream_length(&k->to_client) == 0 &&
	    stream_length(&k->to_server) == 0 &&
	    stream_length(&k->from_server) == 0;
}

void
intake_watch_client(struct control *k, const uint8_t *octets, size_t length)
{
	struct cursor c = { .at = octets, .left = length };

	while (!k->raw) {
		const enum line_event event = line_read(&k->commands, &c);

		if (event == LINE_MORE)
			return;
		if (event != LINE_REFUSED)
			translate_command(k, event);
	}
}

void
intake_watch_server(struct control *k, const uint8_t *octets, size_t length)
{
	struct cursor c = { .at = octets, .left = length };

	look_at_first_octet(k, octets, length);
	while (!k->raw) {
		const enum line_event event = line_read(&k->replies, &c);

		if (event == LINE_MORE)
			return;
		if (event != LINE_REFUSED)
			translate_reply(k, event);
	}
}
