/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets, from wherever they come.
 */
#include "service/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/array.h"
#include "base/descriptor.h"
#include "base/number.h"
#include "net/sockaddr.h"
#include "service/place.h"

enum { BACKLOG = 4096 };

/* ------------------------------------------------------ what was passed */

/* The number in this environment variable; 0: there is none. */
static uint64_t
variable_number(const char *name)
{
	const char *value = getenv(name);
	uint64_t number;

	return value != NULL && number_parse(value, INT32_MAX, &number) ?
	    number :
	    0;
}

/* How many descriptors the launcher passed to this process; 0: none. */
static uint64_t
passed_count(void)
{
	return variable_number("LISTEN_PID") == (uint64_t)getpid() ?
	    variable_number("LISTEN_FDS") :
	    0;
}

/* -1: it is no socket. */
static int
socket_number(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value :
									-1;
}

static bool
is_listening(int fd)
{
	return socket_number(fd, SO_ACCEPTCONN) == 1;
}

bool
listeners_wanted(const char *const *places)
{
	const uint64_t passed = passed_count();

	return places[0] != NULL || passed > 1 ||
	    is_listening(passed == 1 ? LISTENERS_START : STDIN_FILENO);
}

static enum exit_status
refuse(struct text *wrong, const char *sentence)
{
	text_add(wrong, sentence);
	return STATUS_USAGE;
}

/* SECURITY: whoever comes by another family has no address that is judged. */
static const char *
family_wrong(int fd)
{
	const int domain = socket_number(fd, SO_DOMAIN);

	return domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX ?
	    NULL :
	    "a passed socket is neither IPv4, IPv6 nor unix-domain";
}

/* What is wrong with the n descriptors of the launcher; NULL: nothing. */
static const char *
passed_wrong(uint64_t n)
{
	size_t listening = 0;

	if (n > LISTENERS_MAX)
		return "more than 16 sockets were passed: leave out some "
		       "ListenStream= lines";
	for (int i = 0; i < (int)n; i++) {
		const int fd = LISTENERS_START + i;

		if (socket_number(fd, SO_TYPE) != SOCK_STREAM)
			return "not all passed descriptors are stream "
			       "sockets: use ListenStream= alone in the "
			       ".socket unit";
		if (family_wrong(fd) != NULL)
			return family_wrong(fd);
		listening += is_listening(fd);
	}
	if (listening == 0)
		return "more than one connection was passed: set Accept=yes "
		       "in the .socket unit";
	return listening == n ?
	    NULL :
	    "listening sockets and connections "
	    "were passed together: pass listening sockets alone (Accept=no), "
	    "or one connection (Accept=yes)";
}

/* 0, 1 and 2 are there, and are no listening socket (inetd passes it as all
 * three). */
static bool
standard_release(void)
{
	bool done = true;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int null;

		if (fcntl(fd, F_GETFD) != -1 && !is_listening(fd))
			continue;
		null = open("/dev/null", O_RDWR);
		done = done && null >= 0 &&
		    (null == fd || dup2(null, fd) == fd);
		if (null > STDERR_FILENO)
			close(null);
	}
	return done;
}

/* Close-on-exec is off: who is executed in our place takes them over. */
static bool
listener_prepare(int fd)
{
	socket_tune(fd); /* what is accepted has it from there */
	return fcntl(fd, F_SETFD, 0) == 0 && socket_nonblocking(fd);
}

/* inetd's socket goes to where systemd's would be. */
static enum exit_status
take_standard(struct listeners *l, struct text *wrong)
{
	const char *family = family_wrong(STDIN_FILENO);

	l->count = 1;
	if (socket_number(STDIN_FILENO, SO_TYPE) != SOCK_STREAM)
		return refuse(wrong,
		    "fd 0 is not a stream socket: say "
		    "`stream tcp wait' in the inetd line");
	if (family != NULL)
		return refuse(wrong, family);
	if (dup2(STDIN_FILENO, LISTENERS_START) == LISTENERS_START)
		return STATUS_OK;
	text_add(wrong, "fd 0 could not be moved");
	return STATUS_SYSTEM;
}

static enum exit_status
take_passed(struct listeners *l, struct text *wrong)
{
	const uint64_t n = passed_count();
	const bool standard = n == 0 && is_listening(STDIN_FILENO);
	const char *sentence = n > 0 ? passed_wrong(n) : NULL;

	l->passed = l->places[0] == NULL;
	if (!l->passed)
		return n == 0 && !standard ?
		    STATUS_OK :
		    refuse(wrong,
			"-l and a passed socket: leave one of them out");
	if (sentence != NULL)
		return refuse(wrong, sentence);
	if (n == 0)
		return take_standard(l, wrong);
	l->count = n;
	return STATUS_OK;
}

/* ------------------------------------------------------------------ -l */

/* Another one that nobody listens on is in the way: it is removed. */
static void
path_clear(const struct sockaddr_un *address)
{
	/* One whose backlog is full must not hold us. */
	const int fd = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;

	if (fd >= 0 && lstat(address->sun_path, &status) == 0 &&
	    S_ISSOCK(status.st_mode) &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) !=
		0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	if (fd >= 0)
		close(fd);
}

/* Each returns a bound socket; -1: errno tells. */
static int
path_bind(const struct listen_place *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, place->path, strlen(place->path) + 1);
	path_clear(&address);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	const int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
