/* SPDX-License-Identifier: ISC */
/*
 * Who is served: a slot for each session, in memory that the gate and the
 * parent share and no session has.  The gate fills slots and never waits for
 * the parent, which empties them: there is no lock.
 *
 *	gate     takes a slot, clone(2) writes the PID into pids[slot]
 *	parent   finds the PID that ended, sets pids[slot] to 0
 *	gate     sweeps: slots whose PID is 0 are free again
 *
 * Nothing here asks the kernel for anything: times come from the caller.
 */
#ifndef SOCKS64_SERVICE_LEDGER_H
#define SOCKS64_SERVICE_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/settings.h"
#include "wire/address.h"
#include "wire/claim.h"

enum {
	LEDGER_LAYOUT = 1, /* changes with every change of the structs here */
	LEDGER_SLOTS = SESSIONS_MAX,
	LEDGER_CLIENTS = 2 * SESSIONS_MAX,
	LEDGER_PROBES = 32,
	LEDGER_NO_SLOT = LEDGER_SLOTS,
};

/* Refusals that are logged: of one client in a minute, of all in a minute. */
enum { REPORTS_PERIOD = 60 * 1000000, REPORTS_MOST = 100 };

/* Whom the limits take for one client: an IPv4 address, an IPv6 /64 (the whole
 * address where it is loopback or link-local), a uid. */
struct key {
	uint64_t high;
	uint64_t low;
	uint32_t kind; /* 0: nobody */
	uint32_t unused;
};

/* A session, as the gate accepted it. */
struct slot {
	struct address client; /* FAMILY_NONE: by uid */
	uint32_t uid;
	uint32_t counted; /* its struct client, counted from 1; 0: none */
	int64_t since;    /* clock_microseconds() */
	int64_t since_utc;
	bool taken;
	bool exempt; /* its peer speaks for many: no limit by client */
};

struct client {
	struct key key;
	uint32_t sessions;
	uint32_t unreported; /* refusals since the last report */
	int64_t due;         /* when the rate allows all N at once again */
	int64_t reported;
};

struct ledger {
	/* The gate's; `ended' is the parent's. */
	_Atomic uint64_t started;
	_Atomic uint64_t ended;
	uint64_t swept; /* of `ended' */
	uint32_t high;  /* slots from here on were never taken */
	uint32_t free_count;
	uint64_t seed; /* of the hash: nobody outside may know it */
	int64_t reports_since;
	uint32_t reports;

	/* For the next generation: when the configuration was tried last
	 * (clock_microseconds()), and what was wrong with it, as a hash. */
	int64_t tried;
	uint64_t trouble;

	/* The parent sleeps, and wants to be told of the next session. */
	_Atomic uint32_t asleep;

	_Atomic int32_t pids[LEDGER_SLOTS];
	uint64_t users[LEDGER_SLOTS]; /* of ledger_admit_user() */
	uint32_t free[LEDGER_SLOTS];
	struct slot slots[LEDGER_SLOTS];
	struct client clients[LEDGER_CLIENTS];
};

/* What limits the next session. */
struct limits {
	uint32_t sessions;   /* at least 1 */
	uint32_t per_client; /* 0: none */
	struct rate rate;    /* count 0: none */
};

/* Who asks to be served, and when (clock_microseconds(), and UTC). */
struct visitor {
	struct address client;
	uint32_t uid;
	bool exempt;
	int64_t now;
	int64_t now_utc;
};

enum admission {
	ADMISSION_GRANTED,
	ADMISSION_SESSIONS,
	ADMISSION_PER_CLIENT,
	ADMISSION_RATE,
	ADMISSION_FULL, /* more clients than can be counted */
};

/*
 * The parent's, before a generation, while there is no gate: all that can be
 * derived from the slots is derived anew, so that a gate which died in the
 * middle of a change has left nothing wrong.
 */
void ledger_begin(struct ledger *l);

/* The gate's, at the beginning of a generation that limits clients: the
 * sessions of each are counted.  Called once. */
void ledger_count(struct ledger *l);

/* May the visitor be served?  If so *slot is taken for it. */
enum admission ledger_admit(struct ledger *l, const struct limits *limits,
    const struct visitor *visitor, uint32_t *slot);

/* There is no session for that slot after all. */
void ledger_release(struct ledger *l, uint32_t slot);

/*
 * A visitor was refused.  Returns 0 where that is not to be logged; else 1
 * and the number of refusals of this client that were not.
 */
uint32_t ledger_report(struct ledger *l, const struct visitor *visitor);

/* Sessions that were started and have not ended. */
uint64_t ledger_live(const struct ledger *l);

/* The parent's: which slot has that process?  LEDGER_NO_SLOT: none. */
uint32_t ledger_find(const struct ledger *l, int32_t pid);

/* The parent's: the process of that slot has ended. */
void ledger_end(struct ledger *l, uint32_t slot);

enum user_admission {
	USER_REPEATED, /* this session has asked before */
	USER_DENIED,
	USER_GRANTED,
};

/* The parent's: may the session of that slot serve the user that it claims? */
enum user_admission ledger_admit_user(struct ledger *l, uint32_t slot,
    const struct claim *claim);

#endif
