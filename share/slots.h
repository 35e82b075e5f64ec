/* SPDX-License-Identifier: ISC */
/*
 * The slots of the association table, for the files of share/ that know what
 * is in them.
 *
 * An operation is a turn: turn_begin() takes the lock of the table,
 * slot_find() and slot_choose() walk over the slots, turn_end() gives the lock
 * back.  A new entry is made by slot_choose(), slot_begin(), the caller's own
 * fields, and slot_publish(), which makes it valid; a process that is killed
 * on the way leaves a free slot.  slot_visit() is a whole turn for one slot.
 */
#ifndef SOCKS64_SHARE_SLOTS_H
#define SOCKS64_SHARE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "share/layout.h"
#include "share/table.h"

/* Before the number of an expired ID is used again; milliseconds. */
enum { SLOT_ID_REST = 600 * 1000 };

/* One operation on a share's entries of one kind. */
struct turn {
	struct table *table;
	enum kind kind;
	struct slot_owner owner;
	int64_t now; /* entries that have expired by then are not there */
};

/*
 * Takes the table's lock.  From its success to turn_end() slots may be looked
 * at and written.  False: the operation is TABLE_UNUSABLE, and the table's
 * problem says why where there is a table.
 */
bool turn_begin(struct turn *turn, const struct share *share,
    enum kind kind);
void turn_end(const struct turn *turn);

/* Is that a slot of the kind that is looked for?  `what' is the searcher's. */
typedef bool slot_test(const struct slot *s, const void *what);

/* Finds the youngest live slot of the turn's share and kind that passes the
 * test; NULL: there is none. */
struct slot *slot_find(const struct turn *turn, slot_test *test,
    const void *what);

/* What slot_visit() is to do: find a slot by `test' and `what', and show it
 * to `use' with `out'. */
struct visit {
	enum kind kind;
	slot_test *test;
	const void *what;
	void (*use)(struct slot *s, void *out);
	void *out;
};

/* A whole turn for one slot.  TABLE_OK: it was found and used.  No lock is
 * taken where nothing is in the table. */
enum table_result slot_visit(const struct share *share,
    const struct visit *visit);

/* How many slots of the turn's kind pass the test, whosever they are, and
 * expired ones too.  A test of NULL passes all. */
uint32_t slot_count(const struct turn *turn, slot_test *test,
    const void *what);

/*
 * A slot for one more of the share, which may have `most`: a free one, or the
 * least recently used of its own.  NULL: full.
 *
 * SECURITY: nobody's live entry makes room for another's.
 */
struct slot *slot_choose(const struct turn *turn, uint32_t most);

/* Empties the slot and makes the turn's share its owner. */
void slot_begin(const struct turn *turn, struct slot *s, int64_t expires_at);

/* Makes the slot valid, as the last step. */
void slot_publish(const struct turn *turn, struct slot *s);

/* Frees the slot. */
void slot_end(struct slot *s);

/* The handle by which the slot is found again; and the slot of a handle, NULL
 * where it is free or another's by now. */
struct table_handle slot_handle(const struct table *t, const struct slot *s);
struct slot *slot_of(const struct turn *turn,
    const struct table_handle *handle);

/* The octet of the file whose lock stands for the slot. */
off_t slot_octet(const struct table_handle *handle);

/* Adds one address, of SLOT_ADDRESSES_MAX; and gives the i-th, FAMILY_NONE
 * where there is none. */
void slot_add_address(struct slot *s, const struct address *a);
struct address slot_address(const struct slot *s, size_t i);

/* Is that the slot's first address, whatever the port?  A slot_test. */
bool slot_is_at(const struct slot *s, const void *address);

#endif
