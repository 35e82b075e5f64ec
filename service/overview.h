/* SPDX-License-Identifier: ISC */
/*
 * How the service is, as text: the line of systemctl status, and the figures
 * for Prometheus.  Pure.
 */
#ifndef SOCKS64_SERVICE_OVERVIEW_H
#define SOCKS64_SERVICE_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/figures.h"
#include "base/text.h"

enum { OVERVIEW_TEXT = 4096 };

struct overview {
	uint64_t sessions;   /* that live */
	uint64_t total;      /* since the start, those included */
	bool good;           /* the configuration */
	const char *trouble; /* the first thing that is wrong with it */
	const struct figures *figures;
};

/* Appends "37 sessions, 12034 since 2026-11-25T21:00:00Z, 3 refused", or
 * "refusing: TROUBLE". */
void overview_status(struct text *t, const struct overview *o);

/* Appends the figures, in the text format of Prometheus, version 0.0.4. */
void overview_metrics(struct text *t, const struct overview *o);

#endif
