/* SPDX-License-Identifier: ISC */
/*
 * The file of the association table (draft-kitamura-socks-ipv6, and what FTP
 * shares): found or made, checked before anything in it is believed, mapped.
 *
 * A file that is wrong is left alone, whatever is wrong with it.  One that is
 * right, but of an earlier boot, is replaced, never written: its clock, its
 * locks and so its entries ended with that boot.
 */
#include "share/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/inputs.h"
#include "base/text.h"
#include "share/guard.h"
#include "share/layout.h"
#include "share/lock.h"

#define DEFAULT_DIRECTORY "/run/socks64"
#define FILE_NAME "associations"
#define NEXT_NAME FILE_NAME ".next"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

enum { PATH_TEXT = 512, FRESH_NAME = 64 };

static const char magic[8] = { 'S', '6', '4', 'T', 'A', 'B', 'L', 'E' };

/* Where a table is looked for; path: of the file, for messages. */
struct place {
	int directory;
	const char *path;
};

/* The sentence "PATH: what" or, with an errno, "PATH: what: why".  False. */
static bool
refuse(struct table *t, const char *path, const char *what, int error)
{
	struct text problem = text_in(t->problem, sizeof(t->problem));

	text_add_quotable(&problem, path, strlen(path));
	text_add(&problem, what);
	if (error != 0) {
		text_add(&problem, ": ");
		text_add(&problem, strerror(error));
	}
	return false;
}

/* --- The header. --- */

static bool
boot_id_read(char boot_id[BOOT_ID_LENGTH])
{
	const int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, boot_id, BOOT_ID_LENGTH);
	close(fd);
	return n == BOOT_ID_LENGTH;
}

static bool
header_make(struct header *h)
{
	*h = (struct header){ .layout = LAYOUT,
		.slot_size = TABLE_SLOT_SIZE,
		.slots = TABLE_SLOTS };
	memcpy(h->magic, magic, sizeof(magic));
	return boot_id_read(h->boot_id);
}

/* Is it a table of ours?  *old: of an earlier boot. */
static bool
header_check(struct table *t, const char *path, bool *old)
{
	struct header ours;
	const struct header *h = &t->file->header;

	if (!header_make(&ours))
		return refuse(t, BOOT_ID_FILE, " cannot be read", 0);
	if (memcmp(h->magic, ours.magic, sizeof(ours.magic)) != 0 ||
	    h->layout != ours.layout || h->slot_size != ours.slot_size ||
	    h->slots != ours.slots)
		return refuse(t, path,
		    " is not a table of this version: "
		    "remove it",
		    0);
	*old = memcmp(h->boot_id, ours.boot_id, BOOT_ID_LENGTH) != 0;
	return true;
}

/* --- Making. --- */

/* 0 or an errno.  All blocks are there from the start: a full disk must not
 * become a SIGBUS. */
static int
file_fill(int fd)
{
	struct header header;
	const int error = posix_fallocate(fd, 0, TABLE_FILE_SIZE);

	if (error != 0)
		return error;
	if (!header_make(&header))
		return ENOENT;
	return pwrite(fd, &header, sizeof(header), 0) == sizeof(header) ? 0 :
									  EIO;
}

/* A whole table that is not in use yet. */
struct fresh {
	int fd;
	char name[FRESH_NAME]; /* empty: it has none */
};

/* 0 or an errno.  Whoever is killed leaves nothing behind, where the file
 * system has files without a name. */
static int
fresh_open(struct fresh *f, int directory, bool named)
{
	struct text t = text_in(f->name, sizeof(f->name));
	uint64_t random;

	if (!named) {
		f->fd = openat(directory, ".", O_RDWR | O_TMPFILE | O_CLOEXEC,
		    S_IRUSR | S_IWUSR);
		return f->fd == -1 ? errno : 0;
	}
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return EIO;
	text_add(&t, FILE_NAME ".");
	text_add_number(&t, random);
	f->fd = openat(directory, f->name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    S_IRUSR | S_IWUSR);
	return f->fd == -1 ? errno : 0;
}

static int
fresh_link(const struct fresh *f, int directory, const char *to)
{
	char path[PATH_TEXT];
	struct text t = text_in(path, sizeof(path));

	if (f->name[0] != '\0')
		return linkat(directory, f->name, directory, to, 0);
	text_add(&t, "/proc/self/fd/");
	text_add_number(&t, (uint64_t)f->fd);
	return linkat(AT_FDCWD, path, directory, to, AT_SYMLINK_FOLLOW);
}

static void
fresh_end(const struct fresh *f, int directory)
{
	if (f->fd != -1)
		close(f->fd);
	if (f->name[0] != '\0')
		unlinkat(directory, f->name, 0);
}

/* Where there is none; where another process was faster its table is the
 * one.  0 or an errno. */
static int
file_make_as(int directory, bool named)
{
	struct fresh f = { .fd = -1 };
	int error = fresh_open(&f, directory, named);

	if (error == 0)
		error = file_fill(f.fd);
	if (error == 0 && fresh_link(&f, directory, FILE_NAME) != 0 &&
	    errno != EEXIST)
		error = errno;
	fresh_end(&f, directory);
	return error;
}

static int
file_make(int directory)
{
	return file_make_as(directory, false) == 0 ?
	    0 :
	    file_make_as(directory, true);
}

