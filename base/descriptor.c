/* SPDX-License-Identifier: ISC */
/*
 * Moving and closing descriptors.
 */
#include "base/descriptor.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
descriptor_share(int fd)
{
	const int high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS_OWN);

	if (high == -1)
		return fd;
	close(fd);
	return high;
}

void
descriptor_close_from(int first)
{
	/* Not every libc has close_range(3). */
	(void)syscall(SYS_close_range, (unsigned)first, ~0U, 0U);
}
