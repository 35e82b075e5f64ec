/* SPDX-License-Identifier: ISC */
/*
 * Connections of the library's own to the gateway, for one request whose
 * reply is waited for: associations, and questions.
 */
#ifndef SOCKS64_LIB_CONTROL_H
#define SOCKS64_LIB_CONTROL_H

#include <stdint.h>

#include "lib/dial.h"
#include "wire/client.h"

/*
 * Connects, by the first gateway that is reached, and has `request` answered,
 * until that moment (milliseconds of CLOCK_MONOTONIC); a gateway that stays
 * silent leaves time for those behind it.  Returns the descriptor, numbered
 * high and close-on-exec, with the reply in *d and which gateway it was in
 * *gateway; -1 and errno (socks64(1), ERRORS OF CONNECTIONS; also EINTR),
 * d->reply is the REP of a refusal.
 */
int control_open(const struct client_request *request, int64_t until,
    struct dial *d, unsigned *gateway);

/* Waits for what dial_push() of *d needs on fd; 0, or -1 and errno.  until:
 * milliseconds of CLOCK_MONOTONIC. */
int control_wait(struct dial *d, int fd, int64_t until);

/* The address of the gateway at the other end of fd, with port 0. */
struct address control_peer(int fd);

#endif
