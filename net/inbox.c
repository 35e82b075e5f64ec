/* SPDX-License-Identifier: ISC */
/*
 * Octets of the client, read and not yet consumed.
 */
#include "net/inbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/failure.h"

/* Makes room at the end: only a session that is read on needs it. */
static void
inbox_compact(struct inbox *in)
{
	if (in->start == 0)
		return;
	memmove(in->octets, in->octets + in->start, in->end - in->start);
	in->end -= in->start;
	in->start = 0;
}

enum inbox_result
inbox_fill(struct inbox *in, struct deadline until)
{
	struct pollfd ready = { .fd = in->fd, .events = POLLIN };

	if (deadline_passed(until))
		return INBOX_TIMEOUT;
	inbox_compact(in);
	for (;;) {
		const ssize_t n = recv(in->fd, in->octets + in->end,
		    sizeof(in->octets) - in->end, 0);

		if (n > 0) {
			in->end += (size_t)n;
			in->received += (uint64_t)n;
			return INBOX_MORE;
		}
		if (n == 0)
			return INBOX_EOF;
		if (failure_gives_up(n))
			return INBOX_STOPPED;
		if (errno != EAGAIN)
			return INBOX_GONE;
		switch (wait_for(&ready, 1, until)) {
		case WAIT_READY: break;
		case WAIT_TIMEOUT: return INBOX_TIMEOUT;
		case WAIT_STOPPED: return INBOX_STOPPED;
		}
	}
}

struct cursor
inbox_cursor(const struct inbox *in)
{
	return (struct cursor){ .at = in->octets + in->start,
		.left = in->end - in->start };
}

void
inbox_consume(struct inbox *in, const struct cursor *c)
{
	in->start = in->end - c->left;
}

void
inbox_wipe(struct inbox *in)
{
	explicit_bzero(in->octets, in->start);
	explicit_bzero(in->octets + in->end, sizeof(in->octets) - in->end);
}
