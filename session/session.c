/* SPDX-License-Identifier: ISC */
/*
 * The beginning and the two ends of a session.  The only _exit() of a
 * session is in session_end().
 */
#include "session/session.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "net/resolve.h"
#include "net/route.h"
#include "policy/password.h"
#include "policy/reader.h"
#include "session/connection.h"

enum { REPORT_TEXT = 1024 };

/* RFC 1928 6 leaves 10 seconds after a failure reply. */
enum { FAREWELL_MILLISECONDS = 2000, FAREWELL_OCTETS = 64 * 1024 };

/* ------------------------------------------------------------------ open */

/*
 * Before there is a configuration: to where `auto` leads.  A connection with
 * nothing wrong never comes here.
 */
static void
complain(int client, const char *sentence)
{
	const struct journal_options options = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO, .facility = LOG_DAEMON, .client = client };

	journal_open(&options);
	journal_say(LOG_ERR, sentence);
}

static void
report_settings(void *context, bool warning, const char *where,
    const char *what)
{
	const int *client = context;
	char buffer[REPORT_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	if (warning)
		return; /* -t is for these */
	text_add(&line, where);
	text_add(&line, ": ");
	text_add(&line, what);
	complain(*client, buffer);
}

static _Noreturn void
session_refuse(const struct connection *c, enum exit_status status,
    const char *sentence)
{
	complain(c->fd, sentence);
	_exit((int)status);
}

/* KEYWORD: WHAT: WHY, at the place of that directive; `why` may be "". */
static _Noreturn void
session_misconfigured(struct session *s, const char *keyword,
    const char *what, const char *why)
{
	char place[RULE_TEXT];
	char sentence[REPORT_TEXT];
	struct text where = text_in(place, sizeof(place));
	struct text line = text_in(sentence, sizeof(sentence));

	settings_place(&s->settings, keyword, &where);
	text_add(&line, keyword);
	text_add(&line, ": ");
	text_add(&line, what);
	text_add(&line, why);
	report_settings(&s->inbox.fd, false, place, sentence);
	_exit(STATUS_CONFIG);
}

static void
session_configure(struct session *s, const struct connection *c,
    const struct options *options)
{
	struct journal_options log = { .client = c->fd };
	const char *refused;
	int client = c->fd;

	if (!settings_read(&s->settings, options->file, options->settings,
	    options->count, report_settings, &client))
		_exit(reader_starved() ? STATUS_SYSTEM : STATUS_CONFIG);
	refused = journal_refused(s->settings.log_to);
	if (refused != NULL)
		session_misconfigured(s, "log-to", refused, "");
	log.log_to = s->settings.log_to;
	log.level = s->settings.log_level;
	log.facility = s->settings.log_facility;
	journal_open(&log);
	s->record.unconfined = !s->settings.sandbox;
}

static void
session_know(struct session *s, const struct connection *c)
{
	s->inbox.fd = c->fd;
	s->scope = c->scope;
	s->record.client = c->client;
	s->record.client_uid = c->client_uid;
	s->record.client_known = c->state == CONNECTION_OPEN;
	s->record.listen = c->listen;
}

/* Opened as the user, so that -t tells the truth; read when the client
 * chooses the method. */
static void
session_credentials(struct session *s)
{
	int client = s->inbox.fd;

	s->passwords = -1;
	if (!settings_offers(&s->settings, AUTH_PASSWORD))
		return;
	s->passwords = password_open(&s->settings, report_settings, &client);
	if (s->passwords == -1)
		_exit(STATUS_CONFIG);
}

/* Without it everything but what needs it works (INTERFACE.md 4). */
static void
session_share(struct session *s)
{
	s->table.fd = -1;
	if (s->settings.ftp_alg != FTP_ALG_OFF)
		(void)table_open(&s->table, s->settings.state_dir);
}

/* What cannot be set is told now: a session must not go where the
 * configuration did not send it. */
static void
session_steer(struct session *s)
{
	const char *keyword = route_refused(&s->settings);
	const char *why = strerror(errno);

	if (keyword != NULL)
		session_misconfigured(s, keyword, "cannot be set: ", why);
}

static void
session_become(struct session *s)
{
	struct sandbox_user user;
	uint64_t keep = 0;
	const char *problem = sandbox_find_user(s->settings.user, &user);

	if (problem != NULL)
		session_misconfigured(s, "user", problem, "");
	if (s->settings.mark_set)
		keep = UINT64_C(1) << CAP_NET_ADMIN; /* to the last dial */
	problem = sandbox_become(&user, keep);
	if (problem != NULL)
		session_end(s, RESULT_ERROR, problem);
}

void
session_open(struct session *s, const struct options *options)
{
	const bool standard = connection_fill_standard();
	const struct connection c = connection_find();

	s->start = clock_microseconds();
	s->record = (struct record){ .start_usec =
		clock_utc_microseconds(), .dial_usec = -1,
		.reply = -1 };
	s->dial.fd = -1;
	if (c.state == CONNECTION_NONE) {
		options_print_usage();
		_exit(STATUS_USAGE);
	}
	if (!standard)
		session_refuse(&c, STATUS_SYSTEM,
		    "/dev/null could not be opened");
	if (c.state == CONNECTION_BAD)
		session_refuse(&c, STATUS_USAGE, c.wrong);
	if (c.state == CONNECTION_FAILED)
		session_refuse(&c, STATUS_SYSTEM, c.wrong);
	session_know(s, &c);
	session_configure(s, &c, options);
	if (c.state == CONNECTION_GONE)
		session_end(s, RESULT_CLIENT_GONE,
		    "the client left before it was served");
	session_become(s);
	session_steer(s);
	session_credentials(s);
	session_share(s);
	resolve_prepare();
	s->handshake = deadline_in(s->settings.handshake_timeout);
}

void
session_confine(struct session *s, enum sandbox_stage stage)
{
	const char *failure = sandbox_enter(stage, s->settings.sandbox);

	if (failure != NULL)
		session_end(s, RESULT_ERROR, failure);
	if (stage == SANDBOX_NEGOTIATE && sandbox_lacks_landlock())
		journal_say(LOG_DEBUG, "this kernel has no Landlock: any "
		    "file that the user may read can be read");
}

/* ------------------------------------------------------------------- end */

/* What the client waits for, as a refusal.  Returns the length. */
static size_t
refusal_format(const struct session *s, enum reply reply,
    uint8_t octets[SOCKS5_REPLY_MAX])
{
	switch (s->stage) {
	case STAGE_SILENT:
		break;
	case STAGE_METHOD:
		octets[0] = SOCKS5_VERSION;
		octets[1] = SOCKS5_METHOD_NO_ACCEPTABLE;
		return 2;
	case STAGE_LOGIN:
		login_reply_format(false, octets);
		return LOGIN_REPLY_SIZE;
	case STAGE_REQUEST:
		return socks5_reply_format(reply, NULL, octets);
	}
	return 0;
}

/*
 * Closing with octets unread makes the kernel send a reset, which may
 * overtake the refusal and destroy it at the client.  So read and drop what
 * still comes, for a moment.
 */
static void
farewell(struct session *s)
{
	const struct deadline until = deadline_in(FAREWELL_MILLISECONDS);
	uint64_t left = FAREWELL_OCTETS;

	shutdown(s->inbox.fd, SHUT_WR);
	for (;;) {
		const uint64_t before = s->inbox.received;

		s->inbox.start = 0;
		s->inbox.end = 0;
		if (inbox_fill(&s->inbox, until) != INBOX_MORE)
			return;
		if (s->inbox.received - before >= left)
			return;
		left -= s->inbox.received - before;
	}
}

_Noreturn void
session_fail(struct session *s, enum result result, enum reply reply,
    const char *reason)
{
	uint8_t octets[SOCKS5_REPLY_MAX];
	const size_t length = refusal_format(s, reply, octets);

	if (length > 0 && send(s->inbox.fd, octets, length, MSG_NOSIGNAL) ==
	    (ssize_t)length) {
		if (s->stage == STAGE_REQUEST)
			s->record.reply = (int)reply;
		farewell(s);
	}
	session_end(s, result, reason);
}

_Noreturn void
session_end(struct session *s, enum result result, const char *reason)
{
	struct record *r = &s->record;

	r->result = result;
	r->reason = reason;
	r->quiet = result != RESULT_ERROR &&
	    (s->inbox.received == 0 || s->health_check);
	r->duration_usec = clock_microseconds() - s->start;
	journal_record(r);
	_exit(result == RESULT_ERROR ? STATUS_SYSTEM : STATUS_OK);
}
