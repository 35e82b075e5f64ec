/* SPDX-License-Identifier: ISC */
/*
 * The slots of the association table, for the files of share/ that know what
 * is in them: the lock around an operation, whose slots there are, and how
 * one is taken.
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

/* One operation: a share's entries of one kind, as of now. */
struct turn {
	struct table *table;
	enum kind kind;
	struct slot_owner owner;
	int64_t now; /* what has expired by then is not there */
};

/* From its success to turn_end() the table is this turn's alone, and slots
 * may be looked at.  False: TABLE_UNUSABLE, and the table's problem says why
 * where there is a table. */
bool turn_begin(struct turn *turn, const struct share *share,
    enum kind kind);
void turn_end(const struct turn *turn);

typedef bool slot_test(const struct slot *s, const void *what);

/* The youngest of the turn's live slots that pass the test, or NULL. */
struct slot *slot_find(const struct turn *turn, slot_test *test,
    const void *what);

/* A whole turn for one slot: slot_find()'s, shown to `use' with `out'. */
struct visit {
	enum kind kind;
	slot_test *test;
	const void *what;
	void (*use)(struct slot *s, void *out);
	void *out;
};

/* TABLE_OK: there was one.  Takes no lock where nothing is in the table. */
enum table_result slot_visit(const struct share *share,
    const struct visit *visit);

/* How many slots of the turn's kind pass the test: anyone's, expired ones
 * too.  A test of NULL: all of them. */
uint32_t slot_count(const struct turn *turn, slot_test *test,
    const void *what);

/*
 * A slot for one more of the share, which may have `most`: a free one, or the
 * least recently used of its own.  NULL: full.
 *
 * SECURITY: nobody's live entry makes room for another's.
 */
struct slot *slot_choose(const struct turn *turn, uint32_t most);

/* Empties the slot and says whose it is; slot_publish() makes it valid. */
void slot_begin(const struct turn *turn, struct slot *s, int64_t expires_at);
void slot_publish(const struct turn *turn, struct slot *s);

/* It is free again. */
void slot_end(struct slot *s);

/* The slot's name for later, and the slot of that name: NULL where it has
 * become another's or none. */
struct table_handle slot_handle(const struct table *t, const struct slot *s);
struct slot *slot_of(const struct turn *turn,
    const struct table_handle *handle);

/* The octet of the file whose lock stands for the slot. */
off_t slot_octet(const struct table_handle *handle);

/* One more address, of SLOT_ADDRESSES_MAX; and the i-th, FAMILY_NONE where
 * there is none. */
void slot_add_address(struct slot *s, const struct address *a);
struct address slot_address(const struct slot *s, size_t i);

/* Is that the slot's first address, whatever the port?  A slot_test. */
bool slot_is_at(const struct slot *s, const void *address);

/* Copies a string; at most size - 1 octets of it are read. */
void string_copy(char *to, size_t size, const char *from);

#endif
