/* SPDX-License-Identifier: ISC */
/*
 * Walking over the slots, and copying entries out of them and into them.
 *
 * An entry becomes valid by its last store, that of its kind, and ends by its
 * first.  So a process that is killed inside the lock, which the kernel opens
 * then, leaves no entry that is half written.
 */
#include "share/entries.h"

#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "base/wait.h"
#include "share/guard.h"
#include "share/lock.h"
#include "wire/name.h"

/* The octets that tell a host from another: of IPv4, of an IPv6 /64. */
enum { HOST_IPV4 = 4, HOST_IPV6 = 8 };

/* --- The file. --- */

static struct slot *
slot_at(const struct table *t, uint32_t i)
{
	return &t->file->slots[i].slot;
}

static uint32_t
table_top(const struct table *t)
{
	const uint32_t top = t->file->header.top;

	return top < TABLE_SLOTS ? top : TABLE_SLOTS;
}

/* SECURITY: a compiler may read memory twice that nobody else should write;
 * volatile words are read once. */
static void
shared_read(void *to, const volatile void *from, size_t size)
{
	const volatile uint32_t *word = from;
	uint8_t *octet = to;

	for (size_t i = 0; i < size / sizeof(*word); i++) {
		const uint32_t copy = word[i];

		memcpy(octet + i * sizeof(copy), &copy, sizeof(copy));
	}
}

/* A moment in the file: never so large or small that reckoning with it would
 * overflow. */
static int64_t
moment_bound(int64_t moment)
{
	const int64_t most = INT64_MAX / 2;

	if (moment < 0)
		return 0;
	return moment < most ? moment : most;
}

/* When the slot's entry expires; 0 for what claims a life that we give
 * nobody. */
static int64_t
slot_expiry(const struct slot *s, int64_t now)
{
	int64_t at;

	shared_read(&at, &s->body.expires_at, sizeof(at));
	at = moment_bound(at);
	return at - now <= ENTRY_LIFE_MAX ? at : 0;
}

/* An ID's number rests for a while before another may get it. */
static bool
slot_is_free(const struct slot *s, int64_t now)
{
	const uint32_t kind = s->kind;
	const int64_t rest = kind == KIND_ID ? ENTRY_ID_REST : 0;

	return kind == KIND_NONE || now - rest >= slot_expiry(s, now);
}

/* --- Copies. --- */

static struct slot_address
address_pack(const struct address *a)
{
	struct slot_address packed = { .family = (uint8_t)a->family,
		.port = a->port };

	memcpy(packed.octets, a->octets, sizeof(packed.octets));
	return packed;
}

static struct address
address_unpack(const struct slot_address *packed)
{
	switch (packed->family) {
	case FAMILY_IPV4: return address_ipv4(packed->octets, packed->port);
	case FAMILY_IPV6: return address_ipv6(packed->octets, packed->port);
	default: return (struct address){ .family = FAMILY_NONE };
	}
}

/* SECURITY: rules compare names in the form of name_classify(); another one
 * would pass by those that deny it. */
static bool
name_is_sound(const char *name)
{
	char canonical[NAME_LENGTH_MAX + 1];
	struct address literal;

	return *name == '\0' ||
	    (name_classify((const uint8_t *)name, strlen(name), canonical,
		 &literal) == NAME_HOST &&
		strcmp(canonical, name) == 0);
}

/* False: none of our processes can have written it. */
static bool
entry_read(const struct turn *turn, uint32_t i, struct entry *e)
{
	const struct slot *s = slot_at(turn->table, i);
	struct slot_body body;

	shared_read(&body, &s->body, sizeof(body));
	*e = (struct entry){
		.handle = { i + 1, s->generation },
		.made_at = moment_bound(body.made_at),
		.used_at = moment_bound(body.used_at),
		.expires_at = moment_bound(body.expires_at),
		.pinned_at = moment_bound(body.pinned_at),
		.number = body.number,
		.count = body.address_count,
	};
	if (e->count > SLOT_ADDRESSES_MAX)
		e->count = SLOT_ADDRESSES_MAX;
	for (size_t k = 0; k < e->count; k++)
		e->addresses[k] = address_unpack(&body.addresses[k]);
	text_copy(e->name, sizeof(e->name), body.name);
	return name_is_sound(e->name);
}

