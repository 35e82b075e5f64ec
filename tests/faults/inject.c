/* SPDX-License-Identifier: ISC */
/*
 * Runs a program and makes one of its system calls fail, or ends it there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static const char usage[] =
    "inject REPORT COMMAND...                   only counts\n"
    "inject REPORT [P/]CALL:NTH:HOW COMMAND...  does something to the NTH\n"
    "                                           call of that name\n"
    "inject - COMMAND...                        is that command\n"
    "HOW is\n"
    "error=ERRNO    it is not made, and fails with that number\n"
    "errors=ERRNO   so do all of that name behind it\n"
    "short=LENGTH   it is given no more than so many octets\n"
    "signal=NUMBER  the signal comes right before it\n"
    "pause=MS       the process stands still so long before it\n"
    "P is the process: 0, the command, if it is not given; 1 and so on are\n"
    "those that were forked, in the order of their birth.  REPORT gets\n"
    "call P NAME NTH  for each call, in order, from main() on: what the\n"
    "                 loader does is not ours\n"
    "fd P TARGET      for each descriptor that is open as P exits\n"
    "exit P STATUS, signal P NUMBER\n"
    "$LISTEN_PID is the command where there is $LISTEN_FDS.  SIGTERM is\n"
    "passed on to it.  A signal takes $SIGNALS_TAKE milliseconds longer.\n";

enum { CALLS = 512, NAME = 32, PROCESSES = 64, PATH = 64 };

enum how { NOTHING, ERROR, ERRORS, SHORT, SIGNAL, PAUSE };

static struct {
	unsigned process;
	char call[NAME];
	unsigned long nth;
	enum how how;
	long value;
} plan;

struct process {
	pid_t pid;
	unsigned long counts[CALLS];
	bool born;    /* its first stop was seen */
	bool in_main; /* behind the first call of wait_prepare() */
	bool inside;  /* a call */
	bool failing; /* that call is not made */
	bool changed; /* its arguments were, which a call preserves */
	struct user_regs_struct before;
};

static struct process processes[PROCESSES];
static unsigned born;
static FILE *report;
static volatile pid_t command_pid;
static long signals_take;

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
	const char *slash = strchr(text, '/');
	const char *call;
	const char *nth;
	const char *how;
	const char *value;

	if (slash != NULL)
		plan.process = (unsigned)strtoul(text, NULL, 10);
	call = strtok(slash != NULL ? text + (slash - text) + 1 : text, ":");
	nth = strtok(NULL, ":");
	how = strtok(NULL, "=");
	value = strtok(NULL, "");
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
interfere(struct process *p, struct user_regs_struct *regs)
{
	p->before = *regs;
	p->changed = true;
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
		p->failing = true;
		break;
	case SHORT: shorten(regs); break;
	case SIGNAL:
	case PAUSE:
		p->changed = false;
		if (plan.how == SIGNAL)
			kill(p->pid, (int)plan.value);
		else
			stand_still(plan.value);
		return;
	}
	require(ptrace(PTRACE_SETREGS, p->pid, NULL, regs) == 0, "SETREGS");
}

/* What a process still holds as it exits. */
static void
report_descriptors(const struct process *p)
{
	char path[PATH];
	char target[PATH_MAX];
	const struct dirent *entry;
	DIR *directory;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	directory = opendir(path);
	if (directory == NULL)
		return;
	for (;;) {
		ssize_t n;

		entry = readdir(directory);
		if (entry == NULL)
			break;
		n = readlinkat(dirfd(directory), entry->d_name, target,
		    sizeof(target));
		if (n > 0)
			fprintf(report, "fd %u %.*s\n",
			    (unsigned)(p - processes), (int)n, target);
	}
	closedir(directory);
}

/* It works behind a seccomp filter: the kernel shows a call to a tracer first,
 * then to the filter, which sees another one. */
