/* SPDX-License-Identifier: ISC */
/*
 * What stands in the file of the association table: a header, then
 * TABLE_SLOTS slots of one entry each.  Only the files of share/ read this.
 * Numbers have this machine's byte order, because the file never outlives a
 * boot.
 *
 * SECURITY: every process of the handler's user may write the file, one that
 * an attacker took over too.  So nothing in it is used where it lies: it is
 * copied once, bounded, and then used (entries.c).
 */
#ifndef SOCKS64_SHARE_LAYOUT_H
#define SOCKS64_SHARE_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>

#include "share/table.h"

enum {
	LAYOUT = 3,
	TABLE_SLOTS = 4096,
	TABLE_SLOT_SIZE = 1024,
	TABLE_HEADER_SIZE = 4096,
	TABLE_FILE_SIZE = TABLE_HEADER_SIZE + TABLE_SLOTS * TABLE_SLOT_SIZE,
	SLOT_ADDRESSES_MAX = 8,
	BOOT_ID_LENGTH = 36,
	USER_MAX = 255,
	AUTH_MAX = 13,
};

enum kind {
	KIND_NONE, /* a free slot */
	KIND_ID,
	KIND_CONTROL,
	KIND_DATA,
	KIND_BIND,
	KIND_GUESS,
};

/* A struct address without padding. */
struct slot_address {
	uint8_t family; /* enum family */
	uint8_t zero;
	uint16_t port; /* host byte order */
	uint8_t octets[16];
};

/* The share that an entry belongs to.  It is compared as octets, so each of
 * them is defined and there is no padding. */
struct slot_owner {
	struct slot_address client; /* port 0 */
	uint32_t uid;
	char auth[AUTH_MAX + 1];
	uint8_t user_length;
	uint8_t user[USER_MAX];
	uint8_t zero[2];
};

/* What an entry says.  Times are milliseconds of CLOCK_MONOTONIC. */
struct slot_body {
	int64_t made_at;
	int64_t used_at;
	int64_t expires_at;
	int64_t pinned_at; /* of an ID: when its address was used */
	struct slot_owner owner;
	uint32_t number; /* the REALID of an ID; how many wrong ones a
			  * guesser named */
	uint32_t address_count;
	struct slot_address addresses[SLOT_ADDRESSES_MAX];
	char name[NAME_LENGTH_MAX + 1];
};

struct slot {
	_Atomic uint32_t kind; /* enum kind; stored first and last, so that
				* no entry is valid before it is whole */
	_Atomic uint32_t generation; /* how often the slot was taken */
	struct slot_body body;
};

struct header {
	char magic[8];
	uint32_t layout;
	uint32_t slot_size;
	uint32_t slots;
	uint32_t zero;
	char boot_id[BOOT_ID_LENGTH];
	_Atomic uint32_t top; /* slots below it are in use or were; nobody
			       * looks at those above it */
};

struct table_file {
	union {
		struct header header;
		uint8_t octets[TABLE_HEADER_SIZE];
	};
	union {
		struct slot slot;
		uint8_t octets[TABLE_SLOT_SIZE];
	} slots[TABLE_SLOTS];
};

_Static_assert(sizeof(struct slot_owner) == 296, "no padding");
_Static_assert(sizeof(struct slot_body) % sizeof(uint64_t) == 0, "in words");
_Static_assert(sizeof(struct slot) <= TABLE_SLOT_SIZE, "a slot fits");
_Static_assert(sizeof(struct table_file) == TABLE_FILE_SIZE, "no padding");

#endif
