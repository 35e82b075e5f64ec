/* SPDX-License-Identifier: ISC */
/*
 * One table says what a record has, in the order of the sentence.  A row may
 * be for the sentence, for the journal, or for both.
 */
#include "log/record.h"

#include <string.h>
#include <syslog.h>

#include "base/array.h"

static const struct {
	const char *word;
	int priority;
	const char *message_id; /* units/message-ids, the catalog's key */
} results[RESULT_COUNT] = {
	[RESULT_ERROR] = { "error", LOG_WARNING,
	    "8e44206250944e69a86c2684afd876e9" },
	[RESULT_OK] = { "ok", LOG_NOTICE, "8a6013eb40644144a59f7d83dacabedb" },
	[RESULT_RESET] = { "reset", LOG_NOTICE,
	    "20fdebe2a6514886bdaf0bf9bae39749" },
	[RESULT_TIMEOUT] = { "timeout", LOG_NOTICE,
	    "2eb017348b684e138d5d252cf6af5446" },
	[RESULT_CLIENT_GONE] = { "client-gone", LOG_NOTICE,
	    "05db56e29de442ec9133bb36ff930ea1" },
	[RESULT_DENIED] = { "denied", LOG_NOTICE,
	    "d8f64de2cfaa4a529833efd50b0d7850" },
	[RESULT_AUTH_FAILED] = { "auth-failed", LOG_NOTICE,
	    "f770b292cd8c4547a02fa32c1648630b" },
	[RESULT_BAD_REQUEST] = { "bad-request", LOG_NOTICE,
	    "8ea252afa07b494c993cf24324e6def0" },
	[RESULT_NOT_SOCKS] = { "not-socks", LOG_NOTICE,
	    "1674271872ac4805b5821fa46a741962" },
	[RESULT_BAD_PROXY_HEADER] = { "bad-proxy-header", LOG_NOTICE,
	    "6cb021f6e97c45b7ba569142e197eb08" },
	[RESULT_HANDSHAKE_TIMEOUT] = { "handshake-timeout", LOG_NOTICE,
	    "b52cde6ae4f248cdb48a08b34d84787a" },
	[RESULT_RESOLVE_FAILED] = { "resolve-failed", LOG_NOTICE,
	    "6ec18470a3064d47955dbdee347faab6" },
	[RESULT_CONNECT_FAILED] = { "connect-failed", LOG_NOTICE,
	    "2cbcd47ace5748cf9c5583eb33c1d75c" },
	[RESULT_UPSTREAM_FAILED] = { "upstream-failed", LOG_NOTICE,
	    "b2ae4431ecb1447883ae111c77620e30" },
	[RESULT_STOPPED] = { "stopped", LOG_NOTICE,
	    "8a0749c434a4497a9231e1ac76fdb60f" },
	[RESULT_OPEN] = { "open", LOG_NOTICE,
	    "1b32382c512b402ea2f810329e5a1dd2" },
	[RESULT_REFUSED] = { "refused", LOG_NOTICE,
	    "f230839f06164615913de8919b8ac4cb" },
	[RESULT_PEER] = { "peer", LOG_NOTICE,
	    "6fa1c62be50a49c6a3ab90b19e8a6d51" },
};

/* ------------------------------------------------------------- values */

/*
 * Each of these appends one value, and nothing where there is none.  `member`
 * is the member of *r that the row names, for those that serve several.
 */
typedef void value_add(struct text *t, const struct record *r,
    const void *member);

static void
add_result(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	text_add(t, results[r->result].word);
}

static void
add_message_id(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	text_add(t, results[r->result].message_id);
}

/* A word of ours. */
static void
add_word(struct text *t, const struct record *r, const void *member)
{
	const char *const *word = member;

	(void)r;
	if (*word != NULL)
		text_add_escaped(t, *word, strlen(*word));
}

/* A sentence of ours, whose strange octets were escaped before. */
static void
add_sentence(struct text *t, const struct record *r, const void *member)
{
	const char *const *sentence = member;

	(void)r;
	if (*sentence != NULL)
		text_add(t, *sentence);
}

static void
add_quoted(struct text *t, const struct record *r, const void *member)
{
	const char *const *sentence = member;

	if (*sentence == NULL || (*sentence)[0] == '\0')
		return;
	text_add_char(t, '"');
	add_sentence(t, r, member);
	text_add_char(t, '"');
}

/* Octets that a stranger chose; one that chose "-" is not taken for none. */
static void
add_octets(struct text *t, const char *octets, size_t length)
{
	if (length == 1 && octets[0] == '-')
		text_add_hex(t, '-');
	else
		text_add_escaped(t, octets, length);
}

static void
add_user(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	add_octets(t, r->user, r->user_length);
}

static void
add_userid(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	add_octets(t, r->userid, r->userid_length);
}

/* An empty name, of a request that is refused, is `-' too. */
static void
add_dest_host(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	if (r->asked && r->dest_length == 0)
		text_add_char(t, '-');
	else if (r->asked)
		add_octets(t, r->dest, r->dest_length);
}

