/* SPDX-License-Identifier: ISC */
/*
 * Every call that the library stands in front of: is it ours?  Else libc's.
 * A hook whose descriptor is not ours is one load and a jump.
 *
 * The hooks have names of their own, and libc's as symbols: libc's headers
 * have macros and types for some that only its own definitions can have.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/answer.h"
#include "lib/called.h"
#include "lib/fakes.h"
#include "lib/place.h"
#include "lib/real.h"
#include "lib/register.h"
#include "lib/sockets.h"
#include "lib/start.h"
#include "lib/tcp.h"
#include "lib/udp.h"
#include "lib/waits.h"

#define HOOK(symbol) __asm__(#symbol) __attribute__((visibility("default")))

/* Before the constructor ran? */
static void
awake(void)
{
	if (__builtin_expect(!started, 0))
		start();
}

static bool
has_data_mark(int fd)
{
	return (socket_mark(fd) & MARK_DATA) != 0;
}

static void
drop(int fd)
{
	struct guard saved;

	sockets_lock(&saved);
	struct entry *e = entry_at(fd);
	if (e != NULL) {
		tcp_take_flag(e, fd);
		place_return(e, fd);
	}
	entry_drop(fd);
	sockets_unlock(&saved);
}

/* A call that succeeds leaves errno alone, whatever the hook did. */
static long
kept(long result, int error)
{
	if (result != -1)
		errno = error;
	return result;
}

/* ------------------------------------------------------------ connections */

int hook_getpeername(int fd, struct sockaddr *name, socklen_t *length)
    HOOK(getpeername);

int hook_socket(int domain, int type, int protocol) HOOK(socket);
int hook_connect(int fd, const struct sockaddr *to, socklen_t length)
    HOOK(connect);
int hook_bind(int fd, const struct sockaddr *to, socklen_t length) HOOK(bind);
int hook_listen(int fd, int backlog) HOOK(listen);
int hook_accept(int fd, struct sockaddr *from, socklen_t *length) HOOK(accept);
int hook_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
    HOOK(accept4);
int hook_shutdown(int fd, int how) HOOK(shutdown);

