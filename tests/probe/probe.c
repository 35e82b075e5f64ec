/* SPDX-License-Identifier: ISC */
/*
 * Enters a stage of the sandbox and makes one system call, or does one thing
 * that a library does with several.
 *
 *   probe [-u USER] [-m] STAGE CALL [ARGUMENT]...
 *
 * STAGE: none, landlock (that alone), service, negotiate, bind, udp, watch,
 * alg, relay.  -u: become USER first, "-" is the default one; -m: as if `mark`
 * were set.  CALL: a system call by name or number, or
 *
 *   hash SALT   crypt(3), and print the hash
 *   status      print /proc/PID/status as it is then, and who owns it
 *   journal     a record that no journald would take
 *   abstract NAME   connect to a unix-domain datagram socket without a path
 *
 * ARGUMENT: a number, a pointer to a text (@text), or to zeroed memory (-).
 * Prints the result or the error's name.  Exit status: 0 done, 1 an error,
 * 71 the sandbox could not be entered, 64 a wrong call.
 */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "sandbox/calls.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

enum {
	EXIT_USAGE = 64,
	EXIT_SYSTEM = 71,
	ARGUMENTS_MAX = 6,
	SCRATCH = 4096,
	RECORD = 32 << 20,
	STAGE_NONE = -1,
	STAGE_LANDLOCK = -2,
};

struct probe {
	int stage;
	const char *call;
	char **arguments;
};

/* Everything is printed on fd 2, the only one that a stage may write to; it
 * is the standard output: see main(). */
_Noreturn static void
leave(int code, const char *line)
{
	if (write(STDERR_FILENO, line, strlen(line)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(EXIT_USAGE);
	_exit(code);
}

_Noreturn static void
leave_with_number(long number)
{
	char buffer[32];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add_number(&t, (uint64_t)number);
	leave(0, t.start);
}

static void
enter_one(enum sandbox_stage stage)
{
	const char *problem = sandbox_enter(stage, true);

	if (problem != NULL)
		leave(EXIT_SYSTEM, problem);
}

static void
enter(int stage)
{
	bool missing;

	if (stage == STAGE_NONE)
		return;
	if (stage == STAGE_LANDLOCK) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    !landlock_enter(&missing) || missing)
			leave(EXIT_SYSTEM, "no Landlock");
		return;
	}
	/* The listening mode's stage is inherited in place of the first. */
	enter_one(stage == SANDBOX_SERVICE ? SANDBOX_SERVICE :
					     SANDBOX_NEGOTIATE);
	if (stage > SANDBOX_NEGOTIATE)
		enter_one((enum sandbox_stage)stage);
}

static int
stage_of(const char *name)
{
	for (int i = 0; i < SANDBOX_STAGES; i++) {
		if (strcmp(name, call_stage_names[i]) == 0)
			return i;
	}
	if (strcmp(name, "landlock") == 0)
		return STAGE_LANDLOCK;
	if (strcmp(name, "none") != 0)
		leave(EXIT_USAGE, "no such stage");
	return STAGE_NONE;
}

static long
argument_of(char *text)
{
	static char scratch[SCRATCH];

	if (*text == '@')
		return (long)(text + 1);
	if (strcmp(text, "-") == 0)
		return (long)scratch;
	return (long)strtoull(text, NULL, 0);
}

static int
number_of(const char *call)
{
	char *end;
	const unsigned long number = strtoul(call, &end, 0);

	if (*end == '\0')
		return (int)number;
	const int resolved = seccomp_syscall_resolve_name(call);
	if (resolved == __NR_SCMP_ERROR)
		leave(EXIT_USAGE, "no such call");
	return resolved;
}

_Noreturn static void
probe_call(const struct probe *p)
{
	const int number = number_of(p->call);
	long a[ARGUMENTS_MAX] = { 0 };

	for (size_t i = 0; i < ARGUMENTS_MAX && p->arguments[i] != NULL; i++)
		a[i] = argument_of(p->arguments[i]);
	enter(p->stage);
	const long result = syscall(number, a[0], a[1], a[2], a[3], a[4],
	    a[5]);
	if (result < 0)
		leave(1, strerrorname_np(errno));
	leave_with_number(result);
}

_Noreturn static void
probe_hash(const struct probe *p)
{
	enter(p->stage);
	const char *hash = crypt("secret", p->arguments[0]);
	const bool usable = hash != NULL && *hash != '*';
	leave(usable ? 0 : 1, usable ? hash : "no such hash");
}

