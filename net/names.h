/* SPDX-License-Identifier: ISC */
/*
 * Names that are looked up while other work goes on, several at a time.  A
 * name that was found keeps its addresses: in an association it means one host
 * for as long as the association lives, although DNS may rotate.
 */
#ifndef SOCKS64_NET_NAMES_H
#define SOCKS64_NET_NAMES_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bucket.h"
#include "base/wait.h"
#include "net/candidates.h"
#include "net/resolve.h"
#include "policy/settings.h"
#include "wire/name.h"
#include "wire/socks5.h"

/* How many names an association keeps, and how many look-ups run at once. */
enum {
	NAMES_MAX = 64,      /* more: the one that was used longest ago goes */
	LOOKUPS_MAX = 4,     /* at a time: descriptors are few */
	NAMES_OPEN_MAX = 32, /* not found yet, waiting ones included */
	NAMES_PER_SECOND = 50, /* that are new to the list */
	NAMES_POLL_MAX = LOOKUPS_MAX * RESOLVE_POLL_MAX,
	NAME_FAILURE_LIFE = 5000, /* milliseconds */
};

enum name_state {
	NAME_UNUSED,
	NAME_WAITING, /* until one of the look-ups ends */
	NAME_ASKED,   /* the look-up runs */
	NAME_FOUND,   /* there is at least one address */
	NAME_FAILED,  /* for NAME_FAILURE_LIFE; then it may be asked anew */
};

/* A name and what is known of it. */
struct pinned_name {
	enum name_state state;
	uint32_t serial;           /* never 0, and never used again */
	int64_t used_at;           /* clock_now() of the last names_find() */
	struct deadline until;     /* the end of a look-up, or of a failure */
	enum reply failure;        /* of NAME_FAILED */
	struct resolution *lookup; /* of NAME_ASKED */
	char name[NAME_LENGTH_MAX + 1];
	size_t found_count;
	/* Last: nobody clears it.  In the order to try them. */
	struct address found[CANDIDATES_MAX];
};

/* All of them, and the look-ups; a caller sets the first two alone. */
struct names {
	const struct settings *settings;
	const struct question *question; /* of the association */
	uint32_t last_serial;            /* given to a name */
	struct bucket rate;              /* of names that are new */
	size_t waiting;                  /* so many are NAME_WAITING */
	size_t open;                     /* so many are that or NAME_ASKED */
	struct pinned_name list[NAMES_MAX];
	struct resolution lookups[LOOKUPS_MAX];
	struct pinned_name *asking[LOOKUPS_MAX]; /* NULL: that one is free */
};

/* The name that is in the list, or NULL.  *n was zero but for what
 * the caller sets before the first call of any of these. */
struct pinned_name *names_find(struct names *n, const char *name);

/* The same by its serial; NULL: it had to make room for another. */
struct pinned_name *names_of_serial(struct names *n, uint32_t serial);

/* Puts a name, which names_find() did not find, into the list and starts to
 * look it up; it may be found at once (/etc/hosts).  SECURITY: NULL where a
 * session asks for too many names, NAMES_OPEN_MAX at a time or more than
 * NAMES_PER_SECOND: name servers are not this client's to flood. */
struct pinned_name *names_add(struct names *n, const char *name);

/* Puts a name into the list that is known to have that address; nobody is
 * asked.  NULL: all places are in use. */
struct pinned_name *names_put(struct names *n, const char *name,
    const struct address *address);

/* Takes a name that was found out of the list. */
void names_forget(struct pinned_name *p);

/*
 * As resolve_poll() and resolve_process() for all look-ups: fds has room for
 * NAMES_POLL_MAX; *until becomes earlier where a look-up has something to do.
 */
size_t names_poll(struct names *n, struct pollfd *fds, struct deadline *until);
void names_process(struct names *n, const struct pollfd *fds, size_t count);

/* Closes all descriptors. */
void names_end(struct names *n);

#endif
