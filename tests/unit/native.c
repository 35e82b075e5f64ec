/* SPDX-License-Identifier: ISC */
/*
 * The journal's native protocol, by what would be sent.
 *
 *	native LIMIT FIELD...
 *
 * Sends a record of the fields (KEY=VALUE) through log/native.c to a kernel
 * that takes no datagram longer than LIMIT, and writes what that took to
 * standard output.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log/journal.h"

enum { DESCRIPTOR = 99 };

static size_t limit;

int __wrap_socket(int, int, int);
ssize_t __wrap_sendmsg(int, const struct msghdr *, int);

int
__wrap_socket(int family, int type, int protocol)
{
	return family == AF_UNIX && (type & SOCK_DGRAM) != 0 && protocol == 0 ?
	    DESCRIPTOR :
	    -1;
}

ssize_t
__wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t length = 0;

	if (fd != DESCRIPTOR || (flags & MSG_NOSIGNAL) == 0)
		abort();
	for (size_t i = 0; i < message->msg_iovlen; i++)
		length += message->msg_iov[i].iov_len;
	if (length > limit) {
		errno = EMSGSIZE;
		return -1;
	}
	return writev(STDOUT_FILENO, message->msg_iov,
	    (int)message->msg_iovlen);
}

int
main(int argc, char **argv)
{
	struct iovec fields[FIELDS_MAX];
	size_t n = 0;

	if (argc < 2)
		return 2;
	limit = strtoul(argv[1], NULL, 10);
	for (char **a = argv + 2; *a != NULL && n < FIELDS_MAX; a++)
		fields[n++] = (struct iovec){ *a, strlen(*a) };
	journal_backend_open();
	(void)journal_backend_send(fields, n, true);
	return 0;
}
