/*
 * The association table: what sessions of one client share, in a small mapped
 * file of the state directory.  Four kinds of entries: ADDRESS IDs (FTP
 * aliases 0.r.r.r among them), live FTP control connections, announced FTP
 * data connections, live BIND ports.
 *
 * Each entry belongs to an owner, a client's address with its identity, and
 * nobody else ever finds it.  No entry is a permit by itself but the announced
 * data connection (INTERFACE.md 4, Rules).
 *
 * Every operation locks the file for itself alone and for a moment.  A process
 * that dies, in the lock too, leaves whole entries or none.
 */
#ifndef SOCKS64_NET_TABLE_H
#define SOCKS64_NET_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/name.h"

enum {
	TABLE_SLOTS = 4096,
	TABLE_SLOT_SIZE = 1024,
	TABLE_HEADER_SIZE = 4096,
	TABLE_FILE_SIZE = TABLE_HEADER_SIZE + TABLE_SLOTS * TABLE_SLOT_SIZE,
	TABLE_PROBLEM_TEXT = 256,
	TABLE_RULE_TEXT = NAME_LENGTH_MAX + 1,
	TABLE_ADDRESSES_MAX = 8,
};

/* Milliseconds. */
enum {
	TABLE_ID_LIFE = 300 * 1000,      /* from making or last use */
	TABLE_ID_LIFE_MAX = 3600 * 1000, /* from making */
	TABLE_ID_REST = 600 * 1000,      /* before a number is used again */
	TABLE_CONTROL_LIFE = 90 * 1000,  /* from making or refreshing */
	TABLE_CONTROL_REFRESH = 30 * 1000,
	TABLE_DATA_LIFE = 120 * 1000,
	TABLE_GUESS_LIFE = 60 * 1000,
};

/* For each owner. */
enum {
	TABLE_IDS_MAX = 64,
	TABLE_CONTROLS_MAX = 64,
	TABLE_DATA_MAX = 64,
	TABLE_BINDS_MAX = 64,
	TABLE_GUESSES_MAX = 8, /* wrong IDs a minute */
};

/* What an operation came to.  Zero is the safe value. */
enum table_result {
	TABLE_UNUSABLE, /* no table, or its lock was not to be had in time */
	TABLE_NONE,     /* there is no such entry, for this owner */
	TABLE_FULL,     /* no room, and nothing of this owner's to replace */
	TABLE_OK,
};

struct table_file;

struct table {
	int fd;                  /* -1: none */
	struct table_file *file; /* mapped; NULL: none */
	/* Why there is none, as a sentence; empty where there is one. */
	char problem[TABLE_PROBLEM_TEXT];
};

/* Whose an entry is: compared as a whole.  Borrowed. */
struct table_owner {
	struct address client; /* the port does not count; FAMILY_NONE: by
				  uid, a unix-domain client */
	uint32_t uid;
	const char *auth;      /* the record's word: none, password, ... */
	const char *user;      /* user_length octets, at most 255 */
	size_t user_length;
};

/* What an ADDRESS ID stands for: addresses, and the name that they were
 * looked up by; empty for an address that was given. */
struct table_target {
	char name[NAME_LENGTH_MAX + 1];
	struct address addresses[TABLE_ADDRESSES_MAX];
	size_t count;
	int64_t made_at; /* filled in by table_id_find */
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
 * SECURITY: a directory or a file that others may write, a symlink, a file of
 * another owner, size, layout or boot is not used, and never repaired.
 */
bool table_open(struct table *t, const char *directory);
void table_close(struct table *t);

/*
 * In all that follows `now` is clock_now(), and what has expired by then is
 * not there.  Strings are copied.  Results other than TABLE_OK leave the out
 * parameters as they are.
 */

/* --- ADDRESS IDs and FTP aliases --- */

/*
 * A REALID, 0x000100 to 0xffffff, for the target.  The owner's ID of the same
 * target is given again and lives anew.  An owner with too many loses its
 * least recently used one.
 */
enum table_result table_id_make(struct table *t,
    const struct table_owner *owner, const struct table_target *target,
    int64_t now, uint32_t *id);

/*
 * What the ID stands for; it lives anew.  TABLE_NONE for an unknown one and
 * for anyone else's, and for all of them while the owner guesses.
 */
enum table_result table_id_find(struct table *t,
    const struct table_owner *owner, uint32_t id, int64_t now,
    struct table_target *out);

/* --- Live FTP control connections --- */

/* name: what the client asked for, as name_classify() gives it, "" for an
 * address.  server: with the port, what was dialled.  rule: the verdict's. */
struct table_control {
	char name[NAME_LENGTH_MAX + 1];
	struct address server;
	char rule[TABLE_RULE_TEXT];
};

/*
 * Says that a control connection lives, for TABLE_CONTROL_LIFE; said again
 * with the same handle every TABLE_CONTROL_REFRESH.  So it is there for 60 to
 * 90 s after its end, whatever that was.  *handle is zero at first.
 */
enum table_result table_control_put(struct table *t,
    const struct table_owner *owner, const struct table_control *control,
    int64_t now, struct table_handle *handle);

/* The youngest of the owner's control connections by that name (not ""),
 * or to that address, whatever its port. */
enum table_result table_control_by_name(struct table *t,
    const struct table_owner *owner, const char *name, int64_t now,
    struct table_control *out);
enum table_result table_control_by_address(struct table *t,
    const struct table_owner *owner, const struct address *address,
    int64_t now, struct table_control *out);

/* --- Announced FTP data connections --- */

/*
 * The server announced that it waits at `to` (address and port), on a control
 * connection that `rule` allowed.  *handle: what was announced before on that
 * control connection, which this replaces; zero at first.
 */
enum table_result table_data_announce(struct table *t,
    const struct table_owner *owner, const struct address *to,
    const char *rule, int64_t now, struct table_handle *handle);

/* Is it announced to this owner?  rule as it was given. */
enum table_result table_data_find(struct table *t,
    const struct table_owner *owner, const struct address *to, int64_t now,
    char rule[TABLE_RULE_TEXT]);

/* The same, and takes it away: it is good for one connection. */
enum table_result table_data_take(struct table *t,
    const struct table_owner *owner, const struct address *to, int64_t now,
    char rule[TABLE_RULE_TEXT]);

/* --- Live BIND ports --- */

/* Where a BIND listens: the same port at both; FAMILY_NONE where it does not
 * listen in that family.  told: BND of its first reply, which may be neither
 * of them (`advertise'). */
struct table_bind {
	struct address told;
	struct address ipv4;
	struct address ipv6;
};

/*
 * Says that this process listens there until `until` at most.  The entry is
 * bound to this table's descriptor: it is gone with the process, however
 * that ends.
 */
enum table_result table_bind_put(struct table *t,
    const struct table_owner *owner, const struct table_bind *bind,
    int64_t until, struct table_handle *handle);

/* The listener is closed. */
void table_bind_remove(struct table *t, const struct table_handle *handle);

/* The owner's live BIND, of another process, that told that address and port
 * or listens there. */
enum table_result table_bind_find(struct table *t,
    const struct table_owner *owner, const struct address *announced,
    int64_t now, struct table_bind *out);

#endif
