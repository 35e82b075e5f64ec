/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a message to the parent of the listening mode: what is read
 * is what was written, texts end, and a claim lies inside.
 */
#include <stdlib.h>
#include <string.h>

#include "service/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_claim(const struct claim *claim, const uint8_t *data, size_t size)
{
	uint8_t octets[CLAIM_MAX];

	if (claim->most == 0 || claim->length == 0 ||
	    claim->user + claim->length != data + size ||
	    claim_format(claim, octets) != size ||
	    memcmp(octets, data, size) != 0)
		abort();
}

static void
check_generation(const struct generation *generation, const uint8_t *data,
    size_t size)
{
	uint8_t octets[MESSAGE_MAX];

	if (strlen(generation->metrics_file) > PATH_LENGTH_MAX ||
	    strlen(generation->trouble) >= TROUBLE_TEXT ||
	    message_format_generation(generation, octets) != size ||
	    memcmp(octets, data, size) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message message;
	uint8_t wake[MESSAGE_MAX];

	memset(&message, 0, sizeof(message));
	message_parse(data, size, &message);
	switch (message.kind) {
	case MESSAGE_BAD: break;
	case MESSAGE_WAKE:
		if (message_format_wake(wake) != size || wake[0] != data[0])
			abort();
		break;
	case MESSAGE_CLAIM: check_claim(&message.claim, data, size); break;
	case MESSAGE_GENERATION:
		check_generation(&message.generation, data, size);
		break;
	}
	return 0;
}
