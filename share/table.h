/* SPDX-License-Identifier: ISC */
/*
 * The association table: what sessions of one client share, in a small mapped
 * file of the state directory.  This header says how the table is opened; each
 * kind of entry has a header of its own: ids.h, controls.h, announced.h,
 * binds.h.
 *
 * Each entry belongs to a share, which is a client's address with its
 * identity, and nobody else ever finds it.
 *
 * SECURITY: no entry is a permit.  A process that an attacker took over can
 * write any entry for any share, so whoever finds one judges anew what it
 * leads to.
 *
 * Every operation locks the file for itself alone and for a moment.  A process
 * that dies, even inside the lock, leaves whole entries or none.
 *
 * A session opens the table by itself, as the user that serves.  Locks belong
 * to processes (lock.h), so a table that was opened before a fork excludes
 * just as well; but no process may open the same table twice.
 */
#ifndef SOCKS64_SHARE_TABLE_H
#define SOCKS64_SHARE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/name.h"

enum {
	TABLE_PROBLEM_TEXT = 256,
};

/*
 * What an operation came to.  Zero is the safe value.  Results other than
 * TABLE_OK leave the out parameters as they are.
 */
enum table_result {
	TABLE_UNUSABLE, /* no table, or its lock was not to be had in time */
	TABLE_NONE,     /* there is no such entry, in this share */
	TABLE_FULL,     /* no room, and nothing of this share's to replace */
	TABLE_OK,
};

struct table_file;

/* Names an entry that its maker changes or removes later; zero names none.
 * An entry that took the same slot later has another generation. */
struct table_handle {
	uint32_t slot; /* counted from 1 */
	uint32_t generation;
};

struct table {
	int fd;                  /* -1: none */
	struct table_file *file; /* mapped; NULL: none */
	int directory;           /* live BINDs and kept IDs hold locks on it;
				  * -1: none */
	/* How long to wait for its lock, in milliseconds.  0 from when that
	 * was waited for in vain: who has stopped with it stops a session for
	 * no longer than that in all. */
	int64_t patience;
	/* Why there is no table, as a sentence; empty where there is one. */
	char problem[TABLE_PROBLEM_TEXT];
	struct table_handle kept; /* the ID that this process keeps */
};

/*
 * A client's part of the table: the entries whose client, uid, auth and user
 * are all the same.  All pointers are borrowed.
 */
struct share {
	struct table *table;
	struct address client; /* its port does not count; FAMILY_NONE for a
				* unix-domain client, which `uid' names */
	uint32_t uid;
	const char *auth; /* the record's word: none, password, ... */
	const char *user; /* user_length octets, at most 255 */
	size_t user_length;
};

/*
 * Opens the table in `directory`, and makes one where there is none.  NULL is
 * /run/socks64, else $XDG_RUNTIME_DIR/socks64, which is made where it is
 * missing.  It is called as the user that
 * serves and before the sandbox; no later operation opens anything.  False:
 * there is no usable table, t->problem says why, and every operation is
 * TABLE_UNUSABLE then.
 *
 * A table of an earlier boot is dead as a whole: a new one takes its name.
 *
 * SECURITY: a directory or a file that others may write, a symlink, a file of
 * another owner, size or layout is not used, and never repaired.
 */
bool table_open(struct table *t, const char *directory);

/*
 * Gives up all of the table but the locks of this process's live BIND and of
 * the ID that it keeps: later operations are TABLE_UNUSABLE.  What is left is
 * a descriptor of a directory, by which a confined process can neither read
 * nor write anything.
 */
void table_keep_locks(struct table *t);

/* Unmaps and closes the table, which drops this process's locks on it.  Every
 * later operation is TABLE_UNUSABLE.  A second call does nothing. */
void table_close(struct table *t);

#endif
