/* SPDX-License-Identifier: ISC */
/*
 * The one place that logs.  Nothing here may write to the client, wait for
 * long, or read the clock's zone: it runs inside the sandbox.
 *
 * The record is built once, as a list of fields, and read twice: as the
 * sentence of INTERFACE.md 6, and as fields of the journal.
 */
#include "log/journal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"
#include "log/notify.h"
#include "log/title.h"
#include "wire/cursor.h"

#define IDENT "socks64"
#define SYSLOG_SOCKET "/dev/log"

enum { MESSAGE_TEXT = 6144, FIELDS_TEXT = 12288, STATUS_TEXT = 1600 };

enum sink {
	SINK_NONE,
	SINK_JOURNAL,
	SINK_SYSLOG,
	SINK_STDERR,
	SINK_STREAM, /* stderr that ends in the journal: with a <priority> */
};

static struct {
	enum sink sink;
	int fd; /* of SINK_SYSLOG */
	int level;
	int facility;
	uint64_t pid; /* of journal_own() */
	char invocation[33];
} journal = { .sink = SINK_NONE, .fd = -1, .level = LOG_INFO,
	.facility = LOG_DAEMON };

static const struct {
	const char *word;
	int priority;
	const char *message_id; /* units/message-ids, the catalog's key */
} results[RESULT_COUNT] = {
	[RESULT_ERROR] = { "error", LOG_WARNING,
	    "8e44206250944e69a86c2684afd876e9" },
	[RESULT_OK] = { "ok", LOG_NOTICE,
	    "8a6013eb40644144a59f7d83dacabedb" },
	[RESULT_RESET] = { "reset", LOG_NOTICE,
	    "20fdebe2a6514886bdaf0bf9bae39749" },
	[RESULT_TIMEOUT] = { "timeout", LOG_NOTICE,
	    "2eb017348b684e138d5d252cf6af5446" },
	[RESULT_CLIENT_GONE] = { "client-gone", LOG_NOTICE,
	    "05db56e29de442ec9133bb36ff930ea1" },
	[RESULT_DENIED] = { "denied", LOG_NOTICE,
	    "d8f64de2cfaa4a529833efd50b0d7850" },
	[RESULT_AUTH_FAILED] = { "auth-failed", LOG_NOTICE,
	    "f770b292cd8c4547a02fa32c1648630b" },
	[RESULT_BAD_REQUEST] = { "bad-request", LOG_NOTICE,
	    "8ea252afa07b494c993cf24324e6def0" },
	[RESULT_NOT_SOCKS] = { "not-socks", LOG_NOTICE,
	    "1674271872ac4805b5821fa46a741962" },
	[RESULT_BAD_PROXY_HEADER] = { "bad-proxy-header", LOG_NOTICE,
	    "6cb021f6e97c45b7ba569142e197eb08" },
	[RESULT_HANDSHAKE_TIMEOUT] = { "handshake-timeout", LOG_NOTICE,
	    "b52cde6ae4f248cdb48a08b34d84787a" },
	[RESULT_RESOLVE_FAILED] = { "resolve-failed", LOG_NOTICE,
	    "6ec18470a3064d47955dbdee347faab6" },
	[RESULT_CONNECT_FAILED] = { "connect-failed", LOG_NOTICE,
	    "2cbcd47ace5748cf9c5583eb33c1d75c" },
	[RESULT_UPSTREAM_FAILED] = { "upstream-failed", LOG_NOTICE,
	    "b2ae4431ecb1447883ae111c77620e30" },
	[RESULT_STOPPED] = { "stopped", LOG_NOTICE,
	    "8a0749c434a4497a9231e1ac76fdb60f" },
	[RESULT_OPEN] = { "open", LOG_NOTICE,
	    "1b32382c512b402ea2f810329e5a1dd2" },
	[RESULT_PEER] = { "peer", LOG_NOTICE,
	    "6fa1c62be50a49c6a3ab90b19e8a6d51" },
};

