/* SPDX-License-Identifier: ISC */
/*
 * A hash says itself what it costs, up to hours and to all the memory there
 * is; so a child computes it, with limits.
 */
#include "command/costs.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "policy/password.h"

enum {
	TIME_MUCH = 200, /* ms */
	TIME_MOST = 2,   /* s */
	MEMORY_SOME = 4, /* MiB; what is less any program has */
	MEMORY_MUCH = 32,
	MEMORY_MOST = 1024,
	COST_TEXT = 160,
	PLACE_TEXT = 4096 + 16,
};

struct examination {
	const char *name; /* of the file */
	settings_report *report;
	void *context;
	long idle; /* KiB that a child has which computes nothing */
};

/* How a child ends. */
enum ending { COMPUTED, NOT_COMPUTED, ENDLESS };

struct cost {
	enum ending ending;
	struct rusage usage;
};

_Noreturn static void
give_up(int signal)
{
	(void)signal;
	_exit(ENDLESS);
}

_Noreturn static void
compute(const char *hash)
{
	const struct sigaction action = { .sa_handler = give_up };
	const struct rlimit seconds = { TIME_MOST, TIME_MOST + 1 };
	const struct rlimit octets = { (rlim_t)MEMORY_MOST << 20,
		(rlim_t)MEMORY_MOST << 20 };

	/* EPERM: the limit is a lower one already. */
	(void)sigaction(SIGXCPU, &action, NULL);
	(void)setrlimit(RLIMIT_CPU, &seconds);
	(void)setrlimit(RLIMIT_DATA, &octets);
	_exit(password_computes(hash) ? COMPUTED : NOT_COMPUTED);
}

/* Without a hash the child does nothing.  False: there was no child. */
static bool
spend(const char *hash, struct cost *out)
{
	const pid_t child = fork();
	int status;

	if (child == 0 && hash != NULL)
		compute(hash);
	if (child == 0)
		_exit(COMPUTED);
	if (child < 0)
		return false;
	while (wait4(child, &status, 0, &out->usage) < 0)
		if (errno != EINTR)
			return false;
	/* One that was killed had no memory. */
	out->ending = WIFEXITED(status) ? (enum ending)WEXITSTATUS(status) :
					  NOT_COMPUTED;
	return true;
}

static int64_t
milliseconds(const struct rusage *usage)
{
	return ((int64_t)usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) *
	    1000 +
	    (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

/* The sentence; false: it is nothing to be told. */
static bool
describe(const struct cost *cost, long mebibytes, struct text *t)
{
	const int64_t time = milliseconds(&cost->usage);
	const bool endless = cost->ending == ENDLESS;

	if (cost->ending == COMPUTED && time < TIME_MUCH &&
	    mebibytes < MEMORY_MUCH)
		return false;
	text_add(t, "a login by such a hash ");
	if (cost->ending == NOT_COMPUTED) {
		text_add(t, "needs more than ");
		text_add_number(t, MEMORY_MOST);
		text_add(t, " MiB of memory, or cannot be computed at all");
		return true;
	}
	text_add(t, endless ? "costs more than " : "costs ");
	text_add_number(t, endless ? TIME_MOST : (uint64_t)time);
	text_add(t, endless ? " s of CPU" : " ms of CPU");
	if (mebibytes >= MEMORY_SOME) {
		text_add(t, " and ");
		text_add_number(t, (uint64_t)mebibytes);
		text_add(t, " MiB of memory");
	}
	text_add(t, ", and so does a wrong one");
	return true;
}

static void
examine_hash(void *context, unsigned line, const char *hash)
{
	const struct examination *e = context;
	char sentence[COST_TEXT];
	char place[PLACE_TEXT];
	struct text what = text_in(sentence, sizeof(sentence));
	struct text where = text_in(place, sizeof(place));
	struct cost cost;

	if (!spend(hash, &cost) ||
	    !describe(&cost, (cost.usage.ru_maxrss - e->idle) / 1024, &what))
		return;
	text_add(&where, e->name);
	text_add_char(&where, ':');
	text_add_number(&where, line);
	e->report(e->context, true, place, sentence);
}

void
costs_examine(int fd, const char *name, settings_report *report, void *context)
{
	struct examination e = { .name = name,
		.report = report,
		.context = context };
	struct cost idle;

	if (!spend(NULL, &idle))
		return; /* nothing is known, and that is no finding */
	e.idle = idle.usage.ru_maxrss;
	if (!password_each_cost(fd, examine_hash, &e))
		report(context, true, name,
		    "its hashes have so many costs that the rest is not "
		    "measured");
}
