/* SPDX-License-Identifier: ISC */
/*
 * Rules and lists, from text to struct policy.  Every mistake is an error
 * with the line it stands on: a rule that means less than its author thinks
 * is worse than none.
 */
#include "policy/grammar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/number.h"
#include "base/wait.h"
#include "policy/hints.h"
#include "policy/index.h"
#include "policy/nets.h"
#include "policy/origin.h"

/* The rules that hold where none is given (socks64.conf(5)). */
static const char *const default_rules[] = {
	"all from loopback,link-local,private,unix",
	"all user *",
};

enum { NOT_IN_AT = SET_UNIX };

/* A list of so many entries takes a session noticeable time. */
enum { COSTLY = 1000 };

/* Where the entries of one list go. */
struct list {
	/* Adds one entry.  It may be cut into pieces. */
	void (*add)(struct reader *r, char *entry, struct list *list);
	/* Lets the index of a file answer in its place; NULL: it cannot. */
	void (*join)(struct reader *r, struct index *index, struct list *list);
	bool *given;
	struct word_list *words;
	struct net_list *nets;
	struct port_list *ports;
	struct listener_list *on;
	unsigned sets; /* that are allowed */
};

/* Takes the sets, where they make sense. */
static void
add_sets(struct reader *r, unsigned sets, const char *entry, struct list *list)
{
	if ((sets & ~list->sets) != 0)
		reader_refuse(r, "", entry, " makes no sense here");
	list->nets->sets |= sets;
}

static void
add_net(struct reader *r, char *entry, struct list *list)
{
	const unsigned set = set_find(entry);
	struct net net;

	if (set != 0)
		add_sets(r, set, entry, list);
	else if (net_parse(r, entry, &net))
		net_list_add(r, list->nets, &net);
}

static void
join_nets(struct reader *r, struct index *index, struct list *list)
{
	add_sets(r, index->is.sets, index->list, list);
	if (index->is.names > 0)
		reader_doubt(r, index->list,
		    " has names, too, which nothing looks at here");
	net_list_join(list->nets, index);
}

static void
join_names(struct reader *r, struct index *index, struct list *list)
{
	if (index->is.nets > 0 || index->is.sets != 0)
		reader_doubt(r, index->list,
		    " has addresses, too, which nothing looks at here");
	word_list_join(list->words, index);
}

static void
add_user(struct reader *r, char *entry, struct list *list)
{
	char canonical[16];
	struct text text = text_in(canonical, sizeof(canonical));
	uint64_t uid;

	if (strncmp(entry, "uid=", 4) != 0) {
		word_list_add(r, list->words, entry);
		return;
	}
	if (!number_parse(entry + 4, UINT32_MAX, &uid)) {
		reader_refuse(r, "", entry,
		    " is no user: uid= takes a number, 0 to 4294967295");
		return;
	}
	text_add(&text, "uid=");
	text_add_number(&text, uid);
	word_list_add(r, list->words, canonical);
}

/* An address or a net, whole or abbreviated: it was meant for `at`. */
static bool
looks_numeric(const char *word)
{
	struct address address;

	return address_parse_port(word, strlen(word), 0, &address) ||
	    strspn(word, "0123456789./") == strlen(word) ||
	    strpbrk(word, "/:[") != NULL || set_find(word) != 0;
}

enum { TARGET_TEXT = 400 };

/* A name with a port behind it, a URL: true, and reported. */
static bool
refuse_target(struct reader *r, const char *entry)
{
	const char *scheme = strstr(entry, "://");
	const char *name = scheme == NULL ? entry : scheme + 3;
	const size_t length = strcspn(name, ":/");
	const char *port = name[length] == ':' ? name + length + 1 : "";
	char buffer[TARGET_TEXT];
	struct text after = text_in(buffer, sizeof(buffer));
	struct address address;

	if (address_parse_port(entry, strlen(entry), 0, &address) ||
	    (scheme == NULL && name[length] != ':') ||
	    strspn(name, "0123456789.") >= length)
		return false;
	text_add(&after, scheme == NULL ? " has a port" : " is a URL");
	text_add(&after, ", to takes names: to ");
	text_add_quotable(&after, name, length);
	if (*port != '\0') {
		text_add(&after, " port ");
		text_add_quotable(&after, port, strcspn(port, "/"));
	}
	reader_refuse(r, "", entry, buffer);
	return true;
}

