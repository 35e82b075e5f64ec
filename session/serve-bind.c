/* SPDX-License-Identifier: ISC */
/*
 * BIND: where the peer may connect, then who did, then octets both ways (RFC
 * 1928 4 and 6, two replies).
 */
#include "session/serve.h"

#include "session/associate.h"
#include "share/binds.h"

static void
note_verdict(struct session *s)
{
	if (s->binding.verdict.rule[0] != '\0')
		s->record.rule = s->binding.verdict.rule;
}

/* BND of the first reply, what `advertise' says in the place of ours. */
static struct address
listening_address(const struct session *s)
{
	const bool any = (s->request.flag & REQUEST_FLAG_DESTINATION) != 0;
	const struct binding *b = &s->binding;
	const enum family family = any ? b->peers[0].family :
					 s->record.client.family;
	const struct address *advertised = settings_advertised(&s->settings,
	    ADVERTISE_BIND, family);
	const struct address *ours = family == FAMILY_IPV6 ? &b->ipv6 :
							     &b->ipv4;
	struct address other = { .family = FAMILY_NONE, .port = ours->port };

	if (advertised->family != FAMILY_NONE) {
		other = *advertised;
		other.port = ours->port;
		return other;
	}
	return session_bound(s, address_is_any(ours) ? &other : ours);
}

/* False: a next gateway is to listen. */
static bool
listen_for_peer(struct session *s, struct deadline until)
{
	struct binding *b = &s->binding;
	bool listens;

	b->settings = &s->settings;
	b->question = &s->question;
	b->wanted = s->request.bind_port;
	b->client = s->inbox.fd;
	listens = binding_open(b, until);
	note_verdict(s);
	if (!listens && b->verdict.via != NULL &&
	    b->outcome.result == RESULT_OK)
		return false;
	if (!listens)
		session_conclude(s, &b->outcome);
	return true;
}

/* FTP: PORT and EPRT may name this port, in a session that translates. */
static void
register_port(struct session *s, const struct table_bind *bind)
{
	const struct share share = session_share(s);

	(void)binds_put(&share, bind,
	    deadline_in(s->settings.bind_timeout).at);
}

static void
wait_for_peer(struct session *s)
{
	struct binding *b = &s->binding;
	const int64_t start = clock_microseconds();
	const bool connected = binding_wait(b,
	    deadline_in(s->settings.bind_timeout));

	s->record.dial_usec = clock_microseconds() - start;
	s->record.attempts = b->attempts;
	note_verdict(s);
	if (!connected)
		session_conclude(s, &b->outcome);
	s->record.peer = b->peer;
	s->record.local = b->local;
}

/* With both replies of the next gateway. */
static _Noreturn void
pass_on(struct session *s, const struct verdict *verdict,
    struct deadline until)
{
	struct upstream *u = &s->upstream;
	struct table_bind bind = { .told.family = FAMILY_NONE };
	struct address bound;

	serve_via_open(s, verdict, until);
	bind.told = serve_via_ask(s, verdict, &s->binding.peers[0], until);
	if (u->bound.family == FAMILY_IPV6)
		bind.ipv6 = u->bound;
	else
		bind.ipv4 = u->bound;
	register_port(s, &bind);
	associate_conclude(s, &(struct address){ .family = FAMILY_NONE });
	session_confine(s, SANDBOX_BIND);
	/* From here: no connection of ours, no file; of the table a
	 * lock. */
	session_answer(s,
	    &(struct response){ .bound = &bind.told,
		.flag = serve_via_flag(s) });
	session_show(s);
	if (!upstream_peer(u, deadline_in(s->settings.bind_timeout)))
		session_conclude(s, &u->outcome);
	bound = serve_via_bound(s);
	session_promise(s, u->fd);
	session_answer(s,
	    &(struct response){ .bound = &bound, .flag = serve_via_flag(s) });
	s->stage = STAGE_SILENT;
	session_announce(s);
	serve_relay(s, u->fd);
}

/* With two listeners of our own. */
static _Noreturn void
meet_here(struct session *s)
{
	struct binding *b = &s->binding;
	const struct address bound = listening_address(s);
	const struct table_bind bind = { .told = bound,
		.ipv4 = b->ipv4,
		.ipv6 = b->ipv6 };

	register_port(s, &bind);
	associate_conclude(s, &(struct address){ .family = FAMILY_NONE });
	s->record.local = bound;
	session_confine(s, SANDBOX_BIND);
	/* From here: no listener, no connection of ours, no file; of the table
	 * a lock. */
	session_answer(s,
	    &(struct response){ .bound = &bound,
		.flag = s->request.flag & REQUEST_FLAG_DESTINATION });
	session_show(s);
	wait_for_peer(s);
	/* From here: two connections that policy allows to be one. */
	session_promise(s, b->fd);
	session_answer(s,
	    &(struct response){ .bound = &s->record.peer,
		.flag = s->request.flag & REQUEST_FLAG_DESTINATION });
	s->stage = STAGE_SILENT;
	session_announce(s);
	serve_relay(s, b->fd);
}

_Noreturn void
serve_bind(struct session *s)
{
	const struct deadline until = deadline_in(s->settings.connect_timeout);

	if (s->verdict.settled)
		pass_on(s, &s->verdict, until);
	if (!listen_for_peer(s, until))
		pass_on(s, &s->binding.verdict, until);
	meet_here(s);
}
