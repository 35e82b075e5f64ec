/* SPDX-License-Identifier: ISC */
/*
 * Lines are cut out of the streams in one place, whatever pieces they came
 * in.
 */
#include "alg/intake.h"

#include <string.h>

#include "alg/dialect.h"
#include "alg/translate.h"

enum {
	ODD_OCTETS_MAX = 8192, /* before the first code */
	STRANGER_COMMAND_MAX = 2048,
	TELNET_IAC = 0xff,
};

enum { PATIENCE = 30 * 1000, PATIENCE_DOUBTFUL = 1000 }; /* milliseconds */

/* Tells whether the octet is in no text. */
static bool
is_binary(uint8_t octet)
{
	return (octet < ' ' && octet != '\t' && octet != '\r' &&
		   octet != '\n' && octet != 0x1b) ||
	    octet == 0x7f;
}

/* Tells whether a line is for the reader: a reply may begin so, or Telnet. */
static bool
is_for_reader(uint8_t octet)
{
	return octet == TELNET_IAC || reply_may_begin(octet);
}

/* Returns the length of what the server says before a line that may be a
 * reply, and steps on; k->odd says whether it ends within a line. */
static size_t
odd_length(struct control *k, const uint8_t *octets, size_t length)
{
	size_t n = 0;

	while (n < length && (k->odd || !is_for_reader(octets[n])))
		k->odd = octets[n++] != '\n';
	return n;
}

/*
 * Takes what the server says before its first code, and returns whether there
 * was any.  SECURITY: only FTP is translated: whoever says what is no text, or
 * too much, is no server of it.
 */
static bool
take_odd(struct control *k, struct cursor *c)
{
	const uint8_t *at = c->at;
	size_t n;

	if (k->reader.any || !line_is_next(&k->replies))
		return false;
	n = odd_length(k, at, c->left);
	k->odd_octets += n;
	for (size_t i = 0; i < n; i++)
		k->raw = k->raw || is_binary(at[i]);
	k->raw = k->raw || k->odd_octets > ODD_OCTETS_MAX;
	if (n == 0 || k->raw)
		return false;
	if (!k->alg->watch)
		stream_put(&k->to_client, at, n);
	return cursor_take(c, n) != NULL;
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

static bool
takes_replies(const struct control *k)
{
	return !k->raw && !k->over && !k->reply_waits && control_has_room(k);
}

/* Takes a line, or what is none.  Returns false where there is no more. */
static bool
take_reply(struct control *k, struct cursor *c)
{
	struct stream *in = &k->from_server;
	enum line_event event;

	if (take_odd(k, c))
		stream_consume(in, c);
	if (k->raw || k->odd)
		return false;
	event = line_read(&k->replies, c);
	consume(k, event, in, c);
	if (event == LINE_REFUSED)
		stream_put(&k->to_server, k->replies.answer, LINE_ANSWER);
	else if (event != LINE_MORE)
		translate_reply(k, event);
	return event != LINE_MORE;
}

static void
take_replies(struct control *k)
{
	struct stream *in = &k->from_server;
	struct cursor c = stream_cursor(in);

	if (k->reply_waits && k->delivered && control_has_room(k))
		translate_waiting_reply(k);
	while (takes_replies(k) && take_reply(k, &c))
		;
	if (k->server_ended && c.left == 0 && !k->raw && !k->reply_waits) {
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
	if (event == LINE_TOO_LONG || length > STRANGER_COMMAND_MAX ||
	    !dialect_is_ftp(r->octets, r->length, whole))
		return false;
	return !whole || k->login_asked ||
	    !command_is_data(command_parse(r->octets, r->length).ask);
}

/*
 * SECURITY: a client that begins with anything but FTP is left alone at once,
 * though the server has not greeted.  Telnet is looked at with the lines.
 */
static void
look_at_beginning(struct control *k)
{
	const struct stream *in = &k->from_client;
	const struct cursor c = stream_cursor(in);
	const uint8_t *end = c.left == 0 ? NULL : memchr(c.at, '\n', c.left);
	size_t length = end == NULL ? c.left : (size_t)(end - c.at);

	if (k->greeted || k->raw || c.left == 0 || *c.at == TELNET_IAC)
		return;
	if (length > 0 && c.at[length - 1] == '\r')
		length--;
	if (length > STRANGER_COMMAND_MAX ||
	    !dialect_is_ftp(c.at, length, end != NULL))
		control_leave(k);
}

/* A command is the end of a reply that seemed to be over, where nothing else
 * is awaited. */
static void
settle(struct control *k, size_t commands)
{
	if (commands > 0 && stream_length(&k->from_server) == 0 &&
	    k->greeted && k->queue.count <= 1 && !k->held)
		translate_settle(k);
}

/* Tells whether the command that waits is to be taken.  A transfer that runs
 * ends first: behind AUTH nothing is relayed here but the control
 * connection. */
static bool
takes_waiting(const struct control *k)
{
	if (!k->waits || (k->queue.count > 0 && k->patient) ||
	    !control_has_room(k))
		return false;
	return !channels_busy(&k->channels) ||
	    command_parse(k->commands.octets, k->commands.length).ask !=
	    ASK_AUTH;
}

/* Takes lines as long as none is held. */
static void
take_lines(struct control *k, struct cursor *c)
{
	struct stream *in = &k->from_client;

	while (control_takes_commands(k) && control_has_room(k)) {
		const enum line_event event = line_read(&k->commands, c);

		if (!may_be_ftp(k, event, stream_length(in) - c->left)) {
			control_leave(k);
			return;
		}
		consume(k, event, in, c);
		if (event == LINE_MORE)
			return;
		if (event == LINE_REFUSED)
			stream_put(&k->to_client, k->commands.answer,
			    LINE_ANSWER);
		else
			translate_command(k, event);
	}
}

static void
take_commands(struct control *k)
{
	struct stream *in = &k->from_client;
	struct cursor c = stream_cursor(in);

	look_at_beginning(k);
	settle(k, c.left);
	take_lines(k, &c);
	while (takes_waiting(k)) {
		translate_waiting(k);
		take_lines(k, &c);
	}
	/* Half a command of a client that ended is none. */
	if (k->client_ended && c.left == 0 && !k->raw)
		stream_clear(in);
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

int64_t
intake_patience(struct control *k)
{
	const bool doubtful = queue_is_doubtful(&k->queue);

	if (k->reply_waits)
		return channels_patience(&k->channels);
	if (k->reader.other != 0)
		return PATIENCE_DOUBTFUL;
	if (k->waits ? k->patient : k->held && k->queue.count > 0)
		return doubtful ? PATIENCE_DOUBTFUL : PATIENCE;
	return INTAKE_FOR_EVER;
}

void
intake_lose_patience(struct control *k)
{
	if (k->reply_waits) {
		k->delivered = true;
	} else if (k->reader.other != 0) {
		translate_settle(k);
	} else if (k->waits) {
		queue_doubt(&k->queue);
		k->patient = false;
	} else if (k->held) {
		translate_release(k);
	}
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

	if (length > 0 && k->queue.count <= 1)
		translate_settle(k);
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

	while (!k->raw) {
		enum line_event event;

		(void)take_odd(k, &c);
		if (k->raw || k->odd)
			return;
		event = line_read(&k->replies, &c);
		if (event == LINE_MORE)
			return;
		if (event != LINE_REFUSED)
			translate_reply(k, event);
	}
}
