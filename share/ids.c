/* SPDX-License-Identifier: ISC */
/*
 * ADDRESS IDs, and an entry for each share that named wrong ones, in which
 * they are counted.
 */
#include "share/ids.h"

#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "share/entries.h"

enum {
	ID_LEAST = 0x000100, /* 0.0.0.x are the fake addresses of clients */
	ID_MOST = 0xffffff,  /* three octets */
	ID_TRIES = 64,
	GUESSERS_MAX = TABLE_SLOTS / 4,
};

_Static_assert((int)ID_ADDRESSES_MAX == (int)SLOT_ADDRESSES_MAX,
    "a target fits");

static bool
is_target(const struct entry *e, const void *what)
{
	const struct table_target *target = what;

	/* Another process may have written any number. */
	if (e->number < ID_LEAST || e->number > ID_MOST)
		return false;
	if (strcmp(e->name, target->name) != 0)
		return false;
	if (target->name[0] != '\0')
		return true; /* where it was used last does not matter */
	if (e->count != target->count)
		return false;
	for (size_t i = 0; i < target->count; i++)
		if (!address_equal(&e->addresses[i], &target->addresses[i]))
			return false;
	return true;
}

static bool
is_number(const struct entry *e, const void *what)
{
	const uint32_t *number = what;

	return e->number == *number;
}

/* --- Lives. --- */

/* Was it made for a connection that may last?  No other ID has so long a
 * life. */
static bool
is_kept(const struct entry *e)
{
	return e->expires_at > e->used_at + ID_LIFE;
}

/* Does that connection last?  It may be this one. */
static bool
lasts(const struct table *t, const struct table_handle *handle)
{
	return (handle->slot == t->kept.slot &&
		   handle->generation == t->kept.generation) ||
	    entry_is_held(t, handle);
}

/* Whoever finds that the connection of a kept ID is over makes it one as any
 * other. */
static void
id_release(const struct turn *turn, struct entry *e)
{
	if (!is_kept(e) || lasts(turn->table, &e->handle))
		return;
	e->expires_at = e->used_at + ID_LIFE;
	entry_update(turn, e);
}

/* As entry_find().  The count is bounded in case that somebody writes the
 * table at the same time. */
static bool
id_search(const struct turn *turn, entry_test *test, const void *what,
    struct entry *out)
{
	for (unsigned i = 0; i < IDS_MAX && entry_find(turn, test, what, out);
	     i++) {
		id_release(turn, out);
		if (turn->now < out->expires_at)
			return true;
	}
	return false;
}

/* SECURITY: unique in the whole table, whosever it is, and while it rests.
 * 0: none was found. */
static uint32_t
number_choose(const struct turn *turn)
{
	for (int i = 0; i < ID_TRIES; i++) {
		uint8_t octets[3];
		uint32_t number;

		if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
			return 0;
		number = (uint32_t)octets[0] << 16 | (uint32_t)octets[1] << 8 |
		    octets[2];
		if (number >= ID_LEAST && entry_count(turn, number) == 0)
			return number;
	}
	return 0;
}

static void
id_use(const struct turn *turn, struct entry *e)
{
	const int64_t most = e->made_at + ID_LIFE_MAX;
	const int64_t next = turn->now + ID_LIFE;

	e->expires_at = is_kept(e) || next > most ? most : next;
	e->used_at = turn->now;
	entry_update(turn, e);
}

/* A slot for an ID; where there is none, of a host whose connections are
 * over, perhaps. */
static bool
id_choose(const struct turn *turn, struct entry *e)
{
	const struct quota quota = { IDS_MAX, 0 };

	if (entry_choose(turn, &quota, turn->now + ID_LIFE, e))
		return true;
	entry_visit_host(turn, id_release);
	return entry_choose(turn, &quota, turn->now + ID_LIFE, e);
}

static enum table_result
id_make(const struct turn *turn, const struct table_target *target,
    uint32_t *id)
{
	struct entry e;
	uint32_t number;

	if (id_search(turn, is_target, target, &e) &&
	    turn->now <= e.made_at + ID_LIFE_MAX - ID_LIFE) {
		id_use(turn, &e);
		*id = e.number;
		return TABLE_OK;
	}
	number = number_choose(turn);
	if (number == 0)
		return TABLE_UNUSABLE;
	if (!id_choose(turn, &e))
		return TABLE_FULL;
	e.number = number;
	e.count = target->count;
	e.pinned_at = turn->now;
	memcpy(e.addresses, target->addresses, sizeof(target->addresses));
	text_copy(e.name, sizeof(e.name), target->name);
	entry_write(turn, &e);
	*id = number;
	return TABLE_OK;
}