/* Has the file still the name that all know? */
static bool
is_current(int directory, int fd)
{
	struct stat opened;
	struct stat named;

	return fstat(fd, &opened) == 0 &&
	    fstatat(directory, FILE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * The new table takes the name of the old one, `fd`; under the old one's lock:
 * of many processes one does it, and the others find that it is done.  0 or an
 * errno.
 */
static int
fresh_take_over(const struct fresh *f, int directory, int fd)
{
	const bool locked = lock_wait(fd, LOCK_LIMIT);

	if (!is_current(directory, fd))
		return 0;
	if (!locked)
		return EAGAIN;
	/* Of somebody who was killed. */
	unlinkat(directory, NEXT_NAME, 0);
	if (fresh_link(f, directory, NEXT_NAME) != 0 ||
	    renameat(directory, NEXT_NAME, directory, FILE_NAME) != 0)
		return errno;
	return 0;
}

/* In the place of `fd`.  0 or an errno. */
static int
file_replace_as(int directory, int fd, bool named)
{
	struct fresh f = { .fd = -1 };
	int error = fresh_open(&f, directory, named);

	if (error == 0)
		error = file_fill(f.fd);
	if (error == 0)
		error = fresh_take_over(&f, directory, fd);
	fresh_end(&f, directory);
	return error;
}

static int
file_replace(int directory, int fd)
{
	const int error = file_replace_as(directory, fd, false);

	/* EAGAIN: who has the lock of the old one was waited for. */
	return error == 0 || error == EAGAIN ?
	    error :
	    file_replace_as(directory, fd, true);
}

/* --- Opening. --- */

/* SECURITY: whoever may write there could put another file in its place. */
static bool
directory_check(struct table *t, int directory, const char *path)
{
	struct stat status;

	if (fstat(directory, &status) != 0)
		return refuse(t, path, "", errno);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return refuse(t, path, " is another user's", 0);
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(t, path, " may be written by others", 0);
	return true;
}

static bool
file_check(struct table *t, const char *path)
{
	struct stat status;

	if (fstat(t->fd, &status) != 0)
		return refuse(t, path, "", errno);
	if (!S_ISREG(status.st_mode))
		return refuse(t, path, " is not a regular file", 0);
	if (status.st_uid != geteuid())
		return refuse(t, path, " is another user's", 0);
	if ((status.st_mode & 07777) != (S_IRUSR | S_IWUSR))
		return refuse(t, path, " has not mode 0600", 0);
	if (status.st_size != TABLE_FILE_SIZE)
		return refuse(t, path, " is not a table: remove it", 0);
	return true;
}

static int
file_open(int directory)
{
	return openat(directory, FILE_NAME,
	    O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool
file_find(struct table *t, const struct place *place)
{
	int error;

	t->fd = file_open(place->directory);
	if (t->fd == -1 && errno == ENOENT) {
		error = file_make(place->directory);
		if (error != 0)
			return refuse(t, place->path, " cannot be made",
			    error);
		t->fd = file_open(place->directory);
	}
	if (t->fd == -1)
		return refuse(t, place->path, "", errno);
	return file_check(t, place->path);
}

static bool
file_map(struct table *t, const struct place *place, bool *old)
{
	void *map = mmap(NULL, TABLE_FILE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, t->fd, 0);

	if (map == MAP_FAILED)
		return refuse(t, place->path, " cannot be mapped", errno);
	t->file = map;
	guard_start(map, TABLE_FILE_SIZE);
	return header_check(t, place->path, old);
}

/* The table that has the name, or the one that takes it over. */
static bool
place_open(struct table *t, const struct place *place)
{
	bool old = false;
	int error;

	if (!file_find(t, place) || !file_map(t, place, &old))
		return false;
	if (!old)
		return true;
	error = file_replace(place->directory, t->fd);
	table_keep_locks(t);
	if (error != 0)
		return refuse(t, place->path,
		    " is of an earlier boot and "
		    "cannot be replaced",
		    error);
	return file_find(t, place) && file_map(t, place, &old) &&
	    (!old || refuse(t, place->path, " is of another machine", 0));
}

static bool
open_in(struct table *t, const char *directory)
{
	char path[PATH_TEXT];
	struct text file = text_in(path, sizeof(path));
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct place place = { .directory = fd, .path = path };

	*t = (struct table){ .fd = -1,
		.directory = fd,
		.patience = LOCK_LIMIT };
	text_add(&file, directory);
	text_add(&file, "/" FILE_NAME);
	if (fd == -1) {
		inputs_note(directory);
		return refuse(t, directory, "", errno);
	}
	const bool done = directory_check(t, fd, directory) &&
	    place_open(t, &place);
	if (done) {
		inputs_note_name(path, t->fd);
	} else {
		inputs_note(directory);
		inputs_note(path);
		table_close(t);
	}
	return done;
}

bool
table_open(struct table *t, const char *directory)
{
	char path[PATH_TEXT];
	struct text second = text_in(path, sizeof(path));
	const char *runtime;

	if (directory != NULL)
		return open_in(t, directory);
	if (open_in(t, DEFAULT_DIRECTORY))
		return true;
	runtime = getenv("XDG_RUNTIME_DIR");
	if (runtime == NULL || *runtime != '/')
		return false;
	text_add(&second, runtime);
	text_add(&second, "/socks64");
	if (second.cut)
		return false;
	if (open_in(t, path))
		return true;
	return mkdir(path, S_IRWXU) == 0 && open_in(t, path);
}

void
table_keep_locks(struct table *t)
{
	if (t->file != NULL) {
		guard_end();
		munmap(t->file, TABLE_FILE_SIZE);
	}
	if (t->fd != -1)
		close(t->fd);
	t->file = NULL;
	t->fd = -1;
}

void
table_close(struct table *t)
{
	table_keep_locks(t);
	if (t->directory != -1)
		close(t->directory);
	t->directory = -1;
}
