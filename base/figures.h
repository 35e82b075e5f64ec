/* SPDX-License-Identifier: ISC */
/*
 * What all sessions of a service count together: one page of shared memory.
 * In a process that serves one connection there is none, and counting is
 * nothing.
 *
 * A hostile session can falsify every number, so nothing is ever decided by
 * one.
 */
#ifndef SOCKS64_BASE_FIGURES_H
#define SOCKS64_BASE_FIGURES_H

#include <stdatomic.h>
#include <stdint.h>

/* More than there are results in log/journal.h. */
enum { FIGURES_RESULTS = 32 };

/* Why a connection was refused before it was served. */
enum refusal {
	REFUSAL_SESSIONS,      /* max-sessions */
	REFUSAL_PER_CLIENT,    /* max-sessions-per-client */
	REFUSAL_RATE,          /* max-rate-per-client */
	REFUSAL_PER_USER,      /* max-sessions-per-user */
	REFUSAL_CONFIGURATION, /* it is broken */
	REFUSAL_SYSTEM,        /* no process, no descriptor, no memory */
	REFUSALS,
};

/* A newer program finds the page of an older one: what is new comes last. */
struct figures {
	_Atomic uint64_t ended[FIGURES_RESULTS]; /* by enum result */
	_Atomic uint64_t up;   /* payload octets to servers, to clients, */
	_Atomic uint64_t down; /* as they are relayed */
	_Atomic uint64_t refused[REFUSALS];
	_Atomic uint64_t generations;
	int64_t start;         /* of the service: microseconds since 1970 */
	_Atomic uint64_t lost; /* records, which none has told of yet */
};

/* The page; NULL where nobody counts. */
extern struct figures *figures;

/* A session ended with that enum result of log/journal.h. */
void figures_end(unsigned result);

/* A connection, or a user, was refused. */
void figures_refuse(enum refusal why);

/*
 * So many records were left to no log.  The second says how many there are,
 * and forgets them: whoever asks tells it, or gives them back.  A process that
 * serves one connection counts its own.
 */
void figures_lose(uint64_t records);
uint64_t figures_take_lost(void);

/* So many octets were relayed since the last call, in either direction. */
void figures_octets(uint64_t up, uint64_t down);

#endif
