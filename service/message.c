/* SPDX-License-Identifier: ISC */
/*
 * Messages to the parent.  Sender and receiver are one program in one image,
 * so a generation travels as it lies in memory; it is checked all the same.
 */
#include "service/message.h"

#include <string.h>
#include <syslog.h>

enum { MARK_GENERATION = 'g', MARK_WAKE = 'w' };

size_t
message_format_generation(const struct generation *generation,
    uint8_t octets[MESSAGE_MAX])
{
	octets[0] = MARK_GENERATION;
	memcpy(octets + 1, generation, sizeof(*generation));
	return MESSAGE_MAX;
}

size_t
message_format_wake(uint8_t octets[MESSAGE_MAX])
{
	octets[0] = MARK_WAKE;
	return 1;
}

static bool
is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* A bool that is neither 0 nor 1 would be undefined behaviour. */
static bool
is_truth(const bool *field)
{
	uint8_t octet;

	memcpy(&octet, field, sizeof(octet));
	return octet <= 1;
}

static bool
is_valid(const struct generation *g)
{
	return is_truth(&g->good) && is_truth(&g->confined) &&
	    (unsigned)g->log_to <= LOG_TO_STDERR &&
	    g->log_level >= LOG_EMERG && g->log_level <= LOG_DEBUG &&
	    (g->log_facility & ~LOG_FACMASK) == 0 && g->exit_idle_time >= 0 &&
	    is_text(g->metrics_file, sizeof(g->metrics_file)) &&
	    is_text(g->trouble, sizeof(g->trouble));
}

void
message_parse(const uint8_t *octets, size_t length, struct message *out)
{
	out->kind = MESSAGE_BAD;
	if (length == 1 && octets[0] == MARK_WAKE) {
		out->kind = MESSAGE_WAKE;
	} else if (length == MESSAGE_MAX && octets[0] == MARK_GENERATION) {
		memcpy(&out->generation, octets + 1, sizeof(out->generation));
		if (is_valid(&out->generation))
			out->kind = MESSAGE_GENERATION;
	} else if (claim_parse(octets, length, &out->claim)) {
		out->kind = MESSAGE_CLAIM;
	}
}
