/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a configuration file.  What is accepted is dumped, the dump
 * is accepted, and its dump is the same; what is said is printable.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/output.h"
#include "policy/settings.h"

enum { PATH_TEXT = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* Settings live as long as the process does. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
check_report(void *context, bool warning, const char *where, const char *what)
{
	bool *reported = context;

	(void)where;
	*reported = *reported || !warning;
	for (; *what != '\0'; what++)
		if (*what < ' ' || *what > '~')
			abort();
}

/* A file in memory, and its name. */
static int
memory_file(char path[PATH_TEXT])
{
	const int fd = memfd_create("configuration", 0);
	struct text t = text_in(path, PATH_TEXT);

	if (fd < 0)
		abort();
	text_add(&t, "/proc/self/fd/");
	text_add_number(&t, (uint64_t)fd);
	return fd;
}

static bool
read_back(const char *path, struct settings *settings)
{
	const struct settings_source source = { .file = path };
	bool reported = false;
	const bool good = settings_read(settings, &source, check_report,
	    &reported);

	if (good == reported)
		abort(); /* an error without a word, or the other way */
	return good;
}

static void
check_equal(int one, int two)
{
	static char a[1 << 20];
	static char b[1 << 20];
	const ssize_t length = pread(one, a, sizeof(a), 0);

	if (pread(two, b, sizeof(b), 0) != length ||
	    memcmp(a, b, (size_t)length) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[3][PATH_TEXT];
	int fd[3];
	struct settings settings;

	/* Lists from files are the other machine's matter. */
	if (memmem(data, size, "@/", 2) != NULL)
		return 0;
	for (size_t i = 0; i < 3; i++)
		fd[i] = memory_file(path[i]);
	if (write(fd[0], data, size) != (ssize_t)size)
		abort();
	if (read_back(path[0], &settings)) {
		if (!output_settings(&settings, fd[1]) ||
		    !read_back(path[1], &settings) ||
		    !output_settings(&settings, fd[2]))
			abort();
		check_equal(fd[1], fd[2]);
	}
	for (size_t i = 0; i < 3; i++)
		close(fd[i]);
	return 0;
}
