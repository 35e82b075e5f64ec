/* SPDX-License-Identifier: ISC */
/*
 * Datagrams for tests of socks64:
 *
 *   datagrams ask HOST PORT     to each address, unconnected and connected
 *   datagrams calls HOST PORT   one line for each way to send or receive
 *   datagrams again HOST PORT   closes the library's descriptors between two,
 *                               and between two on a connected socket
 *   datagrams two HOST PORT     to HOST and the one that is v4 for its v6, at
 *                               once: who answers what
 *   datagrams steps HOST PORT   says `resolved', then asks HOST once for each
 *                               line of its standard input
 *   datagrams self              over loopback
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LARGE = 65000 };

static struct addrinfo *
look_up(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		exit(1);
	return list;
}

static int
open_socket(int family)
{
	const struct timeval patience = { 20, 0 };
	const int fd = socket(family, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static const char *
receive(int fd, const struct sockaddr *to, socklen_t length)
{
	static char text[64];
	struct sockaddr_storage from;
	socklen_t size = sizeof(from);
	char data[32] = "";

	memset(&from, 0, sizeof(from));
	if (recvfrom(fd, data, sizeof(data) - 1, 0, (struct sockaddr *)&from,
		&size) == -1)
		return strerrorname_np(errno);
	snprintf(text, sizeof(text), "%s %s", data,
	    size == length && memcmp(&from, to, length) == 0 ? "same" :
							       "other");
	return text;
}

static int
ask(const char *host, const char *port)
{
	for (struct addrinfo *at = look_up(host, port); at != NULL;
	     at = at->ai_next) {
		int fd = open_socket(at->ai_family);

		printf("sendto %s, ",
		    sendto(fd, "ping", 4, 0, at->ai_addr, at->ai_addrlen) !=
			    4 ?
			strerrorname_np(errno) :
			receive(fd, at->ai_addr, at->ai_addrlen));
		close(fd);
		fd = open_socket(at->ai_family);
		if (connect(fd, at->ai_addr, at->ai_addrlen) == -1 ||
		    send(fd, "ping", 4, 0) != 4)
			printf("connect %s\n", strerrorname_np(errno));
		else
			printf("connect %s\n",
			    receive(fd, at->ai_addr, at->ai_addrlen));
		close(fd);
	}
	return 0;
}

static void
many(int fd)
{
	char one[8] = "";
	char two[8] = "";
	struct iovec out[2] = { { "one", 3 }, { "two", 3 } };
	struct iovec in[2] = { { one, 7 }, { two, 7 } };
	struct mmsghdr messages[2];

	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < 2; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &out[i],
			.msg_iovlen = 1 };
	printf("sendmmsg %d\n", sendmmsg(fd, messages, 2, 0));
	for (int i = 0; i < 2; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &in[i],
			.msg_iovlen = 1 };
	printf("recvmmsg %d", recvmmsg(fd, messages, 2, 0, NULL));
	printf(" %s %s\n", one, two);
}

static void
vectors(int fd)
{
	struct iovec out[2] = { { "abc", 3 }, { "def", 3 } };
	char data[8] = "";
	struct iovec in[2] = { { data, 2 }, { data + 2, 5 } };

	printf("writev %d\n", (int)writev(fd, out, 2));
	printf("readv %d", (int)readv(fd, in, 2));
	printf(" %s\n", data);
}

static void
tell_option(int fd, const char *name, int option)
{
	const int value = 1;

	printf("%s: %s\n", name,
	    setsockopt(fd, IPPROTO_UDP, option, &value, sizeof(value)) == -1 ?
		strerrorname_np(errno) :
		"ok");
}

static int
calls(const char *host, const char *port)
{
	static char large[LARGE];
	const struct addrinfo *at = look_up(host, port);
	const int fd = open_socket(at->ai_family);
	char data[8] = "";
	struct iovec part = { data, 2 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (connect(fd, at->ai_addr, at->ai_addrlen) == -1)
		return 1;
	(void)!write(fd, "ping", 4);
	printf("peek %d", (int)recv(fd, data, 7, MSG_PEEK));
	printf(" %s\n", data);
	memset(data, 0, sizeof(data));
	printf("read %d", (int)read(fd, data, 7));
	printf(" %s\n", data);
	(void)!write(fd, "ping", 4);
	printf("short %d of 4\n", (int)recv(fd, data, 2, 0));
	(void)!write(fd, "ping", 4);
	printf("truncated %d,", (int)recvmsg(fd, &message, MSG_TRUNC));
	printf(" MSG_TRUNC %d\n", (message.msg_flags & MSG_TRUNC) != 0);
	many(fd);
	vectors(fd);
	(void)!write(fd, large, sizeof(large));
	printf("large %d\n", (int)recv(fd, large, sizeof(large), 0));
	(void)!send(fd, "", 0, 0);
	printf("empty %d\n", (int)recv(fd, data, 7, 0));
	printf("would block: %s\n",
	    recv(fd, data, 7, MSG_DONTWAIT) == -1 ? strerrorname_np(errno) :
						    "no");
	tell_option(fd, "UDP_SEGMENT", UDP_SEGMENT);
	tell_option(fd, "UDP_GRO", UDP_GRO);
	return 0;
}

/* at: NULL where the socket is connected. */
static const char *
ping(int fd, const struct addrinfo *at)
{
	static char data[8];

	memset(data, 0, sizeof(data));
	if (sendto(fd, "ping", 4, 0, at == NULL ? NULL : at->ai_addr,
		at == NULL ? 0 : at->ai_addrlen) != 4 ||
	    recv(fd, data, 7, 0) == -1)
		return strerrorname_np(errno);
	return data;
}

