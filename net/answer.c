/* SPDX-License-Identifier: ISC */
/*
 * From the messages and numbers of c-ares to addresses and states.
 */
#include "net/answer.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

void
answer_add(struct answer *answer, const struct address *address)
{
	if (answer->count == ANSWER_MAX)
		return;
	answer->list[answer->count++] = *address;
	answer->state = ANSWER_FOUND;
}

/* The AAAA records of a message; returns a status of c-ares. */
static int
take_ipv6(struct answer *answer, const struct iovec *message)
{
	struct ares_addr6ttl list[ANSWER_MAX];
	int n = ANSWER_MAX;
	const int status = ares_parse_aaaa_reply(message->iov_base,
	    (int)message->iov_len, NULL, list, &n);

	for (int i = 0; status == ARES_SUCCESS && i < n; i++) {
		uint8_t octets[16];
		struct address a;

		memcpy(octets, &list[i].ip6addr, sizeof(octets));
		a = address_ipv6(octets, 0);
		answer_add(answer, &a);
	}
	return status;
}

/* The A records. */
static int
take_ipv4(struct answer *answer, const struct iovec *message)
{
	struct ares_addrttl list[ANSWER_MAX];
	int n = ANSWER_MAX;
	const int status = ares_parse_a_reply(message->iov_base,
	    (int)message->iov_len, NULL, list, &n);

	for (int i = 0; status == ARES_SUCCESS && i < n; i++) {
		uint8_t octets[4];
		struct address a;

		memcpy(octets, &list[i].ipaddr, sizeof(octets));
		a = address_ipv4(octets, 0);
		answer_add(answer, &a);
	}
	return status;
}

void
answer_conclude(struct answer *answer, enum family family, int status,
    const struct iovec *message)
{
	if (status == ARES_SUCCESS)
		status = family == FAMILY_IPV6 ? take_ipv6(answer, message) :
						 take_ipv4(answer, message);
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
