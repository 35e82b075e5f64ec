/* SPDX-License-Identifier: ISC */
/*
 * The control connection of FTP, which is watched or translated (RFC 6384).
 */
#include "session/serve.h"

#include "alg/dialogue.h"
#include "net/route.h"
#include "share/controls.h"

bool
serve_is_ftp(const struct session *s)
{
	const struct settings *settings = &s->settings;

	return settings->ftp_alg != FTP_ALG_OFF &&
	    settings_speak_ftp(settings, s->question.port);
}

static bool
families_differ(const struct session *s)
{
	const enum family client = s->record.client.family;

	return client != FAMILY_NONE && client != s->record.peer.family;
}

/* What other sessions of this client shall know of it. */
static void
fill_control(struct session *s, struct table_control *control)
{
	struct text name = text_in(control->name, sizeof(control->name));

	control->server = s->alg.destination;
	control->local = s->record.local;
	if (s->question.name != NULL)
		text_add(&name, s->question.name);
}

/* Who the client is to us, and we to it. */
static void
fill_client(struct session *s, struct alg *a)
{
	a->client_address = s->record.client;
	a->scope = s->scope;
	if (s->proxied.family == FAMILY_NONE) {
		a->near = s->record.listen;
		a->near.port = 0;
	}
	if (!a->watch) {
		const struct route route = session_route(s, &a->client_address,
		    s->scope);

		a->client_self = route.self;
		a->client_on_link = route.on_link;
	}
}

/* What the table calls the server: its address, or the key of its name where a
 * next gateway was told the name alone. */
static struct address
destination_of(const struct session *s, const struct verdict *way)
{
	struct address destination = way->via == NULL ? s->record.peer :
							s->dial.peer;

	if (way->forwards)
		destination = controls_key(s->question.name);
	destination.port = s->question.port;
	return destination;
}

void
serve_ftp_begin(struct session *s, const struct verdict *way, int server)
{
	const struct cursor early = inbox_cursor(&s->inbox);
	struct alg *a = &s->alg;

	a->client = s->inbox.fd;
	a->server = server;
	a->early = early.at;
	a->early_length = early.left;
	a->settings = &s->settings;
	a->question = &s->question;
	a->rule = way->matched;
	a->origin = way->origin;
	a->via = way->via != NULL;
	a->nat64 = s->dial.nat64;
	/* What is behind a next gateway can be said in lines only. */
	a->watch = s->settings.ftp_alg == FTP_ALG_AUTO && !a->via &&
	    !families_differ(s);
	fill_client(s, a);
	a->server_address = s->record.peer;
	a->destination = destination_of(s, way);
	a->local = s->record.local;
	a->share = session_share(s);
	fill_control(s, &a->control);
}

_Noreturn void
serve_ftp(struct session *s)
{
	struct alg *a = &s->alg;
	enum result result;

	session_confine(s, a->watch ? SANDBOX_WATCH : SANDBOX_ALG);
	/* From here: what either side says may open a connection, but only
	 * between these two. */
	result = dialogue_run(a);
	if (a->transparent) {
		session_confine(s, SANDBOX_WATCH);
		/* From here: no new connection. */
		result = dialogue_relay(a);
	}
	s->record.up = a->up;
	s->record.down = a->down;
	if (a->done[0] != '\0')
		s->record.alg = a->done;
	session_end(s, result, a->reason[0] != '\0' ? a->reason : NULL);
}
