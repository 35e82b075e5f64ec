/* SPDX-License-Identifier: ISC */
/*
 * The journal of systemd, for the link with libsystemd.
 */
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "base/text.h"
#include "log/journal.h"

enum { STATUS_TEXT = 1600 };

bool
journal_backend_available(void)
{
	return true;
}

void
journal_backend_send(const struct iovec *fields, size_t n)
{
	(void)sd_journal_sendv(fields, (int)n); /* nobody left to tell */
}

void
journal_backend_status(const char *status)
{
	char buffer[STATUS_TEXT];
	struct text state = text_in(buffer, sizeof(buffer));

	text_add(&state, "STATUS=");
	text_add(&state, status);
	(void)sd_notify(0, buffer); /* only for eyes */
}
