/* SPDX-License-Identifier: ISC */
/*
 * The kernel as the oracle: a line for each rule of connect(2), poll(2),
 * select(2) and epoll(7) on a TCP socket.  It runs plainly, against a slow
 * server of its own family, and under socks64; the lines are the same.
 *
 *   oracle ADDRESS ECHO REFUSED [RULE]
 *   oracle rules        what RULE can be
 *
 * ECHO is the port of a server that sends back what it gets, and that is slow
 * to connect to; at REFUSED nobody listens, which is as slow to be known.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 30000 /* ms */, GOOD, BAD };

static int family;
static struct sockaddr_storage targets[3];
static socklen_t length;

/* -------------------------------------------------------------- helpers */

static const char *
name_of(int result)
{
	return result == -1 ? strerrorname_np(errno) : "ok";
}

static void
line(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

static int
open_socket(bool blocking)
{
	const int fd = socket(family,
	    SOCK_STREAM | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);

	if (fd == -1) {
		perror("socket");
		exit(2);
	}
	return fd;
}

static int
dial(int fd, int which)
{
	return connect(fd, (struct sockaddr *)&targets[which - GOOD], length);
}

static const char *
pending(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		return "none";
	return error == 0 ? "0" : strerrorname_np(error);
}

/* Of the events those that the failure of a connection must have. */
static const char *
events_of(unsigned events)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%s%s", events & POLLOUT ? "OUT " : "",
	    events & POLLIN && !(events & POLLHUP) ? "IN " : "",
	    events & POLLHUP ? "HUP" : "");
	return text;
}

static const char *
poll_for(int fd, short events, int timeout)
{
	struct pollfd one = { .fd = fd, .events = events };
	const int n = poll(&one, 1, timeout);

	return n == 0 ? "nothing" :
	    n == -1   ? name_of(n) :
			events_of((unsigned)one.revents);
}

static const char *
peer_of(int fd)
{
	static char text[80];
	struct sockaddr_storage peer = { 0 };
	socklen_t size = sizeof(peer);

	if (getpeername(fd, (struct sockaddr *)&peer, &size) == -1)
		return name_of(-1);
	snprintf(text, sizeof(text), "family %d, size %d, %s", peer.ss_family,
	    (int)size,
	    memcmp(&peer, &targets[0], 8) == 0 ? "that one" : "another");
	return text;
}

static const char *
echo(int fd)
{
	static char got[6];
	size_t used = 0;

	memset(got, 0, sizeof(got));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5)
		return name_of(-1);
	while (used < 5) {
		const ssize_t n = recv(fd, got + used, 5 - used, 0);

		if (n <= 0)
			return "no echo";
		used += (size_t)n;
	}
	return got;
}

/* ---------------------------------------------------------------- rules */

static void
blocking(void)
{
	const int fd = open_socket(true);
	const int result = dial(fd, GOOD);

	line("blocking: %s, %s, SO_ERROR %s", name_of(result), peer_of(fd),
	    pending(fd));
	line("blocking: again %s", name_of(dial(fd, GOOD)));
	line("blocking: %s", echo(fd));
	close(fd);
}

static void
blocking_refused(void)
{
	const int fd = open_socket(true);
	const int result = dial(fd, BAD);

	line("refused: %s, SO_ERROR %s", name_of(result), pending(fd));
	line("refused: %s", peer_of(fd));
	line("refused: anew %s", name_of(dial(fd, GOOD)));
	line("refused: %s", echo(fd));
	close(fd);
}