int
hook_socket(int domain, int type, int protocol)
{
	awake();
	const int fd = real.socket(domain, type, protocol);
	const int error = errno;
	sockets_made(fd,
	    (domain == AF_INET || domain == AF_INET6) &&
		(type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM &&
		(protocol == 0 || protocol == IPPROTO_TCP));
	return (int)kept(fd, error);
}

/* To nobody, or directly: whatever the socket was to us, it is no more. */
static int
connect_directly(int fd, const struct sockaddr *to, socklen_t length)
{
	if (socket_mark(fd) != 0) {
		if (sockets_role(fd) == ROLE_UDP)
			udp_disconnect(fd);
		else
			drop(fd);
	}
	return real.connect(fd, to, length);
}

static bool
is_nobody(const struct sockaddr *to, socklen_t length)
{
	return to != NULL && length >= sizeof(to->sa_family) &&
	    to->sa_family == AF_UNSPEC;
}

static int
connect_by_gateway(int fd, const struct sockaddr *to, socklen_t length,
    const struct destination *d)
{
	const bool made = (socket_marks_all(fd) & MARK_MADE) != 0;
	int status;

	switch (made ? KIND_TCP : socket_kind(fd)) {
	case KIND_TCP:
		status = tcp_connect(fd, d);
		if (status == 0 || !made || errno != EPROTOTYPE)
			return status;
		/* The number was given to another socket behind our back. */
		sockets_unmake(fd);
		return connect_by_gateway(fd, to, length, d);
	case KIND_UDP:
		if (handover.udp != UDP_DIRECT)
			return udp_connect(fd, d);
		break;
	case KIND_OTHER: break;
	}
	return real.connect(fd, to, length);
}

int
hook_connect(int fd, const struct sockaddr *to, socklen_t length)
{
	struct destination d;
	struct address a;
	const int error = errno;

	awake();
	if (!endpoint_read(to, length, &a))
		return is_nobody(to, length) ?
		    connect_directly(fd, to, length) :
		    real.connect(fd, to, length);
	const enum way way = place_way(&a, &d);
	if (way == WAY_DIRECT)
		return connect_directly(fd, to, length);
	if (way != WAY_GATEWAY) {
		if (socket_kind(fd) == KIND_OTHER)
			return real.connect(fd, to, length);
		errno = place_errno(way);
		return -1;
	}
	d.family = to->sa_family;
	return (int)kept(connect_by_gateway(fd, to, length, &d), error);
}

int
hook_bind(int fd, const struct sockaddr *to, socklen_t length)
{
	awake();
	udp_widen(fd, to, length);
	return called_bind(fd, to, length) ? 0 : real.bind(fd, to, length);
}

int
hook_listen(int fd, int backlog)
{
	int result;

	awake();
	if (has_data_mark(fd) && called_listen(fd, &result))
		return result;
	return real.listen(fd, backlog);
}

int
hook_accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
{
	int result;

	awake();
	if (has_data_mark(fd) && called_accept(fd, flags, &result)) {
		if (result != -1 && from != NULL)
			(void)hook_getpeername(result, from, length);
		return result;
	}
	return real.accept4(fd, from, length, flags);
}

int
hook_accept(int fd, struct sockaddr *from, socklen_t *length)
{
	awake();
	return has_data_mark(fd) ? hook_accept4(fd, from, length, 0) :
				   real.accept(fd, from, length);
}

/* What begins to connect is given up, as in the kernel. */
int
hook_shutdown(int fd, int how)
{
	awake();
	return has_data_mark(fd) && tcp_give_up(fd) ? 0 :
						      real.shutdown(fd, how);
}

/* -------------------------------------------------- numbers of descriptors */

int hook_close(int fd) HOOK(close);
int hook_close_range(unsigned first, unsigned last, int flags)
    HOOK(close_range);
void hook_closefrom(int first) HOOK(closefrom);
int hook_dup(int fd) HOOK(dup);
int hook_dup2(int fd, int other) HOOK(dup2);
int hook_dup3(int fd, int other, int flags) HOOK(dup3);
int hook_fcntl(int fd, int command, long argument) HOOK(fcntl);
int hook_fcntl64(int fd, int command, long argument) HOOK(fcntl64);

/* An association ends with its socket.  A vfork(2) child has our memory, and
 * descriptors of its own. */
int
hook_close(int fd)
{
	struct guard saved;

	awake();
	sockets_unmake(fd);
	if (fd >= 0 && fd == start_table())
		return 0; /* what this process starts looks for it */
	if ((socket_mark(fd) & (MARK_DATA | MARK_CLOSE)) != 0 &&
	    sockets_are_mine()) {
		const int error = errno;

		sockets_lock(&saved);
		entry_close(fd);
		register_forget(fd);
		sockets_unlock(&saved);
		errno = error;
	}
	return real.close(fd);
}

/* Around the table of names. */
int
hook_close_range(unsigned first, unsigned last, int flags)
{
	awake();
	const unsigned table = (unsigned)start_table();
	if (real.close_range == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if (table == UINT32_MAX || table < first || table > last)
		return real.close_range(first, last, flags);
	if (table > first && real.close_range(first, table - 1, flags) == -1)
		return -1;
	return table == last ? 0 : real.close_range(table + 1, last, flags);
}

void
hook_closefrom(int first)
{
	awake();
	if (start_table() < first || real.close_range == NULL)
		real.closefrom(first);
	else
		(void)hook_close_range(first < 0 ? 0 : (unsigned)first,
		    UINT32_MAX, 0);
}

static int
copied(int from, int to)
{
	struct guard saved;

	if (to != from)
		sockets_unmake(to);
	if (to == -1 || to == from ||
	    (socket_mark(from) == 0 && socket_mark(to) == 0))
		return to;
	sockets_lock(&saved);
	entry_copy(from, to);
	sockets_unlock(&saved);
	return to;
}

int
hook_dup(int fd)
{
	awake();
	return copied(fd, real.dup(fd));
}

int
hook_dup2(int fd, int other)
{
	awake();
	return copied(fd, real.dup2(fd, other));
}

int
hook_dup3(int fd, int other, int flags)
{
	awake();
	return copied(fd, real.dup3(fd, other, flags));
}

static int
control(int (*call)(int, int, ...), int fd, int command, long argument)
{
	int result;

	if ((command == F_GETFL || command == F_SETFL) && has_data_mark(fd) &&
	    tcp_flags(fd, command, argument, &result))
		return result;
	result = call(fd, command, argument);
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC ?
	    copied(fd, result) :
	    result;
}

/* The argument is none, an int or a pointer: a long has them all, and goes
 * where a variadic one would. */
int
hook_fcntl(int fd, int command, long argument)
{
	awake();
	return control(real.fcntl, fd, command, argument);
}

int
hook_fcntl64(int fd, int command, long argument)
{
	awake();
	return control(real.fcntl64, fd, command, argument);
}

/* ------------------------------------------------------ names and options */

int hook_getsockname(int fd, struct sockaddr *name, socklen_t *length)
    HOOK(getsockname);
int hook_getsockopt(int fd, int level, int option, void *value,
    socklen_t *length) HOOK(getsockopt);
int hook_setsockopt(int fd, int level, int option, const void *value,
    socklen_t length) HOOK(setsockopt);

/* A copy of what is known of the descriptor; ROLE_FREE: nothing. */
static void
look(int fd, struct entry *out)
{
	int64_t until = INT64_MAX;
	struct guard saved;

	if (has_data_mark(fd))
		(void)tcp_push(fd, &until, NULL);
	out->role = ROLE_FREE;
	sockets_lock(&saved);
	const struct entry *e = entry_at(fd);
	if (e != NULL)
		*out = *e;
	sockets_unlock(&saved);
}

int
hook_getpeername(int fd, struct sockaddr *name, socklen_t *length)
{
	struct entry e;

	awake();
	if (socket_mark(fd) == 0)
		return real.getpeername(fd, name, length);
	look(fd, &e);
	if (e.role == ROLE_UDP && e.udp.peer.family != FAMILY_NONE) {
		endpoint_store(&e.udp.peer, e.family, name, length);
		return 0;
	}
	if (e.role == ROLE_TCP && e.dial.step == DIAL_DONE) {
		/* Or ENOTCONN, where it has ended since. */
		struct sockaddr_storage now;
		socklen_t size = sizeof(now);

		if (real.getpeername(fd, (struct sockaddr *)&now, &size) == -1)
			return -1;
		endpoint_store(&e.peer, e.family, name, length);
		return 0;
	}
	if (e.role == ROLE_TCP || e.role == ROLE_UDP) {
		errno = ENOTCONN;
		return -1;
	}
	return real.getpeername(fd, name, length);
}

/* What the program takes its socket for: IPv4 also where it is mapped. */
static enum family
family_for(const struct entry *e)
{
	if (e->family == AF_INET || e->peer.family == FAMILY_IPV4)
		return FAMILY_IPV4;
	/* A datagram socket of AF_INET6 may be both. */
	return e->role == ROLE_UDP ? FAMILY_NONE : FAMILY_IPV6;
}

/* BND if the socket has that family, else the local address if that has it,
 * else zeros; the port is what the server sees. */
static int
own_name(int fd, const struct entry *e, struct sockaddr *name,
    socklen_t *length)
{
	const enum family family = family_for(e);
	struct sockaddr_storage local;
	socklen_t size = sizeof(local);
	struct address own = e->bound;

	if (own.family != family || family == FAMILY_NONE) {
		if (real.getsockname(fd, (struct sockaddr *)&local, &size) ==
		    -1)
			return -1;
		if (!endpoint_read((struct sockaddr *)&local, size, &own) ||
		    (own.family != family && family != FAMILY_NONE))
			own = (struct address){ .family = FAMILY_IPV6,
				.port = own.port };
		if (e->bound.port != 0)
			own.port = e->bound.port;
	}
	endpoint_store(&own, e->family, name, length);
	return 0;
}

int
hook_getsockname(int fd, struct sockaddr *name, socklen_t *length)
{
	struct entry e;

	awake();
	if (socket_mark(fd) == 0)
		return real.getsockname(fd, name, length);
	if (has_data_mark(fd) && !called_ask(fd))
		return -1;
	look(fd, &e);
	if (e.role == ROLE_FREE)
		return real.getsockname(fd, name, length);
	called_server(fd);
	return own_name(fd, &e, name, length);
}

/* Of the kernel; not every libc has a word for them. */
enum {
	OPTION_SNDTIMEO_NEW = 67,
	OPTION_UDP_SEGMENT = 103,
	OPTION_UDP_GRO = 104,
};

/* One datagram, one header. */
static bool
is_segmenting(int level, int option)
{
	return level == IPPROTO_UDP && handover.udp == UDP_ON &&
	    (option == OPTION_UDP_SEGMENT || option == OPTION_UDP_GRO);
}

/* Where a unix-domain socket is under the number, TCP and IP are asked of the
 * one that the program made. */
static int
asked_socket(int fd, int level)
{
	struct entry e;

	if (socket_mark(fd) == 0 || level == SOL_SOCKET)
		return fd;
	look(fd, &e);
	return e.role == ROLE_TCP && e.shadow != -1 ? e.shadow : fd;
}

static int
store_number(int number, void *value, socklen_t *length)
{
	if (*length > sizeof(number))
		*length = sizeof(number);
	memcpy(value, &number, *length);
	return 0;
}

int
hook_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
	struct entry e;

	awake();
	if (is_segmenting(level, option)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	if (socket_mark(fd) == 0)
		return real.getsockopt(fd, level, option, value, length);
	if (level == SOL_SOCKET && option == SO_ERROR && has_data_mark(fd)) {
		const int kept_error = errno;
		const int error = tcp_error(fd);

		errno = kept_error;
		if (error != 0)
			return store_number(error, value, length);
	}
	if (level == SOL_SOCKET && option == SO_DOMAIN) {
		look(fd, &e);
		if (e.role != ROLE_FREE && e.family != 0)
			return store_number(e.family, value, length);
	}
	return real.getsockopt(asked_socket(fd, level), level, option, value,
	    length);
}

int
hook_setsockopt(int fd, int level, int option, const void *value,
    socklen_t length)
{
	awake();
	if (is_segmenting(level, option)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	if (level == SOL_SOCKET &&
	    (option == SO_SNDTIMEO || option == OPTION_SNDTIMEO_NEW))
		fakes_note_send_timeout();
	return real.setsockopt(asked_socket(fd, level), level, option, value,
	    length);
}

/* ------------------------------------------------------------------- data */

ssize_t hook_read(int fd, void *to, size_t size) HOOK(read);
ssize_t hook_readv(int fd, const struct iovec *parts, int count) HOOK(readv);
ssize_t hook_recv(int fd, void *to, size_t size, int flags) HOOK(recv);
ssize_t hook_recvfrom(int fd, void *to, size_t size, int flags,
    struct sockaddr *from, socklen_t *length) HOOK(recvfrom);
ssize_t hook_recvmsg(int fd, struct msghdr *message, int flags) HOOK(recvmsg);
int hook_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
    struct timespec *timeout) HOOK(recvmmsg);
ssize_t hook_write(int fd, const void *from, size_t size) HOOK(write);
ssize_t hook_writev(int fd, const struct iovec *parts, int count) HOOK(writev);
ssize_t hook_send(int fd, const void *from, size_t size, int flags) HOOK(send);
ssize_t hook_sendto(int fd, const void *from, size_t size, int flags,
    const struct sockaddr *to, socklen_t length) HOOK(sendto);
ssize_t hook_sendmsg(int fd, const struct msghdr *message, int flags)
    HOOK(sendmsg);
int hook_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
    HOOK(sendmmsg);
ssize_t hook_sendfile(int out, int in, off_t *offset, size_t count)
    HOOK(sendfile);
ssize_t hook_sendfile64(int out, int in, off_t *offset, size_t count)
    HOOK(sendfile64);
ssize_t hook_splice(int in, off_t *in_offset, int out, off_t *out_offset,
    size_t count, unsigned flags) HOOK(splice);
ssize_t hook_read_chk(int fd, void *to, size_t size, size_t room)
    HOOK(__read_chk);
ssize_t hook_recv_chk(int fd, void *to, size_t size, size_t room, int flags)
    HOOK(__recv_chk);
ssize_t hook_recvfrom_chk(int fd, void *to, size_t size, size_t room,
    int flags, struct sockaddr *from, socklen_t *length) HOOK(__recvfrom_chk);

/* Before data goes: what libc's call is to be told, or the answer. */
enum next { NEXT_REAL, NEXT_ERROR, NEXT_UDP };

static enum next
next_for(int fd, int flags)
{
	const enum role role = sockets_role(fd);

	if (role == ROLE_TCP)
		return tcp_data(fd, flags) ? NEXT_REAL : NEXT_ERROR;
	return role == ROLE_UDP ? NEXT_UDP : NEXT_REAL;
}

static struct msghdr
message_of(struct iovec *parts, size_t count)
{
	return (struct msghdr){ .msg_iov = parts, .msg_iovlen = count };
}

static ssize_t
receive(int fd, struct msghdr *message, int flags)
{
	const int error = errno;

	switch (next_for(fd, flags)) {
	case NEXT_ERROR: return -1;
	case NEXT_UDP: return kept(udp_receive(fd, message, flags), error);
	case NEXT_REAL: break;
	}
	errno = error;
	return real.recvmsg(fd, message, flags);
}

ssize_t
hook_recvmsg(int fd, struct msghdr *message, int flags)
{
	awake();
	return has_data_mark(fd) ? receive(fd, message, flags) :
				   real.recvmsg(fd, message, flags);
}

ssize_t
hook_readv(int fd, const struct iovec *parts, int count)
{
	awake();
	if (!has_data_mark(fd) || count < 0)
		return real.readv(fd, parts, count);
	struct msghdr message = message_of((struct iovec *)(uintptr_t)parts,
	    (size_t)count);
	return receive(fd, &message, 0);
}

ssize_t
hook_recvfrom(int fd, void *to, size_t size, int flags, struct sockaddr *from,
    socklen_t *length)
{
	awake();
	if (!has_data_mark(fd))
		return real.recvfrom(fd, to, size, flags, from, length);
	struct iovec one = { to, size };
	struct msghdr message = message_of(&one, 1);
	message.msg_name = length == NULL ? NULL : from;
	message.msg_namelen = length == NULL ? 0 : *length;
	const ssize_t got = receive(fd, &message, flags);
	if (got != -1 && length != NULL && from != NULL)
		*length = message.msg_namelen;
	return got;
}

ssize_t
hook_recv(int fd, void *to, size_t size, int flags)
{
	awake();
	return has_data_mark(fd) ?
	    hook_recvfrom(fd, to, size, flags, NULL, NULL) :
	    real.recv(fd, to, size, flags);
}

ssize_t
hook_read(int fd, void *to, size_t size)
{
	awake();
	return has_data_mark(fd) ? hook_recvfrom(fd, to, size, 0, NULL, NULL) :
				   real.read(fd, to, size);
}

/* Ends like libc's where there is too little room. */
ssize_t
hook_read_chk(int fd, void *to, size_t size, size_t room)
{
	awake();
	return size > room ? real.read_chk(fd, to, size, room) :
			     hook_read(fd, to, size);
}

ssize_t
hook_recv_chk(int fd, void *to, size_t size, size_t room, int flags)
{
	awake();
	return size > room ? real.recv_chk(fd, to, size, room, flags) :
			     hook_recv(fd, to, size, flags);
}

ssize_t
hook_recvfrom_chk(int fd, void *to, size_t size, size_t room, int flags,
    struct sockaddr *from, socklen_t *length)
{
	awake();
	return size > room ?
	    real.recvfrom_chk(fd, to, size, room, flags, from, length) :
	    hook_recvfrom(fd, to, size, flags, from, length);
}

int
hook_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
    struct timespec *timeout)
{
	unsigned i = 0;

	awake();
	if (!has_data_mark(fd))
		return real.recvmmsg(fd, messages, count, flags, timeout);
	for (; i < count; i++) {
		const ssize_t got = receive(fd, &messages[i].msg_hdr,
		    flags & ~MSG_WAITFORONE);

		if (got == -1)
			break;
		messages[i].msg_len = (unsigned)got;
		if ((flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
	}
	return i > 0 || count == 0 ? (int)i : -1;
}

/* MSG_FASTOPEN is connect(2) and send(2). */
static bool
open_fast(int fd, const struct msghdr *message, int *flags, bool *failed)
{
	struct address a;
	struct destination d;

	*failed = false;
	if ((*flags & MSG_FASTOPEN) == 0 || message->msg_name == NULL ||
	    !endpoint_read(message->msg_name, message->msg_namelen, &a) ||
	    place_way(&a, &d) == WAY_DIRECT || socket_kind(fd) != KIND_TCP)
		return false;
	*flags &= ~MSG_FASTOPEN;
	*failed = hook_connect(fd, message->msg_name, message->msg_namelen) ==
		-1 &&
	    errno != EISCONN;
	return true;
}

/* Of a descriptor that is ours, or that is told an address. */
static ssize_t
transmit(int fd, const struct msghdr *message, int flags)
{
	const int error = errno;
	struct msghdr rest = *message;
	ssize_t result;
	bool failed;

	if (open_fast(fd, message, &flags, &failed)) {
		if (failed)
			return -1;
		rest.msg_name = NULL;
		rest.msg_namelen = 0;
	}
	if (has_data_mark(fd) && next_for(fd, flags) == NEXT_ERROR)
		return -1;
	if (udp_send(fd, &rest, flags, &result))
		return kept(result, error);
	errno = error;
	return real.sendmsg(fd, &rest, flags);
}

ssize_t
hook_sendmsg(int fd, const struct msghdr *message, int flags)
{
	awake();
	return has_data_mark(fd) ||
		(message != NULL && message->msg_name != NULL) ?
	    transmit(fd, message, flags) :
	    real.sendmsg(fd, message, flags);
}

ssize_t
hook_sendto(int fd, const void *from, size_t size, int flags,
    const struct sockaddr *to, socklen_t length)
{
	awake();
	if (!has_data_mark(fd) && to == NULL)
		return real.sendto(fd, from, size, flags, to, length);
	struct iovec one = { (void *)(uintptr_t)from, size };
	struct msghdr message = message_of(&one, 1);
	message.msg_name = (void *)(uintptr_t)to;
	message.msg_namelen = length;
	return transmit(fd, &message, flags);
}

ssize_t
hook_send(int fd, const void *from, size_t size, int flags)
{
	awake();
	return has_data_mark(fd) ?
	    hook_sendto(fd, from, size, flags, NULL, 0) :
	    real.send(fd, from, size, flags);
}

ssize_t
hook_write(int fd, const void *from, size_t size)
{
	awake();
	return has_data_mark(fd) && next_for(fd, 0) != NEXT_REAL ?
	    hook_sendto(fd, from, size, 0, NULL, 0) :
	    real.write(fd, from, size);
}

ssize_t
hook_writev(int fd, const struct iovec *parts, int count)
{
	awake();
	if (!has_data_mark(fd) || count < 0)
		return real.writev(fd, parts, count);
	const struct msghdr message = message_of(
	    (struct iovec *)(uintptr_t)parts, (size_t)count);
	return transmit(fd, &message, 0);
}

int
hook_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	unsigned i = 0;

	awake();
	for (; i < count; i++) {
		const ssize_t sent = hook_sendmsg(fd, &messages[i].msg_hdr,
		    flags);

		if (sent == -1)
			break;
		messages[i].msg_len = (unsigned)sent;
	}
	return i > 0 || count == 0 ? (int)i : -1;
}

ssize_t
hook_sendfile(int out, int in, off_t *offset, size_t count)
{
	awake();
	return has_data_mark(out) && next_for(out, 0) == NEXT_ERROR ?
	    -1 :
	    real.sendfile(out, in, offset, count);
}

ssize_t
hook_sendfile64(int out, int in, off_t *offset, size_t count)
{
	awake();
	return has_data_mark(out) && next_for(out, 0) == NEXT_ERROR ?
	    -1 :
	    real.sendfile64(out, in, offset, count);
}

ssize_t
hook_splice(int in, off_t *in_offset, int out, off_t *out_offset, size_t count,
    unsigned flags)
{
	awake();
	if ((has_data_mark(in) && next_for(in, 0) == NEXT_ERROR) ||
	    (has_data_mark(out) && next_for(out, 0) == NEXT_ERROR))
		return -1;
	return real.splice(in, in_offset, out, out_offset, count, flags);
}

/* ---------------------------------------------------------------- waiting */

int hook_poll(struct pollfd *fds, nfds_t n, int timeout) HOOK(poll);
int hook_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask) HOOK(ppoll);
int hook_poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
    HOOK(__poll_chk);
int hook_ppoll_chk(struct pollfd *fds, nfds_t n,
    const struct timespec *timeout, const sigset_t *mask, size_t room)
    HOOK(__ppoll_chk);
int hook_select(int count, fd_set *in, fd_set *out, fd_set *except,
    struct timeval *timeout) HOOK(select);
int hook_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
    const struct timespec *timeout, const sigset_t *mask) HOOK(pselect);
