/* SPDX-License-Identifier: ISC */
/*
 * Messages as vectors, for tests/messages.bats: each file is one message
 * in hexadecimal, its name ends in its verdict.
 *
 *   message proxy|login|socks4|datagram|control FILE...
 *   message method|answer|reply|from FILE...       what a client gets
 *
 *   *.done.hex   a message; `#=` says what it means.  Every strict prefix is
 *                MORE, and octets behind it are not consumed.
 *   *.bad.hex    BAD at once or at some octet, and from then on
 *   *.more.hex   MORE at every octet
 *
 * Every prefix is parsed from a block of exactly its size, so that ASan sees
 * a read behind it.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "wire/client.h"
#include "wire/login.h"
#include "wire/proxy.h"
#include "wire/socks4.h"
#include "wire/udp.h"

enum { MESSAGE_MAX = 65536, MEANING_TEXT = 1100, BEHIND = 3 };

struct vector {
	uint8_t octets[MESSAGE_MAX + BEHIND];
	size_t length;
	char meaning[MEANING_TEXT];
};

/* Parses; on PARSE_DONE says what was found. */
typedef enum parse parser(struct cursor *c, struct text *meaning);

static enum parse
parse_proxy(struct cursor *c, struct text *meaning)
{
	struct proxy_header header;
	const enum parse parse = proxy_header_parse(c, &header);

	if (parse != PARSE_DONE)
		return parse;
	if (header.local)
		text_add(meaning, "local ");
	address_add_port(meaning, &header.source);
	text_add(meaning, " ");
	address_add_port(meaning, &header.destination);
	return parse;
}

static enum parse
parse_login(struct cursor *c, struct text *meaning)
{
	struct login login;
	const enum parse parse = login_parse(c, &login);

	if (parse != PARSE_DONE)
		return parse;
	text_add_escaped(meaning, login.user, login.user_length);
	text_add(meaning, " ");
	text_add_escaped(meaning, login.password, login.password_length);
	return parse;
}

static enum parse
parse_socks4(struct cursor *c, struct text *meaning)
{
	struct request request;
	struct socks4_claim claim;
	enum reply why;
	const enum parse parse = socks4_request_parse(c, &request, &claim,
	    &why);

	if (parse != PARSE_DONE)
		return parse;
	text_add(meaning,
	    request.command == REQUEST_BIND ? "BIND " : "CONNECT ");
	if (request.kind == NAME_HOST) {
		text_add(meaning, request.name);
		text_add(meaning, ":");
		text_add_number(meaning, request.address.port);
	} else {
		address_add_port(meaning, &request.address);
	}
	text_add(meaning, " ");
	text_add(meaning, claim.length == 0 ? "-" : "");
	text_add_escaped(meaning, claim.userid, claim.length);
	return parse;
}

static void
target_add(struct text *t, const struct request *to)
{
	if (to->kind == NAME_LITERAL) {
		address_add_port(t, &to->address);
		return;
	}
	if (to->by_id) {
		text_add(t, "id=");
		text_add_number(t, to->id);
		text_add(t, ":");
		text_add_number(t, to->address.port);
		return;
	}
	text_add(t, to->name);
	text_add(t, " ");
	text_add_number(t, to->address.port);
}

/* What is no header is MORE here: a datagram has no continuation. */
static enum parse
parse_datagram(struct cursor *c, struct text *meaning)
{
	struct udp_header header;
	struct cursor walk = *c;

	if (!udp_header_parse(&walk, &header))
		return PARSE_MORE;
	*c = walk;
	text_add_number(meaning, header.fragment);
	text_add(meaning, " ");
	target_add(meaning, &header.to);
	return PARSE_DONE;
}

static enum parse
parse_control(struct cursor *c, struct text *meaning)
{
	struct udp_control control;
	enum reply why;
	const enum parse parse = udp_control_parse(c, &control, &why);

	if (parse == PARSE_DONE)
		target_add(meaning, &control.to);
	return parse;
}

static enum parse
parse_method(struct cursor *c, struct text *meaning)
{
	uint8_t method = 0;
	const enum parse parse = client_method_parse(c, &method);

	if (parse == PARSE_DONE)
		text_add_number(meaning, method);
	return parse;
}

static enum parse
parse_answer(struct cursor *c, struct text *meaning)
{
	bool granted = false;
	const enum parse parse = client_login_parse(c, &granted);

	if (parse == PARSE_DONE)
		text_add(meaning, granted ? "granted" : "refused");
	return parse;
}

static void
origin_add(struct text *t, const struct client_address *from)
{
	if (from->name == NULL && from->id == 0) {
		address_add_port(t, &from->address);
		return;
	}
	if (from->name != NULL) {
		text_add_escaped(t, from->name, from->name_length);
	} else {
		text_add(t, "id ");
		text_add_number(t, from->id);
	}
	text_add(t, " ");
	text_add_number(t, from->address.port);
}

/* Whoever reads what is missing, and no more, has the reply. */
static void
check_missing(const struct cursor *c, enum parse parse, size_t used)
{
	const size_t missing = client_reply_missing(c->at, c->left);

	if ((parse == PARSE_MORE) == (missing > 0) &&
	    (parse != PARSE_DONE || used <= c->left))
		return;
	printf("%zu octets are missing behind %zu\n", missing, c->left);
	exit(1);
}

