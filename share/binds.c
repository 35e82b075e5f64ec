/* SPDX-License-Identifier: ISC */
/*
 * Live BIND ports.  The maker of an entry holds a lock on the octet of the
 * state directory that stands for it, so whoever finds it unlocked knows
 * that the maker waits no more.  The directory, and not the table's file: a
 * session that waits for a peer has given the file up.
 */
#include "share/binds.h"

#include "share/entries.h"

/* An entry's addresses. */
enum { TOLD, IPV4, IPV6, ADDRESSES };

static bool
is_dead(const struct entry *e, const void *table)
{
	return !entry_is_held(table, &e->handle);
}

/* Frees what this share's processes have left.  The count is bounded in case
 * that somebody writes the table at the same time. */
static void
sweep(const struct turn *turn)
{
	struct entry e;

	for (unsigned i = 0;
	     i < BINDS_MAX && entry_find(turn, is_dead, turn->table, &e); i++)
		entry_end(turn, &e.handle);
}

enum table_result
binds_put(const struct share *share, const struct table_bind *bind,
    int64_t until)
{
	const struct quota quota = { BINDS_MAX, INT64_MAX };
	enum table_result result = TABLE_FULL;
	struct turn turn;
	struct entry e;

	if (!turn_begin(&turn, share, KIND_BIND))
		return TABLE_UNUSABLE;
	sweep(&turn);
	if (entry_choose(&turn, &quota, until, &e)) {
		result = TABLE_UNUSABLE;
		e.addresses[TOLD] = bind->told;
		e.addresses[IPV4] = bind->ipv4;
		e.addresses[IPV6] = bind->ipv6;
		e.count = ADDRESSES;
		if (entry_hold(turn.table, &e.handle)) {
			entry_write(&turn, &e);
			result = TABLE_OK;
		}
	}
	turn_end(&turn);
	return result;
}

/* What a search for a BIND needs. */
struct bind_search {
	const struct table *table;
	const struct address *announced;
};

static bool
is_live_bind(const struct entry *e, const void *what)
{
	const struct bind_search *search = what;

	for (size_t i = 0; e->count == ADDRESSES && i < ADDRESSES; i++) {
		const struct address *a = &e->addresses[i];

		if (a->port == search->announced->port &&
		    a->family != FAMILY_NONE &&
		    (address_equal(a, search->announced) ||
			address_is_any(search->announced)))
			return entry_is_held(search->table, &e->handle);
	}
	return false;
}

static void
bind_copy(const struct turn *turn, const struct entry *e, void *out)
{
	struct table_bind *bind = out;

	(void)turn;
	bind->told = e->addresses[TOLD];
	bind->ipv4 = e->addresses[IPV4];
	bind->ipv6 = e->addresses[IPV6];
}

enum table_result
binds_find(const struct share *share, const struct address *announced,
    struct table_bind *out)
{
	const struct bind_search what = { share->table, announced };

	return entry_visit(share,
	    &(struct visit){ KIND_BIND, is_live_bind, &what, bind_copy, out });
}
