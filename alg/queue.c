/* SPDX-License-Identifier: ISC */
/*
 * A server may forget an answer (to ABOR) or give one too many.  Neither may
 * make a command wait for ever, or be answered by what is another's.
 */
#include "alg/queue.h"

#include <string.h>

#include "alg/replies.h"

static bool
is_alike(const struct waiting_command *a, const struct waiting_command *b)
{
	return a->waiting == WAITING_PASS && b->waiting == WAITING_PASS &&
	    a->ask == b->ask && a->ask != ASK_TRANSFER && !a->doubtful;
}

/* Tells whether the answer is put into the translator's words, or says how the
 * dialogue goes on. */
static bool
matters(const struct waiting_command *c)
{
	return c->waiting != WAITING_PASS;
}

static void
drop(struct queue *q, size_t from, size_t n)
{
	q->count -= n;
	memmove(q->list + from, q->list + from + n,
	    (q->count - from) * sizeof(q->list[0]));
}

/* Tells whether its answers are such as any command may have: only ABOR and
 * transfers end by theirs, and only passive ones announce. */
static bool
is_common(const struct waiting_command *c)
{
	switch (c->ask) {
	case ASK_TRANSFER:
	case ASK_ABOR:
	case ASK_PASV:
	case ASK_EPSV:
	case ASK_EPSV_IPV4:
	case ASK_EPSV_IPV6:
	case ASK_LPSV: return false;
	case ASK_OTHER:
	case ASK_EPSV_ALL:
	case ASK_EPSV_UNKNOWN:
	case ASK_PORT:
	case ASK_EPRT:
	case ASK_LPRT:
	case ASK_ALGS:
	case ASK_AUTH:
	case ASK_STAT:
	case ASK_LOGIN:
	case ASK_NOOP:
	case ASK_COUNT: break;
	}
	return !matters(c);
}

/* Counts two neighbours as one, of no particular kind, the last that may be;
 * one whose reply is being read stays.  Returns false where there are none.
 */
static bool
make_room(struct queue *q)
{
	for (size_t i = q->count - 1; i > q->fixed; i--) {
		struct waiting_command *one = &q->list[i - 1];
		const struct waiting_command *other = &q->list[i];

		if (!is_common(one) || !is_common(other))
			continue;
		one->ask = one->way = ASK_OTHER;
		one->times += other->times;
		one->doubtful = one->doubtful && other->doubtful;
		drop(q, i, 1);
		return true;
	}
	return false;
}

/* Counts one more like the last; a full queue without common ones.  It becomes
 * what the command is where that matters, unless its reply is being read. */
static void
count_with_last(struct queue *q, const struct waiting_command *command)
{
	struct waiting_command *last = &q->list[q->count - 1];
	const unsigned times = last->times;

	if (matters(command) && q->count > q->fixed)
		*last = *command;
	last->times = times + 1;
}

void
queue_add(struct queue *q, const struct waiting_command *command)
{
	struct waiting_command *last = q->count == 0 ? NULL :
						       &q->list[q->count - 1];

	if (last != NULL && is_alike(last, command)) {
		last->times++;
		return;
	}
	if (q->count == QUEUE_MAX && !make_room(q)) {
		count_with_last(q, command);
		return;
	}
	q->list[q->count] = *command;
	q->list[q->count++].times = 1;
}

/* --- Which codes can answer what. --- */

/* Tells whether the code ends a transfer, and answers no other command but
 * ABOR. */
static bool
is_transfer_end(unsigned code)
{
	return code == 225 || code == 226 || code == 426;
}

static bool
is_error(unsigned code)
{
	return code >= 400 && code < 600 && code != 426;
}

/* Tells whether the code refuses a command as such: no transfer that runs ends
 * by it. */
static bool
is_refused(unsigned code)
{
	return (code >= 500 && code <= 504) || code == 530;
}

/* The plain successes; servers do not keep them apart. */
static bool
is_done(unsigned code)
{
	return code == 200 || code == 202 || code == 250;
}

static bool
answers_transfer(const struct waiting_command *c, unsigned code)
{
	if (c->begun)
		return is_transfer_end(code) || code == 250 ||
		    (is_error(code) && !is_refused(code));
	return reply_is_preliminary(code) || is_transfer_end(code) ||
	    is_done(code) || is_error(code);
}

