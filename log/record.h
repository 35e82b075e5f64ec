/* SPDX-License-Identifier: ISC */
/*
 * The record that a session leaves, see LOG in socks64-handler(8): what is in
 * it, as a sentence and as fields of the journal.  Where it goes is
 * log/journal.h's.
 */
#ifndef SOCKS64_LOG_RECORD_H
#define SOCKS64_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "log/fields.h"
#include "wire/address.h"

/* What a session came to.  Zero is what nobody meant. */
enum result {
	RESULT_ERROR, /* this machine or this program failed */
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
	RESULT_OPEN,    /* log-start: the destination is reached */
	RESULT_REFUSED, /* by a limit of the listening mode, not served */
	RESULT_PEER,    /* log-udp-peers: the first datagram to a peer */
	RESULT_COUNT,
};

/*
 * Everything that a record says.  Texts are borrowed, NULL where there is
 * none; octets of strangers are as they came: they are escaped when the record
 * is written.
 */
struct record {
	enum result result;
	struct address client; /* FAMILY_NONE: unix, by uid */
	bool client_known;     /* else client=- */
	uint32_t client_uid;
	const char *user;
	size_t user_length;
	const char *auth;    /* none password unix socks4 */
	const char *command; /* CONNECT BIND UDP, or a number */
	bool asked;          /* destination fields below are valid */
	const char *dest;    /* the address field, as text or octets */
	size_t dest_length;
	bool dest_ipv6; /* an IPv6 literal: in brackets */
	uint16_t dest_port;
	struct address peer;
	struct address local;
	struct address listen; /* where the client reached us */
	struct address proxy;  /* who sent the PROXY header */
	uint64_t up;           /* octets of payload to the server */
	uint64_t down;         /* and to the client */
	bool datagrams;        /* the next six are valid */
	uint64_t datagrams_up;
	uint64_t datagrams_down;
	uint64_t dropped;
	const char *drops;      /* by cause: "header:3,rule:1"; or NULL */
	uint64_t peers;         /* addresses and ports that were sent to */
	uint64_t unlogged;      /* of which so many have no record `peer' */
	uint64_t lost;          /* records before this one: journal_record() */
	uint64_t ids;           /* dedicated ADDRESS ASSOCIATEs, served */
	const char *address_id; /* REALID that was asked by, or given */
	int64_t start_usec;     /* CLOCK_REALTIME */
	int64_t dial_usec;      /* -1: nothing was dialled */
	int64_t duration_usec;
	int reply;          /* REP, or CD of SOCKS4, that was sent;
				    -1: none */
	const char *userid; /* whom a client of SOCKS4 claims to be */
	size_t userid_length;
	const char *rule;
	const char *reason; /* a sentence, quotable already */
	const char *attempts;
	const char *alg;
	const char *via;
	bool unconfined; /* sandbox off: said in every record */
	bool quiet;      /* at debug: the client asked for nothing */
};

/* Is it the last of a session?  Before that octets are to be moved. */
bool record_is_last(const struct record *r);

/* The syslog(3) priority that it is written at. */
int record_priority(const struct record *record);

/* Appends the sentence: the result, then key=value in an order that never
 * changes. */
void record_sentence(struct text *t, const struct record *record);

/* Adds its fields for the journal, MESSAGE_ID and SOCKS64_...; the sentence is
 * not among them. */
void record_fields(struct fields *f, const struct record *record);

/* The word of a result, as the sentence begins with it. */
const char *record_result(enum result result);

/* Appends CLIENT. */
void record_client(struct text *t, const struct record *record);

/* Appends CLIENT USER -> DEST (PEER), without a user where there is none. */
void record_describe(struct text *t, const struct record *record);

#endif