int hook_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
    HOOK(epoll_ctl);
int hook_epoll_wait(int set, struct epoll_event *events, int size, int timeout)
    HOOK(epoll_wait);
int hook_epoll_pwait(int set, struct epoll_event *events, int size,
    int timeout, const sigset_t *mask) HOOK(epoll_pwait);
int hook_epoll_pwait2(int set, struct epoll_event *events, int size,
    const struct timespec *timeout, const sigset_t *mask) HOOK(epoll_pwait2);

static int64_t
of_milliseconds(int timeout)
{
	return timeout < 0 ? FOREVER : (int64_t)timeout * 1000000;
}

static int64_t
of_timespec(const struct timespec *timeout)
{
	return timeout == NULL || timeout->tv_sec > INT32_MAX ?
	    FOREVER :
	    timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
}

int
hook_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	awake();
	return !sockets_run() ?
	    real.poll(fds, n, timeout) :
	    waits_poll(fds, n, of_milliseconds(timeout), NULL);
}

int
hook_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	awake();
	return !sockets_run() ? real.ppoll(fds, n, timeout, mask) :
				waits_poll(fds, n, of_timespec(timeout), mask);
}

/* A buffer that is too small is the program's end. */
static void
check_room(size_t needed, size_t room)
{
	if (needed > room)
		__builtin_trap();
}

