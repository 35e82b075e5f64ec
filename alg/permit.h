/* SPDX-License-Identifier: ISC */
/*
 * Whether the gateway may connect to where a client waits for an FTP data
 * connection (PORT, EPRT, LPRT).
 */
#ifndef SOCKS64_ALG_PERMIT_H
#define SOCKS64_ALG_PERMIT_H

#include <stdbool.h>

#include "alg/alg.h"
#include "policy/policy.h"
#include "wire/address.h"

/*
 * Judges an address and port of the client's own, as the rules judge a BIND.
 * The rules above the one that allowed the control connection hold; where none
 * of them denies the target, it is allowed as the control connection was.
 *
 * SECURITY: a client with an address of this host may be a forwarder for
 * others (socat, stunnel, ssh -L), and what listens at its ports is not its
 * own.  So such a target must be opened by a rule for BIND that names the
 * address.  The port of the gateway is never a target.
 *
 * Returns false where the target is denied; the verdict's reason says why.
 */
bool permit_target(const struct alg *a, const struct address *target,
    struct verdict *verdict);

#endif
