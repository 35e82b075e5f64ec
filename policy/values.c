/* SPDX-License-Identifier: ISC */
/*
 * Reading the values of directives.  A number out of range is refused, never
 * clamped, and the message names the range.
 */
#include "policy/values.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "policy/duration.h"
#include "policy/grammar.h"
#include "policy/nets.h"
#include "policy/output.h"

enum { MESSAGE_TEXT = 256, DNS_PORT = 53 };

static void *
field_of(const struct directive *d, struct settings *s)
{
	return (char *)s + d->offset;
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
	if (!duration_parse(word, d->high, &time)) {
		reader_refuse(r, "", word,
		    " is no time: a number, then one "
		    "of ms s m min h d");
		return;
	}
	if ((time < d->low || time > d->high) && !(d->or_zero && time == 0)) {
		text_add(&after,
		    d->or_zero ? " is out of range: 0, or " :
				 " is out of range: ");
		duration_add(&after, d->low);
		text_add(&after, " to ");
		duration_add(&after, d->high);
		reader_refuse(r, "", word, buffer);
		return;
	}
	*field = time;
}

const struct kind kind_time = { parse_time, output_time };

/* --- numbers and rates --- */

static void
parse_number(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	uint32_t *field = field_of(d, out);
	char buffer[MESSAGE_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));
	uint64_t number;

	if (word == NULL)
		return;
	if (number_parse(word, (uint64_t)d->high, &number) &&
	    number >= (uint64_t)d->low) {
		*field = (uint32_t)number;
		return;
	}
	text_add(&after, " is out of range: ");
	text_add_number(&after, (uint64_t)d->low);
	text_add(&after, " to ");
	text_add_number(&after, (uint64_t)d->high);
	reader_refuse(r, "", word, buffer);
}

const struct kind kind_number = { parse_number, output_number };

/* N/TIME. */
static bool
rate_parse(char *word, int64_t highest, struct rate *out)
{
	char *slash = strchr(word, '/');
	struct rate rate;
	uint64_t count;
	bool valid;

	if (slash == NULL)
		return false;
	*slash = '\0';
	valid = number_parse(word, SESSIONS_MAX, &count) && count > 0;
	*slash = '/';
	if (!valid || !duration_parse(slash + 1, highest, &rate.time) ||
	    rate.time <= 0 || rate.time > highest)
		return false;
	rate.count = (uint32_t)count;
	*out = rate;
	return true;
}

static void
parse_rate(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	struct rate *field = field_of(d, out);
	char *word = single_word(r, value);

	if (word == NULL)
		return;
	*field = (struct rate){ .count = 0 };
	if (strcmp(word, "0") != 0 && !rate_parse(word, d->high, field))
		reader_refuse(r, "", word,
		    " is no rate: 0, or N/TIME, as "
		    "30/1min; N is 1 to 65536, TIME at most 1d");
}

const struct kind kind_rate = { parse_rate, output_rate };

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
	if (c->state == CHOICE_FILE_ONLY && r->option) {
		reader_refuse(r, "", word,
		    " is taken from the configuration file only");
		return NULL;
	}
	return c;
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

const struct kind kind_word = { parse_word, output_word };

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

const struct kind kind_switch = { parse_switch, output_switch };

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
		reader_warn(r,
		    "none stands before password: a client that "
		    "offers both is never asked for a password");
}

const struct kind kind_auth = { parse_auth, output_auth };

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

const struct kind kind_string = { parse_string, output_string };

static void
parse_path(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	if (value[0] != '/' || strlen(value) > PATH_LENGTH_MAX)
		reader_refuse(r, "", value,
		    " is no absolute path of at most "
		    "511 characters");
	else
		parse_string(r, d, value, out);
}

const struct kind kind_path = { parse_path, output_string };

static void
parse_interface(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	if (strlen(value) >= IFNAMSIZ || strchr(value, '/') != NULL)
		reader_refuse(r, "", value,
		    " is no interface name: it has "
		    "1 to 15 characters and no slash");
	else
		parse_string(r, d, value, out);
}

const struct kind kind_interface = { parse_interface, output_string };

static void
parse_mark(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);

	(void)d; /* the field is known */
	if (word != NULL)
		(void)mark_parse(r, word, &out->origin);
}

const struct kind kind_mark = { parse_mark, output_mark };

/* --- ports --- */

static void
parse_port_range(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);

	if (word != NULL)
		(void)port_range_parse(r, word, field_of(d, out));
}

const struct kind kind_port_range = { parse_port_range, output_port_range };

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

const struct kind kind_ftp_ports = { parse_ftp_ports, output_ftp_ports };

/* --- addresses --- */

/* A word without the zone behind its `%', which goes to `zone'.  False: there
 * is one that is no interface's name or number. */
static bool
split_zone(const char *word, struct text *address, char zone[ZONE_SIZE])
{
	const char *percent = strchr(word, '%');
	size_t length;

	zone[0] = '\0';
	if (percent == NULL) {
		text_add(address, word);
		return !address->cut;
	}
	length = strcspn(percent + 1, "]");
	text_add_octets(address, word, (size_t)(percent - word));
	text_add(address, percent + 1 + length);
	if (length == 0 || length >= ZONE_SIZE || address->cut)
		return false;
	text_copy(zone, length + 1, percent + 1);
	return true;
}

