/* SPDX-License-Identifier: ISC */
/*
 * The claim of a session for its user, and the wait for the answer.
 */
#include "session/claim.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/figures.h"
#include "base/text.h"
#include "base/wait.h"
#include "wire/claim.h"

enum { REASON_TEXT_SIZE = 1200 };

/* Who is served, told apart: a name, or the uid of a unix-domain client.
 * False: somebody without a name. */
static bool
identity_add(struct text *t, const struct session *s)
{
	const struct record *r = &s->record;

	if (r->user_length > 0) {
		text_add_char(t, '=');
		text_add_octets(t, r->user, r->user_length);
	} else if (r->client_known && r->client.family == FAMILY_NONE) {
		text_add_number(t, r->client_uid);
	} else {
		return false;
	}
	return true;
}

/* Which signal came: SIGUSR1, SIGUSR2, SIGTERM; 0: none in time. */
static uint32_t
answer_wait(const struct session *s)
{
	struct signalfd_siginfo info;
	struct pollfd fd = { .fd = s->answers, .events = POLLIN };

	switch (wait_for(&fd, 1, s->handshake)) {
	case WAIT_STOPPED: return SIGTERM;
	case WAIT_TIMEOUT: return 0;
	case WAIT_READY: break;
	}
	return read(s->answers, &info, sizeof(info)) == sizeof(info) ?
	    info.ssi_signo :
	    0;
}

static uint32_t
ask(struct session *s, const struct text *identity)
{
	const struct claim claim = { s->settings.max_sessions_per_user,
		identity->length, (const uint8_t *)identity->start };
	struct pollfd fd = { .fd = s->claims, .events = POLLOUT };
	uint8_t octets[CLAIM_MAX];
	const size_t length = claim_format(&claim, octets);

	switch (wait_for(&fd, 1, s->handshake)) {
	case WAIT_STOPPED: return SIGTERM;
	case WAIT_TIMEOUT: return 0;
	case WAIT_READY: break;
	}
	return send(s->claims, octets, length, MSG_NOSIGNAL) ==
		(ssize_t)length ?
	    answer_wait(s) :
	    0;
}

static _Noreturn void
deny(struct session *s)
{
	char buffer[REASON_TEXT_SIZE];
	struct text reason = text_in(buffer, sizeof(buffer));

	if (s->record.user_length > 0) {
		text_add_quotable(&reason, s->record.user,
		    s->record.user_length);
	} else {
		text_add(&reason, "uid=");
		text_add_number(&reason, s->record.client_uid);
	}
	text_add(&reason, " has ");
	text_add_number(&reason, s->settings.max_sessions_per_user);
	text_add(&reason, " sessions, max-sessions-per-user");
	figures_refuse(REFUSAL_PER_USER);
	session_fail(s, RESULT_DENIED, REPLY_NOT_ALLOWED, buffer);
}

void
session_claim(struct session *s)
{
	char buffer[CLAIM_USER_MAX];
	struct text identity = text_in(buffer, sizeof(buffer));
	uint32_t answer = SIGUSR1;
	struct outcome stopped;

	if (s->claims == -1)
		return;
	if (identity_add(&identity, s))
		answer = ask(s, &identity);
	close(s->claims);
	close(s->answers);
	s->claims = -1;
	if (answer == SIGUSR2)
		deny(s);
	if (answer == SIGTERM) {
		outcome_stop(&stopped);
		session_fail(s, stopped.result, REPLY_GENERAL_FAILURE,
		    stopped.reason);
	}
	if (answer != SIGUSR1)
		session_fail(s, RESULT_STOPPED, REPLY_GENERAL_FAILURE,
		    "the parent did not say whether the user may have one "
		    "more session");
}
