/* SPDX-License-Identifier: ISC */
/*
 * The father of gate and sessions: starts a gate for each generation, reaps
 * whom it gets, answers claims, and ends all when it is told to.
 */
#include "service/parent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "base/wait.h"
#include "log/notify.h"
#include "service/gate.h"
#include "service/message.h"
#include "service/publish.h"
#include "service/renew.h"

enum {
	/* Milliseconds. */
	GATE_PAUSE = 100,     /* before a gate that died is replaced */
	GATE_PATIENCE = 2000, /* for a gate that is told to end */
	PATIENCE = 10000,     /* for sessions that are told to end */
	LINE_TEXT = 1024,
};

enum state {
	STATE_SERVING,
	STATE_DRAINING, /* no gate; the sessions go on */
	STATE_STOPPING, /* no gate; the sessions were told to end */
};

struct parent {
	struct service *service;
	enum state state;
	int signals;             /* where service->signals are read */
	pid_t gate;              /* 0: there is none */
	struct deadline gate_at; /* when the next one begins */
	bool told;               /* a gate has read the configuration */
	bool ended;              /* with this status: */
	enum exit_status status;
	struct generation generation; /* the last one's, where one told */
	struct publisher publisher;
	struct deadline kill_at; /* of STATE_STOPPING */
	struct deadline idle_at; /* exit-idle-time */
	uint64_t idle_started;   /* so many had started when that was set */
	/* What signals asked for. */
	bool stop;
	bool drain;
	bool renew;
};

/* ----------------------------------------------------------- the texts */

static void
say(int priority, const char *before, const char *what, const char *after)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, before);
	text_add(&line, what);
	text_add(&line, after);
	journal_say(priority, buffer);
}

/* What a session or a gate can die of. */
/* clang-format off */
#define SIGNAL(number) { number, #number }
/* clang-format on */
static const struct {
	int number;
	const char *name;
} deaths[] = { SIGNAL(SIGSYS), SIGNAL(SIGSEGV), SIGNAL(SIGKILL),
	SIGNAL(SIGTERM), SIGNAL(SIGABRT), SIGNAL(SIGBUS), SIGNAL(SIGILL),
	SIGNAL(SIGFPE), SIGNAL(SIGTRAP), SIGNAL(SIGXCPU), SIGNAL(SIGXFSZ),
	SIGNAL(SIGALRM), SIGNAL(SIGPIPE), SIGNAL(SIGHUP), SIGNAL(SIGINT),
	SIGNAL(SIGQUIT) };

/* SIGSEGV; "a signal" for those without a name. */
static void
signal_add(struct text *t, int number)
{
	const char *name = "a signal";

	for (size_t i = 0; i < ARRAY_COUNT(deaths); i++)
		if (deaths[i].number == number)
			name = deaths[i].name;
	text_add(t, name);
}

static void
log_open(const struct generation *g)
{
	const struct journal_options options = {
		.log_to = g->log_to,
		.level = g->log_level,
		.facility = g->log_facility,
		.client = -1,
	};

	journal_open(&options);
	journal_hurry(true);
}

static struct overview
overview_of(const struct parent *p)
{
	return (struct overview){
		.sessions = ledger_live(p->service->ledger),
		.total = p->service->ledger->started,
		.good = p->generation.good,
		.trouble = p->generation.trouble,
		.figures = p->service->figures,
	};
}

static const char *
metrics_file(const struct parent *p)
{
	return p->generation.metrics_file[0] == '\0' ?
	    NULL :
	    p->generation.metrics_file;
}

/* ------------------------------------------------------------- children */

/* The record of a session that could not write its own. */
static void
record_death(const struct parent *p, uint32_t slot, int number)
{
	const struct slot *session = &p->service->ledger->slots[slot];
	char buffer[LINE_TEXT];
	struct text reason = text_in(buffer, sizeof(buffer));
	const struct record r = { .result = RESULT_ERROR,
		.client = session->client,
		.client_uid = session->uid,
		.client_known = true,
		.start_usec = session->since_utc,
		.duration_usec = clock_microseconds() - session->since,
		.dial_usec = -1,
		.reply = -1,
		.reason = buffer,
		.unconfined = p->told && !p->generation.confined };

	text_add(&reason, "ended by ");
	signal_add(&reason, number);
	journal_own(p->service->ledger->pids[slot]);
	journal_record(&r);
	journal_own(getpid());
	figures_end(RESULT_ERROR);
}

