/* SPDX-License-Identifier: ISC */
/*
 * ADDRESS IDs (draft-kitamura-socks-ipv6), the FTP aliases 0.r.r.r among
 * them: a number that stands for addresses, in one share.
 */
#ifndef SOCKS64_SHARE_IDS_H
#define SOCKS64_SHARE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "share/table.h"

enum {
	TABLE_ADDRESSES_MAX = 8,
	TABLE_IDS_MAX = 64,    /* in a share */
	TABLE_GUESSES_MAX = 8, /* wrong IDs of a share in a minute */
};

/* Milliseconds. */
enum {
	TABLE_ID_LIFE = 300 * 1000,      /* from making or last use */
	TABLE_ID_LIFE_MAX = 3600 * 1000, /* from making */
	TABLE_GUESS_LIFE = 60 * 1000,
};

/* What an ID stands for: addresses, and the name that they were looked up by;
 * empty for an address that was given. */
struct table_target {
	char name[NAME_LENGTH_MAX + 1];
	struct address addresses[TABLE_ADDRESSES_MAX];
	size_t count;
	int64_t made_at; /* filled in by table_id_find */
};

/*
 * A REALID, 0x000100 to 0xffffff, for the target, which lives for
 * TABLE_ID_LIFE.  The share's ID of the same target is given again where it
 * may live so long.  A share with too many loses its least recently used one.
 */
enum table_result table_id_make(const struct share *share,
    const struct table_target *target, uint32_t *id);

/*
 * What the ID stands for; it lives anew.  TABLE_NONE for an unknown one and
 * for anyone else's, and for all of them while the share guesses.
 */
enum table_result table_id_find(const struct share *share, uint32_t id,
    struct table_target *out);

#endif