address_bind(const struct listen_place *place)
{
	static const int on = 1;
	const uint32_t scope = place->interface[0] == '\0' ?
	    0 :
	    if_nametoindex(place->interface);
	const struct endpoint e = endpoint_of(&place->address, scope);
	const int fd = place->interface[0] != '\0' && scope == 0 ?
	    -1 :
	    socket_create(place->address.family, SOCK_STREAM);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if ((place->address.family != FAMILY_IPV6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    0) &&
	    bind(fd, (const struct sockaddr *)&e.storage, e.length) == 0)
		return fd;
	const int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Puts the next listener in its place.  fd -1 is an error already. */
static bool
listener_add(struct listeners *l, int fd)
{
	const int wanted = LISTENERS_START + (int)l->count;
	bool done;

	if (fd < 0)
		return false;
	done = listen(fd, BACKLOG) == 0 &&
	    (fd == wanted || dup2(fd, wanted) == wanted);
	if (done)
		l->count++;
	if (fd != wanted) {
		const int error = errno;

		close(fd);
		errno = error;
	}
	return done;
}

/* A family that the kernel lacks is left out, but not both. */
static bool
both_open(struct listeners *l, const struct listen_place *place)
{
	static const enum family families[] = { FAMILY_IPV4, FAMILY_IPV6 };
	const size_t before = l->count;

	for (size_t i = 0; i < ARRAY_COUNT(families); i++) {
		struct listen_place one = *place;

		one.address.family = families[i];
		if (!listener_add(l, address_bind(&one)) &&
		    errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
			return false;
	}
	return l->count > before;
}

static bool
place_open(struct listeners *l, const struct listen_place *place)
{
	switch (place->kind) {
	case PLACE_ADDRESS: return listener_add(l, address_bind(place));
	case PLACE_BOTH: return both_open(l, place);
	case PLACE_PATH: return listener_add(l, path_bind(place));
	}
	return false;
}

static enum exit_status
open_places(struct listeners *l, struct text *wrong)
{
	for (const char *const *text = l->places; *text != NULL; text++) {
		struct listen_place place;
		const bool valid = place_parse(*text, &place);

		if (valid &&
		    l->count + (place.kind == PLACE_BOTH) >= LISTENERS_MAX)
			return refuse(wrong, "-l: more than 16 sockets");
		if (valid && place_open(l, &place)) {
			l->made |= 1U << (text - l->places);
			continue;
		}
		text_add(wrong, "-l ");
		text_add_quotable(wrong, *text, strlen(*text));
		if (!valid)
			return refuse(wrong,
			    ": is none of ADDRESS:PORT, "
			    "[ADDRESS]:PORT, :PORT and /PATH");
		text_add(wrong, ": cannot listen: ");
		text_add(wrong, strerror(errno));
		return STATUS_SYSTEM;
	}
	return STATUS_OK;
}

/* ------------------------------------------------------------------ all */

static enum exit_status
prepare_all(const struct listeners *l, struct text *wrong)
{
	for (size_t i = 0; i < l->count; i++) {
		if (listener_prepare(LISTENERS_START + (int)i))
			continue;
		text_add(wrong, "a listening socket could not be set up: ");
		text_add(wrong, strerror(errno));
		return STATUS_SYSTEM;
	}
	return STATUS_OK;
}

enum exit_status
listeners_take(struct listeners *l, struct text *wrong)
{
	enum exit_status status = take_passed(l, wrong);

	if (status != STATUS_OK)
		return status;
	descriptor_close_from(LISTENERS_START + (int)l->count);
	if (!standard_release()) {
		text_add(wrong, "/dev/null could not be opened");
		return STATUS_SYSTEM;
	}
	status = open_places(l, wrong);
	if (status == STATUS_OK)
		status = prepare_all(l, wrong);
	if (status != STATUS_OK)
		listeners_remove(l);
	return status;
}

bool
listeners_resume(struct listeners *l)
{
	l->count = passed_count();
	l->passed = l->places[0] == NULL;
	l->made = ~0U;
	if (l->count == 0 || l->count > LISTENERS_MAX)
		return false;
	for (size_t i = 0; i < l->count; i++)
		if (!is_listening(LISTENERS_START + (int)i))
			return false;
	return true;
}

/* A path, or - for a socket without a name. */
static void
path_add(struct text *t, int fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
	    length <= offsetof(struct sockaddr_un, sun_path)) {
		text_add_char(t, '-');
		return;
	}
	if (address.sun_path[0] == '\0')
		address.sun_path[0] = '@';
	length -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
	text_add_quotable(t, address.sun_path,
	    strnlen(address.sun_path, length));
}

void
listeners_describe(const struct listeners *l, struct text *t)
{
	for (size_t i = 0; i < l->count; i++) {
		const int fd = LISTENERS_START + (int)i;
		struct address address;

		if (i > 0)
			text_add(t, ", ");
		if (socket_local(fd, &address) &&
		    address.family != FAMILY_NONE)
			address_add_port(t, &address);
		else
			path_add(t, fd);
	}
}

void
listeners_leave(const struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		close(LISTENERS_START + (int)i);
}

static bool
is_made(const struct listeners *l, size_t i)
{
	return l->places[i][0] == '/' && (l->made & 1U << i) != 0;
}

void
listeners_give(const struct listeners *l, uint32_t uid, uint32_t gid)
{
	for (size_t i = 0; l->places[i] != NULL; i++)
		if (is_made(l, i) && lchown(l->places[i], uid, gid) != 0)
			return; /* it stays, and the next start removes it */
}

void
listeners_remove(const struct listeners *l)
{
	for (size_t i = 0; l->places[i] != NULL; i++)
		if (is_made(l, i))
			unlink(l->places[i]);
}
