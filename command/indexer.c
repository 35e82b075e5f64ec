/* SPDX-License-Identifier: ISC */
/*
 * --index.  The list is read line by line, so that its length does not
 * matter, and written into a file that gets the index's name when it is whole:
 * who has the old index keeps it.
 */
#include "command/indexer.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/seldom.h"
#include "base/text.h"
#include "command/print.h"
#include "policy/grammar.h"
#include "policy/index.h"
#include "policy/nets.h"
#include "policy/reader.h"
#include "status.h"

/* So many lines that were not understood are shown. */
enum { SHOWN_MAX = 5, PATH_TEXT = 4096, LINE_TEXT = PATH_TEXT + 1024 };

/* SECURITY: a session that reads a list takes lines of any length; what an
 * index leaves out of it is not denied. */
enum { LIST_LINE_BUFFER = 1 << 20 };

#define OPEN_FILES "/proc/self/fd" /* each by its number */

struct indexer {
	const char *path;
	char name[PATH_TEXT]; /* of the index */
	char part[PATH_TEXT]; /* of what becomes it; empty: it has no name */
	struct cdb_make make;
	struct index_summary is;
	struct timespec begun; /* before the list was opened */
	struct reader reader;
	uint64_t entries;
	bool bad_line;
	bool full;   /* a write failed, errno says why */
	bool unread; /* a read did */
};

/* PATH: WHAT: WHY on stderr. */
static int
fail(const char *path, const char *what, enum exit_status status)
{
	const char *why = strerror(errno);
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, path);
	text_add(&line, what);
	text_add(&line, ": ");
	text_add(&line, why);
	text_add_char(&line, '\n');
	(void)print_text(STDERR_FILENO, buffer);
	return (int)status;
}

/* A settings_report: what is wrong with an entry. */
static void
report_entry(void *context, bool warning, const char *where, const char *what)
{
	struct indexer *x = context;
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	(void)warning;
	if (x->bad_line)
		return;
	x->bad_line = true;
	if (x->is.bad++ >= SHOWN_MAX)
		return;
	text_add(&line, where);
	text_add(&line, ": ");
	text_add(&line, what);
	text_add_char(&line, '\n');
	(void)print_text(STDERR_FILENO, buffer);
}

/* What the list says twice is in there twice: to look for each would take
 * longer than all else. */
static void
put(struct indexer *x, const void *key, size_t length)
{
	if (cdb_make_add(&x->make, key, (unsigned)length, "", 0) != 0)
		x->full = true;
}

static void
put_net(struct indexer *x, const struct net *net)
{
	uint8_t key[INDEX_KEY_MAX];

	/* SECURITY: such an address is judged as the IPv4 inside. */
	if (net_covers(&nat64_well_known, net)) {
		reader_error(&x->reader,
		    "a net inside 64:ff9b::/96 never matches: write the "
		    "IPv4 net");
		return;
	}
	put(x, key, index_net_key(net, key));
	x->entries++;
	index_add_net(&x->is, net);
}

/* Lists of other kinds have letters like `|' and `^' between names. */
static bool
is_name(const char *entry)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.*";

	return strspn(entry, letters) == strlen(entry);
}

static bool
is_numeric(const char *entry)
{
	return strpbrk(entry, "/:") != NULL ||
	    strspn(entry, "0123456789.") == strlen(entry);
}

static void
put_entry(struct reader *r, char *entry, void *context)
{
	struct indexer *x = context;
	const unsigned set = set_find(entry);
	char word[NAME_WORD_SIZE];
	struct net net;

	if (set != 0) {
		x->is.sets |= set;
		x->entries++;
	} else if (is_numeric(entry)) {
		if (net_parse(r, entry, &net))
			put_net(x, &net);
	} else if (!is_name(entry)) {
		reader_refuse(r, "", entry, " is no name");
	} else if (name_parse(r, entry, word)) {
		put(x, word, strlen(word));
		x->entries++;
		index_add_word(&x->is, word);
	}
}

static void
put_lines(struct indexer *x, int fd)
{
	static SELDOM char buffer[LIST_LINE_BUFFER];
	static SELDOM struct lines lines;
	size_t length;

	lines_start_in(&lines, fd, buffer, sizeof(buffer));
	for (char *line = lines_next(&lines, &length);
	     line != NULL && !x->full; line = lines_next(&lines, &length)) {
		x->reader.line = lines.number;
		x->bad_line = false;
		if (strlen(line) < length)
			reader_error(&x->reader,
			    "a NUL byte, or more than 1048575 octets");
		else
			list_line_parse(&x->reader, line, put_entry, x);
	}
	x->unread = lines.failed;
}

/* The first record last: only now is known what it says. */
static bool
finish(struct indexer *x, int fd)
{
	uint8_t summary[INDEX_SUMMARY_SIZE];

	index_summary_format(&x->is, summary);
	return cdb_make_finish(&x->make) == 0 && !x->full &&
	    pwrite(fd, summary, sizeof(summary), INDEX_SUMMARY_AT) ==
	    (ssize_t)sizeof(summary) &&
	    fsync(fd) == 0;
}

static bool
begin(struct indexer *x, int fd)
{
	static const uint8_t empty[INDEX_SUMMARY_SIZE];

	return cdb_make_start(&x->make, fd) == 0 &&
	    cdb_make_add(&x->make, index_summary_key,
		sizeof(index_summary_key), empty, sizeof(empty)) == 0;
}

