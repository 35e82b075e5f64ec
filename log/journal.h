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

#include "base/text.h"
#include "wire/address.h"

/* Where records go: the values of `log-to` in socks64.conf(5). */
enum log_to {
	LOG_TO_AUTO,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_STDERR,
};

enum result {
	RESULT_ERROR, /* ours */
	RESULT_OK,
	RESULT_RESET,
	RESULT_TIMEOUT,
	RESULT_CLIENT_GONE,
	RESULT_DENIED,
	RESULT_AUTH_FAILED,
	RESULT_BAD_REQUEST,
	RESULT_NOT_SOCKS,
	RESULT_BAD_PROXY_HEADER,
	RESULT_HANDSHAKE_TIMEOUT,
	RESULT_RESOLVE_FAILED,
	RESULT_CONNECT_FAILED,
	RESULT_UPSTREAM_FAILED,
	RESULT_STOPPED,
	RESULT_OPEN, /* log-start: the destination is reached */
	RESULT_PEER, /* log-udp-peers: the first datagram to a peer */
	RESULT_COUNT,
};

/*
 * Everything that a record says (INTERFACE.md 6).  Texts are borrowed, NULL
 * where there is none; octets of strangers are escaped here, not before.
 */
struct record {
	enum result result;
	struct address client;   /* FAMILY_NONE: unix, by uid */
	bool client_known;       /* else client=- */
	uint32_t client_uid;
	const char *user;
	size_t user_length;
	const char *auth;        /* none password unix socks4 */
	const char *command;     /* CONNECT BIND UDP, or a number */
	bool asked;              /* destination fields below are valid */
	const char *dest;        /* the address field, as text or octets */
	size_t dest_length;
	bool dest_ipv6;          /* an IPv6 literal: in brackets */
	uint16_t dest_port;
	struct address peer;
	struct address local;
	struct address listen;   /* where the client reached us */
	struct address proxy;    /* who sent the PROXY header */
	uint64_t up;
	uint64_t down;
	bool datagrams;          /* the next three are valid */
	uint64_t datagrams_up;
	uint64_t datagrams_down;
	uint64_t dropped;
	int64_t start_usec;      /* CLOCK_REALTIME */
	int64_t dial_usec;       /* -1: nothing was dialled */
	int64_t duration_usec;
	int reply;               /* REP that was sent; -1: none */
	const char *rule;
	const char *reason;
	const char *attempts;
	const char *alg;
	const char *via;
	bool unconfined;         /* sandbox off: said in every record */
	bool quiet;              /* at debug: nothing came from the client */
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

/* The calling process is the one whose pid the log names from now on: called
 * by who was forked after journal_open().  The sandbox has no getpid(2). */
void journal_own(void);

/* Writes the record.  Errors are nobody's to hear. */
void journal_record(const struct record *record);

/* A plain sentence at a syslog(3) priority, before and beside the record. */
void journal_say(int priority, const char *sentence);

/* Appends CLIENT USER -> DEST (PEER), without a user where there is none. */
void journal_describe(struct text *t, const struct record *record);

/* STATUS= to systemd and the title in ps(1): a short line. */
void journal_status(const char *status);

/*
 * The back end of the journal, one of two: log/systemd.c (libsystemd) or
 * log/native.c.  The first opens what the sandbox would refuse later; the
 * second sends a record of at most JOURNAL_FIELDS_MAX fields KEY=VALUE, the
 * most important first, and waits no longer than JOURNAL_PATIENCE seconds
 * where it can choose.
 */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
enum { JOURNAL_FIELDS_MAX = 48, JOURNAL_PATIENCE = 1 };
struct iovec;
void journal_backend_open(void);
void journal_backend_send(const struct iovec *fields, size_t n);

#endif