void
entry_write(const struct turn *turn, struct entry *e)
{
	struct slot *s = slot_at(turn->table, e->handle.slot - 1);
	struct slot_body body;

	memset(&body, 0, sizeof(body));
	body.made_at = e->made_at;
	body.used_at = e->used_at;
	body.expires_at = e->expires_at;
	body.pinned_at = e->pinned_at;
	body.owner = turn->owner;
	body.number = e->number;
	body.address_count = (uint32_t)e->count;
	for (size_t i = 0; i < e->count; i++)
		body.addresses[i] = address_pack(&e->addresses[i]);
	text_copy(body.name, sizeof(body.name), e->name);
	s->kind = KIND_NONE;
	s->generation = e->handle.generation;
	s->body = body;
	s->kind = turn->kind;
}

void
entry_update(const struct turn *turn, const struct entry *e)
{
	struct slot *s = slot_at(turn->table, e->handle.slot - 1);

	s->body.used_at = e->used_at;
	s->body.expires_at = e->expires_at;
	s->body.number = e->number;
}

void
entry_end(const struct turn *turn, const struct table_handle *handle)
{
	slot_at(turn->table, handle->slot - 1)->kind = KIND_NONE;
}

/* --- A turn. --- */

static struct slot_owner
owner_pack(const struct share *share)
{
	struct slot_owner packed;

	memset(&packed, 0, sizeof(packed));
	packed.client = address_pack(&share->client);
	packed.client.port = 0;
	if (share->client.family == FAMILY_NONE)
		packed.uid = share->uid;
	text_copy(packed.auth, sizeof(packed.auth),
	    share->auth == NULL ? "" : share->auth);
	if (share->user != NULL && share->user_length <= USER_MAX) {
		packed.user_length = (uint8_t)share->user_length;
		memcpy(packed.user, share->user, share->user_length);
	}
	return packed;
}

static uint32_t
table_trim(struct table *t, int64_t now)
{
	uint32_t top = table_top(t);

	while (top > 0 && slot_is_free(slot_at(t, top - 1), now))
		top--;
	t->file->header.top = top;
	return top;
}

/* This looks without the lock, so that a session that needs nothing pays
 * nothing.  What it could find was there before its client asked for it. */
static bool
table_is_empty(const struct table *t)
{
	return t->file != NULL && table_top(t) == 0;
}

/* Is all of it there?  A file that was cut short has no last page. */
static bool
table_is_whole(struct table *t)
{
	uint32_t last;

	shared_read(&last, &slot_at(t, TABLE_SLOTS - 1)->body.number,
	    sizeof(last));
	if (!guard_has_lost())
		return true;
	table_keep_locks(t);
	text_copy(t->problem, sizeof(t->problem),
	    "the association table was cut short");
	return false;
}

bool
turn_begin(struct turn *turn, const struct share *share, enum kind kind)
{
	struct table *t = share->table;

	if (t->file == NULL)
		return false;
	if (!lock_wait(t->fd, t->patience)) {
		t->patience = 0;
		text_copy(t->problem, sizeof(t->problem),
		    "the lock of the association table was not to be had");
		return false;
	}
	if (!table_is_whole(t))
		return false;
	turn->table = t;
	turn->kind = kind;
	turn->owner = owner_pack(share);
	turn->now = clock_now();
	turn->top = table_trim(t, turn->now);
	return true;
}

void
turn_end(const struct turn *turn)
{
	(void)lock_set(turn->table->fd, F_UNLCK, 0);
}

/* --- Finding. --- */

/* SECURITY: the whole owner is compared: address, identity and how it was
 * proved. */
static bool
slot_is_own(const struct turn *turn, const struct slot *s)
{
	return s->kind == (uint32_t)turn->kind &&
	    memcmp(&s->body.owner, &turn->owner, sizeof(turn->owner)) == 0;
}

