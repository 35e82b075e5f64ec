/* SPDX-License-Identifier: ISC */
/*
 * What a later stage takes away from those that a session can be in before.
 * Pure; for the generator of the filters.
 *
 * Filters stack, and the kernel takes the strictest of all answers.  So the
 * filter of a later stage allows whatever it does not name, and names what the
 * first ones answer in another way: that is a third of what the stage's rows
 * are, and each session pays for every instruction when it loads them.
 */
#ifndef SOCKS64_SANDBOX_TAKEN_H
#define SOCKS64_SANDBOX_TAKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/calls.h"
#include "sandbox/sandbox.h"

/* The stages whose filters stand on no other; one of them is below all the
 * rest. */
enum { TAKEN_FROM = 1 << SANDBOX_SERVICE | 1 << SANDBOX_NEGOTIATE };

enum taken {
	TAKEN_NOTHING,   /* the first stages say it, or it stays allowed */
	TAKEN_ROW,       /* as *out says */
	TAKEN_AMBIGUOUS, /* it meets a row of the stage: the table is wrong */
};

/*
 * What becomes of the row of that index in a later stage.  *out answers as the
 * stage does; where it takes away what a first stage allows it has no more
 * tests than are needed to spare what the stage allows.
 */
enum taken taken_row(size_t row, unsigned stage, struct call *out);

#endif
