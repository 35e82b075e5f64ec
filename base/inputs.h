/* SPDX-License-Identifier: ISC */
/*
 * What a configuration was read from.  A process that serves many connections
 * with one reading (the gate of the listening mode) asks here, before each,
 * whether the reading still holds.  In every other process nothing is
 * remembered, and noting costs nothing.
 */
#ifndef SOCKS64_BASE_INPUTS_H
#define SOCKS64_BASE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on inputs are remembered, and none from before.  Called before the
 * reading. */
void inputs_watch(void);

/*
 * Remembers the file of that path, behind all symlinks, by device, inode,
 * size, mtime and ctime; or that there is none.  To be called before the file
 * is opened, so that no change falls between the two.
 */
void inputs_note(const char *path);

/*
 * Remembers that the open file fd has that name, by device and inode alone:
 * it is written to all the time.
 */
void inputs_note_name(const char *path, int fd);

/*
 * Is any of them different now?  A file that had changed less than a second
 * before it was noted counts as changed once more when that second is over:
 * two writes within a tick of the clock that stamps files look like one.
 * Always true where there were more inputs than could be remembered.
 */
bool inputs_changed(void);

/* The path of an input, counted from 0 in the order of their notes, as long as
 * no other watch begins; NULL: there are not so many. */
const char *inputs_path(size_t i);

/* Could all of them be remembered? */
bool inputs_complete(void);

#endif
