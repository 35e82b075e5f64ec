/* SPDX-License-Identifier: ISC */
/*
 * The built filters, interpreted here and asked about every system call,
 * against the table that they were built of.  For each row: its arguments,
 * then the same with each single bit turned that the row tests (the upper
 * halves too).  For all else: zeroes, ones, which fail with ENOSYS.  Programs
 * of i386, x32 and 32-bit ARM are killed.
 *
 * A later stage stands on one of the first two: of both filters and of both
 * stages' rows the strictest answer counts.  The strictest of three, of a
 * session that enters more than one stage, follows from that.
 *
 * Prints a line for each row and what the filter answers, for the golden
 * list; exit status 1 and a line on stderr where filter and table disagree.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "sandbox/calls.h"
#include "sandbox/filters.h"
#include "sandbox/sandbox.h"

enum {
	LAST_NUMBER = 600,
	X32_BIT = 0x40000000,
	ARGUMENTS = 6,
	ROWS_MAX = 512,
	OUTPUT_SIZE = 1 << 16,
};

static const struct {
	const struct sock_filter *code;
	size_t length;
} filters[SANDBOX_STAGES] = {
	{ filter_service, ARRAY_COUNT(filter_service) },
	{ filter_negotiate, ARRAY_COUNT(filter_negotiate) },
	{ filter_bind, ARRAY_COUNT(filter_bind) },
	{ filter_udp, ARRAY_COUNT(filter_udp) },
	{ filter_watch, ARRAY_COUNT(filter_watch) },
	{ filter_alg, ARRAY_COUNT(filter_alg) },
	{ filter_relay, ARRAY_COUNT(filter_relay) },
};

static size_t asked;

_Noreturn static void
fail(const char *what, unsigned stage, const struct seccomp_data *data)
{
	char buffer[256];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, call_stage_names[stage]);
	text_add(&t, " call ");
	text_add_number(&t, (uint32_t)data->nr);
	for (size_t i = 0; i < ARGUMENTS; i++) {
		text_add(&t, " ");
		text_add_number(&t, data->args[i]);
	}
	text_add(&t, ": ");
	text_add(&t, what);
	text_add(&t, "\n");
	exit(write(STDERR_FILENO, t.start, t.length) < 0 ? 2 : 1);
}

static bool
jump_taken(const struct sock_filter *at, uint32_t a)
{
	switch (BPF_OP(at->code)) {
	case BPF_JA: return true;
	case BPF_JEQ: return a == at->k;
	case BPF_JGT: return a > at->k;
	case BPF_JGE: return a >= at->k;
	case BPF_JSET: return (a & at->k) != 0;
	default: abort();
	}
}

/* What the kernel would answer. */
static uint32_t
filter_run(unsigned stage, const struct seccomp_data *data)
{
	const struct sock_filter *code = filters[stage].code;
	uint32_t a = 0, x = 0;

	asked++;
	for (size_t i = 0; i < filters[stage].length; i++) {
		const struct sock_filter *at = &code[i];

		switch (at->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (at->k > sizeof(*data) - sizeof(a))
				fail("loads from outside", stage, data);
			memcpy(&a, (const char *)data + at->k, sizeof(a));
			break;
		case BPF_LD | BPF_IMM: a = at->k; break;
		case BPF_ALU | BPF_AND | BPF_K: a &= at->k; break;
		case BPF_ALU | BPF_RSH | BPF_K: a >>= at->k; break;
		case BPF_ALU | BPF_RSH | BPF_X: a >>= x; break;
		case BPF_MISC | BPF_TAX: x = a; break;
		case BPF_RET | BPF_K: return at->k;
		default:
			if (BPF_CLASS(at->code) != BPF_JMP)
				fail("unknown instruction", stage, data);
			if (BPF_OP(at->code) == BPF_JA)
				i += at->k;
			else
				i += jump_taken(at, a) ? at->jt : at->jf;
		}
	}
	fail("runs off its end", stage, data);
}

/* The number of each row's call, asked for once. */
static int numbers[ROWS_MAX]; /* negative: it has none here */
static uint32_t native;       /* AUDIT_ARCH_ of this machine */

static bool
test_holds(const struct call_test *test, uint64_t argument)
{
	switch (test->is) {
	case CALL_EQUAL: return ((argument ^ test->value) & test->mask) == 0;
	case CALL_OTHER: return argument != test->value;
	case CALL_AT_LEAST: return argument >= test->value;
	}
	return false;
}

static bool
row_matches(size_t row, unsigned stage, const struct seccomp_data *data)
{
	const struct call *call = &calls[row];

	if (numbers[row] != data->nr || (call->stages & 1U << stage) == 0)
		return false;
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		const struct call_test *test = &call->tests[i];

		if (test->mask != 0 &&
		    !test_holds(test, data->args[test->argument]))
			return false;
	}
	return true;
}

static uint32_t
row_answer(const struct call *call)
{
	switch (call->answer) {
	case CALL_ALLOWED: return SECCOMP_RET_ALLOW;
	case CALL_REFUSED: return SECCOMP_RET_ERRNO | (uint32_t)call->error;
	case CALL_KILLED: break;
	}
	return SECCOMP_RET_KILL_PROCESS;
}

static uint32_t
table_answer(unsigned stage, const struct seccomp_data *data)
{
	uint32_t answer = 0;
	bool found = false;

	for (size_t i = 0; i < call_count; i++) {
		if (!row_matches(i, stage, data))
			continue;
		if (found && answer != row_answer(&calls[i]))
			fail("two rows disagree", stage, data);
		answer = row_answer(&calls[i]);
		found = true;
	}
	return found ? answer : SECCOMP_RET_ERRNO | ENOSYS;
}

