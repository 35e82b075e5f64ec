/* SPDX-License-Identifier: ISC */
/*
 * What the library is told when it is loaded, and what it says.
 */
#ifndef SOCKS64_LIB_START_H
#define SOCKS64_LIB_START_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/dial.h"
#include "lib/handover.h"
#include "lib/sockets.h"

/* SOCKS64, as it was at the start of the process. */
extern struct handover handover;

/* Was it good?  Where not, nothing that is not direct is reached. */
extern bool handover_good;

/* Was start() called?  The hooks look before they do anything else. */
extern bool started;

/* Looks up libc's calls, reads SOCKS64, maps the table of names.  Called by
 * the constructor, or by a hook that is called before it. */
void start(void);

/* The descriptor of the table of names, which close(2) and its like are to
 * pass over: the next program looks for it; -1. */
int start_table(void);

/* For the end of a handshake or an association: the line of -v, and once a
 * process what is wrong with the gateway.  `e` is a copy that nobody else
 * has: writing may block.  Never a password.  errno stays. */
void say_end(const struct entry *e);

/* Is there anything to say of that end? */
bool say_wants(const struct entry *e);

/* Once a process: what is wrong with that gateway, if anything is. */
void say_fault(unsigned gateway, const struct dial *d);

/* -v: one line about a name ("looked up") or an association. */
void say_line(const char *what, const char *how);

#endif
