/* SPDX-License-Identifier: ISC */
/*
 * Reads the configuration, confines itself, and then, for each connection: has
 * an input changed? may this client have a session? a process for it.
 *
 * What is written here in that loop lies in the ledger or on the stack: each
 * other page would be copied once more behind every clone.
 */
#include "service/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/seldom.h"
#include "base/text.h"
#include "base/wait.h"
#include "log/notify.h"
#include "log/title.h"
#include "net/route.h"
#include "net/sockaddr.h"
#include "service/message.h"
#include "session/start.h"

enum {
	/* Microseconds between two attempts to read what was broken. */
	ATTEMPTS = 1000000,
	/* Milliseconds of rest when the system has no more to give. */
	REST = 100,
	/* ... before it is said that it still has no more. */
	SILENCE = 60 * 1000,
	LINE_TEXT = 1024,
	TROUBLES_TEXT = 8192,
	TITLE_TEXT = 80,
};

/* What the kernel's memory killer takes first, of all processes of ours. */
#define OOM_SCORE "300"

struct gate {
	struct service *service;
	struct session *session;
	struct limits limits;
	bool refusing; /* the configuration is broken */
	bool fresh;    /* a connection has waited since before the reading */
	int spare;     /* given up to accept, and to reset, one more */
	int64_t silent_until; /* clock_now(); that accept(2) fails was said */
};

/* What came of a look at a listener. */
enum turn {
	TURN_NONE,    /* nobody waited there */
	TURN_DONE,    /* a connection was served or refused */
	TURN_REST,    /* the system has no more to give */
	TURN_SESSION, /* this process is the session */
};

/* ------------------------------------------------------- the reading */

/* The lines of a report, for the log, where they are new. */
struct troubles {
	char buffer[TROUBLES_TEXT];
	struct text lines; /* each ends with a newline */
};

static void
troubles_add(void *context, bool warning, const char *where, const char *what)
{
	struct troubles *t = context;

	if (warning)
		return;
	text_add(&t->lines, where);
	text_add(&t->lines, ": ");
	text_add(&t->lines, what);
	text_add_char(&t->lines, '\n');
}

/* FNV-1a; 0 stands for nothing wrong. */
static uint64_t
troubles_hash(const struct text *lines)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < lines->length; i++)
		hash = (hash ^ (uint8_t)lines->start[i]) *
		    UINT64_C(0x100000001b3);
	return hash | 1;
}

/* Says what is wrong, unless the generation before has said the same. */
static void
troubles_say(struct troubles *t, struct ledger *l)
{
	const uint64_t hash = troubles_hash(&t->lines);
	char *line = t->buffer;

	if (hash == l->trouble)
		return;
	l->trouble = hash;
	for (char *end = strchr(line, '\n'); end != NULL;
	     end = strchr(line, '\n')) {
		*end = '\0';
		journal_say(LOG_ERR, line);
		line = end + 1;
	}
}

static void
log_automatically(void)
{
	const struct journal_options automatic = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO,
		.facility = LOG_DAEMON,
		.client = -1 };

	journal_open(&automatic);
}

/* Reads all anew.  False: it is broken, *first is the first error. */
static bool
read_configuration(struct gate *g, struct text *first)
{
	static SELDOM struct troubles troubles;
	const struct settings_source source = options_source(
	    g->service->options);
	struct preparation p = { .source = &source,
		.client = -1,
		.report = troubles_add,
		.context = &troubles };
	struct ledger *l = g->service->ledger;

	troubles.lines = text_in(troubles.buffer, sizeof(troubles.buffer));
	l->tried = clock_microseconds();
	log_automatically();
	inputs_watch();
	if (session_prepare(g->session, &p) == STATUS_OK) {
		l->trouble = 0;
		return true;
	}
	if (p.failure != NULL) {
		text_add(&troubles.lines, p.failure);
		text_add_char(&troubles.lines, '\n');
	}
	text_add_octets(first, troubles.buffer,
	    strcspn(troubles.buffer, "\n"));
	troubles_say(&troubles, l);
	return false;
}

