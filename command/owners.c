/* SPDX-License-Identifier: ISC */
/*
 * What this user cannot look at is left out: it could not be read either, and
 * that was told.
 */
#include "command/owners.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/seldom.h"
#include "base/text.h"

enum { LINKS_MAX = 40 /* as the kernel follows */, SEEN_MAX = 1024 };

/* Where it is told. */
struct hearer {
	settings_report *report;
	void *context;
};

static SELDOM struct {
	size_t next; /* the input to go on with */
	size_t count;
	struct {
		uint64_t device;
		uint64_t inode;
	} list[SEEN_MAX];
} seen;

/* Once there are more than can be remembered one may be told twice. */
static bool
is_new(const struct stat *status)
{
	for (size_t i = 0; i < seen.count; i++)
		if (seen.list[i].device == status->st_dev &&
		    seen.list[i].inode == status->st_ino)
			return false;
	if (seen.count < ARRAY_COUNT(seen.list)) {
		seen.list[seen.count].device = status->st_dev;
		seen.list[seen.count].inode = status->st_ino;
		seen.count++;
	}
	return true;
}

static void
look_at(const struct hearer *to, const char *path, bool judged)
{
	struct stat status;
	bool sticky;

	if (stat(path, &status) != 0 || !is_new(&status))
		return;
	sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky &&
	    !judged && !S_ISCHR(status.st_mode))
		to->report(to->context, true, path,
		    "others than its owner may write it");
	if (status.st_uid != 0 && status.st_uid != geteuid())
		to->report(to->context, true, path,
		    "its owner is neither root nor the user of sessions");
}

/* Is a symlink there, at the end of the path's first `length' octets?  Then it
 * is replaced by what it means. */
static bool
follow(char path[PATH_MAX], size_t length)
{
	char target[PATH_MAX];
	char buffer[PATH_MAX];
	struct text t = text_in(buffer, sizeof(buffer));
	size_t directory = length;
	ssize_t count;

	text_add_octets(&t, path, length);
	count = readlink(buffer, target, sizeof(target));
	if (count <= 0)
		return false;
	while (directory > 0 && path[directory - 1] != '/')
		directory--;
	text_shorten(&t, target[0] == '/' ? 0 : directory);
	text_add_octets(&t, target, (size_t)count);
	text_add(&t, path + length);
	if (!t.cut)
		text_copy(path, PATH_MAX, buffer);
	return !t.cut;
}

/* The directories above, and those that symlinks lead through: who may write
 * one of them may have the path mean another file. */
static void
look_above(const struct hearer *to, const char *path)
{
	char way[PATH_MAX];
	size_t length = 0;
	unsigned links = 0;

	text_copy(way, sizeof(way), path);
	while (way[length] != '\0') {
		length++;
		length += strcspn(way + length, "/");
		if (way[length] == '/') {
			way[length] = '\0';
			look_at(to, way, false);
			way[length] = '/';
		}
		if (links < LINKS_MAX && follow(way, length)) {
			links++;
			length = 0;
		}
	}
}

static void
examine_input(const struct hearer *to, const char *path, bool judged)
{
	char buffer[PATH_MAX];
	struct text whole = text_in(buffer, sizeof(buffer));

	look_at(to, path, judged);
	look_above(to, path);
	if (path[0] == '/' || getcwd(buffer, sizeof(buffer)) == NULL)
		return;
	whole.length = strlen(buffer);
	text_add_char(&whole, '/');
	text_add(&whole, path);
	look_above(to, buffer);
}

void
owners_examine(bool judged, settings_report *report, void *context)
{
	const struct hearer to = { report, context };
	const char *path;

	for (path = inputs_path(seen.next); path != NULL;
	     path = inputs_path(++seen.next))
		examine_input(&to, path, judged);
}