bool
entry_find(const struct turn *turn, entry_test *test, const void *what,
    struct entry *out)
{
	struct entry e;
	bool found = false;

	for (uint32_t i = 0; i < turn->top; i++) {
		const struct slot *s = slot_at(turn->table, i);

		if (!slot_is_own(turn, s) ||
		    turn->now >= slot_expiry(s, turn->now) ||
		    !entry_read(turn, i, &e))
			continue;
		if ((found && e.made_at <= out->made_at) || !test(&e, what))
			continue;
		*out = e;
		found = true;
	}
	return found;
}

bool
entry_is_any(const struct entry *e, const void *what)
{
	(void)e;
	(void)what;
	return true;
}

bool
entry_is_at(const struct entry *e, const void *address)
{
	return e->count > 0 && address_equal(&e->addresses[0], address);
}

enum table_result
entry_visit(const struct share *share, const struct visit *visit)
{
	struct turn turn;
	struct entry e;

	if (table_is_empty(share->table))
		return TABLE_NONE;
	if (!turn_begin(&turn, share, visit->kind))
		return TABLE_UNUSABLE;
	const bool found = entry_find(&turn, visit->test, visit->what, &e);
	if (found)
		visit->use(&turn, &e, visit->out);
	turn_end(&turn);
	return found ? TABLE_OK : TABLE_NONE;
}

uint32_t
entry_count(const struct turn *turn, uint32_t number)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < turn->top; i++) {
		const struct slot *s = slot_at(turn->table, i);

		if (s->kind == (uint32_t)turn->kind &&
		    s->body.number == number)
			n++;
	}
	return n;
}

uint32_t
entry_count_all(const struct turn *turn)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < turn->top; i++)
		if (slot_at(turn->table, i)->kind == (uint32_t)turn->kind)
			n++;
	return n;
}

bool
entry_of(const struct turn *turn, const struct table_handle *handle,
    struct entry *out)
{
	if (handle->slot == 0 || handle->slot > turn->top ||
	    !slot_is_own(turn, slot_at(turn->table, handle->slot - 1)))
		return false;
	return entry_read(turn, handle->slot - 1, out) &&
	    out->handle.generation == handle->generation;
}

static off_t
octet_of(const struct table_handle *handle)
{
	return TABLE_FILE_SIZE + (off_t)handle->generation * TABLE_SLOTS +
	    handle->slot;
}

bool
entry_hold(const struct table *t, const struct table_handle *handle)
{
	return lock_set(t->directory, F_RDLCK, octet_of(handle));
}

bool
entry_is_held(const struct table *t, const struct table_handle *handle)
{
	return lock_is_held(t->directory, octet_of(handle));
}

/* --- Taking a slot. --- */

/* The slots that a new entry may be put into, counted from 1; 0: there is
 * none of that sort. */
struct vacancy {
	uint32_t free;
	uint32_t own; /* the share's least recently used */
	int64_t own_used_at;
	uint32_t own_count;  /* its live ones of the kind */
	uint32_t host_count; /* those of its host, of all kinds */
	uint32_t resting;    /* the ID that rests longest */
	int64_t resting_since;
	uint32_t host_resting; /* the same of its host */
	int64_t host_resting_since;
	uint32_t host_resting_count;
};

/* Whether one host has both, whoever is there. */
static bool
is_same_host(const struct slot_owner *ours, const struct slot *s)
{
	const struct slot_address *client = &ours->client;
	const struct slot_owner *other = &s->body.owner;

	if (client->family != other->client.family)
		return false;
	if (client->family == FAMILY_NONE)
		return ours->uid == other->uid;
	return memcmp(client->octets, other->client.octets,
		   client->family == FAMILY_IPV6 ? HOST_IPV6 : HOST_IPV4) == 0;
}

void
entry_visit_host(const struct turn *turn,
    void (*visit)(const struct turn *turn, struct entry *e))
{
	for (uint32_t i = 0; i < turn->top; i++) {
		const struct slot *s = slot_at(turn->table, i);
		struct entry e;

		if (s->kind != (uint32_t)turn->kind ||
		    turn->now >= slot_expiry(s, turn->now) ||
		    !is_same_host(&turn->owner, s))
			continue;
		if (entry_read(turn, i, &e))
			visit(turn, &e);
	}
}

