/* SPDX-License-Identifier: ISC */
/*
 * Small programs for tests of socks64, each of which is a few calls:
 *
 *   calls names                    how names are answered
 *   calls gethostbyname HOST PORT  connects and fetches /
 *   calls connect ADDRESS PORT     the errno of connect(2), or ok
 *   calls dial HOST PORT           the same for each address of the host
 *   calls connect-name HOST PORT   the same for its IPv4 address
 *   calls read HOST PORT           prints what the server sends
 *   calls wait HOST PORT           without blocking, by epoll: SO_ERROR
 *   calls twice HOST PORT          connects, and once more where it failed
 *   calls resolve HOST PORT        its addresses, with AI_ADDRCONFIG
 *   calls own HOST PORT            connects to its IPv6 address: its own
 *   calls flood HOST PORT         the same, of an address that HOST had before
 *                                  so many others were looked up
 *   calls leak HOST PORT           connects and closes: the errno, and how
 *                                  many descriptors are left of it
 *   calls behind HOST PORT         connects closed and other sockets by the
 *                                  number of one of TCP
 *   calls bind-other HOST PORT     binds another socket beside a connection
 *   calls raw HOST PORT            without blocking, by poll(2) that no
 *                                  library sees
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *
text_of(const struct sockaddr *address, socklen_t length)
{
	static char text[64];

	if (getnameinfo(address, length, text, sizeof(text), NULL, 0,
		NI_NUMERICHOST) != 0)
		return "?";
	return text;
}

static const char *
word_of(int status)
{
	return status == EAI_NONAME  ? "EAI_NONAME" :
	    status == EAI_ADDRFAMILY ? "EAI_ADDRFAMILY" :
	    status == EAI_SERVICE    ? "EAI_SERVICE" :
				       gai_strerror(status);
}

static void
list(const char *name, int family, int flags)
{
	const struct addrinfo hints = { .ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags };
	struct addrinfo *found;
	const int status = getaddrinfo(name, "80", &hints, &found);

	printf("%s %s%s:", name,
	    family == AF_INET      ? "AF_INET" :
		family == AF_INET6 ? "AF_INET6" :
				     "AF_UNSPEC",
	    (flags & AI_NUMERICHOST) != 0 ? " AI_NUMERICHOST" : "");
	if (status != 0) {
		printf(" %s\n", word_of(status));
		return;
	}
	for (struct addrinfo *at = found; at != NULL; at = at->ai_next)
		printf(" %s", text_of(at->ai_addr, at->ai_addrlen));
	printf("\n");
	freeaddrinfo(found);
}

static void
canonical(void)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo("a.example.com", "80", &hints, &found) == 0) {
		printf("canonical name: %s\n", found->ai_canonname);
		freeaddrinfo(found);
	}
}

static void
backwards(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(80) };
	const struct sockaddr *name = (struct sockaddr *)&to;
	char host[300];
	char service[32];
	int status;

	inet_pton(AF_INET, address, &to.sin_addr);
	status = getnameinfo(name, sizeof(to), host, sizeof(host), service,
	    sizeof(service), NI_NUMERICSERV);
	if (strncmp(address, "240.", 4) == 0) {
		printf("getnameinfo %s: %s %s\n", address, host, service);
		getnameinfo(name, sizeof(to), host, sizeof(host), NULL, 0,
		    NI_NUMERICHOST);
		printf("getnameinfo digits: %s\n", host);
		return;
	}
	printf("getnameinfo %s: %s\n", address,
	    status == 0 ? host : word_of(status));
	status = getnameinfo(name, sizeof(to), host, sizeof(host), NULL, 0,
	    NI_NAMEREQD);
	printf("getnameinfo %s NI_NAMEREQD: %s\n", address,
	    status == 0 ? host : word_of(status));
}

static void
by_address(const char *address)
{
	struct in_addr octets;

	inet_pton(AF_INET, address, &octets);
	const struct hostent *host = gethostbyaddr(&octets, sizeof(octets),
	    AF_INET);
	if (host != NULL)
		printf("gethostbyaddr %s: %s\n", address, host->h_name);
	else
		printf("gethostbyaddr %s: %d\n", address, h_errno);
}

static void
reentrant(void)
{
	struct hostent room;
	struct hostent *host = NULL;
	char buffer[512];
	char text[64];
	int error;

	if (gethostbyname_r("b.example.com", &room, buffer, sizeof(buffer),
		&host, &error) == 0 &&
	    host != NULL)
		printf("gethostbyname_r: %s %s\n", host->h_name,
		    inet_ntop(AF_INET, host->h_addr_list[0], text,
			sizeof(text)));
}

/* What libc has for any other name, too. */
static void
of_libc(void)
{
	struct addrinfo *found;
	struct hostent room;
	struct hostent *host = gethostbyname2("b.example.com", AF_INET6);
	char buffer[512];
	char text[64];
	int error = 0;
	int count = 0;

	if (host != NULL)
		printf("gethostbyname2: %s %s\n", host->h_name,
		    inet_ntop(AF_INET6, host->h_addr_list[0], text,
			sizeof(text)));
	if (gethostbyname2_r("a.example.com", AF_INET6, &room, buffer,
		sizeof(buffer), &host, &error) == 0 &&
	    host != NULL)
		printf("gethostbyname2_r: %s\n",
		    inet_ntop(AF_INET6, host->h_addr_list[0], text,
			sizeof(text)));
	printf("in 8 octets: %s\n",
	    gethostbyname_r("b.example.com", &room, buffer, 8, &host,
		&error) == ERANGE ?
		"ERANGE" :
		"no");
	host = gethostbyname("bad..name");
	printf("bad..name: %d\n", host == NULL ? h_errno : 0);
	printf("service: %s\n",
	    word_of(getaddrinfo("a.example.com", "no-such-service", NULL,
		&found)));
	if (getaddrinfo("a.example.com", "80", NULL, &found) == 0) {
		for (struct addrinfo *at = found; at != NULL; at = at->ai_next)
			count++;
		freeaddrinfo(found);
	}
	printf("of any type: %d\n", count);
}