static void
unfinished(void)
{
	const int fd = open_socket(false);
	char octet;
	struct iovec one = { &octet, 1 };
	const int result = dial(fd, GOOD);

	line("unfinished: %s", name_of(result));
	line("unfinished: send %s",
	    name_of((int)send(fd, "x", 1, MSG_NOSIGNAL)));
	line("unfinished: recv %s", name_of((int)recv(fd, &octet, 1, 0)));
	line("unfinished: write %s", name_of((int)write(fd, "x", 1)));
	line("unfinished: read %s", name_of((int)read(fd, &octet, 1)));
	line("unfinished: writev %s", name_of((int)writev(fd, &one, 1)));
	line("unfinished: readv %s", name_of((int)readv(fd, &one, 1)));
	line("unfinished: connect %s", name_of(dial(fd, GOOD)));
	line("unfinished: %s, SO_ERROR %s", peer_of(fd), pending(fd));
	line("unfinished: poll %s", poll_for(fd, POLLIN | POLLOUT, 50));
	line("unfinished: in the end %s", poll_for(fd, POLLOUT, PATIENCE));
	line("unfinished: SO_ERROR %s, %s", pending(fd), peer_of(fd));
	line("unfinished: connect %s", name_of(dial(fd, GOOD)));
	line("unfinished: connect %s", name_of(dial(fd, GOOD)));
	line("unfinished: %s", echo(fd));
	close(fd);
}

/* The failure, seen by each call that tells it, once. */
static void
failure(void)
{
	char octet;

	for (int way = 0; way < 4; way++) {
		const int fd = open_socket(false);

		line("failure %d: %s", way, name_of(dial(fd, BAD)));
		line("failure %d: %s", way,
		    poll_for(fd, POLLIN | POLLOUT, PATIENCE));
		if (way == 0)
			line("failure: SO_ERROR %s", pending(fd));
		else if (way == 1)
			line("failure: connect %s", name_of(dial(fd, BAD)));
		else if (way == 2)
			line("failure: send %s",
			    name_of((int)send(fd, "x", 1, MSG_NOSIGNAL)));
		else
			line("failure: recv %s",
			    name_of((int)recv(fd, &octet, 1, 0)));
		line("failure %d: SO_ERROR %s", way, pending(fd));
		if (way == 0) {
			/* Linux wants to be asked twice. */
			int result = dial(fd, GOOD);

			if (result == -1 && errno == ECONNABORTED)
				result = dial(fd, GOOD);
			line("failure: anew %s", name_of(result));
			line("failure: %s", poll_for(fd, POLLOUT, PATIENCE));
			line("failure: %s", echo(fd));
		}
		close(fd);
	}
}

static void
selected(void)
{
	for (int which = GOOD; which <= BAD; which++) {
		const int fd = open_socket(false);
		struct timeval soon = { 0, 50000 };
		struct timeval late = { PATIENCE / 1000, 0 };
		fd_set in;
		fd_set out;

		(void)dial(fd, which);
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_SET(fd, &in);
		FD_SET(fd, &out);
		const int early = select(fd + 1, &in, &out, NULL, &soon);
		line("select: early %d, %d %d", early, FD_ISSET(fd, &in) != 0,
		    FD_ISSET(fd, &out) != 0);
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_SET(fd, &in);
		FD_SET(fd, &out);
		const int n = select(fd + 1, &in, &out, NULL, &late);
		line("select: %d, in %d, out %d, SO_ERROR %s", n,
		    FD_ISSET(fd, &in) != 0, FD_ISSET(fd, &out) != 0,
		    pending(fd));
		close(fd);
	}
}

static void
wait_line(const char *what, int set, int timeout)
{
	struct epoll_event events[4];
	const int n = epoll_wait(set, events, 4, timeout);

	if (n == 1)
		line("%s: %s, data %x", what, events_of(events[0].events),
		    (unsigned)events[0].data.u64);
	else
		line("%s: %d events", what, n);
}

static void
add(int set, int fd, unsigned events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == -1)
		line("epoll_ctl: %s", name_of(-1));
}

static void
modify(int set, int fd, unsigned events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	if (epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) == -1)
		line("epoll_ctl: %s", name_of(-1));
}