/* ------------------------------------------------------------- the sinks */

static bool
same_file(int a, int b)
{
	struct stat first;
	struct stat second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
	    first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* $JOURNAL_STREAM is DEVICE:INODE of the stream that systemd gave us. */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char buffer[48];
	struct text actual = text_in(buffer, sizeof(buffer));
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	text_add_number(&actual, status.st_dev);
	text_add_char(&actual, ':');
	text_add_number(&actual, status.st_ino);
	return strcmp(stream, buffer) == 0;
}

/* Somebody reads it: open, not the client, not /dev/null. */
static bool
stderr_is_useful(int client)
{
	struct stat status;
	struct stat null;

	if (fstat(STDERR_FILENO, &status) != 0)
		return false;
	if (client >= 0 && same_file(STDERR_FILENO, client))
		return false;
	return stat("/dev/null", &null) != 0 ||
	    status.st_rdev != null.st_rdev || !S_ISCHR(status.st_mode);
}

static enum sink
sink_choose(enum log_to wish, int client)
{
	switch (wish) {
	case LOG_TO_SYSLOG:
		return SINK_SYSLOG;
	case LOG_TO_JOURNAL:
		return access(JOURNAL_SOCKET, F_OK) == 0 ? SINK_JOURNAL :
		    SINK_SYSLOG;
	case LOG_TO_STDERR:
	case LOG_TO_AUTO:
		break;
	}
	if (!stderr_is_useful(client))
		return wish == LOG_TO_STDERR ? SINK_NONE : SINK_SYSLOG;
	if (!stderr_is_journal())
		return SINK_STDERR;
	return wish == LOG_TO_AUTO ? SINK_JOURNAL : SINK_STREAM;
}

