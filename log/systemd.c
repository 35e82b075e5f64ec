/* SPDX-License-Identifier: ISC */
/*
 * The journal of systemd, for the link with libsystemd.
 */
#include <systemd/sd-journal.h>

#include "log/journal.h"
#include "log/patience.h"

void
journal_backend_open(void)
{
	/* libsystemd opens its socket for the first record. */
	patience_prepare();
}

/* libsystemd blocks for as long as journald does not read. */
bool
journal_backend_send(const struct iovec *fields, size_t n, bool waits)
{
	int result;

	patience_begin(waits);
	result = sd_journal_sendv(fields, (int)n);
	patience_end();
	return result == 0;
}
