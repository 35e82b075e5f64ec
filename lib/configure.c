/* SPDX-License-Identifier: ISC */
/*
 * The one table of keywords of client.conf, and reading it.
 */
#include "lib/configure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "policy/duration.h"
#include "wire/name.h"

enum {
	SECOND = 1000,
	HOUR = 3600 * SECOND,
	PATH_TEXT = 4096,
	MESSAGE_TEXT = 256
};

/* Reads a value, of which every word may be cut; errors are reported. */
typedef void parse_value(struct reader *r, char *value,
    struct configuration *out);
typedef void dump_value(const struct configuration *c, struct text *t);

struct keyword {
	const char *word;
	parse_value *parse;
	dump_value *dump;    /* nothing for what is not set */
	const char *initial; /* NULL: none */
	bool repeatable;
};

/* -------------------------------------------------------------- values */

/* The only word; NULL and an error where there are more. */
static char *
single(struct reader *r, char *value)
{
	char *word = word_next(&value);

	if (word == NULL || word_next(&value) != NULL) {
		reader_error(r, "one word");
		return NULL;
	}
	return word;
}

/* Which of the words, which end with NULL; -1 and an error. */
static int
choose(struct reader *r, char *value, const char *const *words)
{
	char buffer[MESSAGE_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));
	const char *word = single(r, value);

	if (word == NULL)
		return -1;
	text_add(&after, " is none of");
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
		text_add(&after, i == 0 ? " " : ", ");
		text_add(&after, words[i]);
	}
	reader_refuse(r, "", word, buffer);
	return -1;
}

static void
parse_gateway(struct reader *r, char *value, struct configuration *out)
{
	char buffer[MESSAGE_TEXT];
	struct text why = text_in(buffer, sizeof(buffer));
	struct gateway gateway;
	const char *word = single(r, value);

	if (word == NULL)
		return;
	if (gateway_parse(word, &gateway, &why))
		out->gateway = reader_keep(r, word);
	else
		reader_error(r, buffer);
}

static void
parse_password_file(struct reader *r, char *value, struct configuration *out)
{
	const char *word = single(r, value);

	if (word != NULL)
		out->password_file = reader_keep(r, word);
}

static void
dump_password_file(const struct configuration *c, struct text *t)
{
	text_add(t, c->password_file == NULL ? "" : c->password_file);
}

/* NAME or .DOMAIN; false: an error was reported. */
static bool
add_direct_name(struct reader *r, const char *word, struct handover *h)
{
	const size_t dot = word[0] == '.' ? 1 : 0;
	char name[NAME_LENGTH_MAX + 1];
	struct address literal;
	char *to = h->direct_names + h->direct_names_length;
	struct text t = text_in(to,
	    DIRECT_NAMES_SIZE - h->direct_names_length);

	if (name_classify((const uint8_t *)word + dot, strlen(word + dot),
		name, &literal) != NAME_HOST) {
		reader_refuse(r, "", word,
		    " is no net, no name and no "
		    ".domain");
		return false;
	}
	text_add(&t, dot == 1 ? "." : "");
	text_add(&t, name);
	h->direct_names_length += t.length + 1;
	if (!t.cut && h->direct_names_length < DIRECT_NAMES_SIZE)
		return true;
	h->direct_names_length -= t.length + 1;
	reader_error(r, "too many names");
	return false;
}

static void
parse_direct(struct reader *r, char *value, struct configuration *out)
{
	struct handover *h = &out->handover;

	for (char *word = word_next(&value); word != NULL;
	     word = word_next(&value)) {
		struct fake_net net;

		if (!fake_net_parse(word, strlen(word), &net)) {
			if (!add_direct_name(r, word, h))
				return;
		} else if (h->direct_count == DIRECT_NETS_MAX) {
			reader_error(r, "too many nets");
			return;
		} else {
			h->direct[h->direct_count++] = net;
		}
	}
}

static void
dump_direct(const struct configuration *c, struct text *t)
{
	const struct handover *h = &c->handover;
	const char *name = h->direct_names;

	for (size_t i = 0; i < h->direct_count; i++) {
		text_add(t, t->length == 0 ? "" : " ");
		fake_net_add(t, &h->direct[i]);
	}
	for (; name < h->direct_names + h->direct_names_length;
	     name += strlen(name) + 1) {
		text_add(t, t->length == 0 ? "" : " ");
		text_add(t, name);
	}
}

static const char *const udp_words[] = { "on", "direct", "off", NULL };
static const char *const family_words[] = { "both", "ipv4", "ipv6", NULL };
static const char *const switch_words[] = { "off", "on", NULL };
static const char *const name_words[] = { "fake", "ask", NULL };