bool
name_parse(struct reader *r, const char *entry, char word[NAME_WORD_SIZE])
{
	const bool suffix = entry[0] == '.';
	const uint8_t *name = (const uint8_t *)entry + (suffix ? 1 : 0);
	char lower[NAME_LENGTH_MAX + 1];
	struct address literal;
	struct text out = text_in(word, NAME_WORD_SIZE);

	if (refuse_target(r, entry))
		return false;
	if (looks_numeric(entry)) {
		reader_error(r,
		    "to takes names; for an address write: "
		    "at 10.0.0.0/8");
		return false;
	}
	if (strchr(entry, '*') != NULL) {
		reader_refuse(r, "", entry,
		    ": a domain and all below it is "
		    "written .example.com, any name is written name");
		return false;
	}
	if (name_classify(name, strlen((const char *)name), lower, &literal) !=
	    NAME_HOST) {
		reader_refuse(r, "", entry,
		    " is no host name (a name with "
		    "other letters than ASCII is written xn--...)");
		return false;
	}
	text_add(&out, suffix ? "." : "");
	text_add(&out, lower);
	return true;
}

static void
add_name(struct reader *r, char *entry, struct list *list)
{
	char word[NAME_WORD_SIZE];

	if (name_parse(r, entry, word))
		word_list_add(r, list->words, word);
}

static void
refuse_port(struct reader *r, const char *text)
{
	const char *number = hint_port(text);
	char buffer[64];
	struct text after = text_in(buffer, sizeof(buffer));

	text_add(&after, " is no port or LOW-HIGH of 1 to 65535");
	text_add(&after, number == NULL ? "" : ": write ");
	text_add(&after, number == NULL ? "" : number);
	reader_refuse(r, "", text, buffer);
}

bool
port_range_parse(struct reader *r, const char *text, struct port_range *out)
{
	const char *dash = strchr(text, '-');
	const size_t length = dash == NULL ? strlen(text) :
					     (size_t)(dash - text);
	const char *high = dash == NULL ? text : dash + 1;
	struct port_range range;

	if (!port_parse(text, length, 1, &range.low) ||
	    !port_parse(high, strlen(high), 1, &range.high) ||
	    range.low > range.high) {
		refuse_port(r, text);
		return false;
	}
	*out = range;
	return true;
}

static void
add_port(struct reader *r, char *entry, struct list *list)
{
	struct port_list *to = list->ports;
	struct port_range range;

	if (!port_range_parse(r, entry, &range))
		return;
	struct port_range *ranges = reader_grow(r, to->ranges, to->count,
	    sizeof(range));
	if (ranges == NULL)
		return;
	ranges[to->count++] = range;
	to->ranges = ranges;
}

/* False: it is none, which was reported. */
static bool
listener_parse(struct reader *r, const char *entry, struct listener *out)
{
	const size_t length = strlen(entry);
	struct address address;

	*out = (struct listener){ .is_unix = strcmp(entry, "unix") == 0,
		.any_address = entry[0] == ':' && entry[1] != ':' };
	if (out->is_unix)
		return true;
	if (strchr(entry, '/') != NULL)
		return net_parse(r, entry, &out->net);
	if (out->any_address &&
	    port_parse(entry + 1, length - 1, 1, &out->port))
		return true;
	if (!out->any_address &&
	    address_parse_port(entry, length, 0, &address)) {
		out->net = net_around(&address, net_bits_max(address.family));
		out->port = address.port;
		return true;
	}
	reader_refuse(r, "", entry,
	    " is no listener: NET, ADDRESS:PORT, [ADDRESS]:PORT, :PORT or "
	    "unix");
	return false;
}

