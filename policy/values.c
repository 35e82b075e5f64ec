/* SPDX-License-Identifier: ISC */
/*
 * Reading and writing the values of directives.  Numbers out of range are
 * refused, never clamped, and the message names the range.
 */
#include "policy/values.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "policy/grammar.h"

enum { MESSAGE_TEXT = 256, DNS_PORT = 53 };

void
output_flush(struct output *o)
{
	size_t done = 0;

	while (done < o->used && !o->failed) {
		const ssize_t n = write(o->fd, o->buffer + done,
		    o->used - done);

		if (n < 0)
			o->failed = true;
		else
			done += (size_t)n;
	}
	o->used = 0;
}

void
output_add(struct output *o, const char *string)
{
	for (; *string != '\0'; string++) {
		if (o->used == sizeof(o->buffer))
			output_flush(o);
		o->buffer[o->used++] = *string;
		o->total++;
	}
}

static void
output_add_number(struct output *o, uint64_t number)
{
	char buffer[24];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add_number(&t, number);
	output_add(o, buffer);
}

static void *
field_of(const struct directive *d, struct settings *s)
{
	return (char *)s + d->offset;
}

static const void *
field_in(const struct directive *d, const struct settings *s)
{
	return (const char *)s + d->offset;
}

/* The only word of the value; NULL and an error where there are more. */
static char *
single_word(struct reader *r, char *value)
{
	char *rest = value;
	char *word = word_next(&rest);
	const char *more = word_next(&rest);

	if (more == NULL)
		return word;
	reader_refuse(r, "", more, " is too much: this takes one value");
	return NULL;
}

/* --- times --- */

static const struct {
	char word[4];
	int64_t milliseconds;
} units[] = {
	{ "d", 24 * 60 * 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "min", 60 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "", 1000 },
	{ "ms", 1 },
};

static void
add_time(struct text *t, int64_t time)
{
	size_t i = 0;

	if (time == 0) {
		text_add(t, "0");
		return;
	}
	while (time % units[i].milliseconds != 0)
		i++;
	text_add_number(t, (uint64_t)(time / units[i].milliseconds));
	text_add(t, units[i].word);
}

/* False: no time at all.  What is longer than `highest` gives more than
 * that. */
static bool
time_parse(char *word, int64_t highest, int64_t *out)
{
	char *unit = word + strspn(word, "0123456789");
	char digits[20];
	uint64_t number;
	const size_t length = (size_t)(unit - word);
	const bool fits = length < sizeof(digits);

	if (length == 0)
		return false;
	memcpy(digits, word, fits ? length : 0);
	digits[fits ? length : 0] = '\0'; /* no number at all */
	for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
		if (strcmp(unit, units[i].word) != 0)
			continue;
		*out = highest + 1;
		if (number_parse(digits, (uint64_t)(highest /
		    units[i].milliseconds), &number))
			*out = (int64_t)number * units[i].milliseconds;
		return true;
	}
	return false;
}

static void
parse_time(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	int64_t *field = field_of(d, out);
	char buffer[MESSAGE_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));
	char *word = single_word(r, value);
	int64_t time;

	if (word == NULL)
		return;
	if (!time_parse(word, d->high, &time)) {
		reader_refuse(r, "", word, " is no time: a number, then one "
		    "of ms s m min h d");
		return;
	}
	if (time < d->low || time > d->high) {
		text_add(&after, " is out of range: ");
		add_time(&after, d->low);
		text_add(&after, " to ");
		add_time(&after, d->high);
		reader_refuse(r, "", word, buffer);
		return;
	}
	*field = time;
}

static void
dump_time(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const int64_t *field = field_in(d, s);
	char buffer[32];
	struct text t = text_in(buffer, sizeof(buffer));

	add_time(&t, *field);
	output_add(o, buffer);
}

const struct kind kind_time = { parse_time, dump_time };

/* --- words --- */