static void
tell_parent(const struct gate *g, const struct text *trouble)
{
	/* Not on the stack, where every session would copy the pages. */
	static struct generation generation;
	static uint8_t octets[MESSAGE_MAX];
	const struct settings *settings = &g->session->settings;

	memset(&generation, 0, sizeof(generation));
	generation.good = !g->refusing;
	if (generation.good) {
		struct text path = text_in(generation.metrics_file,
		    sizeof(generation.metrics_file));

		generation.confined = settings->sandbox;
		generation.log_to = settings->log_to;
		generation.log_level = settings->log_level;
		generation.log_facility = settings->log_facility;
		generation.exit_idle_time = settings->exit_idle_time;
		text_add(&path,
		    settings->metrics_file == NULL ? "" :
						     settings->metrics_file);
	} else {
		generation.log_level = LOG_INFO;
		generation.log_facility = LOG_DAEMON;
		memcpy(generation.trouble, trouble->start,
		    trouble->length + 1);
	}
	(void)send(g->service->child_end, octets,
	    message_format_generation(&generation, octets), MSG_NOSIGNAL);
}

/* ----------------------------------------------------- the process */

/* Where the session will find the answer of max-sessions-per-user. */
static int
answers_open(void)
{
	sigset_t answers;

	sigemptyset(&answers);
	sigaddset(&answers, SIGUSR1);
	sigaddset(&answers, SIGUSR2);
	return wait_leave_signals(&answers);
}

/* A terminal sends these to all: they are the parent's to understand. */
static void
ignore_terminal(void)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGHUP };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		sigaction(numbers[i], &ignore, NULL);
}

/* The file is root's as long as the process is undumpable. */
static void
oom_prefer(void)
{
	int fd;

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (fd == -1)
		return;
	if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		journal_say(LOG_DEBUG,
		    "the memory killer cannot be told "
		    "whom to take first");
	close(fd);
}

/* False: the parent has ended already. */
static bool
become_gate(const struct service *v, pid_t parent)
{
	journal_own(getpid());
	journal_hurry(true);
	ignore_terminal();
	wait_take_signals(&v->signals);
	oom_prefer();
	close(v->parent_end);
	close(v->memory);
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    getppid() == parent;
}

static void
set_limits(struct gate *g)
{
	const struct settings *settings = &g->session->settings;

	g->limits = (struct limits){
		.sessions = settings->max_sessions,
		.per_client = settings->max_sessions_per_client,
		.rate = settings->max_rate_per_client,
	};
	if (g->limits.per_client > 0 || g->limits.rate.count > 0)
		ledger_count(g->service->ledger);
}

/* Into the sandbox.  NULL, or what failed. */
static const char *
confine(struct gate *g)
{
	struct session *s = g->session;
	const bool walls = g->refusing || s->settings.sandbox;

	s->answers = s->settings.max_sessions_per_user == 0 ? -1 :
							      answers_open();
	g->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	/* No session can reach it. */
	if (madvise(g->service->ledger, sizeof(struct ledger),
		MADV_DONTFORK) != 0)
		return "the ledger could not be kept from the sessions";
	return sandbox_enter(SANDBOX_SERVICE, walls);
}

/* ----------------------------------------------------- refusing */

static void
reset(int fd)
{
	socket_reset_at_close(fd);
	close(fd);
}

static void
limit_add(struct text *t, const struct gate *g, enum refusal why)
{
	const struct limits *limits = &g->limits;

	switch (why) {
	case REFUSAL_SESSIONS:
		text_add(t, "max-sessions ");
		text_add_number(t, limits->sessions);
		break;
	case REFUSAL_PER_CLIENT:
		text_add(t, "max-sessions-per-client ");
		text_add_number(t, limits->per_client);
		break;
	case REFUSAL_RATE:
		text_add(t, "max-rate-per-client ");
		text_add_number(t, limits->rate.count);
		text_add(t, " in ");
		text_add_number(t, (uint64_t)limits->rate.time);
		text_add(t, " ms");
		break;
	case REFUSAL_PER_USER:
	case REFUSAL_CONFIGURATION:
	case REFUSAL_SYSTEM:
	case REFUSALS:
		text_add(t, "no process for a session: ");
		text_add(t, strerror(errno));
		break;
	}
}

/* The parent shows what has changed. */
static void
wake_parent(const struct gate *g)
{
	uint8_t octets[MESSAGE_MAX];

	if (g->service->ledger->asleep != 0 &&
	    atomic_exchange(&g->service->ledger->asleep, 0) != 0)
		(void)send(g->service->child_end, octets,
		    message_format_wake(octets), MSG_NOSIGNAL);
}

