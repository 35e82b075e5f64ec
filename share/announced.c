/* SPDX-License-Identifier: ISC */
/*
 * Announced FTP data connections: one slot each, with the server's address
 * and the rule of its control connection.
 */
#include "share/announced.h"

#include "base/text.h"
#include "share/slots.h"

enum table_result
announced_put(const struct share *share, const struct address *to,
    const char *rule, struct table_handle *handle)
{
	struct turn turn;
	struct slot *s;

	if (!turn_begin(&turn, share, KIND_DATA))
		return TABLE_UNUSABLE;
	s = slot_of(&turn, handle);
	if (s == NULL)
		s = slot_choose(&turn, ANNOUNCED_MAX);
	if (s != NULL) {
		slot_begin(&turn, s, turn.now + ANNOUNCED_LIFE);
		slot_add_address(s, to);
		text_copy(s->rule, sizeof(s->rule), rule);
		slot_publish(&turn, s);
		*handle = slot_handle(turn.table, s);
	}
	turn_end(&turn);
	return s != NULL ? TABLE_OK : TABLE_FULL;
}

static bool
is_endpoint(const struct slot *s, const void *what)
{
	const struct address *to = what;

	return slot_is_at(s, to) && s->addresses[0].port == to->port;
}

static bool
is_port(const struct slot *s, const void *what)
{
	const uint16_t *port = what;

	return s->addresses[0].port == *port;
}

static void
rule_copy(struct slot *s, void *rule)
{
	text_copy(rule, TABLE_RULE_TEXT, s->rule);
}

static void
rule_take(struct slot *s, void *rule)
{
	rule_copy(s, rule);
	slot_end(s);
}

static void
address_copy(struct slot *s, void *out)
{
	struct address *to = out;

	*to = slot_address(s, 0);
}

enum table_result
announced_find(const struct share *share, const struct address *to,
    char rule[TABLE_RULE_TEXT])
{
	return slot_visit(share, &(struct visit){ KIND_DATA, is_endpoint, to,
	    rule_copy, rule });
}

enum table_result
announced_take(const struct share *share, const struct address *to,
    char rule[TABLE_RULE_TEXT])
{
	return slot_visit(share, &(struct visit){ KIND_DATA, is_endpoint, to,
	    rule_take, rule });
}

enum table_result
announced_at_port(const struct share *share, uint16_t port,
    struct address *to)
{
	return slot_visit(share, &(struct visit){ KIND_DATA, is_port, &port,
	    address_copy, to });
}
