/* SPDX-License-Identifier: ISC */
/*
 * A few ADDRESS IDs and what they stand for.
 */
#include "net/associated.h"

#include "base/text.h"
#include "base/wait.h"
#include "share/ids.h"

/* The place of that ID, or of none, which the next one may have. */
static size_t
place_of(struct associated *a, uint32_t id)
{
	for (size_t i = 0; i < ASSOCIATED_MAX; i++)
		if (a->list[i].id == id)
			return i;
	a->next = (a->next + 1) % ASSOCIATED_MAX;
	a->list[a->next].id = 0;
	return a->next;
}

/* SECURITY: a flood of wrong IDs must not keep the table's lock busy. */
static bool
is_guessing(struct associated *a, int64_t now)
{
	if (now - a->wrong_since >= GUESS_LIFE) {
		a->wrong_since = now;
		a->wrong = 0;
	}
	return a->wrong >= GUESSES_MAX;
}

static bool
learn(struct associated *a, size_t i, uint32_t id)
{
	const int64_t now = clock_now();
	struct table_target target;
	enum table_result found;

	a->list[i].id = 0;
	if (is_guessing(a, now))
		return false;
	found = ids_find(a->share, id, &target);
	if (found == TABLE_OK && target.name[0] == '\0' && target.count == 0)
		found = TABLE_NONE;
	if (found == TABLE_NONE)
		a->wrong++;
	if (found != TABLE_OK)
		return false;
	a->list[i].id = id;
	a->list[i].until = now + ASSOCIATED_LIFE;
	a->list[i].unpinned = target.name[0] != '\0';
	a->list[i].address = target.addresses[0];
	if (target.count == 0)
		a->list[i].address.family = FAMILY_NONE;
	text_copy(a->list[i].name, sizeof(a->list[i].name), target.name);
	return true;
}

bool
associated_read(struct associated *a, struct request *to,
    struct address *pinned)
{
	const uint16_t port = to->address.port;
	size_t i;

	if (a->share == NULL || to->id == 0)
		return false;
	i = place_of(a, to->id);
	if ((a->list[i].id == 0 || clock_now() >= a->list[i].until) &&
	    !learn(a, i, to->id))
		return false;
	if (a->list[i].name[0] == '\0') {
		to->kind = NAME_LITERAL;
		to->address = a->list[i].address;
		pinned->family = FAMILY_NONE;
	} else {
		to->kind = NAME_HOST;
		text_copy(to->name, sizeof(to->name), a->list[i].name);
		*pinned = a->list[i].address;
	}
	to->address.port = port;
	return true;
}

void
associated_use(struct associated *a, uint32_t id,
    const struct address *address)
{
	for (size_t i = 0; i < ASSOCIATED_MAX; i++) {
		if (a->list[i].id != id || !a->list[i].unpinned)
			continue;
		a->list[i].unpinned = false;
		(void)ids_pin(a->share, id, address);
	}
}