static void
add_listener(struct reader *r, char *entry, struct list *list)
{
	struct listener_list *to = list->on;
	struct listener listener;
	struct listener *listeners;

	if (!listener_parse(r, entry, &listener))
		return;
	listeners = reader_grow(r, to->listeners, to->count, sizeof(listener));
	if (listeners == NULL)
		return;
	listeners[to->count++] = listener;
	to->listeners = listeners;
}

/* An address, maybe with a zone, as the first field of a line of hosts(5). */
static bool
is_host_address(const char *word)
{
	struct address address;

	return address_parse(word, strcspn(word, "%"), &address);
}

void
list_line_parse(struct reader *r, char *line, list_entry *take, void *context)
{
	char *rest = line;
	char *first;
	char *second;

	line_strip_comment(line);
	for (char *at = line; *at != '\0'; at++)
		if (*at == ',')
			*at = ' ';
	first = word_next(&rest);
	second = first == NULL ? NULL : word_next(&rest);
	if (first != NULL &&
	    (second == NULL || !is_host_address(first) ||
		looks_numeric(second)))
		take(r, first, context);
	for (char *entry = second; entry != NULL; entry = word_next(&rest))
		take(r, entry, context);
}

static void
add_entry(struct reader *r, char *entry, void *context)
{
	struct list *list = context;

	if (entry[0] == '@')
		reader_error(r, "a list file names no other");
	else
		list->add(r, entry, list);
}

/* The lines of a list that were not understood, where its index shows that it
 * is one of those in which such lines are no error. */
struct doubts {
	struct reader *to;
	unsigned lines;
	unsigned last; /* of them; its other entries do not count */
	const unsigned *line;
};

static void
count_doubt(void *context, bool warning, const char *where, const char *what)
{
	struct doubts *d = context;

	(void)warning;
	if (d->lines == 0)
		d->to->report(d->to->context, true, where, what);
	if (d->lines == 0 || d->last != *d->line)
		d->lines++;
	d->last = *d->line;
}

/* The list is read, although it has an index. */
static void
read_beside_index(struct reader *r, struct document *document,
    struct list *list, const char *problem)
{
	struct reader inner = { .file = r->file };
	struct doubts doubts = { .to = r, .line = &inner.line };
	char buffer[RULE_TEXT];
	struct text sentence = text_in(buffer, sizeof(buffer));

	inner.report = count_doubt;
	inner.context = &doubts;
	for (char *line = document_line(document, &inner); line != NULL;
	     line = document_line(document, &inner))
		list_line_parse(&inner, line, add_entry, list);
	/* SECURITY: what was not kept would not be denied. */
	if (reader_starved()) {
		reader_starve(r);
		return;
	}
	text_add(&sentence,
	    "the list is read, for its index, the file .cdb, ");
	text_add(&sentence, problem);
	text_add(&sentence, "; --index makes it anew");
	reader_warn(r, buffer);
	if (doubts.lines == 0)
		return;
	sentence = text_in(buffer, sizeof(buffer));
	text_add_number(&sentence, doubts.lines);
	text_add(&sentence, " lines are not understood, the first is above");
	reader_warn(r, buffer);
}

static void
read_entries(struct reader *r, struct document *document, struct list *list)
{
	for (char *line = document_line(document, r); line != NULL;
	     line = document_line(document, r))
		list_line_parse(r, line, add_entry, list);
	r->line = 0;
}

/* How many entries the list has, and how many octets they take. */
static size_t
list_count(const struct list *list, size_t *octets)
{
	*octets = 0;
	if (list->words != NULL) {
		*octets = word_list_octets(list->words);
		return list->words->count;
	}
	if (list->nets == NULL)
		return 0;
	*octets = net_list_octets(list->nets);
	return list->nets->count;
}

static void
list_sort(struct reader *r, struct list *list)
{
	if (list->words != NULL)
		word_list_sort(r, list->words);
	if (list->nets != NULL)
		net_list_sort(list->nets);
}

