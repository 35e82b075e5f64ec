/* SPDX-License-Identifier: ISC */
/*
 * Runs a program and makes one of its system calls fail, or ends it there:
 *
 *	inject REPORT COMMAND...		  only counts
 *	inject REPORT CALL:NTH:HOW COMMAND...     does something to the NTH
 *						  call of that name
 *
 * HOW is
 *	error=ERRNO    it is not made, and fails with that number
 *	errors=ERRNO   so do all of that name behind it
 *	short=LENGTH   it is given no more than so many octets
 *	signal=NUMBER  the signal comes right before it
 *	pause=MS       the process stands still so long before it
 *
 * REPORT gets a line "CALL NTH" for each call, in order, and at the end
 * "exit STATUS" or "signal NUMBER".  Calls are counted from main() on: what
 * the loader does is not ours.  It works behind a seccomp filter: the kernel
 * shows a call to a tracer first, then to the filter, which sees another one.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 512, NAME = 32 };

enum how { NOTHING, ERROR, ERRORS, SHORT, SIGNAL, PAUSE };

static struct {
	char call[NAME];
	unsigned long nth;
	enum how how;
	long value;
} plan;

static struct {
	FILE *report;
	unsigned long counts[CALLS];
	bool in_main; /* behind the first call of wait_prepare() */
	bool inside;  /* a call */
	bool failing; /* that call is not made */
	bool changed; /* its arguments were, which a call preserves */
	struct user_regs_struct before;
} state;

static void
require(bool success, const char *what)
{
	if (success)
		return;
	perror(what);
	exit(125);
}

static void
read_plan(char *text)
{
	static const char *const words[] = { [ERROR] = "error",
		[ERRORS] = "errors",
		[SHORT] = "short",
		[SIGNAL] = "signal",
		[PAUSE] = "pause" };
	const char *call = strtok(text, ":");
	const char *nth = strtok(NULL, ":");
	const char *how = strtok(NULL, "=");
	const char *value = strtok(NULL, "");

	if (value == NULL || strlen(call) >= NAME)
		exit(125);
	memcpy(plan.call, call, strlen(call) + 1);
	plan.nth = strtoul(nth, NULL, 10);
	plan.value = strtol(value, NULL, 10);
	for (int i = ERROR; i <= PAUSE; i++)
		if (strcmp(how, words[i]) == 0)
			plan.how = (enum how)i;
	if (plan.how == NOTHING)
		exit(125);
}

static void
stand_still(long milliseconds)
{
	const struct timespec time = { .tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Octets are counted in the third argument, those of splice(2) in the
 * fifth. */
static void
shorten(struct user_regs_struct *regs)
{
	unsigned long long *length = regs->orig_rax == SYS_splice ? &regs->r8 :
								    &regs->rdx;

	if (*length > (unsigned long long)plan.value)
		*length = (unsigned long long)plan.value;
}

static void
interfere(pid_t pid, struct user_regs_struct *regs)
{
	state.before = *regs;
	state.changed = true;
	switch (plan.how) {
	case NOTHING: return;
	case ERROR:
	case ERRORS:
		/* It has no errno: it returns what the break is. */
		if (regs->orig_rax == SYS_brk) {
			regs->rdi = 0;
			break;
		}
		/* What every filter lets through, and does nothing. */
		regs->orig_rax = SYS_restart_syscall;
		state.failing = true;
		break;
	case SHORT: shorten(regs); break;
	case SIGNAL: kill(pid, (int)plan.value); return;
	case PAUSE: stand_still(plan.value); return;
	}
	require(ptrace(PTRACE_SETREGS, pid, NULL, regs) == 0, "SETREGS");
}

static void
enter_call(pid_t pid)
{
	struct user_regs_struct regs;
	unsigned long nth;
	char *name;
	bool planned;

	require(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "GETREGS");
	if (regs.orig_rax >= CALLS)
		return;
	if (regs.orig_rax == SYS_rt_sigprocmask)
		state.in_main = true;
	if (!state.in_main)
		return;
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64,
	    (int)regs.orig_rax);
	nth = ++state.counts[regs.orig_rax];
	fprintf(state.report, "%s %lu\n", name == NULL ? "?" : name, nth);
	planned = name != NULL && strcmp(name, plan.call) == 0 &&
	    (nth == plan.nth || (plan.how == ERRORS && nth > plan.nth));
	free(name);
	if (planned)
		interfere(pid, &regs);
}

static void
leave_call(pid_t pid)
{
	struct user_regs_struct regs;

	if (!state.changed)
		return;
	require(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0, "GETREGS");
	regs.rdi = state.before.rdi;
	regs.rdx = state.before.rdx;
	regs.r8 = state.before.r8;
	if (state.failing)
		regs.rax = (unsigned long long)-plan.value;
	state.failing = false;
	state.changed = false;
	require(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0, "SETREGS");
}

/* Returns the wait status of the end. */
static int
follow(pid_t pid)
{
	int status;
	int signal = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, signal) != 0)
			require(errno == ESRCH, "SYSCALL");
		require(waitpid(pid, &status, __WALL) == pid, "waitpid");
		signal = 0;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			return status;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			if (status >> 16 == 0)
				signal = WSTOPSIG(status);
			continue;
		}
		state.inside = !state.inside;
		if (state.inside)
			enter_call(pid);
		else
			leave_call(pid);
	}
}

static pid_t
start(char **command)
{
	const pid_t pid = fork();
	int status;

	require(pid >= 0, "fork");
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(command[0], command);
		_exit(126);
	}
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	require(ptrace(PTRACE_SETOPTIONS, pid, NULL,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
			PTRACE_O_EXITKILL) == 0,
	    "SETOPTIONS");
	return pid;
}

int
main(int argc, char **argv)
{
	char **command = argv + 2;
	int status;

	if (argc < 3)
		return 125;
	if (strchr(argv[2], ':') != NULL) {
		read_plan(argv[2]);
		command++;
	}
	state.report = fopen(argv[1], "we");
	require(state.report != NULL, argv[1]);
	status = follow(start(command));
	if (WIFEXITED(status))
		fprintf(state.report, "exit %d\n", WEXITSTATUS(status));
	else
		fprintf(state.report, "signal %d\n", WTERMSIG(status));
	fclose(state.report);
	return 0;
}
