/* SPDX-License-Identifier: ISC */
/*
 * Active mode in the ways of both families.
 */
#include "alg/active.h"

#include <errno.h>
#include <string.h>

#include "alg/forms.h"
#include "alg/permit.h"
#include "base/text.h"
#include "net/failure.h"
#include "share/binds.h"

enum { LINE_TEXT = 256 };

static void
tell_server(struct control *k, enum ask way)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, command_name(way));
	text_add_char(&t, ' ');
	if (way == ASK_PORT)
		form_port_add(&t, &k->announced);
	else if (way == ASK_EPRT)
		form_eprt_add(&t, &k->announced);
	else
		form_lprt_add(&t, &k->announced, false);
	control_tell_server(k, buffer);
}

static bool
is_own(void *context, const struct address *address)
{
	struct control *k = context;
	struct alg *a = k->alg;
	struct table_bind bind;

	if (binds_find(&a->share, address, &bind) == TABLE_OK) {
		k->live_bind = a->server_address.family == FAMILY_IPV6 ?
		    bind.ipv6 :
		    bind.ipv4;
		return k->live_bind.family != FAMILY_NONE;
	}
	return address_equal(address, &a->client_address);
}

/* The server is told the BIND's port at the address by which it may know the
 * gateway. */
static void
announce_bind(struct control *k)
{
	const struct alg *a = k->alg;
	const uint16_t port = k->live_bind.port;
	const struct address *advertised = settings_advertised(a->settings,
	    ADVERTISE_BIND, a->server_address.family);

	k->channels.newest = NULL;
	if (a->via)
		k->announced = k->live_bind; /* the next gateway listens */
	else
		k->announced = advertised->family != FAMILY_NONE ?
		    *advertised :
		    a->local;
	k->announced.port = port;
}

/* Refuses, in the record and to the client, what the rules do not allow. */
static void
deny(struct control *k, const struct address *target,
    const struct verdict *verdict)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "no data connection to ");
	address_add_port(&t, target);
	alg_note(k->alg, buffer, verdict->reason);
	control_say(k, "504 The rules do not allow that address");
}

/* What the client and the record are told; the record without the code. */
static void
refuse_listening(struct control *k, int error)
{
	const char *say = "425 This gateway has no port to listen on";

	if (failure_is_ours(error))
		say = "425 This gateway has no descriptor or memory left";
	else if (error == EBUSY)
		say = "425 Too many transfers run at once";
	alg_note(k->alg, say + strlen("425 "), strerror(error));
	control_say(k, say);
}

/* Makes k->announced, where the server can connect to reach the client.
 * Returns false, and the client was told, where that may not or cannot be. */
static bool
make_announced(struct control *k, const struct address *target)
{
	struct verdict verdict;

	if (k->live_bind.family != FAMILY_NONE) {
		announce_bind(k);
		return true;
	}
	if (!permit_target(k->alg, target, &verdict)) {
		deny(k, target, &verdict);
		return false;
	}
	if (channels_listen(&k->channels, k->alg, target, &k->announced))
		return true;
	refuse_listening(k, errno);
	return false;
}

void
active_ask(struct control *k, const struct command *command)
{
	struct target_verdict v;
	enum ask way;

	k->live_bind = (struct address){ .family = FAMILY_NONE };
	v = command_judge_target(command, k->pair, is_own, k);
	if (v.judged == TARGET_REFUSED) {
		control_say(k, v.say);
		return;
	}
	if (v.judged == TARGET_FOREIGN) {
		control_pass_command(k, WAITING_PASS, command->ask);
		return;
	}
	if (!make_announced(k, &v.address))
		return;
	way = command_active_way(k->alg->server_address.family, k->active);
	k->held = true;
	control_expect(k, WAITING_ACTIVE, command->ask, way);
	tell_server(k, way);
}

/* Asks in the next way; false where there is none. */
static bool
ask_again(struct control *k, struct waiting_command *c)
{
	k->active++;
	c->way = command_active_way(k->alg->server_address.family, k->active);
	if (c->way == ASK_OTHER) {
		k->active = 0;
		return false;
	}
	tell_server(k, c->way);
	return true;
}

/* Returns what the client's own command is refused by. */
static const char *
refusal(const struct control *k, enum ask ask, unsigned code)
{
	const bool ipv6 = k->alg->client_address.family == FAMILY_IPV6;

	if (code != 521 && code != 522)
		return "501 The server has no active mode";
	if (ask == ASK_EPRT)
		return ipv6 ? "522 Network protocol not supported, use (1)" :
			      "522 Network protocol not supported, use (2)";
	if (ask == ASK_LPRT)
		return ipv6 ? "521 Supported address families are (4)" :
			      "521 Supported address families are (6)";
	return "501 The server has no active mode";
}

static void
answer(struct control *k, enum ask ask)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "200 ");
	text_add(&t, command_name(ask));
	text_add(&t, " command successful");
	control_tell_client(k, buffer);
}

bool
active_replied(struct control *k, struct waiting_command *c, unsigned code)
{
	if (reply_is_refusal(code) && k->held && ask_again(k, c))
		return false;
	if (reply_is_success(code)) {
		channels_replace(&k->channels);
		alg_note_translated(k->alg, command_name(c->ask),
		    command_name(c->way));
		answer(k, c->ask);
	} else {
		channels_cancel(&k->channels);
		if (reply_is_refusal(code))
			control_tell_client(k, refusal(k, c->ask, code));
		else if (k->swallow)
			control_tell_client(k,
			    "425 The server's answer makes no sense");
	}
	k->held = false;
	return true;
}
