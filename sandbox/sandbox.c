/* SPDX-License-Identifier: ISC */
/*
 * Entering a stage and printing what it allows.  The filters were compiled at
 * build time (generate.c); here they are only loaded, with one call each.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/seldom.h"
#include "base/text.h"
#include "sandbox/filters.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/limits.h"

enum { PROBLEM_TEXT = 128, LINE_TEXT = 140, CALL_TEXT = 20, STAGE_TEXT = 10 };

/* Here and below: no pointers, which cost every start.  A row of the table; a
 * mask of the stages that say it, where not all do at once. */
struct line {
	uint8_t stages;
	bool kills;
	char text[LINE_TEXT];
};

/* A call that can kill. */
struct killer {
	int number;
	char name[CALL_TEXT];
};

/* What generate.c makes of sandbox/calls.c. */
#include "sandbox/table.h"

/* The kernel's struct sock_fprog, with the const that it lacks. */
struct program {
	unsigned short length;
	const struct sock_filter *code;
};

static const struct program programs[SANDBOX_STAGES] = {
	[SANDBOX_SERVICE] = {
		ARRAY_COUNT(filter_service), filter_service,
	},
	[SANDBOX_NEGOTIATE] = {
		ARRAY_COUNT(filter_negotiate), filter_negotiate,
	},
	[SANDBOX_BIND] = {
		ARRAY_COUNT(filter_bind), filter_bind,
	},
	[SANDBOX_UDP] = {
		ARRAY_COUNT(filter_udp), filter_udp,
	},
	[SANDBOX_WATCH] = {
		ARRAY_COUNT(filter_watch), filter_watch,
	},
	[SANDBOX_ALG] = {
		ARRAY_COUNT(filter_alg), filter_alg,
	},
	[SANDBOX_RELAY] = {
		ARRAY_COUNT(filter_relay), filter_relay,
	},
};

static bool lacks_landlock;

/* `what`, and why by errno. */
static const char *
problem(const char *what)
{
	static char buffer[PROBLEM_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, what);
	text_add(&t, ": ");
	text_add(&t, strerror(errno));
	return buffer;
}

static const char *
filter_load(const struct program *p)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, p) != 0)
		return problem("the seccomp filter could not be loaded");
	return NULL;
}

/* All but the filter; forks: this process will make others. */
static const char *
confine(bool forks, bool walls)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return problem("no-new-privileges could not be set");
	/* Nobody of the same user may look into the memory of a session. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return problem("the process could not be made undumpable");
	if (!limits_lower(forks))
		return problem("resource limits could not be set");
	if (walls && !landlock_enter(&lacks_landlock))
		return problem("Landlock could not be set");
	return NULL;
}

static const char *
enter_first(enum sandbox_stage stage, bool walls)
{
	const char *failure = confine(stage == SANDBOX_SERVICE, walls);

	return failure != NULL || !walls ? failure :
					   filter_load(&programs[stage]);
}

bool
sandbox_end_forks(void)
{
	return limits_end_forks();
}

bool
sandbox_lacks_landlock(void)
{
	return lacks_landlock;
}

/* The last stage of a session: nothing is dialled with `mark' any more. */
static const char *
enter_last(enum sandbox_stage stage, bool walls)
{
	if (!identity_drop_kept())
		return problem("capabilities could not be dropped");
	return walls ? filter_load(&programs[stage]) : NULL;
}

const char *
sandbox_enter(enum sandbox_stage stage, bool walls)
{
	switch (stage) {
	case SANDBOX_SERVICE:
	case SANDBOX_NEGOTIATE: return enter_first(stage, walls);
	case SANDBOX_BIND:
	case SANDBOX_UDP:
	case SANDBOX_ALG: return walls ? filter_load(&programs[stage]) : NULL;
	case SANDBOX_WATCH:
	case SANDBOX_RELAY: return enter_last(stage, walls);
	case SANDBOX_STAGES: break;
	}
	return "there is no such stage";
}

/* -------------------------------------------------- for -t, in a child */

static int *trapped;

_Noreturn static void
trap(int number, siginfo_t *what, void *context)
{
	(void)number;
	(void)context;
	*trapped = what->si_syscall;
	_exit(1);
}

const char *
sandbox_rehearse(int *call)
{
	static SELDOM struct sock_filter code[ARRAY_COUNT(filter_negotiate)];
	const struct program program = { ARRAY_COUNT(code), code };
	const struct sigaction action = {
		.sa_sigaction = trap,
		.sa_flags = SA_SIGINFO,
	};
	const char *failure;

	trapped = call;
	memcpy(code, filter_negotiate, sizeof(code));
	for (size_t i = 0; i < ARRAY_COUNT(code); i++)
		if (code[i].code == (BPF_RET | BPF_K) &&
		    code[i].k == SECCOMP_RET_KILL_PROCESS)
			code[i].k = SECCOMP_RET_TRAP;
	if (sigaction(SIGSYS, &action, NULL) != 0)
		return problem("SIGSYS could not be caught");
	failure = confine(false, true);
	return failure != NULL ? failure : filter_load(&program);
}

void
sandbox_name_call(struct text *t, int call)
{
	for (size_t i = 0; i < ARRAY_COUNT(killers); i++) {
		if (killers[i].number == call) {
			text_add(t, killers[i].name);
			return;
		}
	}
	text_add_number(t, (uint64_t)call);
}

/* ---------------------------------------------------- --print-sandbox */

static bool
write_octets(int fd, const char *octets, size_t length)
{
	for (size_t done = 0; done < length;) {
		const ssize_t n = write(fd, octets + done, length - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool
print_landlock(int fd)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));
	const int version = landlock_version();

	text_add(&t, "Landlock: ");
	if (version == 0) {
		text_add(&t, "not in this kernel");
	} else {
		text_add(&t, "version ");
		text_add_number(&t, (uint64_t)version);
	}
	text_add(&t, " (this program uses rights of versions 1 to ");
	text_add_number(&t, LANDLOCK_KNOWN);
	text_add(&t, "); nothing can be opened\n");
	return write_octets(fd, t.start, t.length);
}

static bool
print_line(int fd, const char *stage, const char *line)
{
	char buffer[LINE_TEXT + STAGE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, stage);
	text_add_char(&t, ' ');
	text_add(&t, line);
	return write_octets(fd, t.start, t.length);
}

/* Those of one stage. */
static bool
print_stage(int fd, unsigned stage, bool kills)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		if (table[i].kills == kills &&
		    (table[i].stages & 1U << stage) != 0 &&
		    !print_line(fd, stage_names[stage], table[i].text))
			return false;
	return true;
}

/* Those that one filter kills for all stages. */
static bool
print_always(int fd)
{
	for (size_t i = 0; i < ARRAY_COUNT(table); i++)
		if (table[i].stages == 0 &&
		    !print_line(fd, "all", table[i].text))
			return false;
	return true;
}

bool
sandbox_print(int fd)
{
	for (unsigned kills = 0; kills < 2; kills++)
		for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++)
			if (!print_stage(fd, stage, kills != 0))
				return false;
	return print_always(fd) &&
	    print_line(fd, "all",
		"others fail with ENOSYS: a library may try "
		"what it likes\n") &&
	    print_landlock(fd);
}
