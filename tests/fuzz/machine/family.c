/* SPDX-License-Identifier: ISC */
/*
 * Processes of the listening mode.  Each run is one of them: at each fork the
 * scenario says whether it goes on as the parent or as the child, and the
 * script says what the others do: their messages, their ends, and signals.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

enum { PID = 4242, CHILDREN_MAX = 64, MEMORY_SIZE = 1 << 26, ALL_EQUAL = 8 };

static pid_t own;
static pid_t parent;
static unsigned forks;
static struct {
	pid_t pid;
	int status;
	bool dead;
} children[CHILDREN_MAX];
static size_t count;
static int signals[CHILDREN_MAX];
static size_t signal_count;
static uint8_t *memory;
static bool memory_used;

void
family_reset(void)
{
	own = PID;
	parent = 1;
	forks = 0;
	count = 0;
	signal_count = 0;
	if (memory == NULL) {
		memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		machine_check(memory != MAP_FAILED, "there is no memory");
	}
	if (memory_used)
		(void)madvise(memory, MEMORY_SIZE, MADV_DONTNEED);
	memory_used = false;
}

pid_t
hook_getpid(void)
{
	return own;
}

pid_t
hook_getppid(void)
{
	return parent;
}

void *
family_memory(size_t length, off_t offset)
{
	machine_check((size_t)offset + length <= MEMORY_SIZE,
	    "more memory is shared");
	memory_used = true;
	return memory + offset;
}

/* ------------------------------------------------------------- forking */

/* Does this run go on as the child?  0: as the parent, of that process. */
static pid_t
divide(void)
{
	const bool is_child = (machine.scenario.forks >> forks & 1) != 0;
	const pid_t pid = PID + 1 + (pid_t)forks;

	forks = (forks + 1) % ALL_EQUAL;
	if (is_child)
		return 0;
	if (count == CHILDREN_MAX)
		return -1;
	children[count].pid = PID + 1 + (pid_t)count;
	children[count].dead = false;
	(void)pid;
	return children[count++].pid;
}

pid_t
hook_fork(void)
{
	const pid_t pid = machine.scenario.listens ? divide() : -1;

	if (pid == -1)
		errno = EAGAIN;
	if (pid != 0)
		return pid;
	machine.term_read = false;
	parent = own;
	own = PID + CHILDREN_MAX;
	count = 0;
	return 0;
}

/* clone(2) with CLONE_PARENT: the child is a session of the same parent. */
long
family_clone(_Atomic int32_t *pid, _Atomic int32_t *its_own)
{
	const long child = divide();

	if (child < 0) {
		errno = EAGAIN;
		return -1;
	}
	*pid = child == 0 ? PID + 2 * CHILDREN_MAX : (int32_t)child;
	if (child > 0)
		return child;
	own = *pid;
	*its_own = *pid;
	/* From here it is a session, and that is its client. */
	machine.client = machine.accepted;
	machine.client->client = true;
	return 0;
}

/* --------------------------------------------------- ends and signals */

void
family_signal(int number)
{
	if (signal_count < CHILDREN_MAX)
		signals[signal_count++] = number;
}

bool
family_has_signal(void)
{
	return signal_count > 0;
}

bool
family_take_signal(struct signalfd_siginfo *out)
{
	if (signal_count == 0)
		return false;
	memset(out, 0, sizeof(*out));
	out->ssi_signo = (uint32_t)signals[0];
	signal_count--;
	memmove(signals, signals + 1, signal_count * sizeof(signals[0]));
	return true;
}

void
family_end(unsigned which, int status)
{
	if (count == 0 || children[which % count].dead)
		return;
	children[which % count].dead = true;
	children[which % count].status = status;
	family_signal(SIGCHLD);
}

pid_t
family_child(unsigned which)
{
	return count == 0 ? 1 : children[which % count].pid;
}

int
hook_kill(pid_t process, int number)
{
	for (size_t i = 0; i < count; i++) {
		if (children[i].pid != process)
			continue;
		machine_check(!children[i].dead || number == SIGTERM,
		    "a process that has ended gets a signal");
		if (number == SIGKILL || number == SIGTERM)
			family_end((unsigned)i, number);
		return 0;
	}
	errno = ESRCH;
	return -1;
}

pid_t
hook_waitpid(pid_t process, int *status, int options)
{
	(void)options;
	for (size_t i = 0; i < count; i++) {
		const pid_t pid = children[i].pid;

		if (!children[i].dead && process != pid)
			continue;
		*status = children[i].dead ? children[i].status : 0;
		memmove(&children[i], &children[i + 1],
		    (--count - i) * sizeof(children[0]));
		return pid;
	}
	errno = ECHILD;
	return -1;
}

pid_t
hook_wait4(pid_t process, int *status, int options, struct rusage *usage)
{
	(void)usage;
	return hook_waitpid(process, status, options);
}

/* ------------------------------------------------------------- messages */

/* The two ends of a pair: what is sent to the second comes to the first. */
int
hook_socketpair(int domain, int type, int protocol, int fds[2])
{
	struct thing *first;
	struct thing *second;

	(void)domain;
	(void)type;
	(void)protocol;
	first = thing_new(KIND_MESSAGES);
	fds[0] = fd_new(first, 0);
	second = thing_new(KIND_MESSAGES);
	second->other = first;
	fds[1] = fd_new(second, 0);
	return 0;
}

void
family_tell(pid_t sender, const void *data, size_t length)
{
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *t = &machine.things[i];
		const struct address from = { .port = (uint16_t)sender };

		if (t->kind == KIND_MESSAGES && t->other == NULL)
			(void)datagram_put(t, &from, data, length);
	}
}

ssize_t
hook_recvmsg(int fd, struct msghdr *message, int flags)
{
	struct thing *thing = thing_of(fd);
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct address from;
	struct ucred who = { .uid = 1000, .gid = 1000 };
	ssize_t n;

	(void)flags;
	if (thing == NULL)
		return -1;
	n = datagram_take(thing, &from, message->msg_iov[0].iov_base,
	    message->msg_iov[0].iov_len);
	if (n < 0)
		return -1;
	if ((size_t)n > message->msg_iov[0].iov_len)
		n = (ssize_t)message->msg_iov[0].iov_len;
	who.pid = from.port;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(who));
	memcpy(CMSG_DATA(c), &who, sizeof(who));
	return n;
}
