/* SPDX-License-Identifier: ISC */
/*
 * Landlock: handles every right on files that this kernel knows, so that
 * nothing can be opened.  All that is read was opened before: no symlink and
 * no replacement in the meantime can matter.
 *
 * TCP (version 4) is left alone: any port may be a destination, and `source`,
 * BIND and FTP bind(2).  There is no second layer for the relay: no call of
 * its filter takes a path to open.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"

/* struct landlock_ruleset_attr of version 6: older headers have less.  An
 * older kernel takes it as long as what it does not know is zero. */
struct ruleset {
	uint64_t files;
	uint64_t ports;
	uint64_t scopes;
};

/* The rights that each version brought, as bits. */
static const struct {
	int version;
	uint64_t files;
	uint64_t scopes;
} rights[] = {
	{ 1, (UINT64_C(1) << 13) - 1, 0 }, /* execute to make_sym */
	{ 2, UINT64_C(1) << 13, 0 },       /* refer */
	{ 3, UINT64_C(1) << 14, 0 },       /* truncate */
	{ 5, UINT64_C(1) << 15, 0 },       /* ioctl_dev */
	/* Abstract unix-domain sockets and processes outside. */
	{ LANDLOCK_KNOWN, 0, UINT64_C(1) << 0 | UINT64_C(1) << 1 },
};

int
landlock_version(void)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static struct ruleset
ruleset_of(int version)
{
	struct ruleset r = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(rights); i++) {
		if (version < rights[i].version)
			break;
		r.files |= rights[i].files;
		r.scopes |= rights[i].scopes;
	}
	return r;
}

bool
landlock_enter(bool *missing)
{
	const int version = landlock_version();
	const struct ruleset attributes = ruleset_of(version);

	*missing = version == 0;
	if (*missing)
		return true;
	const int ruleset = (int)syscall(SYS_landlock_create_ruleset,
	    &attributes, sizeof(attributes), 0);
	if (ruleset < 0)
		return false;
	const bool done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	const int error = errno;
	close(ruleset);
	errno = error;
	return done;
}
