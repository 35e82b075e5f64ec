/* SPDX-License-Identifier: ISC */
/*
 * Which ports a listener may try, one after the other: the one that was asked
 * for, then those of `listen-ports', from a place that depends on the clock;
 * without `listen-ports' the choice of the kernel, several times.
 */
#ifndef SOCKS64_NET_PORTS_H
#define SOCKS64_NET_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/settings.h"

struct ports {
	struct port_range range; /* low 0: the kernel chooses */
	uint16_t wanted;         /* 0: none, or it was tried */
	uint32_t start;          /* how far into the range the walk begins */
	uint32_t tried;          /* how many ports were tried since */
};

/* Begins the walk.  wanted: the port that was asked for, 0 for any.  SECURITY:
 * it is tried where `listen-ports' has it and it is not below 1024; without
 * `listen-ports' where no local service would want it, from 32768 on: a client
 * that took 5432 or 8080 before their service starts would get what is sent
 * to it. */
struct ports ports_start(const struct settings *settings, uint16_t wanted);

/* The next port to try, into *port; 0 leaves the choice to the kernel.  False:
 * all were tried. */
bool ports_next(struct ports *p, uint16_t *port);

#endif
