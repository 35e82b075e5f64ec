/* SPDX-License-Identifier: ISC */
/*
 * The one place that logs: one record for each session, to the journal, to
 * syslog or to stderr, and never an octet to the client.
 */
#ifndef SOCKS64_LOG_JOURNAL_H
#define SOCKS64_LOG_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/record.h"

/* Where records go: the values of `log-to` in socks64.conf(5). */
enum log_to {
	LOG_TO_AUTO,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_STDERR,
};

/*
 * Chooses where records go and opens what the sandbox would refuse later.
 * client: the descriptor of the client's connection, which is never written
 * to.  log_to, level and facility as in policy/settings.h.
 */
struct journal_options {
	enum log_to log_to;
	int level;
	int facility;
	int client;
};

void journal_open(const struct journal_options *options);

/* The process that the log names from now on; journal_open() names the
 * calling one.  For who was forked later, and for who writes the record of
 * another.  The sandbox has no getpid(2). */
void journal_own(int32_t pid);

/* True: nothing of the log is waited for, in a process that serves others.
 * False: as at the start; a session begins as a copy of such a process. */
void journal_hurry(bool hurry);

/*
 * Writes the record.  Whoever is to take it may be stopped: at the end of a
 * session that is waited for, JOURNAL_PATIENCE seconds at most; before the end
 * (record_is_last()) octets are to be moved, and nothing is waited for.  There
 * is nobody to report an error of the log to: what could not be left is
 * counted, and the next record of the process, or of its service, says how
 * many (`lost').
 */
void journal_record(const struct record *record);

/* A plain sentence at a syslog(3) priority, before and beside the record. */
void journal_say(int priority, const char *sentence);

/* STATUS= to systemd and the title in ps(1): a short line. */
void journal_status(const char *status);

/*
 * The back end of the journal, one of two: log/systemd.c (libsystemd) or
 * log/native.c.  The first opens what the sandbox would refuse later; the
 * second sends a record of at most FIELDS_MAX fields KEY=VALUE (log/fields.h),
 * the most important first, and waits JOURNAL_PATIENCE seconds at most, or not
 * at all.  False: nobody took it, or not all of it.
 */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
enum { JOURNAL_PATIENCE = 1 };
void journal_backend_open(void);
bool journal_backend_send(const struct iovec *fields, size_t n, bool waits);

#endif
