/* SPDX-License-Identifier: ISC */
/*
 * From the messages and numbers of c-ares to addresses and states.
 */
#include "net/answer.h"

#include <ares.h>
#include <stdint.h>

#include "wire/dns.h"

void
answer_add(struct answer *answer, const struct address *address)
{
	if (answer->count == ANSWER_MAX)
		return;
	answer->list[answer->count++] = *address;
	answer->state = ANSWER_FOUND;
}

/* The addresses of a message; returns a status of c-ares. */
static int
take_addresses(struct answer *answer, enum family family,
    const struct iovec *message)
{
	const bool ipv6 = family == FAMILY_IPV6;
	struct dns_walk w;
	const uint8_t *data;
	size_t length;

	if (!dns_walk_start(&w, message->iov_base, message->iov_len,
		ipv6 ? DNS_TYPE_AAAA : DNS_TYPE_A))
		return ARES_EBADRESP;
	for (data = dns_walk_next(&w, &length); data != NULL;
	     data = dns_walk_next(&w, &length)) {
		struct address a;

		if (length != (ipv6 ? 16 : 4))
			continue;
		a = ipv6 ? address_ipv6(data, 0) : address_ipv4(data, 0);
		answer_add(answer, &a);
	}
	return ARES_SUCCESS;
}

void
answer_conclude(struct answer *answer, enum family family, int status,
    const struct iovec *message)
{
	if (status == ARES_SUCCESS)
		status = take_addresses(answer, family, message);
	if (answer->state == ANSWER_FOUND)
		return;
	switch (status) {
	case ARES_SUCCESS: /* the message has nothing but aliases */
	case ARES_ENODATA: answer->state = ANSWER_NO_DATA; break;
	case ARES_ENOTFOUND: answer->state = ANSWER_NO_NAME; break;
	default:
		answer->state = ANSWER_FAILED;
		answer->failure = status;
		break;
	}
}
