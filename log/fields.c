/* SPDX-License-Identifier: ISC */
/*
 * Fields of the journal, one behind the other.
 */
#include "log/fields.h"

struct fields
fields_in(char *buffer, size_t size)
{
	return (struct fields){ .arena = text_in(buffer, size) };
}

void
fields_begin(struct fields *f, const char *name)
{
	f->list[f->count].iov_base = f->arena.start + f->arena.length;
	text_add(&f->arena, name);
	text_add_char(&f->arena, '=');
	f->begun = f->arena.length;
}

void
fields_end(struct fields *f)
{
	struct iovec *field = &f->list[f->count];
	const size_t start = (size_t)((char *)field->iov_base -
	    f->arena.start);

	if (f->arena.cut || f->arena.length == f->begun ||
	    f->count == FIELDS_MAX - 1) {
		text_shorten(&f->arena, start);
		return;
	}
	field->iov_len = f->arena.length - start;
	f->count++;
	text_add_char(&f->arena, '\0');
}

void
fields_text(struct fields *f, const char *name, const char *value)
{
	fields_begin(f, name);
	if (value != NULL)
		text_add(&f->arena, value);
	fields_end(f);
}

void
fields_number(struct fields *f, const char *name, uint64_t value)
{
	fields_begin(f, name);
	text_add_number(&f->arena, value);
	fields_end(f);
}
