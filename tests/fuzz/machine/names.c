/* SPDX-License-Identifier: ISC */
/*
 * A name server: one that answers by itself from a zone in which all names
 * are there, or one whose answers the script writes.
 */
#include "tests/fuzz/machine/machine.h"

#include <string.h>

enum {
	PENDING_MAX = 64,
	MESSAGE_MAX = 4096,
	QUESTION_MAX = 512,
	HEADER = 12,
	TYPE_A = 1,
	TYPE_PTR = 12,
	TYPE_AAAA = 28,
	CODE_NO_NAME = 3,
};

/* How the script answers: the low two bits are a body. */
enum {
	BODY = 3,
	BODY_RAW = 0,     /* the octets are the message, behind its ID */
	BODY_RECORDS = 1, /* they are the records behind the question */
	BODY_ADDRESS = 2, /* one good record, with an address of them */
	BODY_CODE = 3,    /* no record: the octet is a code */
	WRONG_ID = 4,
	TRUNCATED = 8,
	ODD = 16, /* UDP: it is answered twice; TCP: its length is wrong */
};

static struct question {
	struct thing *thing;
	uint16_t port; /* ours, by which it is known again */
	size_t length;
	uint8_t octets[QUESTION_MAX];
} pending[PENDING_MAX];
static size_t count;

struct message {
	size_t length;
	uint8_t octets[MESSAGE_MAX];
};

/* All answers with the right ID, in a row. */
static struct octets told;

bool
names_said(const uint8_t *octets, size_t length)
{
	return told.written >= length &&
	    memmem(told.at, told.written, octets, length) != NULL;
}

void
names_reset(void)
{
	count = 0;
	told.written = 0;
}

void
names_ask(struct thing *thing, const uint8_t *data, size_t length)
{
	struct question *q = &pending[count];

	if (count == PENDING_MAX || length < HEADER || length > QUESTION_MAX)
		return;
	q->thing = thing;
	q->port = thing->local.port;
	q->length = length;
	memcpy(q->octets, data, length);
	count++;
}

void
names_stream(struct thing *thing)
{
	struct octets *o = &thing->out;

	while (octets_left(o) >= 2) {
		const uint8_t *at = o->at + o->read;
		const size_t length = (size_t)at[0] << 8 | at[1];

		if (octets_left(o) < 2 + length)
			return;
		names_ask(thing, at + 2, length);
		o->read += 2 + length;
	}
}

/* The oldest that somebody still waits for. */
static const struct question *
oldest(void)
{
	while (count > 0) {
		const struct thing *t = pending[0].thing;

		if ((t->kind == KIND_DATAGRAMS || t->kind == KIND_STREAM) &&
		    t->references > 0 && t->local.port == pending[0].port)
			return &pending[0];
		memmove(pending, pending + 1, --count * sizeof(pending[0]));
	}
	return NULL;
}

bool
names_pending(void)
{
	return oldest() != NULL;
}

static void
put(struct message *m, const void *octets, size_t length)
{
	if (length > MESSAGE_MAX - m->length)
		length = MESSAGE_MAX - m->length;
	memcpy(m->octets + m->length, octets, length);
	m->length += length;
}

/* Where the question ends. */
static size_t
question_end(const struct question *q)
{
	size_t at = HEADER;

	while (at < q->length && q->octets[at] != 0)
		at += 1u + q->octets[at];
	at += 5;
	return at < q->length ? at : q->length;
}

static unsigned
type_of(const struct question *q)
{
	const size_t end = question_end(q);

	return (unsigned)q->octets[end - 4] << 8 | q->octets[end - 3];
}

/* Header and question of an answer. */
static void
begin(struct message *m, const struct question *q, uint8_t code,
    uint8_t records)
{
	static const uint8_t counts[8] = { 0, 1 };

	m->length = 0;
	put(m, q->octets, 2);
	put(m, &(uint8_t){ 0x81 }, 1);
	put(m, &(uint8_t){ 0x80 | code }, 1);
	put(m, counts, sizeof(counts));
	m->octets[7] = records;
	put(m, q->octets + HEADER, question_end(q) - HEADER);
}

static void
put_record(struct message *m, const struct question *q, const void *data,
    size_t length)
{
	const unsigned type = type_of(q);
	const uint8_t head[] = { 0xc0, HEADER, (uint8_t)(type >> 8),
		(uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)length };

	put(m, head, sizeof(head));
	put(m, data, length);
}

