/* SPDX-License-Identifier: ISC */
/*
 * Live FTP control connections: one slot each, with the name asked for, the
 * server's address and the rule.
 */
#include "share/controls.h"

#include <string.h>

#include "base/text.h"
#include "share/slots.h"

static struct slot *
control_make(const struct turn *turn, const struct table_control *control)
{
	struct slot *s = slot_choose(turn, CONTROLS_MAX);

	if (s == NULL)
		return NULL;
	slot_begin(turn, s, turn->now + CONTROL_LIFE);
	slot_add_address(s, &control->server);
	text_copy(s->name, sizeof(s->name), control->name);
	text_copy(s->rule, sizeof(s->rule), control->rule);
	slot_publish(turn, s);
	return s;
}

enum table_result
controls_put(const struct share *share,
    const struct table_control *control, struct table_handle *handle)
{
	struct turn turn;
	struct slot *s;

	if (!turn_begin(&turn, share, KIND_CONTROL))
		return TABLE_UNUSABLE;
	s = slot_of(&turn, handle);
	if (s != NULL) {
		s->used_at = turn.now;
		s->expires_at = turn.now + CONTROL_LIFE;
	} else {
		s = control_make(&turn, control);
		if (s != NULL)
			*handle = slot_handle(turn.table, s);
	}
	turn_end(&turn);
	return s != NULL ? TABLE_OK : TABLE_FULL;
}

static bool
is_name(const struct slot *s, const void *what)
{
	const char *name = what;

	return *name != '\0' && strncmp(s->name, name, sizeof(s->name)) == 0;
}

static void
control_copy(struct slot *s, void *out)
{
	struct table_control *control = out;

	control->server = slot_address(s, 0);
	text_copy(control->name, sizeof(control->name), s->name);
	text_copy(control->rule, sizeof(control->rule), s->rule);
}

enum table_result
controls_by_name(const struct share *share, const char *name,
    struct table_control *out)
{
	return slot_visit(share, &(struct visit){ KIND_CONTROL, is_name,
	    name, control_copy, out });
}

enum table_result
controls_by_address(const struct share *share,
    const struct address *address, struct table_control *out)
{
	return slot_visit(share, &(struct visit){ KIND_CONTROL, slot_is_at,
	    address, control_copy, out });
}
