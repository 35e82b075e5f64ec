/* SPDX-License-Identifier: ISC */
/*
 * The script: who says what, in which pieces, and when time passes.  Each step
 * is an octet, three bits of what and five of how much, and what belongs to
 * it.  Steps are taken when the handler waits and has nothing to do.
 *
 * Behind the last step all peers read what there is and end, and the session
 * has to end, too.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/fuzz/machine/pieces.h"

enum {
	CLIENT_SAYS = 0,
	STREAM_SAYS = 1,
	DATAGRAM = 2,
	PAUSE = 3,
	EVENT = 4,
	NAMES = 5,
	PIECE = 6,
	CHOOSE = 7, /* the stream that other steps are about */
	BULK = 64 << 10,
};

static const uint8_t *at;
static size_t left;
static unsigned chosen;
static unsigned behind; /* steps that were made behind the script */

void
script_start(void)
{
	at = machine.scenario.script;
	left = machine.scenario.script_length;
	chosen = 0;
	behind = 0;
}

static uint8_t
take(void)
{
	if (left == 0)
		return 0;
	left--;
	return *at++;
}

/* So many octets, as far as there are. */
static size_t
take_some(size_t length, const uint8_t **out)
{
	if (length > left)
		length = left;
	*out = at;
	at += length;
	left -= length;
	return length;
}

static size_t
length_of(unsigned n)
{
	return n == 0 ? take() : n;
}

/* ------------------------------------------------------- who is there */

static bool
is_peer(const struct thing *t)
{
	return t->kind == KIND_STREAM && !t->client && t->connected &&
	    !t->dns_tcp && t->references > 0;
}

/* The nth of those for whom that is true; NULL: there is none. */
static struct thing *
thing_nth(bool (*is_one)(const struct thing *t), unsigned n)
{
	struct thing *found[THINGS];
	size_t count = 0;

	for (size_t i = 0; i < THINGS; i++)
		if (is_one(&machine.things[i]))
			found[count++] = &machine.things[i];
	return count == 0 ? NULL : found[n % count];
}

static bool
is_listener(const struct thing *t)
{
	return t->kind == KIND_LISTENER;
}

static bool
is_datagrams(const struct thing *t)
{
	return t->kind == KIND_DATAGRAMS && t->bound &&
	    !(t->connected && t->peer.port == 53);
}

static bool
is_waiting(const struct thing *t)
{
	return t->kind == KIND_STREAM && t->connecting && t->fate != NEVER;
}

static bool
is_any_stream(const struct thing *t)
{
	return t->kind == KIND_STREAM && t->references > 0;
}

/* -------------------------------------------------------------- steps */

static void
say(struct thing *t, const void *data, size_t length)
{
	if (t == NULL || t->peer_ended || t->peer_reset || !t->connected)
		return;
	octets_put(&t->in, data, length);
}

static void
say_some(struct thing *t, unsigned n)
{
	const uint8_t *data;
	const size_t length = take_some(length_of(n), &data);

	say(t, data, length);
}

static void
say_much(struct thing *t)
{
	/* In small pieces it would take for ever. */
	const bool small = machine.scenario.reads_at_most != 0 ||
	    machine.scenario.window != 0;
	uint8_t octets[1024];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < (small ? 1 : BULK / sizeof(octets)); i++)
		say(t, octets, sizeof(octets));
}

static void
urge(struct thing *t)
{
	if (t == NULL || octets_left(&t->in) == 0)
		return;
	t->marked = true;
	t->mark = t->in.written - 1;
}

static void
end(struct thing *t)
{
	if (t != NULL && t->connected)
		t->peer_ended = true;
}

static void
reset(struct thing *t)
{
	if (t != NULL && t->connected)
		t->peer_reset = true;
}

static struct address
peer_address(enum family family, unsigned which)
{
	static const uint8_t last[4] = { 7, 0x80, 9, 0x81 };
	uint8_t octets[16] = { 0x20, 1, 0x0d, 0xb8 };

	if (family == FAMILY_IPV6) {
		octets[15] = last[which % 4];
		return address_ipv6(octets, 50000);
	}
	return address_ipv4((const uint8_t[]){ 192, 0, 2,
				which % 4 == 1 ? 80 : last[which % 4] },
	    50000);
}

static void
come(unsigned which)
{
	struct thing *l = thing_nth(is_listener, which >> 2);
	size_t place;

	if (l == NULL || l->queued == QUEUED)
		return;
	place = (l->first + l->queued++) % QUEUED;
	l->from[place] = peer_address(l->family, which);
}

