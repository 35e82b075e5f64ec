/* SPDX-License-Identifier: ISC */
/*
 * From inherited descriptors to one connected stream socket.
 */
#include "session/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "base/wait.h"
#include "net/sockaddr.h"
#include "wire/address.h"

enum { LISTEN_FDS_START = 3 };

/* Opens /dev/null on each of 0, 1, 2 that is closed. */
static bool
standard_fill(void)
{
	int fd = STDIN_FILENO;

	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		if (fcntl(i, F_GETFD) == -1)
			fd = open("/dev/null", O_RDWR);
	return fd >= 0;
}

/* Is the decimal text of this environment variable that number? */
static bool
variable_is(const char *name, uint64_t number)
{
	const char *value = getenv(name);
	char buffer[24];
	struct text expected = text_in(buffer, sizeof(buffer));

	text_add_number(&expected, number);
	return value != NULL && strcmp(value, buffer) == 0;
}

static int
socket_option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, name, &value, &length) != 0)
		return -1;
	return value;
}

/* Has a unix-domain socket a name, as that of a listener has, and each
 * connection that it accepted?  A socketpair(2) has none. */
static bool
has_name(int fd)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	return getsockname(fd, (struct sockaddr *)&storage, &length) == 0 &&
	    length > sizeof(storage.ss_family);
}

/* What is wrong with a socket, as a sentence that says what to change. */
static const char *
socket_wrong(int fd)
{
	const int domain = socket_option(fd, SO_DOMAIN);

	if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
		return fd == LISTEN_FDS_START ?
		    "fd 3 is not a stream socket: use ListenStream= in the "
		    ".socket unit" :
		    "fd 0 is not a stream socket: say `stream tcp' in the "
		    "inetd line";
	if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
		return "the socket is neither IPv4, IPv6 nor unix-domain";
	/* SECURITY: whoever stands behind the launcher would be its user. */
	if (domain == AF_UNIX && !has_name(fd))
		return "the unix-domain socket has no name: that is a "
		       "socketpair of the launcher's, not a client's "
		       "connection; socat's EXEC: needs nofork";
	return NULL;
}

/*
 * An IPv4-mapped client is IPv4 from here on; the interface of a link-local
 * one is kept.  False: errno tells.
 */
static bool
peer_read(struct connection *c)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in6 *ipv6 =
	    (const struct sockaddr_in6 *)&storage;
	socklen_t length = sizeof(storage);
	struct ucred peer = { .uid = (uid_t)-1 };

	if (getpeername(c->fd, (struct sockaddr *)&storage, &length) != 0)
		return false;
	c->client = address_of(&storage);
	if (storage.ss_family == AF_INET6)
		c->scope = ipv6->sin6_scope_id;
	if (c->client.family == FAMILY_NONE) {
		length = sizeof(peer);
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer,
			&length) != 0)
			return false;
		c->client_uid = peer.uid;
	}
	return socket_local(c->fd, &c->listen);
}

/*
 * SECURITY: what a launcher forgot to close would stay open inside the
 * sandbox.  A kernel that cannot do this leaves it.
 */
static void
leftovers_close(int fd)
{
	descriptor_close_from(fd > STDERR_FILENO ? fd + 1 : LISTEN_FDS_START);
}

/* 0, 1 and 2 are the same open file under inetd. */
static bool
standard_release(struct connection *c)
{
	struct stat ours;
	struct stat other;
	int null = -1;

	if (c->fd <= STDERR_FILENO) {
		const int fd = fcntl(c->fd, F_DUPFD_CLOEXEC, LISTEN_FDS_START);

		if (fd == -1)
			return false;
		c->fd = fd;
	}
	if (fstat(c->fd, &ours) != 0)
		return false;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		if (fstat(i, &other) != 0 || other.st_dev != ours.st_dev ||
		    other.st_ino != ours.st_ino)
			continue;
		if (null == -1)
			null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null == -1 || dup2(null, i) == -1)
			return false;
	}
	if (null != -1)
		close(null);
	return true;
}

/* The states with a sentence. */
static struct connection
wrong(struct connection c, enum connection_state state, const char *sentence)
{
	c.state = state;
	c.wrong = sentence;
	return c;
}

void
connection_describe(struct connection *c, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)peer;

	c->since = clock_microseconds();
	c->since_utc = clock_utc_microseconds();
	c->client = address_of(peer);
	c->scope = peer->ss_family == AF_INET6 ? ipv6->sin6_scope_id : 0;
}

struct connection
connection_find(void)
{
	const bool standard = standard_fill();
	const bool passed = getenv("LISTEN_FDS") != NULL &&
	    variable_is("LISTEN_PID", (uint64_t)getpid());
	struct connection c = { .fd = passed ? LISTEN_FDS_START : STDIN_FILENO,
		.pid = getpid(),
		.since = clock_microseconds(),
		.since_utc = clock_utc_microseconds() };
	const char *sentence;

	if (passed && !variable_is("LISTEN_FDS", 1))
		return wrong(c, CONNECTION_BAD,
		    "$LISTEN_FDS is not 1: this "
		    "program serves one connection, set Accept=yes in the "
		    ".socket unit");
	if (socket_option(c.fd, SO_TYPE) == -1)
		return c;
	if (!standard)
		return wrong(c, CONNECTION_FAILED,
		    "/dev/null could not be opened");
	sentence = socket_wrong(c.fd);
	if (sentence != NULL)
		return wrong(c, CONNECTION_BAD, sentence);
	leftovers_close(c.fd);
	c.state = peer_read(&c) ? CONNECTION_OPEN : CONNECTION_GONE;
	if (!standard_release(&c) || !socket_nonblocking(c.fd))
		return wrong(c, CONNECTION_FAILED,
		    "the connection's descriptor could not be set up");
	fcntl(c.fd, F_SETFD, FD_CLOEXEC);
	socket_tune(c.fd);
	return c;
}
