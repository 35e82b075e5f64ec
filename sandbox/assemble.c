/* SPDX-License-Identifier: ISC */
/*
 * Writes a program from its end to its beginning: a label is how many
 * instructions there are from it to the end, so that it stays right whatever
 * is written in front of it.
 */
#include "sandbox/assemble.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <string.h>

#include "base/array.h"

/* A 32-bit kernel has one call for all of sockets, and times of two kinds: the
 * table would have to be another. */
#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#error "only x86-64, arm64 and riscv64 have a sandbox: name others, test them"
#endif

enum {
	NEAR = 255, /* a conditional jump reaches no further */
	/* x32's numbers begin there, and no other architecture has any. */
	NUMBERS_END = 0x40000000,
	LEAVES_MAX = 512,
	CHAIN = 4, /* numbers that are compared one behind the other */
	WORD_BITS = 32,
	KILL_WORDS = 16,
};

/* What becomes of a call. */
struct leaf {
	uint32_t number;
	uint32_t answer; /* the same for any arguments; else MIXED */
	size_t label;    /* of MIXED */
};

/* No answer of seccomp has this action. */
static const uint32_t MIXED = SECCOMP_RET_USER_NOTIF;

/* Rows beside each other. */
struct span {
	const struct row *rows;
	size_t count;
};

struct tree {
	struct leaf leaves[LEAVES_MAX];
	size_t count;
	/* Those that kill whatever their arguments, a bit for each: there are
	 * many, and they need not be quick. */
	uint32_t kills[KILL_WORDS];
};

/* Writes one more in front, and returns its label.  Past PROGRAM_MAX it only
 * counts. */
static size_t
put(struct program *p, uint16_t code, uint32_t k)
{
	p->length++;
	if (p->length <= PROGRAM_MAX)
		p->code[PROGRAM_MAX - p->length] = (struct sock_filter){
			.code = code,
			.k = k,
		};
	return p->length;
}

/* A label to the same effect that a conditional jump in front reaches.  It
 * may need two: the other one may have to be written behind it. */
static size_t
near(struct program *p, size_t label)
{
	if (p->length + 1 - label < NEAR)
		return label;
	return put(p, BPF_JMP | BPF_JA, (uint32_t)(p->length - label));
}

/* One that returns the answer, and is in reach. */
static size_t
answer(struct program *p, uint32_t value)
{
	size_t i = 0;

	while (i < p->answer_count && p->answers[i] != value)
		i++;
	if (i < p->answer_count && p->length + 2 - p->returns[i] < NEAR)
		return p->returns[i];
	const size_t label = put(p, BPF_RET | BPF_K, value);
	if (i < PROGRAM_RETURNS) {
		p->answers[i] = value;
		p->returns[i] = label;
	}
	if (i == p->answer_count && i < PROGRAM_RETURNS)
		p->answer_count++;
	return label;
}

/* if (A `test' k) goto yes; else goto no; returns its label. */
static size_t
branch(struct program *p, uint16_t test, uint32_t k, const size_t to[2])
{
	const size_t yes = near(p, to[0]);
	const size_t no = near(p, to[1]);
	const size_t label = put(p, BPF_JMP | test | BPF_K, k);

	if (p->length <= PROGRAM_MAX) {
		struct sock_filter *jump = &p->code[PROGRAM_MAX - label];

		jump->jt = (uint8_t)(label - 1 - yes);
		jump->jf = (uint8_t)(label - 1 - no);
	}
	return label;
}

