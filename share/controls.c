/* SPDX-License-Identifier: ISC */
/*
 * Live FTP control connections: one entry each, with the name asked for and
 * the server's address.
 */
#include "share/controls.h"

#include <string.h>

#include "base/text.h"
#include "share/entries.h"

static bool
control_make(const struct turn *turn, const struct table_control *control,
    struct entry *e)
{
	const struct quota quota = { CONTROLS_MAX, CONTROL_REST };

	if (!entry_choose(turn, &quota, turn->now + CONTROL_LIFE, e))
		return false;
	e->addresses[e->count++] = control->server;
	e->addresses[e->count++] = control->local;
	text_copy(e->name, sizeof(e->name), control->name);
	entry_write(turn, e);
	return true;
}

enum table_result
controls_put(const struct share *share, const struct table_control *control,
    struct table_handle *handle)
{
	bool done = true;
	struct turn turn;
	struct entry e;

	if (!turn_begin(&turn, share, KIND_CONTROL))
		return TABLE_UNUSABLE;
	if (entry_of(&turn, handle, &e)) {
		e.used_at = turn.now;
		e.expires_at = turn.now + CONTROL_LIFE;
		entry_update(&turn, &e);
	} else {
		done = control_make(&turn, control, &e);
		if (done)
			*handle = e.handle;
	}
	turn_end(&turn);
	return done ? TABLE_OK : TABLE_FULL;
}

static bool
is_name(const struct entry *e, const void *what)
{
	const char *name = what;

	return e->count > 0 && *name != '\0' && strcmp(e->name, name) == 0;
}

static void
control_copy(const struct turn *turn, const struct entry *e, void *out)
{
	struct table_control *control = out;

	(void)turn;
	control->server = e->addresses[0];
	control->local = e->count > 1 ?
	    e->addresses[1] :
	    (struct address){ .family = FAMILY_NONE };
	text_copy(control->name, sizeof(control->name), e->name);
}

enum table_result
controls_by_name(const struct share *share, const char *name,
    struct table_control *out)
{
	return entry_visit(share,
	    &(struct visit){ KIND_CONTROL, is_name, name, control_copy, out });
}

enum table_result
controls_by_address(const struct share *share, const struct address *address,
    struct table_control *out)
{
	return entry_visit(share,
	    &(struct visit){ KIND_CONTROL, entry_is_at, address, control_copy,
		out });
}

enum { KEY_NET = 1, KEY_BITS = 64 };

struct address
controls_key(const char *name)
{
	struct address key = { .family = FAMILY_IPV6,
		.octets = { [0] = KEY_NET } };
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; name[i] != '\0'; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3;
	for (size_t i = 0; i < 8; i++)
		key.octets[15 - i] = (uint8_t)(hash >> 8 * i);
	return key;
}

bool
controls_is_key(const struct address *address)
{
	const struct address net = { .family = FAMILY_IPV6,
		.octets = { [0] = KEY_NET } };

	return address_in_prefix(address, &net, KEY_BITS);
}
