/* SPDX-License-Identifier: ISC */
/*
 * Slots, clients and their limits.  What the gate writes while it accepts lies
 * here, in shared memory: a private page would be copied after every fork.
 */
#include "service/ledger.h"

#include <string.h>

enum { KEY_IPV4 = 1, KEY_IPV6, KEY_UID };

/* Of a user whom the parent refused: a value that no user has. */
enum { USER_NOBODY = 1 };

/* -------------------------------------------------------------- clients */

static uint64_t
octets_load(const uint8_t *octets, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | octets[i];
	return value;
}

/* ::1, and fe80::/10, where a /64 is the whole link. */
static bool
stands_alone(const struct address *a, uint64_t high, uint64_t low)
{
	return address_is_link_local(a) || (high == 0 && low == 1);
}

/*
 * An IPv4 address, an IPv6 /64 (the whole address where it is loopback or
 * link-local), the uid of a unix-domain client (FAMILY_NONE).
 */
static struct key
key_of(const struct address *client, uint32_t uid)
{
	struct key key = { .kind = KEY_UID, .low = uid };

	switch (client->family) {
	case FAMILY_NONE: break;
	case FAMILY_IPV4:
		key.kind = KEY_IPV4;
		key.low = octets_load(client->octets, 4);
		break;
	case FAMILY_IPV6:
		key.kind = KEY_IPV6;
		key.high = octets_load(client->octets, 8);
		key.low = octets_load(client->octets + 8, 8);
		if (!stands_alone(client, key.high, key.low))
			key.low = 0;
		break;
	}
	return key;
}

static bool
key_equal(const struct key *a, const struct key *b)
{
	return a->kind == b->kind && a->high == b->high && a->low == b->low;
}

/* The finalizer of SplitMix64: every bit of x reaches every bit. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static size_t
key_hash(const struct ledger *l, const struct key *key)
{
	return (size_t)mix(mix(mix(l->seed ^ key->kind) ^ key->high) ^
		   key->low) %
	    LEDGER_CLIENTS;
}

/* Nothing would be forgotten with it. */
static bool
is_idle(const struct client *c, int64_t now)
{
	return c->key.kind == 0 ||
	    (c->sessions == 0 && c->due <= now &&
		now - c->reported > REPORTS_PERIOD);
}

/* Can be given away, where there is no idle one. */
static bool
is_older(const struct client *c, const struct client *than)
{
	return c->sessions == 0 && (than == NULL || c->due < than->due);
}

/*
 * The entry of that client, made where there is none: an idle one of the few
 * places where it may be is given to it, else the oldest without a session.
 * NULL: all of them have sessions.
 */
static struct client *
client_of(struct ledger *l, const struct key *key, int64_t now)
{
	const size_t start = key_hash(l, key);
	struct client *idle = NULL;
	struct client *oldest = NULL;

	for (size_t i = 0; i < LEDGER_PROBES; i++) {
		struct client *c = &l->clients[(start + i) % LEDGER_CLIENTS];

		if (key_equal(&c->key, key))
			return c;
		if (idle == NULL && is_idle(c, now))
			idle = c;
		if (is_older(c, oldest))
			oldest = c;
		if (c->key.kind == 0)
			break; /* no entry was ever made behind it */
	}
	if (idle == NULL)
		idle = oldest;
	if (idle != NULL)
		*idle = (struct client){ .key = *key,
			.reported = now - REPORTS_PERIOD - 1 };
	return idle;
}

/* ---------------------------------------------------------------- slots */

static void
slot_free(struct ledger *l, uint32_t i)
{
	struct slot *slot = &l->slots[i];

	if (slot->counted != 0)
		l->clients[slot->counted - 1].sessions--;
	slot->counted = 0;
	slot->taken = false;
	l->free[l->free_count++] = i;
}

static void
sweep(struct ledger *l)
{
	const uint64_t ended = l->ended;

	if (ended == l->swept)
		return;
	for (uint32_t i = 0; i < l->high; i++)
		if (l->slots[i].taken && l->pids[i] == 0)
			slot_free(l, i);
	l->swept = ended;
}

/* A sweep looks at all slots up to l->high: it is worth it when a good part
 * of them may be free. */
static uint32_t
slot_take(struct ledger *l)
{
	if (l->free_count == 0 &&
	    (l->high == LEDGER_SLOTS || l->ended - l->swept > l->high / 4))
		sweep(l);
	if (l->free_count > 0)
		return l->free[--l->free_count];
	return l->high < LEDGER_SLOTS ? l->high++ : LEDGER_NO_SLOT;
}

static void
slot_count(struct ledger *l, struct slot *slot, struct client *c)
{
	slot->counted = (uint32_t)(c - l->clients) + 1;
	c->sessions++;
}

void
ledger_begin(struct ledger *l)
{
	l->free_count = 0;
	for (uint32_t i = 0; i < l->high; i++) {
		const uint32_t counted = l->slots[i].counted;

		if (counted != 0)
			l->clients[counted - 1].sessions = 0;
		l->slots[i].counted = 0;
	}
	for (uint32_t i = l->high; i-- > 0;)
		if (l->pids[i] == 0)
			slot_free(l, i);
	l->swept = l->ended;
	l->started = l->ended + l->high - l->free_count;
}

