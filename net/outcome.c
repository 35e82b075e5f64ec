/* SPDX-License-Identifier: ISC */
/*
 * The ways in which a step ends.
 */
#include "net/outcome.h"

#include <string.h>

#include "base/text.h"
#include "base/wait.h"

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
outcome_deny(struct outcome *o, const struct verdict *verdict)
{
	if (verdict->unsure)
		outcome_fail(o, RESULT_ERROR, REPLY_GENERAL_FAILURE,
		    verdict->reason);
	else
		outcome_fail(o, RESULT_DENIED, REPLY_NOT_ALLOWED,
		    verdict->reason);
}

void
outcome_stop(struct outcome *o)
{
	if (wait_failure() == 0)
		outcome_end(o, RESULT_STOPPED, "stopped by SIGTERM");
	else
		outcome_fail(o, RESULT_ERROR, REPLY_GENERAL_FAILURE,
		    strerror(wait_failure()));
}

const char *
outcome_reason(const struct outcome *o)
{
	return o->reason[0] != '\0' ? o->reason : NULL;
}