static void
refuse_choice(struct reader *r, const struct directive *d, const char *word)
{
	char buffer[MESSAGE_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));

	text_add(&after, " is none of");
	for (const struct choice *c = d->choices; c->word != NULL; c++) {
		text_add(&after, c == d->choices ? " " : ", ");
		text_add(&after, c->word);
	}
	reader_refuse(r, "", word, buffer);
}

/* NULL: an error was reported. */
static const struct choice *
choose(struct reader *r, const struct directive *d, const char *word)
{
	const struct choice *c = d->choices;

	while (c->word != NULL && strcmp(c->word, word) != 0)
		c++;
	if (c->word == NULL) {
		refuse_choice(r, d, word);
		return NULL;
	}
	if (c->state == CHOICE_UNBUILT) {
		reader_refuse(r, "", word,
		    ": not built into this version");
		return NULL;
	}
	if (c->state == CHOICE_FILE_ONLY && r->option) {
		reader_refuse(r, "", word,
		    " is taken from the configuration file only");
		return NULL;
	}
	return c;
}

static const char *
choice_word(const struct directive *d, int number)
{
	const struct choice *c = d->choices;

	/* Every number that parsing yields is in the table. */
	while (c[1].word != NULL && c->number != number)
		c++;
	return c->word;
}

static void
parse_word(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	const struct choice *c = word == NULL ? NULL : choose(r, d, word);

	if (c != NULL)
		memcpy(field_of(d, out), &c->number, sizeof(c->number));
}

static void
dump_word(struct output *o, const struct directive *d,
    const struct settings *s)
{
	int number;

	memcpy(&number, field_in(d, s), sizeof(number));
	output_add(o, choice_word(d, number));
}

const struct kind kind_word = { parse_word, dump_word };

static void
parse_switch(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	const struct choice *c = word == NULL ? NULL : choose(r, d, word);
	bool *field = field_of(d, out);

	if (c != NULL)
		*field = c->number != 0;
}

static void
dump_switch(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const bool *field = field_in(d, s);

	output_add(o, choice_word(d, *field));
}

const struct kind kind_switch = { parse_switch, dump_switch };

static void
parse_auth(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	out->auth_count = 0;
	for (const char *word = word_next(&rest); word != NULL;
	    word = word_next(&rest)) {
		const struct choice *c = choose(r, d, word);

		if (c == NULL)
			continue;
		for (size_t i = 0; i < out->auth_count; i++) {
			if (out->auth[i] == (enum auth)c->number) {
				reader_refuse(r, "", word, " stands twice");
				return;
			}
		}
		out->auth[out->auth_count++] = (enum auth)c->number;
	}
	if (out->auth_count > 1 && out->auth[0] == AUTH_NONE)
		reader_warn(r, "none stands before password: a client that "
		    "offers both is never asked for a password");
}

static void
dump_auth(struct output *o, const struct directive *d,
    const struct settings *s)
{
	for (size_t i = 0; i < s->auth_count; i++) {
		output_add(o, i == 0 ? "" : " ");
		output_add(o, choice_word(d, (int)s->auth[i]));
	}
}

const struct kind kind_auth = { parse_auth, dump_auth };

/* --- strings and numbers --- */

static void
parse_string(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char **field = field_of(d, out);
	const char *word = single_word(r, value);

	if (word != NULL)
		*field = reader_keep(r, word);
}

static void
dump_string(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const char *const *field = field_in(d, s);

	if (*field != NULL)
		output_add(o, *field);
}

const struct kind kind_string = { parse_string, dump_string };

static void
parse_interface(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	if (strlen(value) >= IFNAMSIZ || strchr(value, '/') != NULL)
		reader_refuse(r, "", value, " is no interface name: it has "
		    "1 to 15 characters and no slash");
	else
		parse_string(r, d, value, out);
}

const struct kind kind_interface = { parse_interface, dump_string };