static void
asynchronous(void)
{
#ifdef GAI_NOWAIT
	const struct addrinfo hints = { .ai_family = AF_INET };
	struct gaicb request = { .ar_name = "a.example.com",
		.ar_request = &hints };
	struct gaicb *requests[] = { &request };

	if (getaddrinfo_a(GAI_NOWAIT, requests, 1, NULL) == 0 &&
	    gai_error(&request) == 0)
		printf("getaddrinfo_a: %s\n",
		    text_of(request.ar_result->ai_addr,
			request.ar_result->ai_addrlen));
#endif
}

static int
names(void)
{
	list("a.example.com", AF_UNSPEC, 0);
	list("a.example.com", AF_INET, 0);
	list("a.example.com", AF_INET6, 0);
	list("A.EXAMPLE.com.", AF_UNSPEC, 0);
	list("b.example.com", AF_UNSPEC, 0);
	list("192.0.2.80", AF_UNSPEC, 0);
	list("2001:db8::80", AF_UNSPEC, 0);
	list("192.0.2.80", AF_INET6, 0);
	list("2001:db8::80", AF_INET, 0);
	list("2001:db8::80", AF_INET, AI_NUMERICHOST);
	list("2001:db8::80", AF_UNSPEC, AI_NUMERICHOST | AI_ADDRCONFIG);
	list("192.0.2.80", AF_UNSPEC, AI_NUMERICHOST | AI_ADDRCONFIG);
	list("localhost", AF_INET, 0);
	list("a_b.example.com", AF_INET, 0);
	list("bad..name", AF_UNSPEC, 0);
	canonical();
	backwards("240.0.0.2");
	backwards("192.0.2.7");
	by_address("240.0.0.2");
	by_address("192.0.2.7");
	reentrant();
	of_libc();
	asynchronous();
	return 0;
}

