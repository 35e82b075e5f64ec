/* SPDX-License-Identifier: ISC */
/*
 * The entries of the association table, for the files of share/ that know what
 * each kind of them means.
 *
 * An operation is a turn: turn_begin() takes the lock of the table,
 * entry_find() and entry_choose() walk over the slots, turn_end() gives the
 * lock back.  A new entry gets a slot by entry_choose(), is filled in by the
 * caller, and is written and made valid by entry_write(); a process that is
 * killed on the way leaves a free slot.  entry_visit() is a whole turn for one
 * entry.
 *
 * A struct entry is always a copy: whoever changes one writes it back.
 */
#ifndef SOCKS64_SHARE_ENTRIES_H
#define SOCKS64_SHARE_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "share/layout.h"
#include "share/table.h"

enum {
	/* Before the number of an expired ID is used again; milliseconds. */
	ENTRY_ID_REST = 600 * 1000,

	/* The longest life that an entry may claim: `bind-timeout' may be a
	 * day.  What claims more was not written by us. */
	ENTRY_LIFE_MAX = 25 * 60 * 60 * 1000,

	/* Live entries of all shares of one host: of an IPv4 address, of the
	 * /64 of an IPv6 address, of a local user.  Many people may be behind
	 * one address; but a quarter of the table is the most. */
	HOST_ENTRIES_MAX = 1024,
};

/* What one share may have of a kind. */
struct quota {
	uint32_t most; /* entries */
	int64_t rest;  /* milliseconds: one that was not used for so long may
			  make room for a new one */
};

/*
 * What a slot holds, copied out of the file and bounded.  Its addresses are
 * those that an ID stands for, the server of a control or data connection, or
 * `told', `ipv4' and `ipv6' of a BIND.
 */
struct entry {
	struct table_handle handle; /* of its slot */
	int64_t made_at;            /* clock_now() */
	int64_t used_at;
	int64_t expires_at;
	int64_t pinned_at; /* of an ID */
	uint32_t number;   /* of an ID; of wrong guesses */
	size_t count;
	struct address addresses[SLOT_ADDRESSES_MAX];
	char name[NAME_LENGTH_MAX + 1];
};

/* One operation on a share's entries of one kind. */
struct turn {
	struct table *table;
	enum kind kind;
	struct slot_owner owner;
	int64_t now;  /* entries that have expired by then are not there */
	uint32_t top; /* slots from there on were never in use */
};

/*
 * Takes the table's lock.  From its success to turn_end() entries may be read
 * and written.  False: the operation is TABLE_UNUSABLE, and the table's
 * problem says why where there is a table.
 */
bool turn_begin(struct turn *turn, const struct share *share, enum kind kind);
void turn_end(const struct turn *turn);

/* Is that an entry of the kind that is looked for?  `what' is the
 * searcher's. */
typedef bool entry_test(const struct entry *e, const void *what);

/* Finds the youngest live entry of the turn's share and kind that passes the
 * test.  False: there is none, and *out is of no use. */
bool entry_find(const struct turn *turn, entry_test *test, const void *what,
    struct entry *out);

/* Passes every entry. */
bool entry_is_any(const struct entry *e, const void *what);

/* Is that the entry's first address, whatever the port?  An entry_test. */
bool entry_is_at(const struct entry *e, const void *address);

/* What entry_visit() is to do: find an entry by `test' and `what', and show
 * it to `use' with `out'. */
struct visit {
	enum kind kind;
	entry_test *test;
	const void *what;
	void (*use)(const struct turn *turn, const struct entry *e, void *out);
	void *out;
};

/* A whole turn for one entry.  TABLE_OK: it was found and used.  No lock is
 * taken where nothing is in the table. */
enum table_result entry_visit(const struct share *share,
    const struct visit *visit);

/* How many slots of the turn's kind have that number, whosever they are, and
 * expired ones too. */
uint32_t entry_count(const struct turn *turn, uint32_t number);

/* How many slots of the turn's kind there are, whosever they are. */
uint32_t entry_count_all(const struct turn *turn);

/*
 * Starts an entry of the turn's share, for which its least recently used one
 * ends where it has no room: in a free slot, in the one of that, or in one
 * that rests.  e->handle names the slot; all else is empty, and lives until
 * `expires_at'.  False: the table, or what this share or this host may have of
 * it, is full.
 *
 * SECURITY: nobody's live entry makes room for another's.
 */
bool entry_choose(const struct turn *turn, const struct quota *quota,
    int64_t expires_at, struct entry *e);

/* Writes a new entry into its slot, and makes it valid. */
void entry_write(const struct turn *turn, struct entry *e);

/* Writes used_at, expires_at and number of an entry that was found. */
void entry_update(const struct turn *turn, const struct entry *e);

/* Frees the slot of an entry. */
void entry_end(const struct turn *turn, const struct table_handle *handle);

/* The entry of a handle.  False: the handle is zero, or its slot is free or
 * another's by now. */
bool entry_of(const struct turn *turn, const struct table_handle *handle,
    struct entry *out);

/* Visits the live entries of the turn's kind that any share of its host has.
 */
void entry_visit_host(const struct turn *turn,
    void (*visit)(const struct turn *turn, struct entry *e));

/*
 * An entry may stand for something that lives as long as a process: that one
 * holds the lock on an octet of the directory, which is the entry's alone, not
 * that of what takes its slot later.  Takes it, for the rest of this process;
 * false: errno says why.  Does another process hold it?
 */
bool entry_hold(const struct table *t, const struct table_handle *handle);
bool entry_is_held(const struct table *t, const struct table_handle *handle);

#endif
