/* SPDX-License-Identifier: ISC */
/*
 * The handler of SIGBUS.  It makes two system calls that the sandbox's table
 * has for malloc: without MAP_FIXED, which it has not, the kernel takes the
 * proposed address where nothing else is mapped there, and this process has
 * one thread.
 */
#include "share/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

static struct {
	void *map; /* NULL: none */
	size_t size;
} guarded;

static volatile sig_atomic_t lost;

static bool
is_guarded(const void *at)
{
	return guarded.map != NULL &&
	    (uintptr_t)at - (uintptr_t)guarded.map < guarded.size;
}

/* SA_RESETHAND: what comes back from here unmended ends the process by the
 * same signal. */
static void
replace(int number, siginfo_t *info, void *context)
{
	const int saved = errno;

	(void)number;
	(void)context;
	if (info->si_code == BUS_ADRERR && is_guarded(info->si_addr) &&
	    munmap(guarded.map, guarded.size) == 0 &&
	    mmap(guarded.map, guarded.size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == guarded.map)
		lost = 1;
	errno = saved;
}

void
guard_start(void *map, size_t size)
{
	struct sigaction action = { .sa_sigaction = replace,
		.sa_flags = SA_SIGINFO | (int)SA_RESETHAND };

	lost = 0;
	guarded.map = map;
	guarded.size = size;
	sigaction(SIGBUS, &action, NULL);
}

void
guard_end(void)
{
	guarded.map = NULL;
}

bool
guard_has_lost(void)
{
	return lost != 0;
}
