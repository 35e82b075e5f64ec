/* SPDX-License-Identifier: ISC */
/*
 * Times as socks64.conf(5) writes them: a number and one of the units ms, s,
 * min (or m), h and d; without a unit it is seconds.  Here they are
 * milliseconds.  Pure.
 */
#ifndef SOCKS64_POLICY_DURATION_H
#define SOCKS64_POLICY_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/*
 * Reads a time.  One that is longer than `highest`, however long, gives some
 * number above `highest`, so that the caller can say what the limit is.  False
 * where the word is no time at all; *out is then left alone.
 */
bool duration_parse(const char *word, int64_t highest, int64_t *out);

/* Appends a time, which is 0 or more, with the largest unit that divides it;
 * duration_parse() reads it as the same time. */
void duration_add(struct text *t, int64_t time);

#endif
