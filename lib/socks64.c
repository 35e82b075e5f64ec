/* SPDX-License-Identifier: ISC */
/*
 * socks64: runs a command so that what it connects to is reached through a
 * SOCKS5 gateway.  It checks all settings, looks the gateway up, examines the
 * command, and executes it in its own place with libsocks64.so in front.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/check.h"
#include "lib/configure.h"
#include "lib/fakes.h"
#include "lib/gateway.h"
#include "lib/handover.h"
#include "lib/program.h"
#include "lib/real.h"
#include "policy/reader.h"

enum {
	STATUS_OK = 0,
	STATUS_NOT_REACHED = 1,
	STATUS_USAGE = 64,
	STATUS_HELPLESS = 69,
	STATUS_SYSTEM = 71,
	STATUS_CONFIG = 78,
	STATUS_NOT_EXECUTED = 126,
	STATUS_NOT_FOUND = 127,
};

enum {
	OPTIONS_MAX = 64,
	LINE_TEXT = 2048,
	DUMP_TEXT = 16384,
	TABLE_NUMBER = 100
};

/* Values of options without a letter. */
enum { OPTION_FORCE = 256, OPTION_CHECK, OPTION_ENV };

#define LIBRARY "libsocks64.so"
#define PRELOAD "LD_PRELOAD"

enum mode { MODE_RUN, MODE_TEST, MODE_CHECK, MODE_ENV, MODE_DUMP };

struct options {
	enum mode mode;
	const char *server; /* NULL: not given */
	const char *file;
	const char *settings[OPTIONS_MAX];
	size_t count;
	enum saying saying;
	bool force;
	char **command; /* NULL-terminated */
};

static const char help[] =
    "usage: socks64 [option]... [--] command [argument]...\n"
    "       socks64 [option]... --check [host:port] | -t command | --env | "
    "-T\n"
    "       socks64 -V | -h\n"
    "\n"
    "Runs a command so that whatever it connects to is reached through a\n"
    "SOCKS5 gateway between IPv4 and IPv6.\n"
    "\n"
    "  -s, --server GATEWAY          HOST[:PORT], socks5://USER@HOST, /PATH\n"
    "  -f, --config FILE             instead of the configuration files\n"
    "  -o, --option 'KEYWORD VALUE'  one setting, see socks64(1)\n"
    "  -v, --verbose                 a line for each connection\n"
    "  -q, --quiet                   no lines at all\n"
    "      --force                   also a command that cannot be helped\n"
    "      --check [HOST:PORT]       what the gateway can do\n"
    "  -t, --test COMMAND            can it be helped?\n"
    "      --env                     lines for the eval of a shell\n"
    "  -T, --dump                    the settings in force\n"
    "  -V, --version                 the version\n"
    "  -h, --help                    this\n";

static const char usage[] =
    "usage: socks64 [-s gateway] [-f file] [-o setting]... [-v | -q] "
    "[--force]\n"
    "               [--] command [argument]...\n"
    "see socks64 --help\n";

/* ------------------------------------------------------------ printing */

static void
print(int fd, const char *string)
{
	size_t left = strlen(string);

	while (left > 0) {
		const ssize_t n = write(fd, string, left);

		if (n <= 0)
			return;
		string += n;
		left -= (size_t)n;
	}
}

static void
complain(const char *what, const char *detail)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, "socks64: ");
	text_add_quotable(&line, what, strlen(what));
	if (detail != NULL) {
		text_add(&line, ": ");
		text_add(&line, detail);
	}
	text_add(&line, "\n");
	print(STDERR_FILENO, buffer);
}

static _Noreturn void
fail(int status, const char *what, const char *detail)
{
	complain(what, detail);
	_exit(status);
}

static void
report(void *context, bool warning, const char *where, const char *what)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	(void)context;
	reader_add_report(&line, warning, where, what);
	print(STDERR_FILENO, buffer);
}

/* ------------------------------------------------------------- options */

static _Noreturn void
fail_usage(const char *what, const char *word)
{
	if (what != NULL)
		complain(what, word);
	print(STDERR_FILENO, usage);
	_exit(STATUS_USAGE);
}

static void
set_mode(struct options *o, enum mode mode)
{
	if (o->mode != MODE_RUN && o->mode != mode)
		fail_usage("more than one of -t, --check, --env, -T", NULL);
	o->mode = mode;
}

