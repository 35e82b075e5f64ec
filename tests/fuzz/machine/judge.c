/* SPDX-License-Identifier: ISC */
/*
 * What must be so at the end of any session, whatever was said in it: said a
 * second time, and without the handler's parsers.
 */
#include "tests/fuzz/machine/machine.h"

#include <string.h>

#include "status.h"

enum {
	DATAGRAMS_MAX = 512,
	FTP_PORT = 21,
	METHOD_NONE_OF_THEM = 0xff,
	REPLY_HEAD = 5,
	REPLIES_MAX = 64,
	CONNECT = 1,
	BIND = 2,
	UDP = 3,
	NOT_EXECUTED = 127, /* of a child that tries -V */
	ASSOCIATE = 8,      /* alone, or with one of the three */
};

/* ---------------------------------------------------------- datagrams */

static struct octets said;
static struct {
	size_t start;
	size_t length;
} datagrams[DATAGRAMS_MAX];
static size_t count;

void
judge_reset(void)
{
	said.written = 0;
	count = 0;
}

void
judge_said(const uint8_t *data, size_t length)
{
	if (count == DATAGRAMS_MAX)
		return;
	datagrams[count].start = said.written;
	datagrams[count++].length = length;
	octets_put(&said, data, length);
}

/* Is that the end of something that somebody sent? */
static bool
was_said(const uint8_t *data, size_t length)
{
	if (length == 0 || count == DATAGRAMS_MAX)
		return true;
	for (size_t i = 0; i < count; i++)
		if (datagrams[i].length >= length &&
		    memcmp(said.at + datagrams[i].start + datagrams[i].length -
			    length,
			data, length) == 0)
			return true;
	return false;
}

/* The header of RFC 1928 7 that a client gets; 0: that is none. */
static size_t
header_length(const uint8_t *data, size_t length)
{
	size_t size = 0;

	if (length < 4 || data[0] != 0 || data[1] != 0 || data[2] != 0)
		return 0;
	switch (data[3]) {
	case 1: size = 10; break;
	case 4: size = 22; break;
	case 3: size = length > 4 ? 7u + data[4] : 0; break;
	default: break;
	}
	return size <= length ? size : 0;
}

void
judge_datagram(const struct thing *thing, const struct address *to,
    const uint8_t *data, size_t length)
{
	const size_t header = header_length(data, length);
	/* Behind a proxy the client is who the header says. */
	const bool down = machine.client != NULL &&
	    (machine.scenario.proxied ||
		address_equal(to, &machine.client->peer));

	machine.sent_to = *to;
	machine_check(thing->bound || to->port != 0,
	    "a datagram goes to port 0");
	/* A next gateway's has one, too, that is written anew. */
	if (was_said(data, length))
		return;
	machine_check(header > 0 && (down || machine.scenario.hop) &&
		was_said(data + header, length - header),
	    "a datagram has octets that nobody sent");
}

/* ------------------------------------------------- what the client said */

/* The client's octets and ours, read side by side. */
struct talk {
	const uint8_t *in; /* the client's */
	size_t in_left;
	const uint8_t *out;
	size_t out_left;
	unsigned command;
	unsigned port;
	bool socks4;
	bool whole; /* the request is */
	bool by_id;
	bool granted; /* the last reply that there can be was one of success */
	unsigned replies; /* to the request */
};

static void
skip_in(struct talk *t, size_t length)
{
	machine_check(length <= t->in_left,
	    "an answer came before the question was whole");
	t->in += length;
	t->in_left -= length;
}

static void
skip_out(struct talk *t, size_t length)
{
	machine_check(length <= t->out_left, "an answer is cut short");
	t->out += length;
	t->out_left -= length;
}

static uint8_t
octet_at(const uint8_t *at, size_t left, size_t i)
{
	machine_check(i < left,
	    "an answer came before the question was whole");
	return at[i];
}

static void
skip_proxy_header(struct talk *t)
{
	const uint8_t *end;

	if (!machine.scenario.proxied || t->in_left < 16)
		return;
	if (t->in[0] != 'P') {
		skip_in(t, 16u + (size_t)(t->in[14] << 8 | t->in[15]));
		return;
	}
	end = memchr(t->in, '\n', t->in_left);
	machine_check(end != NULL, "a PROXY header without an end was taken");
	skip_in(t, (size_t)(end - t->in) + 1);
}

