/* SPDX-License-Identifier: ISC */
/*
 * Threads under socks64:
 *
 *   threads crowd ADDRESS PORT   16 threads, 10 connections each, to a server
 *                                that sends back what it gets
 *   threads cancel ADDRESS PORT  threads that are cancelled while they connect
 *   threads idle ADDRESS PORT    one that waits for ever beside one that has
 *                                connected; sleeps until it is killed
 *   threads high ADDRESS PORT    a connection by a descriptor of five digits
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 16, TURNS = 10, CANCELLED = 60, PATIENCE = 60, HIGH = 70000 };

static struct sockaddr_storage target;
static socklen_t length;

/* Connects, and says one word that comes back; 0 where all of it is well. */
static int
talk(int fd, const char *word)
{
	char got[16] = "";
	size_t used = 0;
	const size_t size = strlen(word);

	if (connect(fd, (struct sockaddr *)&target, length) == -1 ||
	    send(fd, word, size, MSG_NOSIGNAL) != (ssize_t)size)
		return -1;
	while (used < size) {
		const ssize_t n = recv(fd, got + used, size - used, 0);

		if (n <= 0)
			return -1;
		used += (size_t)n;
	}
	return strcmp(got, word) == 0 ? 0 : -1;
}

static void *
turns(void *argument)
{
	const int own = *(int *)argument;
	intptr_t good = 0;

	for (int i = 0; i < TURNS; i++) {
		const int fd = socket(target.ss_family, SOCK_STREAM, 0);
		char word[16];

		snprintf(word, sizeof(word), "%d of %d", i, own);
		good += talk(fd, word) == 0;
		close(fd);
	}
	return (void *)good;
}

static int
crowd(void)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	intptr_t good = 0;

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, turns, &numbers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		void *count;

		pthread_join(threads[i], &count);
		good += (intptr_t)count;
	}
	printf("%d\n", (int)good);
	return good == THREADS * TURNS ? 0 : 1;
}

static void
close_it(void *fd)
{
	close(*(int *)fd);
}

static void *
connect_for_ever(void *nothing)
{
	(void)nothing;
	for (;;) {
		int fd = socket(target.ss_family, SOCK_STREAM, 0);

		pthread_cleanup_push(close_it, &fd);
		(void)talk(fd, "x");
		pthread_cleanup_pop(1);
	}
	return NULL;
}

/* Wherever in connect(2) it was: the others go on. */
static int
cancel(void)
{
	for (int i = 0; i < CANCELLED; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, connect_for_ever, NULL);
		usleep((useconds_t)(1000 + 100 * i));
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	const int fd = socket(target.ss_family, SOCK_STREAM, 0);
	printf("%s\n", talk(fd, "alive") == 0 ? "alive" : "dead");
	return 0;
}

static void *
wait_for_ever(void *nothing)
{
	struct epoll_event event;

	(void)nothing;
	(void)epoll_wait(epoll_create1(0), &event, 1, -1);
	return NULL;
}

static void *
wait_again(void *nothing)
{
	struct epoll_event event;
	const int set = epoll_create1(0);

	(void)nothing;
	for (;;)
		(void)epoll_wait(set, &event, 1, 60000);
	return NULL;
}

/* The one that waits began while a handshake was unfinished, whose deadline
 * is in the past when the program is looked at. */
static int
idle(void)
{
	const int fd = socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK,
	    0);
	const int set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLOUT };
	pthread_t threads[2];

	(void)connect(fd, (struct sockaddr *)&target, length);
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	pthread_create(&threads[0], NULL, wait_for_ever, NULL);
	pthread_create(&threads[1], NULL, wait_again, NULL);
	usleep(20000); /* not for order: they wait, or begin to */
	if (epoll_wait(set, &event, 1, 30000) == 1)
		printf("connected\n");
	fflush(stdout);
	pause();
	return 0;
}

static int
high(void)
{
	const struct rlimit most = { HIGH + 10, HIGH + 10 };
	const int low = socket(target.ss_family, SOCK_STREAM, 0);

	if (setrlimit(RLIMIT_NOFILE, &most) == -1)
		return 77;
	const int fd = fcntl(low, F_DUPFD, HIGH);
	close(low);
	printf("%d %s\n", fd,
	    talk(fd, "high") == 0 ? "ok" : strerrorname_np(errno));
	return 0;
}

static const struct {
	const char *word;
	int (*run)(void);
} programs[] = {
	{ "crowd", crowd },
	{ "cancel", cancel },
	{ "idle", idle },
	{ "high", high },
};

int
main(int argc, char **argv)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&target;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&target;

	if (argc != 4)
		return 64;
	const in_port_t port = htons((uint16_t)atoi(argv[3]));
	length = sizeof(*ipv6);
	if (inet_pton(AF_INET6, argv[2], &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = port;
	} else if (inet_pton(AF_INET, argv[2], &ipv4->sin_addr) == 1) {
		length = sizeof(*ipv4);
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = port;
	}
	if (strcmp(argv[1], "idle") != 0)
		alarm(PATIENCE);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].word) == 0)
			return programs[i].run();
	return 64;
}