/* A record of it, where not too many are written. */
static void
refuse(const struct gate *g, const struct visitor *visitor, int fd,
    enum refusal why)
{
	char buffer[LINE_TEXT];
	struct text reason = text_in(buffer, sizeof(buffer));
	struct record r = { .result = RESULT_REFUSED,
		.client = visitor->client,
		.client_uid = visitor->uid,
		.client_known = true,
		.start_usec = visitor->now_utc,
		.dial_usec = -1,
		.reply = -1,
		.reason = buffer };
	uint32_t count;

	limit_add(&reason, g, why);
	figures_refuse(why);
	wake_parent(g);
	socket_local(fd, &r.listen);
	reset(fd);
	count = ledger_report(g->service->ledger, visitor);
	if (count == 0)
		return;
	if (count > 1) {
		text_add(&reason, ", ");
		text_add_number(&reason, count - 1);
		text_add(&reason, " more since the last such line");
	}
	journal_record(&r);
}

/* ----------------------------------------------------- accepting */

/* No descriptor for one more: with the spare one it is reset at least. */
static void
sacrifice(struct gate *g, int listener)
{
	int fd;

	if (g->spare >= 0)
		close(g->spare);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		reset(fd);
		figures_refuse(REFUSAL_SYSTEM);
		wake_parent(g);
	}
	/* Any descriptor will do, and this one can be had in the sandbox. */
	g->spare = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* One line in a while: whoever asks for a connection could fill the log. */
static void
say_want(struct gate *g, int error)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));
	const int64_t now = clock_now();

	if (now < g->silent_until)
		return;
	g->silent_until = now + SILENCE;
	text_add(&line, "no connection can be accepted: ");
	text_add(&line, strerror(error));
	journal_say(LOG_ERR, buffer);
}

static enum turn
accept_failed(struct gate *g, int listener)
{
	const int error = errno;

	switch (error) {
	case EMFILE:
	case ENFILE:
		sacrifice(g, listener);
		say_want(g, error);
		return TURN_REST;
	case ENOMEM:
	case ENOBUFS: say_want(g, error); return TURN_REST;
	default:
		/* Nobody waits, or whoever waited has left. */
		return TURN_NONE;
	}
}

static uint32_t
peer_uid(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t length = sizeof(peer);

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	return peer.uid;
}

/* Does the peer speak for others, whose addresses come in its header? */
static bool
is_exempt(const struct gate *g, const struct address *peer, uint32_t scope)
{
	const struct settings *settings = &g->session->settings;

	return settings->proxy_from.given &&
	    settings_proxied(settings, peer,
		route_is_own(settings, peer, scope)) == MATCH_YES;
}

/*
 * clone(2) as fork(2), but that the child is the parent's, and that its PID is
 * in the ledger before it runs, and in *own.  The order of the last two
 * arguments differs between machines; the thread area is not looked at.
 */
static long
clone_session(_Atomic int32_t *pid, _Atomic int32_t *own)
{
	return syscall(SYS_clone,
	    CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD,
	    NULL, pid, own, own);
}

/* In the child: it has nothing of the gate but what a session needs. */
static void
become_session(struct gate *g, struct connection *c)
{
	struct session *s = g->session;
	char buffer[TITLE_TEXT];
	struct text title = text_in(buffer, sizeof(buffer));

	listeners_leave(&g->service->listeners);
	close(g->spare);
	socket_local(c->fd, &c->listen);
	session_take(s, c);
	if (!sandbox_end_forks())
		session_end(s, RESULT_ERROR, "RLIMIT_NPROC could not be set");
	if (s->answers == -1)
		close(g->service->child_end);
	else
		s->claims = g->service->child_end;
	record_client(&title, &s->record);
	title_set(buffer);
}

/* A process for the connection, whose slot is taken. */
static enum turn
start_session(struct gate *g, struct connection *c,
    const struct visitor *visitor, uint32_t slot)
{
	struct ledger *l = g->service->ledger;
	_Atomic int32_t own = 0;
	const long pid = clone_session(&l->pids[slot], &own);

	if (pid == 0) {
		c->pid = own;
		become_session(g, c);
		return TURN_SESSION;
	}
	if (pid < 0) {
		ledger_release(l, slot);
		refuse(g, visitor, c->fd, REFUSAL_SYSTEM);
		return TURN_REST;
	}
	close(c->fd);
	wake_parent(g);
	return TURN_DONE;
}

