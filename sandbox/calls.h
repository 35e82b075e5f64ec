/* SPDX-License-Identifier: ISC */
/*
 * What a stage may ask of the kernel: the one table, of which the filters are
 * built and which --print-sandbox prints.  Data only.  A call that no row
 * matches fails with ENOSYS, as on a kernel that has not got it: a library may
 * try what it likes.  Numbers of other architectures kill.
 */
#ifndef SOCKS64_SANDBOX_CALLS_H
#define SOCKS64_SANDBOX_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALL_TESTS_MAX = 3 };

enum call_answer {
	CALL_ALLOWED,
	CALL_REFUSED, /* fails with `error`, for what may live without */
	CALL_KILLED,  /* ends the process by SIGSYS */
};

enum call_compare { CALL_EQUAL, CALL_OTHER, CALL_AT_LEAST };

/* Argument `argument`, all 64 bits of it: must equal `value` under `mask`, or
 * be another than `value`, or at least `value`; `mask` has all bits then. */
struct call_test {
	unsigned argument;
	enum call_compare is;
	uint64_t mask; /* 0: no test */
	uint64_t value;
	const char *text; /* the value, as it is printed */
};

/* All tests of a row must hold.  No two rows of a stage that answer otherwise
 * hold for one call. */
struct call {
	const char *name;
	unsigned stages; /* mask of 1U << enum sandbox_stage */
	enum call_answer answer;
	int error;
	/* There although no test needs it: this machine, or this libc, may not
	 * call it where another does. */
	bool spare;
	struct call_test tests[CALL_TESTS_MAX];
	const char *because;
};

extern const struct call calls[];
extern const size_t call_count;

/* The stages' names, by enum sandbox_stage. */
extern const char *const call_stage_names[];

#endif