/* Who may read the list may read the index.  SECURITY: its time is one before
 * the list was opened: of a list that was changed or replaced meanwhile it is
 * no index, though it was written later. */
static bool
close_up(const struct indexer *x, int fd, const struct stat *list)
{
	const struct timespec times[] = { x->begun, x->begun };

	return fchmod(fd, list->st_mode & 0666) == 0 &&
	    futimens(fd, times) == 0;
}

static bool
fill(struct indexer *x, int list, int fd)
{
	struct stat status;

	if (fstat(list, &status) != 0 || !begin(x, fd))
		return false;
	x->is.list = (struct index_stamp){ .size = (uint64_t)status.st_size,
		.seconds = status.st_mtim.tv_sec,
		.nanoseconds = (uint32_t)status.st_mtim.tv_nsec };
	put_lines(x, list);
	/* SECURITY: an index of half a list denies half of it. */
	if (x->unread)
		return false;
	if (geteuid() == 0 && fchown(fd, status.st_uid, status.st_gid) != 0)
		return false;
	return finish(x, fd) && close_up(x, fd, &status);
}

static int
say_result(const struct indexer *x)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add_number(&line, x->entries);
	text_add(&line, " entries, ");
	text_add_number(&line, x->is.bad);
	text_add(&line, " lines not understood\n");
	return print_text(STDOUT_FILENO, buffer) ? STATUS_OK : STATUS_SYSTEM;
}

/* The index's name, and `suffix' behind it.  False: it is too long. */
static bool
name_part(struct indexer *x, const char *suffix)
{
	struct text part = text_in(x->part, sizeof(x->part));

	text_add(&part, x->name);
	text_add(&part, suffix);
	errno = ENAMETOOLONG;
	return !part.cut;
}

/* In the index's directory; -1: there are none, or none that could get a name
 * later. */
static int
open_without_name(const struct indexer *x)
{
	char buffer[PATH_TEXT];
	struct text directory = text_in(buffer, sizeof(buffer));
	const char *slash = strrchr(x->name, '/');

	if (access(OPEN_FILES, X_OK) != 0)
		return -1;
	if (slash == NULL)
		text_add(&directory, ".");
	else
		text_add_octets(&directory, x->name,
		    (size_t)(slash + 1 - x->name));
	return open(buffer, O_RDWR | O_TMPFILE | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/* Who is killed leaves nothing behind, where files without a name are. */
static int
part_open(struct indexer *x)
{
	const int fd = open_without_name(x);

	if (fd != -1)
		return fd;
	return name_part(x, ".XXXXXX") ? mkostemp(x->part, O_CLOEXEC) : -1;
}

/* A file without a name gets one, for rename(2) alone replaces another.  Who
 * has it already was killed in between, or puts a whole index there, too. */
static bool
put_beside(struct indexer *x, int fd)
{
	char own[PATH_TEXT];
	struct text t = text_in(own, sizeof(own));

	text_add(&t, OPEN_FILES "/");
	text_add_number(&t, (uint64_t)fd);
	if (!name_part(x, ".next"))
		return false;
	(void)unlink(x->part);
	return linkat(AT_FDCWD, own, AT_FDCWD, x->part, AT_SYMLINK_FOLLOW) ==
	    0;
}

static bool
put_in_place(struct indexer *x, int fd)
{
	if (x->part[0] == '\0' && !put_beside(x, fd)) {
		/* What has that name is not ours. */
		x->part[0] = '\0';
		return false;
	}
	return rename(x->part, x->name) == 0;
}

/* From the open list to the index in its place. */
static int
make(struct indexer *x, int list)
{
	const int fd = part_open(x);
	int status = STATUS_SYSTEM;

	if (fd < 0)
		return fail(x->name, ": cannot be made", STATUS_SYSTEM);
	if (!fill(x, list, fd)) {
		status = x->unread ?
		    fail(x->path, ": cannot be read", STATUS_CONFIG) :
		    fail(x->name, ": cannot be written", STATUS_SYSTEM);
	} else if (x->entries == 0) {
		(void)say_result(x);
		status = STATUS_CONFIG;
	} else if (!put_in_place(x, fd)) {
		status = fail(x->name, ": cannot be put in place",
		    STATUS_SYSTEM);
	} else {
		status = say_result(x);
		x->part[0] = '\0';
	}
	if (x->part[0] != '\0')
		(void)unlink(x->part);
	close(fd);
	return status;
}

int
indexer_run(const char *path)
{
	static SELDOM struct indexer x;
	struct text name = text_in(x.name, sizeof(x.name));
	int status;

	/* The clock of files, which stands still between two ticks. */
	clock_gettime(CLOCK_REALTIME_COARSE, &x.begun);
	const int list = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	x.path = path;
	x.reader = (struct reader){ .report = report_entry,
		.context = &x,
		.file = path };
	text_add(&name, path);
	text_add(&name, ".cdb");
	if (list < 0)
		return fail(path, ": cannot be read", STATUS_CONFIG);
	errno = ENAMETOOLONG;
	status = name.cut ? fail(path, "", STATUS_CONFIG) : make(&x, list);
	close(list);
	return status;
}