static int
fetch(int fd)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char buffer[4096];
	ssize_t n;

	if (write(fd, request, sizeof(request) - 1) == -1)
		return 1;
	for (n = read(fd, buffer, sizeof(buffer)); n > 0;
	     n = read(fd, buffer, sizeof(buffer)))
		fwrite(buffer, 1, (size_t)n, stdout);
	return 0;
}

static int
by_name(const char *name, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)) };
	const struct hostent *host = gethostbyname(name);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (host == NULL || fd == -1)
		return 1;
	memcpy(&to.sin_addr, host->h_addr_list[0], sizeof(to.sin_addr));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1) {
		perror("connect");
		return 1;
	}
	return fetch(fd);
}

static int
dial(const char *name, const char *port, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = flags };
	struct addrinfo *list = NULL;
	int status = 1;

	if (getaddrinfo(name, port, &hints, &list) != 0)
		return 1;
	for (struct addrinfo *at = list; at != NULL; at = at->ai_next) {
		const int fd = socket(at->ai_family, SOCK_STREAM, 0);

		status = connect(fd, at->ai_addr, at->ai_addrlen) == -1;
		printf("%s\n", status == 0 ? "ok" : strerrorname_np(errno));
		close(fd);
	}
	freeaddrinfo(list);
	return status;
}

/* The IPv4 address of a name. */
static struct sockaddr_in
address_of(const char *name, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_UNSPEC };
	struct addrinfo *list;

	if (getaddrinfo(name, port, &hints, &list) != 0)
		exit(1);
	memcpy(&to, list->ai_addr, sizeof(to));
	freeaddrinfo(list);
	return to;
}

static int
connect_name(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	printf("%s\n",
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ?
		"ok" :
		strerrorname_np(errno));
	close(fd);
	return 0;
}

static int
read_all(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	char octet;

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	while (read(fd, &octet, 1) == 1)
		putchar(octet);
	return 0;
}

static int
wait_for_it(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const int set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS) {
		printf("%s\n", strerrorname_np(errno));
		return 0;
	}
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	if (epoll_wait(set, &event, 1, 30000) != 1)
		printf("no event\n");
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	printf("%s\n", error == 0 ? "ok" : strerrorname_np(error));
	return 0;
}

static int
twice(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	for (int i = 0; i < 2; i++) {
		int delay = 0;
		int domain = 0;
		socklen_t size = sizeof(int);
		const int result = connect(fd, (const struct sockaddr *)&to,
		    sizeof(to));

		printf("%s", result == 0 ? "ok" : strerrorname_np(errno));
		getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &delay, &size);
		size = sizeof(int);
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
		printf(" TCP_NODELAY %d %s\n", delay != 0,
		    domain == AF_INET ? "AF_INET" : "another");
	}
	return 0;
}

static int
resolve(const char *name, const char *port)
{
	(void)port;
	list(name, AF_UNSPEC, AI_ADDRCONFIG);
	return 0;
}

static int
own(const char *name, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_INET6,
		.ai_socktype = SOCK_STREAM };
	const int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 local = { .sin6_family = AF_UNSPEC };
	socklen_t size = sizeof(local);
	struct addrinfo *list;

	if (getaddrinfo(name, port, &hints, &list) != 0 ||
	    connect(fd, list->ai_addr, list->ai_addrlen) == -1 ||
	    getsockname(fd, (struct sockaddr *)&local, &size) == -1)
		return 1;
	printf("%s ", text_of((struct sockaddr *)&local, size));
	printf("%d\n", ntohs(local.sin6_port));
	freeaddrinfo(list);
	return 0;
}

/* poll(2) past every library, where we know how. */
static int
poll_raw(struct pollfd *one, int timeout)
{
#ifdef __x86_64__
	long result = SYS_poll;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(one), "S"(1), "d"(timeout)
			 : "rcx", "r11", "memory");
	return (int)result;
#else
	return (int)syscall(SYS_ppoll, one, 1, NULL, NULL, 0L);
#endif
}

