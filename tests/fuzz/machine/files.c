/* SPDX-License-Identifier: ISC */
/*
 * The files that a handler looks for: texts, and the association table.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "share/layout.h"

enum { TABLE_INODE = 1000, FILE_INODE = 2000, OCTETS_MAX = 1 << 20 };

/* yescrypt and its like would be all that is ever computed: alice's password
 * is "secret", bob's hash is cut, carol's has a scheme that nobody knows. */
#define PASSWORDS \
	"alice:$1$salt$ez2vlPGdaLYkJam5pWs/Y1\nbob:$6$\ncarol:$zz$x\n" \
	"dave:5f4dcc3b5aa765d61d8327deb882cf99\n"

static const char *const texts[][2] = {
	{ "/etc/passwd",
	    "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:\n" },
	{ "/etc/secrets", PASSWORDS },
	{ "/etc/hop", "user:password\n" },
	{ "/etc/list", "bad.example\n.worse.example\n" },
	{ "/etc/empty", "" },
	{ "/proc/sys/kernel/random/boot_id",
	    "0f0e0d0c-0b0a-4908-8706-050403020100\n" },
	{ "/proc/self/net/route",
	    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
	    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" },
	{ "/proc/self/net/ipv6_route",
	    "20010db8000000000000000000000000 40 "
	    "00000000000000000000000000000000 00 "
	    "00000000000000000000000000000000 00000100 00000001 00000000 "
	    "00000001     eth0\n" },
};

static uint8_t *table;
static bool table_used;
static bool table_there;   /* it has its name */
static bool table_foreign; /* its directory is not to be made use of */

void
files_reset(void)
{
	if (table == NULL) {
		table = mmap(NULL, TABLE_FILE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		machine_check(table != MAP_FAILED, "there is no memory");
	}
	if (table_used)
		(void)madvise(table, TABLE_FILE_SIZE, MADV_DONTNEED);
	table_used = false;
	table_there = false;
	table_foreign = !machine.scenario.has_table;
}

/* NULL: there is no such file. */
static const char *
text_at(const char *path)
{
	const struct scenario *s = &machine.scenario;

	if (strcmp(path, "/etc/socks64.conf") == 0)
		return s->configuration;
	if (strcmp(path, "/etc/hosts") == 0)
		return s->hosts;
	if (strcmp(path, "/etc/resolv.conf") == 0)
		return s->resolv_conf;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(path, texts[i][0]) == 0)
			return texts[i][1];
	return NULL;
}

static bool
is_directory(const char *path)
{
	return strcmp(path, "/run/socks64") == 0 && !table_foreign;
}

int
hook_open(const char *path, int flags, ...)
{
	const char *text = text_at(path);
	struct thing *thing;

	if (strcmp(path, "/dev/null") == 0)
		return fd_new(thing_new(KIND_NULL), 0);
	if (is_directory(path))
		return fd_new(thing_new(KIND_DIRECTORY), 0);
	if (text == NULL && (flags & O_CREAT) != 0)
		text = ""; /* and nothing is kept */
	if (text == NULL) {
		errno = ENOENT;
		return -1;
	}
	thing = thing_new(KIND_FILE);
	thing->text = text;
	thing->length = strlen(text);
	return fd_new(thing, 0);
}

int
hook_openat(int directory, const char *name, int flags, ...)
{
	if (directory == AT_FDCWD)
		return hook_open(name, flags);
	if (thing_of(directory) == NULL)
		return -1;
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		if (machine.scenario.no_tmpfile) {
			errno = EOPNOTSUPP;
			return -1;
		}
	} else if ((flags & O_CREAT) == 0 && !table_there) {
		errno = ENOENT;
		return -1;
	}
	table_used = true;
	return fd_new(thing_new(KIND_TABLE), 0);
}

static ssize_t
file_read(struct thing *thing, void *out, size_t length, size_t at)
{
	if (thing->kind != KIND_FILE)
		return 0;
	if (at > thing->length)
		at = thing->length;
	if (length > thing->length - at)
		length = thing->length - at;
	memcpy(out, thing->text + at, length);
	return (ssize_t)length;
}

