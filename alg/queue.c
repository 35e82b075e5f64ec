/* SPDX-License-Identifier: ISC */
/*
 * A server may forget an answer (to ABOR) or give one too many.  Neither may
 * make a command wait for ever.
 */
#include "alg/queue.h"

#include <string.h>

#include "alg/replies.h"

bool
queue_is_full(const struct queue *q)
{
	return q->count == QUEUE_MAX;
}

void
queue_add(struct queue *q, const struct waiting_command *command)
{
	if (q->count < QUEUE_MAX)
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

/* Tells whether the code ends a transfer, and answers no other command. */
static bool
is_transfer_end(unsigned code)
{
	return code == 225 || code == 226 || code == 426;
}

/* Tells whether the code is an answer to STAT: a status, or a refusal by
 * which no running transfer ends. */
static bool
is_status(unsigned code)
{
	return (code >= 211 && code <= 213) || (code >= 500 && code <= 504) ||
	    code == 530;
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

	if (q->count == 0 || code == CODE_CLOSING)
		return NULL;
	if (reply_is_passive(code)) {
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
	memmove(command, command + 1, (q->count - at) * sizeof(q->list[0]));
}