/*
 * SECURITY: a crash may have been an attempt at something, which has learnt
 * how memory lies: the sessions that follow shall have another layout.
 */
static void
session_ended(struct parent *p, uint32_t slot, int status)
{
	if (WIFSIGNALED(status)) {
		const int number = WTERMSIG(status);

		record_death(p, slot, number);
		if (number != SIGKILL && number != SIGTERM)
			p->renew = true;
	}
	ledger_end(p->service->ledger, slot);
}

static void
gate_ended(struct parent *p, int status)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	p->gate = 0;
	p->gate_at = deadline_in(0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_OK)
		return;
	p->gate_at = deadline_in(GATE_PAUSE);
	text_add(&line, "the gate was ended by ");
	if (WIFSIGNALED(status)) {
		signal_add(&line, WTERMSIG(status));
	} else {
		text_add(&line, "status ");
		text_add_number(&line, (uint64_t)WEXITSTATUS(status));
	}
	text_add(&line, "; another one begins");
	journal_say(LOG_ERR, buffer);
	if (!p->told && p->service->strict) {
		p->ended = true;
		p->status = STATUS_SYSTEM;
	}
}

static void
reap(struct parent *p)
{
	int status;
	pid_t pid;

	for (pid = waitpid(-1, &status, WNOHANG); pid > 0;
	     pid = waitpid(-1, &status, WNOHANG)) {
		const uint32_t slot = ledger_find(p->service->ledger, pid);

		if (pid == p->gate)
			gate_ended(p, status);
		else if (slot != LEDGER_NO_SLOT)
			session_ended(p, slot, status);
		/* Else a stranger's orphan: we are PID 1. */
	}
}

static void
kill_sessions(const struct parent *p, int number)
{
	const struct ledger *l = p->service->ledger;

	for (uint32_t i = 0; i < l->high; i++)
		if (l->pids[i] > 0)
			kill(l->pids[i], number);
}

/* ------------------------------------------------------------- messages */

static void
generation_told(struct parent *p, const struct generation *g)
{
	char buffer[LINE_TEXT];
	struct text places = text_in(buffer, sizeof(buffer));
	const bool was_good = p->generation.good;

	p->generation = *g;
	log_open(g);
	if (!p->told && !g->good && p->service->strict) {
		p->ended = true;
		p->status = STATUS_CONFIG;
		return;
	}
	listeners_describe(&p->service->listeners, &places);
	if (!p->told)
		say(LOG_INFO,
		    g->good ? "listening on " : "refusing all connections to ",
		    buffer, "");
	else if (g->good)
		journal_say(LOG_INFO, "the configuration was read anew");
	else if (was_good)
		journal_say(LOG_INFO,
		    "the configuration was read anew: all "
		    "connections are refused");
	p->told = true;
	p->service->strict = false;
	notify_send("READY=1");
}

static void
session_told(const struct parent *p, pid_t pid, const struct message *message)
{
	const uint32_t slot = ledger_find(p->service->ledger, pid);
	enum user_admission admission = USER_REPEATED;

	if (slot == LEDGER_NO_SLOT)
		return; /* it has ended */
	if (message->kind == MESSAGE_CLAIM)
		admission = ledger_admit_user(p->service->ledger, slot,
		    &message->claim);
	switch (admission) {
	case USER_GRANTED: kill(pid, SIGUSR1); break;
	case USER_DENIED: kill(pid, SIGUSR2); break;
	case USER_REPEATED:
		/* SECURITY: a session of ours claims once, and says nothing
		 * else; one that goes on would keep us busy with reading. */
		kill(pid, SIGKILL);
		break;
	}
}

static void
message_take(struct parent *p, pid_t sender, const uint8_t *octets,
    size_t length)
{
	struct message message;

	message_parse(octets, length, &message);
	if (sender != p->gate)
		session_told(p, sender, &message);
	else if (message.kind == MESSAGE_GENERATION)
		generation_told(p, &message.generation);
	/* Else a wake-up: there is something to publish. */
}

/* The process that the kernel names as the sender; 0: it names none. */
static pid_t
sender_of(struct msghdr *message)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct ucred who;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(who)))
		return 0;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who.pid;
}

/* False: there was none. */
static bool
message_receive(struct parent *p)
{
	uint8_t octets[MESSAGE_MAX + 1];
	_Alignas(
	    struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { octets, sizeof(octets) };
	struct msghdr message = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(p->service->parent_end, &message,
	    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return false;
	message_take(p, sender_of(&message), octets, (size_t)n);
	return true;
}

/* -------------------------------------------------------------- waiting */

static void
signals_read(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT: p->stop = true; break;
		case SIGQUIT: p->drain = true; break;
		case SIGHUP: p->renew = true; break;
		default: /* SIGCHLD */ break;
		}
	}
}