/* As the kernel has it: the first of these that is given; of two errors that
 * of the filter that came later. */
static uint32_t
strictest(uint32_t later, uint32_t below)
{
	static const uint32_t order[] = { SECCOMP_RET_KILL_PROCESS,
		SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW };

	for (size_t i = 0; i < ARRAY_COUNT(order); i++) {
		if ((later & SECCOMP_RET_ACTION_FULL) == order[i])
			return later;
		if ((below & SECCOMP_RET_ACTION_FULL) == order[i])
			return below;
	}
	abort();
}

static bool
is_first(unsigned stage)
{
	return stage == SANDBOX_SERVICE || stage == SANDBOX_NEGOTIATE;
}

/* Does a stage on that one answer as the table says? */
static void
ask_stack(unsigned stage, unsigned below, const struct seccomp_data *data)
{
	if (strictest(filter_run(stage, data), filter_run(below, data)) !=
	    strictest(table_answer(stage, data), table_answer(below, data)))
		fail("filter and table disagree", stage, data);
}

static void
ask_x32(unsigned stage, const struct seccomp_data *data)
{
	struct seccomp_data other = *data;

	other.nr |= X32_BIT;
	/* -1 is no number of x32's: a tracer's way to let a call fail. */
	if (other.nr != -1 &&
	    filter_run(stage, &other) != SECCOMP_RET_KILL_PROCESS)
		fail("x32 is not killed", stage, &other);
}

/* Asks about one call, as each architecture whose programs run here. */
static void
ask(unsigned stage, const struct seccomp_data *data)
{
	static const uint32_t others[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM };
	struct seccomp_data other = *data;

	ask_stack(stage, is_first(stage) ? stage : SANDBOX_SERVICE, data);
	ask_stack(stage, is_first(stage) ? stage : SANDBOX_NEGOTIATE, data);
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		other.arch = others[i];
		if (filter_run(stage, &other) != SECCOMP_RET_KILL_PROCESS)
			fail("a program of 32 bits is not killed", stage,
			    &other);
	}
	if (native == AUDIT_ARCH_X86_64)
		ask_x32(stage, data);
}

/* A call of which each argument that the row does not test is `filler`. */
static struct seccomp_data
row_call(size_t row, uint64_t filler)
{
	const struct call *call = &calls[row];
	struct seccomp_data data = {
		.nr = numbers[row],
		.arch = native,
	};

	for (size_t i = 0; i < ARGUMENTS; i++)
		data.args[i] = filler;
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		const struct call_test *test = &call->tests[i];

		if (test->mask != 0)
			data.args[test->argument] =
			    (test->value | (filler & ~test->mask)) +
			    (test->is == CALL_OTHER);
	}
	return data;
}

static void
ask_near(unsigned stage, size_t row, uint64_t filler)
{
	const struct seccomp_data exact = row_call(row, filler);

	ask(stage, &exact);
	for (size_t i = 0; i < ARGUMENTS; i++) {
		for (unsigned bit = 0; bit < 64; bit++) {
			struct seccomp_data near = exact;

			near.args[i] ^= UINT64_C(1) << bit;
			ask(stage, &near);
		}
	}
}

static void
ask_number(unsigned stage, int number)
{
	struct seccomp_data data = {
		.nr = number,
		.arch = native,
	};

	ask(stage, &data);
	memset(data.args, 0xff, sizeof(data.args));
	ask(stage, &data);
	for (size_t i = 0; i < call_count; i++) {
		if (numbers[i] == number) {
			ask_near(stage, i, 0);
			ask_near(stage, i, ~UINT64_C(0));
		}
	}
}

static void
print_row(struct text *t, unsigned stage, size_t row)
{
	const struct call *call = &calls[row];
	const uint64_t filler = call->answer == CALL_KILLED ? ~UINT64_C(0) : 0;
	const struct seccomp_data data = row_call(row, filler);
	const unsigned below = is_first(stage) ? stage : SANDBOX_NEGOTIATE;
	const uint32_t answer = strictest(filter_run(stage, &data),
	    filter_run(below, &data));

	text_add(t, call_stage_names[stage]);
	text_add(t, " ");
	text_add(t, call->name);
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		if (call->tests[i].mask != 0) {
			text_add(t, " ");
			text_add_number(t, call->tests[i].argument);
			text_add(t, ":");
			text_add(t, call->tests[i].text);
		}
	}
	if (answer == SECCOMP_RET_ALLOW) {
		text_add(t, " allow\n");
	} else if (answer == SECCOMP_RET_KILL_PROCESS) {
		text_add(t, " kill\n");
	} else {
		text_add(t, " ");
		text_add(t, strerrorname_np((int)(answer & SECCOMP_RET_DATA)));
		text_add(t, "\n");
	}
}

int
main(void)
{
	static char buffer[OUTPUT_SIZE];
	struct text t = text_in(buffer, sizeof(buffer));

	if (call_count > ROWS_MAX)
		return 2;
	native = seccomp_arch_native();
	for (size_t i = 0; i < call_count; i++)
		numbers[i] = seccomp_syscall_resolve_name(calls[i].name);
	for (unsigned stage = 0; stage < SANDBOX_STAGES; stage++) {
		for (int number = -1; number <= LAST_NUMBER; number++)
			ask_number(stage, number);
		for (size_t i = 0; i < call_count; i++) {
			if (numbers[i] >= 0 &&
			    (calls[i].stages & 1U << stage) != 0)
				print_row(&t, stage, i);
		}
	}
	if (t.cut || asked < (size_t)LAST_NUMBER * SANDBOX_STAGES)
		return 2;
	return write(STDOUT_FILENO, t.start, t.length) == (ssize_t)t.length ?
	    0 :
	    2;
}
