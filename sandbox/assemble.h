/* SPDX-License-Identifier: ISC */
/*
 * From the rows of a stage to its filter, in BPF.  At build time only.
 */
#ifndef SOCKS64_SANDBOX_ASSEMBLE_H
#define SOCKS64_SANDBOX_ASSEMBLE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/calls.h"

/* The kernel takes no more. */
enum { PROGRAM_MAX = BPF_MAXINSNS };

enum { PROGRAM_RETURNS = 8 };

/* Written from its end to its beginning, for jumps go forward only. */
struct program {
	struct sock_filter code[PROGRAM_MAX];
	size_t length; /* the last `length' of them are written */
	/* Not for others: the last return of each answer. */
	size_t returns[PROGRAM_RETURNS];
	uint32_t answers[PROGRAM_RETURNS];
	size_t answer_count;
};

/* A row as one stage has it. */
struct row {
	const struct call *call;
	uint32_t answer; /* SECCOMP_RET_... */
};

/*
 * Builds the filter: of the rows of a call the first whose tests hold answers,
 * `otherwise' answers where none does; `foreign' what is of another
 * architecture, or no number at all.  The rows of a call are beside each
 * other, in ascending order of their numbers; their count is at least 1.
 * Returns the first instruction, of out->length; NULL where PROGRAM_MAX are
 * too few.
 */
const struct sock_filter *program_assemble(struct program *out,
    const struct row *rows, size_t count, const uint32_t other[2]);

#endif