/* The parent can hear of nothing any more; its launcher starts another one. */
static void
give_up(struct parent *p)
{
	if (!p->ended)
		say(LOG_ERR,
		    "the parent cannot wait: ", strerror(wait_failure()), "");
	p->ended = true;
	p->status = STATUS_SYSTEM;
}

/* Waits for anything to happen, and takes it.  False: nothing did. */
static bool
take_events(struct parent *p, struct deadline until)
{
	struct pollfd fds[] = {
		{ .fd = p->signals, .events = POLLIN },
		{ .fd = p->service->parent_end, .events = POLLIN },
	};

	if (wait_for(fds, ARRAY_COUNT(fds), until) != WAIT_READY) {
		if (wait_failure() != 0)
			give_up(p);
		return false;
	}
	signals_read(p);
	/* A session's claim comes before its end. */
	while (message_receive(p))
		continue;
	reap(p);
	return true;
}

/* Returns when there is no gate any more. */
static void
gate_end(struct parent *p)
{
	const struct deadline until = deadline_in(GATE_PATIENCE);

	if (p->gate != 0)
		kill(p->gate, SIGTERM);
	while (p->gate != 0) {
		if (wait_failure() == 0 &&
		    (take_events(p, until) || !deadline_passed(until)))
			continue;
		kill(p->gate, SIGKILL);
		(void)waitpid(p->gate, NULL, 0);
		p->gate = 0;
	}
}

/* ------------------------------------------------------------- deciding */

/* Has a signal that asks for something not been answered yet?  It may have
 * come while the answer to another one waited for the gate. */
static bool
is_asked(const struct parent *p)
{
	return p->stop || p->drain || p->renew;
}

static void
stop(struct parent *p)
{
	p->stop = false;
	notify_send("STOPPING=1");
	gate_end(p);
	kill_sessions(p, SIGTERM);
	if (p->state != STATE_STOPPING)
		p->kill_at = deadline_in(PATIENCE);
	p->state = STATE_STOPPING;
}

static void
drain(struct parent *p)
{
	p->drain = false;
	if (p->state != STATE_SERVING)
		return;
	notify_send("STOPPING=1");
	gate_end(p);
	p->state = STATE_DRAINING;
}

static void
renew(struct parent *p)
{
	p->renew = false;
	if (p->state != STATE_SERVING)
		return;
	if (!renew_try(p->service)) {
		say(LOG_ERR, p->service->program,
		    " is not executed anew: it does not start, -V failed", "");
		return;
	}
	notify_send("RELOADING=1");
	gate_end(p);
	/* What was asked for meanwhile would be forgotten. */
	if (is_asked(p))
		return;
	renew_execute(p->service);
	say(LOG_ERR, p->service->program,
	    " could not be executed anew: ", strerror(errno));
	p->gate_at = deadline_in(0);
}

/* Nobody was served for so long: the launcher, which listens, too, may start
 * us again.  A connection may have come in the meantime. */
static void
leave_idle(struct parent *p)
{
	p->idle_at = DEADLINE_NEVER;
	gate_end(p);
	if (ledger_live(p->service->ledger) > 0)
		return;
	p->ended = true;
	p->status = STATUS_OK;
	journal_say(LOG_INFO, "idle for exit-idle-time");
}

/* Was a session served since the time of idleness began?  It may have ended
 * between two looks of ours. */
static bool
idle_begins(const struct parent *p)
{
	return p->idle_at.at == DEADLINE_NEVER.at ||
	    p->idle_started != p->service->ledger->started;
}

static void
consider_idle(struct parent *p)
{
	if (p->state != STATE_SERVING || !p->service->listeners.passed ||
	    p->generation.exit_idle_time == 0 ||
	    ledger_live(p->service->ledger) > 0)
		p->idle_at = DEADLINE_NEVER;
	else if (idle_begins(p)) {
		p->idle_started = p->service->ledger->started;
		p->idle_at = deadline_in(p->generation.exit_idle_time);
	} else if (deadline_passed(p->idle_at))
		leave_idle(p);
}