static bool
answers(const struct waiting_command *c, unsigned code)
{
	switch (c->ask) {
	case ASK_TRANSFER: return answers_transfer(c, code);
	case ASK_ABOR: return is_transfer_end(code) || is_error(code);
	case ASK_PASV:
	case ASK_EPSV:
	case ASK_EPSV_IPV4:
	case ASK_EPSV_IPV6:
	case ASK_LPSV: return reply_is_passive(code) || is_error(code);
	case ASK_PORT:
	case ASK_EPRT:
	case ASK_LPRT:
	case ASK_NOOP: return is_done(code) || is_error(code);
	case ASK_STAT:
		return (code >= 211 && code <= 213) || is_done(code) ||
		    is_error(code);
	case ASK_LOGIN:
		return !reply_is_preliminary(code) &&
		    !reply_is_passive(code) && !is_transfer_end(code);
	case ASK_OTHER:
	case ASK_EPSV_ALL:
	case ASK_EPSV_UNKNOWN:
	case ASK_ALGS:
	case ASK_AUTH:
	case ASK_COUNT: break;
	}
	return !reply_is_passive(code) && !is_transfer_end(code);
}

/* --- Whose a reply is. --- */

/* Returns the place of the first command, from `from' on, that the code can
 * answer; of those that matter alone where `all' is false.  q->count: there
 * is none. */
static size_t
first_answered(const struct queue *q, size_t from, unsigned code, bool all)
{
	size_t i;

	for (i = from; i < q->count; i++)
		if ((all || matters(&q->list[i])) &&
		    answers(&q->list[i], code))
			break;
	return i;
}

/* A 1yz is of a transfer that has not begun, if there is one. */
static size_t
first_transfer(const struct queue *q)
{
	size_t i;

	for (i = 0; i < q->count; i++)
		if (q->list[i].ask == ASK_TRANSFER && !q->list[i].begun)
			break;
	return i;
}

/* q->count: the code fits none. */
static size_t
owner_of(const struct queue *q, unsigned code)
{
	size_t i = q->count;
	size_t other;

	if (reply_is_preliminary(code))
		i = first_transfer(q);
	if (i == q->count)
		i = first_answered(q, 0, code, true);
	if (i == q->count || !q->list[i].doubtful)
		return i;
	other = first_answered(q, i + 1, code, false);
	return other < q->count ? other : i;
}

static bool
runs(const struct waiting_command *c)
{
	return c->ask == ASK_TRANSFER && c->begun;
}

/* Tells whether a code that fits no command is not even a senseless answer to
 * this one, but an answer to one that was dropped. */
static bool
is_stray(const struct waiting_command *c, unsigned code)
{
	return matters(c) &&
	    (is_transfer_end(code) || reply_is_preliminary(code) ||
		c->waiting == WAITING_LOCAL);
}

struct waiting_command *
queue_owner(struct queue *q, unsigned code)
{
	size_t i;

	q->fixed = 0;
	if (q->count == 0 || code == CODE_CLOSING)
		return NULL;
	i = owner_of(q, code);
	if (i == q->count) {
		if (is_stray(&q->list[0], code))
			return NULL;
		i = 0;
	} else if (!runs(&q->list[0]) || reply_is_preliminary(code) ||
	    reply_is_passive(code)) {
		drop(q, 0, i);
		i = 0;
	}
	q->fixed = i + 1;
	return &q->list[i];
}

static void
doubt_from(struct queue *q, size_t from)
{
	for (size_t i = from; i < q->count; i++)
		q->list[i].doubtful = true;
}

void
queue_remove(struct queue *q, struct waiting_command *command)
{
	const bool ran = runs(command);
	const size_t at = (size_t)(command - q->list);

	q->fixed = 0;
	command->begun = false;
	if (--command->times > 0)
		return;
	drop(q, at, 1);
	if (ran)
		doubt_from(q, at);
}

void
queue_doubt(struct queue *q)
{
	doubt_from(q, 0);
}

bool
queue_is_doubtful(const struct queue *q)
{
	for (size_t i = 0; i < q->count; i++)
		if (!q->list[i].doubtful)
			return false;
	return true;
}

bool
queue_ends_transfer(const struct queue *q, unsigned code)
{
	if (q->count == 0 || q->list[0].ask != ASK_TRANSFER ||
	    !reply_is_success(code) || !answers(&q->list[0], code))
		return false;
	for (size_t i = 0; i < q->count; i++)
		if (q->list[i].ask == ASK_ABOR)
			return false;
	return true;
}
