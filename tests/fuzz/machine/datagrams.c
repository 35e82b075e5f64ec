/* SPDX-License-Identifier: ISC */
/*
 * UDP, and what a session leaves in the log.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sockaddr.h"

enum { DNS_PORT = 53, LONGEST = 65507 };

bool
datagram_put(struct thing *thing, const struct address *from, const void *data,
    size_t length)
{
	size_t place;

	if (thing->queued == QUEUED)
		return false;
	if (thing->connected &&
	    (!address_equal(from, &thing->peer) ||
		from->port != thing->peer.port))
		return false;
	place = (thing->first + thing->queued++) % QUEUED;
	thing->from[place] = *from;
	thing->lengths[place] = length;
	octets_put(&thing->in, data, length);
	return true;
}

ssize_t
datagram_take(struct thing *thing, struct address *from, void *out,
    size_t length)
{
	size_t whole;
	size_t taken;

	if (thing->error != 0) {
		errno = thing->error;
		thing->error = 0;
		return -1;
	}
	if (thing->queued == 0) {
		errno = EAGAIN;
		return -1;
	}
	whole = thing->lengths[thing->first % QUEUED];
	*from = thing->from[thing->first % QUEUED];
	thing->first++;
	thing->queued--;
	taken = octets_take(&thing->in, out, length < whole ? length : whole);
	thing->in.read += whole - taken;
	return (ssize_t)whole;
}

ssize_t
datagram_send(struct thing *thing, const struct address *to, const void *data,
    size_t length)
{
	machine_check(to->family == thing->family, "a family is mixed up");
	if (thing->error != 0) {
		errno = thing->error;
		thing->error = 0;
		return -1;
	}
	if (length > LONGEST) {
		errno = EMSGSIZE;
		return -1;
	}
	if (!address_is_routed(to)) {
		errno = ENETUNREACH;
		return -1;
	}
	if (to->port == DNS_PORT && thing->connected)
		names_ask(thing, data, length);
	else
		judge_datagram(thing, to, data, length);
	return (ssize_t)length;
}

/* --------------------------------------------------------------- records */

/* The octets behind KEY, up to a blank or the line's end; NULL: none. */
static const char *
value_of(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found == NULL ? NULL : found + strlen(key);
}

static void
take_result(const char *text, size_t length)
{
	if (length >= RESULT_WORD)
		length = RESULT_WORD - 1;
	memcpy(machine.result, text, length);
	machine.result[length] = '\0';
}

static uint64_t
number_of(const char *text, const char *key)
{
	const char *value = value_of(text, key);

	return value == NULL ? 0 : strtoull(value, NULL, 10);
}

/* Is it none of those that are no session's last? */
static bool
is_last(const char *word, size_t length)
{
	static const char *const early[] = { "open", "peer", "refused" };

	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		if (strlen(early[i]) == length &&
		    memcmp(word, early[i], length) == 0)
			return false;
	return true;
}

static void
take_record(const char *word, const char *text, const char *keys[3])
{
	const size_t length = strcspn(word, " \n");

	if (!is_last(word, length))
		return;
	machine.records++;
	take_result(word, length);
	machine.record_up = number_of(text, keys[0]);
	machine.record_down = number_of(text, keys[1]);
	machine.record_ftp = value_of(text, keys[2]) != NULL;
}

void
log_take(const char *text, size_t length)
{
	static const char *keys[3] = { " up=", " down=", " alg=" };
	static const char *fields[3] = { "\nSOCKS64_UP=", "\nSOCKS64_DOWN=",
		"\nSOCKS64_ALG=" };
	static char copy[1 << 17];
	const char *word;

	if (getenv("MACHINE_TRACE") != NULL)
		fwrite(text, 1, length, stderr);
	if (length >= sizeof(copy))
		length = sizeof(copy) - 1;
	memcpy(copy, text, length);
	copy[length] = '\0';
	word = value_of(copy, "\nSOCKS64_RESULT=");
	if (word != NULL) {
		take_record(word, copy, fields);
		return;
	}
	word = value_of(copy, "]: ");
	if (word != NULL && value_of(copy, " client=") != NULL)
		take_record(word, copy, keys);
}
