/* SPDX-License-Identifier: ISC */
/*
 * Commands and what becomes of them are tables; few rules stand beside them.
 */
#include "alg/commands.h"

#include <string.h>

#include "alg/forms.h"
#include "base/array.h"
#include "base/text.h"

enum { VERB_MAX = 12 };

#define SAY_USE_IPV6 "522 Network protocol not supported, use (2)"
#define SAY_USE_IPV4 "522 Network protocol not supported, use (1)"
#define SAY_LONG_IPV6 "521 Supported address families are (6)"
#define SAY_LONG_IPV4 "521 Supported address families are (4)"
#define SAY_SYNTAX "501 Syntax error in the address"
#define SAY_FOREIGN "501 Only your own address can be used"
#define SAY_LOW_PORT "504 Ports below 1024 cannot be used"

static const struct {
	const char *verb;
	enum ask ask;
} verbs[] = {
	{ "PASV", ASK_PASV },
	{ "EPSV", ASK_EPSV },
	{ "LPSV", ASK_LPSV },
	{ "PORT", ASK_PORT },
	{ "EPRT", ASK_EPRT },
	{ "LPRT", ASK_LPRT },
	{ "ALGS", ASK_ALGS },
	{ "AUTH", ASK_AUTH },
	{ "STAT", ASK_STAT },
	{ "ABOR", ASK_ABOR },
	{ "NOOP", ASK_NOOP },
	{ "USER", ASK_LOGIN },
	{ "PASS", ASK_LOGIN },
	{ "ACCT", ASK_LOGIN },
	{ "RETR", ASK_TRANSFER },
	{ "STOR", ASK_TRANSFER },
	{ "STOU", ASK_TRANSFER },
	{ "APPE", ASK_TRANSFER },
	{ "LIST", ASK_TRANSFER },
	{ "NLST", ASK_TRANSFER },
	{ "MLSD", ASK_TRANSFER },
};

static bool
is_word(const uint8_t *text, size_t length, const char *word)
{
	if (length != strlen(word))
		return false;
	for (size_t i = 0; i < length; i++)
		if (text_upper(text[i]) != (uint8_t)word[i])
			return false;
	return true;
}

static size_t
verb_length(const uint8_t *line, size_t length)
{
	size_t n = 0;

	while (n < length && n < VERB_MAX && text_upper(line[n]) >= 'A' &&
	    text_upper(line[n]) <= 'Z')
		n++;
	return n;
}

bool
command_argument_is(const struct command *c, const char *word)
{
	return is_word(c->argument, c->argument_length, word);
}

bool
command_is_data(enum ask ask)
{
	return ask >= ASK_PASV && ask <= ASK_LPRT;
}

static enum ask
epsv_ask(const struct command *c)
{
	static const struct {
		const char *word;
		enum ask ask;
	} words[] = {
		{ "", ASK_EPSV },
		{ "1", ASK_EPSV_IPV4 },
		{ "2", ASK_EPSV_IPV6 },
		{ "ALL", ASK_EPSV_ALL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (command_argument_is(c, words[i].word))
			return words[i].ask;
	return ASK_EPSV_UNKNOWN;
}

static bool
has_controls(const uint8_t *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] < ' ' && line[i] != '\t')
			return true;
	return false;
}