int
hook_poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
	check_room(n * sizeof(*fds), room);
	return hook_poll(fds, n, timeout);
}

int
hook_ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask, size_t room)
{
	check_room(n * sizeof(*fds), room);
	return hook_ppoll(fds, n, timeout, mask);
}

int
hook_pselect(int count, fd_set *in, fd_set *out, fd_set *except,
    const struct timespec *timeout, const sigset_t *mask)
{
	const struct select_sets sets = { count, in, out, except };

	awake();
	if (!sockets_run())
		return real.pselect(count, in, out, except, timeout, mask);
	int64_t left = of_timespec(timeout);
	return waits_select(&sets, &left, mask);
}

/* Linux tells how much of the time is left. */
int
hook_select(int count, fd_set *in, fd_set *out, fd_set *except,
    struct timeval *timeout)
{
	const struct select_sets sets = { count, in, out, except };

	awake();
	if (!sockets_run())
		return real.select(count, in, out, except, timeout);
	int64_t left = timeout == NULL || timeout->tv_sec > INT32_MAX ?
	    FOREVER :
	    timeout->tv_sec * INT64_C(1000000000) + timeout->tv_usec * 1000;
	const int ready = waits_select(&sets, &left, NULL);
	if (timeout != NULL && left >= 0) {
		timeout->tv_sec = left / 1000000000;
		timeout->tv_usec = left % 1000000000 / 1000;
	}
	return ready;
}