static enum turn
admit(struct gate *g, struct connection *c)
{
	static const enum refusal refusals[] = {
		[ADMISSION_SESSIONS] = REFUSAL_SESSIONS,
		[ADMISSION_PER_CLIENT] = REFUSAL_PER_CLIENT,
		[ADMISSION_RATE] = REFUSAL_RATE,
		[ADMISSION_FULL] = REFUSAL_SYSTEM,
	};
	const struct visitor visitor = { .client = c->client,
		.uid = c->client_uid,
		.exempt = is_exempt(g, &c->client, c->scope),
		.now = c->since,
		.now_utc = c->since_utc };
	uint32_t slot;
	const enum admission admission = ledger_admit(g->service->ledger,
	    &g->limits, &visitor, &slot);

	if (admission == ADMISSION_GRANTED)
		return start_session(g, c, &visitor, slot);
	errno = ENOBUFS; /* of ADMISSION_FULL */
	refuse(g, &visitor, c->fd, refusals[admission]);
	return TURN_DONE;
}

static enum turn
accept_one(struct gate *g, int listener)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(peer);
	struct connection c = { .state = CONNECTION_OPEN };

	c.fd = accept4(listener, (struct sockaddr *)&peer, &length,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	g->fresh = false;
	if (c.fd < 0)
		return accept_failed(g, listener);
	if (g->refusing) {
		reset(c.fd);
		figures_refuse(REFUSAL_CONFIGURATION);
		wake_parent(g);
		return TURN_DONE;
	}
	connection_describe(&c, &peer);
	if (c.client.family == FAMILY_NONE)
		c.client_uid = peer_uid(c.fd);
	return admit(g, &c);
}

/* ----------------------------------------------------- the loop */

/* Is another generation due, before a connection is accepted? */
static bool
is_stale(const struct gate *g)
{
	if (g->refusing)
		return clock_microseconds() - g->service->ledger->tried >=
		    ATTEMPTS;
	return !g->fresh && inputs_changed();
}

/* One connection of each listener that has some.  False: the gate ends, or
 * this is a session. */
static bool
serve_all(struct gate *g, const struct pollfd *fds, bool *is_session)
{
	for (size_t i = 0; i < g->service->listeners.count; i++) {
		if (fds[i].revents == 0)
			continue;
		if (is_stale(g))
			return false;
		switch (accept_one(g, fds[i].fd)) {
		case TURN_NONE:
		case TURN_DONE: break;
		case TURN_REST:
			/* Whatever waits, waits: SIGTERM may have come. */
			(void)wait_for(NULL, 0, deadline_in(REST));
			return true;
		case TURN_SESSION: *is_session = true; return false;
		}
	}
	return true;
}

static void
loop(struct gate *g, struct pollfd *fds, bool *is_session)
{
	const size_t n = g->service->listeners.count;

	while (wait_for(fds, n, DEADLINE_NEVER) != WAIT_STOPPED &&
	    serve_all(g, fds, is_session))
		continue;
}

/* Somebody who waits now is served by what will be read behind this. */
static bool
somebody_waits(const struct service *v, struct pollfd *fds)
{
	for (size_t i = 0; i < v->listeners.count; i++)
		fds[i] = (struct pollfd){ .fd = LISTENERS_START + (int)i,
			.events = POLLIN };
	return wait_for(fds, v->listeners.count, deadline_in(0)) == WAIT_READY;
}

enum exit_status
gate_run(struct service *v, struct session *s, pid_t parent, bool *is_session)
{
	static char buffer[TROUBLE_TEXT];
	struct gate g = { .service = v, .session = s };
	struct text trouble = text_in(buffer, sizeof(buffer));
	struct pollfd fds[LISTENERS_MAX];
	const char *failure;

	*is_session = false;
	if (!become_gate(v, parent))
		return STATUS_OK;
	g.fresh = somebody_waits(v, fds);
	g.refusing = !read_configuration(&g, &trouble);
	notify_close(); /* the parent speaks for all */
	if (!g.refusing)
		set_limits(&g);
	failure = confine(&g);
	if (failure != NULL) {
		journal_say(LOG_ERR, failure);
		return STATUS_SYSTEM;
	}
	tell_parent(&g, &trouble);
	loop(&g, fds, is_session);
	return STATUS_OK;
}
