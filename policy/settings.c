/* SPDX-License-Identifier: ISC */
/*
 * Reading the configuration: the defaults, then the command line, then the
 * file.  It tells every error, not only the first.
 */
#include "policy/settings.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "policy/directives.h"
#include "policy/grammar.h"
#include "policy/hints.h"
#include "policy/reader.h"
#include "policy/values.h"

/* The line on which each directive stood first, by its row; 0: on none. */
struct places {
	unsigned on_option[DIRECTIVES_MAX];
	unsigned in_file[DIRECTIVES_MAX];
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

static void
refuse_unknown(struct reader *r, const char *keyword)
{
	const char *hint = hint_keyword(keyword);
	char buffer[160];
	struct text after = text_in(buffer, sizeof(buffer));

	text_add(&after, hint == NULL ? ": the nearest is \"" : ": ");
	text_add(&after, hint == NULL ? directive_nearest(keyword) : hint);
	text_add(&after, hint == NULL ? "\"" : "");
	reader_refuse(r, "unknown keyword ", keyword, buffer);
}

static bool
refuse_second(struct reader *r, const struct directive *d, unsigned first)
{
	char buffer[64];
	struct text after = text_in(buffer, sizeof(buffer));

	if (first == 0 || d->repeatable)
		return false;
	text_add(&after,
	    r->option ? " is given twice, first as -o:" :
			" stands twice, first on line ");
	text_add_number(&after, first);
	reader_refuse(r, "", d->keyword, buffer);
	return true;
}

static void
read_directive(struct reading *reading, const char *keyword, char *value)
{
	struct reader *r = &reading->reader;
	const size_t i = directive_find(keyword);
	const struct directive *d = directive_at(i);
	unsigned *places = r->option ? reading->places->on_option :
				       reading->places->in_file;

	if (d == NULL) {
		refuse_unknown(r, keyword);
		return;
	}
	/* Rules add up: the command line's stand above the file's. */
	const bool beaten = !r->option && reading->places->on_option[i] > 0 &&
	    d->kind != &kind_rule;

	if (refuse_second(r, d, places[i]))
		return;
	places[i] = r->line;
	if (*value == '\0' && d->kind != &kind_rule) {
		reader_refuse(r, "", keyword, " needs a value");
		return;
	}
	/* A rule's complaints name its parts. */
	r->topic = d->kind == &kind_rule ? NULL : keyword;
	d->kind->parse(r, d, value, beaten ? reading->ignored : reading->out);
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
	for (size_t i = 0; directive_at(i) != NULL; i++) {
		const struct directive *d = directive_at(i);
		char *value = d->initial == NULL ?
		    NULL :
		    reader_keep(&reading->reader, d->initial);

		if (value != NULL)
			d->kind->parse(&reading->reader, d, value,
			    reading->out);
		free(value);
	}
}

static void
read_options(struct reading *reading, const char *const *options, size_t count)
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

static bool
is_regular(const char *file)
{
	struct stat status;

	return stat(file, &status) == 0 && S_ISREG(status.st_mode);
}

/* `optional`: nothing is wrong where it does not exist. */
static void
read_file(struct reading *reading, const char *file, bool optional)
{
	struct reader *r = &reading->reader;
	struct document document;

	r->file = file;
	r->line = 0;
	if (!document_read(&document, file)) {
		if (errno != ENOENT || !optional)
			reader_unreadable(r, NULL, errno, "");
		return;
	}
	reading->out->file = reader_keep(r, file);
	if (reading->out->file != NULL)
		r->file = reading->out->file;
	/* SECURITY: without its rules strangers might be served. */
	if (document.left == 0 && is_regular(file))
		reader_error(r,
		    "is empty, as a file is that is being written in place: "
		    "for the defaults a comment is enough");
	for (char *line = document_line(&document, r); line != NULL;
	     line = document_line(&document, r))
		read_line(reading, line, " \t");
	free(document.data);
	r->line = 0;
}

static bool
reading_start(struct reading *reading, struct settings *out)
{
	*out = (struct settings){ .policy = calloc(1, sizeof(*out->policy)) };
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

/* What is large is a mapping of its own, and goes when it is freed; glibc
 * would keep it from the second time on.  musl does so always. */
static void
prepare_heap(void)
{
#ifdef M_MMAP_THRESHOLD
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
}

bool
settings_read(struct settings *out, const struct settings_source *source,
    settings_report *report, void *context)
{
	struct reading reading = { .reader = { .report = report,
				       .context = context,
				       .file = "default" } };

	prepare_heap();
	if (!reading_start(&reading, out))
		return false;
	read_defaults(&reading);
	read_options(&reading, source->options, source->count);
	read_file(&reading,
	    source->file == NULL ? SETTINGS_DEFAULT_FILE : source->file,
	    source->file == NULL);
	free(reading.ignored);

	out->policy->nat64_count = out->nat64_count;
	memcpy(out->policy->nat64, out->nat64, sizeof(out->nat64));
	out->policy->inside = out->inside;
	out->policy->inside_on_link = out->inside_text == NULL ||
	    out->inside_on_link;
	grammar_finish(&reading.reader, out->policy);
	return !reading.reader.failed;
}

void
settings_forget_lists(const struct settings *settings)
{
	const struct policy *policy = settings->policy;

	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];

		word_list_give_back(&rule->users);
		net_list_give_back(&rule->from);
		word_list_give_back(&rule->to);
		net_list_give_back(&rule->at);
	}
	net_list_give_back(&policy->inside);
	net_list_give_back(&settings->proxy_from);
}

/* The first rule that marks what it allows; NULL: none does. */
static const struct rule *
marking_rule(const struct policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		if (policy->rules[i].origin.mark != 0)
			return &policy->rules[i];
	return NULL;
}

bool
settings_mark(const struct settings *settings)
{
	return settings->origin.mark != 0 ||
	    marking_rule(settings->policy) != NULL;
}

void
settings_place(const struct settings *settings, const char *keyword,
    struct text *out)
{
	const size_t i = directive_find(keyword);
	const unsigned option = settings->places->on_option[i];
	const unsigned line = settings->places->in_file[i];
	const struct rule *rule = marking_rule(settings->policy);

	if (option > 0 || line > 0) {
		text_add(out, option > 0 ? "-o" : settings->file);
		text_add_char(out, ':');
		text_add_number(out, option > 0 ? option : line);
	} else if (strcmp(keyword, "mark") == 0 && rule != NULL) {
		rule_place(rule, out);
	} else {
		text_add(out, "default");
	}
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
settings_need_table(const struct settings *settings)
{
	return settings->ftp_alg != FTP_ALG_OFF ||
	    settings->address_id != ADDRESS_ID_OFF ||
	    settings_offers(settings, AUTH_PASSWORD);
}

bool
settings_speak_ftp(const struct settings *settings, uint16_t port)
{
	for (size_t i = 0; i < settings->ftp_port_count; i++)
		if (settings->ftp_ports[i] == port)
			return true;
	return false;
}

enum match
settings_proxied(const struct settings *settings, const struct address *peer,
    bool self)
{
	const struct address inside = policy_inside(settings->policy, peer);

	if (!settings->proxy_from.given)
		return MATCH_NO;
	return net_list_has(&settings->proxy_from, &inside,
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
