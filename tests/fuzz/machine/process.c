/* SPDX-License-Identifier: ISC */
/*
 * What a process is: its users, its signals, its sandbox, its environment.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { USER = 1000, LANDLOCK_VERSION = 3 };

static char *nothing[] = { NULL };
char **hook_environ = nothing;

static uid_t user;
static uint64_t chance;
static void (*on_term)(int number);

void
process_reset(void)
{
	user = machine.scenario.as_root ? 0 : USER;
	chance = 1;
	on_term = NULL;
	hook_environ = nothing;
	family_reset();
}

/* -------------------------------------------------------------- signals */

bool
process_takes_signal(void)
{
	if (!machine.term || machine.term_read || on_term == NULL)
		return false;
	machine.term = false;
	on_term(SIGTERM);
	return true;
}

int
hook_sigaction(int number, const struct sigaction *action,
    struct sigaction *old)
{
	(void)old;
	if (number == SIGTERM && action != NULL)
		on_term = action->sa_handler == SIG_DFL ? NULL :
							  action->sa_handler;
	return 0;
}

int
hook_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	if (old != NULL)
		sigemptyset(old);
	return 0;
}

int
hook_setitimer(int which, const struct itimerval *timer, struct itimerval *old)
{
	(void)which;
	(void)timer;
	(void)old;
	return 0;
}

int
hook_signalfd(int fd, const sigset_t *set, int flags)
{
	(void)fd;
	(void)flags;
	if (sigismember(set, SIGTERM) == 1)
		machine.term_read = true;
	return fd_new(thing_new(KIND_SIGNALS), 0);
}

/* ---------------------------------------------------------------- users */

uid_t
hook_geteuid(void)
{
	return user;
}

uid_t
hook_getuid(void)
{
	return user;
}

gid_t
hook_getgid(void)
{
	return user;
}

int
hook_setgroups(size_t n, const gid_t *groups)
{
	(void)n;
	(void)groups;
	return 0;
}

int
hook_getgroups(int n, gid_t *groups)
{
	(void)n;
	(void)groups;
	return 0;
}

int
hook_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	(void)real;
	(void)effective;
	(void)saved;
	return 0;
}

int
hook_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	(void)effective;
	(void)saved;
	user = real;
	return 0;
}

int
hook_getresuid(uid_t *real, uid_t *effective, uid_t *saved)
{
	*real = user;
	*effective = user;
	*saved = user;
	return 0;
}

int
hook_getresgid(gid_t *real, gid_t *effective, gid_t *saved)
{
	return hook_getresuid(real, effective, saved);
}

int
hook_setuid(uid_t to)
{
	return user == 0 || user == to ? 0 : -1;
}

int
hook_setgid(gid_t to)
{
	return hook_setuid(to);
}

/* ----------------------------------------------------------- the sandbox */

int
hook_prctl(int option, ...)
{
	return option == PR_CAPBSET_DROP ? -1 : 0;
}

int
hook_setrlimit(int resource, const struct rlimit *limit)
{
	(void)resource;
	(void)limit;
	return 0;
}

static void
close_from(unsigned long first)
{
	for (size_t fd = first; fd < THINGS; fd++) {
		if (machine.fds[fd] == -1)
			continue;
		thing_release(&machine.things[machine.fds[fd]]);
		machine.fds[fd] = -1;
	}
}

long
hook_syscall(long number, ...)
{
	va_list list;
	unsigned long first;
	void *others[3] = { NULL };

	va_start(list, number);
	first = va_arg(list, unsigned long);
	if (number == SYS_clone)
		for (size_t i = 0; i < 3; i++)
			others[i] = va_arg(list, void *);
	va_end(list);
	switch (number) {
	case SYS_clone: return family_clone(others[1], others[2]);
	case SYS_close_range: close_from(first); return 0;
	case SYS_landlock_create_ruleset:
		return first == 0 ? LANDLOCK_VERSION :
				    fd_new(thing_new(KIND_OTHER), 0);
	case SYS_capget:
	case SYS_capset:
	case SYS_seccomp:
	case SYS_landlock_restrict_self: return 0;
	default: errno = ENOSYS; return -1;
	}
}

/* -------------------------------------------------------------- and all */

/* Not by chance. */
ssize_t
hook_getrandom(void *out, size_t length, unsigned flags)
{
	uint8_t *octets = out;

	(void)flags;
	for (size_t i = 0; i < length; i++) {
		chance = chance * UINT64_C(6364136223846793005) +
		    UINT64_C(1442695040888963407);
		octets[i] = (uint8_t)(chance >> 56);
	}
	return (ssize_t)length;
}

int
hook_rand(void)
{
	uint8_t octet;

	(void)hook_getrandom(&octet, sizeof(octet), 0);
	return octet;
}

char *
hook_getenv(const char *name)
{
	static char place[] = "/run/notify";

	return machine.scenario.listens && strcmp(name, "NOTIFY_SOCKET") == 0 ?
	    place :
	    NULL;
}

int
hook_unsetenv(const char *name)
{
	(void)name;
	return 0;
}

unsigned
hook_if_nametoindex(const char *name)
{
	return strcmp(name, "eth0") == 0;
}

char *
hook_if_indextoname(unsigned i, char *name)
{
	(void)i;
	(void)name;
	return NULL;
}

int
hook_gethostname(char *name, size_t size)
{
	memset(name, 0, size);
	return 0;
}

int
hook_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	(void)node;
	(void)service;
	(void)hints;
	*out = NULL;
	return EAI_FAIL;
}

int
hook_mallopt(int what, int value)
{
	(void)what;
	(void)value;
	return 1;
}

/* --------------------------------------------------- other processes */

unsigned
hook_alarm(unsigned seconds)
{
	(void)seconds;
	return 0;
}

int
hook_execve(const char *path, char *const argv[], char *const variables[])
{
	(void)path;
	(void)argv;
	(void)variables;
	errno = ENOENT;
	return -1;
}

int
hook_setenv(const char *name, const char *value, int overwrite)
{
	(void)name;
	(void)value;
	(void)overwrite;
	return 0;
}