ssize_t
hook_pread(int fd, void *out, size_t length, off_t at)
{
	struct thing *thing = thing_of(fd);

	return thing == NULL ? -1 : file_read(thing, out, length, (size_t)at);
}

ssize_t
hook_read(int fd, void *out, size_t length)
{
	struct thing *thing = thing_of(fd);
	ssize_t n;

	if (thing == NULL)
		return -1;
	if (thing->kind == KIND_SIGNALS) {
		if (length == sizeof(struct signalfd_siginfo) &&
		    family_take_signal(out))
			return (ssize_t)length;
		errno = EAGAIN;
		return -1;
	}
	n = file_read(thing, out, length, thing->offset);
	thing->offset += (size_t)n;
	return n;
}

ssize_t
hook_pwrite(int fd, const void *data, size_t length, off_t at)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	if (thing->kind != KIND_TABLE)
		return (ssize_t)length;
	machine_check((size_t)at + length <= TABLE_FILE_SIZE,
	    "pwrite: past the table's end");
	memcpy(table + at, data, length);
	return (ssize_t)length;
}

ssize_t
hook_write(int fd, const void *data, size_t length)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	if (thing->kind == KIND_OUTPUT)
		log_take(data, length);
	return (ssize_t)length;
}

int
hook_posix_fallocate(int fd, off_t at, off_t length)
{
	(void)at;
	(void)length;
	return thing_of(fd) == NULL ? EBADF : 0;
}

int
hook_linkat(int from, const char *old, int to, const char *name, int flags)
{
	(void)from;
	(void)old;
	(void)to;
	(void)name;
	(void)flags;
	table_there = true;
	return 0;
}

int
hook_unlinkat(int directory, const char *name, int flags)
{
	(void)directory;
	(void)name;
	(void)flags;
	return 0;
}

int
hook_renameat(int from, const char *old, int to, const char *name)
{
	return hook_linkat(from, old, to, name, 0);
}

void *
hook_mmap(void *at, size_t length, int protection, int flags, int fd,
    off_t offset)
{
	const struct thing *thing = fd < 0 ? NULL : thing_of(fd);

	(void)at;
	(void)protection;
	(void)flags;
	if (thing != NULL && thing->kind == KIND_MEMORY)
		return family_memory(length, offset);
	if (thing == NULL || thing->kind != KIND_TABLE ||
	    length != TABLE_FILE_SIZE) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return table;
}

int
hook_munmap(void *at, size_t length)
{
	(void)at;
	(void)length;
	return 0;
}

/* ---------------------------------------------------------------- stat */

static int
stat_text(const char *path, struct stat *out)
{
	const char *text = text_at(path);

	*out = (struct stat){ .st_dev = 1, .st_uid = 0, .st_mode = S_IFREG };
	out->st_mode |= S_IRUSR | S_IWUSR;
	if (strcmp(path, "/dev/null") == 0) {
		out->st_mode = S_IFCHR | 0666;
		out->st_rdev = 259;
		return 0;
	}
	if (is_directory(path)) {
		out->st_mode = S_IFDIR | S_IRWXU;
		return 0;
	}
	if (text == NULL) {
		errno = ENOENT;
		return -1;
	}
	out->st_size = (off_t)strlen(text);
	out->st_ino = FILE_INODE + (ino_t)out->st_size;
	return 0;
}

int
hook_stat(const char *path, struct stat *out)
{
	return stat_text(path, out);
}

int
hook_lstat(const char *path, struct stat *out)
{
	return stat_text(path, out);
}

int
hook_access(const char *path, int mode)
{
	struct stat status;

	(void)mode;
	return strcmp(path, "/run/systemd/journal/socket") == 0 ?
	    0 :
	    stat_text(path, &status);
}

static void
stat_table(struct stat *out)
{
	*out = (struct stat){ .st_dev = 1,
		.st_ino = TABLE_INODE,
		.st_uid = hook_geteuid(),
		.st_mode = S_IFREG | S_IRUSR | S_IWUSR,
		.st_size = TABLE_FILE_SIZE };
}