/* It is told too early, as often as it asks, and loses nothing. */
static int
raw(const char *name, const char *port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	const struct sockaddr_in to = address_of(name, port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char page[4096] = "";
	size_t used = 0;
	ssize_t n = -1;

	(void)connect(fd, (const struct sockaddr *)&to, sizeof(to));
	while (n == -1) {
		struct pollfd one = { .fd = fd, .events = POLLOUT };

		(void)poll_raw(&one, 1000);
		n = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN)
			return 1;
	}
	while (n != 0 && used < sizeof(page) - 1) {
		struct pollfd one = { .fd = fd, .events = POLLIN };

		(void)poll_raw(&one, 1000);
		n = recv(fd, page + used, sizeof(page) - 1 - used, 0);
		used += n > 0 ? (size_t)n : 0;
		if (n == -1 && errno != EAGAIN)
			return 1;
	}
	printf("%s", page);
	return 0;
}

/* The number of a TCP socket becomes that of another one, and no library sees
 * it. */
static int
behind(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const struct sockaddr *address = (const struct sockaddr *)&to;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	char got[8] = "";

	syscall(SYS_close, fd);
	printf("%s",
	    connect(fd, address, sizeof(to)) == 0 ? "ok" :
						    strerrorname_np(errno));
	if (syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0) != fd)
		return 1;
	if (connect(fd, address, sizeof(to)) == -1 ||
	    send(fd, "ping", 4, 0) != 4 || recv(fd, got, 4, 0) != 4)
		printf(" %s\n", strerrorname_np(errno));
	else
		printf(" %s\n", got);
	return 0;
}

/* The family of an address is not that of a socket that bind(2) is asked
 * for. */
static int
bind_other(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const struct sockaddr_in any = { .sin_family = AF_INET };
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int other = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1)
		return 1;
	printf("%s\n",
	    bind(other, (const struct sockaddr *)&any, sizeof(any)) == 0 ?
		"ok" :
		strerrorname_np(errno));
	return 0;
}

/* More names than the table has. */
static int
flood(const char *name, const char *port)
{
	enum { TABLE = 65536 };
	const struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM };
	const struct sockaddr_in before = address_of(name, port);

	for (int i = 0; i < TABLE; i++) {
		struct addrinfo *list;
		char other[64];

		snprintf(other, sizeof(other), "n%d.example.org", i);
		if (getaddrinfo(other, port, &hints, &list) != 0)
			return 1;
		freeaddrinfo(list);
	}
	for (int i = 0; i < 2; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM, 0);
		const struct sockaddr_in to = i == 0 ? before :
						       address_of(name, port);

		printf("%s\n",
		    connect(fd, (const struct sockaddr *)&to, sizeof(to)) ==
			    0 ?
			"ok" :
			strerrorname_np(errno));
		close(fd);
	}
	return 0;
}

static int
descriptors(void)
{
	struct stat status;
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fstat(fd, &status) == 0;
	return count;
}

static int
leak(const char *name, const char *port)
{
	const struct sockaddr_in to = address_of(name, port);
	const int before = descriptors();
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int result = connect(fd, (const struct sockaddr *)&to,
	    sizeof(to));

	printf("%s", result == 0 ? "ok" : strerrorname_np(errno));
	close(fd);
	printf(" %d\n", descriptors() - before);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(const char *name, const char *port);
} programs[] = {
	{ "leak", leak },
	{ "flood", flood },
	{ "resolve", resolve },
	{ "own", own },
	{ "raw", raw },
	{ "behind", behind },
	{ "bind-other", bind_other },
	{ "connect-name", connect_name },
	{ "read", read_all },
	{ "wait", wait_for_it },
	{ "twice", twice },
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "names") == 0)
		return names();
	if (argc != 4)
		return 64;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(argv[1], programs[i].word) == 0)
			return programs[i].run(argv[2], argv[3]);
	if (strcmp(argv[1], "gethostbyname") == 0)
		return by_name(argv[2], argv[3]);
	return dial(argv[2], argv[3],
	    strcmp(argv[1], "connect") == 0 ? AI_NUMERICHOST : 0);
}
