/* SPDX-License-Identifier: ISC */
/*
 * A library for LD_PRELOAD: the allocation whose number STARVE has fails, and
 * so do all behind it where STARVE_ALL is there too.  They are counted from 1,
 * at the loader's end.  The process says on stderr that there was one, so that
 * whoever counts up knows where to stop.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own, under the names that it exports. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static const char said[] = "starved\n";
static unsigned long number;
static unsigned long chosen;
static bool all;

__attribute__((constructor)) static void
prepare(void)
{
	const char *text = getenv("STARVE");

	number = 0;
	chosen = text == NULL ? 0 : strtoul(text, NULL, 10);
	all = getenv("STARVE_ALL") != NULL;
}

static bool
is_starved(void)
{
	number++;
	if (chosen == 0 || number < chosen || (number > chosen && !all))
		return false;
	if (number == chosen && write(2, said, sizeof(said) - 1) < 0)
		_exit(125);
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return is_starved() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_starved() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *block, size_t size)
{
	return is_starved() ? NULL : __libc_realloc(block, size);
}
