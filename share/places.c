/* SPDX-License-Identifier: ISC */
/*
 * Places as locks: octet 0 of the file is the table's, those behind it are
 * these.
 */
#include "share/places.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "share/lock.h"

enum { FIRST_OCTET = 1, TICK = 5 };

/* False: others have them all, or every wait is WAIT_STOPPED from here on. */
static bool
take_one(const struct table *t)
{
	for (off_t i = 0; i < PLACES; i++) {
		if (lock_set(t->fd, F_WRLCK, FIRST_OCTET + i))
			return true;
		if (errno != EAGAIN && errno != EACCES) {
			wait_give_up(errno);
			break;
		}
	}
	return false;
}

enum wait
places_take(const struct table *t, struct deadline until)
{
	while (t->fd != -1 && !take_one(t)) {
		if (wait_for(NULL, 0,
			deadline_first(until, deadline_in(TICK))) ==
		    WAIT_STOPPED)
			return WAIT_STOPPED;
		if (deadline_passed(until))
			return WAIT_TIMEOUT;
	}
	return WAIT_READY;
}

void
places_leave(const struct table *t)
{
	for (off_t i = 0; t->fd != -1 && i < PLACES; i++)
		(void)lock_set(t->fd, F_UNLCK, FIRST_OCTET + i);
}
