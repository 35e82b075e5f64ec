/* SPDX-License-Identifier: ISC */
/*
 * A set-associative table: bounded, without a heap, and its pages are touched
 * only as peers come.
 */
#include "net/peers.h"

/* FNV-1a. */
static const uint32_t hash_start = 0x811c9dc5;
static const uint32_t hash_prime = 0x01000193;

static struct peer *
set_of(struct peers *p, const struct address *address)
{
	uint32_t hash = hash_start;
	const size_t length = address_length(address);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ address->octets[i]) * hash_prime;
	hash = (hash ^ address->port) * hash_prime;
	hash ^= hash >> 16;
	return p->list[hash % PEER_SETS];
}

static bool
is_at(const struct peer *peer, const struct address *address)
{
	return peer->address.port == address->port &&
	    address_equal(&peer->address, address);
}

struct address
peers_key(const char *name, uint16_t port)
{
	struct address key = { .family = FAMILY_IPV6, .port = port };
	uint32_t hash = hash_start;

	for (size_t i = 0; name[i] != '\0'; i++) {
		hash = (hash ^ (uint8_t)name[i]) * hash_prime;
		/* Four sums of the name, each of another rotation. */
		for (size_t k = 0; k < 4; k++)
			key.octets[4 * k + i % 4] ^= (uint8_t)(hash >> 8 * k);
	}
	return key;
}

struct peer *
peers_find(struct peers *p, const struct address *address, uint32_t name)
{
	struct peer *set = set_of(p, address);

	for (size_t i = 0; i < PEER_WAYS; i++) {
		if (set[i].name != name || !is_at(&set[i], address))
			continue;
		set[i].used = ++p->uses;
		return &set[i];
	}
	return NULL;
}

struct peer *
peers_add(struct peers *p, const struct address *address, uint32_t name)
{
	struct peer *set = set_of(p, address);
	struct peer *oldest = &set[0];

	for (size_t i = 1; i < PEER_WAYS; i++)
		if (set[i].used < oldest->used)
			oldest = &set[i];
	*oldest = (struct peer){ .address = *address,
		.name = name,
		.used = ++p->uses };
	return oldest;
}

bool
peers_sent(struct peers *p, const struct address *address)
{
	struct peer *set = set_of(p, address);

	for (size_t i = 0; i < PEER_WAYS; i++) {
		if (!set[i].sent || set[i].via != NULL ||
		    !is_at(&set[i], address))
			continue;
		set[i].used = ++p->uses;
		return true;
	}
	return false;
}

void
peers_note(struct peers *p, struct peer *peer, uint32_t id)
{
	peer->sent = true;
	peer->id = id;
	peer->sent_at = ++p->uses;
}

uint32_t
peers_id(struct peers *p, const struct address *address)
{
	const struct peer *set = set_of(p, address);
	const struct peer *last = NULL;

	for (size_t i = 0; i < PEER_WAYS; i++)
		if (set[i].sent && set[i].via == NULL &&
		    is_at(&set[i], address) &&
		    (last == NULL || set[i].sent_at > last->sent_at))
			last = &set[i];
	return last == NULL ? 0 : last->id;
}
