/* SPDX-License-Identifier: ISC */
/*
 * A tiny inetd for `make bench`: accepts on 127.0.0.1, gives each connection
 * to a program as descriptors 0, 1 and 2, and tells at the end (EOF on its
 * own standard input) what the children cost.
 *
 *	inetd PROGRAM [ARGUMENT...]
 *
 * Prints the port first; at the end SESSIONS USER_MICROSECONDS
 * SYSTEM_MICROSECONDS, its own share included.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG = 4096, NOBODY = 65534 };

static long
microseconds(struct timeval t)
{
	return t.tv_sec * 1000000L + t.tv_usec;
}

static void
serve(int listener, char **argv)
{
	const int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return;
	if (vfork() == 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
		close(listener);
		/* As an inetd line does; root would be dropped anyway. */
		if (getuid() == 0 &&
		    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
			setuid(NOBODY) != 0))
			_exit(127);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	const int control = dup(0);
	struct pollfd fds[2] = { { .events = POLLIN },
		{ .fd = control, .events = POLLIN } };
	struct rusage mine;
	struct rusage theirs;
	long sessions = 0;

	if (argc < 2)
		return 64;
	fds[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fds[0].fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fds[0].fd, BACKLOG) != 0)
		return 71;
	getsockname(fds[0].fd, (struct sockaddr *)&at, &length);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	while (poll(fds, 2, 1000) >= 0 &&
	    (fds[1].revents == 0 || fds[0].revents != 0)) {
		if (fds[0].revents != 0) {
			serve(fds[0].fd, argv);
			sessions++;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
	close(fds[0].fd);
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	getrusage(RUSAGE_SELF, &mine);
	getrusage(RUSAGE_CHILDREN, &theirs);
	printf("%ld %ld %ld\n", sessions,
	    microseconds(mine.ru_utime) + microseconds(theirs.ru_utime),
	    microseconds(mine.ru_stime) + microseconds(theirs.ru_stime));
	return 0;
}