/* Warns of what a long list costs each time, for -t. */
static void
tell_cost(struct reader *r, size_t count, size_t octets, int64_t since)
{
	char buffer[RULE_TEXT];
	struct text sentence = text_in(buffer, sizeof(buffer));
	const uint64_t time = (uint64_t)(clock_microseconds() - since);

	if (count < COSTLY)
		return;
	text_add(&sentence, "its ");
	text_add_number(&sentence, count);
	text_add(&sentence, " entries cost ");
	text_add_number(&sentence, (time + 999) / 1000);
	text_add(&sentence, " ms and ");
	text_add_number(&sentence, (octets + 1023) / 1024);
	text_add(&sentence,
	    " KiB each time that the configuration is read; nearly "
	    "nothing with an index (--index)");
	reader_warn(r, buffer);
}

static void
add_file(struct reader *r, const char *path, struct list *list)
{
	struct reader inner = { .report = r->report,
		.context = r->context,
		.file = path };
	struct document document;
	const char *problem = NULL;
	struct index *index;
	size_t octets;
	size_t octets_before;

	/* The same list, whoever reads it from wherever. */
	if (path[0] != '/') {
		reader_refuse(r, "@ needs a path from / on, not ", path, "");
		return;
	}
	const enum index_state state = list->join == NULL ?
	    INDEX_NONE :
	    index_open(r, path, &index, &problem);
	const int64_t start = clock_microseconds();
	const size_t before = list_count(list, &octets_before);
	if (state == INDEX_GOOD) {
		list->join(r, index, list);
		return;
	}
	if (!document_read(&document, path)) {
		reader_unreadable(r, path, errno, "");
		return;
	}
	if (state == INDEX_OTHER)
		read_beside_index(&inner, &document, list, problem);
	else
		read_entries(&inner, &document, list);
	free(document.data);
	list_sort(&inner, list);
	const size_t count = list_count(list, &octets);
	tell_cost(&inner, count - before, octets - octets_before, start);
	r->failed = r->failed || inner.failed;
}

static void
list_parse(struct reader *r, char *text, struct list *list)
{
	char *rest = text;

	*list->given = true;
	while (rest != NULL) {
		char *entry = strsep(&rest, ",");

		if (*entry == '\0')
			reader_error(r,
			    "an empty entry in a list (entries "
			    "are separated by a comma without blanks)");
		else if (*entry == '@')
			add_file(r, entry + 1, list);
		else
			list->add(r, entry, list);
	}
	list_sort(r, list);
}

void
net_list_parse(struct reader *r, char *text, unsigned allowed,
    struct net_list *out)
{
	list_parse(r, text,
	    &(struct list){ .add = add_net,
		.join = join_nets,
		.given = &out->given,
		.nets = out,
		.sets = allowed });
}

static const struct {
	char word[8];
	unsigned command;
} command_words[] = {
	{ "connect", POLICY_CONNECT },
	{ "bind", POLICY_BIND },
	{ "udp", POLICY_UDP },
	{ "all", POLICY_ALL },
};

static bool
parse_command(const char *word, struct rule *rule)
{
	for (size_t i = 0; i < ARRAY_COUNT(command_words); i++) {
		if (strcmp(word, command_words[i].word) == 0) {
			rule->commands |= command_words[i].command;
			return true;
		}
	}
	return false;
}

/* The list that a condition's keyword fills; its add is NULL for others. */
static struct list
find_list(const char *word, struct rule *rule)
{
	const struct {
		const char *word;
		struct list list;
	} conditions[] = {
		{ "user",
		    { .add = add_user,
			.given = &rule->users.given,
			.words = &rule->users } },
		{ "from",
		    { .add = add_net,
			.join = join_nets,
			.given = &rule->from.given,
			.nets = &rule->from,
			.sets = ~0U } },
		{ "to",
		    { .add = add_name,
			.join = join_names,
			.given = &rule->to.given,
			.words = &rule->to } },
		{ "at",
		    { .add = add_net,
			.join = join_nets,
			.given = &rule->at.given,
			.nets = &rule->at,
			.sets = ~(unsigned)NOT_IN_AT } },
		{ "port",
		    { .add = add_port,
			.given = &rule->ports.given,
			.ports = &rule->ports } },
		{ "on",
		    { .add = add_listener,
			.given = &rule->on.given,
			.on = &rule->on } },
	};

	for (size_t i = 0; i < ARRAY_COUNT(conditions); i++)
		if (strcmp(word, conditions[i].word) == 0)
			return conditions[i].list;
	return (struct list){ .add = NULL };
}