static void
vacancy_note_live(struct vacancy *v, const struct turn *turn, uint32_t i)
{
	const struct slot *s = slot_at(turn->table, i);
	int64_t used_at;

	if (!is_same_host(&turn->owner, s))
		return;
	v->host_count++;
	if (!slot_is_own(turn, s))
		return;
	v->own_count++;
	shared_read(&used_at, &s->body.used_at, sizeof(used_at));
	used_at = moment_bound(used_at);
	if (v->own == 0 || used_at < v->own_used_at) {
		v->own = i + 1;
		v->own_used_at = used_at;
	}
}

static void
vacancy_note_resting(struct vacancy *v, const struct turn *turn, uint32_t i,
    int64_t since)
{
	if (v->resting == 0 || since < v->resting_since) {
		v->resting = i + 1;
		v->resting_since = since;
	}
	if (!is_same_host(&turn->owner, slot_at(turn->table, i)))
		return;
	v->host_resting_count++;
	if (v->host_resting == 0 || since < v->host_resting_since) {
		v->host_resting = i + 1;
		v->host_resting_since = since;
	}
}

static void
vacancy_note(struct vacancy *v, const struct turn *turn, uint32_t i)
{
	const struct slot *s = slot_at(turn->table, i);
	const int64_t expires_at = slot_expiry(s, turn->now);

	if (slot_is_free(s, turn->now)) {
		if (v->free == 0)
			v->free = i + 1;
	} else if (turn->now < expires_at) {
		vacancy_note_live(v, turn, i);
	} else {
		vacancy_note_resting(v, turn, i, expires_at);
	}
}

/* Whoever comes to the table next: 0 where all of it is in use. */
static uint32_t
vacancy_any(const struct vacancy *v, const struct turn *turn)
{
	if (v->free != 0)
		return v->free;
	return turn->top < TABLE_SLOTS ? turn->top + 1 : v->resting;
}

/* The share's own makes room.  The number of an ID rests from now on, as that
 * of one that has expired, if there is another slot for the new one: of its
 * host, where that has as many as it may. */
static uint32_t
vacancy_evict(const struct vacancy *v, const struct turn *turn, uint32_t own)
{
	const bool crowded = v->host_count + v->host_resting_count >=
	    HOST_ENTRIES_MAX;
	const uint32_t other = crowded ? v->host_resting :
					 vacancy_any(v, turn);

	if (turn->kind != KIND_ID || own == 0 || other == 0)
		return own;
	slot_at(turn->table, own - 1)->body.expires_at = turn->now;
	return other;
}

/* SECURITY: a guesser's slot is no entry that it could want, so what its host
 * has does not keep it from being counted. */
static uint32_t
vacancy_slot(const struct vacancy *v, const struct turn *turn,
    const struct quota *quota)
{
	const uint32_t own = turn->now - v->own_used_at >= quota->rest ?
	    v->own :
	    0;
	uint32_t any;

	if (v->own_count >= quota->most ||
	    (v->host_count >= HOST_ENTRIES_MAX && turn->kind != KIND_GUESS))
		return vacancy_evict(v, turn, own);
	any = vacancy_any(v, turn);
	return any != 0 ? any : own;
}

bool
entry_choose(const struct turn *turn, const struct quota *quota,
    int64_t expires_at, struct entry *e)
{
	struct vacancy v = { .free = 0 };
	uint32_t slot;

	for (uint32_t i = 0; i < turn->top; i++)
		vacancy_note(&v, turn, i);
	slot = vacancy_slot(&v, turn, quota);
	if (slot == 0)
		return false;
	if (slot > turn->top)
		turn->table->file->header.top = slot;
	*e = (struct entry){
		.handle = { slot,
		    slot_at(turn->table, slot - 1)->generation + 1 },
		.made_at = turn->now,
		.used_at = turn->now,
		.expires_at = expires_at,
	};
	return true;
}
