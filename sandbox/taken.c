/* SPDX-License-Identifier: ISC */
/*
 * Compares rows of the table.
 */
#include "sandbox/taken.h"

#include <errno.h>
#include <string.h>

/* Can no value pass both tests, which are of one argument? */
static bool
tests_exclude(const struct call_test *a, const struct call_test *b)
{
	if (a->is == CALL_EQUAL && b->is == CALL_EQUAL)
		return ((a->value ^ b->value) & a->mask & b->mask) != 0;
	if (a->is != CALL_EQUAL)
		return b->is == CALL_EQUAL && tests_exclude(b, a);
	if (b->is == CALL_OTHER)
		return a->mask == ~UINT64_C(0) && a->value == b->value;
	return (a->value | ~a->mask) < b->value; /* CALL_AT_LEAST */
}

/* Is there a call that both rows match? */
static bool
rows_meet(const struct call *a, const struct call *b)
{
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		for (size_t j = 0; j < CALL_TESTS_MAX; j++) {
			const struct call_test *t = &a->tests[i];
			const struct call_test *u = &b->tests[j];

			if (t->mask != 0 && u->mask != 0 &&
			    t->argument == u->argument && tests_exclude(t, u))
				return false;
		}
	}
	return true;
}

static bool
has_test(const struct call *call, const struct call_test *test)
{
	for (size_t i = 0; i < CALL_TESTS_MAX; i++) {
		const struct call_test *t = &call->tests[i];

		if (t->mask == test->mask && t->argument == test->argument &&
		    t->is == test->is && t->value == test->value)
			return true;
	}
	return test->mask == 0;
}

/* Does this row match every call that the other one does? */
static bool
row_includes(const struct call *this, const struct call *other)
{
	for (size_t i = 0; i < CALL_TESTS_MAX; i++)
		if (!has_test(other, &this->tests[i]))
			return false;
	return true;
}

/* Is that true of a row of the stage, and this row of the same call? */
static bool
any_row(unsigned stage, const struct call *row,
    bool (*is_true)(const struct call *of_stage, const struct call *row))
{
	for (size_t i = 0; i < call_count; i++)
		if ((calls[i].stages & 1U << stage) != 0 &&
		    strcmp(calls[i].name, row->name) == 0 &&
		    is_true(&calls[i], row))
			return true;
	return false;
}

static void
drop_test(struct call *row, size_t i)
{
	for (; i + 1 < CALL_TESTS_MAX; i++)
		row->tests[i] = row->tests[i + 1];
	row->tests[i] = (struct call_test){ 0 };
}

/* Drops the tests that no row of the stage makes necessary: what passes then
 * and did not before, the stage allows as little. */
static void
weaken(struct call *row, unsigned stage)
{
	for (size_t i = CALL_TESTS_MAX; i-- > 0;) {
		struct call weaker = *row;

		drop_test(&weaker, i);
		if (!any_row(stage, &weaker, rows_meet))
			*row = weaker;
	}
}

enum taken
taken_row(size_t row, unsigned stage, struct call *out)
{
	const struct call *call = &calls[row];
	const unsigned first = call->stages & TAKEN_FROM;

	*out = *call;
	if ((call->stages & 1U << stage) != 0)
		return call->answer == CALL_ALLOWED || first == TAKEN_FROM ?
		    TAKEN_NOTHING :
		    TAKEN_ROW;
	if (first == 0 || call->answer != CALL_ALLOWED ||
	    any_row(stage, call, row_includes))
		return TAKEN_NOTHING;
	if (any_row(stage, call, rows_meet))
		return TAKEN_AMBIGUOUS;
	weaken(out, stage);
	out->answer = CALL_REFUSED;
	out->error = ENOSYS;
	return TAKEN_ROW;
}