static void
parse_udp(struct reader *r, char *value, struct configuration *out)
{
	out->handover.udp = (enum udp_way)choose(r, value, udp_words);
}

static void
dump_udp(const struct configuration *c, struct text *t)
{
	text_add(t, udp_words[c->handover.udp]);
}

static void
parse_families(struct reader *r, char *value, struct configuration *out)
{
	out->handover.families = (enum families)choose(r, value, family_words);
}

static void
dump_families(const struct configuration *c, struct text *t)
{
	text_add(t, family_words[c->handover.families]);
}

static void
parse_names(struct reader *r, char *value, struct configuration *out)
{
	out->handover.ask_names = choose(r, value, name_words) == 1;
}

static void
dump_names(const struct configuration *c, struct text *t)
{
	text_add(t, name_words[c->handover.ask_names]);
}

static void
parse_early(struct reader *r, char *value, struct configuration *out)
{
	out->handover.early = choose(r, value, switch_words) == 1;
}

static void
dump_early(const struct configuration *c, struct text *t)
{
	text_add(t, switch_words[c->handover.early]);
}

static void
parse_bind(struct reader *r, char *value, struct configuration *out)
{
	struct handover *h = &out->handover;

	h->bind_count = 0;
	if (strcmp(value, "off") == 0)
		return;
	for (char *word = word_next(&value); word != NULL;
	     word = word_next(&value)) {
		if (h->bind_count == BIND_PORTS_MAX) {
			reader_error(r, "more than 8 ports");
			return;
		}
		if (!port_parse(word, strlen(word), 1,
			&h->bind_ports[h->bind_count++])) {
			reader_refuse(r, "", word, " is no port");
			return;
		}
	}
}

static void
dump_bind(const struct configuration *c, struct text *t)
{
	text_add(t, c->handover.bind_count == 0 ? "off" : "");
	for (size_t i = 0; i < c->handover.bind_count; i++) {
		text_add(t, i == 0 ? "" : " ");
		text_add_number(t, c->handover.bind_ports[i]);
	}
}

static void
parse_search(struct reader *r, char *value, struct configuration *out)
{
	const char *word = single(r, value);
	struct address literal;

	if (word != NULL &&
	    name_classify((const uint8_t *)word, strlen(word),
		out->handover.search, &literal) != NAME_HOST)
		reader_refuse(r, "", word, " is no domain");
}

static void
dump_search(const struct configuration *c, struct text *t)
{
	text_add(t, c->handover.search);
}

/* A net of that family whose prefix has at most `bits` bits. */
static void
parse_net(struct reader *r, char *value, unsigned bits, struct fake_net *out)
{
	const char *word = single(r, value);
	const enum family family = bits > 32 ? FAMILY_IPV6 : FAMILY_IPV4;
	struct fake_net net;

	if (word == NULL)
		return;
	if (!fake_net_parse(word, strlen(word), &net) ||
	    net.prefix.family != family || net.bits > bits || net.bits < 4) {
		reader_refuse(r, "", word,
		    family == FAMILY_IPV4 ? " is no IPv4 net of 4 to 12 bits" :
					    " is no IPv6 net of 4 to 96 bits");
		return;
	}
	for (unsigned bit = net.bits; bit < 8 * address_length(&net.prefix);
	     bit++)
		if ((net.prefix.octets[bit / 8] & 0x80 >> bit % 8) != 0) {
			reader_refuse(r, "", word,
			    " has bits behind its "
			    "prefix");
			return;
		}
	*out = net;
}

static void
parse_fake_ipv4(struct reader *r, char *value, struct configuration *out)
{
	parse_net(r, value, 12, &out->handover.fake_ipv4);
}

static void
dump_fake_ipv4(const struct configuration *c, struct text *t)
{
	fake_net_add(t, &c->handover.fake_ipv4);
}

static void
parse_fake_ipv6(struct reader *r, char *value, struct configuration *out)
{
	parse_net(r, value, 96, &out->handover.fake_ipv6);
}

static void
dump_fake_ipv6(const struct configuration *c, struct text *t)
{
	fake_net_add(t, &c->handover.fake_ipv6);
}

static void
parse_timeout(struct reader *r, char *value, struct configuration *out)
{
	char *word = single(r, value);
	int64_t time;

	if (word == NULL)
		return;
	if (!duration_parse(word, HOUR, &time))
		reader_refuse(r, "", word,
		    " is no time: a number, then one "
		    "of ms s m min h d");
	else if (time < 10 || time > HOUR)
		reader_refuse(r, "", word, " is out of range: 10ms to 1h");
	else
		out->handover.connect_timeout = time;
}

