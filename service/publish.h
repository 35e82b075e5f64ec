/* SPDX-License-Identifier: ISC */
/*
 * Showing how the service is, as often as it is worth it: STATUS= at most once
 * a second, the metrics file at most every ten, both only when they change.
 */
#ifndef SOCKS64_SERVICE_PUBLISH_H
#define SOCKS64_SERVICE_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "service/overview.h"

struct publisher {
	uint64_t status; /* hashes of what was shown last */
	uint64_t metrics;
	struct deadline status_after; /* not before */
	struct deadline metrics_after;
	bool warned; /* that the file cannot be written: once */
};

/*
 * Shows what is due.  file NULL: no metrics.  Returns when there is more to
 * show; DEADLINE_NEVER where nothing has changed.
 */
struct deadline publish(struct publisher *p, const struct overview *o,
    const char *file);

/* Shows all at once, at the end. */
void publish_last(struct publisher *p, const struct overview *o,
    const char *file);

#endif