int
hook_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	awake();
	return waits_control(set, operation, fd, event);
}

int
hook_epoll_wait(int set, struct epoll_event *events, int size, int timeout)
{
	return hook_epoll_pwait(set, events, size, timeout, NULL);
}

int
hook_epoll_pwait(int set, struct epoll_event *events, int size, int timeout,
    const sigset_t *mask)
{
	const struct epoll_room room = { set, size, events, mask };

	awake();
	return waits_epoll(&room, of_milliseconds(timeout));
}

int
hook_epoll_pwait2(int set, struct epoll_event *events, int size,
    const struct timespec *timeout, const sigset_t *mask)
{
	const struct epoll_room room = { set, size, events, mask };

	awake();
	if (real.epoll_pwait2 == NULL) {
		errno = ENOSYS;
		return -1;
	}
	return waits_epoll(&room, of_timespec(timeout));
}

/* ------------------------------------------------------------------ names */

int hook_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out) HOOK(getaddrinfo);
void hook_freeaddrinfo(struct addrinfo *list) HOOK(freeaddrinfo);
int hook_getnameinfo(const struct sockaddr *address, socklen_t length,
    char *host, socklen_t host_size, char *service, socklen_t service_size,
    int flags) HOOK(getnameinfo);
struct hostent *hook_gethostbyname(const char *name) HOOK(gethostbyname);
struct hostent *hook_gethostbyname2(const char *name, int family)
    HOOK(gethostbyname2);
