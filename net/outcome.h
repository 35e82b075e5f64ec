/* SPDX-License-Identifier: ISC */
/*
 * What a step of a session came to: dialling, waiting for the peer of a BIND,
 * relaying octets or datagrams.  Each step fills one of these, and the session
 * needs no table that translates.
 */
#ifndef SOCKS64_NET_OUTCOME_H
#define SOCKS64_NET_OUTCOME_H

#include "log/journal.h"
#include "policy/policy.h"
#include "wire/socks5.h"

/*
 * result: what the record of the session says; RESULT_ERROR, which is zero,
 * until the step says otherwise.  reply: what the client is to be answered;
 * REPLY_SUCCEEDED where it is owed no refusal: the step succeeded, or nobody
 * waits for an answer any more.  reason: why, one sentence in which untrusted
 * octets are escaped; empty where there is nothing to explain.
 */
struct outcome {
	enum result result;
	enum reply reply;
	char reason[REASON_TEXT];
};

/* Nobody is to be answered.  reason is copied; NULL: there is none. */
void outcome_end(struct outcome *o, enum result result, const char *reason);

/* The client is to be answered `reply', which is not REPLY_SUCCEEDED. */
void outcome_fail(struct outcome *o, enum result result, enum reply reply,
    const char *reason);

/* The rules said no, or could not be asked, which is this host's failure and
 * not the client's. */
void outcome_deny(struct outcome *o, const struct verdict *verdict);

/* After WAIT_STOPPED.  SIGTERM came: RESULT_STOPPED, without an answer; or
 * wait_failure(): RESULT_ERROR, and the client is to be answered so. */
void outcome_stop(struct outcome *o);

/* The reason as records have it: NULL where it is empty. */
const char *outcome_reason(const struct outcome *o);

#endif
