/* SPDX-License-Identifier: ISC */
/*
 * Builds the filters at build time and prints them as C arrays.  Not part of
 * the handler.
 *
 *   generate [--trap] [--without ROW] | --table | --rows
 *
 * --trap: SIGSYS is sent instead of killing, for development.  --without:
 * kills for a row of the table, in the last stage that has it; the tests ask
 * so whether it is needed there.  --table: the table as C, to be read, and who
 * can kill.  --rows: the numbers of all rows that allow
 * or refuse something but those that are spare, with their calls.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "sandbox/assemble.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox.h"

enum { OUTPUT_SIZE = 1 << 18, ROWS_MAX = 512 };

struct wanted {
	uint32_t kill;  /* what kills */
	size_t without; /* a row that does; SIZE_MAX: none */
};

_Noreturn static void
fail(const char *what, int error)
{
	char buffer[256];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "generate: ");
	text_add(&t, what);
	text_add(&t, ": ");
	text_add(&t, strerror(error));
	text_add(&t, "\n");
	if (write(STDERR_FILENO, t.start, t.length) < 0)
		exit(2);
	exit(1);
}

/* ---------------------------------------------------------- the filters */

static uint32_t
answer_of(size_t i, unsigned stage, const struct wanted *wanted)
{
	if (i == wanted->without && calls[i].stages >> stage == 1)
		return wanted->kill;
	switch (calls[i].answer) {
	case CALL_ALLOWED: return SECCOMP_RET_ALLOW;
	case CALL_REFUSED: return SECCOMP_RET_ERRNO | (uint32_t)calls[i].error;
	case CALL_KILLED: break;
	}
	return wanted->kill;
}

/* The first tests of two rows cannot hold both. */
static bool
is_apart(const struct call_test *a, const struct call_test *b)
{
	return a->argument == b->argument && a->mask == UINT64_MAX &&
	    b->mask == UINT64_MAX && a->value != b->value;
}

/* Where the call goes: behind the other rows of its number, but in front of
 * those that are apart from it, if there is one that begins as it does. */
static size_t
place_of(const struct row *rows, size_t count, const struct call *call)
{
	const struct call_test *test = &call->tests[0];
	size_t at = count, end;

	while (at > 0 && rows[at - 1].call->number > call->number)
		at--;
	for (end = at; at > 0; at--) {
		const struct call *before = rows[at - 1].call;

		if (before->number != call->number)
			break;
		if (!is_apart(&before->tests[0], test))
			return before->tests[0].value == test->value ? at :
								       end;
	}
	return end;
}

/* Rows of one call are beside each other, and answer in the table's order. */
static size_t
sort_rows(struct row *rows, unsigned stage, const struct wanted *wanted)
{
	size_t count = 0;

	for (size_t i = 0; i < call_count; i++) {
		const size_t at = place_of(rows, count, &calls[i]);

		if ((calls[i].stages & 1U << stage) == 0 ||
		    calls[i].number == CALL_ABSENT)
			continue;
		if (count == ROWS_MAX)
			fail("rows", ENOSPC);
		memmove(&rows[at + 1], &rows[at],
		    (count - at) * sizeof(*rows));
		rows[at] = (struct row){ &calls[i],
			answer_of(i, stage, wanted) };
		count++;
	}
	return count;
}

static void
print_filter(struct text *t, unsigned stage, const struct wanted *wanted)
{
	static struct program program;
	static struct row rows[ROWS_MAX + 1];
	const size_t count = sort_rows(rows, stage, wanted);
	const uint32_t other[] = { SECCOMP_RET_ERRNO | ENOSYS, wanted->kill };
	const struct sock_filter *code = program_assemble(&program, rows,
	    count, other);

	if (code == NULL)
		fail(call_stage_names[stage], ENOSPC);
	text_add(t, "static const struct sock_filter filter_");
	text_add(t, call_stage_names[stage]);
	text_add(t, "[] = {\n");
	for (size_t i = 0; i < program.length; i++) {
		text_add(t, "\t{ ");
		text_add_number(t, code[i].code);
		text_add(t, ", ");
		text_add_number(t, code[i].jt);
		text_add(t, ", ");
		text_add_number(t, code[i].jf);
		text_add(t, ", ");
		text_add_number(t, code[i].k);
		text_add(t, "U },\n");
	}
	text_add(t, "};\n");
}

/* ------------------------------------------- the table, to be read */