/* The ways of an allow rule, which are no conditions.  Each reads one value
 * into the rule. */

static void
read_via(struct reader *r, const char *value, struct rule *rule,
    struct policy *policy)
{
	struct hop *hop = hop_find(r, &policy->hops, value);

	if (hop != NULL)
		hop->used = true;
	rule->via = hop;
}

static void
read_source(struct reader *r, const char *value, struct rule *rule,
    struct policy *policy)
{
	(void)policy;
	r->topic = "source";
	(void)source_parse(r, value, true, &rule->origin);
	r->topic = NULL;
}

static void
read_mark(struct reader *r, const char *value, struct rule *rule,
    struct policy *policy)
{
	(void)policy;
	r->topic = "mark";
	(void)mark_parse(r, value, &rule->origin);
	r->topic = NULL;
}

static const struct way_word {
	char word[8];
	const char *needs;
	const char *in_deny;
	void (*read)(struct reader *r, const char *value, struct rule *rule,
	    struct policy *policy);
} way_words[] = {
	{ "via", " needs HOST:PORT behind it",
	    "via: a deny rule leads nowhere", read_via },
	{ "source", " needs an address, or a net of IPv6, behind it",
	    "source: a deny rule leads nowhere", read_source },
	{ "mark", " needs a number behind it",
	    "mark: a deny rule leads nowhere", read_mark },
};

static const struct way_word *
find_way(const char *word)
{
	for (size_t i = 0; i < ARRAY_COUNT(way_words); i++)
		if (strcmp(word, way_words[i].word) == 0)
			return &way_words[i];
	return NULL;
}

/* A rule may have a source of each family, which reading it finds out. */
static bool
has_way(const struct rule *rule, const struct way_word *way)
{
	return (way->read == read_via && rule->via != NULL) ||
	    (way->read == read_mark && rule->origin.mark_given);
}

/* May the rule have it?  False: no, or there was an error before. */
static bool
way_fits(struct reader *r, const struct way_word *way, const char *value,
    const struct rule *rule)
{
	if (rule->decision == DENY)
		reader_error(r, way->in_deny);
	else if (has_way(rule, way))
		reader_refuse(r, "", way->word, " stands twice in this rule");
	else if (value == NULL)
		reader_refuse(r, "", way->word, way->needs);
	return !r->failed;
}

/* False: what follows has no meaning either.  Behind a broken list a word
 * that is none of ours is a piece of that list. */
static bool
parse_condition(struct reader *r, const char *word, char **rest,
    struct rule *rule)
{
	struct list list = find_list(word, rule);
	char *value = word_next(rest);

	if (list.add == NULL && !r->failed)
		reader_refuse(r, "", word,
		    " is no part of a rule: "
		    "allow|deny [connect|bind|udp|all]... [user NAME,...] "
		    "[from NET,...] [to NAME,...] [at NET,...] "
		    "[port PORTS] [on LISTENER,...] [via HOST:PORT] "
		    "[source ADDRESS|NET]... [mark NUMBER]");
	else if (list.add == NULL)
		return false;
	else if (*list.given)
		reader_refuse(r, "", word, " stands twice in this rule");
	else if (value == NULL)
		reader_refuse(r, "", word, " needs a list behind it");
	else
		list_parse(r, value, &list);
	return list.add != NULL;
}

static void
append_rule(struct reader *r, const struct rule *rule, struct policy *policy)
{
	struct rule *rules = reader_grow(r, policy->rules, policy->count,
	    sizeof(*rule));

	if (rules == NULL)
		return;
	rules[policy->count++] = *rule;
	policy->rules = rules;
}

void
rule_parse(struct reader *r, enum decision decision, char *text,
    struct policy *policy)
{
	struct reader own = *r;
	struct rule rule = { .decision = decision,
		.file = r->file,
		.line = r->line,
		.text = reader_keep(r, text) };
	char *rest = text;
	char *word = word_next(&rest);

