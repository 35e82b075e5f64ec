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

void
passive_ask(struct control *k, enum ask ask)
{
	const enum ask way = passive_way(k->alg, k->passive);

	k->held = true;
	control_expect(k, WAITING_PASSIVE, ask, way);
	control_tell_server(k, command_name(way));
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
 * Returns what stands for the server in a reply to an IPv4 client: its alias
 * for this client, or, without a table, the gateway's own address, which is
 * right for clients that look at the port alone.
 */
static struct address
alias_of_server(struct control *k)
{
	struct alg *a = k->alg;
	struct table_target target = { .count = 1 };
	struct address alias = { .family = FAMILY_IPV4 };
	enum table_result result;
	uint32_t id;

	target.addresses[0] = a->destination;
	target.addresses[0].port = 0;
	result = ids_make(&a->share, &target, &id);
	if (result != TABLE_OK) {
		alg_note(a, "PASV was answered without an alias",
		    alg_table_problem(a, result));
		return a->reached.family == FAMILY_IPV4 ? a->reached : alias;
	}
	alias.octets[1] = (uint8_t)(id >> 16);
	alias.octets[2] = (uint8_t)(id >> 8 & 0xff);
	alias.octets[3] = (uint8_t)(id & 0xff);
	return alias;
}

/* Returns the address that the client is told: the server's own where the
 * client can use that.  Where a next gateway leads there it is an alias, by
 * which the client comes back to us. */
static struct address
server_for_client(struct control *k, uint16_t port)
{
	struct address a = k->pair == PAIR_46 || k->alg->via ?
	    alias_of_server(k) :
	    k->alg->server_address;

	a.port = port;
	return a;
}

static void
answer(struct control *k, enum ask ask, uint16_t port)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));
	struct address server;

	if (ask == ASK_PASV) {
		server = server_for_client(k, port);
		text_add(&t, "227 Entering Passive Mode (");
		form_port_add(&t, &server);
	} else if (ask == ASK_LPSV) {
		server = server_for_client(k, port);
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
		if (ask_again(k, c))
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
		    "425 The server's answer makes no sense");
	}
	k->held = false;
	return true;
}
