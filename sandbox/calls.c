/* SPDX-License-Identifier: ISC */
/*
 * The table of allowed system calls.  Each row says why; a row whose reason
 * is gone goes too (make minimal).  Filters stack, so what a later stage
 * needs is in the earlier ones as well.
 */
#include "sandbox/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/descriptor.h"
#include "sandbox/sandbox.h"

enum {
	IN_SERVICE = 1 << SANDBOX_SERVICE,
	/* A session of the listening mode negotiates in the stage that it
	 * inherits: all that the negotiation may, the service may. */
	IN_NEGOTIATE = IN_SERVICE | 1 << SANDBOX_NEGOTIATE,
	IN_BIND = 1 << SANDBOX_BIND,
	IN_UDP = 1 << SANDBOX_UDP,
	IN_WATCH = 1 << SANDBOX_WATCH,
	IN_ALG = 1 << SANDBOX_ALG,
	IN_RELAY = 1 << SANDBOX_RELAY,
	/* What relays, and what leads there. */
	IN_STREAM = IN_NEGOTIATE | IN_BIND | IN_WATCH | IN_ALG | IN_RELAY,
	IN_ALL = IN_STREAM | IN_UDP,
	/* What comes before the relay. */
	IN_DIAL = IN_NEGOTIATE | IN_BIND,
	/* What asks the kernel for its route, what asks for names. */
	IN_ROUTE = IN_DIAL | IN_UDP,
	IN_RESOLVE = IN_NEGOTIATE | IN_UDP,
	/* What makes connections: those before the relay, and FTP's. */
	IN_CONNECT = IN_DIAL | IN_ALG,
	IN_LISTEN = IN_NEGOTIATE | IN_ALG,
	/* What uses the association table. */
	IN_TABLE = IN_NEGOTIATE | IN_WATCH | IN_ALG,
};