static enum parse
parse_reply(struct cursor *c, struct text *meaning)
{
	const struct cursor before = *c;
	struct client_reply reply;
	const enum parse parse = client_reply_parse(c, &reply);

	check_missing(&before, parse, before.left - c->left);
	if (parse != PARSE_DONE)
		return parse;
	text_add_number(meaning, reply.reply);
	text_add(meaning, " ");
	if (reply.flag != 0) {
		text_add_number(meaning, reply.flag);
		text_add(meaning, " ");
	}
	origin_add(meaning, &reply.bound);
	return parse;
}

/* As parse_datagram(). */
static enum parse
parse_from(struct cursor *c, struct text *meaning)
{
	struct client_address from;
	struct cursor walk = *c;

	if (!client_datagram_parse(&walk, &from))
		return PARSE_MORE;
	*c = walk;
	origin_add(meaning, &from);
	return PARSE_DONE;
}

static const struct {
	const char *word;
	parser *parse;
} parsers[] = {
	{ "proxy", parse_proxy },
	{ "login", parse_login },
	{ "socks4", parse_socks4 },
	{ "datagram", parse_datagram },
	{ "control", parse_control },
	{ "method", parse_method },
	{ "answer", parse_answer },
	{ "reply", parse_reply },
	{ "from", parse_from },
};

static void
fail(const char *path, const char *what, size_t at)
{
	printf("%s: %s at %zu octets\n", path, what, at);
	exit(1);
}

/* Hexadecimal; `xx*N` repeats; `#=` and the meaning; `#` comments. */
static void
read_line(struct vector *v, char *line)
{
	if (line[0] == '#') {
		line[strcspn(line, "\n")] = '\0';
		struct text meaning = text_in(v->meaning, MEANING_TEXT);
		if (line[1] == '=')
			text_add(&meaning, line + 3);
		return;
	}
	for (char *word = strtok(line, " \n"); word != NULL;
	     word = strtok(NULL, " \n")) {
		char *star;
		const unsigned long octet = strtoul(word, &star, 16);
		unsigned long times = *star == '*' ?
		    strtoul(star + 1, NULL, 10) :
		    1;

		while (times-- > 0 && v->length < MESSAGE_MAX)
			v->octets[v->length++] = (uint8_t)octet;
	}
}

static void
read_vector(struct vector *v, const char *path)
{
	static char line[3 * MESSAGE_MAX];
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	*v = (struct vector){ .length = 0 };
	while (fgets(line, sizeof(line), file) != NULL)
		read_line(v, line);
	fclose(file);
}

/* Parses the first `length` octets; how many it took, or an exit. */
static enum parse
try(parser *parse, const struct vector *v, size_t length, size_t *taken)
{
	char buffer[MEANING_TEXT];
	struct text meaning = text_in(buffer, sizeof(buffer));
	uint8_t *exact = malloc(length == 0 ? 1 : length);
	struct cursor c = { .at = exact, .left = length };

	if (exact == NULL)
		exit(2);
	memcpy(exact, v->octets, length);
	const enum parse found = parse(&c, &meaning);
	*taken = length - c.left;
	free(exact);
	if (found != PARSE_DONE && *taken != 0) {
		printf("the cursor moved without PARSE_DONE\n");
		exit(1);
	}
	if (found == PARSE_DONE && strcmp(buffer, v->meaning) != 0) {
		printf("expected: %s\nfound:    %s\n", v->meaning, buffer);
		exit(1);
	}
	return found;
}

static void
check(parser *parse, const struct vector *v, const char *path)
{
	const bool done = strstr(path, ".done.") != NULL;
	const bool bad = strstr(path, ".bad.") != NULL;
	enum parse before = PARSE_MORE;
	size_t taken;

	for (size_t length = 0; length <= v->length + BEHIND; length++) {
		const enum parse found = try(parse, v, length, &taken);

		if (before == PARSE_BAD && found != PARSE_BAD)
			fail(path, "no longer bad", length);
		if (done && (length < v->length) != (found == PARSE_MORE))
			fail(path, "not done exactly at its end", length);
		if (found == PARSE_DONE && (!done || taken != v->length))
			fail(path, "done", length);
		if (bad && length == v->length && found != PARSE_BAD)
			fail(path, "not bad", length);
		if (length == v->length && !bad)
			before = found;
		else if (found == PARSE_BAD)
			before = PARSE_BAD;
		if (!done && length == v->length)
			return;
	}
}

int
main(int argc, char **argv)
{
	static struct vector v;
	parser *parse = NULL;

	if (argc < 3)
		return 64;
	for (size_t i = 0; i < ARRAY_COUNT(parsers); i++)
		if (strcmp(argv[1], parsers[i].word) == 0)
			parse = parsers[i].parse;
	if (parse == NULL)
		return 64;
	for (int i = 2; i < argc; i++) {
		read_vector(&v, argv[i]);
		check(parse, &v, argv[i]);
	}
	printf("%d vectors held\n", argc - 2);
	return 0;
}
