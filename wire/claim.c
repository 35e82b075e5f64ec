/* SPDX-License-Identifier: ISC */
/*
 * The octets of a claim: a mark, a number, a user.
 */
#include "wire/claim.h"

#include <string.h>

bool
claim_parse(const uint8_t *octets, size_t length, struct claim *out)
{
	uint32_t most = 0;

	if (length <= CLAIM_HEADER || length > CLAIM_MAX ||
	    octets[0] != CLAIM_MARK)
		return false;
	for (size_t i = 1; i < CLAIM_HEADER; i++)
		most = most << 8 | octets[i];
	if (most == 0)
		return false;
	*out = (struct claim){ most, length - CLAIM_HEADER,
		octets + CLAIM_HEADER };
	return true;
}

size_t
claim_format(const struct claim *claim, uint8_t octets[CLAIM_MAX])
{
	octets[0] = CLAIM_MARK;
	for (size_t i = 1; i < CLAIM_HEADER; i++)
		octets[i] = (uint8_t)(claim->most >> 8 * (4 - i));
	memcpy(octets + CLAIM_HEADER, claim->user, claim->length);
	return CLAIM_HEADER + claim->length;
}
