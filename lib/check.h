/* SPDX-License-Identifier: ISC */
/*
 * socks64 --check: what the gateway can do, a line each on stdout.
 */
#ifndef SOCKS64_LIB_CHECK_H
#define SOCKS64_LIB_CHECK_H

#include <stdint.h>

#include "lib/handover.h"

/* What is asked for. */
struct check_target {
	const char *host; /* NULL: nothing */
	uint16_t port;
};

/* Returns the exit status: 0, 69 without a gateway, 1 where the target was
 * not reached. */
int check_run(const struct handover *h, const struct check_target *target);

#endif
