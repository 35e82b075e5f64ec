/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses (RFC 3089 DNS delegation): AAAA and A separately,
 * /etc/hosts first.  Never a search list.
 */
#ifndef SOCKS64_NET_RESOLVE_H
#define SOCKS64_NET_RESOLVE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/wait.h"
#include "net/answer.h"
#include "net/query.h"
#include "net/resolvconf.h"
#include "policy/settings.h"
#include "wire/address.h"
#include "wire/socks5.h"

enum {
	RESOLVE_POLL_MAX = 2 * QUERY_POLL_MAX,
	RESOLVE_REVERSE_TEXT = 80,
};

struct resolution {
	/* Of both answers.  Nobody clears them, and most sessions do not touch
	 * them: the rest is beside what the owner has behind it. */
	struct address lists[2][ANSWER_MAX];

	/* What resolve_start_reverse() found; else "". */
	char host[NAME_LENGTH_MAX + 1];
	bool broken; /* no memory, or nothing random: exit status 71 */

	/* Not for others. */
	const char *name;
	struct name_servers servers;
	struct query ask_ipv6; /* or the one for a name */
	struct query ask_ipv4;
	bool ipv6_alone;        /* IPv4 is nobody's question */
	bool ipv6_waits;        /* it is asked when IPv4 has answered */
	struct deadline gone;   /* one family said: there is no such name */
	struct deadline enough; /* one family has addresses */
	char reverse[RESOLVE_REVERSE_TEXT]; /* that is asked for PTR */
	char reason[REASON_TEXT];

	struct answer ipv6;
	struct answer ipv4;
};

/*
 * Opens what a look-up will read, /etc/hosts and /etc/resolv.conf, before the
 * sandbox: neither a symlink nor a replacement in the meantime can harm then.
 * A file that cannot be opened is an empty one.  Called once, or again behind
 * resolve_release().
 */
void resolve_prepare(void);

/* The next of these files that is there and could not be opened, from *place
 * on, which is 0 at first: its path, and why as an errno.  NULL: no other. */
const char *resolve_problem(size_t *place, int *error);

/* Closes those files: no look-up is to follow.  A second call does nothing. */
void resolve_release(void);

/*
 * Starts looking up `name` (NUL-terminated, as name_classify() gives it;
 * borrowed) in the families that settings->prefer wants.  Both answers may be
 * there at return (/etc/hosts, localhost).  False: the resolver could not be
 * set up, both answers are ANSWER_FAILED and r->broken is set.  *r must not
 * move until resolve_end().
 */
bool resolve_start(struct resolution *r, const struct settings *settings,
    const char *name);

/* The same in IPv6 alone, which is waited for as long as it takes: the answer
 * of IPv4 is ANSWER_UNASKED. */
bool resolve_start_ipv6(struct resolution *r, const struct settings *settings,
    const char *name);

/* Looks nothing up: both answers are ANSWER_UNASKED. */
void resolve_none(struct resolution *r);

/*
 * Starts asking for the name of an address (RFC 1035 3.5, RFC 3596 2.5); the
 * rest is as above.  Done, r->host is the first name that is a host name, or
 * "" with a reason.  /etc/hosts is not looked at.
 */
bool resolve_start_reverse(struct resolution *r,
    const struct settings *settings, const struct address *address);

/* Both families answered? */
bool resolve_done(const struct resolution *r);

/* Or one has addresses, and the other was waited for long enough: 2 s.  It may
 * still answer. */
bool resolve_settled(const struct resolution *r);

/*
 * Fills fds (room for RESOLVE_POLL_MAX) with what to wait for; returns how
 * many, and lowers *until to the moment of the next retransmission.
 */
size_t resolve_poll(struct resolution *r, struct pollfd *fds,
    struct deadline *until);

/* After the wait: takes answers, retransmits.  n may be 0 (a timeout). */
void resolve_process(struct resolution *r, const struct pollfd *fds, size_t n);

/* Closes all descriptors; the answers stay. */
void resolve_end(struct resolution *r);

/* When the waiting is over, done or not: why there is no address, as a
 * sentence ("www.example.com does not exist"), NULL where there is one; and
 * the reply that says so. */
const char *resolve_reason(const struct resolution *r);
enum reply resolve_reply(const struct resolution *r);

#endif