static void
take_option(struct options *o, int option, const char *word)
{
	switch (option) {
	case 's': o->server = optarg; break;
	case 'f': o->file = optarg; break;
	case 'o':
		if (o->count == OPTIONS_MAX)
			fail_usage("too many options -o", NULL);
		o->settings[o->count++] = optarg;
		break;
	case 'v': o->saying = SAY_ALL; break;
	case 'q': o->saying = SAY_NOTHING; break;
	case OPTION_FORCE: o->force = true; break;
	case OPTION_CHECK: set_mode(o, MODE_CHECK); break;
	case OPTION_ENV: set_mode(o, MODE_ENV); break;
	case 't': set_mode(o, MODE_TEST); break;
	case 'T': set_mode(o, MODE_DUMP); break;
	case 'V':
		print(STDOUT_FILENO, "socks64 " VERSION "\n");
		_exit(STATUS_OK);
	case 'h': print(STDOUT_FILENO, help); _exit(STATUS_OK);
	case ':': fail_usage("a value is missing", word);
	default: fail_usage("unknown option", word);
	}
}

/* Options end at the first word that is none. */
static struct options
read_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "server", required_argument, NULL, 's' },
		{ "config", required_argument, NULL, 'f' },
		{ "option", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "force", no_argument, NULL, OPTION_FORCE },
		{ "check", no_argument, NULL, OPTION_CHECK },
		{ "test", no_argument, NULL, 't' },
		{ "env", no_argument, NULL, OPTION_ENV },
		{ "dump", no_argument, NULL, 'T' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .mode = MODE_RUN };

	opterr = 0;
	for (;;) {
		const char *word = argv[optind];
		const int option = getopt_long(argc, argv, "+:s:f:o:vqtTVh",
		    names, NULL);

		if (option == -1)
			break;
		take_option(&o, option, word);
	}
	o.command = argv + optind;
	return o;
}

static void
check_operands(const struct options *o)
{
	size_t count = 0;

	while (o->command[count] != NULL)
		count++;
	if (o->mode == MODE_RUN && count == 0)
		fail_usage("a command is missing", NULL);
	if (o->mode == MODE_TEST && count != 1)
		fail_usage("-t has one command", NULL);
	if ((o->mode == MODE_ENV || o->mode == MODE_DUMP) && count > 0)
		fail_usage("unexpected operand", o->command[0]);
	if (o->mode == MODE_CHECK && count > 1)
		fail_usage("unexpected operand", o->command[1]);
}

/* -------------------------------------------------------- under another */

/* LD_PRELOAD without a library of ours; NULL: it had none. */
static char *
preload_without(const char *list)
{
	char *out;
	size_t used = 0;
	bool found = false;

	if (list == NULL || strstr(list, LIBRARY) == NULL)
		return NULL;
	out = calloc(1, strlen(list) + 1);
	if (out == NULL)
		fail(STATUS_SYSTEM, "no memory", NULL);
	while (*list != '\0') {
		const size_t length = strcspn(list, " :");
		const bool ours = length >= strlen(LIBRARY) &&
		    strncmp(list + length - strlen(LIBRARY), LIBRARY,
			strlen(LIBRARY)) == 0;

		if (length > 0 && !ours) {
			if (used > 0)
				out[used++] = ':';
			memcpy(out + used, list, length);
			used += length;
		}
		found = found || ours;
		list += length + (list[length] != '\0');
	}
	if (found)
		return out;
	free(out);
	return NULL;
}

/* Our own look-ups are not the gateway's: once more, without the library. */
static void
leave_library(char **argv)
{
	char *rest = preload_without(getenv(PRELOAD));

	if (rest == NULL)
		return;
	if (*rest == '\0')
		(void)unsetenv(PRELOAD);
	else
		(void)setenv(PRELOAD, rest, 1);
	(void)execv("/proc/self/exe", argv);
	fail(STATUS_SYSTEM, "/proc/self/exe", strerror(errno));
}

/* ------------------------------------------------------------- gateway */

/* The first that is there. */
static const char *
choose_gateway(const struct options *o, const struct configuration *c)
{
	static const char *const proxies[] = { "ALL_PROXY", "all_proxy" };
	const char *found = getenv("SOCKS64_GATEWAY");

	if (o->server != NULL)
		return o->server;
	if (found != NULL && *found != '\0')
		return found;
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
		found = getenv(proxies[i]);
		if (found != NULL && gateway_is_socks5(found))
			return found;
	}
	return c->gateway != NULL ? c->gateway : "127.0.0.1:1080";
}

