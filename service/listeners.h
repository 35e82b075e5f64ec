/* SPDX-License-Identifier: ISC */
/*
 * The listening sockets: passed by systemd or inetd, or opened for -l.  They
 * lie at descriptors 3 and up, in a row, as systemd passes them, so that a
 * program that is executed in our place finds them, too.
 */
#ifndef SOCKS64_SERVICE_LISTENERS_H
#define SOCKS64_SERVICE_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "status.h"

enum { LISTENERS_MAX = 16, LISTENERS_START = 3 };

struct listeners {
	size_t count;              /* at descriptors LISTENERS_START and up */
	bool passed;               /* the launcher has them, too */
	const char *const *places; /* each -l; NULL behind the last of at most
				      LISTENERS_MAX */
	uint32_t made;             /* a bit for each of them that was opened */
};

/*
 * Is this process to listen?  It is where there is a -l (`places' is not
 * empty), where what was passed is not one connection, or where fd 0 is a
 * listening socket.
 */
bool listeners_wanted(const char *const *places);

/*
 * Takes what was passed, or opens what -l says.  All other descriptors but 0,
 * 1 and 2 are closed, and those are /dev/null where they were a listening
 * socket.  Returns STATUS_OK, or STATUS_USAGE or STATUS_SYSTEM with *wrong as
 * a sentence that says what to change, or what failed.
 */
enum exit_status listeners_take(struct listeners *l, struct text *wrong);

/* In a program that was executed in our place: they are where they were. */
bool listeners_resume(struct listeners *l);

/* Appends where they listen: 192.0.2.1:1080, [::]:1080, /run/socket. */
void listeners_describe(const struct listeners *l, struct text *t);

/* Closes all of them, in a process that listens no more. */
void listeners_leave(const struct listeners *l);

/* Gives the unix-domain sockets that -l made to that user, who removes them at
 * the end where the directory lets it. */
void listeners_give(const struct listeners *l, uint32_t uid, uint32_t gid);

/* Removes the unix-domain sockets that -l made. */
void listeners_remove(const struct listeners *l);

#endif
