/* SPDX-License-Identifier: ISC */
/*
 * The calls of libc, by dlsym(3).
 */
#include "lib/real.h"

#include <dlfcn.h>
#include <string.h>

#include "base/array.h"

struct real real;

/* glibc's, since 2.32. */
static const char *single_threaded;

static const struct {
	const char *name;
	size_t offset; /* in struct real */
} calls[] = {
	{ "socket", offsetof(struct real, socket) },
	{ "connect", offsetof(struct real, connect) },
	{ "bind", offsetof(struct real, bind) },
	{ "listen", offsetof(struct real, listen) },
	{ "accept", offsetof(struct real, accept) },
	{ "accept4", offsetof(struct real, accept4) },
	{ "shutdown", offsetof(struct real, shutdown) },
	{ "close", offsetof(struct real, close) },
	{ "close_range", offsetof(struct real, close_range) },
	{ "closefrom", offsetof(struct real, closefrom) },
	{ "dup", offsetof(struct real, dup) },
	{ "dup2", offsetof(struct real, dup2) },
	{ "dup3", offsetof(struct real, dup3) },
	{ "fcntl", offsetof(struct real, fcntl) },
	{ "fcntl64", offsetof(struct real, fcntl64) },
	{ "getpeername", offsetof(struct real, getpeername) },
	{ "getsockname", offsetof(struct real, getsockname) },
	{ "getsockopt", offsetof(struct real, getsockopt) },
	{ "setsockopt", offsetof(struct real, setsockopt) },
	{ "read", offsetof(struct real, read) },
	{ "readv", offsetof(struct real, readv) },
	{ "recv", offsetof(struct real, recv) },
	{ "recvfrom", offsetof(struct real, recvfrom) },
	{ "recvmsg", offsetof(struct real, recvmsg) },
	{ "recvmmsg", offsetof(struct real, recvmmsg) },
	{ "write", offsetof(struct real, write) },
	{ "writev", offsetof(struct real, writev) },
	{ "send", offsetof(struct real, send) },
	{ "sendto", offsetof(struct real, sendto) },
	{ "sendmsg", offsetof(struct real, sendmsg) },
	{ "sendmmsg", offsetof(struct real, sendmmsg) },
	{ "sendfile", offsetof(struct real, sendfile) },
	{ "sendfile64", offsetof(struct real, sendfile64) },
	{ "splice", offsetof(struct real, splice) },
	{ "__read_chk", offsetof(struct real, read_chk) },
	{ "__recv_chk", offsetof(struct real, recv_chk) },
	{ "__recvfrom_chk", offsetof(struct real, recvfrom_chk) },
	{ "poll", offsetof(struct real, poll) },
	{ "ppoll", offsetof(struct real, ppoll) },
	{ "select", offsetof(struct real, select) },
	{ "pselect", offsetof(struct real, pselect) },
	{ "epoll_ctl", offsetof(struct real, epoll_ctl) },
	{ "epoll_wait", offsetof(struct real, epoll_wait) },
	{ "epoll_pwait", offsetof(struct real, epoll_pwait) },
	{ "epoll_pwait2", offsetof(struct real, epoll_pwait2) },
	{ "getaddrinfo", offsetof(struct real, getaddrinfo) },
	{ "freeaddrinfo", offsetof(struct real, freeaddrinfo) },
	{ "getaddrinfo_a", offsetof(struct real, getaddrinfo_a) },
	{ "getnameinfo", offsetof(struct real, getnameinfo) },
	{ "gethostbyname", offsetof(struct real, gethostbyname) },
	{ "gethostbyname2", offsetof(struct real, gethostbyname2) },
	{ "gethostbyname_r", offsetof(struct real, gethostbyname_r) },
	{ "gethostbyname2_r", offsetof(struct real, gethostbyname2_r) },
	{ "gethostbyaddr", offsetof(struct real, gethostbyaddr) },
	{ "gethostbyaddr_r", offsetof(struct real, gethostbyaddr_r) },
	{ "syscall", offsetof(struct real, syscall) },
};

/* A pointer to an object and one to a function are the same octets on every
 * system that has dlsym(3); C has no cast from one to the other. */
void
real_load(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
		void *found = dlsym(RTLD_NEXT, calls[i].name);

		memcpy((char *)&real + calls[i].offset, &found, sizeof(found));
	}
	single_threaded = dlsym(RTLD_DEFAULT, "__libc_single_threaded");
}

bool
real_is_alone(void)
{
	return single_threaded != NULL &&
	    __atomic_load_n(single_threaded, __ATOMIC_RELAXED) != 0;
}
