/* SPDX-License-Identifier: ISC */
/*
 * relay_run() between two sockets that this program accepts, for
 * tests/relay.bats:
 *
 *	relay [-u PATH] [-e EARLY] [-i IDLE_MS] [-h HALF_CLOSED_MS]
 *
 * It prints "CLIENT_PORT SERVER_PORT" (the client comes to PATH where it is
 * given), accepts one connection on each, relays, and prints
 * "RESULT up=N down=N cpu=USEC reason=...".
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "net/relay.h"

static void
require(bool success)
{
	if (!success)
		exit(70);
}

static void
say(const struct text *t)
{
	require(write(1, t->start, t->length) == (ssize_t)t->length);
}

static int
listen_tcp(uint16_t *port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(a);

	require(bind(fd, (struct sockaddr *)&a, length) == 0 &&
	    listen(fd, 1) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &length) == 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static int
listen_unix(const char *path)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	require(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path));
	require(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(fd, 1) == 0);
	return fd;
}

static int
accept_one(int listener)
{
	const int on = 1;
	const int fd = accept4(listener, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	require(fd >= 0);
	close(listener);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static uint64_t
cpu_usec(void)
{
	struct rusage used;

	require(getrusage(RUSAGE_SELF, &used) == 0);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) *
	    1000000 +
	    (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void
say_end(const struct relay *r)
{
	static const char *const names[] = {
		[RESULT_ERROR] = "error",
		[RESULT_OK] = "ok",
		[RESULT_RESET] = "reset",
		[RESULT_TIMEOUT] = "timeout",
		[RESULT_STOPPED] = "stopped",
	};
	char line[200];
	struct text t = text_in(line, sizeof(line));

	text_add(&t, names[r->outcome.result]);
	text_add(&t, " up=");
	text_add_number(&t, r->up);
	text_add(&t, " down=");
	text_add_number(&t, r->down);
	text_add(&t, " cpu=");
	text_add_number(&t, cpu_usec());
	text_add(&t, " reason=");
	text_add(&t, r->outcome.reason[0] != '\0' ? r->outcome.reason : "-");
	text_add(&t, "\n");
	say(&t);
}

int
main(int argc, char **argv)
{
	struct relay r = { 0 };
	const char *path = NULL;
	uint16_t ports[2] = { 0, 0 };
	char line[32];
	struct text t = text_in(line, sizeof(line));
	int option;

	/* What a test runner leaves open is not to be counted. */
	require(close_range(3, ~0U, 0) == 0);
	while ((option = getopt(argc, argv, "u:e:i:h:")) != -1) {
		switch (option) {
		case 'u': path = optarg; break;
		case 'e':
			r.early = (const uint8_t *)optarg;
			r.early_length = strlen(optarg);
			break;
		case 'i': r.idle_timeout = strtol(optarg, NULL, 10); break;
		case 'h':
			r.half_closed_timeout = strtol(optarg, NULL, 10);
			break;
		default: return 64;
		}
	}
	const int client = path != NULL ? listen_unix(path) :
					  listen_tcp(&ports[0]);
	const int server = listen_tcp(&ports[1]);
	text_add_number(&t, ports[0]);
	text_add(&t, " ");
	text_add_number(&t, ports[1]);
	text_add(&t, "\n");
	say(&t);
	r.client = accept_one(client);
	r.server = accept_one(server);
	wait_prepare();
	relay_run(&r);
	say_end(&r);
	return 0;
}
