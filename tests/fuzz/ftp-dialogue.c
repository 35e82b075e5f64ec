/* SPDX-License-Identifier: ISC */
/*
 * A whole FTP control connection, both sides of it, in any pieces: the
 * translator itself, without sockets and without a table.  In lines and octet
 * by octet it says and does the same; who only watches writes nothing; what is
 * listened for, announced or made an alias of is the client's or the server's
 * own, never a service's port; and nothing is, but for a client whose first
 * line is FTP and that has named a user.  A client that never spoke FTP loses
 * no octet.
 *
 * The input: an octet (bits 0 and 1: families; 4: watch; 8: no table; 16: the
 * client is one of this host; 32: behind each piece the server is silent for
 * as long as anything waits for it), then pieces: an octet (128: the server;
 * its other bits: a length, 0 is the side's end), and the octets.
 */
#include <stdlib.h>
#include <string.h>

#include "alg/intake.h"
#include "policy/rules.h"
#include "policy/settings.h"
#include "share/announced.h"
#include "share/binds.h"
#include "share/ids.h"

enum { KIND_PAIR = 3, KIND_WATCH = 4, KIND_NO_TABLE = 8, KIND_SELF = 16 };
enum { KIND_SILENT = 32 };
enum { SIDE_SERVER = 0x80, STORY_OCTETS = 1 << 20, NO_OPTIONS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came of one run. */
struct story {
	size_t length;
	uint8_t octets[STORY_OCTETS];
};

struct run {
	struct story to_client;
	struct story to_server;
	struct story deeds;  /* what was announced and listened for */
	struct story client; /* what the client said */
	bool options;        /* the server said an IAC: it may get an answer */
	bool relayed;        /* octets pass unseen */
};

/* How what a side says in one piece arrives. */
enum arrival { IN_LINES, IN_OCTETS, AS_ONE, ARRIVALS };

static struct run runs[ARRIVALS];
static struct run *run; /* this one */
static bool silent;     /* KIND_SILENT */
static struct control control;
static struct alg alg;
static struct address reached; /* where the client reached the gateway */

static void
tell(struct story *story, const void *octets, size_t length)
{
	if (length > STORY_OCTETS - story->length)
		abort();
	memcpy(story->octets + story->length, octets, length);
	story->length += length;
}

/* --- What must be so, said a second time and without alg/. --- */

static const uint8_t *
line_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *found = memchr(at, '\n', (size_t)(end - at));