#define CALL(call) #call, SYS_##call
/* clang-format off */
#define EQUAL(argument, value) \
	{ (argument), ~UINT64_C(0), (uint64_t)(value), #value }
/* The bits of `free` may be set or not. */
#define MAYBE(argument, value, free) \
	{ (argument), ~(uint64_t)(free), (uint64_t)(value), \
	    #value " [" #free "]" }
/* A descriptor that no other session has.  SECURITY: what is done to a socket
 * of all sessions is done to all of them. */
#define OWN(argument) \
	{ (argument), ~(uint64_t)(DESCRIPTORS_OWN - 1), 0, "< 64" }
_Static_assert(DESCRIPTORS_OWN == 64, "as OWN() prints it");
/* Flags: two that every socket may have; hugetlb's size is in six bits. */
#define SOCKET(argument, type) \
	MAYBE(argument, type, SOCK_CLOEXEC | SOCK_NONBLOCK)
/* clang-format on */
#define HUGE_PAGES (MAP_HUGETLB | (uint64_t)MAP_HUGE_MASK << MAP_HUGE_SHIFT)

const char *const call_stage_names[SANDBOX_STAGES] = {
	[SANDBOX_SERVICE] = "service",
	[SANDBOX_NEGOTIATE] = "negotiate",
	[SANDBOX_BIND] = "bind",
	[SANDBOX_UDP] = "udp",
	[SANDBOX_WATCH] = "watch",
	[SANDBOX_ALG] = "alg",
	[SANDBOX_RELAY] = "relay",
};

/* In the order of a session; the answer is CALL_ALLOWED unless it is said. */
/* clang-format off */
const struct call calls[] = {
	/* Accepting, and a process for each session.  In a session no process
	 * can be made, by its limit, and there is no listening socket. */
	{ CALL(clone), IN_SERVICE,
	    .tests = { EQUAL(0, CLONE_PARENT | CLONE_PARENT_SETTID |
		CLONE_CHILD_SETTID | SIGCHLD), EQUAL(1, 0) },
	    .because = "a session, as a child of the parent" },
	{ CALL(prlimit64), IN_SERVICE,
	    .tests = { EQUAL(0, 0), EQUAL(1, RLIMIT_NPROC) },
	    .because = "a session takes that from itself" },
	{ CALL(newfstatat), IN_SERVICE,
	    .because = "has an input of the configuration changed?" },
	{ CALL(getsockopt), IN_SERVICE,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_PEERCRED) },
	    .because = "the uid of a unix-domain client" },

	/* The end, the time, signals. */
	{ CALL(exit_group), IN_ALL,
	    .because = "the end of the session" },
	{ CALL(clock_gettime), IN_ALL, .spare = true,
	    .because = "deadlines, where the vDSO has no clock" },
	{ CALL(rt_sigreturn), IN_ALL, .spare = true,
	    .because = "the way out of the handler of SIGTERM" },
	{ CALL(restart_syscall), IN_ALL, .spare = true,
	    .because = "a wait goes on after SIGSTOP and SIGCONT" },

	/* Octets. */
	{ CALL(ppoll), IN_ALL,
	    .because = "the only wait" },
	{ CALL(write), IN_ALL, .tests = { EQUAL(0, STDERR_FILENO) },
	    .because = "a record to stderr" },
	{ CALL(recvfrom), IN_ALL,
	    .tests = { MAYBE(3, 0, MSG_PEEK | MSG_TRUNC) },
	    .because = "the client, name servers; the urgent octet" },
	{ CALL(sendto), IN_ALL,
	    .tests = { MAYBE(3, 0, MSG_NOSIGNAL | MSG_OOB) },
	    .because = "replies, queries, syslog, STATUS=" },
	{ CALL(shutdown), IN_ALL, .tests = { OWN(0) },
	    .because = "passes a FIN on" },
	{ CALL(close), IN_ALL,
	    .because = "losers of the race, files, idle pipes" },
	{ CALL(splice), IN_STREAM,
	    .tests = { EQUAL(1, 0), EQUAL(3, 0),
		EQUAL(5, SPLICE_F_MOVE | SPLICE_F_NONBLOCK) },
	    .because = "bulk of the relay" },
	{ CALL(pipe2), IN_STREAM,
	    .because = "bulk of the relay goes through a pipe" },
	{ CALL(fcntl), IN_STREAM, .tests = { EQUAL(1, F_SETPIPE_SZ) },
	    .because = "the size of that pipe" },
	{ CALL(fcntl), IN_STREAM, .tests = { EQUAL(1, F_GETPIPE_SZ) },
	    .because = "what it is, where the user has no more" },
	{ CALL(ioctl), IN_STREAM, .tests = { EQUAL(1, SIOCATMARK) },
	    .because = "urgent data stays where it was" },
	{ CALL(ioctl), IN_STREAM, .tests = { EQUAL(1, SIOCOUTQ) },
	    .because = "a reset waits until what came before is delivered" },
	{ CALL(setsockopt), IN_STREAM,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_LINGER) },
	    .because = "passes a reset on" },
	{ CALL(setsockopt), IN_STREAM,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_OOBINLINE) },
	    .because = "the urgent octet keeps its place" },
	{ CALL(getsockopt), IN_STREAM,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_ERROR) },
	    .because = "why a connection failed" },

	/* The record in the journal, by libsystemd or natively. */
	{ CALL(socket), IN_ALL,
	    .tests = { EQUAL(0, AF_UNIX),
		EQUAL(1, SOCK_DGRAM | SOCK_CLOEXEC), EQUAL(2, 0) },
	    .because = "the journal's and STATUS='s, made when needed" },
	{ CALL(getsockopt), IN_ALL,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_SNDBUF) },
	    .because = "libsystemd asks before it sets" },
	{ CALL(setsockopt), IN_ALL,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_SNDBUF) },
	    .because = "libsystemd wants room for a record" },
	{ CALL(setsockopt), IN_ALL,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_SNDBUFFORCE) },
	    .because = "libsystemd's second try, which may fail" },
	{ CALL(sendmsg), IN_ALL, .tests = { EQUAL(2, MSG_NOSIGNAL) },
	    .because = "the record itself" },
	{ CALL(prctl), IN_ALL,
	    .tests = { EQUAL(0, PR_GET_NAME) },
	    .because = "libsystemd, when there is no room for a record" },
	{ CALL(memfd_create), IN_ALL, CALL_REFUSED, EPERM,
	    .because = "the same: that record is lost, not the session" },

	/* What a libc of tomorrow may call on its own. */
	{ CALL(getrandom), IN_ALL, .spare = true,
	    .because = "query IDs of a newer c-ares; glibc's malloc" },
	{ CALL(futex), IN_ALL, .spare = true,
	    .tests = { MAYBE(1, FUTEX_WAKE, FUTEX_PRIVATE_FLAG) },
	    .because = "pthread_once wakes nobody; glibc aborts on an error" },
	{ CALL(prlimit64), IN_ALL, .spare = true,
	    .tests = { EQUAL(0, 0), EQUAL(2, 0) },
	    .because = "sysconf reads limits; setting is killed" },
	{ CALL(madvise), IN_ALL, CALL_REFUSED, ENOSYS, .spare = true,
	    .because = "advice of malloc" },
	{ CALL(rseq), IN_ALL, CALL_REFUSED, ENOSYS, .spare = true,
	    .because = "for threads, of which there are none" },
	{ CALL(set_robust_list), IN_ALL, CALL_REFUSED, ENOSYS,
	    .spare = true,
	    .because = "for threads, of which there are none" },

	/* Memory. */
	{ CALL(brk), IN_RESOLVE,
	    .because = "malloc, for long answers of name servers" },
	{ CALL(mmap), IN_NEGOTIATE,
	    .tests = { MAYBE(2, PROT_NONE, PROT_READ | PROT_WRITE),
		MAYBE(3, MAP_PRIVATE | MAP_ANONYMOUS, HUGE_PAGES) },
	    .because = "yescrypt's 16 MiB, never code, never a file" },
	{ CALL(mmap), IN_UDP, .spare = true,
	    .tests = { MAYBE(2, PROT_NONE, PROT_READ | PROT_WRITE),
		MAYBE(3, MAP_PRIVATE | MAP_ANONYMOUS, HUGE_PAGES) },
	    .because = "malloc, where brk(2) meets something in its way" },
	{ CALL(munmap), IN_NEGOTIATE,
	    .because = "gives yescrypt's 16 MiB back" },
	{ CALL(munmap), IN_UDP, .spare = true,
	    .because = "gives that back" },

	/* Files; which ones may be opened is Landlock's to say. */
	{ CALL(openat), IN_RESOLVE,
	    .tests = { MAYBE(2, O_RDONLY, O_CLOEXEC | O_LARGEFILE) },
	    .because = "c-ares opens /dev/urandom, only to read" },
	{ CALL(read), IN_RESOLVE,
	    .because = "/dev/urandom; the password file, opened before" },
	{ CALL(pread64), IN_ROUTE,
	    .because = "hosts, resolv.conf and routes, opened before" },

	/* Sockets: name servers, the race, the kernel's routes. */
	{ CALL(socket), IN_RESOLVE | IN_ALG,
	    .tests = { EQUAL(0, AF_INET),
		SOCKET(1, SOCK_STREAM), EQUAL(2, 0) },
	    .because = "dials IPv4; FTP data" },
	{ CALL(socket), IN_ROUTE,
	    .tests = { EQUAL(0, AF_INET),
		SOCKET(1, SOCK_DGRAM), EQUAL(2, 0) },
	    .because = "asks name servers, and the kernel for its route" },
	{ CALL(socket), IN_RESOLVE | IN_ALG,
	    .tests = { EQUAL(0, AF_INET6),
		SOCKET(1, SOCK_STREAM), EQUAL(2, 0) },
	    .because = "dials IPv6; FTP data" },
	{ CALL(socket), IN_ROUTE,
	    .tests = { EQUAL(0, AF_INET6),
		SOCKET(1, SOCK_DGRAM), EQUAL(2, 0) },
	    .because = "asks name servers, and the kernel for its route" },
	{ CALL(connect), IN_ROUTE | IN_ALG, .tests = { OWN(0) },
	    .because = "dials; a datagram socket's finds the route" },
	{ CALL(bind), IN_ROUTE | IN_ALG,
	    .because = "`source`: the local address; FTP data" },
	{ CALL(getsockname), IN_ROUTE | IN_ALG,
	    .because = "BND of the reply, `self`, RFC 6724; FTP data" },
	{ CALL(writev), IN_RESOLVE,
	    .because = "c-ares sends a query over TCP" },
	{ CALL(setsockopt), IN_CONNECT | IN_UDP,
	    .tests = { EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_NODELAY) },
	    .because = "small messages travel at once" },
	{ CALL(setsockopt), IN_CONNECT,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_KEEPALIVE) },
	    .because = "a dead server is noticed" },
	{ CALL(setsockopt), IN_CONNECT,
	    .tests = { EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_KEEPIDLE) },
	    .because = "after 60 s" },
	{ CALL(setsockopt), IN_CONNECT,
	    .tests = { EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_KEEPINTVL) },
	    .because = "every 10 s" },
	{ CALL(setsockopt), IN_CONNECT,
	    .tests = { EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_KEEPCNT) },
	    .because = "6 times" },
	{ CALL(setsockopt), IN_ROUTE | IN_ALG,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_BINDTODEVICE) },
	    .because = "`interface`; a link-local name server's" },
	{ CALL(setsockopt), IN_ROUTE | IN_ALG,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_MARK) },
	    .because = "`mark`" },
	{ CALL(setsockopt), IN_ROUTE,
	    .tests = { EQUAL(1, IPPROTO_IP), EQUAL(2, IP_MULTICAST_IF) },
	    .because = "only an address of this host is taken: `self`" },
	{ CALL(getsockopt), IN_ROUTE,
	    .tests = { EQUAL(1, IPPROTO_IPV6), EQUAL(2, IPV6_MTU) },
	    .because = "what stays on this host has lo's: `self`" },
	{ CALL(setsockopt), IN_NEGOTIATE,
	    .tests = { EQUAL(1, IPPROTO_IP),
		EQUAL(2, IP_BIND_ADDRESS_NO_PORT) },
	    .because = "`source` takes no port before it dials" },

	/* Listening, and datagrams: BIND, UDP, FTP. */
	{ CALL(setsockopt), IN_LISTEN,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_REUSEADDR) },
	    .because = "connections of yesterday keep no port" },
	{ CALL(setsockopt), IN_NEGOTIATE,
	    .tests = { EQUAL(1, IPPROTO_IPV6), EQUAL(2, IPV6_V6ONLY) },
	    .because = "a socket for each family, at one port" },
	{ CALL(setsockopt), IN_NEGOTIATE,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_RCVBUF) },
	    .because = "datagrams come in bursts" },
	{ CALL(listen), IN_LISTEN,
	    .because = "for the peer of a BIND, for an FTP server" },
	{ CALL(accept4), IN_CONNECT,
	    .tests = { EQUAL(3, SOCK_CLOEXEC | SOCK_NONBLOCK) },
	    .because = "these, and strangers to be closed" },

	/* The association table, mapped before. */
	{ CALL(fcntl), IN_TABLE | IN_UDP, .tests = { EQUAL(1, F_SETLK) },
	    .because = "one process at a time" },
	{ CALL(fcntl), IN_LISTEN, .tests = { EQUAL(1, F_GETLK) },
	    .because = "does the BIND live that PORT or EPRT names?" },

	/* The way into the relay stage. */
	{ CALL(capset), IN_CONNECT,
	    .because = "drops CAP_NET_ADMIN, which `mark` kept" },
	{ CALL(seccomp), IN_CONNECT,
	    .tests = { EQUAL(0, SECCOMP_SET_MODE_FILTER), EQUAL(1, 0) },
	    .because = "the next stage's filter" },
};
/* clang-format on */

const size_t call_count = ARRAY_COUNT(calls);