static void
decide(struct parent *p)
{
	if (p->stop)
		stop(p);
	if (p->drain)
		drain(p);
	if (p->renew)
		renew(p);
	consider_idle(p);
	if (p->state == STATE_STOPPING && deadline_passed(p->kill_at)) {
		kill_sessions(p, SIGKILL);
		p->kill_at = DEADLINE_NEVER;
	}
	if (p->state != STATE_SERVING && ledger_live(p->service->ledger) == 0)
		p->ended = true;
}

/* ------------------------------------------------------------- the loop */

/* How many connections were served or refused. */
static uint64_t
connections(const struct parent *p)
{
	const struct figures *f = p->service->figures;
	uint64_t total = p->service->ledger->started;

	for (size_t i = 0; i < REFUSALS; i++)
		total += f->refused[i];
	return total;
}

/*
 * When to wake up although nothing happens.  With nothing to show, the gate
 * wakes us when it serves or refuses somebody; where STATUS= was sent within a
 * second, that is looked at when it may be sent again.
 */
static struct deadline
next_moment(struct parent *p)
{
	struct ledger *l = p->service->ledger;
	const uint64_t before = connections(p);
	const struct overview o = overview_of(p);
	struct deadline next = deadline_first(p->kill_at, p->idle_at);

	if (is_asked(p))
		return deadline_in(0);
	if (p->told)
		next = deadline_first(next,
		    publish(&p->publisher, &o, metrics_file(p)));
	if (p->gate == 0 && p->state == STATE_SERVING)
		next = deadline_first(next, p->gate_at);
	if (deadline_passed(p->publisher.status_after))
		atomic_store(&l->asleep, 1);
	else
		next = deadline_first(next, p->publisher.status_after);
	return connections(p) == before ? next : deadline_in(0);
}

/* True in the child, with the status that it returns.  A session writes
 * nothing to *p: the page would be copied. */
static bool
gate_begin(struct parent *p, struct session *s, bool *is_session,
    enum exit_status *status)
{
	const pid_t parent = getpid();

	ledger_begin(p->service->ledger);
	p->service->figures->generations++;
	p->gate = fork();
	if (p->gate == 0) {
		close(p->signals);
		*status = gate_run(p->service, s, parent, is_session);
		return true;
	}
	if (p->gate == -1) {
		say(LOG_ERR, "no process for the gate: ", strerror(errno), "");
		p->gate = 0;
		p->gate_at = deadline_in(GATE_PAUSE);
	}
	return false;
}

/* Signals are read from a descriptor: they can wait while we are executed
 * anew.  False: errno tells. */
static bool
signals_open(struct parent *p)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP,
		SIGCHLD };
	const struct sigaction plain = { .sa_handler = SIG_DFL };

	sigemptyset(&p->service->signals);
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		sigaddset(&p->service->signals, numbers[i]);
	p->signals = wait_leave_signals(&p->service->signals);
	/* Who ignores SIGCHLD, as our launcher may, has nobody to reap. */
	return p->signals >= 0 && sigaction(SIGCHLD, &plain, NULL) == 0;
}

static bool
become_parent(struct parent *p)
{
	const int on = 1;

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    setsockopt(p->service->parent_end, SOL_SOCKET, SO_PASSCRED, &on,
		sizeof(on)) == 0 &&
	    signals_open(p);
}

static enum exit_status
leave(struct parent *p)
{
	const struct overview o = overview_of(p);

	if (p->told)
		publish_last(&p->publisher, &o, metrics_file(p));
	listeners_remove(&p->service->listeners);
	if (p->status == STATUS_OK)
		journal_say(LOG_INFO, "ended");
	return p->status;
}

enum exit_status
parent_run(struct service *v, struct session *s, bool *is_session)
{
	/* Below it on the stack run the sessions. */
	static struct parent p;
	enum exit_status status;

	p.service = v;
	p.kill_at = DEADLINE_NEVER;
	p.idle_at = DEADLINE_NEVER;
	if (!become_parent(&p)) {
		say(LOG_ERR,
		    "the parent could not be set up: ", strerror(errno), "");
		return STATUS_SYSTEM;
	}
	/* Signals that came while we were executed. */
	signals_read(&p);
	reap(&p);
	while (!p.ended) {
		decide(&p);
		if (p.state == STATE_SERVING && p.gate == 0 && !p.ended &&
		    !is_asked(&p) && deadline_passed(p.gate_at) &&
		    gate_begin(&p, s, is_session, &status))
			return status;
		if (!p.ended)
			(void)take_events(&p, next_moment(&p));
	}
	gate_end(&p);
	return leave(&p);
}