int
hook_fstat(int fd, struct stat *out)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL)
		return -1;
	*out = (struct stat){ .st_dev = 1,
		.st_ino = 1 + (ino_t)(thing - machine.things),
		.st_uid = hook_geteuid() };
	switch (thing->kind) {
	case KIND_NULL:
		out->st_mode = S_IFCHR | 0666;
		out->st_rdev = 259;
		break;
	case KIND_OUTPUT: out->st_mode = S_IFIFO; break;
	case KIND_DIRECTORY: out->st_mode = S_IFDIR | S_IRWXU; break;
	case KIND_TABLE: stat_table(out); break;
	case KIND_FILE:
		out->st_mode = S_IFREG | S_IRUSR | S_IWUSR;
		out->st_size = (off_t)thing->length;
		break;
	default: out->st_mode = S_IFSOCK; break;
	}
	return 0;
}

int
hook_fstatat(int directory, const char *name, struct stat *out, int flags)
{
	(void)flags;
	if (directory == AT_FDCWD)
		return stat_text(name, out);
	if (!table_there) {
		errno = ENOENT;
		return -1;
	}
	stat_table(out);
	return 0;
}

int
hook_mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	errno = EACCES;
	return -1;
}

/* c-ares looks for files of its own. */
FILE *
hook_fopen(const char *path, const char *mode)
{
	(void)path;
	(void)mode;
	errno = ENOENT;
	return NULL;
}

/* ------------------------------- files that are made: nothing is kept */

int
hook_mkostemp(char *path, int flags)
{
	struct thing *thing = thing_new(KIND_FILE);

	(void)path;
	(void)flags;
	thing->text = "";
	return fd_new(thing, 0);
}

int
hook_memfd_create(const char *name, unsigned flags)
{
	(void)name;
	(void)flags;
	return fd_new(thing_new(KIND_MEMORY), 0);
}

int
hook_fchmod(int fd, mode_t mode)
{
	(void)mode;
	return thing_of(fd) == NULL ? -1 : 0;
}

int
hook_fchown(int fd, uid_t user, gid_t group)
{
	(void)user;
	(void)group;
	return thing_of(fd) == NULL ? -1 : 0;
}

int
hook_lchown(const char *path, uid_t user, gid_t group)
{
	struct stat status;

	(void)user;
	(void)group;
	return stat_text(path, &status);
}

int
hook_fsync(int fd)
{
	return thing_of(fd) == NULL ? -1 : 0;
}

int
hook_ftruncate(int fd, off_t length)
{
	(void)length;
	return thing_of(fd) == NULL ? -1 : 0;
}

int
hook_rename(const char *old, const char *name)
{
	(void)old;
	(void)name;
	return 0;
}

int
hook_unlink(const char *path)
{
	struct stat status;

	return stat_text(path, &status);
}

ssize_t
hook_readlink(const char *path, char *out, size_t size)
{
	(void)path;
	(void)out;
	(void)size;
	errno = EINVAL;
	return -1;
}

char *
hook_getcwd(char *out, size_t size)
{
	return size < 2 ? NULL : memcpy(out, "/", 2);
}

int
hook_madvise(void *at, size_t length, int advice)
{
	(void)at;
	(void)length;
	(void)advice;
	return 0;
}

/* For libcdb. */
int
hook___fxstat64(int version, int fd, struct stat *out)
{
	(void)version;
	return hook_fstat(fd, out);
}

off_t
hook_lseek64(int fd, off_t at, int from)
{
	(void)from;
	return thing_of(fd) == NULL ? -1 : at;
}

void *
hook_mmap64(void *at, size_t length, int protection, int flags, int fd,
    off_t offset)
{
	const struct thing *thing = thing_of(fd);

	if (thing == NULL || thing->kind != KIND_FILE ||
	    length > thing->length)
		return hook_mmap(at, length, protection, flags, fd, offset);
	return (void *)(uintptr_t)thing->text;
}
