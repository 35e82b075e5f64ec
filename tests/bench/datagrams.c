/* SPDX-License-Identifier: ISC */
/*
 * Datagrams through a SOCKS5 server and back, for tests/bench/bench.py.
 *
 *   datagrams PORT COUNT WINDOW SIZE
 *
 * Asks the server at 127.0.0.1:PORT for an association, and sends COUNT
 * datagrams of SIZE octets to an echo server of its own, at most WINDOW of
 * them on their way at a time.  Prints how many microseconds that took, and
 * how many were lost.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 10, LARGEST = 2048, PATIENCE = 200 };

static void
check(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A child of ours; *port is where it is. */
static pid_t
echo_start(uint16_t *port)
{
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in at = loopback(0);
	socklen_t length = sizeof(at);

	check(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0, "bind");
	check(getsockname(fd, (struct sockaddr *)&at, &length) == 0, "name");
	*port = ntohs(at.sin_port);
	const pid_t child = fork();
	if (child != 0) {
		close(fd);
		return child;
	}
	for (;;) {
		char octets[LARGEST];
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		const ssize_t n = recvfrom(fd, octets, sizeof(octets), 0,
		    (struct sockaddr *)&from, &size);

		if (n >= 0)
			sendto(fd, octets, (size_t)n, 0,
			    (struct sockaddr *)&from, size);
	}
}

/* A datagram socket that is connected to the server's relay. */
static int
associate(uint16_t port)
{
	static const uint8_t ask[] = { 5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0 };
	const struct sockaddr_in server = loopback(port);
	const int tcp = socket(AF_INET, SOCK_STREAM, 0);
	const int udp = socket(AF_INET, SOCK_DGRAM, 0);
	uint8_t answer[12];

	check(connect(tcp, (const struct sockaddr *)&server, sizeof(server)) ==
		0,
	    "connect");
	check(send(tcp, ask, 3, 0) == 3, "send");
	check(recv(tcp, answer, 2, MSG_WAITALL) == 2, "method");
	check(send(tcp, ask + 3, 10, 0) == 10, "send");
	check(recv(tcp, answer + 2, 10, MSG_WAITALL) == 10 && answer[3] == 0,
	    "reply");
	const struct sockaddr_in relay = loopback((uint16_t)(answer[10] << 8 |
	    answer[11]));
	check(connect(udp, (const struct sockaddr *)&relay, sizeof(relay)) ==
		0,
	    "connect");
	return udp;
}

static int64_t
microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct load {
	long count;
	long window;
	size_t size;
};

static long
number(const char *text)
{
	char *end;
	const long value = strtol(text, &end, 10);

	check(*end == '\0' && value > 0, text);
	return value;
}

/* Returns how many did not come back. */
static long
run(int udp, uint16_t port, const struct load *load)
{
	uint8_t octets[LARGEST] = { [3] = 1,
		[4] = 127,
		[7] = 1,
		[8] = (uint8_t)(port >> 8),
		[9] = (uint8_t)port };
	struct pollfd ready = { .fd = udp, .events = POLLIN };
	long sent = 0;
	long settled = 0;
	long lost = 0;

	while (settled < load->count) {
		char answer[LARGEST];

		while (sent < load->count && sent - settled < load->window) {
			send(udp, octets, HEADER + load->size, 0);
			sent++;
		}
		if (recv(udp, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
			settled++;
		} else if (poll(&ready, 1, PATIENCE) == 0) {
			lost += sent - settled;
			settled = sent;
		}
	}
	return lost;
}

int
main(int argc, char **argv)
{
	uint16_t port;

	if (argc != 5)
		return 64;
	const struct load load = { number(argv[2]), number(argv[3]),
		(size_t)number(argv[4]) };
	check(load.size <= LARGEST - HEADER, "size");
	const pid_t echo = echo_start(&port);
	const int udp = associate((uint16_t)number(argv[1]));
	const int64_t start = microseconds();
	const long lost = run(udp, port, &load);
	printf("%lld %ld\n", (long long)(microseconds() - start), lost);
	kill(echo, SIGKILL);
	return 0;
}