	return found == NULL ? end : found;
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
contains(const uint8_t *at, const uint8_t *end, const char *word)
{
	return memmem(at, (size_t)(end - at), word, strlen(word)) != NULL;
}

/* A word of three or four letters, then a blank or the end of the line. */
static bool
looks_like_ftp(const uint8_t *at, const uint8_t *end)
{
	size_t n = 0;

	if (end > at && end[-1] == '\r')
		end--;
	for (const uint8_t *c = at; c < end; c++)
		if ((*c < ' ' && *c != '\t') || *c == 0x7f)
			return false;
	while (at + n < end && is_letter(at[n]))
		n++;
	return (n == 3 || n == 4) &&
	    (at + n == end || at[n] == ' ' || at[n] == '\t') &&
	    !contains(at, end, " HTTP/");
}

static bool
names_user(const uint8_t *at)
{
	static const char *const verbs[] = { "USER", "PASS", "ACCT" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strncasecmp((const char *)at, verbs[i], 4) == 0)
			return true;
	return false;
}

/* All lines up to the one that names a user look like FTP.  Telnet is for
 * tests/fuzz/ftp-line.c. */
static bool
may_be_served(void)
{
	const struct story *said = &run->client;
	const uint8_t *at = said->octets;
	const uint8_t *end = at + said->length;

	if (memchr(at, 0xff, said->length) != NULL)
		return true;
	while (at < end) {
		const uint8_t *stop = line_end(at, end);

		if (!looks_like_ftp(at, stop))
			return false;
		if (stop - at >= 4 && names_user(at))
			return true;
		if (stop == end)
			return false;
		at = stop + 1;
	}
	return false;
}

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
deed(const char *what, const struct address *where)
{
	tell(&run->deeds, what, strlen(what));
	if (where == NULL)
		return;
	tell(&run->deeds, where->octets, sizeof(where->octets));
	tell(&run->deeds, &where->port, sizeof(where->port));
}

/* --- The table and the sockets. --- */

static enum table_result
table_says(void)
{
	return alg.share.table->fd < 0 ? TABLE_UNUSABLE : TABLE_OK;
}

enum table_result
controls_put(const struct share *share, const struct table_control *c,
    struct table_handle *handle)
{
	(void)share;
	(void)handle;
	must(address_equal(&c->server, &alg.server_address));
	deed("control", NULL);
	return table_says();
}

enum table_result
announced_put(const struct share *share, const struct address *to,
    struct table_handle *handle)
{
	(void)share;
	(void)handle;
	must(may_be_served() && to->port >= PORT_UNPRIVILEGED &&
	    address_equal(to, &alg.server_address));
	deed("announced", to);
	return table_says();
}

enum table_result
ids_make(const struct share *share, const struct table_target *target,
    uint32_t *id)
{
	(void)share;
	must(may_be_served() && target->count == 1 &&
	    address_equal(&target->addresses[0], &alg.server_address));
	deed("alias", NULL);
	*id = 0x010203;
	return table_says();
}

/* One port of the gateway is a live BIND. */
enum table_result
binds_find(const struct share *share, const struct address *announced,
    struct table_bind *out)
{
	(void)share;
	if (!address_equal(announced, &reached) || announced->port != 40000)
		return TABLE_NONE;
	memset(out, 0, sizeof(*out));
	out->ipv4 = address_ipv4((const uint8_t[]){ 192, 0, 2, 1 }, 40000);
	out->ipv6 = alg.local.family == FAMILY_IPV6 ? alg.local : reached;
	out->ipv6.port = 40000;
	return TABLE_OK;
}

bool
channels_listen(struct channels *c, const struct alg *a,
    const struct address *target, struct address *announce)
{
	must(a == &alg && may_be_served() && !a->client_self &&
	    target->port >= PORT_UNPRIVILEGED &&
	    address_equal(target, &a->client_address));
	deed("listen", target);
	*announce = a->local;
	announce->port = 50001;
	c->newest = &c->list[0];
	return target->port % 7 != 0;
}

void
channels_cancel(struct channels *c)
{
	c->newest = NULL;
	deed("cancel", NULL);
}

void
channels_replace(struct channels *c)
{
	c->awaited = c->newest != NULL;
	deed("replace", NULL);
}

void
channels_unreached(struct channels *c, struct alg *a)
{
	(void)a;
	c->awaited = false;
	deed("unreached", NULL);
}

void
channels_give_up(struct channels *c)
{
	c->awaited = false;
	deed("give up", NULL);
}

/* Where the server is silent at times, the end of a transfer waits for data
 * until it is. */
int64_t
channels_patience(struct channels *c)
{
	return silent && c->awaited ? 1000 : 0;
}

bool
channels_busy(const struct channels *c)
{
	(void)c;
	return false;
}

/* --- The two sides. --- */

static void
drain(struct stream *from, struct story *to)
{
	must(from->start <= from->end && from->end <= STREAM_SIZE);
	tell(to, from->octets + from->start, stream_length(from));
	stream_clear(from);
	from->urgent = STREAM_NOT_URGENT;
}

static void
turn(void)
{
	struct control *k = &control;
	size_t before;

	do {
		before = stream_length(&k->from_client) +
		    stream_length(&k->from_server);
		intake_turn(k);
		must(k->queue.count <= QUEUE_MAX);
		drain(&k->to_client, &run->to_client);
		drain(&k->to_server, &run->to_server);
	} while (stream_length(&k->from_client) +
		stream_length(&k->from_server) <
	    before);
	if (!intake_is_over(k))
		return;
	run->relayed = true;
	drain(&k->from_client, &run->to_server);
}

/* Nothing waits for ever. */
static void
be_silent(void)
{
	struct control *k = &control;
	unsigned turns = 0;

	while (intake_patience(k) != INTAKE_FOR_EVER) {
		must(++turns <= 4 * STREAM_SIZE);
		intake_lose_patience(k);
		turn();
	}
	must(run->relayed || k->over || !k->held);
}

static void
watch(bool server, const uint8_t *octets, size_t length)
{
	if (server)
		intake_watch_server(&control, octets, length);
	else
		intake_watch_client(&control, octets, length);
	must(stream_length(&control.to_client) == 0 &&
	    stream_length(&control.to_server) == 0);
}

/* False: there is no room, and the dialogue would not read. */
static bool
say(bool server, const uint8_t *octets, size_t length)
{
	struct stream *in = server ? &control.from_server :
				     &control.from_client;

	if (!server)
		tell(&run->client, octets, length);
	else if (memchr(octets, 0xff, length) != NULL)
		run->options = true;
	if (alg.watch) {
		watch(server, octets, length);
	} else if (run->relayed) {
		tell(server ? &run->to_client : &run->to_server, octets,
		    length);
	} else if (!stream_has_room(in)) {
		return false;
	} else {
		stream_put(in, octets, length);
		turn();
	}
	return true;
}

static bool
has_ended(bool server)
{
	return server ? control.server_ended : control.client_ended;
}

static void
end(bool server)
{
	if (server)
		control.server_ended = true;
	else
		control.client_ended = true;
	if (!alg.watch && !run->relayed)
		turn();
}

static size_t
piece_of(const uint8_t *octets, size_t length, enum arrival arrival)
{
	const uint8_t *end = octets + length;
	const uint8_t *stop = line_end(octets, end);

	if (arrival == IN_OCTETS)
		return 1;
	return arrival == AS_ONE || stop == end ? length :
						  (size_t)(stop + 1 - octets);
}

static bool
say_in_pieces(bool server, const uint8_t *octets, size_t length,
    enum arrival arrival)
{
	while (length > 0) {
		const size_t piece = piece_of(octets, length, arrival);

		if (!say(server, octets, piece))
			return false;
		octets += piece;
		length -= piece;
	}
	return true;
}

static void
converse(const uint8_t *data, size_t size, enum arrival arrival)
{
	while (size > 0 && !control.over) {
		const bool server = (data[0] & SIDE_SERVER) != 0;
		size_t length = data[0] & (SIDE_SERVER - 1);

		data++;
		size--;
		if (length > size)
			length = size;
		if (length == 0) {
			end(server);
		} else if (!has_ended(server) &&
		    !say_in_pieces(server, data, length, arrival)) {
			return;
		}
		data += length;
		size -= length;
		if (silent && !alg.watch)
			be_silent();
	}
}

/* --- A session. --- */

static void
ignore(void *context, bool warning, const char *where, const char *what)
{
	(void)context;
	(void)where;
	(void)what;
	must(warning);
}

static const struct settings *
settings(void)
{
	static const char *const options[NO_OPTIONS] = {
		"allow at any port 21", "log-to stderr"
	};
	const struct settings_source source = { .file = "/dev/null",
		.options = options,
		.count = NO_OPTIONS };
	static struct settings s;
	static bool known;

	if (!known)
		must(settings_read(&s, &source, ignore, NULL));
	known = true;
	return &s;
}

static void
set_addresses(unsigned pair)
{
	static const uint8_t ipv6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	uint8_t client[16];
	uint8_t server[16];

	memcpy(client, ipv6, sizeof(client));
	memcpy(server, ipv6, sizeof(server));
	client[15] = 0x07;
	server[15] = 0x80;
	alg.client_address = pair == 0 ?
	    address_ipv6(client, 4711) :
	    address_ipv4((const uint8_t[]){ 192, 0, 2, 7 }, 4711);
	alg.server_address = pair == 1 ?
	    address_ipv6(server, 21) :
	    address_ipv4((const uint8_t[]){ 192, 0, 2, 80 }, 21);
	reached = alg.client_address;
	reached.octets[3] ^= 1;
	alg.destination = alg.server_address;
	alg.local = alg.server_address;
	alg.local.octets[3] ^= 1;
}

static void
start(unsigned kind)
{
	static struct table table;
	static struct question question;

	memset(&control, 0, sizeof(control));
	memset(&alg, 0, sizeof(alg));
	memset(&question, 0, sizeof(question));
	set_addresses(kind & KIND_PAIR);
	table.fd = (kind & KIND_NO_TABLE) != 0 ? -1 : 0;
	question.command = POLICY_CONNECT;
	question.client = alg.client_address;
	question.literal = alg.server_address;
	question.port = 21;
	alg.settings = settings();
	alg.question = &question;
	alg.rule = alg.settings->policy->rules;
	alg.client_self = (kind & KIND_SELF) != 0;
	alg.watch = (kind & KIND_WATCH) != 0;
	alg.share.table = &table;
	alg.control.server = alg.server_address;
	control_start(&control, &alg);
}

static void
same(const struct story *a, const struct story *b)
{
	must(a->length == b->length &&
	    memcmp(a->octets, b->octets, a->length) == 0);
}

/* A client whose first line was no FTP is left alone, and the server has all
 * that it said. */
static void
check_others(void)
{
	const uint8_t *at = run->client.octets;
	const uint8_t *end = at + run->client.length;
	const uint8_t *stop = line_end(at, end);

	if (!control.greeted || run->options || stop == end ||
	    looks_like_ftp(at, stop) ||
	    memchr(at, 0xff, (size_t)(stop - at)) != NULL)
		return;
	must(control.raw && run->deeds.length == 0);
	if (run->relayed)
		same(&run->to_server, &run->client);
}

static void
play(const uint8_t *data, size_t size, enum arrival arrival)
{
	run = &runs[arrival];
	run->to_client.length = 0;
	run->to_server.length = 0;
	run->deeds.length = 0;
	run->client.length = 0;
	run->options = false;
	run->relayed = false;
	start(data[0]);
	silent = (data[0] & KIND_SILENT) != 0;
	converse(data + 1, size - 1, arrival);
	check_others();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	for (int i = 0; i < ARRIVALS; i++)
		play(data, size, (enum arrival)i);
	same(&runs[IN_LINES].to_client, &runs[IN_OCTETS].to_client);
	same(&runs[IN_LINES].to_server, &runs[IN_OCTETS].to_server);
	same(&runs[IN_LINES].deeds, &runs[IN_OCTETS].deeds);
	return 0;
}
