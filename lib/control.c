/* SPDX-License-Identifier: ISC */
/*
 * Connections of the library's own.
 */
#include "lib/control.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/wait.h"
#include "lib/place.h"
#include "lib/real.h"
#include "lib/start.h"
#include "lib/tcp.h"

/* Until when a gateway has to choose a method, and to do all the rest. */
struct patience {
	int64_t method;
	int64_t all;
};

static int
wait_with(struct dial *d, int fd, const struct patience *until)
{
	for (;;) {
		struct pollfd one = { .fd = fd,
			.events = dial_push(d, fd, &handover) };
		const int64_t end = d->step <= DIAL_METHOD ? until->method :
							     until->all;
		const int64_t left = end - clock_now();
		const struct timespec time = { .tv_sec = left / 1000,
			.tv_nsec = left % 1000 * 1000000 };

		if (one.events == 0)
			break;
		if (left <= 0) {
			dial_expire(d);
			break;
		}
		if (real.ppoll(&one, 1, &time, NULL) == -1 &&
		    (errno != EINTR || !tcp_restarts()))
			return -1;
	}
	errno = d->error;
	return d->step == DIAL_DONE ? 0 : -1;
}

int
control_wait(struct dial *d, int fd, int64_t until)
{
	const struct patience both = { until, until };

	return wait_with(d, fd, &both);
}

/* By gateway i. */
static int
open_by(unsigned i, const struct client_request *request,
    const struct patience *until, struct dial *d)
{
	struct sockaddr_storage to;
	const socklen_t length = place_gateway_own(i, &to);
	const int fd = place_high(real.socket(to.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

	dial_begin(d, request);
	if (fd == -1) {
		dial_fail(d, errno);
		return -1;
	}
	if (real.connect(fd, (struct sockaddr *)&to, length) == -1 &&
	    errno != EINPROGRESS)
		dial_unreached(d, errno);
	if (wait_with(d, fd, until) == 0)
		return fd;
	const int error = errno;
	(void)real.close(fd);
	errno = error;
	return -1;
}

int
control_open(const struct client_request *request, int64_t until,
    struct dial *d, unsigned *gateway)
{
	const unsigned count = place_gateways();
	int fd = -1;

	*gateway = place_first_gateway();
	for (unsigned left = count; left > 0; left--) {
		const int64_t now = clock_now();
		const struct patience patience = {
			.method = now + (until - now) / left,
			.all = until,
		};

		fd = open_by(*gateway, request, &patience, d);
		if (fd != -1)
			break;
		say_fault(*gateway, d);
		if (d->fault != FAULT_UNREACHED)
			break;
		place_gateway_failed(*gateway);
		*gateway = (*gateway + 1) % count;
	}
	return fd;
}

struct address
control_peer(int fd)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	struct address a = { .family = FAMILY_NONE };

	if (real.getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
		(void)endpoint_read((struct sockaddr *)&peer, length, &a);
	a.port = 0;
	return a;
}