/* Of a child that is in the stage: a stage cannot read its own. */
static void
print_status(pid_t child)
{
	static char status[SCRATCH];
	char path[64];
	struct stat file;
	struct text t = text_in(path, sizeof(path));

	text_add(&t, "/proc/");
	text_add_number(&t, (uint64_t)child);
	text_add(&t, "/status");
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, status, sizeof(status) - 1) <= 0)
		leave(1, strerrorname_np(errno));
	if (fstat(fd, &file) != 0)
		leave(1, strerrorname_np(errno));
	kill(child, SIGKILL);
	struct text end = { status, strlen(status), sizeof(status), false };
	text_add(&end, "Owner: ");
	text_add_number(&end, file.st_uid);
	leave(0, status);
}

/* Forks; the child comes back, the parent prints what has become of it. */
static void
watch(void)
{
	int ready[2];
	char octet;

	if (pipe(ready) != 0)
		leave(1, strerrorname_np(errno));
	const pid_t child = fork();
	if (child == 0) {
		dup2(ready[1], STDOUT_FILENO);
		dup2(ready[1], STDERR_FILENO);
		close(ready[0]);
		close(ready[1]);
		return;
	}
	close(ready[1]);
	while (read(ready[0], &octet, 1) == 1) {
		if (octet == '!')
			print_status(child);
		if (write(STDERR_FILENO, &octet, 1) < 0)
			break; /* why it could not enter */
	}
	_exit(EXIT_SYSTEM);
}

_Noreturn static void
probe_status(const struct probe *p)
{
	struct pollfd parent = { .fd = STDERR_FILENO }; /* POLLERR: gone */

	enter(p->stage);
	if (write(STDERR_FILENO, "!", 1) == 1)
		ppoll(&parent, 1, NULL, NULL);
	_exit(1);
}

/* libsystemd then tries to pass a file. */
_Noreturn static void
probe_journal(const struct probe *p)
{
	static char field[RECORD] = "MESSAGE=";
	const struct iovec record = { field, sizeof(field) };

	enter(p->stage);
	const int result = sd_journal_sendv(&record, 1);
	if (result < 0)
		leave(1, strerrorname_np(-result));
	leave(0, "sent");
}

_Noreturn static void
probe_abstract(const struct probe *p)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const size_t length = strlen(p->arguments[0]);
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (length >= sizeof(to.sun_path))
		leave(EXIT_USAGE, "too long a name");
	memcpy(to.sun_path + 1, p->arguments[0], length);
	enter(p->stage);
	if (connect(fd, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		    length)) != 0)
		leave(1, strerrorname_np(errno));
	leave(0, "connected");
}

static const struct {
	const char *name;
	void (*run)(const struct probe *p);
	bool takes_argument;
} specials[] = {
	{ "hash", probe_hash, true },
	{ "status", probe_status, false },
	{ "journal", probe_journal, false },
	{ "abstract", probe_abstract, true },
};

static void
become(const char *user, uint64_t keep)
{
	struct sandbox_user who;
	const char *problem = sandbox_find_user(
	    strcmp(user, "-") == 0 ? NULL : user, &who);

	if (problem == NULL)
		problem = sandbox_become(&who, keep);
	if (problem != NULL)
		leave(EXIT_SYSTEM, problem);
}

int
main(int argc, char **argv)
{
	uint64_t keep = 0;
	const char *user = NULL;
	int option;

	dup2(STDOUT_FILENO, STDERR_FILENO);
	for (;;) {
		option = getopt(argc, argv, "+mu:");
		if (option == -1)
			break;
		if (option == 'm')
			keep = UINT64_C(1) << CAP_NET_ADMIN;
		else if (option == 'u')
			user = optarg;
		else
			return EXIT_USAGE;
	}
	if (argc - optind < 2)
		leave(EXIT_USAGE, "probe [-u USER] [-m] STAGE CALL ...");
	const struct probe p = {
		.stage = stage_of(argv[optind]),
		.call = argv[optind + 1],
		.arguments = argv + optind + 2,
	};
	if (strcmp(p.call, "status") == 0)
		watch();
	if (user != NULL)
		become(user, keep);
	for (size_t i = 0; i < ARRAY_COUNT(specials); i++) {
		if (strcmp(p.call, specials[i].name) == 0 &&
		    specials[i].takes_argument == (p.arguments[0] != NULL))
			specials[i].run(&p);
	}
	probe_call(&p);
}