int hook_gethostbyname_r(const char *name, struct hostent *out, char *buffer,
    size_t size, struct hostent **result, int *error) HOOK(gethostbyname_r);
int hook_gethostbyname2_r(const char *name, int family, struct hostent *out,
    char *buffer, size_t size, struct hostent **result, int *error)
    HOOK(gethostbyname2_r);
struct hostent *hook_gethostbyaddr(const void *address, socklen_t length,
    int family) HOOK(gethostbyaddr);
int hook_gethostbyaddr_r(const void *address, socklen_t length, int family,
    struct hostent *out, char *buffer, size_t size, struct hostent **result,
    int *error) HOOK(gethostbyaddr_r);

int
hook_getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	awake();
	return answer_list(node, service, hints, out);
}

void
hook_freeaddrinfo(struct addrinfo *list)
{
	awake();
	answer_free(list);
}

int
hook_getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
    socklen_t host_size, char *service, socklen_t service_size, int flags)
{
	const struct answer_names names = { host, host_size, service,
		service_size, flags };

	awake();
	return answer_names(address, length, &names);
}

struct hostent *
hook_gethostbyname2(const char *name, int family)
{
	struct hostent *result = NULL;
	int error = 0;
	const struct answer_room room = { .result = &result, .error = &error };

	awake();
	(void)answer_host(name, family, &room);
	return result;
}