static void
epoll_kind(const char *what, unsigned kind)
{
	for (int which = GOOD; which <= BAD; which++) {
		const int set = epoll_create1(EPOLL_CLOEXEC);
		const int fd = open_socket(false);

		(void)dial(fd, which);
		add(set, fd, EPOLLOUT | kind, 0xfeed);
		wait_line(what, set, 50);
		wait_line(what, set, PATIENCE);
		wait_line(what, set, 50);
		line("%s: SO_ERROR %s", what, pending(fd));
		close(fd);
		close(set);
	}
}

static void
epoll_kinds(void)
{
	epoll_kind("level", 0);
	epoll_kind("edge", EPOLLET);
	epoll_kind("one-shot", EPOLLONESHOT);
}

static void
epoll_before(void)
{
	const int set = epoll_create1(EPOLL_CLOEXEC);
	const int fd = open_socket(false);

	add(set, fd, EPOLLOUT | EPOLLIN | (unsigned)EPOLLET, 1);
	wait_line("before: unconnected", set, 50);
	line("before: %s", name_of(dial(fd, GOOD)));
	wait_line("before: early", set, 50);
	wait_line("before: late", set, PATIENCE);
	line("before: %s", echo(fd));
	close(fd);
	close(set);
}

static void
epoll_two(void)
{
	const int one = epoll_create1(EPOLL_CLOEXEC);
	const int two = epoll_create1(EPOLL_CLOEXEC);
	const int fd = open_socket(false);
	struct epoll_event nothing = { .events = 0 };

	(void)dial(fd, GOOD);
	add(one, fd, EPOLLOUT, 1);
	add(two, fd, EPOLLIN, 2);
	add(one, fd, EPOLLOUT, 3);
	wait_line("two: first", one, 50);
	modify(one, fd, EPOLLOUT | EPOLLIN, 4);
	wait_line("two: first", one, PATIENCE);
	wait_line("two: second", two, 50);
	line("two: %s", echo(fd));
	(void)send(fd, "x", 1, 0);
	wait_line("two: second", two, PATIENCE);
	line("two: DEL %s",
	    name_of(epoll_ctl(two, EPOLL_CTL_DEL, fd, &nothing)));
	line("two: DEL %s",
	    name_of(epoll_ctl(two, EPOLL_CTL_DEL, fd, &nothing)));
	close(fd);
	close(one);
	close(two);
}

static void
epoll_removed(void)
{
	const int set = epoll_create1(EPOLL_CLOEXEC);
	const int fd = open_socket(false);
	struct epoll_event nothing = { .events = 0 };

	(void)dial(fd, GOOD);
	add(set, fd, EPOLLOUT, 1);
	line("removed: %s",
	    name_of(epoll_ctl(set, EPOLL_CTL_DEL, fd, &nothing)));
	line("removed: %s", poll_for(fd, POLLOUT, PATIENCE));
	wait_line("removed", set, 50);
	close(fd);
	close(set);
}

static void *
sleep_in_epoll(void *set)
{
	wait_line("thread", *(int *)set, PATIENCE);
	return NULL;
}

/* Somebody waits before there is anything to wait for. */
static void
other_thread(void)
{
	int set = epoll_create1(EPOLL_CLOEXEC);
	const int fd = open_socket(false);
	pthread_t thread;

	pthread_create(&thread, NULL, sleep_in_epoll, &set);
	usleep(100000); /* not for order: it sleeps or it does not */
	(void)dial(fd, GOOD);
	add(set, fd, EPOLLOUT, 0xabc);
	pthread_join(thread, NULL);
	line("thread: %s", echo(fd));
	close(fd);
	close(set);
}

/* ENOTCONN is said before connect(2) has begun. */
static void *
receive_early(void *argument)
{
	static char got[6];
	const int fd = *(int *)argument;
	ssize_t n = -1;

	while (n == -1) {
		n = recv(fd, got, 5, 0);
		if (n == -1 && errno != ENOTCONN) {
			line("reader: %s", name_of(-1));
			return NULL;
		}
	}
	line("reader: %d %s", (int)n, got);
	return NULL;
}

