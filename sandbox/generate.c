/* SPDX-License-Identifier: ISC */
/*
 * Builds the filters at build time, with libseccomp, and prints them as C
 * arrays.  Not part of the handler; runs on the machine that builds.
 *
 *   generate TARGET [--trap] [--without ROW] | TARGET --table | --rows
 *
 * TARGET: the architecture of the handler, as libseccomp names it (x86_64,
 * aarch64).  --trap: SIGSYS is sent instead of killing, for development.
 * --without: kills for a row of the table, in the last stage that has it; the
 * tests ask so whether it is needed there.  --table: the table as C, to be
 * read, and who can kill.  --rows: the numbers of all rows that allow or
 * refuse something but those that are spare, with their calls.
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "sandbox/calls.h"
#include "sandbox/sandbox.h"
#include "sandbox/taken.h"

enum { OUTPUT_SIZE = 1 << 18 };

struct wanted {
	uint32_t target; /* SCMP_ARCH_... */
	uint32_t kill;   /* what kills */
	size_t without;  /* a row that does; SIZE_MAX: none */
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

/* A 32-bit kernel has one call for all of sockets, and times of two kinds: the
 * table would have to be another. */
static uint32_t
target_of(const char *name)
{
	const uint32_t target = seccomp_arch_resolve_name(name);

	if (target != SCMP_ARCH_X86_64 && target != SCMP_ARCH_AARCH64 &&
	    target != SCMP_ARCH_RISCV64)
		fail("only x86_64, aarch64 and riscv64 have a sandbox",
		    ENOTSUP);
	return target;
}

/* The number of a call on the target; negative: it has none there. */
static int
number_of(const struct call *call, uint32_t target)
{
	const int number = seccomp_syscall_resolve_name_arch(target,
	    call->name);

	if (number == __NR_SCMP_ERROR)
		fail(call->name, ENOSYS);
	return number;
}

/* ---------------------------------------------------------- the filters */

static uint32_t
action_of(const struct call *call, const struct wanted *w)
{
	switch (call->answer) {
	case CALL_ALLOWED: return SCMP_ACT_ALLOW;
	case CALL_REFUSED: return SCMP_ACT_ERRNO((uint32_t)call->error);
	case CALL_KILLED: break;
	}
	return w->kill;
}

/* Is that the row that --without kills for, in its last stage? */
static bool
is_without(size_t row, unsigned stage, const struct wanted *w)
{
	return row == w->without && calls[row].stages >> stage == 1;
}

static struct scmp_arg_cmp
compare(const struct call_test *test)
{
	struct scmp_arg_cmp c = {
		.arg = test->argument,
		.datum_a = test->value,
	};

	switch (test->is) {
	case CALL_EQUAL:
		c.op = SCMP_CMP_MASKED_EQ;
		c.datum_a = test->mask;
		c.datum_b = test->value;
		break;
	case CALL_OTHER: c.op = SCMP_CMP_NE; break;
	case CALL_AT_LEAST: c.op = SCMP_CMP_GE; break;
	}
	return c;
}

static void
add_row(scmp_filter_ctx filter, const struct call *call, uint32_t action)
{
	struct scmp_arg_cmp compares[CALL_TESTS_MAX];
	unsigned n = 0;

	while (n < CALL_TESTS_MAX && call->tests[n].mask != 0) {
		compares[n] = compare(&call->tests[n]);
		n++;
	}
	const int error = seccomp_rule_add_exact_array(filter, action,
	    seccomp_syscall_resolve_name(call->name), n, compares);
	if (error < 0)
		fail(call->name, -error);
}

static void
set(scmp_filter_ctx filter, enum scmp_filter_attr attribute, uint32_t value)
{
	const int error = seccomp_attr_set(filter, attribute, value);

	if (error < 0)
		fail("seccomp_attr_set", -error);
}

/* Of the target, and of no other architecture; `otherwise' is the answer to
 * what no row is about. */
static scmp_filter_ctx
filter_for(uint32_t target, uint32_t otherwise)
{
	const scmp_filter_ctx filter = seccomp_init(otherwise);

	if (filter == NULL)
		fail("seccomp_init", errno);
	if (target != seccomp_arch_native()) {
		int error = seccomp_arch_add(filter, target);
		if (error == 0)
			error = seccomp_arch_remove(filter,
			    seccomp_arch_native());
		if (error < 0)
			fail("seccomp_arch_add", -error);
	}
	return filter;
}

/* All that the stage says: it stands on no other. */
static void
add_stage(scmp_filter_ctx filter, unsigned stage, const struct wanted *w)
{
	for (size_t i = 0; i < call_count; i++)
		if ((calls[i].stages & 1U << stage) != 0 &&
		    number_of(&calls[i], w->target) >= 0)
			add_row(filter, &calls[i],
			    is_without(i, stage, w) ? w->kill :
						      action_of(&calls[i], w));
}

/* What it takes away from the first ones. */
static void
add_taken(scmp_filter_ctx filter, unsigned stage, const struct wanted *w)
{
	for (size_t i = 0; i < call_count; i++) {
		struct call row;
		const enum taken taken = taken_row(i, stage, &row);

		if (number_of(&row, w->target) < 0)
			continue;
		if (is_without(i, stage, w))
			add_row(filter, &row, w->kill);
		else if (taken == TAKEN_ROW)
			add_row(filter, &row, action_of(&row, w));
		else if (taken == TAKEN_AMBIGUOUS)
			fail(row.name, EEXIST);
	}
}

