/* SPDX-License-Identifier: ISC */
/*
 * Lines are cut out of the streams in one place, whatever pieces they came
 * in.
 */
#include "alg/intake.h"

#include "alg/dialect.h"
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

/* Takes out what the reader has; but the very octets of a line's beginning
 * stay until it is known whether they are to be taken for FTP. */
static void
consume(const struct control *k, enum line_event event, struct stream *s,
    const struct cursor *c)
{
	if (event == LINE_WHOLE || event == LINE_PART || k->logged_in)
		stream_consume(s, c);
	else
		stream_read_ahead(s, c);
}

static void
take_replies(struct control *k)
{
	struct stream *in = &k->from_server;
	struct cursor c = stream_cursor(in);

	look_at_first_octet(k, c.at, c.left);
	while (!k->raw && !k->over && control_has_room(k)) {
		const enum line_event event = line_read(&k->replies, &c);

		consume(k, event, in, &c);
		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_server, k->replies.answer,
			    LINE_ANSWER);
		else
			translate_reply(k, event);
	}
	if (k->server_ended && c.left == 0 && !k->raw) {
		control_pass_last_words(k);
		stream_clear(in);
	}
}

/*
 * SECURITY: tells whether a client without a login may have said in FTP what
 * is in k->commands, whole or in part; `length' octets were read for it.  A
 * line that is longer than a command may be is none.
 */
static bool
may_be_ftp(const struct control *k, enum line_event event, size_t length)
{
	const struct line_reader *r = &k->commands;
	const bool whole = event == LINE_WHOLE;

	if (k->logged_in)
		return true;
	if (event == LINE_TOO_LONG || length > LINE_COMMAND_MAX ||
	    !dialect_is_ftp(r->octets, r->length, whole))
		return false;
	return !whole || k->login_asked ||
	    !command_is_data(command_parse(r->octets, r->length).ask);
}

static void
take_commands(struct control *k)
{
	struct stream *in = &k->from_client;
	struct cursor c = stream_cursor(in);

	while (control_takes_commands(k) && control_has_room(k)) {
		const enum line_event event = line_read(&k->commands, &c);

		if (!may_be_ftp(k, event, stream_length(in) - c.left)) {
			control_leave(k);
			break;
		}
		consume(k, event, in, &c);
		if (event == LINE_MORE)
			break;
		if (event == LINE_REFUSED)
			stream_put(&k->to_client, k->commands.answer,
			    LINE_ANSWER);
		else
			translate_command(k, event);
	}
	/* Half a command of a client that ended is none. */
	if (k->client_ended && c.left == 0 && !k->raw)
		stream_clear(in);
	/* A transfer that runs ends first: behind AUTH nothing is relayed
	 * here but the control connection. */
	if (k->waits && k->queue.count == 0 && control_has_room(k) &&
	    !channels_busy(&k->channels))
		translate_waiting(k);
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
	stream_clear(in);
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

		if (!may_be_ftp(k, event, 0)) {
			control_leave(k);
			return;
		}
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
