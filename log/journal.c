/* SPDX-License-Identifier: ISC */
/*
 * The one place that logs.  Nothing here may write to the client, wait for
 * long, or read the clock's zone: it runs inside the sandbox.
 */
#include "log/journal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/figures.h"
#include "base/text.h"
#include "log/fields.h"
#include "log/notify.h"
#include "log/patience.h"
#include "log/title.h"

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

/* Begins with zeros: nobody copies a page of constants for it. */
static struct {
	enum sink sink;
	int fd; /* of SINK_SYSLOG; 0: none, for that is somebody else's */
	int level;
	int facility;
	uint64_t pid; /* of journal_own() */
	bool hurry;
	bool released; /* journald's stream on fd 2 was given up */
	char invocation[33];
} journal;

/* What is to be written. */
struct message {
	int priority;
	const char *sentence;
	const struct record *record; /* the sentence's; NULL: it has none */
	bool waits;                  /* JOURNAL_PATIENCE, or not at all */
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

/*
 * journald keeps 4096 such streams, for all services together.  A session
 * whose records go to its socket needs none.
 */
static void
streams_release(int client)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	if (same_file(STDOUT_FILENO, STDERR_FILENO) &&
	    !same_file(STDOUT_FILENO, client))
		dup2(null, STDOUT_FILENO);
	journal.released = dup2(null, STDERR_FILENO) == STDERR_FILENO;
	close(null);
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
	case LOG_TO_SYSLOG: return SINK_SYSLOG;
	case LOG_TO_JOURNAL:
		return access(JOURNAL_SOCKET, F_OK) == 0 ? SINK_JOURNAL :
							   SINK_SYSLOG;
	case LOG_TO_STDERR:
	case LOG_TO_AUTO: break;
	}
	if (wish == LOG_TO_AUTO && journal.released)
		return SINK_JOURNAL;
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

	if (journal.fd > 0)
		return;
	journal.fd = descriptor_share(socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC, 0));
	setsockopt(journal.fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
}

void
journal_own(int32_t pid)
{
	journal.pid = (uint64_t)pid;
}

void
journal_open(const struct journal_options *options)
{
	const char *invocation = getenv("INVOCATION_ID");

	notify_open();
	journal.level = options->level;
	journal.facility = options->facility;
	journal_own(getpid());
	if (invocation != NULL &&
	    strlen(invocation) < sizeof(journal.invocation))
		memcpy(journal.invocation, invocation, strlen(invocation) + 1);
	journal.sink = sink_choose(options->log_to, options->client);
	if (journal.sink == SINK_JOURNAL) {
		journal_backend_open();
		/* A service holds one, and executes itself anew with it. */
		if (options->client >= 0 && stderr_is_journal())
			streams_release(options->client);
	} else if (journal.sink == SINK_SYSLOG)
		syslog_open();
	else if (journal.sink != SINK_NONE)
		patience_prepare();
}

/* These three: false if nobody took it, or not all of it. */
static bool
stderr_send(const struct message *m, char *buffer, size_t size)
{
	struct text line = text_in(buffer, size - 1);
	ssize_t n;

	if (journal.sink == SINK_STREAM) {
		text_add_char(&line, '<');
		text_add_number(&line, (uint64_t)m->priority);
		text_add_char(&line, '>');
	} else {
		text_add(&line, IDENT "[");
		text_add_number(&line, journal.pid);
		text_add(&line, "]: ");
	}
	text_add(&line, m->sentence);
	buffer[line.length] = '\n';
	patience_begin(m->waits);
	n = write(STDERR_FILENO, buffer, line.length + 1);
	patience_end();
	return n == (ssize_t)line.length + 1;
}

/*
 * RFC 3164 without its time: the receiver knows the local zone, the sandbox
 * does not, and every syslogd stamps what has no time.  The socket is not
 * connected, so that a syslogd that was restarted gets it too.
 */
static bool
syslog_send(const struct message *m, char *buffer, size_t size)
{
	const struct sockaddr_un receiver = { .sun_family = AF_UNIX,
		.sun_path = SYSLOG_SOCKET };
	struct text line = text_in(buffer, size);

	text_add_char(&line, '<');
	text_add_number(&line, (uint64_t)(journal.facility | m->priority));
	text_add(&line, ">" IDENT "[");
	text_add_number(&line, journal.pid);
	text_add(&line, "]: ");
	text_add(&line, m->sentence);
	return sendto(journal.fd, buffer, line.length,
		   MSG_NOSIGNAL | (m->waits ? 0 : MSG_DONTWAIT),
		   (const struct sockaddr *)&receiver, sizeof(receiver)) >= 0;
}

static void
fields_common(struct fields *f, const struct message *m)
{
	fields_text(f, "MESSAGE", m->sentence);
	fields_number(f, "PRIORITY", (uint64_t)m->priority);
	fields_text(f, "SYSLOG_IDENTIFIER", IDENT);
	fields_number(f, "SYSLOG_FACILITY",
	    (uint64_t)LOG_FAC(journal.facility));
	fields_number(f, "SYSLOG_PID", journal.pid);
	fields_text(f, "SOCKS64_INVOCATION_ID", journal.invocation);
}

/* ----------------------------------------------------- journal, and all */

static bool
journal_send(const struct message *m, char *buffer, size_t size)
{
	struct fields f = fields_in(buffer, size);

	fields_common(&f, m);
	if (m->record != NULL)
		record_fields(&f, m->record);
	return journal_backend_send(f.list, f.count, m->waits);
}

/* To the one sink. */
static void
emit(const struct message *m)
{
	static char buffer[FIELDS_TEXT];
	bool taken = true;

	if (m->priority > journal.level)
		return;
	switch (journal.sink) {
	case SINK_NONE: break;
	case SINK_STDERR:
	case SINK_STREAM:
		taken = stderr_send(m, buffer, sizeof(buffer));
		break;
	case SINK_SYSLOG:
		taken = syslog_send(m, buffer, sizeof(buffer));
		break;
	case SINK_JOURNAL:
		taken = journal_send(m, buffer, sizeof(buffer));
		break;
	}
	if (!taken)
		figures_lose(m->record != NULL ? m->record->lost + 1 : 1);
}

void
journal_hurry(bool hurry)
{
	journal.hurry = hurry;
}

void
journal_record(const struct record *record)
{
	static char sentence[MESSAGE_TEXT];
	struct text t = text_in(sentence, sizeof(sentence));
	struct record r = *record;
	const int priority = record_priority(&r);

	if (priority > journal.level)
		return;
	r.lost = figures_take_lost();
	record_sentence(&t, &r);
	emit(&(struct message){ .priority = priority,
	    .sentence = sentence,
	    .record = &r,
	    .waits = record_is_last(&r) && !journal.hurry });
}

void
journal_say(int priority, const char *sentence)
{
	emit(&(struct message){ .priority = priority,
	    .sentence = sentence,
	    .waits = !journal.hurry });
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