static void
enter_call(struct process *p)
{
	const unsigned number = (unsigned)(p - processes);
	struct user_regs_struct regs;
	unsigned long nth;
	char *name;
	bool planned;

	if (ptrace(PTRACE_GETREGS, p->pid, NULL, &regs) != 0 ||
	    regs.orig_rax >= CALLS)
		return;
	if (regs.orig_rax == SYS_rt_sigprocmask)
		p->in_main = true;
	if (!p->in_main)
		return;
	if (regs.orig_rax == SYS_exit_group)
		report_descriptors(p);
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64,
	    (int)regs.orig_rax);
	nth = ++p->counts[regs.orig_rax];
	fprintf(report, "call %u %s %lu\n", number, name == NULL ? "?" : name,
	    nth);
	planned = name != NULL && number == plan.process &&
	    strcmp(name, plan.call) == 0 &&
	    (nth == plan.nth || (plan.how == ERRORS && nth > plan.nth));
	free(name);
	if (planned)
		interfere(p, &regs);
}

static void
leave_call(struct process *p)
{
	struct user_regs_struct regs;

	if (!p->changed)
		return;
	if (ptrace(PTRACE_GETREGS, p->pid, NULL, &regs) != 0)
		return; /* it was killed meanwhile */
	regs.rdi = p->before.rdi;
	regs.rdx = p->before.rdx;
	regs.r8 = p->before.r8;
	if (p->failing)
		regs.rax = (unsigned long long)-plan.value;
	p->failing = false;
	p->changed = false;
	ptrace(PTRACE_SETREGS, p->pid, NULL, &regs);
}

static struct process *
process_of(pid_t pid)
{
	for (unsigned i = 0; i < born; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	require(born < PROCESSES, "too many processes");
	processes[born] = (struct process){ .pid = pid, .in_main = born > 0 };
	return &processes[born++];
}

static void
report_end(const struct process *p, int status)
{
	const bool exited = WIFEXITED(status);

	fprintf(report, "%s %u %d\n", exited ? "exit" : "signal",
	    (unsigned)(p - processes),
	    exited ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* Returns the signal that the process goes on with. */
static int
stopped(struct process *p, int status)
{
	const int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		p->inside = !p->inside;
		if (p->inside)
			enter_call(p);
		else
			leave_call(p);
		return 0;
	}
	if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8)))
		p->in_main = false;
	if (status >> 16 != 0)
		return 0;
	if (!p->born && signal == SIGSTOP) {
		p->born = true;
		return 0;
	}
	stand_still(signals_take);
	return signal;
}

static void
follow(void)
{
	int status;

	for (;;) {
		const pid_t pid = waitpid(-1, &status, __WALL);
		struct process *p;

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return;
		p = process_of(pid);
		if (WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, pid, NULL,
			    (unsigned long)stopped(p, status));
		else {
			report_end(p, status);
			p->pid = 0; /* it may come again */
		}
	}
}

static void
execute(char **command)
{
	char pid[NAME];

	if (getenv("LISTEN_FDS") != NULL) {
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		setenv("LISTEN_PID", pid, 1);
	}
	execvp(command[0], command);
	_exit(126);
}

static void
start(char **command)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_EXITKILL;
	const pid_t pid = fork();
	int status;

	require(pid >= 0, "fork");
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execute(command);
	}
	require(waitpid(pid, &status, 0) == pid, "waitpid");
	require(ptrace(PTRACE_SETOPTIONS, pid, NULL, options) == 0,
	    "SETOPTIONS");
	process_of(pid)->born = true;
	command_pid = pid;
	require(ptrace(PTRACE_SYSCALL, pid, NULL, 0) == 0, "SYSCALL");
}

static void
pass_on(int number)
{
	kill(command_pid, number);
}

int
main(int argc, char **argv)
{
	const struct sigaction passing = { .sa_handler = pass_on };
	char **command = argv + 2;

	if (argc < 3) {
		fputs(usage, stderr);
		return 125;
	}
	if (strcmp(argv[1], "-") == 0)
		execute(command);
	if (strchr(argv[2], ':') != NULL) {
		read_plan(argv[2]);
		command++;
	}
	if (getenv("SIGNALS_TAKE") != NULL)
		signals_take = strtol(getenv("SIGNALS_TAKE"), NULL, 10);
	report = fopen(argv[1], "we");
	require(report != NULL, argv[1]);
	start(command);
	sigaction(SIGTERM, &passing, NULL);
	follow();
	fclose(report);
	return 0;
}
