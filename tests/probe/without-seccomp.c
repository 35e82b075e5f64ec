/* SPDX-License-Identifier: ISC */
/*
 * Runs a program on a kernel that has no seccomp: seccomp(2) does not exist,
 * prctl(PR_SET_SECCOMP) neither; with -n no-new-privileges cannot be set;
 * with -l there is no Landlock, but seccomp.
 *
 *   without-seccomp [-n | -l] PROGRAM [ARGUMENT]...
 */
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_SYSTEM = 70 };

static const uint32_t no_call = SCMP_ACT_ERRNO(ENOSYS);
static const uint32_t no_option = SCMP_ACT_ERRNO(EINVAL);

static int
forbid_option(scmp_filter_ctx filter, unsigned option)
{
	const struct scmp_arg_cmp is_option = {
		.arg = 0,
		.op = SCMP_CMP_EQ,
		.datum_a = option,
	};

	return seccomp_rule_add(filter, no_option, SCMP_SYS(prctl), 1,
	    is_option);
}

static int
forbid(scmp_filter_ctx filter, const char *which)
{
	if (strcmp(which, "-n") == 0)
		return forbid_option(filter, PR_SET_NO_NEW_PRIVS);
	if (strcmp(which, "-l") == 0)
		return seccomp_rule_add(filter, no_call,
		    SCMP_SYS(landlock_create_ruleset), 0);
	if (seccomp_rule_add(filter, no_call, SCMP_SYS(seccomp), 0) != 0)
		return -1;
	return forbid_option(filter, PR_SET_SECCOMP);
}

int
main(int argc, char **argv)
{
	const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	char **program = argv + 1;
	const char *which = "";

	if (argc > 1 && argv[1][0] == '-')
		which = *program++;
	if (*program == NULL || filter == NULL)
		return EXIT_SYSTEM;
	/* Else this filter would itself set what it takes away. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
	    forbid(filter, which) != 0 || seccomp_load(filter) != 0)
		return EXIT_SYSTEM;
	execvp(*program, program);
	return EXIT_SYSTEM;
}
