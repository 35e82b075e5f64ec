/* SPDX-License-Identifier: ISC */
/*
 * The confinement of one session: identity, limits, Landlock, seccomp.  It
 * fails closed: what cannot be set is an error and ends the process with
 * STATUS_SYSTEM, but for a Landlock that this kernel does not have.
 */
#ifndef SOCKS64_SANDBOX_SANDBOX_H
#define SOCKS64_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* After the negotiation's a session enters the one of its command, if there is
 * one, and at last the relay's; never back.  None allows more than those
 * entered before it. */
enum sandbox_stage {
	SANDBOX_SERVICE,   /* accepts, and makes a process for each session:
			      in the listening mode, in place of the next */
	SANDBOX_NEGOTIATE, /* before the first octet of the client is read */
	SANDBOX_BIND,      /* waits for a peer; then the relay */
	SANDBOX_UDP,       /* datagrams, and the names in them; the last */
	SANDBOX_WATCH,     /* FTP, unchanged: the relay's and the table */
	SANDBOX_ALG,       /* FTP, translated: data connections; the one
			      above where lines are no more */
	SANDBOX_RELAY,     /* two connected sockets and the log */
	SANDBOX_STAGES,
};

struct sandbox_user {
	uint32_t uid; /* 0: none */
	uint32_t gid;
};

/*
 * Looks `name` (NULL: socks64, else nobody; a decimal UID too) up in
 * /etc/passwd itself; where the effective user is not root there is nobody to
 * become.  NULL on success, else what is wrong with the name, as a sentence.
 */
const char *sandbox_find_user(const char *name, struct sandbox_user *out);

/*
 * Becomes the user, where the effective one is root: groups, gid, uid.  Drops
 * all capabilities, but those in `keep` (a mask of 1 << CAP_...; 0 normally).
 * NULL on success, else what failed, as a sentence.
 */
const char *sandbox_become(const struct sandbox_user *who, uint64_t keep);

/* The same, for root alone; what is kept is kept by the program that is
 * executed next, too. */
const char *sandbox_become_for_next(const struct sandbox_user *who,
    uint64_t keep);

/*
 * Enters a stage.  SANDBOX_SERVICE and SANDBOX_NEGOTIATE: no new privileges,
 * undumpable, rlimits, Landlock, its filter.  All others: their filter on top;
 * SANDBOX_WATCH and SANDBOX_RELAY, where nothing is dialled any more, give up
 * what sandbox_become() kept.  walls: without them (`sandbox off') no Landlock
 * and no filter, but all the rest.  NULL on success, else what failed, as a
 * sentence.
 */
const char *sandbox_enter(enum sandbox_stage stage, bool walls);

/*
 * As sandbox_enter(SANDBOX_NEGOTIATE, true), but that a call which would kill
 * there is written to *call, and the process ends by _exit(1).  The call fits
 * for sandbox_name_call().
 */
const char *sandbox_rehearse(int *call);

/* Adds the name of a call that can kill, else its number. */
void sandbox_name_call(struct text *t, int call);

/* In a session of the listening mode, which inherits SANDBOX_SERVICE: it makes
 * no process any more.  False when that could not be set. */
bool sandbox_end_forks(void);

/* Did sandbox_enter() find no Landlock in this kernel? */
bool sandbox_lacks_landlock(void);

/* --print-sandbox: a line for each call and stage, with its reason; the
 * Landlock version of this kernel.  False when writing to fd failed. */
bool sandbox_print(int fd);

#endif
