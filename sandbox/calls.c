/* SPDX-License-Identifier: ISC */
/*
 * The table of system calls: those that are allowed, and below them those that
 * kill.  Each row says why; a row whose reason is gone goes too (make
 * minimal).  Filters stack, so what a later stage needs is in the earlier ones
 * as well.
 */
#include "sandbox/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/netlink.h>
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
#include <sys/time.h>
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

#define CALL(call) #call
/* clang-format off */
#define EQUAL(argument, value) \
	{ (argument), CALL_EQUAL, ~UINT64_C(0), (uint64_t)(value), #value }
#define OTHER(argument, value) \
	{ (argument), CALL_OTHER, ~UINT64_C(0), (uint64_t)(value), \
	    "not " #value }
/* The bits of `free` may be set or not. */
#define MAYBE(argument, value, free) \
	{ (argument), CALL_EQUAL, ~(uint64_t)(free), (uint64_t)(value), \
	    #value " [" #free "]" }
/* A descriptor that no other session has, and one that others have.
 * SECURITY: what is done to a socket of all sessions is done to all. */
#define OWN(argument) \
	{ (argument), CALL_EQUAL, ~(uint64_t)(DESCRIPTORS_OWN - 1), 0, \
	    "< 128" }
#define SHARED(argument) \
	{ (argument), CALL_AT_LEAST, ~UINT64_C(0), DESCRIPTORS_OWN, ">= 128" }
_Static_assert(DESCRIPTORS_OWN == 128, "as OWN() and SHARED() print it");
/* Flags: two that every socket may have; hugetlb's size is in six bits. */
#define SOCKET(argument, type) \
	MAYBE(argument, type, SOCK_CLOEXEC | SOCK_NONBLOCK)
/* The type is in four bits. */
#define SEQPACKET(argument) \
	{ (argument), CALL_EQUAL, 15, SOCK_SEQPACKET, "SOCK_SEQPACKET" }
/* 12 to 15; AF_NETLINK is 16. */
#define OLD_FAMILY(argument) \
	{ (argument), CALL_EQUAL, ~UINT64_C(3), AF_DECnet, \
	    "AF_DECnet to AF_KEY" }
/* None of the bits of KILLS_WITH of files. */
#define READS(argument) \
	{ (argument), CALL_EQUAL, O_ACCMODE | O_CREAT | O_TRUNC, 0, \
	    "O_RDONLY" }
/* A session is a child of the service's parent. */
#define SESSION_FLAGS(compare, prefix) \
	{ 0, (compare), ~UINT64_C(0), CLONE_PARENT | CLONE_PARENT_SETTID | \
		CLONE_CHILD_SETTID | SIGCHLD, \
	    prefix "CLONE_PARENT | CLONE_PARENT_SETTID | " \
		"CLONE_CHILD_SETTID | SIGCHLD" }
/* The first filter holds for all stages: what it kills the others need not,
 * and each instruction costs the start of a session.  CLOSED is for what some
 * stages may do, which are named. */
#define KILLS(call, why) \
	{ CALL(call), IN_NEGOTIATE, CALL_KILLED, .because = (why) }
#define KILLS_WITH(call, argument, bit, why) \
	{ CALL(call), IN_NEGOTIATE, CALL_KILLED, \
	    .tests = { { (argument), CALL_EQUAL, (uint64_t)(bit), \
		(uint64_t)(bit), "with " #bit } }, .because = (why) }
#define CLOSED(call, but, why) \
	{ CALL(call), IN_ALL & ~(but), CALL_KILLED, .because = (why) }
/* What libc calls and takes no error for; it tells nothing and changes
 * nothing. */
#define UNFAILING(call) \
	{ CALL(call), IN_ALL, .spare = true, \
	    .because = "libc takes no error for it" }
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
	    .tests = { SESSION_FLAGS(CALL_EQUAL, ""), EQUAL(1, 0) },
	    .because = "a session, as a child of the parent" },
	{ CALL(prlimit64), IN_SERVICE,
	    .tests = { EQUAL(0, 0), EQUAL(1, RLIMIT_NPROC), OTHER(2, 0) },
	    .because = "a session takes that from itself" },
	{ CALL(read), IN_SERVICE,
	    .because = "the parent's word about max-sessions-per-user" },
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
	    .tests = { MAYBE(3, 0, MSG_NOSIGNAL | MSG_OOB | MSG_DONTWAIT) },
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
	    .because = "what has a slow reader taken?" },
	{ CALL(ioctl), IN_STREAM, .tests = { EQUAL(1, SIOCOUTQNSD) },
	    .because = "the end waits until all is sent" },
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
	    .tests = { OWN(0), EQUAL(1, SOL_SOCKET), EQUAL(2, SO_SNDBUF) },
	    .because = "libsystemd wants room for a record" },
	{ CALL(setsockopt), IN_ALL,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_SNDBUFFORCE) },
	    .because = "libsystemd's second try, which may fail" },
	{ CALL(sendmsg), IN_ALL,
	    .tests = { MAYBE(2, MSG_NOSIGNAL, MSG_DONTWAIT) },
	    .because = "the record itself" },
	{ CALL(setitimer), IN_ALL, .tests = { EQUAL(0, ITIMER_REAL) },
	    .because = "nobody waits for long for who reads the log" },
	{ CALL(prctl), IN_ALL,
	    .tests = { EQUAL(0, PR_GET_NAME) },
	    .because = "libsystemd, when there is no room for a record" },
	{ CALL(memfd_create), IN_ALL, CALL_REFUSED, EPERM,
	    .because = "the same: that record is lost, not the session" },

	/* What a libc of tomorrow may call on its own. */
	{ CALL(rt_sigprocmask), IN_ALL, .spare = true,
	    .because = "getrandom(3) of glibc 2.41, around its own state" },
	UNFAILING(getpid),
	UNFAILING(gettid),
	UNFAILING(getuid),
	UNFAILING(geteuid),
	UNFAILING(getgid),
	UNFAILING(getegid),
	UNFAILING(sched_yield),
	{ CALL(futex), IN_ALL, .spare = true,
	    .tests = { MAYBE(1, FUTEX_WAKE, FUTEX_PRIVATE_FLAG) },
	    .because = "pthread_once wakes nobody; glibc aborts on an error" },
	{ CALL(prlimit64), IN_ALL, .spare = true,
	    .tests = { EQUAL(0, 0), EQUAL(2, 0) },
	    .because = "sysconf reads limits; setting is refused" },

	/* Memory: never code, never a file. */
	{ CALL(mmap), IN_NEGOTIATE,
	    .tests = { MAYBE(2, PROT_NONE, PROT_READ | PROT_WRITE),
		MAYBE(3, MAP_PRIVATE | MAP_ANONYMOUS, HUGE_PAGES) },
	    .because = "yescrypt's 16 MiB" },
	{ CALL(munmap), IN_NEGOTIATE,
	    .because = "gives them back" },
	{ CALL(brk), IN_RESOLVE,
	    .because = "malloc, for long answers of name servers" },
	{ CALL(brk), IN_ALL & ~IN_RESOLVE, .spare = true,
	    .because = "malloc of a newer library; brk(2) has no errors" },
	{ CALL(mmap), IN_ALL & ~IN_NEGOTIATE, .spare = true,
	    .tests = { MAYBE(2, PROT_NONE, PROT_READ | PROT_WRITE),
		MAYBE(3, MAP_PRIVATE | MAP_ANONYMOUS, HUGE_PAGES) },
	    .because = "malloc, where brk(2) cannot; a table cut short" },
	{ CALL(munmap), IN_ALL & ~IN_NEGOTIATE, .spare = true,
	    .because = "gives that back" },

	/* Files, opened before. */
	{ CALL(pread64), IN_ROUTE,
	    .because = "hosts, resolv.conf, routes; the password file" },
	{ CALL(pread64), IN_ALG,
	    .because = "indexes of lists" },

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
	{ CALL(getrandom), IN_RESOLVE,
	    .because = "IDs of queries" },
	{ CALL(getrandom), IN_ALL & ~IN_RESOLVE, .spare = true,
	    .because = "glibc's malloc" },
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
	{ CALL(setsockopt), IN_NEGOTIATE | IN_ALG,
	    .tests = { EQUAL(1, IPPROTO_IPV6), EQUAL(2, IPV6_FREEBIND) },
	    .because = "a rule's `source NET`: an address of it" },

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
	{ CALL(fcntl), IN_TABLE, .tests = { EQUAL(1, F_SETLK) },
	    .because = "one process at a time" },
	{ CALL(fcntl), IN_UDP, .tests = { EQUAL(1, F_SETLK) },
	    .because = "the same, for ADDRESS IDs of datagrams" },
	{ CALL(fcntl), IN_LISTEN, .tests = { EQUAL(1, F_GETLK) },
	    .because = "does the BIND live that PORT or EPRT names?" },
	{ CALL(fcntl), IN_UDP, .tests = { EQUAL(1, F_GETLK) },
	    .because = "does the connection last that an ID is kept for?" },

	/* The way into the relay stage. */
	{ CALL(capset), IN_CONNECT,
	    .because = "drops CAP_NET_ADMIN, which `mark` kept" },
	{ CALL(seccomp), IN_CONNECT,
	    .tests = { EQUAL(0, SECCOMP_SET_MODE_FILTER), EQUAL(1, 0) },
	    .because = "the next stage's filter" },

	/* Sockets that libc asks for, and does without. */
	{ CALL(socket), IN_ALL, CALL_REFUSED, EAFNOSUPPORT, .spare = true,
	    .tests = { EQUAL(0, AF_NETLINK), EQUAL(2, NETLINK_ROUTE) },
	    .because = "getifaddrs of a newer library" },
	{ CALL(socket), IN_ALL, CALL_REFUSED, EAFNOSUPPORT, .spare = true,
	    .tests = { EQUAL(0, AF_UNIX), SOCKET(1, SOCK_STREAM),
		EQUAL(2, 0) },
	    .because = "nscd, syslogd" },

	/*
	 * SECURITY: from here on what nothing of ours has a use for, and what
	 * an exploit wants.  It ends the session at once, and the kernel
	 * leaves a record of it.  What is in no row fails with ENOSYS.
	 */
	/* Other sockets, and doors for other connections. */
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { { 0, CALL_AT_LEAST, ~UINT64_C(0), AF_PACKET,
		"AF_PACKET or newer" } },
	    .because = "frames, virtual machines, the kernel's ciphers" },
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(0, AF_NETLINK), OTHER(2, NETLINK_ROUTE) },
	    .because = "talks to parts of the kernel" },
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { OLD_FAMILY(0) },
	    .because = "networks that nobody has, and keys" },
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(0, AF_UNIX), SEQPACKET(1) },
	    .because = "other processes" },
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET), OTHER(2, 0) },
	    .because = "raw packets, and protocols beside TCP and UDP" },
	{ CALL(socket), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET6), OTHER(2, 0) },
	    .because = "raw packets, and protocols beside TCP and UDP" },
	{ CALL(socket), IN_BIND, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET), SOCKET(1, SOCK_STREAM) },
	    .because = "a new connection" },
	{ CALL(socket), IN_BIND, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET6), SOCKET(1, SOCK_STREAM) },
	    .because = "a new connection" },
	{ CALL(socket), IN_ALG, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET), SOCKET(1, SOCK_DGRAM) },
	    .because = "datagrams" },
	{ CALL(socket), IN_ALG, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET6), SOCKET(1, SOCK_DGRAM) },
	    .because = "datagrams" },
	{ CALL(socket), IN_WATCH | IN_RELAY, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET) }, .because = "a new connection" },
	{ CALL(socket), IN_WATCH | IN_RELAY, CALL_KILLED,
	    .tests = { EQUAL(0, AF_INET6) }, .because = "a new connection" },
	CLOSED(connect, IN_ROUTE | IN_ALG, "a new connection"),
	{ CALL(connect), IN_ROUTE | IN_ALG, CALL_KILLED,
	    .tests = { SHARED(0) },
	    .because = "a socket of all sessions" },
	CLOSED(bind, IN_ROUTE | IN_ALG, "a port"),
	CLOSED(listen, IN_LISTEN, "a new listener"),
	KILLS(accept, "a connection that is not this session's"),
	CLOSED(accept4, IN_CONNECT, "a connection that is not this session's"),
	{ CALL(accept4), IN_CONNECT, CALL_KILLED,
	    .tests = { OTHER(3, SOCK_CLOEXEC | SOCK_NONBLOCK) },
	    .because = "a connection that is not this session's" },
	{ CALL(shutdown), IN_NEGOTIATE, CALL_KILLED, .tests = { SHARED(0) },
	    .because = "a socket of all sessions" },

	/* Code that was not there at the start. */
	KILLS(execve, "another program"),
	KILLS(execveat, "another program"),
	KILLS(uselib, "another program's code"),
	KILLS_WITH(mmap, 2, PROT_EXEC, "memory that is code"),
	KILLS_WITH(mprotect, 2, PROT_EXEC, "memory that is code"),
	KILLS_WITH(pkey_mprotect, 2, PROT_EXEC, "memory that is code"),
	KILLS(personality, "makes what can be read code"),
	KILLS(modify_ldt, "other segments"),

	/* Processes: new ones, and others. */
	KILLS(fork, "another process"),
	KILLS(vfork, "another process"),
	{ CALL(clone), 1 << SANDBOX_NEGOTIATE, CALL_KILLED,
	    .because = "another process or thread" },
	{ CALL(clone), IN_SERVICE, CALL_KILLED,
	    .tests = { SESSION_FLAGS(CALL_OTHER, "not ") },
	    .because = "a process that is no session, or a thread" },
	{ CALL(clone), IN_SERVICE, CALL_KILLED,
	    .tests = { SESSION_FLAGS(CALL_EQUAL, ""), OTHER(1, 0) },
	    .because = "a process with another stack" },
	KILLS(clone3, "another process or thread"),
	KILLS(kill, "another process"),
	KILLS(tkill, "another process"),
	KILLS(tgkill, "another process; abort(3) ends so, too"),
	KILLS(rt_sigqueueinfo, "another process"),
	KILLS(rt_tgsigqueueinfo, "another process"),
	KILLS(pidfd_open, "another process"),
	KILLS(pidfd_send_signal, "another process"),
	KILLS(pidfd_getfd, "a descriptor of another process"),
	KILLS(ptrace, "memory of another process"),
	KILLS(process_vm_readv, "memory of another process"),
	KILLS(process_vm_writev, "memory of another process"),
	KILLS(process_madvise, "memory of another process"),
	KILLS(process_mrelease, "memory of another process"),
	KILLS(migrate_pages, "memory of another process"),
	KILLS(move_pages, "memory of another process"),
	KILLS(kcmp, "looks into another process"),
	KILLS(shmget, "memory of several processes"),
	KILLS(shmat, "memory of several processes"),
	KILLS(shmctl, "memory of several processes"),
	KILLS(msgget, "a queue of several processes"),
	KILLS(semget, "semaphores of several processes"),
	KILLS(mq_open, "a queue of several processes"),
	KILLS(mq_unlink, "a queue of several processes"),

	/* Files: to write, to make, to change, to find by handle. */
	KILLS_WITH(openat, 2, O_WRONLY, "a file to write"),
	KILLS_WITH(openat, 2, O_RDWR, "a file to write"),
	KILLS_WITH(openat, 2, O_CREAT, "a new file"),
	KILLS_WITH(openat, 2, O_TRUNC, "empties a file"),
	KILLS_WITH(open, 1, O_WRONLY, "a file to write"),
	KILLS_WITH(open, 1, O_RDWR, "a file to write"),
	KILLS_WITH(open, 1, O_CREAT, "a new file"),
	KILLS_WITH(open, 1, O_TRUNC, "empties a file"),
	{ CALL(openat), IN_ALL, CALL_REFUSED, ENOENT, .spare = true,
	    .tests = { READS(2) },
	    .because = "c-ares looks for files of its own" },
	{ CALL(open), IN_ALL, CALL_REFUSED, ENOENT, .spare = true,
	    .tests = { READS(1) },
	    .because = "other libraries do; there is none" },
	KILLS(creat, "a new file"),
	KILLS(truncate, "cuts a file"),
	KILLS(ftruncate, "cuts a file"),
	KILLS(fallocate, "changes a file"),
	KILLS(rename, "changes a directory"),
	KILLS(renameat, "changes a directory"),
	KILLS(renameat2, "changes a directory"),
	KILLS(link, "changes a directory"),
	KILLS(linkat, "changes a directory"),
	KILLS(symlink, "changes a directory"),
	KILLS(symlinkat, "changes a directory"),
	KILLS(unlink, "changes a directory"),
	KILLS(unlinkat, "changes a directory"),
	KILLS(rmdir, "changes a directory"),
	KILLS(mkdir, "changes a directory"),
	KILLS(mkdirat, "changes a directory"),
	KILLS(mknod, "a new file or device"),
	KILLS(mknodat, "a new file or device"),
	KILLS(chmod, "who may use a file"),
	KILLS(fchmod, "who may use a file"),
	KILLS(fchmodat, "who may use a file"),
	KILLS(chown, "who owns a file"),
	KILLS(fchown, "who owns a file"),
	KILLS(lchown, "who owns a file"),
	KILLS(fchownat, "who owns a file"),
	KILLS(setxattr, "who may use a file"),
	KILLS(lsetxattr, "who may use a file"),
	KILLS(fsetxattr, "who may use a file"),
	KILLS(removexattr, "who may use a file"),
	KILLS(lremovexattr, "who may use a file"),
	KILLS(fremovexattr, "who may use a file"),
	KILLS(open_by_handle_at, "a file past all directories"),

	/* Mounts, namespaces, identities. */
	KILLS(chroot, "another root"),
	KILLS(pivot_root, "another root"),
	KILLS(mount, "a file system"),
	KILLS(umount2, "a file system"),
	KILLS(open_tree, "a file system"),
	KILLS(move_mount, "a file system"),
	KILLS(mount_setattr, "a file system"),
	KILLS(fsopen, "a file system"),
	KILLS(fsconfig, "a file system"),
	KILLS(fsmount, "a file system"),
	KILLS(fspick, "a file system"),
	KILLS(unshare, "another namespace"),
	KILLS(setns, "another namespace"),
	KILLS(setuid, "another user"),
	KILLS(setreuid, "another user"),
	KILLS(setresuid, "another user"),
	KILLS(setfsuid, "another user"),
	KILLS(setgid, "another group"),
	KILLS(setregid, "another group"),
	KILLS(setresgid, "another group"),
	KILLS(setfsgid, "another group"),
	KILLS(setgroups, "another group"),
	CLOSED(capset, IN_CONNECT, "capabilities"),

	/* The kernel's large doors, and the machine itself. */
	KILLS(bpf, "code in the kernel"),
	KILLS(perf_event_open, "looks into the kernel"),
	KILLS(userfaultfd, "stops the kernel where it suits"),
	KILLS(io_uring_setup, "calls that no filter sees"),
	KILLS(io_uring_enter, "calls that no filter sees"),
	KILLS(io_uring_register, "calls that no filter sees"),
	{ CALL(setsockopt), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_ATTACH_FILTER) },
	    .because = "code in the kernel" },
	{ CALL(setsockopt), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(1, SOL_SOCKET), EQUAL(2, SO_ATTACH_BPF) },
	    .because = "code in the kernel" },
	KILLS(vmsplice, "pages of the kernel"),
	KILLS(keyctl, "keys of the kernel"),
	KILLS(add_key, "keys of the kernel"),
	KILLS(request_key, "keys of the kernel"),
	KILLS(init_module, "code in the kernel"),
	KILLS(finit_module, "code in the kernel"),
	KILLS(delete_module, "code in the kernel"),
	KILLS(kexec_load, "another kernel"),
	KILLS(kexec_file_load, "another kernel"),
	KILLS(reboot, "the machine"),
	KILLS(iopl, "the machine's ports"),
	KILLS(ioperm, "the machine's ports"),
	KILLS(swapon, "the machine's memory"),
	KILLS(swapoff, "the machine's memory"),
	KILLS(acct, "the machine's accounts"),
	KILLS(quotactl, "the machine's quotas"),
	KILLS(sethostname, "the machine's name"),
	KILLS(setdomainname, "the machine's name"),
	KILLS(settimeofday, "the machine's clock"),
	KILLS(clock_settime, "the machine's clock"),
	KILLS(clock_adjtime, "the machine's clock"),
	KILLS(adjtimex, "the machine's clock"),
	KILLS(syslog, "the kernel's log"),
	CLOSED(seccomp, IN_CONNECT, "a filter that is not the next stage's"),
	{ CALL(seccomp), IN_CONNECT, CALL_KILLED,
	    .tests = { OTHER(0, SECCOMP_SET_MODE_FILTER) },
	    .because = "what is no filter of the next stage" },
	{ CALL(seccomp), IN_CONNECT, CALL_KILLED,
	    .tests = { EQUAL(0, SECCOMP_SET_MODE_FILTER), OTHER(1, 0) },
	    .because = "a filter that others decide for" },
	{ CALL(ioctl), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(1, TIOCSTI) },
	    .because = "types on the terminal" },
	{ CALL(ioctl), IN_NEGOTIATE, CALL_KILLED,
	    .tests = { EQUAL(1, TIOCLINUX) },
	    .because = "types on the console" },
};
/* clang-format on */

const size_t call_count = ARRAY_COUNT(calls);
