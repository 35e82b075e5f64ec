/* SPDX-License-Identifier: ISC */
/*
 * NAT64 (RFC 6052, RFC 7050): a host without IPv4 reaches IPv4 servers by
 * IPv6 addresses that a translator takes apart.  The prefix is the first
 * `nat64-prefix', else the one by which the name server writes the two
 * addresses of ipv4only.arpa.
 *
 * Example: the destination is 192.0.2.80, and there is no route to it.
 * ipv4only.arpa has 2001:db8:64::c000:aa, so the prefix is 2001:db8:64::/96,
 * and 2001:db8:64::c000:250 is dialled.  The rules have judged 192.0.2.80.
 */
#ifndef SOCKS64_NET_NAT64_H
#define SOCKS64_NET_NAT64_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/wait.h"
#include "net/resolve.h"
#include "policy/settings.h"
#include "policy/sets.h"
#include "wire/address.h"

/* What is looked up (RFC 7050). */
#define NAT64_NAME "ipv4only.arpa"

enum nat64_state {
	NAT64_UNASKED, /* nobody needed it yet */
	NAT64_PENDING, /* the name server is asked */
	NAT64_FOUND,   /* the prefix is known */
	NAT64_NONE,    /* there is none that counts */
};

/* Zero is nothing asked.  One at a time may be pending in a process. */
struct nat64 {
	enum nat64_state state;
	struct net prefix;
	bool refused; /* there was one, which leads inside */
};

/* Is that an IPv4 destination that only a translator could reach?  source:
 * what the kernel would use, FAMILY_NONE where there is no route. */
bool nat64_needed(const struct settings *settings,
    const struct address *destination, const struct address *source);

/* Finds the prefix, once: from the configuration at once, else the name server
 * is asked. */
void nat64_ask(struct nat64 *n, const struct settings *settings);

/* As resolve_poll() and resolve_process(): while it is pending. */
size_t nat64_poll(struct nat64 *n, struct pollfd *fds, struct deadline *until);
void nat64_process(struct nat64 *n, const struct settings *settings,
    const struct pollfd *fds, size_t count);

/*
 * The prefix that the addresses of ipv4only.arpa have, into *n, whose state
 * becomes FOUND or NONE.  SECURITY: one that is neither 64:ff9b::/96 nor
 * global is refused, and so is one of this host: a name server does not decide
 * what is inside.
 */
void nat64_conclude(struct nat64 *n, const struct settings *settings,
    const struct address *list, size_t count);

/* The IPv6 address that stands for an IPv4 one, with its port; the state is
 * FOUND. */
struct address nat64_address(const struct nat64 *n,
    const struct address *ipv4);

/* Closes all descriptors. */
void nat64_end(struct nat64 *n);

#endif