/* False: there is no request behind it. */
static bool
read_greeting(struct talk *t)
{
	const size_t methods = octet_at(t->in, t->in_left, 1);
	const uint8_t method = octet_at(t->out, t->out_left, 1);

	machine_check(t->out[0] == 5, "the method has no version");
	machine_check(method == METHOD_NONE_OF_THEM ||
		(t->in_left >= 2 + methods &&
		    memchr(t->in + 2, method, methods) != NULL),
	    "a method that was not offered");
	skip_out(t, 2);
	if (method == METHOD_NONE_OF_THEM)
		return false;
	skip_in(t, 2 + methods);
	if (method == 0)
		return true;
	machine_check(method == 2, "a method that there is not");
	if (t->out_left == 0)
		return false;
	machine_check(t->out[0] == 1, "a login's answer has no version");
	const uint8_t status = octet_at(t->out, t->out_left, 1);
	skip_out(t, 2);
	if (status != 0)
		return false;
	skip_in(t, 2u + octet_at(t->in, t->in_left, 1));
	skip_in(t, 1u + octet_at(t->in, t->in_left, 0));
	return true;
}

/* Of ATYP, address and port; 0: not known, or not whole. */
static size_t
address_size(const uint8_t *at, size_t left)
{
	size_t size = 0;

	if (left < 2)
		return 0;
	switch (at[0]) {
	case 1: size = 1 + 4 + 2; break;
	case 4: size = 1 + 16 + 2; break;
	case 3: size = 1 + 1 + (size_t)at[1] + 2; break;
	default: break;
	}
	return size <= left ? size : 0;
}

/* What is not whole can be refused, and no more. */
static void
read_request(struct talk *t)
{
	size_t length;

	t->command = 0;
	t->whole = false;
	if (t->in_left < 4)
		return;
	length = address_size(t->in + 3, t->in_left - 3);
	t->command = t->in[1];
	t->by_id = t->in[3] != 1 && t->in[3] != 3 && t->in[3] != 4;
	t->whole = t->in[0] == 5 && (length > 0 || t->by_id);
	if (length == 0)
		return;
	t->port = (unsigned)t->in[length + 1] << 8 | t->in[length + 2];
	skip_in(t, 3 + length);
}

/* One reply of SOCKS5; was it one of success? */
static bool
read_reply(struct talk *t)
{
	const uint8_t reply = octet_at(t->out, t->out_left, 1);
	size_t length;

	machine_check(t->out[0] == 5, "a reply has no version");
	/* That of a next gateway is passed on, whatever it is. */
	machine_check(reply <= 9 || machine.scenario.hop,
	    "a reply that there is not");
	machine_check(reply != 0 || t->whole,
	    "success came before the request was whole");
	length = t->out_left < 3 ? 0 :
				   address_size(t->out + 3, t->out_left - 3);
	/* draft-kitamura-socks-ipv6-01: an ADDRESS ID. */
	skip_out(t, length == 0 ? 10 : 3 + length);
	return reply == 0;
}

static unsigned
replies_to(const struct talk *t)
{
	switch (t->command & ~(unsigned)ASSOCIATE) {
	case BIND: return 2;
	case UDP: return REPLIES_MAX; /* of its control channel */
	default: return 1;
	}
}

static void
read_replies(struct talk *t)
{
	while (t->out_left > 0 && t->replies < replies_to(t)) {
		t->granted = read_reply(t);
		t->replies++;
		if (!t->granted && t->command != UDP)
			break;
	}
	if (t->replies < replies_to(t))
		t->granted = false;
}

static void
read_socks4(struct talk *t)
{
	t->socks4 = true;
	t->command = octet_at(t->in, t->in_left, 1);
	while (t->out_left > 0 && t->replies < replies_to(t)) {
		machine_check(t->out[0] == 0, "a reply has no version");
		const uint8_t code = octet_at(t->out, t->out_left, 1);
		machine_check(code >= 0x5a && code <= 0x5d,
		    "a reply that there is not");
		skip_out(t, 8);
		t->replies++;
		t->granted = code == 0x5a;
		if (!t->granted)
			break;
	}
	t->granted = t->granted && t->replies == replies_to(t);
	t->in += t->in_left; /* where it ends is not looked for */
}

static void
read_talk(struct talk *t)
{
	const struct thing *c = machine.client;

	*t = (struct talk){ .in = c->in.at,
		.in_left = c->in.written,
		.out = c->out.at,
		.out_left = c->out.written };
	if (t->out_left == 0)
		return;
	skip_proxy_header(t);
	if (octet_at(t->in, t->in_left, 0) == 4) {
		read_socks4(t);
		return;
	}
	machine_check(*t->in == 5, "an answer to no version of SOCKS");
	if (!read_greeting(t) || t->out_left == 0)
		return;
	read_request(t);
	/* Each is answered, until another command comes. */
	while (t->command == ASSOCIATE && t->out_left > 0 && read_reply(t) &&
	    t->out_left > 0)
		read_request(t);
	if (t->command != ASSOCIATE)
		read_replies(t);
}

/* -------------------------------------------------------- the streams */

/* Whom the client's octets went to; NULL: nobody. */
static const struct thing *
find_server(void)
{
	for (size_t i = 0; i < THINGS; i++) {
		const struct thing *t = &machine.things[i];

		if ((t->kind == KIND_STREAM || t->in.at != NULL ||
			t->out.at != NULL) &&
		    !t->client && !t->dns_tcp && t->promised &&
		    t->references > 0)
			return t;
	}
	return NULL;
}

