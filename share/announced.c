/* SPDX-License-Identifier: ISC */
/*
 * Announced FTP data connections: one entry each, with the place where the
 * server waits.
 */
#include "share/announced.h"

#include "share/entries.h"

enum table_result
announced_put(const struct share *share, const struct address *to,
    struct table_handle *handle)
{
	const struct quota quota = { ANNOUNCED_MAX, ANNOUNCED_REST };
	struct turn turn;
	struct entry e;
	bool done;

	if (!turn_begin(&turn, share, KIND_DATA))
		return TABLE_UNUSABLE;
	if (entry_of(&turn, handle, &e))
		entry_end(&turn, handle);
	done = entry_choose(&turn, &quota, turn.now + ANNOUNCED_LIFE, &e);
	if (done) {
		e.addresses[e.count++] = *to;
		entry_write(&turn, &e);
		*handle = e.handle;
	}
	turn_end(&turn);
	return done ? TABLE_OK : TABLE_FULL;
}

static bool
is_endpoint(const struct entry *e, const void *what)
{
	const struct address *to = what;

	return entry_is_at(e, to) && e->addresses[0].port == to->port;
}

static bool
is_port(const struct entry *e, const void *what)
{
	const uint16_t *port = what;

	return e->count > 0 && e->addresses[0].port == *port;
}

static void
see(const struct turn *turn, const struct entry *e, void *out)
{
	(void)turn;
	(void)e;
	(void)out;
}

static void
take(const struct turn *turn, const struct entry *e, void *out)
{
	(void)out;
	entry_end(turn, &e->handle);
}

static void
address_copy(const struct turn *turn, const struct entry *e, void *out)
{
	struct address *to = out;

	(void)turn;
	*to = e->addresses[0];
}

enum table_result
announced_find(const struct share *share, const struct address *to)
{
	return entry_visit(share,
	    &(struct visit){ KIND_DATA, is_endpoint, to, see, NULL });
}

enum table_result
announced_take(const struct share *share, const struct address *to)
{
	return entry_visit(share,
	    &(struct visit){ KIND_DATA, is_endpoint, to, take, NULL });
}

enum table_result
announced_at_port(const struct share *share, uint16_t port, struct address *to)
{
	return entry_visit(share,
	    &(struct visit){ KIND_DATA, is_port, &port, address_copy, to });
}
