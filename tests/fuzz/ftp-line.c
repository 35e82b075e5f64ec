/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a control connection, in both directions: whole and octet by
 * octet they are the same lines, no line is longer than its limit, none holds
 * an LF, an answer refuses an option; and whatever the lines are, commands
 * and replies stay within their queue.
 */
#include <stdlib.h>
#include <string.h>

#include "alg/commands.h"
#include "alg/line.h"
#include "alg/queue.h"
#include "alg/replies.h"

enum { EVENT_OCTETS = 1 << 17 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that a reader said, one after the other. */
struct story {
	size_t length;
	uint8_t octets[EVENT_OCTETS];
};

static void
tell(struct story *story, const void *octets, size_t length)
{
	if (length > EVENT_OCTETS - story->length)
		return;
	memcpy(story->octets + story->length, octets, length);
	story->length += length;
}

static void
tell_event(struct story *story, const struct line_reader *r,
    enum line_event event)
{
	const uint8_t marks[] = { (uint8_t)event, r->begins, r->urgent };

	if (event == LINE_REFUSED) {
		if (r->answer[0] != 0xff ||
		    (r->answer[1] != 0xfe && r->answer[1] != 0xfc))
			abort();
		tell(story, r->answer, LINE_ANSWER);
		return;
	}
	if (r->length > r->limit || memchr(r->octets, '\n', r->length))
		abort();
	if (event == LINE_PART && !r->keep_long)
		abort();
	if (event == LINE_TOO_LONG && r->keep_long)
		abort();
	tell(story, marks, sizeof(marks));
	tell(story, r->octets, r->length);
}

/* In pieces of `piece` octets. */
static void
read_all(struct story *story, struct line_reader *r, struct cursor all,
    size_t piece)
{
	story->length = 0;
	while (all.left > 0) {
		struct cursor c = { .at = all.at,
			.left = all.left < piece ? all.left : piece };

		all.at += c.left;
		all.left -= c.left;
		for (;;) {
			const enum line_event event = line_read(r, &c);

			if (event == LINE_MORE)
				break;
			tell_event(story, r, event);
		}
		if (c.left != 0)
			abort();
	}
}

static void
both_ways(const uint8_t *data, size_t size, size_t limit, bool keep_long)
{
	static struct story whole;
	static struct story pieces;
	static struct line_reader r;
	const struct cursor all = { .at = data, .left = size };

	line_start(&r, limit, keep_long);
	read_all(&whole, &r, all, size);
	for (size_t piece = 1; piece <= 3; piece++) {
		line_start(&r, limit, keep_long);
		read_all(&pieces, &r, all, piece);
		if (whole.length != pieces.length ||
		    memcmp(whole.octets, pieces.octets, whole.length) != 0)
			abort();
	}
}

/* Inside of a reply no octet is Telnet's, and none is lost but ends of
 * lines. */
static void
as_text(const uint8_t *data, size_t size)
{
	static struct line_reader r;
	struct cursor c = { .at = data, .left = size };
	size_t length = 0;
	size_t ends = 0;
	enum line_event event;

	line_start(&r, LINE_REPLY_MAX, true);
	r.text = true;
	for (event = line_read(&r, &c); event != LINE_MORE;
	     event = line_read(&r, &c)) {
		if (event == LINE_REFUSED || r.urgent)
			abort();
		length += r.length;
		ends += event == LINE_WHOLE;
	}
	length += r.given ? 0 : r.length + r.carriage_return;
	if (length + ends > size || length + 2 * ends < size)
		abort();
}

/* Each line as a command and as a reply. */
static void
talk(const uint8_t *data, size_t size)
{
	static struct queue queue;
	static struct line_reader r;
	struct reply_reader replies = { .open = false };
	struct cursor c = { .at = data, .left = size };
	enum line_event event;

	queue.count = 0;
	line_start(&r, LINE_COMMAND_MAX, false);
	for (event = line_read(&r, &c); event != LINE_MORE;
	     event = line_read(&r, &c)) {
		if (event != LINE_WHOLE)
			continue;
		const struct command command = command_parse(r.octets,
		    r.length);
		const struct waiting_command waiting = { .ask = command.ask };
		if (command.argument < r.octets ||
		    command.argument + command.argument_length >
			r.octets + r.length)
			abort();
		queue_add(&queue, &waiting);
		const struct reply_line l = reply_read(&replies, r.octets,
		    r.length);
		if (l.code != 0 && (l.code < 100 || l.code > 699))
			abort();
		struct waiting_command *owner = l.code == 0 ?
		    NULL :
		    queue_owner(&queue, l.code);
		if (owner != NULL &&
		    (owner < queue.list || owner >= queue.list + queue.count))
			abort();
		if (owner != NULL && l.last)
			queue_remove(&queue, owner);
		if (queue.count > QUEUE_MAX)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	both_ways(data, size, 16, false);
	both_ways(data, size, 16, true);
	both_ways(data, size, LINE_COMMAND_MAX, false);
	both_ways(data, size, LINE_REPLY_MAX, true);
	as_text(data, size);
	talk(data, size);
	return 0;
}