struct command
command_parse(const uint8_t *line, size_t length)
{
	const size_t verb = verb_length(line, length);
	size_t start = verb;
	struct command c = { .controls = has_controls(line, length) };

	while (length > start &&
	    (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	c.argument = line + start;
	c.argument_length = length - start;
	if (start == verb && c.argument_length > 0)
		return c; /* some other octet sticks to the letters */
	for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
		if (is_word(line, verb, verbs[i].verb))
			c.ask = verbs[i].ask;
	if (c.ask == ASK_EPSV)
		c.ask = epsv_ask(&c);
	return c;
}

const char *
command_name(enum ask ask)
{
	static const char *const names[ASK_COUNT] = {
		[ASK_PASV] = "PASV",
		[ASK_EPSV] = "EPSV",
		[ASK_EPSV_IPV4] = "EPSV",
		[ASK_EPSV_IPV6] = "EPSV",
		[ASK_EPSV_ALL] = "EPSV",
		[ASK_EPSV_UNKNOWN] = "EPSV",
		[ASK_LPSV] = "LPSV",
		[ASK_PORT] = "PORT",
		[ASK_EPRT] = "EPRT",
		[ASK_LPRT] = "LPRT",
		[ASK_ALGS] = "ALGS",
		[ASK_AUTH] = "AUTH",
	};

	return names[ask] != NULL ? names[ask] : "-";
}

struct treatment
command_treatment(enum ask ask, enum pair pair)
{
	/* In each row: the same family, 64, 46. */
	static const struct treatment table[ASK_COUNT][PAIR_COUNT] = {
		[ASK_PASV] = { { ACTION_WATCH, NULL }, { ACTION_WATCH, NULL },
		    { ACTION_PASSIVE, NULL } },
		[ASK_EPSV] = { { ACTION_WATCH, NULL },
		    { ACTION_PASSIVE, NULL }, { ACTION_WATCH, NULL } },
		[ASK_EPSV_IPV4] = { { ACTION_WATCH, NULL },
		    { ACTION_SAY, SAY_USE_IPV6 }, { ACTION_PASSIVE, NULL } },
		[ASK_EPSV_IPV6] = { { ACTION_WATCH, NULL },
		    { ACTION_PASSIVE, NULL }, { ACTION_SAY, SAY_USE_IPV4 } },
		[ASK_EPSV_ALL] = { { ACTION_PASS, NULL },
		    { ACTION_SAY,
			"504 Command not implemented for that parameter" },
		    { ACTION_ALL, NULL } },
		[ASK_EPSV_UNKNOWN] = { { ACTION_PASS, NULL },
		    { ACTION_SAY, SAY_USE_IPV6 },
		    { ACTION_SAY, SAY_USE_IPV4 } },
		[ASK_LPSV] = { { ACTION_WATCH, NULL },
		    { ACTION_PASSIVE, NULL }, { ACTION_PASSIVE, NULL } },
		[ASK_PORT] = { { ACTION_ACTIVE, NULL },
		    { ACTION_ACTIVE, NULL }, { ACTION_ACTIVE, NULL } },
		[ASK_EPRT] = { { ACTION_ACTIVE, NULL },
		    { ACTION_ACTIVE, NULL }, { ACTION_ACTIVE, NULL } },
		[ASK_LPRT] = { { ACTION_ACTIVE, NULL },
		    { ACTION_ACTIVE, NULL }, { ACTION_ACTIVE, NULL } },
		[ASK_ALGS] = { { ACTION_ALGS, NULL }, { ACTION_ALGS, NULL },
		    { ACTION_ALGS, NULL } },
		[ASK_AUTH] = { { ACTION_AUTH, NULL }, { ACTION_AUTH, NULL },
		    { ACTION_AUTH, NULL } },
	};

	return table[ask][pair];
}

static enum ask
way(const enum ask *ways, size_t count, unsigned n)
{
	return n < count ? ways[n] : ASK_OTHER;
}

enum ask
command_passive_way(enum family server, unsigned n)
{
	static const enum ask ipv4[] = { ASK_PASV, ASK_EPSV, ASK_LPSV };
	static const enum ask ipv6[] = { ASK_EPSV, ASK_LPSV };

	return server == FAMILY_IPV4 ? way(ipv4, ARRAY_COUNT(ipv4), n) :
				       way(ipv6, ARRAY_COUNT(ipv6), n);
}

enum ask
command_active_way(enum family server, unsigned n)
{
	static const enum ask ipv4[] = { ASK_PORT, ASK_EPRT, ASK_LPRT };
	static const enum ask ipv6[] = { ASK_EPRT, ASK_LPRT };

	return server == FAMILY_IPV4 ? way(ipv4, ARRAY_COUNT(ipv4), n) :
				       way(ipv6, ARRAY_COUNT(ipv6), n);
}

static enum form
target_parse(const struct command *c, struct address *target)
{
	if (c->controls)
		return FORM_BAD;
	if (c->ask == ASK_PORT)
		return form_port_parse(c->argument, c->argument_length,
		    target);
	if (c->ask == ASK_EPRT)
		return form_eprt_parse(c->argument, c->argument_length,
		    target);
	return form_lprt_parse(c->argument, c->argument_length, target);
}

static struct target_verdict
say(const char *what)
{
	return (struct target_verdict){ .judged = TARGET_REFUSED,
		.say = what };
}

struct target_verdict
command_judge_target(const struct command *command, enum pair pair,
    command_own *is_own, void *context)
{
	const enum family client = pair == PAIR_64 ? FAMILY_IPV6 : FAMILY_IPV4;
	const bool is_long = command->ask == ASK_LPRT;
	struct target_verdict v = { .judged = TARGET_FOREIGN };
	const enum form form = target_parse(command, &v.address);

	if (form == FORM_DONE && is_own(context, &v.address)) {
		/* SECURITY: no connection to a service (RFC 2577 3). */
		if (v.address.port < PORT_UNPRIVILEGED)
			return say(SAY_LOW_PORT);
		v.judged = TARGET_OWN;
		return v;
	}
	/* SECURITY: a foreign address is never translated (FTP bounce). */
	if (pair == PAIR_SAME || (pair == PAIR_64 && command->ask == ASK_PORT))
		return v;
	if (form == FORM_BAD)
		return say(SAY_SYNTAX);
	if (is_long && (form == FORM_FAMILY || v.address.family != client))
		return say(client == FAMILY_IPV6 ? SAY_LONG_IPV6 :
						   SAY_LONG_IPV4);
	if (pair == PAIR_46 && command->ask != ASK_EPRT)
		return say(SAY_FOREIGN);
	return v;
}
