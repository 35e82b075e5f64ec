/* SPDX-License-Identifier: ISC */
/*
 * Builds the filters at build time, with libseccomp, and prints them as C
 * arrays.  Not part of the handler.
 *
 *   generate [--trap] [--without ROW] | --rows
 *
 * --trap: SIGSYS is sent instead of killing, for development.  --without:
 * leaves a row of the table out of the last stage that has it; the tests ask
 * so whether it is needed there.  --rows: the numbers of all rows but those
 * that are spare, with their calls.
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

enum { OUTPUT_SIZE = 1 << 18 };

struct wanted {
	uint32_t otherwise; /* what becomes of all other calls */
	size_t without;     /* a row to leave out; SIZE_MAX: none */
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

static void
add_row(scmp_filter_ctx filter, const struct call *call)
{
	struct scmp_arg_cmp compare[CALL_TESTS_MAX];
	const uint32_t action = call->answer == CALL_ALLOWED ?
	    SCMP_ACT_ALLOW :
	    SCMP_ACT_ERRNO((uint32_t)call->error);
	unsigned n = 0;

	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		const struct call_test *test = &call->tests[i];

		if (test->mask == 0)
			continue;
		compare[n++] = (struct scmp_arg_cmp){
			.arg = test->argument,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = test->mask,
			.datum_b = test->value,
		};
	}
	const int error = seccomp_rule_add_exact_array(filter, action,
	    call->number, n, compare);
	if (error < 0)
		fail(call->name, -error);
}

static bool
is_wanted(size_t row, unsigned stage, const struct wanted *wanted)
{
	const unsigned from_here = calls[row].stages >> stage;

	return (from_here & 1) != 0 &&
	    (row != wanted->without || from_here != 1);
}

static scmp_filter_ctx
build_filter(unsigned stage, const struct wanted *wanted)
{
	const scmp_filter_ctx filter = seccomp_init(wanted->otherwise);
	int error;

	if (filter == NULL)
		fail("seccomp_init", errno);
	error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (error < 0)
		fail("SCMP_FLTATR_ACT_BADARCH", -error);
	/* 2: a binary tree, so that no call is far from the top. */
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (error < 0)
		fail("SCMP_FLTATR_CTL_OPTIMIZE", -error);
	for (size_t i = 0; i < call_count; i++) {
		if (is_wanted(i, stage, wanted))
			add_row(filter, &calls[i]);
	}
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
print_filter(struct text *t, unsigned stage, const struct wanted *wanted)
{
	const scmp_filter_ctx filter = build_filter(stage, wanted);
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

static void
print_rows(struct text *t)
{
	for (size_t i = 0; i < call_count; i++) {
		if (calls[i].spare)
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

static struct wanted
wanted_by(char **arguments)
{
	struct wanted w = { SCMP_ACT_KILL_PROCESS, SIZE_MAX };

	for (char **a = arguments + 1; *a != NULL; a++) {
		if (strcmp(*a, "--trap") == 0) {
			w.otherwise = SCMP_ACT_TRAP;
		} else if (strcmp(*a, "--without") == 0 && a[1] != NULL) {
			w.without = strtoul(*++a, NULL, 10);
			if (w.without >= call_count)
				fail("--without", ERANGE);
		} else {
			fail(*a, EINVAL);
		}
	}
	return w;
}

static void
print_filters(struct text *t, char **arguments)
{
	const struct wanted wanted = wanted_by(arguments);

	/* The handler's kernel counts, not the one that builds, which may be
	 * a container without seccomp(2). */
	const int error = seccomp_api_set(3);
	if (error < 0)
		fail("seccomp_api_set", -error);
	text_add(t, "/* Made by sandbox/generate.c: do not edit. */\n");
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++)
		print_filter(t, stage, &wanted);
}

int
main(int argc, char **argv)
{
	static char buffer[OUTPUT_SIZE];
	struct text t = text_in(buffer, sizeof(buffer));

	if (argc == 2 && strcmp(argv[1], "--rows") == 0)
		print_rows(&t);
	else
		print_filters(&t, argv);
	if (t.cut)
		fail("output", ENOSPC);
	if (write(STDOUT_FILENO, t.start, t.length) != (ssize_t)t.length)
		fail("stdout", errno);
	return 0;
}
