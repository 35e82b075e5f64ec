/* SPDX-License-Identifier: ISC */
/*
 * The heap of the static link, in memory of its own instead of behind the
 * break.  A position-independent program without a loader is far away from its
 * break: a session would have three page tables more, for three pages.
 *
 * These are the functions by which glibc moves the break, to the last of them,
 * so that its own are not linked.  Where there is no more room malloc(3) maps
 * memory.  A libc that has others does not notice these.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* malloc(3) begins with 132 KiB, and touches what it gives. */
enum { HEAP_SIZE = 160 << 10 };

/* What their declarations are, glibc has in headers of its own alone. */
int brk(void *end);
int __brk(void *end);
void *sbrk(intptr_t more);
void *__sbrk(intptr_t more);

static _Alignas(4096) char heap[HEAP_SIZE];

/* Not NULL: then glibc moves it by __sbrk() alone, from the start on, which is
 * before there are thread-local variables: errno is not to be touched then. */
void *__curbrk = heap;

static int
move(void *end)
{
	const uintptr_t to = (uintptr_t)end;

	if (to < (uintptr_t)heap || to > (uintptr_t)heap + HEAP_SIZE)
		return -1;
	__curbrk = end;
	return 0;
}

/* Fails without errno: see above. */
void *
__sbrk(intptr_t more)
{
	char *before = __curbrk;

	return move(before + more) == 0 ? before : (void *)-1;
}

int
__brk(void *end)
{
	if (move(end) == 0)
		return 0;
	errno = ENOMEM;
	return -1;
}

int
brk(void *end)
{
	return __brk(end);
}

void *
sbrk(intptr_t more)
{
	return __sbrk(more);
}
