/* SPDX-License-Identifier: ISC */
/*
 * Moving a descriptor.
 */
#include "base/descriptor.h"

#include <fcntl.h>
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
