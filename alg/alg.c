/* SPDX-License-Identifier: ISC */
/*
 * What the table and the session's record are told of a control connection.
 */
#include "alg/alg.h"

#include <string.h>

#include "base/text.h"

enum { PAIR_TEXT = 16 };

const char *
alg_table_problem(const struct alg *a, enum table_result result)
{
	const char *problem = a->share.table->problem;

	return result == TABLE_FULL || problem[0] == '\0' ?
	    "the association table has no more room for this client" :
	    problem;
}

void
alg_announce(struct alg *a)
{
	const enum table_result result = controls_put(&a->share, &a->control,
	    &a->alive);

	a->announced = true;
	if (result != TABLE_OK)
		alg_mention(a, "FTP data connections are not known",
		    alg_table_problem(a, result));
}

void
alg_refresh(struct alg *a)
{
	if (a->announced)
		alg_announce(a);
}

void
alg_withdraw(struct alg *a)
{
	a->announced = false;
}

void
alg_note_translated(struct alg *a, const char *asked, const char *way)
{
	char buffer[PAIR_TEXT];
	struct text one = text_in(buffer, sizeof(buffer));
	struct text all = { .start = a->done,
		.length = strlen(a->done),
		.size = sizeof(a->done) };

	text_add(&one, asked);
	text_add_char(&one, '>');
	text_add(&one, way);
	if (strstr(a->done, buffer) != NULL)
		return;
	if (all.length > 0)
		text_add_char(&all, ',');
	text_add(&all, buffer);
}

void
alg_note(struct alg *a, const char *what, const char *why)
{
	struct text t = text_in(a->reason, sizeof(a->reason));

	text_add(&t, what);
	if (*why != '\0') {
		text_add(&t, ": ");
		text_add(&t, why);
	}
}

void
alg_mention(struct alg *a, const char *what, const char *why)
{
	if (a->reason[0] == '\0')
		alg_note(a, what, why);
}

void
alg_note_end(struct alg *a, const char *reason)
{
	char before[ALG_REASON_TEXT];
	struct text copy = text_in(before, sizeof(before));
	struct text t;

	text_add(&copy, a->reason);
	t = text_in(a->reason, sizeof(a->reason));
	text_add(&t, reason);
	if (before[0] != '\0') {
		text_add(&t, "; ");
		text_add(&t, before);
	}
}
