/* SPDX-License-Identifier: ISC */
/*
 * What the gate and the sessions tell the parent: datagrams on the claims
 * socket, whose sender the kernel names.  The parent believes none of them
 * further than their meaning here.  Pure.
 */
#ifndef SOCKS64_SERVICE_MESSAGE_H
#define SOCKS64_SERVICE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/journal.h"
#include "policy/settings.h"
#include "wire/claim.h"

enum { TROUBLE_TEXT = 256 };

/* A gate has read the configuration. */
struct generation {
	bool good;     /* it serves; else it refuses, see `trouble' */
	bool confined; /* its sandbox is on */
	enum log_to log_to;
	int log_level;
	int log_facility;
	int64_t exit_idle_time;                 /* milliseconds, 0: never */
	char metrics_file[PATH_LENGTH_MAX + 1]; /* empty: none */
	char trouble[TROUBLE_TEXT]; /* the first thing that is wrong */
};

enum message_kind {
	MESSAGE_BAD,
	MESSAGE_GENERATION, /* the gate's */
	MESSAGE_WAKE,       /* the gate's: a session began */
	MESSAGE_CLAIM,      /* a session's */
};

enum { MESSAGE_MAX = 1 + sizeof(struct generation) };

struct message {
	enum message_kind kind;
	struct generation generation;
	struct claim claim; /* borrows from the octets */
};

/* Both return the length. */
size_t message_format_generation(const struct generation *generation,
    uint8_t octets[MESSAGE_MAX]);
size_t message_format_wake(uint8_t octets[MESSAGE_MAX]);

/* Any octets; out->kind is MESSAGE_BAD where they are no message. */
void message_parse(const uint8_t *octets, size_t length, struct message *out);

#endif