/* The socket of a connect(2) that blocks blocks for others, too. */
__attribute__((unused)) static void
reader(void)
{
	int fd = open_socket(true);
	pthread_t thread;

	pthread_create(&thread, NULL, receive_early, &fd);
	line("reader: %s", name_of(dial(fd, GOOD)));
	line("reader: %d", (int)send(fd, "hello", 5, MSG_NOSIGNAL));
	pthread_join(thread, NULL);
	close(fd);
}

static const char *
blocks(int fd)
{
	return (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 ? "blocks" :
							"does not block";
}

static void *
dial_alone(void *argument)
{
	(void)dial(*(int *)argument, GOOD);
	return NULL;
}

/* Until another thread's connect(2) has begun. */
static void
wait_begun(int fd)
{
	while (strstr(poll_for(fd, POLLOUT, 0), "HUP") != NULL)
		continue;
}

/* What others set meanwhile stays. */
static void
flagged(void)
{
	int fd = open_socket(true);
	pthread_t thread;

	pthread_create(&thread, NULL, dial_alone, &fd);
	wait_begun(fd);
	line("flags: %s", blocks(fd));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	line("flags: %s", blocks(fd));
	pthread_join(thread, NULL);
	line("flags: %s", blocks(fd));
	line("flags: %s", echo(fd));
	close(fd);
}

__attribute__((unused)) static void
cancelled(void)
{
	int fd = open_socket(true);
	pthread_t thread;

	pthread_create(&thread, NULL, dial_alone, &fd);
	wait_begun(fd);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	line("cancelled: %s", poll_for(fd, POLLOUT, PATIENCE));
	line("cancelled: %s", blocks(fd));
	line("cancelled: %s", echo(fd));
	close(fd);
}

static sigjmp_buf out;

static void
jump_out(int number)
{
	(void)number;
	siglongjmp(out, 1);
}

static void
jumped(void)
{
	const struct sigaction action = { .sa_handler = jump_out };
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	const struct itimerval soon = { .it_value = { 0, 100000 } };
	const int fd = open_socket(true);

	sigaction(SIGALRM, &action, NULL);
	if (sigsetjmp(out, 1) == 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		line("jump: %s", name_of(dial(fd, GOOD)));
	}
	line("jump: %s", poll_for(fd, POLLOUT, PATIENCE));
	line("jump: %s", blocks(fd));
	line("jump: %s", echo(fd));
	close(fd);
	sigaction(SIGALRM, &standard, NULL);
}

/* Where the socket has a connection, which is direct, it keeps that. */
static void
connected(void)
{
	struct sockaddr_storage own = { .ss_family = (sa_family_t)family };
	socklen_t size = sizeof(own);
	const int listener = open_socket(true);
	const int fd = open_socket(true);
	char got[6] = "";

	if (family == AF_INET)
		((struct sockaddr_in *)&own)->sin_addr.s_addr = htonl(
		    INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&own)->sin6_addr = in6addr_loopback;
	(void)bind(listener, (struct sockaddr *)&own, length);
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&own, &size);
	line("connected: %s",
	    name_of(connect(fd, (struct sockaddr *)&own, size)));
	line("connected: %s", name_of(dial(fd, GOOD)));
	const int other = accept(listener, NULL, NULL);
	line("connected: %d", (int)send(other, "hello", 5, MSG_NOSIGNAL));
	line("connected: %d %s", (int)recv(fd, got, 5, 0), got);
	close(other);
	close(fd);
	close(listener);
}

static void
nothing(int number)
{
	(void)number;
}

