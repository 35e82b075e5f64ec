/* SPDX-License-Identifier: ISC */
/*
 * Passive mode in the ways of both families.
 */
#include "alg/passive.h"

#include "alg/forms.h"
#include "base/text.h"
#include "share/announced.h"
#include "share/ids.h"

enum { LINE_TEXT = 256 };

/* The n-th way to ask the server.  One behind a translator (NAT64) is IPv4 and
 * may know nothing but PASV, whose address is not looked at. */
static enum ask
passive_way(const struct alg *a, unsigned n)
{
	const enum ask way = command_passive_way(a->server_address.family, n);

	return way == ASK_OTHER && a->nat64 &&
		command_passive_way(a->server_address.family, n - 1) !=
		    ASK_OTHER ?
	    ASK_PASV :
	    way;
}

/* A client that does believe the address fails; the record says why. */
static void
mention_other_address(struct control *k, const struct address *announced)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	if (k->owner == NULL || k->alg->via ||
	    announced->family == FAMILY_NONE ||
	    address_equal(announced, &k->alg->server_address))
		return;
	text_add(&t, "the server announced another address than its own: ");
	address_add(&t, announced);
	alg_mention(k->alg, buffer, "");
}

uint16_t
passive_port(struct control *k, const struct reply_line *line)
{
	struct address a = { .family = FAMILY_NONE };

	switch (line->code) {
	case CODE_PASV:
		(void)form_227_parse(line->text, line->length, &a);
		break;
	case CODE_LPSV:
		(void)form_228_parse(line->text, line->length, &a);
		break;
	case CODE_EPSV:
		(void)form_229_parse(line->text, line->length, &a.port);
		break;
	default: break;
	}
	mention_other_address(k, &a);
	return a.port;
}

void
passive_announce(struct control *k, uint16_t port)
{
	struct alg *a = k->alg;
	struct address to = a->destination;
	enum table_result result;

	if (port < PORT_UNPRIVILEGED || !k->logged_in)
		return;
	to.port = port;
	result = announced_put(&a->share, &to, &k->data);
	if (result != TABLE_OK)
		alg_note(a, "FTP data connections are not announced",
		    alg_table_problem(a, result));
}

/*
 * Makes the alias that stands for the server in a reply to this client.
 * Returns false where there is none to be had: any other address would lead
 * nowhere.
 */
static bool
make_alias(struct control *k)
{
	struct alg *a = k->alg;
	struct table_target target = { .count = 1 };
	enum table_result result;
	uint32_t id;

	target.addresses[0] = a->destination;
	target.addresses[0].port = 0;
	result = ids_make(&a->share, &target, &id);
	if (result != TABLE_OK) {
		alg_note(a, "PASV was refused for want of an alias",
		    alg_table_problem(a, result));
		return false;
	}
	k->alias = (struct address){ .family = FAMILY_IPV4,
		.octets = { 0, (uint8_t)(id >> 16), (uint8_t)(id >> 8 & 0xff),
		    (uint8_t)(id & 0xff) } };
	return true;
}

/* Makes k->alias the address that the client is to be told: the server's own
 * where the client can use that.  Where a next gateway leads there it is an
 * alias, by which the client comes back to us. */
static bool
name_server(struct control *k)
{
	if (k->pair == PAIR_46 || k->alg->via)
		return make_alias(k);
	k->alias = k->alg->server_address;
	return true;
}

/* Tells whether the answer to the command has an address in it. */
static bool
names_address(enum ask ask)
{
	return ask == ASK_PASV || ask == ASK_LPSV;
}

void
passive_ask(struct control *k, enum ask ask)
{
	const enum ask way = passive_way(k->alg, k->passive);

	if (names_address(ask) && !name_server(k)) {
		control_say(k, "502 No address for that here, use EPSV");
		return;
	}
	k->held = true;
	control_expect(k, WAITING_PASSIVE, ask, way);
	control_tell_server(k, command_name(way));
}

static void
answer(struct control *k, enum ask ask, uint16_t port)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));
	struct address server = k->alias;

	server.port = port;
	if (ask == ASK_PASV) {
		text_add(&t, "227 Entering Passive Mode (");
		form_port_add(&t, &server);
	} else if (ask == ASK_LPSV) {
		text_add(&t, "228 Entering Long Passive Mode (");
		form_lprt_add(&t, &server, k->pair == PAIR_64);
	} else {
		text_add(&t, "229 Entering Extended Passive Mode (");
		form_229_add(&t, port);
	}
	text_add_char(&t, ')');
	control_tell_client(k, buffer);
}

/* Asks in the next way; false where there is none. */
static bool
ask_again(struct control *k, struct waiting_command *c)
{
	k->passive++;
	c->way = passive_way(k->alg, k->passive);
	if (c->way == ASK_OTHER) {
		k->passive = 0;
		return false;
	}
	control_tell_server(k, command_name(c->way));
	return true;
}

bool
passive_replied(struct control *k, struct waiting_command *c, unsigned code)
{
	if (reply_is_refusal(code)) {
		if (k->held && ask_again(k, c))
			return false;
		control_tell_client(k, "502 The server has no passive mode");
	} else if (reply_is_passive(code) && k->found != 0) {
		channels_give_up(&k->channels);
		passive_announce(k, k->found);
		alg_note_translated(k->alg, command_name(c->ask),
		    command_name(c->way));
		answer(k, c->ask, k->found);
	} else if (k->swallow) {
		control_tell_client(k,
		    k->cut ? "425 The server's answer is too long" :
			     "425 The server's answer makes no sense");
	}
	k->held = false;
	return true;
}