/* "socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)", "fcntl(_, F_SETFL)". */
static void
add_call(struct text *t, const struct call *call)
{
	unsigned next = 0;

	text_add(t, call->name);
	if (call->tests[0].mask == 0)
		return;
	text_add_char(t, '(');
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		const struct call_test *test = &call->tests[i];

		if (test->mask == 0)
			break;
		for (; next < test->argument; next++)
			text_add(t, next == 0 ? "_" : ", _");
		text_add(t, next == 0 ? "" : ", ");
		text_add(t, test->text);
		next++;
	}
	text_add_char(t, ')');
}

static const char *
error_name(int error)
{
	switch (error) {
	case EAFNOSUPPORT: return "EAFNOSUPPORT";
	case ENOENT: return "ENOENT";
	case EPERM: return "EPERM";
	default: fail("an error without a name", error);
	}
}

/* A line of the table, as a line of C. */
static void
print_call(struct text *t, const char *stage, const struct call *call)
{
	text_add(t, "\t\"");
	text_add(t, stage);
	text_add_char(t, ' ');
	add_call(t, call);
	if (call->answer == CALL_REFUSED) {
		text_add(t, " fails with ");
		text_add(t, error_name(call->error));
	}
	if (call->answer == CALL_KILLED)
		text_add(t, " kills");
	text_add(t, ": ");
	text_add(t, call->because);
	text_add(t, "\\n\",\n");
}

/* Lines of one length: with pointers to them every start would cost. */
static void
print_table(struct text *t)
{
	text_add(t, "static const char table[][LINE_TEXT] = {\n");
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++) {
		for (size_t i = 0; i < call_count; i++) {
			if ((calls[i].stages & 1U << stage) != 0 &&
			    calls[i].answer != CALL_KILLED &&
			    calls[i].number != CALL_ABSENT)
				print_call(t, call_stage_names[stage],
				    &calls[i]);
		}
	}
	for (size_t i = 0; i < call_count; i++) {
		const bool later = (calls[i].stages & 1U << SANDBOX_RELAY) !=
		    0;

		if (calls[i].answer == CALL_KILLED &&
		    calls[i].number != CALL_ABSENT)
			print_call(t, later ? "else" : "all", &calls[i]);
	}
	text_add(t,
	    "\t\"all others fail with ENOSYS: "
	    "a library may try what it likes\\n\",\n};\n");
}

/* Who died of what: the names of all that can kill. */
static void
print_killers(struct text *t)
{
	text_add(t, "static const struct killer killers[] = {\n");
	for (size_t i = 0; i < call_count; i++) {
		if (calls[i].answer != CALL_KILLED ||
		    calls[i].number == CALL_ABSENT)
			continue;
		text_add(t, "\t{ ");
		text_add_number(t, (uint64_t)calls[i].number);
		text_add(t, ", \"");
		text_add(t, calls[i].name);
		text_add(t, "\" },\n");
	}
	text_add(t, "};\n");
}

static void
print_rows(struct text *t)
{
	for (size_t i = 0; i < call_count; i++) {
		if (calls[i].spare || calls[i].answer == CALL_KILLED)
			continue;
		text_add_number(t, i);
		text_add_char(t, ' ');
		text_add(t, calls[i].name);
		for (size_t j = 0; j < CALL_TESTS_MAX; j++) {
			if (calls[i].tests[j].mask == 0)
				break;
			text_add_char(t, ' ');
			text_add(t, calls[i].tests[j].text);
		}
		text_add_char(t, '\n');
	}
}

/* --------------------------------------------------------------- main */

static void
print_filters(struct text *t, char **arguments)
{
	struct wanted w = { SECCOMP_RET_KILL_PROCESS, SIZE_MAX };

	for (char **a = arguments; *a != NULL; a++) {
		if (strcmp(*a, "--trap") == 0) {
			w.kill = SECCOMP_RET_TRAP;
		} else if (strcmp(*a, "--without") == 0 && a[1] != NULL) {
			w.without = strtoul(*++a, NULL, 10);
			if (w.without >= call_count)
				fail("--without", ERANGE);
		} else {
			fail(*a, EINVAL);
		}
	}
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++)
		print_filter(t, stage, &w);
}

int
main(int argc, char **argv)
{
	static char buffer[OUTPUT_SIZE];
	struct text t = text_in(buffer, sizeof(buffer));

	if (argc == 2 && strcmp(argv[1], "--rows") == 0) {
		print_rows(&t);
	} else if (argc == 2 && strcmp(argv[1], "--table") == 0) {
		print_table(&t);
		print_killers(&t);
	} else {
		print_filters(&t, argv + 1);
	}
	if (t.cut)
		fail("output", ENOSPC);
	if (write(STDOUT_FILENO, t.start, t.length) != (ssize_t)t.length)
		fail("stdout", errno);
	return 0;
}
