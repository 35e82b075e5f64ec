/* SPDX-License-Identifier: ISC */
/*
 * NAME=VALUE fields, as the journal takes them: strings in one buffer, and a
 * vector that points at them.
 */
#ifndef SOCKS64_LOG_FIELDS_H
#define SOCKS64_LOG_FIELDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/text.h"

enum { FIELDS_MAX = 48 };

struct fields {
	struct text arena;             /* the value is appended to this */
	size_t begun;                  /* where the value began, in it */
	struct iovec list[FIELDS_MAX]; /* without a NUL */
	size_t count;
};

/* No fields yet, in a buffer of the caller's that outlives them. */
struct fields fields_in(char *buffer, size_t size);

/*
 * Begins and ends a field; between the two its value is appended to f->arena.
 * One without a value is no field, and neither is one that did not fit: half a
 * value would be a wrong one.
 */
void fields_begin(struct fields *f, const char *name);
void fields_end(struct fields *f);

/* Adds a whole field; a value of NULL or "" is none. */
void fields_text(struct fields *f, const char *name, const char *value);
void fields_number(struct fields *f, const char *name, uint64_t value);

#endif
