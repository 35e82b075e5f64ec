/* SPDX-License-Identifier: ISC */
/*
 * ADDRESS IDs (draft-kitamura-socks-ipv6): numbers that stand for addresses,
 * each in one share.  The FTP aliases 0.r.r.r, which IPv4 clients get in the
 * place of an IPv6 server's address, are such numbers.
 */
#ifndef SOCKS64_SHARE_IDS_H
#define SOCKS64_SHARE_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "share/table.h"

enum {
	ID_ADDRESSES_MAX = 8, /* that one ID stands for */
	IDS_MAX = 256,        /* live ones of one share */
	GUESSES_MAX = 8,      /* wrong IDs of one share in GUESS_LIFE */
};

/* Milliseconds. */
enum {
	ID_LIFE = 300 * 1000,      /* from ids_make() or the last use */
	ID_LIFE_MAX = 3600 * 1000, /* from ids_make() */
	GUESS_LIFE = 60 * 1000,
	ID_PIN_LIFE = 60 * 1000, /* of the address that a name had last */
};

/* What an ID stands for. */
struct table_target {
	/* The name that the addresses were looked up by; "" where the client
	 * gave an address. */
	char name[NAME_LENGTH_MAX + 1];
	/* Those that it stands for, without ports.  Of a name: where it was
	 * used within ID_PIN_LIFE, or none. */
	struct address addresses[ID_ADDRESSES_MAX];
	size_t count;
	int64_t made_at; /* clock_now(); filled in by ids_find() */
};

/*
 * Makes a number, 0x000100 to 0xffffff, for the target; it lives for ID_LIFE.
 * Where the share has an ID of the same target that may live so long, that
 * one is given again.  A share with IDS_MAX of them loses the one that it
 * used least recently, whose number rests as if it had expired.
 */
enum table_result ids_make(const struct share *share,
    const struct table_target *target, uint32_t *id);

/*
 * Looks up what an ID stands for, which prolongs its life.  TABLE_NONE for a
 * number that nobody has, for one of another share, and for every number
 * while this share has guessed wrong GUESSES_MAX times.
 */
enum table_result ids_find(const struct share *share, uint32_t id,
    struct table_target *out);

/* Notes that the name behind an ID was used at that address, so that for
 * ID_PIN_LIFE it means the same host to whoever uses the ID. */
enum table_result ids_pin(const struct share *share, uint32_t id,
    const struct address *address);

/*
 * Lets an ID live as long as this process keeps the table's directory open
 * (table_keep_locks()), ID_LIFE_MAX at most: for the connection that it was
 * made for.  When that is over it is as any other, and lives for ID_LIFE from
 * its last use.  A process keeps one.  TABLE_UNUSABLE: the kernel has no lock
 * for it, and it is as any other.
 */
enum table_result ids_keep(const struct share *share, uint32_t id);

/* Removes an ID that was made and not given or used again since: what it was
 * made for failed. */
enum table_result ids_forget(const struct share *share, uint32_t id);

#endif