/* NULL, or what is wrong with a name server. */
static const char *
parse_name_server(const char *word, struct name_server *out)
{
	char buffer[ADDRESS_TEXT];
	struct text address = text_in(buffer, sizeof(buffer));

	if (!split_zone(word, &address, out->zone) ||
	    !address_parse_port(buffer, address.length, DNS_PORT,
		&out->address))
		return " is no ADDRESS or "
		       "ADDRESS:PORT ([ADDRESS]:PORT for IPv6)";
	if (address_is_link_local(&out->address) == (out->zone[0] != '\0'))
		return NULL;
	return out->zone[0] != '\0' ?
	    " has a zone, and is no link-local address" :
	    " is link-local: its zone must say on which link "
	    "(fe80::53%eth0)";
}

static void
parse_resolvers(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the field is known */
	out->resolver_count = 0;
	for (const char *word = word_next(&rest); word != NULL;
	     word = word_next(&rest)) {
		struct name_server server;
		const char *wrong = parse_name_server(word, &server);

		if (wrong != NULL) {
			reader_refuse(r, "", word, wrong);
			continue;
		}
		if (out->resolver_count == RESOLVERS_MAX) {
			reader_error(r, "more than 8 name servers");
			return;
		}
		out->resolvers[out->resolver_count++] = server;
	}
}

const struct kind kind_resolvers = { parse_resolvers, output_resolvers };

static void
parse_source(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);

	(void)d; /* the fields are known */
	if (word != NULL)
		(void)source_parse(r, word, false, &out->origin);
}

const struct kind kind_source = { parse_source, output_source };

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
	    &out->advertise_ipv4[c->number] :
	    &out->advertise_ipv6[c->number];
	if (field->family != FAMILY_NONE)
		reader_refuse(r, "", word,
		    ": this command and family have "
		    "an address already");
	*field = address;
}

const struct kind kind_advertise = { parse_advertise, output_advertise };

/* RFC 6052 2.2: the lengths, and bits 64 to 71 zero. */
static bool
nat64_valid(struct reader *r, const char *word, struct net *net)
{
	if (!net_parse(r, word, net))
		return false;
	if (net->family == FAMILY_IPV6 && nat64_bits_valid(net->bits) &&
	    net->octets[8] == 0)
		return true;
	reader_refuse(r, "", word,
	    " is no NAT64 prefix: IPv6, of 32, 40, "
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

const struct kind kind_nat64 = { parse_nat64, output_nat64 };

/* The values of all lines, as one. */
static const char *
joined(struct reader *r, const char *before, const char *value)
{
	size_t size;
	char *whole;
	struct text t;

	if (before == NULL)
		return reader_keep(r, value);
	size = strlen(before) + 1 + strlen(value) + 1;
	whole = malloc(size);
	if (whole == NULL) {
		reader_starve(r);
		return before;
	}
	t = text_in(whole, size);
	text_add(&t, before);
	text_add_char(&t, ' ');
	text_add(&t, value);
	return whole;
}

static void
parse_inside(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the fields are known */
	out->inside_text = joined(r, out->inside_text, value);
	for (char *word = word_next(&rest); word != NULL;
	     word = word_next(&rest)) {
		if (strcmp(word, "on-link") == 0)
			out->inside_on_link = true;
		else if (strcmp(word, "none") != 0)
			net_list_parse(r, word, 0, &out->inside);
	}
}

const struct kind kind_inside = { parse_inside, output_inside };

static void
parse_proxy_from(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;

	(void)d; /* the fields are known */
	out->proxy_from_text = reader_keep(r, value);
	for (char *word = word_next(&rest); word != NULL;
	     word = word_next(&rest))
		net_list_parse(r, word, ~(unsigned)SET_ON_LINK,
		    &out->proxy_from);
}

const struct kind kind_proxy_from = { parse_proxy_from, output_proxy_from };

/* --- next gateways --- */

/* The hop that the first word names.  What the command line beats is read
 * without a policy, and forgotten. */
static struct hop *
hop_of(struct reader *r, const char *word, struct settings *out)
{
	static struct hops forgotten;

	if (out->policy != NULL)
		return hop_find(r, &out->policy->hops, word);
	forgotten.count = 0;
	return hop_find(r, &forgotten, word);
}

static void
parse_via_password(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	char *rest = value;
	const char *word = word_next(&rest);
	const char *file = word_next(&rest);
	struct hop *hop;

	(void)d; /* the field is known */
	if (file == NULL || word_next(&rest) != NULL) {
		reader_error(r, "takes HOST:PORT, then a file");
		return;
	}
	hop = hop_of(r, word, out);
	if (hop != NULL && hop->password_file != NULL)
		reader_refuse(r, "", word, " has a file already");
	else if (hop != NULL)
		hop->password_file = reader_keep(r, file);
}

const struct kind kind_via_password = { parse_via_password,
	output_via_password };

static void
parse_via_proxy(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	const char *word = single_word(r, value);
	struct hop *hop = word == NULL ? NULL : hop_of(r, word, out);

	(void)d; /* the field is known */
	if (hop != NULL)
		hop->proxied = true;
}

const struct kind kind_via_proxy = { parse_via_proxy, output_via_proxy };

/* --- rules --- */

static void
parse_rule(struct reader *r, const struct directive *d, char *value,
    struct settings *out)
{
	rule_parse(r, d->low == ALLOW ? ALLOW : DENY, value, out->policy);
}

const struct kind kind_rule = { parse_rule, NULL };
