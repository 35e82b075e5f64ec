/* SPDX-License-Identifier: ISC */
/*
 * wait_for() with a descriptor that is always ready and a SIGTERM that is
 * pending: the exit status is 0 if it is seen within 1,000 waits, and if the
 * next wait is none.
 */
#include <signal.h>
#include <unistd.h>

#include "base/wait.h"

enum { LONG = 60000, SHORT = 30000 };

static int
wait_once_more(void)
{
	const struct deadline early = deadline_in(SHORT);

	return wait_for(NULL, 0, deadline_in(LONG)) != WAIT_STOPPED ||
	    deadline_passed(early);
}

int
main(void)
{
	int ends[2];

	if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1)
		return 70;
	wait_prepare();
	raise(SIGTERM);
	for (int i = 0; i < 1000; i++) {
		struct pollfd fd = { .fd = ends[0], .events = POLLIN };

		if (wait_for(&fd, 1, DEADLINE_NEVER) == WAIT_STOPPED)
			return wait_once_more();
	}
	return 1;
}
