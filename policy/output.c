/* SPDX-License-Identifier: ISC */
/*
 * What -T prints: every directive with its value, or as a comment with what
 * holds without it, and then the rules.
 */
#include "policy/output.h"

#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "policy/directives.h"
#include "policy/duration.h"
#include "policy/rules.h"

/* Writes by way of a buffer. */
struct output {
	int fd;
	bool failed;
	size_t used;
	size_t total; /* characters since the beginning */
	char buffer[1024];
};

static void
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

static void
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

static const void *
field_in(const struct directive *d, const struct settings *s)
{
	return (const char *)s + d->offset;
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

void
output_time(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const int64_t *field = field_in(d, s);
	char buffer[32];
	struct text t = text_in(buffer, sizeof(buffer));

	duration_add(&t, *field);
	output_add(o, buffer);
}

void
output_number(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const uint32_t *field = field_in(d, s);

	output_add_number(o, *field);
}

void
output_rate(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const struct rate *field = field_in(d, s);
	char buffer[48];
	struct text t = text_in(buffer, sizeof(buffer));

	if (field->count == 0)
		return;
	text_add_number(&t, field->count);
	text_add_char(&t, '/');
	duration_add(&t, field->time);
	output_add(o, buffer);
}

void
output_word(struct output *o, const struct directive *d,
    const struct settings *s)
{
	int number;

	memcpy(&number, field_in(d, s), sizeof(number));
	output_add(o, choice_word(d, number));
}

void
output_switch(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const bool *field = field_in(d, s);

	output_add(o, choice_word(d, *field));
}

void
output_auth(struct output *o, const struct directive *d,
    const struct settings *s)
{
	for (size_t i = 0; i < s->auth_count; i++) {
		output_add(o, i == 0 ? "" : " ");
		output_add(o, choice_word(d, (int)s->auth[i]));
	}
}

void
output_string(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const char *const *field = field_in(d, s);

	if (*field != NULL)
		output_add(o, *field);
}

void
output_mark(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	/* 0 is what every socket has. */
	if (s->origin.mark != 0)
		output_add_number(o, s->origin.mark);
}

void
output_port_range(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const struct port_range *field = field_in(d, s);

	if (field->low == 0)
		return;
	output_add_number(o, field->low);
	output_add(o, "-");
	output_add_number(o, field->high);
}

void
output_ftp_ports(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->ftp_port_count; i++) {
		output_add(o, i == 0 ? "" : " ");
		output_add_number(o, s->ftp_ports[i]);
	}
}

void
output_resolvers(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->resolver_count; i++) {
		const struct name_server *server = &s->resolvers[i];
		char buffer[ADDRESS_TEXT + ZONE_SIZE];
		struct text t = text_in(buffer, sizeof(buffer));

		if (server->zone[0] == '\0') {
			address_add_port(&t, &server->address);
		} else {
			text_add_char(&t, '[');
			address_add(&t, &server->address);
			text_add_char(&t, '%');
			text_add(&t, server->zone);
			text_add(&t, "]:");
			text_add_number(&t, server->address.port);
		}
		output_add(o, i == 0 ? "" : " ");
		output_add(o, buffer);
	}
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
void
output_source(struct output *o, const struct directive *d,
    const struct settings *s)
{
	const struct net *sources[] = { &s->origin.source_ipv4,
		&s->origin.source_ipv6 };
	bool first = true;

	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		const struct address source = net_base(sources[i]);

		if (source.family == FAMILY_NONE)
			continue;
		address_add(&t, &source);
		next_line(o, d, &first);
		output_add(o, buffer);
	}
}

/* A line for each command and family that has one. */
void
output_advertise(struct output *o, const struct directive *d,
    const struct settings *s)
{
	bool first = true;

	for (size_t i = 0; i < (size_t)2 * ADVERTISE_COUNT; i++) {
		const size_t what = i / 2;
		const struct address *a = i % 2 == 0 ?
		    &s->advertise_ipv4[what] :
		    &s->advertise_ipv6[what];
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

/* A line for each hop that has a file: its name, never what is in it. */
void
output_via_password(struct output *o, const struct directive *d,
    const struct settings *s)
{
	bool first = true;

	for (size_t i = 0; i < s->policy->hops.count; i++) {
		const struct hop *hop = &s->policy->hops.list[i];

		if (hop->password_file == NULL)
			continue;
		next_line(o, d, &first);
		output_add(o, hop->text);
		output_add(o, " ");
		output_add(o, hop->password_file);
	}
}

void
output_via_proxy(struct output *o, const struct directive *d,
    const struct settings *s)
{
	bool first = true;

	for (size_t i = 0; i < s->policy->hops.count; i++) {
		if (!s->policy->hops.list[i].proxied)
			continue;
		next_line(o, d, &first);
		output_add(o, s->policy->hops.list[i].text);
	}
}

void
output_nat64(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	for (size_t i = 0; i < s->nat64_count; i++) {
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));

		net_add(&t, &s->nat64[i]);
		output_add(o, i == 0 ? "" : " ");
		output_add(o, buffer);
	}
}

void
output_inside(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	if (s->inside_text != NULL)
		output_add(o, s->inside_text);
}

void
output_proxy_from(struct output *o, const struct directive *d,
    const struct settings *s)
{
	(void)d; /* the field is known */
	if (s->proxy_from_text != NULL)
		output_add(o, s->proxy_from_text);
}

static void
output_directive(struct output *o, const struct directive *d,
    const struct settings *settings)
{
	output_flush(o); /* so that the keyword can be taken back */
	const size_t start = o->used;

	output_add(o, d->keyword);
	output_add(o, " ");
	const size_t value = o->total;
	d->kind->dump(o, d, settings);
	if (o->total == value) {
		/* No value: what holds instead, as a comment. */
		o->used = start;
		output_add(o, "# ");
		output_add(o, d->keyword);
		output_add(o, ": ");
		output_add(o, d->otherwise);
	}
	output_add(o, "\n");
}

static void
output_rule(struct output *o, const struct rule *rule)
{
	output_add(o, rule->decision == ALLOW ? "allow" : "deny");
	output_add(o, rule->text[0] == '\0' ? "" : " ");
	output_add(o, rule->text);
	output_add(o, "\n");
}

bool
output_settings(const struct settings *settings, int fd)
{
	struct output o = { .fd = fd };

	for (size_t i = 0; directive_at(i) != NULL; i++)
		if (directive_at(i)->kind->dump != NULL)
			output_directive(&o, directive_at(i), settings);
	for (size_t i = 0; i < settings->policy->count; i++)
		output_rule(&o, &settings->policy->rules[i]);
	output_flush(&o);
	return !o.failed;
}
