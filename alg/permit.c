/* SPDX-License-Identifier: ISC */
/*
 * The question of a BIND, asked for the client.
 */
#include "alg/permit.h"

bool
permit_target(const struct alg *a, const struct address *target,
    struct verdict *verdict)
{
	const struct candidate candidate = { .address = *target,
		.self = a->client_self,
		.on_link = a->client_on_link };
	struct question q = *a->question;

	q.command = POLICY_BIND;
	q.name = NULL;
	q.literal = *target;
	q.port = target->port;
	q.announced = a->client_self ? NULL : a->rule;
	policy_judge_address(a->settings->policy, &q, &candidate, verdict);
	return verdict->decision == ALLOW;
}
