/* SPDX-License-Identifier: ISC */
/*
 * The association table: what sessions of one client share, in a small mapped
 * file of the state directory.  Here is how it is opened; what is in it has a
 * header for each kind: ids.h, controls.h, announced.h, binds.h.
 *
 * Each entry belongs to a share, a client's address with its identity, and
 * nobody else ever finds it.  No entry is a permit by itself but the announced
 * data connection (INTERFACE.md 4, Rules).
 *
 * Every operation locks the file for itself alone and for a moment.  A process
 * that dies, in the lock too, leaves whole entries or none.
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
	TABLE_RULE_TEXT = NAME_LENGTH_MAX + 1,
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

struct table {
	int fd;                  /* -1: none */
	struct table_file *file; /* mapped; NULL: none */
	/* Why there is none, as a sentence; empty where there is one. */
	char problem[TABLE_PROBLEM_TEXT];
};

/* A client's part of the table: its entries are those of the same client,
 * uid, auth and user.  All borrowed. */
struct share {
	struct table *table;
	struct address client; /* the port does not count; FAMILY_NONE: by
				  uid, a unix-domain client */
	uint32_t uid;
	const char *auth;      /* the record's word: none, password, ... */
	const char *user;      /* user_length octets, at most 255 */
	size_t user_length;
};

/* An entry that its maker changes or takes back later; zero: none. */
struct table_handle {
	uint32_t slot; /* counted from 1 */
	uint32_t generation;
};

/*
 * Opens the table, and makes one where there is none.  To be called as the
 * user that serves, before the sandbox; nothing here opens anything later.
 * directory NULL: /run/socks64, else $XDG_RUNTIME_DIR/socks64.  False: it is
 * not to be used, see t->problem; every operation is TABLE_UNUSABLE then.
 *
 * A table of an earlier boot is dead as a whole: a new one takes its name.
 *
 * SECURITY: a directory or a file that others may write, a symlink, a file of
 * another owner, size or layout is not used, and never repaired.
 */
bool table_open(struct table *t, const char *directory);
void table_close(struct table *t);

#endif
