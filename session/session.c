/* SPDX-License-Identifier: ISC */
/*
 * The stages of a session's sandbox, and its two ends.  Once session_open()
 * has come back, session_end() is the only way out of the process.
 */
#include "session/session.h"

#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/wait.h"

/* RFC 1928 6 leaves 10 seconds after a failure reply. */
enum { FAREWELL_MILLISECONDS = 2000, FAREWELL_OCTETS = 64 * 1024 };

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