static void
dump_timeout(const struct configuration *c, struct text *t)
{
	duration_add(t, c->handover.connect_timeout);
}

/* The order is that of socks64(1). */
static const struct keyword keywords[] = {
	{ "gateway", parse_gateway, NULL, NULL, false },
	{ "password-file", parse_password_file, dump_password_file, NULL,
	    false },
	{ "direct", parse_direct, dump_direct, NULL, true },
	{ "udp", parse_udp, dump_udp, "on", false },
	{ "bind", parse_bind, dump_bind, "21", false },
	{ "families", parse_families, dump_families, "both", false },
	{ "search", parse_search, dump_search, NULL, false },
	{ "names", parse_names, dump_names, "fake", false },
	{ "early", parse_early, dump_early, "off", false },
	{ "fake-ipv4", parse_fake_ipv4, dump_fake_ipv4, "240.0.0.0/4", false },
	{ "fake-ipv6", parse_fake_ipv6, dump_fake_ipv6, "2001:2::/48", false },
	{ "connect-timeout", parse_timeout, dump_timeout, "60s", false },
};

/* ------------------------------------------------------------- reading */

struct reading {
	struct reader reader;
	struct configuration *out;
	/* Where each keyword stood first in this file; 0: nowhere. */
	unsigned lines[ARRAY_COUNT(keywords)];
};

static bool
is_second(struct reading *reading, size_t i)
{
	struct reader *r = &reading->reader;
	char buffer[MESSAGE_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));

	if (reading->lines[i] == 0 || keywords[i].repeatable)
		return false;
	text_add(&after,
	    r->option ? " is given twice, first as -o:" :
			" stands twice, first on line ");
	text_add_number(&after, reading->lines[i]);
	reader_refuse(r, "", keywords[i].word, buffer);
	return true;
}

/* A later file, or -o, replaces the lists of an earlier one. */
static void
read_value(struct reading *reading, size_t i, char *value)
{
	struct reader *r = &reading->reader;
	struct handover *h = &reading->out->handover;

	if (is_second(reading, i))
		return;
	if (keywords[i].repeatable && reading->lines[i] == 0) {
		h->direct_count = 0;
		h->direct_names_length = 0;
	}
	reading->lines[i] = r->line == 0 ? 1 : r->line;
	if (*value == '\0') {
		reader_refuse(r, "", keywords[i].word, " needs a value");
		return;
	}
	r->topic = keywords[i].word;
	keywords[i].parse(r, value, reading->out);
	r->topic = NULL;
}

/* KEYWORD VALUE; `ends` are the characters that end the keyword. */
static void
read_line(struct reading *reading, char *line, const char *ends)
{
	line_strip_comment(line);
	char *word = word_trim(line);
	char *value = word + strcspn(word, ends);

	if (*word == '\0')
		return;
	if (*value != '\0')
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_COUNT(keywords); i++)
		if (strcmp(keywords[i].word, word) == 0) {
			read_value(reading, i, word_trim(value));
			return;
		}
	reader_refuse(&reading->reader, "unknown keyword ", word, "");
}

static void
read_file(struct reading *reading, const char *file, bool optional)
{
	struct reader *r = &reading->reader;
	struct document document;

	memset(reading->lines, 0, sizeof(reading->lines));
	r->file = file;
	r->line = 0;
	if (!document_read(&document, file)) {
		if (!optional || (errno != ENOENT && errno != ENOTDIR))
			reader_unreadable(r, NULL, errno, "");
		return;
	}
	for (char *line = document_line(&document, r); line != NULL;
	     line = document_line(&document, r))
		read_line(reading, line, " \t");
	free(document.data);
}

/* $XDG_CONFIG_HOME/socks64/client.conf, ~/.config without it. */
static void
read_users_file(struct reading *reading)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char path[PATH_TEXT];
	struct text t = text_in(path, sizeof(path));

	if (base != NULL && *base == '/')
		text_add(&t, base);
	else if (home != NULL && *home == '/')
		text_add(&t, home);
	else
		return;
	text_add(&t, base != NULL && *base == '/' ? "" : "/.config");
	text_add(&t, "/socks64/client.conf");
	if (!t.cut)
		read_file(reading, path, true);
	reading->reader.file = NULL; /* it was `path' */
}

