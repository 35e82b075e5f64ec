/* SPDX-License-Identifier: ISC */
/*
 * The link without libsystemd: records go to syslog or stderr.
 */
#include "log/journal.h"

bool
journal_backend_available(void)
{
	return false;
}

void
journal_backend_send(const struct iovec *fields, size_t n)
{
	(void)fields;
	(void)n;
}

void
journal_backend_status(const char *status)
{
	(void)status;
}