struct hostent *
hook_gethostbyname(const char *name)
{
	return hook_gethostbyname2(name, AF_INET);
}

int
hook_gethostbyname2_r(const char *name, int family, struct hostent *out,
    char *buffer, size_t size, struct hostent **result, int *error)
{
	const struct answer_room room = { out, buffer, size, result, error };

	awake();
	return answer_host(name, family, &room);
}

int
hook_gethostbyname_r(const char *name, struct hostent *out, char *buffer,
    size_t size, struct hostent **result, int *error)
{
	return hook_gethostbyname2_r(name, AF_INET, out, buffer, size, result,
	    error);
}

struct hostent *
hook_gethostbyaddr(const void *address, socklen_t length, int family)
{
	struct hostent *result = NULL;
	int error = 0;
	const struct answer_room room = { .result = &result, .error = &error };

	awake();
	(void)answer_reverse(address, length, family, &room);
	return result;
}

int
hook_gethostbyaddr_r(const void *address, socklen_t length, int family,
    struct hostent *out, char *buffer, size_t size, struct hostent **result,
    int *error)
{
	const struct answer_room room = { out, buffer, size, result, error };

	awake();
	return answer_reverse(address, length, family, &room);
}

/* glibc's alone; a request as its <netdb.h> has it. */
struct list_request {
	const char *name;
	const char *service;
	const struct addrinfo *hints;
	struct addrinfo *result;
	int status; /* what gai_error(3) tells */
};