static void
interrupted(void)
{
	for (int restart = 0; restart < 2; restart++) {
		const struct sigaction action = { .sa_handler = nothing,
			.sa_flags = restart ? SA_RESTART : 0 };
		const struct itimerval soon = { { 0, 100000 }, { 0, 100000 } };
		const struct sigaction standard = { .sa_handler = SIG_DFL };
		const struct itimerval never = { .it_value = { 0, 0 } };
		const int fd = open_socket(true);

		sigaction(SIGALRM, &action, NULL);
		setitimer(ITIMER_REAL, &soon, NULL);
		const int result = dial(fd, GOOD);
		const int error = errno;
		setitimer(ITIMER_REAL, &never, NULL);
		errno = error;
		line("signal %d: %s", restart, name_of(result));
		line("signal %d: %s, SO_ERROR %s", restart,
		    poll_for(fd, POLLOUT, PATIENCE), pending(fd));
		line("signal %d: %s", restart, echo(fd));
		close(fd);
		sigaction(SIGALRM, &standard, NULL);
	}
}

static void
send_timeout(void)
{
	const int fd = open_socket(true);
	const struct timeval soon = { 0, 200000 };
	const struct timeval never = { 0, 0 };

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	line("SO_SNDTIMEO: %s", name_of(dial(fd, GOOD)));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &never, sizeof(never));
	line("SO_SNDTIMEO: %s", poll_for(fd, POLLOUT, PATIENCE));
	line("SO_SNDTIMEO: %s", echo(fd));
	close(fd);
}

static void
forked(void)
{
	const int fd = open_socket(false);
	int status = 0;

	(void)dial(fd, GOOD);
	fflush(stdout);
	const pid_t child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	line("fork: %s", poll_for(fd, POLLOUT, PATIENCE));
	line("fork: %s", echo(fd));
	close(fd);
}

static void
duplicated(void)
{
	const int fd = open_socket(false);

	(void)dial(fd, GOOD);
	const int other = dup(fd);
	close(fd);
	line("dup: %s", poll_for(other, POLLOUT, 50));
	line("dup: %s, SO_ERROR %s", poll_for(other, POLLOUT, PATIENCE),
	    pending(other));
	line("dup: %s, %s", peer_of(other), echo(other));
	close(other);
}

static void
ended(void)
{
	const int fd = open_socket(false);

	(void)dial(fd, GOOD);
	line("shutdown: %s", name_of(shutdown(fd, SHUT_RDWR)));
	line("shutdown: %s, SO_ERROR %s", poll_for(fd, POLLOUT, 0),
	    pending(fd));
	line("shutdown: again %s", name_of(shutdown(fd, SHUT_RDWR)));
	close(fd);
}

static void
options(void)
{
	const int fd = open_socket(true);
	const int yes = 1;
	int value = 0;
	int domain = 0;
	int tos = 0;
	socklen_t size = sizeof(value);
	/* Its port is where sockaddr_in has it. */
	struct sockaddr_in6 own = { 0 };
	socklen_t own_size = sizeof(own);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	(void)dial(fd, GOOD);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size);
	size = sizeof(domain);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	size = sizeof(tos);
	const int got = family == AF_INET ?
	    getsockopt(fd, IPPROTO_IP, IP_TOS, &tos, &size) :
	    getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, &size);
	getsockname(fd, (struct sockaddr *)&own, &own_size);
	line("options: TCP_NODELAY %d, domain %d, TOS %s %d", value != 0,
	    domain == family, name_of(got), tos);
	line("options: getsockname family %d, size %d, port %d",
	    own.sin6_family == family, (int)own_size, own.sin6_port != 0);
	line("options: blocking %d, close-on-exec %d",
	    (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0,
	    fcntl(fd, F_GETFD) == FD_CLOEXEC);
	close(fd);
}

static void
whole_file(void)
{
	const int fd = open_socket(false);
	const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)dial(fd, GOOD);
	line("sendfile: %s", name_of((int)sendfile(fd, file, NULL, 1000)));
	line("sendfile: %s", poll_for(fd, POLLOUT, PATIENCE));
	line("sendfile: %d", (int)sendfile(fd, file, NULL, 1000));
	close(fd);
	close(file);
}

