/* SPDX-License-Identifier: ISC */
/*
 * Commands: PATH, scripts of scripts, and who may run what.
 */
#include "lib/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/elf.h"

enum { HEAD_SIZE = 4096, NOTES_SIZE = 4096, SCRIPTS_MAX = 4 };

/* ----------------------------------------------------------------- path */

static bool
is_executable(const char *path)
{
	struct stat status;

	if (access(path, X_OK) == -1 || stat(path, &status) == -1)
		return false;
	if (S_ISREG(status.st_mode))
		return true;
	errno = EACCES;
	return false;
}

/* One directory of PATH; "" is the working directory. */
static bool
try_directory(const char *directory, size_t length, const char *command,
    char path[PATH_MAX])
{
	struct text t = text_in(path, PATH_MAX);

	text_add_octets(&t, directory, length);
	text_add(&t, length == 0 ? "" : "/");
	text_add(&t, command);
	return !t.cut && is_executable(path);
}

bool
program_find(const char *command, char path[PATH_MAX])
{
	const char *at = getenv("PATH");
	int error = ENOENT;

	if (strchr(command, '/') != NULL || *command == '\0') {
		text_copy(path, PATH_MAX, command);
		errno = ENOENT;
		return *command != '\0' && is_executable(path);
	}
	if (at == NULL)
		at = "/usr/bin:/bin";
	for (;;) {
		const size_t length = strcspn(at, ":");

		if (try_directory(at, length, command, path))
			return true;
		if (errno == EACCES)
			error = EACCES;
		if (at[length] == '\0')
			break;
		at += length + 1;
	}
	errno = error;
	return false;
}

/* ------------------------------------------------------------- examine */

/* SECURITY: ld.so takes no library from the environment into a program that
 * may do more than its user. */
static const char *
gain_of(const char *path)
{
	struct stat status;
	struct statvfs where;

	if (statvfs(path, &where) == 0 && (where.f_flag & ST_NOSUID) != 0)
		return NULL;
	if (stat(path, &status) == -1)
		return NULL;
	if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid())
		return status.st_uid == 0 ? "setuid root" : "setuid";
	if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getgid())
		return "setgid";
	if (geteuid() != 0 &&
	    getxattr(path, "security.capability", NULL, 0) > 0)
		return "given capabilities";
	return NULL;
}

static size_t
read_at(int fd, uint64_t offset, uint8_t *octets, size_t size)
{
	const ssize_t got = pread(fd, octets, size, (off_t)offset);

	return got < 0 ? 0 : (size_t)got;
}

static bool
is_go(int fd, const struct elf *elf)
{
	uint8_t notes[NOTES_SIZE];

	for (size_t i = 0; i < elf->note_count; i++) {
		const size_t wanted = elf->notes[i].size < sizeof(notes) ?
		    (size_t)elf->notes[i].size :
		    sizeof(notes);

		if (elf_has_go_note(notes,
			read_at(fd, elf->notes[i].offset, notes, wanted)))
			return true;
	}
	return false;
}

static enum program
say(struct text *why, const char *path, const char *sentence)
{
	text_add_quotable(why, path, strlen(path));
	text_add(why, sentence);
	return PROGRAM_HELPLESS;
}

static enum program
judge(int fd, const struct elf *elf, const char *path, struct text *why)
{
	const char *gain = gain_of(path);

	if (!elf->same_machine)
		return say(why, path,
		    " is for another word size or "
		    "processor than libsocks64.so");
	if (is_go(fd, elf))
		return say(why, path,
		    " is a Go program: it calls the kernel "
		    "itself");
	if (!elf->has_interpreter)
		return say(why, path,
		    " is linked statically: nobody sees its "
		    "calls");
	if (gain == NULL)
		return PROGRAM_GOOD;
	text_add(why, "ld.so takes no library into ");
	text_add_quotable(why, path, strlen(path));
	text_add(why, ": it is ");
	text_add(why, gain);
	return PROGRAM_HELPLESS;
}

static size_t
read_head(const char *path, uint8_t head[HEAD_SIZE], int *fd)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd == -1 ? 0 : read_at(*fd, 0, head, HEAD_SIZE);
}

/* One file; true where it is a script, whose interpreter replaces `path`. */
static bool
examine_file(char path[PATH_MAX], const uint8_t *like, struct text *why,
    enum program *out)
{
	uint8_t head[HEAD_SIZE];
	int fd;
	const size_t length = read_head(path, head, &fd);
	const struct elf elf = elf_read(head, length, like);
	const bool script = script_interpreter(head, length, path);

	if (!script)
		/* What cannot be read, and what execvp(3) gives to a shell. */
		*out = elf.is_elf ? judge(fd, &elf, path, why) : PROGRAM_GOOD;
	if (fd != -1)
		(void)close(fd);
	return script;
}

enum program
program_examine(const char *path, const char *library, struct text *why)
{
	uint8_t like[HEAD_SIZE];
	char at[PATH_MAX];
	enum program found = PROGRAM_GOOD;
	int fd;

	if (read_head(library, like, &fd) < ELF_IDENT)
		return PROGRAM_MISSING;
	(void)close(fd);
	text_copy(at, sizeof(at), path);
	for (unsigned i = 0; i <= SCRIPTS_MAX; i++)
		if (!examine_file(at, like, why, &found))
			return found;
	return say(why, path,
	    " is a script of a script, deeper than the "
	    "kernel goes");
}
