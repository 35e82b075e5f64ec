/* SPDX-License-Identifier: ISC */
/*
 * ADDRESS IDs, and a slot for each share that named wrong ones, in which they
 * are counted.
 */
#include "share/ids.h"

#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "share/slots.h"

enum {
	ID_LEAST = 0x000100, /* 0.0.0.x are the fake addresses of clients */
	ID_TRIES = 64,
	GUESSERS_MAX = TABLE_SLOTS / 4,
};

_Static_assert((int)ID_ADDRESSES_MAX <= (int)SLOT_ADDRESSES_MAX,
    "a target fits");

static bool
is_target(const struct slot *s, const void *what)
{
	const struct table_target *target = what;

	if (s->address_count != target->count ||
	    strncmp(s->name, target->name, sizeof(s->name)) != 0)
		return false;
	for (size_t i = 0; i < target->count; i++) {
		const struct address a = slot_address(s, i);

		if (!address_equal(&a, &target->addresses[i]))
			return false;
	}
	return true;
}

static bool
is_number(const struct slot *s, const void *what)
{
	const uint32_t *number = what;

	return s->number == *number;
}

static bool
is_any(const struct slot *s, const void *what)
{
	(void)s;
	(void)what;
	return true;
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
		number = (uint32_t)octets[0] << 16 |
		    (uint32_t)octets[1] << 8 | octets[2];
		if (number >= ID_LEAST &&
		    slot_count(turn, is_number, &number) == 0)
			return number;
	}
	return 0;
}

static void
id_use(const struct turn *turn, struct slot *s)
{
	const int64_t most = s->made_at + ID_LIFE_MAX;
	const int64_t next = turn->now + ID_LIFE;

	s->used_at = turn->now;
	s->expires_at = next < most ? next : most;
}

static void
target_pack(struct slot *s, const struct table_target *target)
{
	for (size_t i = 0; i < target->count; i++)
		slot_add_address(s, &target->addresses[i]);
	text_copy(s->name, sizeof(s->name), target->name);
}

static void
target_unpack(const struct slot *s, struct table_target *out)
{
	*out = (struct table_target){ .made_at = s->made_at };
	text_copy(out->name, sizeof(out->name), s->name);
	for (uint32_t i = 0; i < s->address_count &&
	    i < ID_ADDRESSES_MAX; i++)
		out->addresses[out->count++] = slot_address(s, i);
}

static enum table_result
id_make(const struct turn *turn, const struct table_target *target,
    uint32_t *id)
{
	struct slot *s = slot_find(turn, is_target, target);
	uint32_t number;

	if (s != NULL &&
	    turn->now <= s->made_at + ID_LIFE_MAX - ID_LIFE) {
		id_use(turn, s);
		*id = s->number;
		return TABLE_OK;
	}
	number = number_choose(turn);
	if (number == 0)
		return TABLE_UNUSABLE;
	s = slot_choose(turn, IDS_MAX);
	if (s == NULL)
		return TABLE_FULL;
	slot_begin(turn, s, turn->now + ID_LIFE);
	s->number = number;
	target_pack(s, target);
	slot_publish(turn, s);
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

/* SECURITY: one in 16 million is a hit for each ID there is; so few guesses
 * a minute make that years. */
static void
guess_count(const struct turn *guesses)
{
	struct slot *s = slot_find(guesses, is_any, NULL);

	if (s == NULL) {
		s = slot_count(guesses, NULL, NULL) < GUESSERS_MAX ?
		    slot_choose(guesses, 1) : NULL;
		if (s == NULL)
			return;
		slot_begin(guesses, s, guesses->now + GUESS_LIFE);
		slot_publish(guesses, s);
	}
	s->number++;
	if (s->number == GUESSES_MAX)
		s->expires_at = guesses->now + GUESS_LIFE;
}

static enum table_result
id_find(const struct turn *turn, uint32_t id, struct table_target *out)
{
	struct turn guesses = *turn;
	struct slot *s = slot_find(turn, is_number, &id);
	const struct slot *wrong;

	guesses.kind = KIND_GUESS;
	wrong = slot_find(&guesses, is_any, NULL);
	if (wrong != NULL && wrong->number >= GUESSES_MAX)
		return TABLE_NONE;
	if (s == NULL || id < ID_LEAST) {
		guess_count(&guesses);
		return TABLE_NONE;
	}
	id_use(turn, s);
	target_unpack(s, out);
	return TABLE_OK;
}

enum table_result
ids_find(const struct share *share, uint32_t id,
    struct table_target *out)
{
	enum table_result result;
	struct turn turn;

	if (!turn_begin(&turn, share, KIND_ID))
		return TABLE_UNUSABLE;
	result = id_find(&turn, id, out);
	turn_end(&turn);
	return result;
}