static struct gateway
read_gateway(struct configuration *c, const char *text)
{
	struct gateway gateway;
	char buffer[LINE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (!gateway_parse(text, &gateway, &why))
		fail(STATUS_USAGE, buffer, NULL);
	if (!configure_login(c, &gateway, report))
		_exit(STATUS_CONFIG);
	return gateway;
}

static void
find_gateway(struct configuration *c, const struct gateway *gateway)
{
	char buffer[LINE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (!gateway_find(gateway, &c->handover, &why))
		fail(STATUS_HELPLESS, buffer, NULL);
}

/* ------------------------------------------------------------- library */

/* Beside us, or where make install puts it. */
static void
find_library(char path[PATH_MAX])
{
	char own[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", own,
	    sizeof(own) - 1);
	struct text t = text_in(path, PATH_MAX);

	if (length <= 0)
		fail(STATUS_SYSTEM, "/proc/self/exe", strerror(errno));
	own[length] = '\0';
	*strrchr(own, '/') = '\0';
	text_add(&t, own);
	text_add(&t, "/" LIBRARY);
	if (access(path, R_OK) == -1) {
		char *slash = strrchr(own, '/');

		t = text_in(path, PATH_MAX);
		text_add_octets(&t, own,
		    slash == NULL ? 0 : (size_t)(slash - own));
		text_add(&t, "/lib/socks64/" LIBRARY);
	}
	if (t.cut || access(path, R_OK) == -1)
		fail(STATUS_SYSTEM, path, strerror(errno));
	if (strpbrk(path, " :") != NULL)
		fail(STATUS_SYSTEM, path,
		    "LD_PRELOAD cannot hold a path "
		    "with a blank or a colon");
}

/* --------------------------------------------------------- environment */

static bool
is_same_net(const struct fake_net *a, const struct fake_net *b)
{
	return a->bits == b->bits && address_equal(&a->prefix, &b->prefix);
}

/* The table of names of another socks64 that we are under, so that what its
 * addresses mean stays so; else a new one. */
static void
settle_table(struct handover *h)
{
	const char *outer = getenv(HANDOVER_VARIABLE);
	static struct handover before;
	uint64_t inode;

	real_load();
	if (outer != NULL && handover_read(outer, &before) &&
	    is_same_net(&before.fake_ipv4, &h->fake_ipv4) &&
	    is_same_net(&before.fake_ipv6, &h->fake_ipv6) &&
	    fakes_open(h, before.table, before.table_inode)) {
		h->table = before.table;
		h->table_inode = before.table_inode;
		return;
	}
	const int fd = fakes_create(h, 0, &inode);
	if (fd == -1)
		fail(STATUS_SYSTEM, "memfd_create", strerror(errno));
	const int high = fcntl(fd, F_DUPFD, TABLE_NUMBER);
	if (high == -1)
		fail(STATUS_SYSTEM, "fcntl", strerror(errno));
	(void)close(fd);
	h->table = high;
	h->table_inode = inode;
}

static void
note_stderr(struct handover *h)
{
	struct stat status;

	if (fstat(STDERR_FILENO, &status) == -1)
		return;
	h->stderr_device = status.st_dev;
	h->stderr_inode = status.st_ino;
}

/* Variables that would make a program speak SOCKS itself as well. */
static const char *const proxy_variables[] = {
	"ALL_PROXY",
	"all_proxy",
	"HTTP_PROXY",
	"http_proxy",
	"HTTPS_PROXY",
	"https_proxy",
	"FTP_PROXY",
	"ftp_proxy",
	NULL,
};

static void
write_handover(const struct handover *h, char buffer[HANDOVER_TEXT])
{
	struct text t = text_in(buffer, HANDOVER_TEXT);

	handover_write(&t, h);
	if (t.cut)
		fail(STATUS_CONFIG, "the settings are too long", NULL);
}

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) == -1)
		fail(STATUS_SYSTEM, name, strerror(errno));
}

static void
write_preload(const char *library, char buffer[2 * PATH_MAX])
{
	const char *others = getenv(PRELOAD);
	struct text t = text_in(buffer, 2 * PATH_MAX);

	text_add(&t, library);
	if (others != NULL && *others != '\0') {
		text_add_char(&t, ':');
		text_add(&t, others);
	}
	if (t.cut)
		fail(STATUS_SYSTEM, PRELOAD, "it is too long");
}

static void
set_environment(const struct handover *h, const char *library)
{
	char text[HANDOVER_TEXT];
	char preload[2 * PATH_MAX];

	write_handover(h, text);
	write_preload(library, preload);
	set(HANDOVER_VARIABLE, text);
	set(PRELOAD, preload);
	(void)unsetenv("SOCKS64_PASSWORD");
	for (size_t i = 0; proxy_variables[i] != NULL; i++) {
		const char *value = getenv(proxy_variables[i]);

		if (value != NULL && gateway_is_socks(value))
			(void)unsetenv(proxy_variables[i]);
	}
}

/* export NAME='VALUE', for any shell of POSIX. */
static void
print_export(const char *name, const char *value)
{
	static char buffer[4 * HANDOVER_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "export ");
	text_add(&t, name);
	text_add(&t, "='");
	for (; *value != '\0'; value++)
		if (*value == '\'')
			text_add(&t, "'\\''");
		else
			text_add_char(&t, *value);
	text_add(&t, "'\n");
	print(STDOUT_FILENO, buffer);
}