static void
syslog_open(void)
{
	const struct timeval patience = { .tv_sec = JOURNAL_PATIENCE };

	if (journal.fd >= 0)
		return;
	journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(journal.fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
}

void
journal_own(void)
{
	journal.pid = (uint64_t)getpid();
}

void
journal_open(const struct journal_options *options)
{
	const char *invocation = getenv("INVOCATION_ID");

	notify_open();
	journal.level = options->level;
	journal.facility = options->facility;
	journal_own();
	if (invocation != NULL &&
	    strlen(invocation) < sizeof(journal.invocation))
		memcpy(journal.invocation, invocation,
		    strlen(invocation) + 1);
	journal.sink = sink_choose(options->log_to, options->client);
	if (journal.sink == SINK_JOURNAL)
		journal_backend_open();
	else if (journal.sink == SINK_SYSLOG)
		syslog_open();
}

/* A pipe that nobody empties would hold the session for ever: SIGTERM is
 * seen in base/wait.c alone. */
static bool
stderr_takes(void)
{
	const struct timespec patience = { .tv_sec = JOURNAL_PATIENCE };
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return ppoll(&out, 1, &patience, NULL) == 1;
}

static void
stderr_send(int priority, const char *sentence, char *buffer, size_t size)
{
	struct text line = text_in(buffer, size - 1);

	if (journal.sink == SINK_STREAM) {
		text_add_char(&line, '<');
		text_add_number(&line, (uint64_t)priority);
		text_add_char(&line, '>');
	} else {
		text_add(&line, IDENT "[");
		text_add_number(&line, journal.pid);
		text_add(&line, "]: ");
	}
	text_add(&line, sentence);
	buffer[line.length] = '\n';
	if (!stderr_takes() ||
	    write(STDERR_FILENO, buffer, line.length + 1) < 0)
		return; /* nobody left to tell */
}

/*
 * RFC 3164 without its time: the receiver knows the local zone, the sandbox
 * does not, and every syslogd stamps what has no time.  The socket is not
 * connected, so that a syslogd that was restarted gets it too.
 */
static void
syslog_send(int priority, const char *sentence, char *buffer, size_t size)
{
	const struct sockaddr_un receiver = { .sun_family = AF_UNIX,
		.sun_path = SYSLOG_SOCKET };
	struct text line = text_in(buffer, size);

	text_add_char(&line, '<');
	text_add_number(&line, (uint64_t)(journal.facility | priority));
	text_add(&line, ">" IDENT "[");
	text_add_number(&line, journal.pid);
	text_add(&line, "]: ");
	text_add(&line, sentence);
	if (sendto(journal.fd, buffer, line.length, MSG_NOSIGNAL,
	    (const struct sockaddr *)&receiver, sizeof(receiver)) < 0)
		return; /* nobody left to tell */
}

/* --------------------------------------------------- fields of a record */

/* NAME=VALUE strings in one arena, for the journal. */
struct fields {
	struct text arena;
	struct iovec list[JOURNAL_FIELDS_MAX];
	size_t count;
};

static void
field_begin(struct fields *f, const char *name)
{
	f->list[f->count].iov_base = f->arena.start + f->arena.length;
	text_add(&f->arena, name);
	text_add_char(&f->arena, '=');
}

static void
field_end(struct fields *f)
{
	char *start = f->list[f->count].iov_base;

	/* A field that did not fit is left out: it would be half a value. */
	if (f->arena.cut || f->count == JOURNAL_FIELDS_MAX - 1)
		return;
	f->list[f->count].iov_len =
	    (size_t)(f->arena.start + f->arena.length - start);
	f->count++;
	text_add_char(&f->arena, '\0');
}

static void
field_text(struct fields *f, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	field_begin(f, name);
	text_add(&f->arena, value);
	field_end(f);
}

static void
field_number(struct fields *f, const char *name, uint64_t value)
{
	field_begin(f, name);
	text_add_number(&f->arena, value);
	field_end(f);
}

/* NAME without and NAME_PORT with the port alone; nothing for no address. */
static void
field_address(struct fields *f, const char *name, const char *port_name,
    const struct address *a)
{
	if (a->family == FAMILY_NONE)
		return;
	field_begin(f, name);
	address_add(&f->arena, a);
	field_end(f);
	if (port_name != NULL)
		field_number(f, port_name, a->port);
}

static void
field_endpoint(struct fields *f, const char *name, const struct address *a)
{
	if (a->family == FAMILY_NONE)
		return;
	field_begin(f, name);
	address_add_port(&f->arena, a);
	field_end(f);
}

/* ------------------------------------------------- texts of a record */

/* A value that a stranger chose: escaped, and never taken for "none". */
static void
value_add(struct text *t, const char *octets, size_t length)
{
	if (octets == NULL || length == 0)
		text_add_char(t, '-');
	else if (length == 1 && octets[0] == '-')
		text_add_hex(t, '-');
	else
		text_add_escaped(t, octets, length);
}

static void
client_add(struct text *t, const struct record *r)
{
	if (!r->client_known) {
		text_add_char(t, '-');
	} else if (r->client.family == FAMILY_NONE) {
		text_add(t, "unix:uid=");
		text_add_number(t, r->client_uid);
	} else {
		address_add_port(t, &r->client);
	}
}

static void
dest_add(struct text *t, const struct record *r)
{
	if (!r->asked) {
		text_add_char(t, '-');
		return;
	}
	if (r->dest_ipv6)
		text_add_char(t, '[');
	value_add(t, r->dest, r->dest_length);
	if (r->dest_ipv6)
		text_add_char(t, ']');
	text_add_char(t, ':');
	text_add_number(t, r->dest_port);
}

static void
datagrams_add(struct text *t, const struct record *r)
{
	text_add(t, " datagrams=");
	text_add_number(t, r->datagrams_up);
	text_add_char(t, '/');
	text_add_number(t, r->datagrams_down);
	text_add_char(t, '/');
	text_add_number(t, r->dropped);
}

/* " key=value", for keys that are there only where they say something. */
static void
optional_add(struct text *t, const char *key, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_add_char(t, ' ');
	text_add(t, key);
	text_add_char(t, '=');
	text_add_escaped(t, value, strlen(value));
}

static void
reason_add(struct text *t, const char *reason)
{
	if (reason == NULL || reason[0] == '\0')
		return;
	text_add(t, " reason=\"");
	text_add(t, reason);
	text_add_char(t, '"');
}

static void
seconds_add(struct text *t, int64_t microseconds)
{
	const uint64_t milliseconds = microseconds < 0 ? 0 :
	    (uint64_t)microseconds / 1000;

	text_add_number(t, milliseconds / 1000);
	text_add_char(t, '.');
	text_add_padded(t, milliseconds % 1000, 3);
}

/* The sentence of INTERFACE.md 6: always these keys, in this order. */
static void
sentence_add(struct text *t, const struct record *r)
{
	text_add(t, results[r->result].word);
	text_add(t, " client=");
	client_add(t, r);
	text_add(t, " user=");
	value_add(t, r->user, r->user_length);
	text_add(t, " auth=");
	text_add(t, r->auth == NULL ? "-" : r->auth);
	text_add(t, " cmd=");
	text_add(t, r->command == NULL ? "-" : r->command);
	text_add(t, " dest=");
	dest_add(t, r);
	text_add(t, " peer=");
	address_add_port(t, &r->peer);
	text_add(t, " local=");
	address_add_port(t, &r->local);
	text_add(t, " up=");
	text_add_number(t, r->up);
	text_add(t, " down=");
	text_add_number(t, r->down);
	text_add(t, " start=");
	text_add_time(t, r->start_usec);
	text_add(t, " seconds=");
	seconds_add(t, r->duration_usec);
	if (r->datagrams)
		datagrams_add(t, r);
	optional_add(t, "via", r->via);
	optional_add(t, "alg", r->alg);
	if (r->unconfined)
		text_add(t, " sandbox=off");
	reason_add(t, r->reason);
}

/* `4>6`: the families of the client and of the server. */
static void
field_families(struct fields *f, const struct record *r)
{
	static const char digits[] = { [FAMILY_NONE] = 'u',
		[FAMILY_IPV4] = '4', [FAMILY_IPV6] = '6' };
	const char text[] = { digits[r->client.family], '>',
		digits[r->peer.family], '\0' };

	if (r->peer.family != FAMILY_NONE)
		field_text(f, "SOCKS64_FAMILIES", text);
}

static void
fields_who(struct fields *f, const struct record *r)
{
	if (r->client_known && r->client.family == FAMILY_NONE) {
		field_begin(f, "SOCKS64_CLIENT");
		client_add(&f->arena, r);
		field_end(f);
	}
	field_address(f, "SOCKS64_CLIENT", "SOCKS64_CLIENT_PORT", &r->client);
	if (r->user_length > 0) {
		field_begin(f, "SOCKS64_USER");
		value_add(&f->arena, r->user, r->user_length);
		field_end(f);
	}
	field_text(f, "SOCKS64_AUTH", r->auth);
	field_text(f, "SOCKS64_COMMAND", r->command);
	if (r->asked) {
		field_begin(f, "SOCKS64_DEST");
		value_add(&f->arena, r->dest, r->dest_length);
		field_end(f);
		field_number(f, "SOCKS64_DEST_PORT", r->dest_port);
	}
	field_address(f, "SOCKS64_PEER", "SOCKS64_PEER_PORT", &r->peer);
	field_address(f, "SOCKS64_LOCAL", "SOCKS64_LOCAL_PORT", &r->local);
	field_endpoint(f, "SOCKS64_LISTEN", &r->listen);
	field_endpoint(f, "SOCKS64_PROXY", &r->proxy);
	field_families(f, r);
}

static void
fields_what(struct fields *f, const struct record *r)
{
	if (r->reply >= 0)
		field_number(f, "SOCKS64_REPLY", (uint64_t)r->reply);
	field_text(f, "SOCKS64_REASON", r->reason);
	field_text(f, "SOCKS64_RULE", r->rule);
	field_number(f, "SOCKS64_UP", r->up);
	field_number(f, "SOCKS64_DOWN", r->down);
	if (r->datagrams) {
		field_number(f, "SOCKS64_DATAGRAMS_UP", r->datagrams_up);
		field_number(f, "SOCKS64_DATAGRAMS_DOWN", r->datagrams_down);
		field_number(f, "SOCKS64_DROPPED", r->dropped);
	}
	field_number(f, "SOCKS64_START_USEC", (uint64_t)r->start_usec);
	if (r->dial_usec >= 0)
		field_number(f, "SOCKS64_DIAL_USEC", (uint64_t)r->dial_usec);
	field_number(f, "SOCKS64_DURATION_USEC", (uint64_t)r->duration_usec);
	field_text(f, "SOCKS64_ATTEMPTS", r->attempts);
	field_text(f, "SOCKS64_ALG", r->alg);
	field_text(f, "SOCKS64_VIA", r->via);
}

static void
fields_common(struct fields *f, int priority, const char *sentence)
{
	field_text(f, "MESSAGE", sentence);
	field_number(f, "PRIORITY", (uint64_t)priority);
	field_text(f, "SYSLOG_IDENTIFIER", IDENT);
	field_number(f, "SYSLOG_FACILITY",
	    (uint64_t)LOG_FAC(journal.facility));
	field_number(f, "SYSLOG_PID", journal.pid);
	field_text(f, "SOCKS64_INVOCATION_ID", journal.invocation);
}

/* ------------------------------------------------------------- the calls */

/* To the one sink there is.  r is NULL for a plain sentence. */
static void
emit(int priority, const char *sentence, const struct record *r)
{
	static char buffer[FIELDS_TEXT];
	struct fields f = { .arena = text_in(buffer, sizeof(buffer)) };

	if (priority > journal.level)
		return;
	switch (journal.sink) {
	case SINK_NONE:
		break;
	case SINK_STDERR:
	case SINK_STREAM:
		stderr_send(priority, sentence, buffer, sizeof(buffer));
		break;
	case SINK_SYSLOG:
		syslog_send(priority, sentence, buffer, sizeof(buffer));
		break;
	case SINK_JOURNAL:
		fields_common(&f, priority, sentence);
		if (r != NULL) {
			field_text(&f, "MESSAGE_ID",
			    results[r->result].message_id);
			field_text(&f, "SOCKS64_RESULT",
			    results[r->result].word);
			fields_who(&f, r);
			fields_what(&f, r);
		}
		journal_backend_send(f.list, f.count);
		break;
	}
}

void
journal_record(const struct record *record)
{
	static char sentence[MESSAGE_TEXT];
	struct text t = text_in(sentence, sizeof(sentence));

	sentence_add(&t, record);
	emit(record->quiet ? LOG_DEBUG : results[record->result].priority,
	    sentence, record);
}

void
journal_say(int priority, const char *sentence)
{
	emit(priority, sentence, NULL);
}

void
journal_describe(struct text *t, const struct record *record)
{
	client_add(t, record);
	if (record->user_length > 0) {
		text_add_char(t, ' ');
		value_add(t, record->user, record->user_length);
	}
	text_add(t, " -> ");
	dest_add(t, record);
	text_add(t, " (");
	address_add_port(t, &record->peer);
	text_add_char(t, ')');
}

void
journal_status(const char *status)
{
	char buffer[STATUS_TEXT];
	struct text state = text_in(buffer, sizeof(buffer));

	text_add(&state, "STATUS=");
	text_add(&state, status);
	notify_send(buffer);
	title_set(status);
}
