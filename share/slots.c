/* SPDX-License-Identifier: ISC */
/*
 * Walking over the slots.  The file is trusted as far as the handler's own
 * user is: numbers in it are checked before they count anything.
 *
 * An entry becomes valid by its last store, that of its kind, and ends by its
 * first.  So a process that is killed inside the lock, which the kernel opens
 * then, leaves no entry that is half written.
 */
#include "share/slots.h"

#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "base/wait.h"
#include "share/lock.h"

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

/* An ID's number rests for a while before another may get it. */
static bool
slot_is_free(const struct slot *s, int64_t now)
{
	const int64_t rest = s->kind == KIND_ID ? SLOT_ID_REST : 0;

	return s->kind == KIND_NONE || now - rest >= s->expires_at;
}

/* --- Addresses and strings. --- */

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
	case FAMILY_IPV4:
		return address_ipv4(packed->octets, packed->port);
	case FAMILY_IPV6:
		return address_ipv6(packed->octets, packed->port);
	default:
		return (struct address){ .family = FAMILY_NONE };
	}
}

void
slot_add_address(struct slot *s, const struct address *a)
{
	s->addresses[s->address_count++] = address_pack(a);
}

struct address
slot_address(const struct slot *s, size_t i)
{
	if (i >= s->address_count || i >= SLOT_ADDRESSES_MAX)
		return (struct address){ .family = FAMILY_NONE };
	return address_unpack(&s->addresses[i]);
}

bool
slot_is_at(const struct slot *s, const void *address)
{
	const struct address a = slot_address(s, 0);

	return address_equal(&a, address);
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

static void
table_trim(struct table *t, int64_t now)
{
	uint32_t top = table_top(t);

	while (top > 0 && slot_is_free(slot_at(t, top - 1), now))
		top--;
	t->file->header.top = top;
}

/* This looks without the lock, so that a session that needs nothing pays
 * nothing.  What it could find was there before its client asked for it. */
static bool
table_is_empty(const struct table *t)
{
	return t->file != NULL && table_top(t) == 0;
}

bool
turn_begin(struct turn *turn, const struct share *share, enum kind kind)
{
	struct table *t = share->table;

	if (t->file == NULL)
		return false;
	if (!lock_wait(t->fd)) {
		text_copy(t->problem, sizeof(t->problem),
		    "the lock of the association table was not to be had");
		return false;
	}
	turn->table = t;
	turn->kind = kind;
	turn->owner = owner_pack(share);
	turn->now = clock_now();
	table_trim(t, turn->now);
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
	return s->kind == turn->kind &&
	    memcmp(&s->owner, &turn->owner, sizeof(s->owner)) == 0;
}

struct slot *
slot_find(const struct turn *turn, slot_test *test, const void *what)
{
	const uint32_t top = table_top(turn->table);
	struct slot *found = NULL;

	for (uint32_t i = 0; i < top; i++) {
		struct slot *s = slot_at(turn->table, i);

		if (slot_is_own(turn, s) && turn->now < s->expires_at &&
		    test(s, what) &&
		    (found == NULL || s->made_at > found->made_at))
			found = s;
	}
	return found;
}

enum table_result
slot_visit(const struct share *share, const struct visit *visit)
{
	struct turn turn;
	struct slot *s;

	if (table_is_empty(share->table))
		return TABLE_NONE;
	if (!turn_begin(&turn, share, visit->kind))
		return TABLE_UNUSABLE;
	s = slot_find(&turn, visit->test, visit->what);
	if (s != NULL)
		visit->use(s, visit->out);
	turn_end(&turn);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}

uint32_t
slot_count(const struct turn *turn, slot_test *test, const void *what)
{
	const uint32_t top = table_top(turn->table);
	uint32_t n = 0;

	for (uint32_t i = 0; i < top; i++) {
		const struct slot *s = slot_at(turn->table, i);

		if (s->kind == turn->kind && (test == NULL || test(s, what)))
			n++;
	}
	return n;
}

/* --- Taking. --- */

/* The slots that a new entry may be put into, best first. */
struct vacancy {
	struct slot *free;
	struct slot *own;     /* the share's least recently used */
	uint32_t own_count;   /* its live ones */
	struct slot *resting; /* the ID that rests longest */
};

static void
vacancy_note(struct vacancy *v, struct slot *s, const struct turn *turn)
{
	const bool live = turn->now < s->expires_at;

	if (slot_is_free(s, turn->now)) {
		if (v->free == NULL)
			v->free = s;
		return;
	}
	if (!live && (v->resting == NULL ||
	    s->expires_at < v->resting->expires_at))
		v->resting = s;
	if (live && slot_is_own(turn, s)) {
		v->own_count++;
		if (v->own == NULL || s->used_at < v->own->used_at)
			v->own = s;
	}
}

struct slot *
slot_choose(const struct turn *turn, uint32_t most)
{
	struct table *t = turn->table;
	const uint32_t top = table_top(t);
	struct vacancy v = { .free = NULL };

	for (uint32_t i = 0; i < top; i++)
		vacancy_note(&v, slot_at(t, i), turn);
	if (v.own_count >= most)
		return v.own;
	if (v.free != NULL)
		return v.free;
	if (top < TABLE_SLOTS) {
		t->file->header.top = top + 1;
		return slot_at(t, top);
	}
	return v.resting != NULL ? v.resting : v.own;
}

void
slot_begin(const struct turn *turn, struct slot *s, int64_t expires_at)
{
	slot_end(s);
	s->generation++;
	memset((uint8_t *)s + offsetof(struct slot, made_at), 0,
	    sizeof(*s) - offsetof(struct slot, made_at));
	s->owner = turn->owner;
	s->made_at = turn->now;
	s->used_at = turn->now;
	s->expires_at = expires_at;
}

void
slot_publish(const struct turn *turn, struct slot *s)
{
	s->kind = turn->kind;
}

void
slot_end(struct slot *s)
{
	s->kind = KIND_NONE;
}

/* --- Handles. --- */

struct table_handle
slot_handle(const struct table *t, const struct slot *s)
{
	const size_t offset = (size_t)((const uint8_t *)s -
	    t->file->slots[0].octets);

	return (struct table_handle){
		.slot = (uint32_t)(offset / TABLE_SLOT_SIZE) + 1,
		.generation = s->generation,
	};
}

struct slot *
slot_of(const struct turn *turn, const struct table_handle *handle)
{
	struct slot *s;

	if (handle->slot == 0 || handle->slot > table_top(turn->table))
		return NULL;
	s = slot_at(turn->table, handle->slot - 1);
	return s->generation == handle->generation && slot_is_own(turn, s) ?
	    s : NULL;
}

off_t
slot_octet(const struct table_handle *handle)
{
	return (off_t)TABLE_FILE_SIZE + handle->slot;
}
