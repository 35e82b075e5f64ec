/* SPDX-License-Identifier: ISC */
/*
 * The texts of the command line, and the one way to a terminal.
 */
#include "command/print.h"

#include <ares.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "status.h"

enum { VERSION_TEXT = 256, LISTEN_FDS_START = 3 };

static const char usage[] =
    "socks64-handler serves one accepted connection: start it from systemd "
    "(Accept=yes), inetd (nowait)\n"
    "or by hand: systemd-socket-activate --accept -l 127.0.0.1:1080 "
    "/usr/local/sbin/socks64-handler\n"
    "See socks64-handler(8), or socks64-handler --help.\n";

static const char help[] =
    "usage: socks64-handler [-f FILE] [-o 'KEYWORD VALUE']... [-t | -T |\n"
    "           -l PLACE... | -e COMMAND CLIENT DEST:PORT [USER] |\n"
    "           --index FILE | --check GATEWAY [DEST:PORT] |\n"
    "           --print-sandbox | -V | -h]\n"
    "\n"
    "Serves the SOCKS5 connection that systemd or inetd accepted; or "
    "listens.\n"
    "\n"
    "  -f, --config FILE             configuration file\n"
    "  -o, --option 'KEYWORD VALUE'  one configuration line, before the "
    "file\n"
    "  -l, --listen PLACE            listen: ADDRESS:PORT, :PORT or "
    "/PATH\n"
    "  -t, --test                    check the configuration\n"
    "  -T, --dump                    print the effective configuration\n"
    "  -e, --explain                 say what the rules do with a request\n"
    "      --index FILE              make the index of a list, FILE.cdb\n"
    "      --check                   ask a gateway whether it answers\n"
    "      --print-sandbox           print what the sandbox allows\n"
    "  -V, --version                 print version and features\n"
    "  -h, --help                    print this\n";

int
print_client(int fd)
{
	static const int clients[] = { STDIN_FILENO, LISTEN_FDS_START };
	struct stat ours;
	struct stat client;

	if (fstat(fd, &ours) != 0 || !S_ISSOCK(ours.st_mode))
		return -1;
	for (size_t i = 0; i < ARRAY_COUNT(clients); i++)
		if (fstat(clients[i], &client) == 0 &&
		    client.st_dev == ours.st_dev &&
		    client.st_ino == ours.st_ino)
			return clients[i];
	return -1;
}

bool
print_text(int fd, const char *string)
{
	size_t left = strlen(string);

	if (print_client(fd) != -1)
		return false;
	while (left > 0) {
		const ssize_t n = write(fd, string, left);

		if (n <= 0)
			return false;
		string += n;
		left -= (size_t)n;
	}
	return true;
}

int
print_usage(void)
{
	struct stat status;

	/* A socket may be the client, even if fd 0 is not. */
	if (fstat(STDERR_FILENO, &status) == 0 && !S_ISSOCK(status.st_mode))
		(void)print_text(STDERR_FILENO, usage);
	return STATUS_USAGE;
}

int
print_help(void)
{
	return print_text(STDOUT_FILENO, help) ? STATUS_OK : STATUS_SYSTEM;
}

int
print_version(void)
{
	char buffer[VERSION_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line,
	    "socks64-handler " VERSION
	    " (journal, syslog, seccomp, Landlock, c-ares ");
	text_add(&line, ares_version(NULL));
	text_add(&line, ")\n");
	return print_text(STDOUT_FILENO, buffer) ? STATUS_OK : STATUS_SYSTEM;
}
