/* SPDX-License-Identifier: ISC */
/*
 * A table: the word of each cause, and what it means where it was the only
 * thing that happened.
 */
#include "net/drops.h"

#include <stddef.h>

static const struct {
	const char *word;
	const char *sentence;
} causes[DROP_COUNT] = {
	[DROP_NOT] = { "", NULL },
	[DROP_STRANGER] = { "stranger",
	    "datagrams came from another address than the client's" },
	[DROP_PORT] = { "port",
	    "datagrams came from another port than the client announced" },
	[DROP_HEADER] = { "header",
	    "the client sends datagrams without a SOCKS header" },
	[DROP_FRAGMENT] = { "fragment",
	    "the client sends fragments, which are not put together" },
	[DROP_ID] = { "id", "no such ADDRESS ID" },
	[DROP_RULE] = { "rule", "no rule allowed any datagram" },
	[DROP_NAME] = { "name", "the names of the datagrams have no address" },
	[DROP_BUSY] = { "busy", "too many names to look up at once" },
	[DROP_FAMILY] = { "family",
	    "this host has no address of the family of the peers" },
	[DROP_HOP] = { "hop", "the next gateway has no association" },
	[DROP_SEND] = { "send", "no datagram could be sent" },
	[DROP_PEER] = { "peer",
	    "datagrams came from where the client sent nothing to" },
};

uint64_t
drops_total(const struct drops *d)
{
	uint64_t total = 0;

	for (size_t i = DROP_NOT + 1; i < DROP_COUNT; i++)
		total += d->count[i];
	return total;
}

void
drops_add(struct text *t, const struct drops *d)
{
	const char *between = "";

	for (size_t i = DROP_NOT + 1; i < DROP_COUNT; i++) {
		if (d->count[i] == 0)
			continue;
		text_add(t, between);
		text_add(t, causes[i].word);
		text_add_char(t, ':');
		text_add_number(t, d->count[i]);
		between = ",";
	}
}

const char *
drops_sentence(const struct drops *d)
{
	size_t most = DROP_NOT + 1;

	for (size_t i = most + 1; i < DROP_COUNT; i++)
		if (d->count[i] > d->count[most])
			most = i;
	return d->count[most] == 0 ? NULL : causes[most].sentence;
}
