/* SPDX-License-Identifier: ISC */
/*
 * The protocol of sd_notify(3): a datagram to a unix-domain socket, whose
 * receiver learns from the kernel who sends.
 */
#include "log/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un manager;
static socklen_t manager_length; /* 0: there is none */

void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const size_t length = path == NULL ? 0 : strlen(path);

	manager_length = 0;
	if (length < 2 || length >= sizeof(manager.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, path, length);
	/* An abstract name begins with a NUL, which is written as @. */
	if (path[0] == '@')
		manager.sun_path[0] = '\0';
	manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    length);
}

void
notify_close(void)
{
	manager_length = 0;
}

void
notify_send(const char *state)
{
	int fd;

	if (manager_length == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* What it says is not worth a wait. */
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&manager, manager_length) < 0 &&
	    errno != EAGAIN)
		manager_length = 0; /* nobody listens there */
	close(fd);
}