static bool
hexadecimal_parse(const char *digits, uint32_t *out)
{
	const size_t length = strlen(digits);

	if (length == 0 || length > 8 ||
	    strspn(digits, "0123456789abcdefABCDEF") != length)
		return false;
	*out = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

static void
parse_mark(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	uint32_t *field = field_of(d, out);
	uint64_t number = 0;

	if (word == NULL)
		return;
	if (strncmp(word, "0x", 2) == 0 && hexadecimal_parse(word + 2, field))
		number = *field;
	else if (!number_parse(word, UINT32_MAX, &number)) {
		reader_refuse(r, "", word, " is out of range: 0 to "
		    "4294967295, or 0x0 to 0xffffffff");
		return;
	}
	*field = (uint32_t)number;
	/* 0 is what every socket has: nothing to set, nothing to need. */
	out->mark_set = number != 0;
}

static void
dump_mark(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const uint32_t *field = field_in(d, s);

	if (s->mark_set)
		output_add_number(o, *field);
}

const struct kind kind_mark = { parse_mark, dump_mark };

/* --- ports --- */

static void
parse_port_range(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);

	if (word != NULL)
		(void)port_range_parse(r, word, field_of(d, out));
}

static void
dump_port_range(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const struct port_range *field = field_in(d, s);

	if (field->low == 0)
		return;
	output_add_number(o, field->low);
	output_add(o, "-");
	output_add_number(o, field->high);
}

const struct kind kind_port_range = { parse_port_range, dump_port_range };

static void
parse_ftp_ports(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the field is known */
	out->ftp_port_count = 0;
	for (const char *word = word_next(&rest); word != NULL;
	    word = word_next(&rest)) {
		uint16_t port;

		if (!port_parse(word, strlen(word), 1, &port)) {
			reader_refuse(r, "", word,
			    " is out of range: a port is 1 to 65535");
			continue;
		}
		if (out->ftp_port_count == FTP_PORTS_MAX) {
			reader_error(r, "more than 16 ports");
			return;
		}
		out->ftp_ports[out->ftp_port_count++] = port;
	}
}

static void
dump_ftp_ports(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->ftp_port_count; i++) {
		output_add(o, i == 0 ? "" : " ");
		output_add_number(o, s->ftp_ports[i]);
	}
}

const struct kind kind_ftp_ports = { parse_ftp_ports, dump_ftp_ports };

/* --- addresses --- */

static void
parse_resolvers(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the field is known */
	out->resolver_count = 0;
	for (const char *word = word_next(&rest); word != NULL;
	    word = word_next(&rest)) {
		struct address address;

		if (!address_parse_port(word, strlen(word), DNS_PORT,
		    &address)) {
			reader_refuse(r, "", word, " is no ADDRESS or "
			    "ADDRESS:PORT ([ADDRESS]:PORT for IPv6)");
			continue;
		}
		if (out->resolver_count == RESOLVERS_MAX) {
			reader_error(r, "more than 8 name servers");
			return;
		}
		out->resolvers[out->resolver_count++] = address;
	}
}

static void
dump_resolvers(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->resolver_count; i++) {
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		address_add_port(&t, &s->resolvers[i]);
		output_add(o, i == 0 ? "" : " ");
		output_add(o, buffer);
	}
}

const struct kind kind_resolvers = { parse_resolvers, dump_resolvers };

static void
parse_source(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	struct address address;

	(void)d; /* the fields are known */
	if (word == NULL)
		return;
	if (!address_parse(word, strlen(word), &address)) {
		reader_refuse(r, "", word, " is no address");
		return;
	}
	struct address *field = address.family == FAMILY_IPV4 ?
	    &out->source_ipv4 : &out->source_ipv6;
	if (field->family != FAMILY_NONE)
		reader_refuse(r, "", word, ": this family has a source "
		    "already");
	*field = address;
}

/* A directive that is repeated: its keyword again, but for the first value. */
static void
next_line(struct output *o, const struct directive *d, bool *first)
{
	if (!*first) {
		output_add(o, "\n");
		output_add(o, d->keyword);
		output_add(o, " ");
	}
	*first = false;
}

/* Two lines where both families have one. */
static void
dump_source(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const struct address *sources[] = { &s->source_ipv4,
		&s->source_ipv6 };
	bool first = true;

	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		if (sources[i]->family == FAMILY_NONE)
			continue;
		address_add(&t, sources[i]);
		next_line(o, d, &first);
		output_add(o, buffer);
	}
}

