/* SPDX-License-Identifier: ISC */
/*
 * Which addresses are on the links of this host: in a net that is routed to an
 * interface without a gateway, as the prefix of each address is.
 *
 * A prefix of /0 to /7 (IPv6: to /15) is no link but a way out, as that of a
 * point-to-point interface, and does not count.  Nor does a host route, /32 or
 * /128.
 */
#ifndef SOCKS64_NET_ONLINK_H
#define SOCKS64_NET_ONLINK_H

#include <stdbool.h>

#include "policy/policy.h"
#include "policy/sets.h"
#include "wire/address.h"

/* Of each of the kernel's files so many octets are read: 8,000 routes of
 * IPv4, 7,000 of IPv6. */
enum { ONLINK_FILE_MAX = 1 << 20 };

/* Opens what onlink_has() reads, where the policy could ever ask; before the
 * sandbox.  False for lack of a descriptor or memory, and errno says of which:
 * onlink_has() would take what is on a link for elsewhere. */
bool onlink_prepare(const struct policy *policy);

/* Is the address on a link?  MATCH_NO for FAMILY_NONE, and where the files
 * could not be opened; MATCH_UNSURE where they cannot be read any more, and
 * errno says why.  Never waits. */
enum match onlink_has(const struct address *address);

/* Why onlink_has() may not know all: a sentence; NULL: it does.  It reads the
 * files to their ends. */
const char *onlink_problem(void);

/* Closes what onlink_prepare() opened; onlink_has() is MATCH_NO then. */
void onlink_close(void);

#endif
