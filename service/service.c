/* SPDX-License-Identifier: ISC */
/*
 * From a started process to the parent: sockets, the user, shared memory.
 */
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "base/wait.h"
#include "command/print.h"
#include "policy/reader.h"
#include "service/parent.h"
#include "service/renew.h"

enum {
	LINE_TEXT = 1024,
	/* The claims', the journal's or the syslogd's, and room. */
	SHARED_MAX = 8,
};

/* The figures have pages of their own, which sessions map, too; a multiple of
 * every page size. */
enum { LEDGER_OFFSET = 1 << 16 };

static void
complain(const char *sentence)
{
	const struct journal_options options = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO,
		.facility = LOG_DAEMON,
		.client = print_client(STDERR_FILENO) };

	journal_open(&options);
	journal_say(LOG_ERR, sentence);
}

static enum exit_status
failed(const char *what)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, what);
	text_add(&line, ": ");
	text_add(&line, strerror(errno));
	complain(buffer);
	return STATUS_SYSTEM;
}

bool
service_wanted(const struct options *options)
{
	return listeners_wanted(options->listen);
}

/* ------------------------------------------------------- shared memory */

/* Of a resumed service whose ledger has this layout there is one already. */
static bool
memory_make(struct service *v)
{
	if (v->memory != -1)
		return true;
	v->memory = memfd_create("socks64-sessions", 0);
	return v->memory != -1 &&
	    ftruncate(v->memory,
		LEDGER_OFFSET + (off_t)sizeof(struct ledger)) == 0;
}

static void *
memory_map(const struct service *v, size_t size, off_t offset)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
	    v->memory, offset);

	return map == MAP_FAILED ? NULL : map;
}

static bool
memory_open(struct service *v)
{
	if (!memory_make(v))
		return false;
	v->figures = memory_map(v, sizeof(*v->figures), 0);
	v->ledger = memory_map(v, sizeof(*v->ledger), LEDGER_OFFSET);
	if (v->figures == NULL || v->ledger == NULL)
		return false;
	figures = v->figures;
	if (figures->start == 0)
		figures->start = clock_utc_microseconds();
	return v->ledger->seed != 0 ||
	    getrandom(&v->ledger->seed, sizeof(v->ledger->seed), 0) ==
	    sizeof(v->ledger->seed);
}

/* SECURITY: what sessions share has numbers from DESCRIPTORS_OWN on, or each
 * could shut it for all.  False: the limit leaves none. */
static bool
claims_share(struct service *v)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return false;
	if (limit.rlim_cur < DESCRIPTORS_OWN + SHARED_MAX) {
		errno = EMFILE;
		return false;
	}
	if (v->child_end < DESCRIPTORS_OWN)
		v->child_end = descriptor_share(v->child_end);
	/* For renew_execute(). */
	return fcntl(v->child_end, F_SETFD, 0) == 0;
}

static bool
claims_open(struct service *v)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0)
		return false;
	v->parent_end = ends[0];
	v->child_end = ends[1];
	return claims_share(v);
}

/* -------------------------------------------------------- from root */

static void
report_error(void *context, bool warning, const char *where, const char *what)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	(void)context;
	if (warning)
		return;
	text_add(&line, where);
	text_add(&line, ": ");
	text_add(&line, what);
	complain(buffer);
}

static enum exit_status
misconfigured(const struct settings *settings, const char *keyword,
    const char *problem)
{
	char buffer[LINE_TEXT];
	struct text where = text_in(buffer, sizeof(buffer));

	settings_place(settings, keyword, &where);
	text_add(&where, ": ");
	text_add(&where, keyword);
	text_add(&where, ": ");
	text_add(&where, problem);
	complain(buffer);
	return STATUS_CONFIG;
}

/*
 * Reads who to be, becomes that, and is executed anew, so that nothing of what
 * root has read stays in memory.  Comes back only with what went wrong.
 */
static enum exit_status
leave_root(struct service *v)
{
	static struct settings settings;
	const struct settings_source source = options_source(v->options);
	struct sandbox_user user;
	const char *problem;
	uint64_t keep = 0;

	if (!settings_read(&settings, &source, report_error, NULL))
		return reader_starved() ? STATUS_SYSTEM : STATUS_CONFIG;
	problem = sandbox_find_user(settings.user, &user);
	if (problem != NULL)
		return misconfigured(&settings, "user", problem);
	if (settings_mark(&settings))
		keep = UINT64_C(1) << CAP_NET_ADMIN;
	listeners_give(&v->listeners, user.uid, user.gid);
	problem = sandbox_become_for_next(&user, keep);
	if (problem != NULL) {
		complain(problem);
		return STATUS_SYSTEM;
	}
	renew_execute(v);
	return failed(v->program);
}

/* --------------------------------------------------------------- start */

static enum exit_status
set_up(struct service *v)
{
	char buffer[LINE_TEXT];
	struct text wrong = text_in(buffer, sizeof(buffer));
	enum exit_status status = listeners_take(&v->listeners, &wrong);

	if (status != STATUS_OK) {
		complain(buffer);
		return status;
	}
	v->memory = -1;
	v->strict = !v->listeners.passed || geteuid() == 0;
	if (!memory_open(v) || !claims_open(v))
		status = failed("the service could not be set up");
	else if (geteuid() == 0)
		status = leave_root(v);
	if (status != STATUS_OK)
		listeners_remove(&v->listeners);
	return status;
}

static enum exit_status
resume(struct service *v)
{
	if (!listeners_resume(&v->listeners)) {
		complain("the listening sockets are gone");
		return STATUS_SYSTEM;
	}
	/* What began with less goes on: a reload ends nobody. */
	if (!claims_share(v))
		(void)failed("sessions could shut what they share");
	return memory_open(v) ? STATUS_OK :
				failed("the service could not be set up");
}

enum exit_status
service_run(struct service *v, struct session *s, bool *is_session)
{
	const struct journal_options automatic = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO,
		.facility = LOG_DAEMON,
		.client = -1 };
	enum exit_status status;

	*is_session = false;
	v->program = (const char *)getauxval(AT_EXECFN);
	v->listeners.places = v->options->listen;
	status = renew_resume(v) ? resume(v) : set_up(v);
	if (status != STATUS_OK)
		return status;
	journal_open(&automatic);
	return parent_run(v, s, is_session);
}
