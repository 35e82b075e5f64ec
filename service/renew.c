/* SPDX-License-Identifier: ISC */
/*
 * What one image of the parent hands to the next: LISTEN_PID and LISTEN_FDS,
 * as systemd sets them, and one variable of our own, five numbers.
 */
#include "service/renew.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "policy/reader.h"

#define VARIABLE "SOCKS64_SERVICE"

enum { VARIABLE_TEXT = 128, NUMBERS = 6 };

/* The time that a program has to start, and what a child returns that could
 * not execute it. */
enum { TRIAL_SECONDS = 5, NOT_EXECUTED = 127 };

static bool
set_number(const char *name, uint64_t number)
{
	char buffer[24];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add_number(&t, number);
	return setenv(name, buffer, 1) == 0;
}

static bool
set_variable(const struct service *v)
{
	const int numbers[NUMBERS] = { getpid(), LEDGER_LAYOUT, v->strict,
		v->memory, v->parent_end, v->child_end };
	char buffer[VARIABLE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	for (size_t i = 0; i < NUMBERS; i++) {
		if (i > 0)
			text_add_char(&t, ' ');
		text_add_number(&t, (uint64_t)numbers[i]);
	}
	return setenv(VARIABLE, buffer, 1) == 0;
}

/* In a child: the program says its version, to nobody. */
static _Noreturn void
say_version(const struct service *v)
{
	char version[] = "-V";
	char *const arguments[] = { v->arguments[0], version, NULL };
	const int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(TRIAL_SECONDS);
	execve(v->program, arguments, environ);
	_exit(NOT_EXECUTED);
}

bool
renew_try(const struct service *v)
{
	const pid_t child = fork();
	int status;

	if (child == 0)
		say_version(v);
	if (child < 0 || waitpid(child, &status, 0) != child)
		return true; /* what cannot be tried is not wrong */
	/* execve(2) will tell why. */
	return WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == NOT_EXECUTED);
}

void
renew_execute(const struct service *v)
{
	if (!set_variable(v) ||
	    !set_number("LISTEN_PID", (uint64_t)getpid()) ||
	    !set_number("LISTEN_FDS", v->listeners.count))
		return;
	execve(v->program, v->arguments, environ);
}

/* The numbers of the variable; false: there are none. */
static bool
get_numbers(uint64_t numbers[NUMBERS])
{
	const char *value = getenv(VARIABLE);
	char buffer[VARIABLE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));
	char *rest = buffer;

	text_add(&t, value == NULL ? "" : value);
	for (size_t i = 0; i < NUMBERS; i++) {
		const char *word = word_next(&rest);

		if (word == NULL ||
		    !number_parse(word, INT32_MAX, &numbers[i]))
			return false;
	}
	return true;
}

bool
renew_resume(struct service *v)
{
	uint64_t numbers[NUMBERS];

	if (!get_numbers(numbers) || numbers[0] != (uint64_t)getpid())
		return false;
	v->strict = numbers[2] != 0;
	v->memory = (int)numbers[3];
	v->parent_end = (int)numbers[4];
	v->child_end = (int)numbers[5];
	if (numbers[1] != LEDGER_LAYOUT) {
		close(v->memory);
		v->memory = -1;
	}
	return true;
}