static void
read_options(struct reading *reading, const struct configuration_source *s)
{
	struct reader *r = &reading->reader;

	memset(reading->lines, 0, sizeof(reading->lines));
	r->file = "-o";
	r->option = true;
	for (size_t i = 0; i < s->count; i++) {
		char *line = reader_keep(r, s->options[i]);

		r->line = (unsigned)i + 1;
		if (line != NULL && strpbrk(line, "\r\n") != NULL)
			reader_error(r, "one setting, without a line end");
		else if (line != NULL)
			read_line(reading, line, " \t=");
		free(line);
	}
	r->option = false;
}

static void
read_defaults(struct reading *reading)
{
	for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
		char *value = keywords[i].initial == NULL ?
		    NULL :
		    reader_keep(&reading->reader, keywords[i].initial);

		if (value != NULL)
			keywords[i].parse(&reading->reader, value,
			    reading->out);
		free(value);
	}
}

bool
configure_read(struct configuration *out,
    const struct configuration_source *source, settings_report *report)
{
	struct reading reading = { .reader = { .report = report },
		.out = out };

	*out = (struct configuration){ .handover = { .table = -1 } };
	read_defaults(&reading);
	if (source->file != NULL) {
		read_file(&reading, source->file, false);
	} else {
		read_file(&reading, CONFIGURE_SYSTEM_FILE, true);
		read_users_file(&reading);
	}
	read_options(&reading, source);
	return !reading.reader.failed;
}

/* ----------------------------------------------------------- the login */

static void
take(const void *octets, size_t length, uint8_t *to, size_t *count)
{
	*count = length > LOGIN_FIELD_MAX ? LOGIN_FIELD_MAX : length;
	memcpy(to, octets, *count);
}

/* SECURITY: a password that others can read is none. */
static bool
is_private(struct reader *r, const char *path)
{
	struct stat status;

	if (stat(path, &status) == -1) {
		reader_unreadable(r, path, errno, "");
		return false;
	}
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return true;
	reader_error(r, "group or others may read it: chmod 600");
	return false;
}

/* One line, user:password. */
static bool
read_password_file(struct reader *r, const char *path, struct handover *h)
{
	struct document document;

	r->file = path;
	if (!is_private(r, path))
		return false;
	if (!document_read(&document, path)) {
		reader_unreadable(r, path, errno, "");
		return false;
	}
	const char *line = document_line(&document, r);
	const char *colon = line == NULL ? NULL : strchr(line, ':');
	if (colon == NULL || colon == line ||
	    strlen(line) > 2 * LOGIN_FIELD_MAX) {
		reader_error(r, "one line, user:password");
	} else {
		take(line, (size_t)(colon - line), h->user, &h->user_length);
		take(colon + 1, strlen(colon + 1), h->password,
		    &h->password_length);
	}
	if (document.data != NULL)
		explicit_bzero(document.data, strlen(document.data));
	free(document.data);
	return !r->failed;
}

bool
configure_login(struct configuration *c, const struct gateway *g,
    settings_report *report)
{
	struct handover *h = &c->handover;
	struct reader r = { .report = report };
	const char *password = getenv("SOCKS64_PASSWORD");

	if (c->password_file != NULL && !g->has_password &&
	    !read_password_file(&r, c->password_file, h))
		return false;
	if (g->user_length > 0) {
		if (h->user_length != g->user_length ||
		    memcmp(h->user, g->user, g->user_length) != 0)
			h->password_length = 0;
		take(g->user, g->user_length, h->user, &h->user_length);
	}
	if (g->has_password)
		take(g->password, g->password_length, h->password,
		    &h->password_length);
	else if (password != NULL && h->user_length > 0)
		take(password, strlen(password), h->password,
		    &h->password_length);
	return true;
}

/* --------------------------------------------------------------- dump */

/* socks5://user:***@host */
static void
dump_gateway(const char *gateway, struct text *out)
{
	const char *slashes = strstr(gateway, "://");
	const char *at = strrchr(gateway, '@');
	const char *colon = slashes == NULL || at == NULL ?
	    NULL :
	    strchr(slashes + 3, ':');

	text_add(out, "gateway ");
	if (colon != NULL && colon < at) {
		text_add_octets(out, gateway, (size_t)(colon - gateway));
		text_add(out, ":***");
		gateway = at;
	}
	text_add(out, gateway);
	text_add_char(out, '\n');
}

void
configure_dump(const struct configuration *c, const char *gateway,
    struct text *out)
{
	dump_gateway(gateway, out);
	for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) {
		char buffer[PATH_TEXT];
		struct text value = text_in(buffer, sizeof(buffer));

		if (keywords[i].dump == NULL)
			continue;
		keywords[i].dump(c, &value);
		if (value.length == 0)
			continue;
		text_add(out, keywords[i].word);
		text_add_char(out, ' ');
		text_add(out, buffer);
		text_add_char(out, '\n');
	}
}
