/* SPDX-License-Identifier: ISC */
/*
 * From a started process to a session that is ready for the sandbox.
 */
#include "session/start.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <syslog.h>

#include "base/array.h"
#include "base/text.h"
#include "base/wait.h"
#include "net/onlink.h"
#include "net/resolve.h"
#include "net/route.h"
#include "policy/password.h"
#include "policy/reader.h"

enum { REPORT_TEXT = 1024 };

/* ----------------------------------------------------- what is wrong */

/*
 * Says why no session begins, where `log-to auto' leads: there may be no
 * configuration to ask.
 */
static void
complain(int client, const char *sentence)
{
	const struct journal_options options = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO,
		.facility = LOG_DAEMON,
		.client = client };

	journal_open(&options);
	journal_say(LOG_ERR, sentence);
}

/* A settings_report for the log; the context is the client's descriptor.
 * Only -t shows warnings: a log would repeat them with every connection. */
static void
report_error(void *context, bool warning, const char *where, const char *what)
{
	const int *client = context;
	char buffer[REPORT_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	if (warning)
		return;
	text_add(&line, where);
	text_add(&line, ": ");
	text_add(&line, what);
	complain(*client, buffer);
}

/* Reports "KEYWORD: WHAT: WHY" at the place of that directive; `why` may be
 * empty. */
static enum exit_status
misconfigured(const struct session *s, const struct preparation *p,
    const char *keyword, const char *const because[2])
{
	char place[RULE_TEXT];
	char sentence[REPORT_TEXT];
	struct text where = text_in(place, sizeof(place));
	struct text line = text_in(sentence, sizeof(sentence));

	settings_place(&s->settings, keyword, &where);
	text_add(&line, keyword);
	text_add(&line, ": ");
	text_add(&line, because[0]);
	text_add(&line, because[1]);
	p->report(p->context, false, place, sentence);
	return STATUS_CONFIG;
}

/* --------------------------------------- the steps of a preparation */

static enum exit_status
read_configuration(struct session *s, struct preparation *p)
{
	if (settings_read(&s->settings, p->source, p->report, p->context))
		return STATUS_OK;
	return reader_starved() ? STATUS_SYSTEM : STATUS_CONFIG;
}

static enum exit_status
open_log(struct session *s, struct preparation *p)
{
	const struct journal_options log = {
		.log_to = s->settings.log_to,
		.level = s->settings.log_level,
		.facility = s->settings.log_facility,
		.client = p->client,
	};

	journal_open(&log);
	return STATUS_OK;
}

static enum exit_status
become_user(struct session *s, struct preparation *p)
{
	struct sandbox_user user;
	uint64_t keep = 0;
	const char *problem = sandbox_find_user(s->settings.user, &user);

	if (problem != NULL)
		return misconfigured(s, p, "user",
		    (const char *const[]){ problem, "" });
	if (settings_mark(&s->settings))
		keep = UINT64_C(1) << CAP_NET_ADMIN; /* to the last dial */
	p->failure = sandbox_become(&user, keep);
	return p->failure == NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* `interface' and `mark' that cannot be set are an error now: a session must
 * not go where the configuration did not send it. */
static enum exit_status
try_steering(struct session *s, struct preparation *p)
{
	const char *keyword = route_refused(&s->settings);
	const char *why = strerror(errno);

	if (keyword == NULL)
		return STATUS_OK;
	return misconfigured(s, p, keyword,
	    (const char *const[]){ "cannot be set: ", why });
}

/* The password file is opened as the user, so that -t tells the truth, and
 * read when the client has chosen the method. */
static enum exit_status
open_passwords(struct session *s, struct preparation *p)
{
	s->passwords = -1;
	if (!settings_offers(&s->settings, AUTH_PASSWORD))
		return STATUS_OK;
	s->passwords = password_open(&s->settings, p->report, p->context);
	return s->passwords == -1 ? STATUS_CONFIG : STATUS_OK;
}

/* The same for the passwords that next gateways want. */
static enum exit_status
open_hops(struct session *s, struct preparation *p)
{
	struct reader r = { .report = p->report, .context = p->context };

	return hops_open(&s->settings.policy->hops, &r) ? STATUS_OK :
							  STATUS_CONFIG;
}

/* Without a table all works but what needs it, see FILES in
 * socks64-handler(8). */
static enum exit_status
open_table(struct session *s, struct preparation *p)
{
	(void)p;
	s->table.fd = -1;
	s->table.directory = -1;
	if (settings_need_table(&s->settings))
		(void)table_open(&s->table, s->settings.state_dir);
	return STATUS_OK;
}

/* SECURITY: what is on a link must not be taken for elsewhere. */
static enum exit_status
open_links(struct session *s, struct preparation *p)
{
	if (onlink_prepare(s->settings.policy))
		return STATUS_OK;
	p->failure = strerror(errno);
	return STATUS_SYSTEM;
}

enum exit_status
session_prepare(struct session *s, struct preparation *p)
{
	static enum exit_status (*const steps[])(struct session *,
	    struct preparation *) = {
		read_configuration,
		open_log,
		become_user,
		try_steering,
		open_passwords,
		open_hops,
		open_table,
		open_links,
	};

	for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
		const enum exit_status status = steps[i](s, p);

		if (status != STATUS_OK)
			return status;
	}
	resolve_prepare();
	return STATUS_OK;
}

/* --------------------------------------------------- one connection */

void
session_take(struct session *s, const struct connection *c)
{
	journal_own(c->pid);
	journal_hurry(false);
	s->start = c->since;
	s->handshake = (struct deadline){ c->since / 1000 +
		s->settings.handshake_timeout };
	s->inbox.fd = c->fd;
	s->scope = c->scope;
	s->dial.fd = -1;
	s->claims = -1;
	s->record = (struct record){
		.client = c->client,
		.client_uid = c->client_uid,
		.client_known = c->state == CONNECTION_OPEN,
		.listen = c->listen,
		.start_usec = c->since_utc,
		.dial_usec = -1,
		.reply = -1,
		.unconfined = !s->settings.sandbox,
	};
	if (c->state == CONNECTION_GONE)
		session_end(s, RESULT_CLIENT_GONE,
		    "the client left before it was served");
}

enum exit_status
session_open(struct session *s, const struct connection *c,
    const struct settings_source *source)
{
	int client = c->fd;
	struct preparation p = { .source = source,
		.client = client,
		.report = report_error,
		.context = &client };
	enum exit_status status;

	if (c->wrong != NULL) {
		complain(client, c->wrong);
		return c->state == CONNECTION_BAD ? STATUS_USAGE :
						    STATUS_SYSTEM;
	}
	status = session_prepare(s, &p);
	if (status != STATUS_OK && p.failure == NULL)
		return status;
	session_take(s, c);
	if (p.failure != NULL)
		session_end(s, RESULT_ERROR, p.failure);
	return STATUS_OK;
}