static size_t
load(struct program *p, size_t offset)
{
	return put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static size_t
offset_of(unsigned argument, bool upper)
{
	return offsetof(struct seccomp_data, args) +
	    argument * sizeof(uint64_t) + (upper ? sizeof(uint32_t) : 0);
}

/* Does a test look at all bits of the lower half?  Those of one argument that
 * do, one behind the other, load it once. */
static bool
is_whole(const struct call_test *test)
{
	return (uint32_t)test->mask == UINT32_MAX;
}

static bool
is_same(const struct call_test *a, const struct call_test *b)
{
	return a->argument == b->argument && a->mask == b->mask &&
	    a->value == b->value;
}

/* May `b' stand behind `a' without loading its argument again? */
static bool
is_chained(const struct call_test *a, const struct call_test *b)
{
	return a->argument == b->argument && is_whole(a) && is_whole(b) &&
	    a->mask == b->mask && a->value >> 32 == b->value >> 32;
}

/* if ((A & mask) == value) goto yes; else goto no. */
static size_t
compare(struct program *p, uint32_t mask, uint32_t value, const size_t to[2])
{
	const size_t label = branch(p, BPF_JEQ, value & mask, to);

	return mask == UINT32_MAX ? label :
				    put(p, BPF_ALU | BPF_AND | BPF_K, mask);
}

/* Loads the argument's lower half for what was written last; its upper half,
 * in front of that, must be right, else goto no. */
static size_t
put_loads(struct program *p, const struct call_test *test, size_t no)
{
	const uint32_t mask = (uint32_t)(test->mask >> 32);
	const uint32_t value = (uint32_t)(test->value >> 32);
	const size_t label = load(p, offset_of(test->argument, false));

	if (mask == 0)
		return label;
	compare(p, mask, value, (const size_t[]){ label, no });
	return load(p, offset_of(test->argument, true));
}

/* Where the rows that have the last one's test begin. */
static size_t
group_of(const struct row *rows, size_t count, unsigned level)
{
	const struct call_test *test = &rows[--count].call->tests[level];

	while (count > 0 && is_same(&rows[count - 1].call->tests[level], test))
		count--;
	return count;
}

/* Is the row in front of rows[first] one more of the chain that ends before
 * rows[end]?  Its value must be another than those in it: where it was right,
 * nothing in the chain is looked at any more. */
static bool
is_link(const struct row *rows, size_t first, size_t end, unsigned level)
{
	if (first == 0)
		return false;
	for (size_t i = first; i < end; i++) {
		const struct call_test *before =
		    &rows[first - 1].call->tests[level];
		const struct call_test *test = &rows[i].call->tests[level];

		if (!is_chained(before, test) || is_same(before, test))
			return false;
	}
	return true;
}

/*
 * The rows of one call from their test number `level' on, in their order;
 * those beside each other that begin with the same test share it.  Where none
 * holds: goto no.
 */
static size_t
put_rows(struct program *p, struct span s, unsigned level, size_t no)
{
	size_t label = no, chain = s.count, first;

	if (level == CALL_TESTS_MAX)
		return answer(p, s.rows->answer);
	for (size_t end = s.count; end > 0; end = first) {
		const struct call_test *test =
		    &s.rows[end - 1].call->tests[level];

		first = group_of(s.rows, end, level);
		if (test->mask == 0) {
			label = answer(p, s.rows[first].answer);
		} else {
			const struct span group = { s.rows + first,
				end - first };
			const size_t yes = put_rows(p, group, level + 1, no);

			label = compare(p, (uint32_t)test->mask,
			    (uint32_t)test->value,
			    (const size_t[]){ yes, label });
			if (is_link(s.rows, first, chain, level))
				continue;
			label = put_loads(p, test, no);
		}
		no = label;
		chain = first;
	}
	return label;
}

static struct leaf
put_call(struct program *p, struct span call, uint32_t otherwise)
{
	struct leaf leaf = { .number = (uint32_t)call.rows->call->number,
		.answer = MIXED };

	if (call.rows->call->tests[0].mask == 0)
		leaf.answer = call.rows->answer;
	else
		leaf.label = put_rows(p, call, 0, answer(p, otherwise));
	return leaf;
}

/* Those of one number, from rows[0] on. */
static size_t
count_of(const struct row *rows, size_t count)
{
	size_t n = 1;

	while (n < count && rows[n].call->number == rows->call->number)
		n++;
	return n;
}

/* Does the row end the process, whatever the arguments of its call? */
static bool
is_kill(const struct tree *t, const struct row *row, uint32_t kill)
{
	return row->answer == kill && row->call->tests[0].mask == 0 &&
	    (size_t)row->call->number / WORD_BITS < ARRAY_COUNT(t->kills);
}

static void
collect_kills(struct tree *t, const struct row *rows, size_t count,
    uint32_t kill)
{
	for (size_t i = 0; i < count; i += count_of(&rows[i], count - i)) {
		const uint32_t number = (uint32_t)rows[i].call->number;

		if (is_kill(t, &rows[i], kill))
			t->kills[number / WORD_BITS] |= UINT32_C(1)
			    << number % WORD_BITS;
	}
}

/* if (kills has the number) kill; else the other answer. */
static size_t
put_kills(struct program *p, const struct tree *t, const uint32_t other[2])
{
	const size_t kill = answer(p, other[1]);
	const size_t no = answer(p, other[0]);
	size_t label = branch(p, BPF_JSET, 1, (const size_t[]){ kill, no });
	const size_t common = put(p, BPF_ALU | BPF_RSH | BPF_X, 0);

	label = no;
	for (size_t i = KILL_WORDS; i-- > 0;) {
		if (t->kills[i] == 0)
			continue;
		put(p, BPF_JMP | BPF_JA, (uint32_t)(p->length - common));
		const size_t yes = put(p, BPF_LD | BPF_IMM, t->kills[i]);
		label = branch(p, BPF_JEQ, (uint32_t)i,
		    (const size_t[]){ yes, label });
	}
	if (label == no)
		return no;
	put(p, BPF_ALU | BPF_RSH | BPF_K, 5);
	load(p, offsetof(struct seccomp_data, nr));
	put(p, BPF_MISC | BPF_TAX, 0);
	put(p, BPF_ALU | BPF_AND | BPF_K, WORD_BITS - 1);
	return load(p, offsetof(struct seccomp_data, nr));
}

static void
put_calls(struct program *p, struct tree *t, struct span s,
    const uint32_t other[2])
{
	while (s.count > 0) {
		const struct span call = { s.rows, count_of(s.rows, s.count) };

		if (!is_kill(t, s.rows, other[1]) && t->count < LEAVES_MAX)
			t->leaves[t->count++] = put_call(p, call, other[0]);
		s.rows += call.count;
		s.count -= call.count;
	}
}

/* if (A == one of the numbers) goto its label; else goto no. */
static size_t
put_chain(struct program *p, const struct leaf *leaves, size_t count,
    size_t no)
{
	size_t label = no;

	for (size_t i = count; i-- > 0;) {
		const size_t yes = leaves[i].answer == MIXED ?
		    leaves[i].label :
		    answer(p, leaves[i].answer);

		label = branch(p, BPF_JEQ, leaves[i].number,
		    (const size_t[]){ yes, label });
	}
	return label;
}

/* Chains, pairs of them, pairs of pairs, and so on: A is the number of the
 * call. */
static size_t
put_tree(struct program *p, const struct tree *t, size_t no)
{
	size_t labels[LEAVES_MAX / CHAIN + 1];
	size_t count = 0, step = CHAIN;

	for (size_t i = 0; i < t->count; i += CHAIN)
		labels[count++] = put_chain(p, &t->leaves[i],
		    t->count - i < CHAIN ? t->count - i : CHAIN, no);
	for (; count > 1; count -= count / 2, step *= 2) {
		for (size_t i = 0; i + 1 < count; i += 2) {
			const size_t to[2] = { labels[i + 1], labels[i] };

			labels[i / 2] = branch(p, BPF_JGE,
			    t->leaves[(i + 1) * step].number, to);
		}
		if (count % 2 != 0)
			labels[count / 2] = labels[count - 1];
	}
	return labels[0];
}

const struct sock_filter *
program_assemble(struct program *out, const struct row *rows, size_t count,
    const uint32_t other[2])
{
	static struct tree tree;
	size_t label;

	out->length = 0;
	out->answer_count = 0;
	tree.count = 0;
	memset(tree.kills, 0, sizeof(tree.kills));
	collect_kills(&tree, rows, count, other[1]);
	put_calls(out, &tree, (struct span){ rows, count }, other);
	label = put_tree(out, &tree, put_kills(out, &tree, other));
	const size_t foreign = put(out, BPF_RET | BPF_K, other[1]);
	branch(out, BPF_JGE, NUMBERS_END, (const size_t[]){ foreign, label });
	label = load(out, offsetof(struct seccomp_data, nr));
	branch(out, BPF_JEQ, ARCHITECTURE, (const size_t[]){ label, foreign });
	load(out, offsetof(struct seccomp_data, arch));
	return out->length <= PROGRAM_MAX ?
	    &out->code[PROGRAM_MAX - out->length] :
	    NULL;
}