	own.failed = false;
	while (word != NULL && parse_command(word, &rule))
		word = word_next(&rest);
	if (rule.commands == 0)
		rule.commands = decision == ALLOW ? POLICY_CONNECT :
						    POLICY_ALL;
	while (word != NULL) {
		const struct way_word *way = find_way(word);
		const char *value = way == NULL ? NULL : word_next(&rest);

		if (way != NULL && way_fits(&own, way, value, &rule))
			way->read(&own, value, &rule, policy);
		else if (way == NULL &&
		    !parse_condition(&own, word, &rest, &rule))
			break;
		word = word_next(&rest);
	}
	r->failed = r->failed || own.failed;
	r->index = own.index;
	if (!own.failed)
		append_rule(r, &rule, policy);
}

/*
 * SECURITY: an address in a NAT64 prefix is judged as the IPv4 inside, so a
 * net of such addresses would never match: a deny rule would deny nothing.
 */
static void
check_nets(struct reader *r, const struct policy *policy,
    const struct net_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		bool hidden = net_covers(&nat64_well_known, &list->nets[i]);

		for (size_t k = 0; k < policy->nat64_count; k++)
			hidden = hidden ||
			    net_covers(&policy->nat64[k], &list->nets[i]);
		if (hidden) {
			reader_error(r,
			    "a net inside a NAT64 prefix never "
			    "matches: its addresses are judged as the IPv4 "
			    "inside; write the IPv4 net");
			return;
		}
	}
}

/* Could the rule decide only by an address, for any name? */
static bool
must_resolve(const struct rule *rule)
{
	const bool any_name = !rule->to.given ||
	    word_list_has(&rule->to, "name", 4) == MATCH_YES;

	return any_name &&
	    (rule->at.given || (rule->decision == ALLOW && rule->via == NULL));
}

/*
 * Warns of rules whose names are meant to travel unresolved, and which stand
 * below one that makes a session look them up first.
 */
static void
check_vias(struct reader *r, const struct policy *policy)
{
	const struct rule *resolving = NULL;
	unsigned commands = 0;

	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];
		char buffer[RULE_TEXT];
		struct text sentence = text_in(buffer, sizeof(buffer));

		if (rule->via != NULL && !rule->at.given &&
		    (rule->commands & commands) != 0) {
			text_add(&sentence,
			    "via: names are looked up first, "
			    "because of the rule above, ");
			rule_place(resolving, &sentence);
			r->file = rule->file;
			r->line = rule->line;
			reader_warn(r, buffer);
		}
		if (!must_resolve(rule))
			continue;
		if (resolving == NULL)
			resolving = rule;
		commands |= rule->commands;
	}
}

static void
check_hops(struct reader *r, const struct policy *policy)
{
	r->file = "default";
	r->line = 0;
	for (size_t i = 0; i < policy->hops.count; i++) {
		const struct hop *hop = &policy->hops.list[i];
		char buffer[RULE_TEXT];
		struct text sentence = text_in(buffer, sizeof(buffer));

		if (hop->used)
			continue;
		text_add(&sentence,
		    hop->proxied ? "via-proxy-protocol " :
				   "via-password-file ");
		text_add(&sentence, hop->text);
		text_add(&sentence, ": no rule leads there");
		reader_warn(r, buffer);
	}
}

void
grammar_finish(struct reader *r, struct policy *policy)
{
	struct reader at = *r;

	for (size_t i = 0; i < policy->count; i++) {
		at.file = policy->rules[i].file;
		at.line = policy->rules[i].line;
		check_nets(&at, policy, &policy->rules[i].from);
		check_nets(&at, policy, &policy->rules[i].at);
	}
	check_vias(&at, policy);
	check_hops(&at, policy);
	r->failed = r->failed || at.failed;
	if (policy->count > 0)
		return;
	at.file = "default";
	at.line = 0;
	policy->built_in = true;
	for (size_t i = 0; i < ARRAY_COUNT(default_rules); i++) {
		char *text = reader_keep(r, default_rules[i]);

		if (text != NULL)
			rule_parse(&at, ALLOW, text, policy);
		free(text);
	}
}
