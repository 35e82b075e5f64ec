/* SPDX-License-Identifier: ISC */
/*
 * Which ports to try for a listener: the one that was asked for, then those
 * of `listen-ports', else the kernel's.  Pure but for the clock.
 */
#ifndef SOCKS64_NET_PORTS_H
#define SOCKS64_NET_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/settings.h"

enum { PORT_UNPRIVILEGED = 1024 };

struct ports {
	struct port_range range; /* low 0: the kernel's */
	uint16_t wanted;         /* 0: none (any more) */
	uint32_t start;
	uint32_t tried;
};

/* wanted 0: any.  One below 1024 or outside of `listen-ports' is not tried:
 * a client cannot have it. */
struct ports ports_start(const struct settings *settings, uint16_t wanted);

/* The next port to try; 0 is the kernel's choice.  False: no more. */
bool ports_next(struct ports *p, uint16_t *port);

#endif
