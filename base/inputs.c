/* SPDX-License-Identifier: ISC */
/*
 * Stamps of files.  A look costs one newfstatat(2) for each.
 */
#include "base/inputs.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/seldom.h"
#include "base/wait.h"

enum { INPUTS_MAX = 512, NAMES_SIZE = 1 << 16 };

/* Microseconds that are longer than any tick of a file system's clock. */
enum { TICK = 1000000 };

struct stamp {
	int error; /* of stat(2); 0: the rest is valid */
	uint64_t device;
	uint64_t inode;
	int64_t size;
	struct timespec modified;
	struct timespec changed;
};

struct input {
	const char *path;
	bool name_only;
	int64_t again; /* UTC when it counts as changed once more; 0: never */
	struct stamp stamp;
};

static struct {
	bool watched;
	bool overflow;
	size_t count;
	size_t used; /* of names */
} inputs;

static SELDOM struct input list[INPUTS_MAX];
static SELDOM char names[NAMES_SIZE];

static struct stamp
stamp_of(const struct stat *status, int error)
{
	struct stamp s = { .error = error };

	if (error == 0) {
		s.device = status->st_dev;
		s.inode = status->st_ino;
		s.size = status->st_size;
		s.modified = status->st_mtim;
		s.changed = status->st_ctim;
	}
	return s;
}

static struct stamp
stamp_take(const char *path)
{
	struct stat status;

	return stamp_of(&status, stat(path, &status) == 0 ? 0 : errno);
}

static bool
time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
stamp_equal(const struct stamp *a, const struct stamp *b, bool name_only)
{
	return a->error == b->error && a->device == b->device &&
	    a->inode == b->inode &&
	    (name_only ||
		(a->size == b->size &&
		    time_equal(&a->modified, &b->modified) &&
		    time_equal(&a->changed, &b->changed)));
}

/* A change that lies ahead of our clock may hide another one, too. */
static int64_t
again_after(const struct stamp *s)
{
	const int64_t now = clock_utc_microseconds();
	const int64_t changed = (int64_t)s->changed.tv_sec * 1000000 +
	    s->changed.tv_nsec / 1000;

	if (s->error != 0 || now - changed >= TICK)
		return 0;
	return changed > now ? now + TICK : changed + TICK;
}

/* A place for the input with a copy of its path; NULL: there is none. */
static struct input *
input_new(const char *path)
{
	const size_t size = strlen(path) + 1;
	struct input *input = &list[inputs.count];

	if (inputs.count == INPUTS_MAX || size > NAMES_SIZE - inputs.used) {
		inputs.overflow = true;
		return NULL;
	}
	memcpy(names + inputs.used, path, size);
	*input = (struct input){ .path = names + inputs.used };
	inputs.used += size;
	inputs.count++;
	return input;
}

void
inputs_watch(void)
{
	inputs.watched = true;
	inputs.overflow = false;
	inputs.count = 0;
	inputs.used = 0;
}

void
inputs_note(const char *path)
{
	struct input *input;

	if (!inputs.watched)
		return;
	input = input_new(path);
	if (input == NULL)
		return;
	input->stamp = stamp_take(path);
	input->again = again_after(&input->stamp);
}

void
inputs_note_name(const char *path, int fd)
{
	struct input *input;
	struct stat status;

	if (!inputs.watched)
		return;
	input = input_new(path);
	if (input == NULL)
		return;
	input->name_only = true;
	input->stamp = stamp_of(&status, fstat(fd, &status) == 0 ? 0 : errno);
}

bool
inputs_changed(void)
{
	for (size_t i = 0; i < inputs.count; i++) {
		const struct input *input = &list[i];
		const struct stamp now = stamp_take(input->path);

		if (!stamp_equal(&now, &input->stamp, input->name_only) ||
		    (input->again != 0 &&
			clock_utc_microseconds() >= input->again))
			return true;
	}
	return inputs.overflow;
}

const char *
inputs_path(size_t i)
{
	return i < inputs.count ? list[i].path : NULL;
}

bool
inputs_complete(void)
{
	return !inputs.overflow;
}
