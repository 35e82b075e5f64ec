/* SPDX-License-Identifier: ISC */
/*
 * STATUS= and the metrics file.
 */
#include "service/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "log/journal.h"
#include "log/notify.h"
#include "policy/settings.h"

/* Milliseconds. */
enum { STATUS_PERIOD = 1000, METRICS_PERIOD = 10000 };

enum { PATH_TEXT = PATH_LENGTH_MAX + 5, WARNING_TEXT = 700 };

/* FNV-1a; never 0. */
static uint64_t
hash_of(const struct text *t)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < t->length; i++)
		hash = (hash ^ (uint8_t)t->start[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

/* PATH.new takes the place of PATH, so that nobody reads half of it.  False:
 * errno tells. */
static bool
file_replace(const char *file, const struct text *t)
{
	char path[PATH_TEXT];
	struct text fresh = text_in(path, sizeof(path));
	bool done;
	int fd;

	text_add(&fresh, file);
	text_add(&fresh, ".new");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
	if (fd < 0)
		return false;
	/* For whoever collects them, whatever the umask. */
	done = fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) == 0 &&
	    write(fd, t->start, t->length) == (ssize_t)t->length;
	return close(fd) == 0 && done && rename(path, file) == 0;
}

static void
warn(struct publisher *p, const char *file)
{
	char buffer[WARNING_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));
	const int error = errno;

	if (p->warned)
		return;
	p->warned = true;
	text_add(&line, "metrics-file: cannot write ");
	text_add_quotable(&line, file, strlen(file));
	text_add(&line, ": ");
	text_add(&line, strerror(error));
	journal_say(LOG_WARNING, buffer);
}

static void
show_status(struct publisher *p, const struct overview *o)
{
	char buffer[OVERVIEW_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "STATUS=");
	overview_status(&t, o);
	if (hash_of(&t) == p->status)
		return;
	p->status = hash_of(&t);
	p->status_after = deadline_in(STATUS_PERIOD);
	notify_send(buffer);
}

static void
show_metrics(struct publisher *p, const struct overview *o, const char *file)
{
	char buffer[OVERVIEW_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	overview_metrics(&t, o);
	if (hash_of(&t) == p->metrics)
		return;
	p->metrics = hash_of(&t);
	p->metrics_after = deadline_in(METRICS_PERIOD);
	if (!file_replace(file, &t))
		warn(p, file);
}

struct deadline
publish(struct publisher *p, const struct overview *o, const char *file)
{
	struct deadline next = DEADLINE_NEVER;

	if (!deadline_passed(p->status_after))
		next = p->status_after;
	else
		show_status(p, o);
	if (file == NULL)
		return next;
	if (deadline_passed(p->metrics_after))
		show_metrics(p, o, file);
	/* Sessions relay without a word. */
	if (o->sessions > 0 || !deadline_passed(p->metrics_after))
		next = deadline_first(next,
		    deadline_passed(p->metrics_after) ?
			deadline_in(METRICS_PERIOD) :
			p->metrics_after);
	return next;
}

void
publish_last(struct publisher *p, const struct overview *o, const char *file)
{
	show_status(p, o);
	if (file != NULL)
		show_metrics(p, o, file);
}
