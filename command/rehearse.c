/* SPDX-License-Identifier: ISC */
/*
 * The child is in the first stage of the sandbox, whose filter sends it a
 * signal where a session would be killed: the number of the call is in that.
 */
#include "command/rehearse.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/seldom.h"
#include "base/text.h"
#include "base/wait.h"
#include "command/lookup.h"
#include "net/nat64.h"
#include "net/resolve.h"
#include "sandbox/sandbox.h"

enum { PATIENCE = 500 /* ms */, SENTENCE_TEXT = 256 };

/* What the child leaves to its parent. */
struct findings {
	int call; /* that kills; -1: none */
	bool done;
	char problem[SENTENCE_TEXT];
};

/* RFC 7050 has the name that every server of DNS knows or can learn, and that
 * tells nobody anything. */
static void
look_up(const struct settings *settings, struct findings *f)
{
	static const char *const names[] = { "localhost", NAT64_NAME };
	static SELDOM struct resolution r;

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		lookup_name(&r, settings, names[i], deadline_in(PATIENCE));
		if (r.broken)
			text_copy(f->problem, sizeof(f->problem),
			    resolve_reason(&r));
	}
}

_Noreturn static void
rehearse(const struct settings *settings, struct findings *f)
{
	const char *problem;

	resolve_prepare();
	problem = sandbox_rehearse(&f->call);
	if (problem == NULL)
		look_up(settings, f);
	else
		text_copy(f->problem, sizeof(f->problem), problem);
	f->done = true;
	_exit(0);
}

/* NULL: it went well. */
static const char *
conclude(const struct findings *f)
{
	static char buffer[SENTENCE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (f->done && f->problem[0] == '\0')
		return NULL;
	if (f->done) {
		text_add(&why, f->problem);
	} else {
		text_add(&why, "a session that looks a name up would ");
		if (f->call == -1) {
			text_add(&why, "crash in the sandbox");
		} else {
			text_add(&why, "be killed for the system call ");
			sandbox_name_call(&why, f->call);
			text_add(&why, ": a library of this machine makes it");
		}
	}
	return buffer;
}

bool
rehearse_names(const struct settings *settings, const char **why)
{
	struct findings *const f = mmap(NULL, sizeof(*f),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	*why = NULL;
	if (f == MAP_FAILED)
		return true; /* nothing is known, and that is no finding */
	f->call = -1;
	child = fork();
	if (child == 0)
		rehearse(settings, f);
	while (child > 0 && waitpid(child, NULL, 0) < 0)
		if (errno != EINTR)
			break;
	if (child > 0)
		*why = conclude(f);
	munmap(f, sizeof(*f));
	return *why == NULL;
}
