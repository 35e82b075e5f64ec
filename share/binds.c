/* SPDX-License-Identifier: ISC */
/*
 * Live BIND ports.  The maker of an entry holds a lock on its slot's octet, so
 * whoever finds the octet unlocked knows that the maker has died.
 */
#include "share/binds.h"

#include <fcntl.h>

#include "share/entries.h"
#include "share/lock.h"

/* An entry's addresses. */
enum { TOLD, IPV4, IPV6, ADDRESSES };

enum table_result
binds_put(const struct share *share, const struct table_bind *bind,
    int64_t until, struct table_handle *handle)
{
	enum table_result result = TABLE_FULL;
	struct turn turn;
	struct entry e;

	if (!turn_begin(&turn, share, KIND_BIND))
		return TABLE_UNUSABLE;
	if (entry_choose(&turn, BINDS_MAX, until, &e)) {
		result = TABLE_UNUSABLE;
		e.addresses[TOLD] = bind->told;
		e.addresses[IPV4] = bind->ipv4;
		e.addresses[IPV6] = bind->ipv6;
		e.count = ADDRESSES;
		if (lock_set(turn.table->fd, F_RDLCK,
		    entry_octet(&e.handle))) {
			entry_write(&turn, &e);
			*handle = e.handle;
			result = TABLE_OK;
		}
	}
	turn_end(&turn);
	return result;
}

void
binds_remove(const struct share *share,
    const struct table_handle *handle)
{
	struct turn turn;
	struct entry e;

	if (handle->slot == 0 || !turn_begin(&turn, share, KIND_BIND))
		return;
	if (entry_of(&turn, handle, &e))
		entry_end(&turn, handle);
	(void)lock_set(turn.table->fd, F_UNLCK, entry_octet(handle));
	turn_end(&turn);
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
		    address_equal(a, search->announced))
			return lock_is_held(search->table->fd,
			    entry_octet(&e->handle));
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

	return entry_visit(share, &(struct visit){ KIND_BIND, is_live_bind,
	    &what, bind_copy, out });
}
