/* SPDX-License-Identifier: ISC */
/*
 * The ways in which a step ends.
 */
#include "net/outcome.h"

#include "base/text.h"

void
outcome_end(struct outcome *o, enum result result, const char *reason)
{
	outcome_fail(o, result, REPLY_SUCCEEDED, reason);
}

void
outcome_fail(struct outcome *o, enum result result, enum reply reply,
    const char *reason)
{
	struct text t = text_in(o->reason, sizeof(o->reason));

	o->result = result;
	o->reply = reply;
	if (reason != NULL)
		text_add(&t, reason);
}

void
outcome_stop(struct outcome *o)
{
	outcome_end(o, RESULT_STOPPED, "stopped by SIGTERM");
}

const char *
outcome_reason(const struct outcome *o)
{
	return o->reason[0] != '\0' ? o->reason : NULL;
}
