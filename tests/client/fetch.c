/* SPDX-License-Identifier: ISC */
/*
 * fetch HOST PORT: fetches / by HTTP, with what POSIX has alone, so that any
 * libc has it.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char page[4096];
	int fd = -1;

	if (argc != 3 || getaddrinfo(argv[1], argv[2], &hints, &list) != 0)
		return 1;
	for (struct addrinfo *at = list; at != NULL && fd == -1;
	     at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM, 0);
		if (fd == -1 || connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			continue;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	if (fd == -1 || write(fd, request, strlen(request)) == -1)
		return 1;
	for (ssize_t n = read(fd, page, sizeof(page)); n > 0;
	     n = read(fd, page, sizeof(page)))
		fwrite(page, 1, (size_t)n, stdout);
	return 0;
}
