/* SPDX-License-Identifier: ISC */
/*
 * Live BIND ports.  The maker of an entry holds a lock on its slot's octet, so
 * whoever finds the octet unlocked knows that the maker has died.
 */
#include "share/binds.h"

#include <fcntl.h>

#include "share/lock.h"
#include "share/slots.h"

/* A slot's addresses. */
enum { TOLD, IPV4, IPV6, ADDRESSES };

enum table_result
binds_put(const struct share *share, const struct table_bind *bind,
    int64_t until, struct table_handle *handle)
{
	enum table_result result = TABLE_FULL;
	struct turn turn;
	struct slot *s;

	if (!turn_begin(&turn, share, KIND_BIND))
		return TABLE_UNUSABLE;
	s = slot_choose(&turn, BINDS_MAX);
	if (s != NULL) {
		slot_begin(&turn, s, until);
		slot_add_address(s, &bind->told);
		slot_add_address(s, &bind->ipv4);
		slot_add_address(s, &bind->ipv6);
		*handle = slot_handle(turn.table, s);
		result = TABLE_UNUSABLE;
		if (lock_set(turn.table->fd, F_RDLCK, slot_octet(handle))) {
			slot_publish(&turn, s);
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
	struct slot *s;

	if (handle->slot == 0 || !turn_begin(&turn, share, KIND_BIND))
		return;
	s = slot_of(&turn, handle);
	if (s != NULL)
		slot_end(s);
	(void)lock_set(turn.table->fd, F_UNLCK, slot_octet(handle));
	turn_end(&turn);
}

/* What a search for a BIND needs. */
struct bind_search {
	const struct table *table;
	const struct address *announced;
};

static bool
is_live_bind(const struct slot *s, const void *what)
{
	const struct bind_search *search = what;
	const struct table_handle handle = slot_handle(search->table, s);

	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct address a = slot_address(s, i);

		if (a.port == search->announced->port &&
		    address_equal(&a, search->announced))
			return lock_is_held(search->table->fd,
			    slot_octet(&handle));
	}
	return false;
}

static void
bind_copy(struct slot *s, void *out)
{
	struct table_bind *bind = out;

	bind->told = slot_address(s, TOLD);
	bind->ipv4 = slot_address(s, IPV4);
	bind->ipv6 = slot_address(s, IPV6);
}

enum table_result
binds_find(const struct share *share, const struct address *announced,
    struct table_bind *out)
{
	const struct bind_search what = { share->table, announced };

	return slot_visit(share, &(struct visit){ KIND_BIND, is_live_bind,
	    &what, bind_copy, out });
}
