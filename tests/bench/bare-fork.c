/* SPDX-License-Identifier: ISC */
/*
 * The yardstick of the listening mode: bare.c as a daemon that forks a process
 * for each connection.  No sandbox, no rules, no log.
 *
 *	bare-fork PORT
 */
#define main serve
#include "bare.c"
#undef main

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static void
reap(int number)
{
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

int
main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = reap,
		.sa_flags = SA_RESTART };
	struct sockaddr_in here = { .sin_family = AF_INET };
	const int one = 1;
	const int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 2)
		return 64;
	here.sin_port = htons((unsigned short)atoi(argv[1]));
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sigaction(SIGCHLD, &act, NULL);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    listen(listener, 4096) != 0)
		return 71;
	for (;;) {
		const int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			dup2(client, 0);
			close(client);
			return serve();
		}
		close(client);
	}
}