static void
add_dest_port(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	if (r->asked)
		text_add_number(t, r->dest_port);
}

static void
add_dest(struct text *t, const struct record *r, const void *member)
{
	if (!r->asked)
		return;
	text_add(t, r->dest_ipv6 ? "[" : "");
	add_dest_host(t, r, member);
	text_add(t, r->dest_ipv6 ? "]:" : ":");
	add_dest_port(t, r, member);
}

static void
add_endpoint(struct text *t, const struct record *r, const void *member)
{
	const struct address *a = member;

	(void)r;
	if (a->family != FAMILY_NONE)
		address_add_port(t, a);
}

static void
add_address(struct text *t, const struct record *r, const void *member)
{
	const struct address *a = member;

	(void)r;
	if (a->family != FAMILY_NONE)
		address_add(t, a);
}

static void
add_port(struct text *t, const struct record *r, const void *member)
{
	const struct address *a = member;

	(void)r;
	if (a->family != FAMILY_NONE)
		text_add_number(t, a->port);
}

static void
add_uid(struct text *t, const struct record *r)
{
	text_add(t, "unix:uid=");
	text_add_number(t, r->client_uid);
}

static void
add_client(struct text *t, const struct record *r, const void *member)
{
	if (r->client_known && r->client.family == FAMILY_NONE)
		add_uid(t, r);
	else
		add_endpoint(t, r, member);
}

static void
add_client_address(struct text *t, const struct record *r, const void *member)
{
	if (r->client_known && r->client.family == FAMILY_NONE)
		add_uid(t, r);
	else
		add_address(t, r, member);
}

/* `4>6': the families of the client and of the server. */
static void
add_families(struct text *t, const struct record *r, const void *member)
{
	static const char digits[] = { [FAMILY_NONE] = 'u',
		[FAMILY_IPV4] = '4',
		[FAMILY_IPV6] = '6' };

	(void)member;
	if (r->peer.family == FAMILY_NONE)
		return;
	text_add_char(t, digits[r->client.family]);
	text_add_char(t, '>');
	text_add_char(t, digits[r->peer.family]);
}

static void
add_count(struct text *t, const struct record *r, const void *member)
{
	const uint64_t *count = member;

	(void)r;
	text_add_number(t, *count);
}

static void
add_datagrams(struct text *t, const struct record *r, const void *member)
{
	if (r->datagrams)
		add_count(t, r, member);
}

static void
add_some(struct text *t, const struct record *r, const void *member)
{
	const uint64_t *count = member;

	(void)r;
	if (*count > 0)
		text_add_number(t, *count);
}

static void
add_unlogged(struct text *t, const struct record *r, const void *member)
{
	if (r->unlogged > 0)
		add_datagrams(t, r, member);
}

static void
add_all_datagrams(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	if (!r->datagrams)
		return;
	text_add_number(t, r->datagrams_up);
	text_add_char(t, '/');
	text_add_number(t, r->datagrams_down);
	text_add_char(t, '/');
	text_add_number(t, r->dropped);
}

static void
add_microseconds(struct text *t, const struct record *r, const void *member)
{
	const int64_t *microseconds = member;

	(void)r;
	if (*microseconds >= 0)
		text_add_number(t, (uint64_t)*microseconds);
}

static void
add_time(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	text_add_time(t, r->start_usec);
}

static void
add_seconds(struct text *t, const struct record *r, const void *member)
{
	const uint64_t milliseconds = r->duration_usec < 0 ?
	    0 :
	    (uint64_t)r->duration_usec / 1000;

	(void)member;
	text_add_number(t, milliseconds / 1000);
	text_add_char(t, '.');
	text_add_padded(t, milliseconds % 1000, 3);
}

static void
add_reply(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	if (r->reply >= 0)
		text_add_number(t, (uint64_t)r->reply);
}

static void
add_off(struct text *t, const struct record *r, const void *member)
{
	(void)member;
	text_add(t, r->unconfined ? "off" : "");
}

/* ---------------------------------------------------------- the table */

#define OF(name) offsetof(struct record, name)

