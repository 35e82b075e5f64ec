/* SPDX-License-Identifier: ISC */
/*
 * POSIX record locks (fcntl(2)).  There is no mutex in the mapped file, which
 * a crash would leave locked; and no open file description lock, which does
 * not exclude two processes that were forked with one descriptor.
 */
#include "share/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "base/wait.h"

/* Milliseconds. */
enum { LOCK_TICK = 1 };

static struct flock
octet_lock(short type, off_t octet)
{
	return (struct flock){ .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = octet,
		.l_len = 1 };
}

bool
lock_set(int fd, short type, off_t octet)
{
	struct flock lock = octet_lock(type, octet);

	return fcntl(fd, F_SETLK, &lock) == 0;
}

bool
lock_wait(int fd, int64_t milliseconds)
{
	const struct deadline until = deadline_in(milliseconds);

	while (!lock_set(fd, F_WRLCK, 0)) {
		if ((errno != EAGAIN && errno != EACCES) ||
		    deadline_passed(until) ||
		    wait_for(NULL, 0, deadline_in(LOCK_TICK)) == WAIT_STOPPED)
			return false;
	}
	return true;
}

bool
lock_is_held(int fd, off_t octet)
{
	struct flock lock = octet_lock(F_WRLCK, octet);

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
