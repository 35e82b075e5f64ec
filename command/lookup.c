/* SPDX-License-Identifier: ISC */
/*
 * The loop that a session has in its race, for one name.
 */
#include "command/lookup.h"

void
lookup_name(struct resolution *r, const struct settings *settings,
    const char *name, struct deadline until)
{
	resolve_start(r, settings, name);
	while (!resolve_settled(r) && !deadline_passed(until)) {
		struct pollfd fds[RESOLVE_POLL_MAX];
		struct deadline wake = until;
		const size_t n = resolve_poll(r, fds, &wake);

		resolve_process(r, fds,
		    wait_for(fds, n, wake) == WAIT_READY ? n : 0);
	}
	resolve_end(r);
}