static void
fast_open(void)
{
	const int fd = open_socket(true);
	const struct sockaddr *to = (struct sockaddr *)&targets[0];
	char got[8] = "";

	line("MSG_FASTOPEN: %d",
	    (int)sendto(fd, "quick", 5, MSG_FASTOPEN, to, length));
	line("MSG_FASTOPEN: %d %s", (int)recv(fd, got, 5, MSG_WAITALL), got);
	close(fd);
}

static void
disconnected(void)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	const int fd = open_socket(true);

	line("AF_UNSPEC: %s", name_of(dial(fd, GOOD)));
	line("AF_UNSPEC: %s", name_of(connect(fd, &nobody, sizeof(nobody))));
	line("AF_UNSPEC: %s", peer_of(fd));
	line("AF_UNSPEC: %s", name_of(dial(fd, GOOD)));
	line("AF_UNSPEC: %s", echo(fd));
	close(fd);
}

static void
wrong_family(void)
{
	const struct sockaddr_in other = { .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr = { htonl(0x01020304) } };
	const struct sockaddr_in6 other6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(9),
		.sin6_addr = { { { 0x20, 1 } } } };
	const int fd = open_socket(false);

	line("family: %s",
	    family == AF_INET6 ?
		name_of(connect(fd, (const struct sockaddr *)&other,
		    sizeof(other))) :
		name_of(connect(fd, (const struct sockaddr *)&other6,
		    sizeof(other6))));
	line("family: short %s",
	    name_of(connect(fd, (const struct sockaddr *)&targets[0], 4)));
	close(fd);
	line("family: closed %s", name_of(dial(fd, GOOD)));
}

static const struct {
	const char *name;
	void (*check)(void);
} rules[] = {
	{ "blocking", blocking },
	{ "blocking-refused", blocking_refused },
	{ "unfinished", unfinished },
	{ "failure", failure },
	{ "select", selected },
	{ "epoll-kinds", epoll_kinds },
	{ "epoll-before", epoll_before },
	{ "epoll-two", epoll_two },
	{ "epoll-removed", epoll_removed },
	{ "thread", other_thread },
#ifndef __SANITIZE_THREAD__
	/* To ThreadSanitizer connect(2) makes a descriptor, which no other
	 * thread may have used before. */
	{ "reader", reader },
#endif
	{ "flags", flagged },
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* The sanitizers' end of a thread reads the stack that cancelling it
	 * cut off. */
	{ "cancelled", cancelled },
#endif
	{ "jump", jumped },
	{ "connected", connected },
	{ "signals", interrupted },
	{ "send-timeout", send_timeout },
	{ "fork", forked },
	{ "dup", duplicated },
	{ "shutdown", ended },
	{ "options", options },
	{ "sendfile", whole_file },
	{ "fast-open", fast_open },
	{ "disconnect", disconnected },
	{ "family", wrong_family },
};

static void
fill(struct sockaddr_storage *to, const char *address, const char *port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)to;
	const uint16_t number = htons((uint16_t)atoi(port));

	if (inet_pton(AF_INET6, address, &ipv6->sin6_addr) == 1) {
		family = ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = number;
		length = sizeof(*ipv6);
	} else if (inet_pton(AF_INET, address, &ipv4->sin_addr) == 1) {
		family = ipv4->sin_family = AF_INET;
		ipv4->sin_port = number;
		length = sizeof(*ipv4);
	} else {
		exit(64);
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "rules") == 0) {
		for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
			line("%s", rules[i].name);
		return 0;
	}
	if (argc < 4)
		return 64;
	fill(&targets[0], argv[1], argv[2]);
	fill(&targets[1], argv[1], argv[3]);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (argc == 4 || strcmp(argv[4], rules[i].name) == 0)
			rules[i].check();
	return 0;
}
