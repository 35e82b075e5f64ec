/* SPDX-License-Identifier: ISC */
/*
 * Who may write what a session believes: -t looks at owners and modes of
 * files, and of the directories in which they may be replaced, as StrictModes
 * of sshd(8) has it.
 */
#ifndef SOCKS64_COMMAND_OWNERS_H
#define SOCKS64_COMMAND_OWNERS_H

#include <stdbool.h>

#include "policy/settings.h"

/*
 * Looks at the inputs that inputs_note() was told of since the last call, at
 * all directories above them, and at what symlinks in their paths lead
 * through.  Warns of what others than its owner may write, but for sticky
 * directories, and of an owner that is neither root nor the user of this
 * process; of each file and directory once.  judged: who opened these inputs
 * refuses what others may write, so that this is not told of themselves.
 */
void owners_examine(bool judged, settings_report *report, void *context);

#endif
