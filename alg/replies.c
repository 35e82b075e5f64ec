/* SPDX-License-Identifier: ISC */
/*
 * Replies and their commands.  A server answers in order, but for STAT while
 * a transfer runs; and it may forget an answer (ABOR) or give one too many:
 * nothing here may wait for ever because of that.
 */
#include "alg/replies.h"

#include <string.h>

enum { CODE_DIGITS = 3 };

/* The code that a line begins with; 0: none. */
static unsigned
line_code(const uint8_t *line, size_t length)
{
	unsigned code = 0;

	if (length < CODE_DIGITS || line[0] < '1' || line[0] > '6')
		return 0;
	for (size_t i = 0; i < CODE_DIGITS; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(line[i] - '0');
	}
	if (length > CODE_DIGITS && line[CODE_DIGITS] != ' ' &&
	    line[CODE_DIGITS] != '-')
		return 0;
	return code;
}

struct reply_line
reply_read(struct reply_reader *r, const uint8_t *line, size_t length)
{
	const unsigned code = line_code(line, length);
	const bool more = length > CODE_DIGITS && line[CODE_DIGITS] == '-';
	struct reply_line out = { .code = code, .first = !r->open,
		.text = line, .length = length };

	if (code != 0 && (!r->open || code == r->code)) {
		out.text += CODE_DIGITS;
		out.length -= CODE_DIGITS;
		out.last = !more;
		r->open = more;
		r->code = code;
	} else if (r->open) {
		out.code = r->code;
		out.length = 0; /* free text: never an address */
	}
	return out;
}

bool
queue_is_full(const struct queue *q)
{
	return q->count == WAITING_MAX;
}

void
queue_add(struct queue *q, const struct waiting_command *command)
{
	if (q->count < WAITING_MAX)
		q->list[q->count++] = *command;
}

static void
drop_first(struct queue *q, size_t n)
{
	q->count -= n;
	memmove(q->list, q->list + n, q->count * sizeof(q->list[0]));
}

static bool
is_passive(const struct waiting_command *c)
{
	return c->ask == ASK_PASV || c->ask == ASK_LPSV ||
	    c->ask == ASK_EPSV || c->ask == ASK_EPSV_IPV4 ||
	    c->ask == ASK_EPSV_IPV6;
}

/* The end of a transfer, which no other command is answered by. */
static bool
is_transfer_end(unsigned code)
{
	return code == 225 || code == 226 || code == 426;
}

/* A status, or no status: what a running transfer does not end by. */
static bool
is_status(unsigned code)
{
	return (code >= 211 && code <= 213) ||
	    (code >= 500 && code <= 504) || code == 530;
}

static struct waiting_command *
first_of(struct queue *q, bool (*is_it)(const struct waiting_command *))
{
	for (size_t i = 0; i < q->count; i++)
		if (is_it(&q->list[i]))
			return &q->list[i];
	return NULL;
}

static bool
is_stat(const struct waiting_command *c)
{
	return c->ask == ASK_STAT;
}

struct waiting_command *
queue_owner(struct queue *q, unsigned code)
{
	struct waiting_command *head = &q->list[0];
	struct waiting_command *stat;
	struct waiting_command *passive;

	if (q->count == 0 || code == 421)
		return NULL;
	if (code >= 227 && code <= 229) {
		passive = first_of(q, is_passive);
		if (passive == NULL)
			return head;
		drop_first(q, (size_t)(passive - q->list));
		return head;
	}
	if (head->ask == ASK_TRANSFER && head->begun && is_status(code)) {
		stat = first_of(q, is_stat);
		if (stat != NULL)
			return stat;
	}
	if (is_transfer_end(code) && head->waiting != WAITING_PASS)
		return NULL;
	return head;
}

void
queue_remove(struct queue *q, struct waiting_command *command)
{
	const size_t at = (size_t)(command - q->list);

	q->count--;
	memmove(command, command + 1,
	    (q->count - at) * sizeof(q->list[0]));
}
