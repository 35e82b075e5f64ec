/* SPDX-License-Identifier: ISC */
/*
 * The password file, for tests/password.bats.
 *
 *   password check FILE USER PASSWORD   exit 0 it is, 1 it is not, 78
 *   password examine FILE               exit 0, 78
 *   password time FILE USER             milliseconds of one wrong login
 *   password wiped FILE USER PASSWORD HASH
 *                                       looks for both in all of its memory
 *
 * \xHH in USER and PASSWORD is that octet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/password.h"

enum { EXIT_CONFIGURATION = 78 };

static void
tell(void *context, bool warning, const char *where, const char *what)
{
	(void)context;
	fprintf(stderr, "%s: %s%s\n", where, warning ? "warning: " : "", what);
}

/* In place; returns the length. */
static size_t
unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] == 'x') {
			const char digits[] = { from[2], from[3], '\0' };

			*to++ = (char)strtoul(digits, NULL, 16);
			from += 3;
		} else
			*to++ = *from;
	}
	return (size_t)(to - text);
}

static struct login
login_of(char *user, char *password)
{
	struct login login = { .user = (uint8_t *)user,
		.password = (uint8_t *)password };

	login.user_length = unescape(user);
	login.password_length = unescape(password);
	return login;
}

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
count_in(const char *start, const char *end, const char *secret)
{
	const size_t length = strlen(secret);
	int count = 0;

	for (const char *at = start; at + length <= end; at++)
		if (memcmp(at, secret, length) == 0)
			count++;
	return count;
}

/* Every writable mapping. */
static int
count_in_memory(const char *secret)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long start;
		unsigned long end;
		char flags[5];

		if (sscanf(line, "%lx-%lx %4s", &start, &end, flags) == 3 &&
		    flags[0] == 'r' && flags[1] == 'w')
			count += count_in((const char *)start,
			    (const char *)end, secret);
	}
	if (maps != NULL)
		fclose(maps);
	return count;
}

/* What a check leaves behind: how often more than before the password and
 * the hash lie in memory (our operands are there before, too). */
static int
run_wiped(int fd, const struct login *login, const char *password,
    const char *hash)
{
	const int passwords = count_in_memory(password);
	const int hashes = count_in_memory(hash);
	const bool granted = password_check(fd, login) == PASSWORD_RIGHT;

	printf("%s, left: password %d, hash %d\n",
	    granted ? "granted" : "refused",
	    count_in_memory(password) - passwords,
	    count_in_memory(hash) - hashes);
	return passwords > 0 && hashes > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";
	struct settings settings = { .password_file = argc > 2 ? argv[2] :
								 "" };
	char none[] = "";

	if (argc < 3)
		return 64;
	const int fd = password_open(&settings, tell, NULL);
	if (fd < 0)
		return EXIT_CONFIGURATION;
	if (strcmp(command, "examine") == 0)
		return password_examine(fd, &settings, tell, NULL) ?
		    0 :
		    EXIT_CONFIGURATION;
	if (argc < 4)
		return 64;
	const struct login login = login_of(argv[3],
	    argc > 4 ? argv[4] : none);
	if (strcmp(command, "wiped") == 0)
		return argc == 6 ? run_wiped(fd, &login, argv[4], argv[5]) :
				   64;
	const double start = milliseconds();
	const bool granted = password_check(fd, &login) == PASSWORD_RIGHT;
	if (strcmp(command, "time") == 0)
		printf("%.3f\n", milliseconds() - start);
	return granted ? 0 : 1;
}
