/* SPDX-License-Identifier: ISC */
/*
 * Resource limits: what a session never needs more of.  Address space is not
 * limited: the password file says how much memory a hash takes, and the unit
 * has MemoryMax= for the rest.
 */
#include "sandbox/limits.h"

#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/descriptor.h"

/* What setrlimit(2) takes, by the libc. */
#ifdef __GLIBC__
typedef __rlimit_resource_t resource_name;
#else
typedef int resource_name;
#endif

static const struct {
	resource_name resource;
	rlim_t most;
} limits[] = {
	/* More than a session may have open (session/session.c). */
	{ RLIMIT_NOFILE, DESCRIPTORS_OWN },
	{ RLIMIT_NPROC, 0 },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_MEMLOCK, 0 },
	/* The association table is the only file that is ever written. */
	{ RLIMIT_FSIZE, 8 << 20 },
};

/* A limit of the file size would end the log in a file at that size. */
static bool
logs_to_file(void)
{
	struct stat status;

	return fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
}

static bool
lower(resource_name resource, rlim_t most)
{
	const struct rlimit limit = { most, most };

	/* EPERM: the hard limit is lower than ours. */
	return setrlimit(resource, &limit) == 0 || errno == EPERM;
}

bool
limits_end_forks(void)
{
	return lower(RLIMIT_NPROC, 0);
}

bool
limits_lower(bool forks)
{
	for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
		const resource_name resource = limits[i].resource;

		if ((resource == RLIMIT_FSIZE && logs_to_file()) ||
		    (resource == RLIMIT_NPROC && forks))
			continue;
		if (!lower(resource, limits[i].most))
			return false;
	}
	return true;
}
