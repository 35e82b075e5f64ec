/* SPDX-License-Identifier: ISC */
/*
 * Asking the gateway for names.
 */
#include "lib/ask.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/wait.h"
#include "lib/control.h"
#include "lib/fakes.h"
#include "lib/real.h"
#include "lib/start.h"

/* ADR.PREF, in the place of DST.PORT. */
enum { ADR_PREF_IPV4 = 1, ADR_PREF_ID = 8 };

/* Seconds.  An ID lives for five minutes from its last use, and for an hour:
 * what was lost after a wrong guess would be a datagram. */
enum { UNUSED_MAX = 240, AGE_MAX = 3300 };

/* Numbers have 28 bits at most; above them stands which gateway it was. */
enum { GATEWAY_SHIFT = 60 };
#define NUMBER_MASK UINT32_C(0x0fffffff)

/* By the slot of its number: the gateway, the number, and the ID in the lower
 * half; when it was given and used. */
static struct {
	_Atomic uint64_t words;
	_Atomic uint32_t made;
	_Atomic uint32_t used;
} known[FAKES_MAX];

/* What gateways said to the command itself; a bit for each that gives. */
static atomic_uint giving;
static atomic_bool refuses;

static uint32_t
seconds_now(void)
{
	return (uint32_t)(clock_now() / 1000);
}

static void
note(uint32_t number, unsigned gateway, uint32_t id)
{
	const uint32_t slot = number % FAKES_MAX;
	const uint32_t now = seconds_now();

	atomic_store(&known[slot].made, now);
	atomic_store(&known[slot].used, now);
	atomic_store(&known[slot].words,
	    (uint64_t)gateway << GATEWAY_SHIFT | (uint64_t)number << 32 | id);
	(void)atomic_fetch_or(&giving, 1u << gateway);
}

/* What is known of the number, while it surely holds; 0: nothing. */
static uint64_t
words_of(uint32_t number)
{
	const uint32_t slot = number % FAKES_MAX;
	const uint64_t words = atomic_load(&known[slot].words);
	const uint32_t now = seconds_now();

	return number == 0 || (words >> 32 & NUMBER_MASK) != number ||
		now - atomic_load(&known[slot].made) > AGE_MAX ||
		now - atomic_load(&known[slot].used) > UNUSED_MAX ?
	    0 :
	    words;
}

uint32_t
ask_id(uint32_t number, unsigned gateway, bool use)
{
	const uint64_t words = words_of(number);

	if (words == 0 || words >> GATEWAY_SHIFT != gateway)
		return 0;
	if (use)
		atomic_store(&known[number % FAKES_MAX].used, seconds_now());
	return (uint32_t)words;
}

bool
ask_is_known(unsigned gateway)
{
	return (atomic_load(&giving) >> gateway & 1) != 0;
}

/*
 * Two questions on one connection: for an address of any family, which the
 * gateway has to look up, and for an ID, for which it does not.  The REP of
 * the first one; *id is 0 where there is none.  Both take the connect-timeout
 * at most.
 */
static enum reply
ask(const char *name, unsigned *gateway, uint32_t *id)
{
	const int64_t until = clock_now() + handover.connect_timeout;
	struct client_request request = {
		.command = REQUEST_ADDRESS_ASSOCIATE,
		.flag = REQUEST_FLAG_DESTINATION,
		.to = { .name = (const uint8_t *)name,
		    .name_length = (uint8_t)strlen(name),
		    .address.port = ADR_PREF_IPV4 },
	};
	struct dial d;
	const int fd = control_open(&request, until, &d, gateway);

	*id = 0;
	if (fd == -1)
		return d.reply == REPLY_SUCCEEDED ? REPLY_GENERAL_FAILURE :
						    (enum reply)d.reply;
	request.flag = 0;
	request.to.address.port = ADR_PREF_ID;
	dial_request(&d, &request);
	if (control_wait(&d, fd, until) == 0)
		*id = d.id;
	(void)real.close(fd);
	return REPLY_SUCCEEDED;
}

bool
ask_exists(const char *name, uint32_t number)
{
	const int error = errno;
	unsigned gateway;
	uint32_t id;

	if (atomic_load(&refuses) || words_of(number) != 0)
		return true;
	const enum reply reply = ask(name, &gateway, &id);
	errno = error;
	if (reply == REPLY_COMMAND_NOT_SUPPORTED)
		atomic_store(&refuses, true);
	if (id != 0)
		note(number, gateway, id);
	return reply != REPLY_HOST_UNREACHABLE;
}
