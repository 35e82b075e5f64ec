/* SPDX-License-Identifier: ISC */
/*
 * A library of tomorrow, for LD_PRELOAD: before each ppoll(2) it makes the
 * system calls that libraries make on their own, and that no release which
 * this program was built on makes.  With TOMORROW=NUMBER it makes that one
 * call instead, without arguments.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { DROPPABLE = 0x28, PAGE = 4096, SET_VMA = 0x53564d41 };

static const char *only;

__attribute__((constructor)) static void
prepare(void)
{
	only = getenv("TOMORROW");
}

static void
try_files(void)
{
	static char path[PAGE];
	struct stat status;

	syscall(SYS_openat, AT_FDCWD, "/etc/nsswitch.conf", O_RDONLY);
	syscall(SYS_newfstatat, AT_FDCWD, "/etc/resolv.conf", &status, 0);
	syscall(SYS_fstat, 0, &status);
	syscall(SYS_statx, AT_FDCWD, "/etc/hosts", 0, 0, path);
	syscall(SYS_lseek, 0, 0, SEEK_END);
	syscall(SYS_readlinkat, AT_FDCWD, "/etc/localtime", path, PAGE);
	syscall(SYS_faccessat2, AT_FDCWD, "/etc/gai.conf", R_OK, 0);
	syscall(SYS_getcwd, path, PAGE);
	syscall(SYS_ioctl, 2, TCGETS, path);
	syscall(SYS_fcntl, 0, F_GETFL);
}

static void
try_memory(void)
{
	syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, DROPPABLE, -1, 0);
	syscall(SYS_mprotect, 0, 0, PROT_READ);
	syscall(SYS_mremap, 0, PAGE, 2 * PAGE, 0, 0);
	syscall(SYS_madvise, 0, 0, MADV_FREE);
	syscall(SYS_prctl, SET_VMA, 0, 0, 0, 0);
	syscall(SYS_sysinfo, &(struct sysinfo){ 0 });
	syscall(SYS_brk, 0);
}

static void
try_sockets(void)
{
	syscall(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	syscall(SYS_getpeername, 0, 0, 0);
	syscall(SYS_sendmmsg, -1, 0, 0, 0);
	syscall(SYS_recvmmsg, -1, 0, 0, 0, 0);
	syscall(SYS_setsockopt, 0, SOL_SOCKET, SO_PRIORITY, 0, 0);
	syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	syscall(SYS_eventfd2, 0, 0);
	syscall(SYS_timerfd_create, 0, 0);
}

static void
try_process(void)
{
	static char set[PAGE];

	syscall(SYS_uname, &(struct utsname){ 0 });
	syscall(SYS_getpid);
	syscall(SYS_gettid);
	syscall(SYS_geteuid);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, 0, set, 8);
	syscall(SYS_sched_getaffinity, 0, PAGE, set);
	syscall(SYS_sched_yield);
	syscall(SYS_getrandom, set, 8, 0);
	syscall(SYS_getrusage, 0, set);
	syscall(SYS_rseq, 0, 0, 0, 0);
	syscall(SYS_membarrier, 0, 0, 0);
	syscall(600); /* one that is still to come */
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	if (only != NULL) {
		syscall(atol(only), 0, 0, 0, 0, 0, 0);
	} else {
		try_files();
		try_memory();
		try_sockets();
		try_process();
	}
	return (int)syscall(SYS_ppoll, fds, n, timeout, mask, _NSIG / 8);
}
