/* SPDX-License-Identifier: ISC */
/*
 * Connections one after the other, by blocking calls:
 *
 *   connections plain N HOST PORT       connects to HOST itself; a client such
 *                                       as socks64 is to be in front of it
 *   connections socks N GATEWAY PORT    speaks SOCKS5 to the gateway itself,
 *                                       for the name `bench.example.com'
 *   connections hold N HOST PORT        as plain, then waits to be killed
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char request[] = "\5\1\0\3\21bench.example.com\0\120";

static int
speaks_socks(int fd)
{
	char answer[10];

	return send(fd, "\5\1\0", 3, MSG_NOSIGNAL) == 3 &&
	    recv(fd, answer, 2, MSG_WAITALL) == 2 &&
	    send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) ==
	    sizeof(request) - 1 &&
	    recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) &&
	    answer[1] == 0;
}

int
main(int argc, char **argv)
{
	const struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *to;

	if (argc != 5 || getaddrinfo(argv[3], argv[4], &hints, &to) != 0)
		return 64;
	const int socks = strcmp(argv[1], "socks") == 0;
	for (int n = atoi(argv[2]); n > 0; n--) {
		const int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, to->ai_addr, to->ai_addrlen) == -1 ||
		    (socks && !speaks_socks(fd)))
			return 1;
		close(fd);
	}
	if (strcmp(argv[1], "hold") == 0) {
		(void)!write(STDOUT_FILENO, "\n", 1);
		pause();
	}
	return 0;
}