static scmp_filter_ctx
build_filter(unsigned stage, const struct wanted *w)
{
	const bool first = (TAKEN_FROM & 1U << stage) != 0;
	const scmp_filter_ctx filter = filter_for(w->target,
	    first ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW);

	set(filter, SCMP_FLTATR_ACT_BADARCH, w->kill);
	/* 2: a binary tree, so that no call is far from the top; a short
	 * filter is shorter without. */
	set(filter, SCMP_FLTATR_CTL_OPTIMIZE, first ? 2 : 1);
	if (first)
		add_stage(filter, stage, w);
	else
		add_taken(filter, stage, w);
	return filter;
}

/* The filter's instructions, in a mapping; *n of them. */
static const struct sock_filter *
export_filter(scmp_filter_ctx filter, size_t *n)
{
	const int fd = memfd_create("filter", 0);
	const struct sock_filter *code;
	int error;

	if (fd < 0)
		fail("memfd_create", errno);
	error = seccomp_export_bpf(filter, fd);
	if (error < 0)
		fail("seccomp_export_bpf", -error);
	const off_t length = lseek(fd, 0, SEEK_END);
	if (length <= 0)
		fail("lseek", errno);
	code = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (code == MAP_FAILED)
		fail("mmap", errno);
	close(fd);
	*n = (size_t)length / sizeof(*code);
	return code;
}

static void
print_filter(struct text *t, unsigned stage, const struct wanted *w)
{
	const scmp_filter_ctx filter = build_filter(stage, w);
	size_t n;
	const struct sock_filter *code = export_filter(filter, &n);

	text_add(t, "static const struct sock_filter filter_");
	text_add(t, call_stage_names[stage]);
	text_add(t, "[] = {\n");
	for (size_t i = 0; i < n; i++) {
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
	seccomp_release(filter);
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

/* Stages as sandbox_print() says them: what the first filter kills is killed
 * for good, and said once. */
static unsigned
stages_said(const struct call *call)
{
	const bool always = call->answer == CALL_KILLED &&
	    (call->stages & 1U << SANDBOX_NEGOTIATE) != 0;

	return always ? 0 : call->stages;
}

/* A row of the table, as a line of C. */
static void
print_call(struct text *t, const struct call *call)
{
	text_add(t, "\t{ ");
	text_add_number(t, stages_said(call));
	text_add(t,
	    call->answer == CALL_KILLED ? ", true, \"" : ", false, \"");
	add_call(t, call);
	if (call->answer == CALL_REFUSED) {
		text_add(t, " fails with ");
		text_add(t, error_name(call->error));
	}
	if (call->answer == CALL_KILLED)
		text_add(t, " kills");
	text_add(t, ": ");
	text_add(t, call->because);
	text_add(t, "\\n\" },\n");
}

static void
print_table(struct text *t, uint32_t target)
{
	text_add(t, "static const char stage_names[][STAGE_TEXT] = {\n");
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++) {
		text_add(t, "\t\"");
		text_add(t, call_stage_names[stage]);
		text_add(t, "\",\n");
	}
	text_add(t, "};\n");
	text_add(t, "static const struct line table[] = {\n");
	for (size_t i = 0; i < call_count; i++)
		if (number_of(&calls[i], target) >= 0)
			print_call(t, &calls[i]);
	text_add(t, "};\n");
}

/* Who died of what: the names of all that can kill. */
static void
print_killers(struct text *t, uint32_t target)
{
	text_add(t, "static const struct killer killers[] = {\n");
	for (size_t i = 0; i < call_count; i++) {
		const int number = number_of(&calls[i], target);

		if (calls[i].answer != CALL_KILLED || number < 0)
			continue;
		text_add(t, "\t{ ");
		text_add_number(t, (uint64_t)number);
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
print_filters(struct text *t, struct wanted *w, char **arguments)
{
	/* The handler's kernel counts, not the one that builds, which may be
	 * a container without seccomp(2). */
	const int error = seccomp_api_set(3);

	if (error < 0)
		fail("seccomp_api_set", -error);
	for (char **a = arguments; *a != NULL; a++) {
		if (strcmp(*a, "--trap") == 0) {
			w->kill = SCMP_ACT_TRAP;
		} else if (strcmp(*a, "--without") == 0 && a[1] != NULL) {
			w->without = strtoul(*++a, NULL, 10);
			if (w->without >= call_count)
				fail("--without", ERANGE);
		} else {
			fail(*a, EINVAL);
		}
	}
	text_add(t, "/* Made by sandbox/generate.c: do not edit. */\n");
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++)
		print_filter(t, stage, w);
}

static void
print_wanted(struct text *t, char **arguments)
{
	struct wanted w = { target_of(arguments[0]), SCMP_ACT_KILL_PROCESS,
		SIZE_MAX };

	if (arguments[1] == NULL || strcmp(arguments[1], "--table") != 0) {
		print_filters(t, &w, arguments + 1);
		return;
	}
	print_table(t, w.target);
	print_killers(t, w.target);
}

int
main(int argc, char **argv)
{
	static char buffer[OUTPUT_SIZE];
	struct text t = text_in(buffer, sizeof(buffer));

	if (argc < 2)
		fail("TARGET", EINVAL);
	if (strcmp(argv[1], "--rows") == 0)
		print_rows(&t);
	else
		print_wanted(&t, argv + 1);
	if (t.cut)
		fail("output", ENOSPC);
	if (write(STDOUT_FILENO, t.start, t.length) != (ssize_t)t.length)
		fail("stdout", errno);
	return 0;
}
