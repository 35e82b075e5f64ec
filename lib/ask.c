/* SPDX-License-Identifier: ISC */
/*
 * Asking the gateway for names.
 */
#include "lib/ask.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/control.h"
#include "lib/fakes.h"
#include "lib/real.h"
#include "lib/start.h"

enum { WORD_BITS = 32 };

/* Numbers that were asked for, by their slot: after 65,536 names one or the
 * other is not asked for again, and its connection tells. */
static _Atomic uint32_t asked[FAKES_MAX / WORD_BITS];

/* The gateway does not know the question. */
static atomic_bool unknown;

/* The first time that the number is asked for? */
static bool
is_new(uint32_t number)
{
	const uint32_t slot = number % FAKES_MAX;
	const uint32_t bit = UINT32_C(1) << slot % WORD_BITS;

	return (atomic_load(&asked[slot / WORD_BITS]) & bit) == 0;
}

static void
note(uint32_t number)
{
	const uint32_t slot = number % FAKES_MAX;

	(void)atomic_fetch_or(&asked[slot / WORD_BITS],
	    UINT32_C(1) << slot % WORD_BITS);
}

bool
ask_exists(const char *name, uint32_t number)
{
	const struct client_request request = {
		.command = CLIENT_ADDRESS_ASSOCIATE,
		.to = { .name = (const uint8_t *)name,
		    .name_length = (uint8_t)strlen(name) },
	};
	const int error = errno;
	struct dial d;

	if (atomic_load(&unknown) || !is_new(number))
		return true;
	const int fd = control_open(&request, &d);
	if (fd != -1)
		(void)real.close(fd);
	errno = error;
	if (fd == -1 && d.reply == REPLY_HOST_UNREACHABLE)
		return false;
	if (fd == -1 && d.reply == REPLY_COMMAND_NOT_SUPPORTED)
		atomic_store(&unknown, true);
	if (fd != -1)
		note(number);
	return true;
}
