/* SPDX-License-Identifier: ISC */
/*
 * A whole look-up, for -e and -t: a session has other things to wait for.
 */
#ifndef SOCKS64_COMMAND_LOOKUP_H
#define SOCKS64_COMMAND_LOOKUP_H

#include "base/wait.h"
#include "net/resolve.h"
#include "policy/settings.h"

/* Looks `name` up as resolve_start() takes it; both answers are in *r, or what
 * is there at that moment.  resolve_prepare() was called before. */
void lookup_name(struct resolution *r, const struct settings *settings,
    const char *name, struct deadline until);

#endif
