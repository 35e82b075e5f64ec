/*
 * Announced FTP data connections.
 */
#include "share/announced.h"

#include "share/slots.h"

enum table_result
table_data_announce(const struct share *share, const struct address *to,
    const char *rule, struct table_handle *handle)
{
	struct turn turn;
	struct slot *s;

	if (!turn_begin(&turn, share, KIND_DATA))
		return TABLE_UNUSABLE;
	s = slot_of(&turn, handle);
	if (s == NULL)
		s = slot_choose(&turn, TABLE_DATA_MAX);
	if (s != NULL) {
		slot_begin(&turn, s, turn.now + TABLE_DATA_LIFE);
		slot_add_address(s, to);
		string_copy(s->rule, sizeof(s->rule), rule);
		slot_publish(&turn, s);
		*handle = slot_handle(&turn, s);
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

/* What is done with a slot that was found, before the lock is opened. */
typedef void slot_use(struct slot *s);

static void
keep(struct slot *s)
{
	(void)s;
}

static enum table_result
data_find(const struct share *share, const struct address *to,
    char rule[TABLE_RULE_TEXT], slot_use *use)
{
	struct turn turn;
	struct slot *s;

	if (table_is_empty(share->table))
		return TABLE_NONE;
	if (!turn_begin(&turn, share, KIND_DATA))
		return TABLE_UNUSABLE;
	s = slot_find(&turn, is_endpoint, to);
	if (s != NULL) {
		string_copy(rule, TABLE_RULE_TEXT, s->rule);
		use(s);
	}
	turn_end(&turn);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}

enum table_result
table_data_find(const struct share *share, const struct address *to,
    char rule[TABLE_RULE_TEXT])
{
	return data_find(share, to, rule, keep);
}

enum table_result
table_data_take(const struct share *share, const struct address *to,
    char rule[TABLE_RULE_TEXT])
{
	return data_find(share, to, rule, slot_end);
}

static bool
is_port(const struct slot *s, const void *what)
{
	const uint16_t *port = what;

	return s->addresses[0].port == *port;
}

enum table_result
table_data_at_port(const struct share *share, uint16_t port,
    struct address *to)
{
	struct turn turn;
	struct slot *s;

	if (table_is_empty(share->table))
		return TABLE_NONE;
	if (!turn_begin(&turn, share, KIND_DATA))
		return TABLE_UNUSABLE;
	s = slot_find(&turn, is_port, &port);
	if (s != NULL)
		*to = slot_address(s, 0);
	turn_end(&turn);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}