const struct kind kind_source = { parse_source, dump_source };

static void
parse_advertise(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;
	const char *command = word_next(&rest);
	const char *word = word_next(&rest);
	const struct choice *c = choose(r, d, command);
	struct address address;

	if (c == NULL)
		return;
	if (word == NULL || word_next(&rest) != NULL) {
		reader_error(r, "takes bind or udp, then one address");
		return;
	}
	if (!address_parse(word, strlen(word), &address) ||
	    address_is_any(&address)) {
		reader_refuse(r, "", word, " is no address of a host");
		return;
	}
	struct address *field = address.family == FAMILY_IPV4 ?
	    &out->advertise_ipv4[c->number] : &out->advertise_ipv6[c->number];
	if (field->family != FAMILY_NONE)
		reader_refuse(r, "", word, ": this command and family have "
		    "an address already");
	*field = address;
}

/* A line for each command and family that has one. */
static void
dump_advertise(struct output *o, const struct directive *d,
    const struct settings *s)
{
	bool first = true;

	for (size_t i = 0; i < (size_t)2 * ADVERTISE_COUNT; i++) {
		const size_t what = i / 2;
		const struct address *a = i % 2 == 0 ?
		    &s->advertise_ipv4[what] : &s->advertise_ipv6[what];
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		if (a->family == FAMILY_NONE)
			continue;
		address_add(&t, a);
		next_line(o, d, &first);
		output_add(o, choice_word(d, (int)what));
		output_add(o, " ");
		output_add(o, buffer);
	}
}

const struct kind kind_advertise = { parse_advertise, dump_advertise };

/* RFC 6052 2.2: the lengths, and bits 64 to 71 zero. */
static bool
nat64_valid(struct reader *r, const char *word, struct net *net)
{
	if (!net_parse(r, word, net))
		return false;
	if (net->family == FAMILY_IPV6 && nat64_bits_valid(net->bits) &&
	    net->octets[8] == 0)
		return true;
	reader_refuse(r, "", word, " is no NAT64 prefix: IPv6, of 32, 40, "
	    "48, 56, 64 or 96 bits, with bits 64 to 71 zero");
	return false;
}

static void
parse_nat64(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the field is known */
	out->nat64_count = 0;
	for (const char *word = word_next(&rest); word != NULL;
	    word = word_next(&rest)) {
		struct net net;

		if (!nat64_valid(r, word, &net))
			continue;
		if (out->nat64_count == NAT64_PREFIXES_MAX) {
			reader_error(r, "more than 8 prefixes");
			return;
		}
		out->nat64[out->nat64_count++] = net;
	}
}

static void
dump_nat64(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->nat64_count; i++) {
		struct address base = { .family = FAMILY_IPV6 };
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		memcpy(base.octets, s->nat64[i].octets, sizeof(base.octets));
		address_add(&t, &base);
		text_add_char(&t, '/');
		text_add_number(&t, s->nat64[i].bits);
		output_add(o, i == 0 ? "" : " ");
		output_add(o, buffer);
	}
}

const struct kind kind_nat64 = { parse_nat64, dump_nat64 };

static void
parse_proxy_from(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the fields are known */
	out->proxy_from_text = reader_keep(r, value);
	for (char *word = word_next(&rest); word != NULL;
	    word = word_next(&rest))
		net_list_parse(r, word, ~0U, &out->proxy_from);
}

static void
dump_proxy_from(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	if (s->proxy_from_text != NULL)
		output_add(o, s->proxy_from_text);
}

const struct kind kind_proxy_from = { parse_proxy_from, dump_proxy_from };

/* --- rules --- */

static void
parse_rule(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	rule_parse(r, d->low == ALLOW ? ALLOW : DENY, value, out->policy);
}

const struct kind kind_rule = { parse_rule, NULL };

static void
parse_unbuilt(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	(void)d; /* the reader names it */
	(void)value;
	(void)out;
	reader_error(r, "not built into this version");
}

const struct kind kind_unbuilt = { parse_unbuilt, NULL };