static const struct value {
	/* Not pointers, which would be relocated at each start. */
	char key[10];    /* in the sentence; "": not there */
	char field[24];  /* in the journal; "": not there */
	bool always;     /* no value is `-', else the key is left out */
	uint16_t member; /* offset in struct record */
	value_add *add;
} values[] = {
	{ "", "MESSAGE_ID", false, 0, add_message_id },
	{ "", "SOCKS64_RESULT", false, 0, add_result },
	{ "client", "", true, OF(client), add_client },
	{ "", "SOCKS64_CLIENT", false, OF(client), add_client_address },
	{ "", "SOCKS64_CLIENT_PORT", false, OF(client), add_port },
	{ "user", "SOCKS64_USER", true, 0, add_user },
	{ "", "SOCKS64_USERID", false, 0, add_userid },
	{ "auth", "SOCKS64_AUTH", true, OF(auth), add_word },
	{ "cmd", "SOCKS64_COMMAND", true, OF(command), add_word },
	{ "dest", "", true, 0, add_dest },
	{ "", "SOCKS64_DEST", false, 0, add_dest_host },
	{ "", "SOCKS64_DEST_PORT", false, 0, add_dest_port },
	{ "peer", "", true, OF(peer), add_endpoint },
	{ "", "SOCKS64_PEER", false, OF(peer), add_address },
	{ "", "SOCKS64_PEER_PORT", false, OF(peer), add_port },
	{ "local", "", true, OF(local), add_endpoint },
	{ "", "SOCKS64_LOCAL", false, OF(local), add_address },
	{ "", "SOCKS64_LOCAL_PORT", false, OF(local), add_port },
	{ "", "SOCKS64_LISTEN", false, OF(listen), add_endpoint },
	{ "", "SOCKS64_PROXY", false, OF(proxy), add_endpoint },
	{ "", "SOCKS64_FAMILIES", false, 0, add_families },
	{ "up", "SOCKS64_UP", true, OF(up), add_count },
	{ "down", "SOCKS64_DOWN", true, OF(down), add_count },
	{ "start", "", true, 0, add_time },
	{ "", "SOCKS64_START_USEC", false, OF(start_usec), add_microseconds },
	{ "", "SOCKS64_DIAL_USEC", false, OF(dial_usec), add_microseconds },
	{ "seconds", "", true, 0, add_seconds },
	{ "", "SOCKS64_DURATION_USEC", false, OF(duration_usec),
	    add_microseconds },
	{ "datagrams", "", false, 0, add_all_datagrams },
	{ "", "SOCKS64_DATAGRAMS_UP", false, OF(datagrams_up), add_datagrams },
	{ "", "SOCKS64_DATAGRAMS_DOWN", false, OF(datagrams_down),
	    add_datagrams },
	{ "", "SOCKS64_DROPPED", false, OF(dropped), add_datagrams },
	{ "drops", "SOCKS64_DROPS", false, OF(drops), add_word },
	{ "peers", "SOCKS64_PEERS", false, OF(peers), add_datagrams },
	{ "unlogged", "SOCKS64_PEERS_UNLOGGED", false, OF(unlogged),
	    add_unlogged },
	{ "lost", "SOCKS64_LOST", false, OF(lost), add_some },
	{ "ids", "SOCKS64_ADDRESS_IDS", false, OF(ids), add_some },
	{ "", "SOCKS64_ADDRESS_ID", false, OF(address_id), add_word },
	{ "", "SOCKS64_REPLY", false, 0, add_reply },
	{ "", "SOCKS64_RULE", false, OF(rule), add_sentence },
	{ "", "SOCKS64_ATTEMPTS", false, OF(attempts), add_sentence },
	{ "via", "SOCKS64_VIA", false, OF(via), add_word },
	{ "alg", "SOCKS64_ALG", false, OF(alg), add_word },
	{ "sandbox", "", false, 0, add_off },
	{ "reason", "", false, OF(reason), add_quoted },
	{ "", "SOCKS64_REASON", false, OF(reason), add_sentence },
};

#undef OF

static void
add(struct text *t, const struct value *v, const struct record *r)
{
	v->add(t, r, (const char *)r + v->member);
}

int
record_priority(const struct record *r)
{
	return r->quiet ? LOG_DEBUG : results[r->result].priority;
}

void
record_sentence(struct text *t, const struct record *r)
{
	add_result(t, r, NULL);
	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		const struct value *v = &values[i];
		const size_t before = t->length;

		if (v->key[0] == '\0')
			continue;
		text_add_char(t, ' ');
		text_add(t, v->key);
		text_add_char(t, '=');
		const size_t begun = t->length;
		add(t, v, r);
		if (t->length > begun)
			continue;
		if (v->always)
			text_add_char(t, '-');
		else
			text_shorten(t, before);
	}
}

void
record_fields(struct fields *f, const struct record *r)
{
	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		if (values[i].field[0] == '\0')
			continue;
		fields_begin(f, values[i].field);
		add(&f->arena, &values[i], r);
		fields_end(f);
	}
}

bool
record_is_last(const struct record *r)
{
	return r->result != RESULT_OPEN && r->result != RESULT_PEER &&
	    r->result != RESULT_REFUSED;
}

const char *
record_result(enum result result)
{
	return results[result].word;
}

void
record_client(struct text *t, const struct record *r)
{
	add_client(t, r, &r->client);
}

void
record_describe(struct text *t, const struct record *r)
{
	add_client(t, r, &r->client);
	if (r->user_length > 0) {
		text_add_char(t, ' ');
		add_user(t, r, NULL);
	}
	text_add(t, " -> ");
	add_dest(t, r, NULL);
	text_add(t, " (");
	address_add_port(t, &r->peer);
	text_add_char(t, ')');
}
