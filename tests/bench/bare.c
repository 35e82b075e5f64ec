/* SPDX-License-Identifier: ISC */
/*
 * The yardstick of `make bench`: the least that a SOCKS5 handler under inetd
 * can be.  It believes whatever it is told, checks nothing, knows IPv4
 * literals only, and splices.  Never serve anybody with it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20 };

static int
exact(int fd, unsigned char *octets, size_t n)
{
	return recv(fd, octets, n, MSG_WAITALL) == (ssize_t)n;
}

static int
handshake(void)
{
	unsigned char request[10];
	unsigned char reply[10] = { 5, 0, 0, 1 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	const int one = 1;
	int server;

	if (!exact(0, request, 3) || send(0, "\5\0", 2, 0) != 2 ||
	    !exact(0, request, 10))
		return -1;
	memcpy(&to.sin_addr, request + 4, 4);
	memcpy(&to.sin_port, request + 8, 2);
	server = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(server, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    send(0, reply, 10, 0) != 10)
		return -1;
	setsockopt(0, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return server;
}

static ssize_t
move(int from, int to, const int *way)
{
	ssize_t n = splice(from, NULL, way[1], NULL, PIPE_SIZE,
	    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	for (ssize_t left = n; left > 0;) {
		const ssize_t written = splice(way[0], NULL, to, NULL,
		    (size_t)left, SPLICE_F_MOVE);

		if (written <= 0)
			return -1;
		left -= written;
	}
	return n;
}

int
main(void)
{
	const int server = handshake();
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN },
		{ .fd = server, .events = POLLIN } };
	int ways[2][2];

	if (server < 0 || pipe(ways[0]) != 0 || pipe(ways[1]) != 0)
		return 1;
	fcntl(ways[0][0], F_SETPIPE_SZ, PIPE_SIZE);
	fcntl(ways[1][0], F_SETPIPE_SZ, PIPE_SIZE);
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		poll(fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || fds[i].revents == 0)
				continue;
			if (move(fds[i].fd, i == 0 ? server : 0, ways[i]) > 0)
				continue;
			shutdown(i == 0 ? server : 0, SHUT_WR);
			fds[i].fd = -1;
		}
	}
	return 0;
}