int hook_getaddrinfo_a(int mode, struct list_request **list, int count,
    struct sigevent *event) HOOK(getaddrinfo_a);

/* No answer is waited for: all are there when it returns. */
int
hook_getaddrinfo_a(int mode, struct list_request **list, int count,
    struct sigevent *event)
{
	enum { NOWAIT = 1 };

	awake();
	for (int i = 0; i < count; i++)
		if (list[i] != NULL)
			list[i]->status = answer_list(list[i]->name,
			    list[i]->service, list[i]->hints,
			    &list[i]->result);
	if (mode != NOWAIT || event == NULL)
		return 0;
	if (event->sigev_notify == SIGEV_SIGNAL)
		(void)sigqueue(getpid(), event->sigev_signo,
		    event->sigev_value);
	else if (event->sigev_notify == SIGEV_THREAD)
		event->sigev_notify_function(event->sigev_value);
	return 0;
}

/* ------------------------------------------------------------- syscall(2) */

long hook_syscall(long number, long a, long b, long c, long d, long e, long f)
    HOOK(syscall);

/* libuv calls these two so.  Any other is libc's, as a jump. */
long
hook_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	awake();
	if (number == SYS_sendmmsg)
		return hook_sendmmsg((int)a, (struct mmsghdr *)b, (unsigned)c,
		    (int)d);
	if (number == SYS_recvmmsg && socket_mark((int)a) != 0)
		return hook_recvmmsg((int)a, (struct mmsghdr *)b, (unsigned)c,
		    (int)d, (struct timespec *)e);
	return real.syscall(number, a, b, c, d, e, f);
}
