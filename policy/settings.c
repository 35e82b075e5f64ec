/* SPDX-License-Identifier: ISC */
/*
 * The configuration of one session: the one table of directives, and reading
 * them from the command line, then from the file.  It tells every error, not
 * only the first.
 */
#include "policy/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/array.h"
#include "policy/grammar.h"
#include "policy/reader.h"
#include "policy/values.h"

enum { KEYWORD_MAX = 24 };

/* Milliseconds. */
enum { SECOND = 1000, DAY = 24 * 60 * 60 * SECOND };

static const struct choice auth_choices[] = {
	{ "none", AUTH_NONE, CHOICE_OPEN },
	{ "password", AUTH_PASSWORD, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice switch_choices[] = {
	{ "on", true, CHOICE_OPEN },
	{ "off", false, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice unbuilt_switch_choices[] = {
	{ "on", true, CHOICE_UNBUILT },
	{ "off", false, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice sandbox_choices[] = {
	{ "on", true, CHOICE_OPEN },
	{ "off", false, CHOICE_FILE_ONLY },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice prefer_choices[] = {
	{ "auto", PREFER_AUTO, CHOICE_OPEN },
	{ "ipv6", PREFER_IPV6, CHOICE_OPEN },
	{ "ipv4", PREFER_IPV4, CHOICE_OPEN },
	{ "ipv6-only", PREFER_IPV6_ONLY, CHOICE_OPEN },
	{ "ipv4-only", PREFER_IPV4_ONLY, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice address_id_choices[] = {
	{ "off", ADDRESS_ID_OFF, CHOICE_OPEN },
	{ "on", ADDRESS_ID_ON, CHOICE_UNBUILT },
	{ "reverse", ADDRESS_ID_REVERSE, CHOICE_UNBUILT },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice ftp_alg_choices[] = {
	{ "auto", FTP_ALG_AUTO, CHOICE_OPEN },
	{ "always", FTP_ALG_ALWAYS, CHOICE_OPEN },
	{ "off", FTP_ALG_OFF, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice advertise_choices[] = {
	{ "bind", ADVERTISE_BIND, CHOICE_OPEN },
	{ "udp", ADVERTISE_UDP, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice log_to_choices[] = {
	{ "auto", LOG_TO_AUTO, CHOICE_OPEN },
	{ "journal", LOG_TO_JOURNAL, CHOICE_OPEN },
	{ "syslog", LOG_TO_SYSLOG, CHOICE_OPEN },
	{ "stderr", LOG_TO_STDERR, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice level_choices[] = {
	{ "err", LOG_ERR, CHOICE_OPEN },
	{ "error", LOG_ERR, CHOICE_OPEN },
	{ "warning", LOG_WARNING, CHOICE_OPEN },
	{ "notice", LOG_NOTICE, CHOICE_OPEN },
	{ "info", LOG_INFO, CHOICE_OPEN },
	{ "debug", LOG_DEBUG, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice facility_choices[] = {
	{ "daemon", LOG_DAEMON, CHOICE_OPEN },
	{ "user", LOG_USER, CHOICE_OPEN },
	{ "auth", LOG_AUTH, CHOICE_OPEN },
	{ "authpriv", LOG_AUTHPRIV, CHOICE_OPEN },
	{ "syslog", LOG_SYSLOG, CHOICE_OPEN },
	{ "local0", LOG_LOCAL0, CHOICE_OPEN },
	{ "local1", LOG_LOCAL1, CHOICE_OPEN },
	{ "local2", LOG_LOCAL2, CHOICE_OPEN },
	{ "local3", LOG_LOCAL3, CHOICE_OPEN },
	{ "local4", LOG_LOCAL4, CHOICE_OPEN },
	{ "local5", LOG_LOCAL5, CHOICE_OPEN },
	{ "local6", LOG_LOCAL6, CHOICE_OPEN },
	{ "local7", LOG_LOCAL7, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

/* Every directive there is, in the order of socks64.conf(5). */
static const struct directive directives[] = {
	{ .keyword = "auth", .kind = &kind_auth, .choices = auth_choices,
	    .initial = "none" },
	{ .keyword = "password-file", .kind = &kind_string,
	    .offset = offsetof(struct settings, password_file),
	    .initial = "passwords" },
	{ .keyword = "socks4", .kind = &kind_switch,
	    .offset = offsetof(struct settings, socks4),
	    .choices = unbuilt_switch_choices, .initial = "off" },
	{ .keyword = "user", .kind = &kind_string,
	    .offset = offsetof(struct settings, user),
	    .otherwise = "socks64, else nobody" },
	{ .keyword = "handshake-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, handshake_timeout),
	    .initial = "30s", .low = 10, .high = DAY },
	{ .keyword = "connect-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, connect_timeout),
	    .initial = "30s", .low = 10, .high = DAY },
	{ .keyword = "idle-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, idle_timeout),
	    .initial = "24h", .high = 365 * (int64_t)DAY },
	{ .keyword = "half-closed-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, half_closed_timeout),
	    .initial = "10min", .high = 365 * (int64_t)DAY },
	{ .keyword = "bind-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, bind_timeout),
	    .initial = "2min", .low = 10, .high = DAY },
	{ .keyword = "prefer", .kind = &kind_word,
	    .offset = offsetof(struct settings, prefer),
	    .choices = prefer_choices, .initial = "auto" },
	{ .keyword = "attempt-delay", .kind = &kind_time,
	    .offset = offsetof(struct settings, attempt_delay),
	    .initial = "250ms", .low = 10, .high = 2 * SECOND },
	{ .keyword = "resolver", .kind = &kind_resolvers,
	    .otherwise = "/etc/resolv.conf" },
	{ .keyword = "source", .kind = &kind_source,
	    .otherwise = "the kernel's choice", .repeatable = true },
	{ .keyword = "interface", .kind = &kind_interface,
	    .offset = offsetof(struct settings, interface),
	    .otherwise = "none" },
	{ .keyword = "mark", .kind = &kind_mark,
	    .offset = offsetof(struct settings, mark), .otherwise = "none" },
	{ .keyword = "listen-ports", .kind = &kind_port_range,
	    .offset = offsetof(struct settings, listen_ports),
	    .otherwise = "the kernel's" },
	{ .keyword = "advertise", .kind = &kind_advertise,
	    .choices = advertise_choices,
	    .otherwise = "our own addresses", .repeatable = true },
	{ .keyword = "proxy-protocol-from", .kind = &kind_proxy_from,
	    .otherwise = "nobody" },
	{ .keyword = "address-id", .kind = &kind_word,
	    .offset = offsetof(struct settings, address_id),
	    .choices = address_id_choices, .initial = "off" },
	{ .keyword = "ftp-alg", .kind = &kind_word,
	    .offset = offsetof(struct settings, ftp_alg),
	    .choices = ftp_alg_choices, .initial = "auto" },
	{ .keyword = "ftp-port", .kind = &kind_ftp_ports, .initial = "21" },
	{ .keyword = "nat64-prefix", .kind = &kind_nat64,
	    .otherwise = "64:ff9b::/96 alone" },
	{ .keyword = "state-dir", .kind = &kind_string,
	    .offset = offsetof(struct settings, state_dir),
	    .otherwise = "/run/socks64, else $XDG_RUNTIME_DIR/socks64" },
	{ .keyword = "via-password-file", .kind = &kind_unbuilt,
	    .repeatable = true },
	{ .keyword = "log-level", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_level),
	    .choices = level_choices, .initial = "info" },
	{ .keyword = "log-facility", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_facility),
	    .choices = facility_choices, .initial = "daemon" },
	{ .keyword = "log-to", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_to),
	    .choices = log_to_choices, .initial = "auto" },
	{ .keyword = "log-start", .kind = &kind_switch,
	    .offset = offsetof(struct settings, log_start),
	    .choices = switch_choices, .initial = "off" },
	{ .keyword = "log-udp-peers", .kind = &kind_switch,
	    .offset = offsetof(struct settings, log_udp_peers),
	    .choices = switch_choices, .initial = "on" },
	{ .keyword = "sandbox", .kind = &kind_switch,
	    .offset = offsetof(struct settings, sandbox),
	    .choices = sandbox_choices, .initial = "on" },
	{ .keyword = "allow", .kind = &kind_rule, .low = ALLOW,
	    .repeatable = true },
	{ .keyword = "deny", .kind = &kind_rule, .low = DENY,
	    .repeatable = true },
};

enum { DIRECTIVES = ARRAY_COUNT(directives) };

/* Where each directive stood first; 0: nowhere. */
struct places {
	unsigned on_option[DIRECTIVES];
	unsigned in_file[DIRECTIVES];
};

/* The reading of one configuration. */
struct reading {
	struct reader reader;
	struct settings *out;

	/* Values that the command line beats are read into this, for their
	 * errors. */
	struct settings *ignored;
	struct places *places;
};

static size_t
smallest(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many characters to leave out and put in, so that one word left off
 * ("handshake") is nearer than another word.  Only the start of a long
 * `typed` counts.
 */
static size_t
edit_distance(const char *typed, const char *keyword)
{
	const size_t typed_length = strnlen(typed, KEYWORD_MAX);
	const size_t length = strnlen(keyword, KEYWORD_MAX);
	size_t row[KEYWORD_MAX + 1];

	for (size_t k = 0; k <= length; k++)
		row[k] = k;
	for (size_t i = 0; i < typed_length; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < length; k++) {
			const size_t above = row[k + 1];

			row[k + 1] = smallest(above + 1, row[k] + 1,
			    diagonal + (typed[i] == keyword[k] ? 0 : 2));
			diagonal = above;
		}
	}
	return row[length];
}

static void
refuse_unknown(struct reader *r, const char *keyword)
{
	const char *nearest = directives[0].keyword;
	char buffer[64];
	struct text after = text_in(buffer, sizeof(buffer));

	for (size_t i = 1; i < DIRECTIVES; i++)
		if (edit_distance(keyword, directives[i].keyword) <
		    edit_distance(keyword, nearest))
			nearest = directives[i].keyword;
	text_add(&after, ": the nearest is \"");
	text_add(&after, nearest);
	text_add(&after, "\"");
	reader_refuse(r, "unknown keyword ", keyword, buffer);
}

/* Directives are numbered by their row; DIRECTIVES: no such. */
static size_t
find_directive(const char *keyword)
{
	size_t i = 0;

	while (i < DIRECTIVES && strcmp(directives[i].keyword, keyword) != 0)
		i++;
	return i;
}

static bool
refuse_second(struct reader *r, const struct directive *d, unsigned first)
{
	char buffer[64];
	struct text after = text_in(buffer, sizeof(buffer));

	if (first == 0 || d->repeatable)
		return false;
	text_add(&after, r->option ? " is given twice, first as -o:" :
	    " stands twice, first on line ");
	text_add_number(&after, first);
	reader_refuse(r, "", d->keyword, buffer);
	return true;
}

static void
read_directive(struct reading *reading, const char *keyword, char *value)
{
	struct reader *r = &reading->reader;
	const size_t i = find_directive(keyword);
	unsigned *places = r->option ? reading->places->on_option :
	    reading->places->in_file;

	if (i == DIRECTIVES) {
		refuse_unknown(r, keyword);
		return;
	}
	const struct directive *d = &directives[i];
	/* Rules add up: the command line's stand above the file's. */
	const bool beaten = !r->option &&
	    reading->places->on_option[i] > 0 && d->kind != &kind_rule;

	if (refuse_second(r, d, places[i]))
		return;
	places[i] = r->line;
	if (*value == '\0' && d->kind != &kind_rule) {
		reader_refuse(r, "", keyword, " needs a value");
		return;
	}
	/* A rule's complaints name its parts. */
	r->topic = d->kind == &kind_rule ? NULL : keyword;
	d->kind->parse(r, d, value, beaten ? reading->ignored :
	    reading->out);
	r->topic = NULL;
}

/* KEYWORD VALUE; `ends` are the characters that end the keyword. */
static void
read_line(struct reading *reading, char *line, const char *ends)
{
	line_strip_comment(line);
	char *keyword = word_trim(line);
	char *value = keyword + strcspn(keyword, ends);

	if (*keyword == '\0')
		return;
	if (*value != '\0')
		*value++ = '\0';
	line_strip_comment(value); /* KEYWORD=#... */
	read_directive(reading, keyword, word_trim(value));
}

static void
read_defaults(struct reading *reading)
{
	for (size_t i = 0; i < DIRECTIVES; i++) {
		const struct directive *d = &directives[i];
		char *value = d->initial == NULL ? NULL :
		    reader_keep(&reading->reader, d->initial);

		if (value != NULL)
			d->kind->parse(&reading->reader, d, value,
			    reading->out);
		free(value);
	}
}

static void
read_options(struct reading *reading, const char *const *options,
    size_t count)
{
	reading->reader.file = "-o";
	reading->reader.option = true;
	for (size_t i = 0; i < count; i++) {
		char *line = reader_keep(&reading->reader, options[i]);

		reading->reader.line = (unsigned)i + 1;
		if (line != NULL && strpbrk(line, "\r\n") != NULL)
			reader_error(&reading->reader,
			    "one directive, without a line end");
		else if (line != NULL)
			read_line(reading, line, " \t=");
		free(line);
	}
	reading->reader.option = false;
}

/* `optional`: nothing is wrong where it does not exist. */
static void
read_file(struct reading *reading, const char *file, bool optional)
{
	struct reader *r = &reading->reader;
	struct lines lines;

	r->file = file;
	r->line = 0;
	if (!lines_read(&lines, file)) {
		if (errno != ENOENT || !optional)
			reader_unreadable(r, NULL, errno, "");
		return;
	}
	reading->out->file = reader_keep(r, file);
	r->file = reading->out->file;
	for (char *line = lines_next(&lines, r); line != NULL;
	    line = lines_next(&lines, r))
		read_line(reading, line, " \t");
	free(lines.data);
	r->line = 0;
}

static bool
reading_start(struct reading *reading, struct settings *out)
{
	*out = (struct settings){ .policy =
	    calloc(1, sizeof(*out->policy)) };
	reading->out = out;
	reading->ignored = calloc(1, sizeof(*reading->ignored));
	reading->places = calloc(1, sizeof(*reading->places));
	out->places = reading->places;
	if (out->policy != NULL && reading->ignored != NULL &&
	    reading->places != NULL)
		return true;
	reader_starve(&reading->reader);
	return false;
}

bool
settings_read(struct settings *out, const struct settings_source *source,
    settings_report *report, void *context)
{
	struct reading reading = { .reader = { .report = report,
		.context = context, .file = "default" } };

	if (!reading_start(&reading, out))
		return false;
	read_defaults(&reading);
	read_options(&reading, source->options, source->count);
	read_file(&reading, source->file == NULL ? SETTINGS_DEFAULT_FILE :
	    source->file, source->file == NULL);
	free(reading.ignored);

	out->policy->nat64_count = out->nat64_count;
	memcpy(out->policy->nat64, out->nat64, sizeof(out->nat64));
	policy_finish(&reading.reader, out->policy);
	return !reading.reader.failed;
}

void
settings_place(const struct settings *settings, const char *keyword,
    struct text *out)
{
	const size_t i = find_directive(keyword);
	const unsigned option = settings->places->on_option[i];
	const unsigned line = settings->places->in_file[i];

	if (option == 0 && line == 0) {
		text_add(out, "default");
		return;
	}
	text_add(out, option > 0 ? "-o" : settings->file);
	text_add_char(out, ':');
	text_add_number(out, option > 0 ? option : line);
}

bool
settings_offers(const struct settings *settings, enum auth auth)
{
	for (size_t i = 0; i < settings->auth_count; i++)
		if (settings->auth[i] == auth)
			return true;
	return false;
}

bool
settings_proxied(const struct settings *settings, const struct address *peer,
    bool self)
{
	const struct address inside = policy_inside(settings->policy, peer);

	return settings->proxy_from.given &&
	    net_list_has(&settings->proxy_from, &inside,
	    membership_of(&inside, self));
}

const struct address *
settings_advertised(const struct settings *settings, enum advertise what,
    enum family family)
{
	static const struct address none = { .family = FAMILY_NONE };

	switch (family) {
	case FAMILY_IPV4: return &settings->advertise_ipv4[what];
	case FAMILY_IPV6: return &settings->advertise_ipv6[what];
	case FAMILY_NONE: break;
	}
	return &none;
}

static void
dump_directive(struct output *o, const struct directive *d,
    const struct settings *settings)
{
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

bool
settings_dump(const struct settings *settings, int fd)
{
	struct output o = { .fd = fd };

	for (size_t i = 0; i < DIRECTIVES; i++) {
		if (directives[i].kind->dump == NULL)
			continue;
		output_flush(&o); /* the keyword can be taken back */
		dump_directive(&o, &directives[i], settings);
	}
	for (size_t i = 0; i < settings->policy->count; i++) {
		const struct rule *rule = &settings->policy->rules[i];

		output_add(&o, rule->decision == ALLOW ? "allow" : "deny");
		output_add(&o, rule->text[0] == '\0' ? "" : " ");
		output_add(&o, rule->text);
		output_add(&o, "\n");
	}
	output_flush(&o);
	return !o.failed;
}