/* No process holds a table for all of them: each program has its own. */
static int
print_environment(struct handover *h, const char *library)
{
	char text[HANDOVER_TEXT];
	char preload[2 * PATH_MAX];

	h->table = -1;
	write_handover(h, text);
	write_preload(library, preload);
	print_export(HANDOVER_VARIABLE, text);
	print_export(PRELOAD, preload);
	for (size_t i = 0; proxy_variables[i] != NULL; i++) {
		const char *value = getenv(proxy_variables[i]);

		if (value == NULL || !gateway_is_socks(value))
			continue;
		print(STDOUT_FILENO, "unset ");
		print(STDOUT_FILENO, proxy_variables[i]);
		print(STDOUT_FILENO, "\n");
	}
	return STATUS_OK;
}

/* ------------------------------------------------------------ commands */

static _Noreturn void
fail_command(const char *command, int error)
{
	fail(error == ENOENT || error == ENOTDIR ? STATUS_NOT_FOUND :
						   STATUS_NOT_EXECUTED,
	    command, strerror(error));
}

/* False: it cannot be helped, and that was said. */
static bool
examine(const char *command, const char *library, char path[PATH_MAX])
{
	char buffer[LINE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (!program_find(command, path))
		fail_command(command, errno);
	switch (program_examine(path, library, &why)) {
	case PROGRAM_GOOD: return true;
	case PROGRAM_MISSING: fail_command(library, errno);
	case PROGRAM_HELPLESS: break;
	}
	complain(buffer, NULL);
	return false;
}

static int
test_command(const char *command, const char *library)
{
	char path[PATH_MAX];

	if (!examine(command, library, path))
		return STATUS_HELPLESS;
	print(STDOUT_FILENO, command);
	print(STDOUT_FILENO, ": yes\n");
	return STATUS_OK;
}

/* Returns where that failed, with errno. */
static void
execute_by_shell(const char *path, char **argv)
{
	size_t count = 0;
	char **words;

	while (argv[count] != NULL)
		count++;
	words = calloc(count + 2, sizeof(*words));
	if (words == NULL)
		return;
	words[0] = argv[0];
	words[1] = strdup(path);
	memcpy(words + 2, argv + 1, count * sizeof(*words));
	(void)execv("/bin/sh", words);
}

/* A file of text without #! is a shell's, as execvp(3) has it. */
static _Noreturn void
execute(const char *path, char **argv)
{
	(void)execv(path, argv);
	if (errno == ENOEXEC)
		execute_by_shell(path, argv);
	fail_command(path, errno);
}

static int
run(const struct options *o, struct handover *h, const char *library)
{
	char path[PATH_MAX];

	if (!examine(o->command[0], library, path) && !o->force)
		return STATUS_HELPLESS;
	settle_table(h);
	set_environment(h, library);
	execute(path, o->command);
}

/* HOST:PORT or [IPV6]:PORT. */
static int
check(const struct options *o, const struct handover *h)
{
	struct check_target target = { .host = NULL };
	struct gateway parsed;
	char buffer[LINE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));

	if (o->command[0] != NULL) {
		if (strstr(o->command[0], "://") != NULL ||
		    o->command[0][0] == '/' ||
		    !gateway_parse(o->command[0], &parsed, &why) ||
		    strrchr(o->command[0], ':') == NULL)
			fail_usage("no HOST:PORT", o->command[0]);
		target.host = parsed.host;
		target.port = parsed.port;
	}
	real_load();
	return check_run(h, &target);
}

static int
dump(const struct configuration *c, const char *gateway)
{
	static char buffer[DUMP_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	configure_dump(c, gateway, &t);
	print(STDOUT_FILENO, buffer);
	return STATUS_OK;
}

int
main(int argc, char **argv)
{
	static struct configuration c;
	char library[PATH_MAX];
	const struct options o = read_options(argc, argv);
	const struct configuration_source source = { .file = o.file,
		.options = o.settings,
		.count = o.count };

	check_operands(&o);
	leave_library(argv);
	if (!configure_read(&c, &source, report))
		return STATUS_CONFIG;
	const char *text = choose_gateway(&o, &c);
	const struct gateway gateway = read_gateway(&c, text);
	c.handover.saying = o.saying;
	note_stderr(&c.handover);
	if (o.mode == MODE_DUMP)
		return dump(&c, text);
	find_library(library);
	if (o.mode == MODE_TEST)
		return test_command(o.command[0], library);
	find_gateway(&c, &gateway);
	if (o.mode == MODE_CHECK)
		return check(&o, &c.handover);
	if (o.mode == MODE_ENV)
		return print_environment(&c.handover, library);
	return run(&o, &c.handover, library);
}