/* ------------------------------------------------------ its own answers */

static bool
asks_for(const struct question *q, const char *label)
{
	const size_t length = strlen(label);

	return q->length > HEADER + 1 + length &&
	    q->octets[HEADER] == length &&
	    memcmp(q->octets + HEADER + 1, label, length) == 0;
}

static void
answer_ipv6(struct message *m, const struct question *q)
{
	static const uint8_t host[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 0x80 };
	static const uint8_t nat64[16] = { 0, 0x64, 0xff,
		0x9b, [12] = 192, [15] = 170 };
	const bool translated = asks_for(q, "ipv4only");

	if (translated ? !machine.scenario.no_ipv4 :
			 machine.scenario.zone_no_ipv6) {
		begin(m, q, 0, 0);
		return;
	}
	begin(m, q, 0, 1);
	put_record(m, q, translated ? nat64 : host, 16);
}

static void
answer_zone(struct message *m, const struct question *q)
{
	static const uint8_t ipv4[4] = { 192, 0, 2, 80 };
	static const uint8_t host[] = "\4host\7example";

	if (asks_for(q, "nowhere")) {
		begin(m, q, CODE_NO_NAME, 0);
		return;
	}
	switch (type_of(q)) {
	case TYPE_A:
		begin(m, q, 0, machine.scenario.zone_no_ipv4 ? 0 : 1);
		if (!machine.scenario.zone_no_ipv4)
			put_record(m, q, ipv4, sizeof(ipv4));
		return;
	case TYPE_AAAA: answer_ipv6(m, q); return;
	case TYPE_PTR:
		begin(m, q, 0, 1);
		put_record(m, q, host, sizeof(host));
		return;
	default: begin(m, q, 0, 0);
	}
}

/* ------------------------------------------------------- the script's */

static void
answer_script(struct message *m, unsigned how, const uint8_t *data,
    size_t length)
{
	const struct question *q = &pending[0];
	uint8_t address[16] = { 0x20, 1, 0x0d, 0xb8 };

	switch (how & BODY) {
	case BODY_RAW:
		m->length = 0;
		put(m, q->octets, 2);
		put(m, data, length);
		return;
	case BODY_RECORDS:
		begin(m, q, 0, length > 0 ? data[0] : 0);
		if (length > 0)
			put(m, data + 1, length - 1);
		return;
	case BODY_ADDRESS:
		if (type_of(q) == TYPE_A)
			memcpy(address, (const uint8_t[]){ 192, 0, 2, 0 }, 4);
		for (size_t i = 0; i < length && i < sizeof(address); i++)
			address[type_of(q) == TYPE_A ? 3 - i % 4 : 15 - i] =
			    data[i];
		begin(m, q, 0, 1);
		put_record(m, q, address, type_of(q) == TYPE_A ? 4 : 16);
		return;
	default: begin(m, q, length > 0 ? data[0] & 15 : 0, 0);
	}
}

static void
send_message(const struct question *q, const struct message *m, bool odd)
{
	struct thing *t = q->thing;
	uint8_t prefix[2] = { (uint8_t)(m->length >> 8), (uint8_t)m->length };

	if (t->kind == KIND_DATAGRAMS) {
		(void)datagram_put(t, &t->peer, m->octets, m->length);
		return;
	}
	if (odd)
		prefix[1] ^= 1;
	octets_put(&t->in, prefix, sizeof(prefix));
	octets_put(&t->in, m->octets, m->length);
}

bool
names_answer(unsigned how, const uint8_t *data, size_t length)
{
	static struct message m;
	const struct question *q = oldest();

	if (q == NULL)
		return false;
	if (question_end(q) < HEADER + 5)
		begin(&m, q, 1, 0);
	else if (data == NULL)
		answer_zone(&m, q);
	else
		answer_script(&m, how, data, length);
	if ((how & WRONG_ID) != 0)
		m.octets[0] ^= 0x55;
	else
		octets_put(&told, m.octets, m.length);
	if ((how & TRUNCATED) != 0 && m.length > 2)
		m.octets[2] |= 2;
	send_message(q, &m, (how & ODD) != 0);
	if ((how & ODD) != 0 && q->thing->kind == KIND_DATAGRAMS)
		send_message(q, &m, false);
	if ((how & WRONG_ID) == 0)
		memmove(pending, pending + 1, --count * sizeof(pending[0]));
	return true;
}