/* The library's descriptors are numbered high. */
static int
again(const char *host, const char *port)
{
	const struct addrinfo *at = look_up(host, port);
	const int fd = open_socket(at->ai_family);

	printf("first %s", ping(fd, at));
	closefrom(fd + 1);
	printf(", again %s", ping(fd, at));
	if (connect(fd, at->ai_addr, at->ai_addrlen) == -1)
		return 1;
	printf(", connected %s", ping(fd, NULL));
	closefrom(fd + 1);
	printf(", again %s\n", ping(fd, NULL));
	return 0;
}

/* Both are asked before the first answer is looked at. */
static int
two(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_DGRAM };
	const int fd = open_socket(AF_INET);
	struct addrinfo *to[2] = { NULL, NULL };
	char other[64];
	char data[8];

	snprintf(other, sizeof(other), "%s", host);
	other[1] = '4';
	if (getaddrinfo(host, port, &hints, &to[0]) != 0 ||
	    getaddrinfo(other, port, &hints, &to[1]) != 0)
		return 1;
	for (int i = 0; i < 2; i++)
		(void)sendto(fd, i == 0 ? "0" : "1", 1, 0, to[i]->ai_addr,
		    to[i]->ai_addrlen);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t length = sizeof(from);

		if (recvfrom(fd, data, 1, 0, (struct sockaddr *)&from,
			&length) != 1)
			return 1;
		printf("%s ",
		    memcmp(&from, to[data[0] - '0']->ai_addr, 8) == 0 ?
			"same" :
			"other");
	}
	printf("\n");
	return 0;
}

/* One socket for all of them. */
static int
steps(const char *host, const char *port)
{
	const struct addrinfo *at = look_up(host, port);
	const int fd = open_socket(at->ai_family);
	char line[8];

	printf("resolved\n");
	fflush(stdout);
	for (int i = 1; fgets(line, sizeof(line), stdin) != NULL; i++) {
		if (sendto(fd, "ping", 4, 0, at->ai_addr, at->ai_addrlen) != 4)
			printf("%d %s\n", i, strerrorname_np(errno));
		else
			printf("%d %s\n", i,
			    receive(fd, at->ai_addr, at->ai_addrlen));
		fflush(stdout);
	}
	return 0;
}

static int
self(void)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(own);
	const int server = open_socket(AF_INET);
	const int client = open_socket(AF_INET);
	char data[8] = "";

	if (bind(server, (struct sockaddr *)&own, length) == -1 ||
	    getsockname(server, (struct sockaddr *)&own, &length) == -1 ||
	    sendto(client, "ping", 4, 0, (struct sockaddr *)&own, length) !=
		4 ||
	    recvfrom(server, data, 7, 0, (struct sockaddr *)&own, &length) ==
		-1)
		return 1;
	printf("%s from %s\n", data, inet_ntoa(own.sin_addr));
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2)
		return self();
	if (argc != 4)
		return 64;
	if (strcmp(argv[1], "ask") == 0)
		return ask(argv[2], argv[3]);
	if (strcmp(argv[1], "two") == 0)
		return two(argv[2], argv[3]);
	if (strcmp(argv[1], "steps") == 0)
		return steps(argv[2], argv[3]);
	return strcmp(argv[1], "calls") == 0 ? calls(argv[2], argv[3]) :
					       again(argv[2], argv[3]);
}