static void
say_datagram(unsigned n)
{
	const unsigned how = take();
	struct thing *t = thing_nth(is_datagrams, how >> 3 & 3);
	struct address from;
	const uint8_t *data;
	const size_t length = take_some(length_of(n), &data);

	if (t == NULL)
		return;
	from = peer_address(t->family, how);
	if ((how & 3) == 0 && machine.client != NULL &&
	    machine.client->peer.family == t->family)
		from.port = machine.client->peer.port;
	if ((how & 4) != 0 && machine.sent_to.family == t->family)
		from = machine.sent_to;
	judge_said(data, length);
	(void)datagram_put(t, &from, data, length);
}

/* What another process of the listening mode does. */
static void
relate(unsigned n)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP,
		SIGCHLD, SIGUSR1, SIGUSR2, SIGCHLD };
	const unsigned which = n >> 2;
	const uint8_t *data;
	size_t length;

	switch (n & 3) {
	case 0: family_signal(numbers[which]); break;
	case 1: family_end(which, take() << 8); break;
	case 2: family_end(which, take() & 31); break;
	default:
		length = take_some(take(), &data);
		family_tell(which == 7 ? 1 : family_child(which), data,
		    length);
		break;
	}
}

static void
read_some(struct thing *t, size_t length)
{
	if (t != NULL)
		(void)octets_take(&t->out, NULL, length);
}

static void
happen(unsigned n)
{
	struct thing *t = thing_nth(is_peer, chosen);
	struct thing *datagrams = thing_nth(is_datagrams, chosen);

	switch (n) {
	case 0: end(machine.client); break;
	case 1: reset(machine.client); break;
	case 2: end(t); break;
	case 3: reset(t); break;
	case 4: urge(machine.client); break;
	case 5: urge(t); break;
	case 6: machine.term = true; break;
	case 7: say_much(machine.client); break;
	case 8: say_much(t); break;
	case 9: read_some(machine.client, SIZE_MAX / 2); break;
	case 10: read_some(t, SIZE_MAX / 2); break;
	case 11: read_some(machine.client, 1); break;
	case 12: read_some(t, 1); break;
	case 13:
		if (datagrams != NULL)
			datagrams->error = ECONNREFUSED;
		break;
	case 14: end(thing_nth(is_any_stream, chosen)); break;
	case 15: reset(thing_nth(is_any_stream, chosen)); break;
	default: come(n); break;
	}
}

static void
play_piece(unsigned n)
{
	const struct piece *p = &pieces[n % PIECES];

	say(p->server ? thing_nth(is_peer, chosen) : machine.client, p->octets,
	    p->length);
}

static void
answer(unsigned how)
{
	const uint8_t *data;
	const size_t length = take_some(take(), &data);

	(void)names_answer(how, data, length);
}

static void
step(void)
{
	/* Milliseconds; the first makes what follows come in one piece. */
	static const int64_t pauses[] = { 1, 10, 100, 300, 1000, 2000, 5000,
		10000, 31000, 60000, 130000, 700000 };
	const uint8_t octet = take();
	const unsigned n = octet & 31;

	switch (octet >> 5) {
	case CLIENT_SAYS: say_some(machine.client, n); break;
	case STREAM_SAYS: say_some(thing_nth(is_peer, chosen), n); break;
	case DATAGRAM:
		if (machine.scenario.listens && machine.client == NULL)
			relate(n);
		else
			say_datagram(n);
		break;
	case PAUSE: machine.pause = pauses[n % 12] * 1000; break;
	case EVENT: happen(n); break;
	case NAMES: answer(n); break;
	case PIECE: play_piece(n); break;
	default: chosen = n; break;
	}
}

/* --------------------------------------------------- behind the script */

static void
end_peers(bool client)
{
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *t = &machine.things[i];

		if (t->kind != KIND_STREAM)
			continue;
		if (!t->dns_tcp)
			stream_drain(t);
		if (t->client == client || !t->client)
			end(t);
	}
}

/* Those that stay are silent for longer than any time of a configuration. */
static bool
end_all(void)
{
	const unsigned number = behind++;

	machine.over = true;
	if (number == 0 && machine.scenario.stays) {
		end_peers(false);
		machine.pause = INT64_C(3600) * 1000000;
		return true;
	}
	if (number <= 1 && !machine.closed) {
		end_peers(true);
		machine.closed = true;
		if (machine.scenario.listens) {
			machine.term = true;
			family_signal(SIGTERM);
		}
		return true;
	}
	return false;
}

bool
script_turn(void)
{
	struct thing *waiting = thing_nth(is_waiting, 0);

	if (waiting != NULL) {
		stream_settle(waiting);
		if (machine.closed)
			end(waiting);
		return true;
	}
	if (machine.scenario.zone_answers && names_answer(0, NULL, 0))
		return true;
	if (machine.pause > 0)
		return false;
	if (left > 0) {
		step();
		return true;
	}
	return end_all();
}
