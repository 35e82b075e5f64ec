/* SPDX-License-Identifier: ISC */
/*
 * -t: could sessions begin with this configuration?
 */
#ifndef SOCKS64_COMMAND_EXAMINE_H
#define SOCKS64_COMMAND_EXAMINE_H

#include <stdbool.h>

#include "policy/settings.h"

/*
 * Reads the configuration into *out and looks at what it names: the user,
 * password file, interface, mark, state-dir.  Reports everything that is
 * wrong, each once; true where nothing but warnings came.  As root it becomes
 * the configuration's user, for good, and tells what that may not read.
 */
bool examine_configuration(struct settings *out,
    const struct settings_source *source, settings_report *report);

/*
 * That part of it for -e, which would dial like a session: can `interface'
 * and `mark' be set?  Reports as the whole does, and is true as that is.
 */
bool examine_steering(const struct settings *settings,
    settings_report *report);

/* For -e, behind that: as root it becomes the configuration's user, for good,
 * because a session opens the resolver's files as that.  False: it cannot. */
bool examine_become(const struct settings *settings, settings_report *report);

#endif