enum table_result
ids_make(const struct share *share, const struct table_target *target,
    uint32_t *id)
{
	enum table_result result;
	struct turn turn;

	if (target->count > ID_ADDRESSES_MAX ||
	    !turn_begin(&turn, share, KIND_ID))
		return TABLE_UNUSABLE;
	result = id_make(&turn, target, id);
	turn_end(&turn);
	return result;
}

/*
 * SECURITY: one in 16 million is a hit for each ID there is; so few guesses a
 * minute make that years.  A share without an ID has nothing to hit and is not
 * counted, so that nobody fills the table by guessing.
 */
static void
guess_count(const struct turn *ids, const struct turn *guesses)
{
	const struct quota quota = { 1, 0 };
	struct entry e;
	const bool known = entry_find(guesses, entry_is_any, NULL, &e);

	if (!known &&
	    (!entry_find(ids, entry_is_any, NULL, &e) ||
		entry_count_all(guesses) >= GUESSERS_MAX ||
		!entry_choose(guesses, &quota, guesses->now + GUESS_LIFE, &e)))
		return;
	e.number++;
	if (e.number == GUESSES_MAX)
		e.expires_at = guesses->now + GUESS_LIFE;
	if (known)
		entry_update(guesses, &e);
	else
		entry_write(guesses, &e);
}

static void
target_copy(const struct turn *turn, const struct entry *e,
    struct table_target *out)
{
	*out = (struct table_target){ .made_at = e->made_at,
		.count = e->count };
	if (e->name[0] != '\0' && turn->now - e->pinned_at >= ID_PIN_LIFE)
		out->count = 0;
	text_copy(out->name, sizeof(out->name), e->name);
	memcpy(out->addresses, e->addresses, sizeof(out->addresses));
}

static enum table_result
id_find(const struct turn *turn, uint32_t id, struct table_target *out)
{
	struct turn guesses = *turn;
	struct entry e;

	guesses.kind = KIND_GUESS;
	if (entry_find(&guesses, entry_is_any, NULL, &e) &&
	    e.number >= GUESSES_MAX)
		return TABLE_NONE;
	if (id < ID_LEAST || !id_search(turn, is_number, &id, &e)) {
		guess_count(turn, &guesses);
		return TABLE_NONE;
	}
	id_use(turn, &e);
	target_copy(turn, &e, out);
	return TABLE_OK;
}

enum table_result
ids_find(const struct share *share, uint32_t id, struct table_target *out)
{
	enum table_result result;
	struct turn turn;

	if (!turn_begin(&turn, share, KIND_ID))
		return TABLE_UNUSABLE;
	result = id_find(&turn, id, out);
	turn_end(&turn);
	return result;
}

typedef enum table_result id_change_by(const struct turn *turn,
    struct entry *e, const void *what);

/* Changes one ID of the share, in a turn. */
static enum table_result
id_change(const struct share *share, uint32_t id, id_change_by *change,
    const void *what)
{
	enum table_result result = TABLE_NONE;
	struct turn turn;
	struct entry e;

	if (!turn_begin(&turn, share, KIND_ID))
		return TABLE_UNUSABLE;
	if (id_search(&turn, is_number, &id, &e))
		result = change(&turn, &e, what);
	turn_end(&turn);
	return result;
}

static enum table_result
pin(const struct turn *turn, struct entry *e, const void *what)
{
	const struct address *address = what;

	if (e->name[0] == '\0')
		return TABLE_OK;
	e->addresses[0] = *address;
	e->addresses[0].port = 0;
	e->count = 1;
	e->pinned_at = turn->now;
	entry_write(turn, e);
	return TABLE_OK;
}

static enum table_result
keep(const struct turn *turn, struct entry *e, const void *what)
{
	struct table *t = turn->table;

	(void)what;
	if (!entry_hold(t, &e->handle))
		return TABLE_UNUSABLE;
	t->kept = e->handle;
	e->expires_at = e->made_at + ID_LIFE_MAX;
	entry_update(turn, e);
	return TABLE_OK;
}

static enum table_result
forget(const struct turn *turn, struct entry *e, const void *what)
{
	(void)what;
	if (e->used_at == e->made_at)
		entry_end(turn, &e->handle);
	return TABLE_OK;
}

enum table_result
ids_pin(const struct share *share, uint32_t id, const struct address *address)
{
	return id_change(share, id, pin, address);
}

enum table_result
ids_keep(const struct share *share, uint32_t id)
{
	return id_change(share, id, keep, NULL);
}

enum table_result
ids_forget(const struct share *share, uint32_t id)
{
	return id_change(share, id, forget, NULL);
}
