/* SPDX-License-Identifier: ISC */
/*
 * Does the sandbox let a session do what the libraries of this machine do
 * today?
 */
#ifndef SOCKS64_COMMAND_REHEARSE_H
#define SOCKS64_COMMAND_REHEARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/settings.h"

/*
 * Looks up localhost and a name of DNS in a child that is confined as a
 * session is.  For DNS it waits half a second; whether a server answers does
 * not matter.  True where a session would live; else *why is a sentence, which
 * names the system call that ended the child, in static memory.
 */
bool rehearse_names(const struct settings *settings, const char **why);

#endif
