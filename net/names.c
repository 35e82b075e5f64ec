/* SPDX-License-Identifier: ISC */
/*
 * A small table of names and, for some of them, look-ups in flight.
 */
#include "net/names.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "net/nat64.h"

struct pinned_name *
names_find(struct names *n, const char *name)
{
	for (size_t i = 0; i < NAMES_MAX; i++) {
		struct pinned_name *p = &n->list[i];

		if (p->state == NAME_UNUSED || strcmp(p->name, name) != 0)
			continue;
		if (p->state == NAME_FAILED && deadline_passed(p->until)) {
			p->state = NAME_UNUSED; /* it may be asked anew */
			return NULL;
		}
		p->used_at = clock_now();
		return p;
	}
	return NULL;
}

struct pinned_name *
names_of_serial(struct names *n, uint32_t serial)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (n->list[i].state != NAME_UNUSED &&
		    n->list[i].serial == serial)
			return &n->list[i];
	return NULL;
}

/* A free place, else the one that was used longest ago and is not asked. */
static struct pinned_name *
place_find(struct names *n)
{
	struct pinned_name *oldest = NULL;

	for (size_t i = 0; i < NAMES_MAX; i++) {
		struct pinned_name *p = &n->list[i];

		if (p->state == NAME_UNUSED)
			return p;
		if (p->state == NAME_WAITING || p->state == NAME_ASKED)
			continue;
		if (oldest == NULL || p->used_at < oldest->used_at)
			oldest = p;
	}
	return oldest;
}

/* What the look-up has come to. */
static void
name_conclude(const struct names *n, struct pinned_name *p)
{
	const struct resolution *r = p->lookup;
	struct question q = *n->question;
	struct outcome none;

	/* SECURITY: no more than a choice: a datagram is judged as it goes. */
	q.name = p->name;
	q.port = 0;
	q.any_port = true;
	p->found_count = candidates_list(n->settings, &q, r, p->found);
	if (p->found_count > 0) {
		p->state = NAME_FOUND;
		return;
	}
	p->state = NAME_FAILED;
	candidates_explain_none(r, &none);
	p->failure = none.reply;
	p->until = deadline_in(NAME_FAILURE_LIFE);
}

static void
lookup_end(struct names *n, size_t i)
{
	struct pinned_name *p = n->asking[i];

	name_conclude(n, p);
	resolve_end(p->lookup);
	p->lookup = NULL;
	n->asking[i] = NULL;
	n->open--;
}

static void
lookup_start(struct names *n, size_t i, struct pinned_name *p)
{
	n->asking[i] = p;
	p->lookup = &n->lookups[i];
	p->state = NAME_ASKED;
	n->waiting--;
	p->until = deadline_in(n->settings->connect_timeout);
	if (strcmp(p->name, NAT64_NAME) == 0)
		resolve_start_ipv6(p->lookup, n->settings, p->name);
	else
		resolve_start(p->lookup, n->settings, p->name);
	if (resolve_settled(p->lookup))
		lookup_end(n, i);
}

/* The next of those that wait, in the order of their coming; NULL: none. */
static struct pinned_name *
waiting_first(struct names *n)
{
	struct pinned_name *first = NULL;

	for (size_t i = 0; i < NAMES_MAX; i++) {
		struct pinned_name *p = &n->list[i];

		if (p->state == NAME_WAITING &&
		    (first == NULL || p->serial < first->serial))
			first = p;
	}
	return first;
}

static void
start_waiting(struct names *n)
{
	for (size_t i = 0; n->waiting > 0 && i < LOOKUPS_MAX; i++) {
		/* Some are found at once, and the look-up is free again. */
		while (n->asking[i] == NULL) {
			struct pinned_name *p = waiting_first(n);

			if (p == NULL)
				return;
			lookup_start(n, i, p);
		}
	}
}

static void
place_fill(struct names *n, struct pinned_name *p, const char *name)
{
	memset(p, 0, offsetof(struct pinned_name, found));
	p->serial = ++n->last_serial;
	p->used_at = clock_now();
	text_copy(p->name, sizeof(p->name), name);
}

struct pinned_name *
names_add(struct names *n, const char *name)
{
	struct pinned_name *p = place_find(n);

	n->rate.size = NAMES_PER_SECOND;
	n->rate.rate = NAMES_PER_SECOND;
	if (p == NULL || n->open == NAMES_OPEN_MAX ||
	    !bucket_take(&n->rate, clock_now()))
		return NULL;
	place_fill(n, p, name);
	p->state = NAME_WAITING;
	n->waiting++;
	n->open++;
	start_waiting(n);
	return p;
}

struct pinned_name *
names_put(struct names *n, const char *name, const struct address *address)
{
	struct pinned_name *p = place_find(n);

	if (p == NULL)
		return NULL;
	place_fill(n, p, name);
	p->state = NAME_FOUND;
	p->found[0] = *address;
	p->found_count = 1;
	return p;
}

void
names_forget(struct pinned_name *p)
{
	p->state = NAME_UNUSED;
}

size_t
names_poll(struct names *n, struct pollfd *fds, struct deadline *until)
{
	size_t count = 0;

	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		if (n->asking[i] == NULL)
			continue;
		*until = deadline_first(*until, n->asking[i]->until);
		count += resolve_poll(&n->lookups[i], fds + count, until);
	}
	return count;
}

/* Each look-up is shown all descriptors: c-ares knows its own. */
void
names_process(struct names *n, const struct pollfd *fds, size_t count)
{
	for (size_t i = 0; i < LOOKUPS_MAX; i++) {
		struct pinned_name *p = n->asking[i];

		if (p == NULL)
			continue;
		resolve_process(p->lookup, fds, count);
		if (resolve_settled(p->lookup) || deadline_passed(p->until))
			lookup_end(n, i);
	}
	start_waiting(n);
}

void
names_end(struct names *n)
{
	for (size_t i = 0; i < LOOKUPS_MAX; i++)
		if (n->asking[i] != NULL)
			lookup_end(n, i);
}
