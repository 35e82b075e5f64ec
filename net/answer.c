/* SPDX-License-Identifier: ISC */
/*
 * From the messages of name servers to addresses and states.
 */
#include "net/answer.h"

#include <stdint.h>

#include "wire/dns.h"

void
answer_reset(struct answer *answer, enum answer_state state)
{
	answer->state = state;
	answer->failure = QUERY_USELESS;
	answer->count = 0;
}

void
answer_add(struct answer *answer, const struct address *address)
{
	if (answer->count == ANSWER_MAX)
		return;
	answer->list[answer->count++] = *address;
	answer->state = ANSWER_FOUND;
}

static void
take_addresses(struct answer *answer, enum family family,
    const struct iovec *message)
{
	const bool ipv6 = family == FAMILY_IPV6;
	struct dns_walk w;
	const uint8_t *data;
	size_t length;

	if (!dns_walk_start(&w, message->iov_base, message->iov_len,
		ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A))
		return;
	for (data = dns_walk_next(&w, &length); data != NULL;
	     data = dns_walk_next(&w, &length)) {
		struct address a;

		if (length != (ipv6 ? 16 : 4))
			continue;
		a = ipv6 ? address_ipv6(data, 0) : address_ipv4(data, 0);
		answer_add(answer, &a);
	}
}

void
answer_conclude(struct answer *answer, enum family family,
    enum query_result result, const struct iovec *message)
{
	switch (result) {
	case QUERY_ANSWERED:
	case QUERY_NO_DATA: answer->state = ANSWER_NO_DATA; break;
	case QUERY_NO_NAME: answer->state = ANSWER_NO_NAME; break;
	case QUERY_USELESS:
	case QUERY_TIMED_OUT:
	case QUERY_FAILED:
	case QUERY_UNREACHABLE:
	case QUERY_NO_MEMORY: answer->state = ANSWER_FAILED; break;
	}
	answer->failure = result;
	/* A message may have nothing but aliases. */
	if (result == QUERY_ANSWERED)
		take_addresses(answer, family, message);
}