void
ledger_count(struct ledger *l)
{
	for (uint32_t i = 0; i < l->high; i++) {
		struct slot *slot = &l->slots[i];
		const struct key key = key_of(&slot->client, slot->uid);
		struct client *c = slot->taken && !slot->exempt ?
		    client_of(l, &key, slot->since) :
		    NULL;

		if (c != NULL)
			slot_count(l, slot, c);
	}
}

/* ------------------------------------------------------------ admission */

uint64_t
ledger_live(const struct ledger *l)
{
	const uint64_t ended = l->ended;

	return l->started - ended;
}

static bool
has_too_many(struct ledger *l, const struct client *c, uint32_t most)
{
	if (c->sessions >= most)
		sweep(l);
	return c->sessions >= most;
}

/*
 * The generic cell rate algorithm: `due' is when all connections so far would
 * have come at an even pace; one may be so far ahead of it that N come at
 * once.
 */
static bool
is_too_fast(struct client *c, const struct rate *rate, int64_t now)
{
	const int64_t all = rate->time * 1000;
	const int64_t one = all / rate->count;
	const int64_t due = c->due > now ? c->due : now;

	if (due - now > all - one)
		return true;
	c->due = due + one;
	return false;
}

static enum admission
admit_client(struct ledger *l, const struct limits *limits,
    const struct visitor *visitor, struct client **out)
{
	const struct key key = key_of(&visitor->client, visitor->uid);
	struct client *c = client_of(l, &key, visitor->now);

	*out = c;
	if (c == NULL)
		return ADMISSION_FULL;
	if (limits->per_client > 0 && has_too_many(l, c, limits->per_client))
		return ADMISSION_PER_CLIENT;
	if (limits->rate.count > 0 &&
	    is_too_fast(c, &limits->rate, visitor->now))
		return ADMISSION_RATE;
	return ADMISSION_GRANTED;
}

enum admission
ledger_admit(struct ledger *l, const struct limits *limits,
    const struct visitor *visitor, uint32_t *slot)
{
	const bool counting = !visitor->exempt &&
	    (limits->per_client > 0 || limits->rate.count > 0);
	struct client *c = NULL;
	enum admission admission = ADMISSION_GRANTED;

	if (ledger_live(l) >= limits->sessions)
		return ADMISSION_SESSIONS;
	if (counting)
		admission = admit_client(l, limits, visitor, &c);
	if (admission != ADMISSION_GRANTED)
		return admission;
	*slot = slot_take(l);
	if (*slot == LEDGER_NO_SLOT)
		return ADMISSION_FULL;
	l->slots[*slot] = (struct slot){ .client = visitor->client,
		.uid = visitor->uid,
		.since = visitor->now,
		.since_utc = visitor->now_utc,
		.taken = true,
		.exempt = visitor->exempt };
	if (c != NULL)
		slot_count(l, &l->slots[*slot], c);
	l->started++;
	return ADMISSION_GRANTED;
}

void
ledger_release(struct ledger *l, uint32_t slot)
{
	l->started--;
	slot_free(l, slot);
}

uint32_t
ledger_report(struct ledger *l, const struct visitor *visitor)
{
	const struct key key = key_of(&visitor->client, visitor->uid);
	struct client *c = client_of(l, &key, visitor->now);
	uint32_t before;

	if (visitor->now - l->reports_since >= REPORTS_PERIOD) {
		l->reports_since = visitor->now;
		l->reports = 0;
	}
	if (c == NULL)
		return 0;
	if (visitor->now - c->reported < REPORTS_PERIOD ||
	    l->reports >= REPORTS_MOST) {
		c->unreported++;
		return 0;
	}
	l->reports++;
	before = c->unreported;
	c->unreported = 0;
	c->reported = visitor->now;
	return before + 1;
}

/* ------------------------------------------------------------ the parent */

uint32_t
ledger_find(const struct ledger *l, int32_t pid)
{
	uint32_t i = 0;

	while (i < l->high && l->pids[i] != pid)
		i++;
	return i < l->high && pid > 0 ? i : LEDGER_NO_SLOT;
}

void
ledger_end(struct ledger *l, uint32_t slot)
{
	l->users[slot] = 0;
	l->pids[slot] = 0;
	l->ended++;
}

static uint64_t
user_hash(const struct ledger *l, const struct claim *claim)
{
	uint64_t hash = l->seed ^ claim->length;

	for (size_t i = 0; i < claim->length; i++)
		hash = mix(hash + claim->user[i] + 1);
	return hash > USER_NOBODY ? hash : hash + USER_NOBODY + 1;
}

enum user_admission
ledger_admit_user(struct ledger *l, uint32_t slot, const struct claim *claim)
{
	const uint64_t user = user_hash(l, claim);
	uint32_t sessions = 0;

	if (l->users[slot] != 0)
		return USER_REPEATED;
	for (uint32_t i = 0; i < l->high; i++)
		if (l->users[i] == user)
			sessions++;
	l->users[slot] = sessions < claim->most ? user : USER_NOBODY;
	return sessions < claim->most ? USER_GRANTED : USER_DENIED;
}
