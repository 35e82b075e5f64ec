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

static bool
learn(struct associated *a, size_t i, uint32_t id)
{
	struct table_target target;

	a->list[i].id = 0;
	if (ids_find(a->share, id, &target) != TABLE_OK ||
	    (target.name[0] == '\0' && target.count == 0))
		return false;
	a->list[i].id = id;
	a->list[i].until = clock_now() + ASSOCIATED_LIFE;
	a->list[i].address = target.addresses[0];
	if (target.name[0] != '\0')
		a->list[i].address.family = FAMILY_NONE;
	text_copy(a->list[i].name, sizeof(a->list[i].name), target.name);
	return true;
}

bool
associated_read(struct associated *a, struct request *to)
{
	const uint16_t port = to->address.port;
	size_t i;

	if (a->share == NULL || to->id == 0)
		return false;
	i = place_of(a, to->id);
	if ((a->list[i].id == 0 || clock_now() >= a->list[i].until) &&
	    !learn(a, i, to->id))
		return false;
	to->kind = NAME_LITERAL;
	to->address = a->list[i].address;
	if (to->address.family == FAMILY_NONE) {
		to->kind = NAME_HOST;
		text_copy(to->name, sizeof(to->name), a->list[i].name);
	}
	to->address.port = port;
	return true;
}