static bool
is_ok(void)
{
	return strcmp(machine.result, "ok") == 0;
}

/* Where the server is a next gateway, its replies come first. */
static bool
begins_with(const struct octets *all, const uint8_t *part, size_t length)
{
	if (length == 0)
		return true;
	if (all->at == NULL)
		return false;
	if (machine.scenario.hop)
		return memmem(all->at, all->written, part, length) != NULL;
	return length <= all->written && memcmp(all->at, part, length) == 0;
}

static void
judge_streams(const struct talk *t, const struct thing *server)
{
	const struct thing *client = machine.client;
	const bool direct = !machine.scenario.hop;
	bool whole;

	machine_check(begins_with(&server->in, t->out, t->out_left),
	    "the client got octets that the server did not send");
	if (direct && server->out.written > 0 && !t->socks4 && !t->by_id)
		machine_check(server->out.written <= t->in_left &&
			memcmp(server->out.at, t->in, server->out.written) ==
			    0,
		    "the server got octets that the client did not send");
	whole = t->out_left == server->in.written && server->peer_ended &&
	    !server->gone;
	if (direct && is_ok())
		machine_check(whole, "ok, and the client has not got all");
	if (direct && is_ok() && !t->socks4 && !t->by_id)
		machine_check(server->out.written == t->in_left,
		    "ok, and the server has not got all");
	machine_check(!direct || whole || client->resets ||
		client->peer_reset || client->gone ||
		octets_left(&client->in) > 0,
	    "a stream that was cut short looks whole");
	machine_check(!direct || whole || !client->ended,
	    "a stream that was cut short was ended by a FIN");
	machine_check(!direct || machine.record_down == t->out_left,
	    "the record's count of octets is wrong");
}

/* Of a relay: the two connections, and pipes. */
static void
judge_descriptors(void)
{
	unsigned open[KIND_OTHER + 1] = { 0 };

	for (int fd = 0; fd < THINGS; fd++)
		if (machine.fds[fd] != -1)
			open[machine.things[machine.fds[fd]].kind]++;
	machine_check(open[KIND_STREAM] <= 2, "a relay has more connections");
	machine_check(open[KIND_LISTENER] == 0, "a relay has a listener");
	machine_check(open[KIND_DATAGRAMS] == 0, "a relay has a name server");
	machine_check(open[KIND_FILE] == 0, "a relay has a file");
	machine_check(open[KIND_PIPE] <= 4, "a relay has more pipes");
}

static bool
is_relay(const struct talk *t)
{
	const unsigned command = t->command & ~(unsigned)ASSOCIATE;

	return t->granted && (command == CONNECT || command == BIND) &&
	    strcmp(machine.result, "error") != 0;
}

/* Did the client ask for that address itself? */
static bool
client_said(const struct address *a, size_t length)
{
	const struct octets *in = &machine.client->in;

	return in->at != NULL &&
	    memmem(in->at, in->written, a->octets, length) != NULL;
}

/* The address itself, or the IPv4 address within that of a translator. */
static void
judge_names(void)
{
	for (size_t i = 0; i < THINGS; i++) {
		const struct thing *t = &machine.things[i];
		const bool ipv6 = t->family == FAMILY_IPV6;

		if (t->kind != KIND_STREAM || t->client || t->dns_tcp ||
		    !t->connected)
			continue;
		machine_check(strstr(machine.scenario.hosts, "known") !=
			    NULL ||
			names_said(t->peer.octets, ipv6 ? 16 : 4) ||
			client_said(&t->peer, ipv6 ? 16 : 4) ||
			(ipv6 && names_said(t->peer.octets + 12, 4)),
		    "an address was dialled that nobody named");
	}
}

void
judge(void)
{
	struct talk t;
	const struct thing *server;

	machine_check(machine.status == STATUS_OK ||
		machine.status == STATUS_USAGE ||
		machine.status == STATUS_SYSTEM ||
		machine.status == STATUS_CONFIG ||
		(machine.scenario.listens && machine.status == NOT_EXECUTED),
	    "an exit status that there is not");
	if (machine.scenario.no_session || machine.client == NULL)
		return;
	machine_check(machine.records == 1, "not one record");
	machine_check((machine.status == STATUS_SYSTEM) ==
		(strcmp(machine.result, "error") == 0),
	    "record and exit status differ");
	if (machine.scenario.names_decide)
		judge_names();
	read_talk(&t);
	machine_check(t.granted || t.out_left == 0 || t.command == UDP,
	    "octets behind a refusal");
	if (!is_relay(&t) ||
	    (machine.scenario.ftp && !t.socks4 && t.port == FTP_PORT))
		return;
	server = find_server();
	machine_check(server != NULL, "success without a server");
	judge_descriptors();
	judge_streams(&t, server);
}
