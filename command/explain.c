/* SPDX-License-Identifier: ISC */
/*
 * -e: the judgements of a session (policy_judge_request, route_probe,
 * policy_judge_address), printed instead of dialled.
 */
#include "command/explain.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/array.h"
#include "base/number.h"
#include "base/seldom.h"
#include "base/text.h"
#include "command/print.h"
#include "command/lookup.h"
#include "net/candidates.h"
#include "net/nat64.h"
#include "net/onlink.h"
#include "net/resolve.h"
#include "net/route.h"
#include "policy/hops.h"
#include "policy/reader.h"
#include "status.h"
#include "wire/login.h"
#include "wire/name.h"

enum { LINE_TEXT = 2048 };

enum explain_status {
	EXPLAIN_ALLOWED = 0,
	EXPLAIN_DENIED = 1,
	EXPLAIN_BAD_QUERY = 64,
	EXPLAIN_NO_ADDRESS = 69,
};

struct explanation {
	const struct settings *settings;
	struct question question;
	bool socks4; /* the client speaks it */
	char name[NAME_LENGTH_MAX + 1];

	struct address candidates[CANDIDATES_MAX]; /* as they would go */
	size_t count;
};

static enum explain_status
bad_query(const char *what)
{
	(void)print_text(STDERR_FILENO, "socks64-handler: ");
	(void)print_text(STDERR_FILENO, what);
	(void)print_text(STDERR_FILENO, "\n");
	return EXPLAIN_BAD_QUERY;
}

/* ------------------------------------------------------------- the query */

static bool
parse_command(const char *word, struct question *q)
{
	static const struct {
		const char *word;
		enum policy_command command;
	} words[] = {
		{ "connect", POLICY_CONNECT },
		{ "bind", POLICY_BIND },
		{ "udp", POLICY_UDP },
		{ "associate", POLICY_ALL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		if (strcasecmp(word, words[i].word) == 0) {
			q->command = words[i].command;
			return true;
		}
	}
	return false;
}

/* What is behind a prefix, or NULL where it is not there. */
static const char *
behind(const char *word, const char *prefix)
{
	const size_t length = strlen(prefix);

	return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

/* @ADDRESS:PORT, where the client reached us; NULL: that was not said. */
static bool
parse_listener(const char *at, struct question *q)
{
	if (at == NULL)
		return true;
	if (!address_parse_port(at + 1, strlen(at + 1), 0, &q->listener))
		return false;
	q->listener_port = q->listener.port;
	return q->listener_port != 0;
}

/* 192.0.2.7, 192.0.2.7@192.0.2.1:1080, unix:uid=N; socks4: in front. */
static bool
parse_client(const char *word, struct explanation *e)
{
	struct question *q = &e->question;
	const char *bare = behind(word, "socks4:");
	const char *digits;
	uint64_t uid;

	e->socks4 = bare != NULL;
	word = e->socks4 ? bare : word;
	digits = behind(word, "unix:uid=");
	if (digits == NULL)
		return parse_listener(strchr(word, '@'), q) &&
		    address_parse(word, strcspn(word, "@"), &q->client);
	if (!number_parse(digits, UINT32_MAX, &uid))
		return false;
	q->client_uid = (uint32_t)uid;
	return true;
}

/* HOST:PORT; an IPv6 literal in brackets. */
static bool
parse_destination(const char *word, struct explanation *e)
{
	struct question *q = &e->question;
	const char *colon = strrchr(word, ':');

	if (colon == NULL ||
	    !port_parse(colon + 1, strlen(colon + 1), 0, &q->port))
		return false;
	switch (name_classify((const uint8_t *)word, (size_t)(colon - word),
	    e->name, &q->literal)) {
	case NAME_HOST: q->name = e->name; return true;
	case NAME_LITERAL: return true;
	case NAME_BAD: break;
	}
	return false;
}

/* As a login has it; `-', as rules and records write it, is none. */
static bool
parse_user(const char *word, struct question *q)
{
	const size_t length = strlen(word);

	if (strcmp(word, "-") == 0)
		return true;
	q->user = word;
	q->user_length = length;
	return length > 0 && length <= LOGIN_FIELD_MAX;
}

static const char *
parse_query(struct explanation *e, char *const *operands, size_t count)
{
	struct question *q = &e->question;

	if (count < 3 || count > 4)
		return "-e takes COMMAND CLIENT DEST:PORT [USER]";
	if (!parse_command(operands[0], q))
		return "the command is connect, bind, udp or associate";
	if (!parse_client(operands[1], e))
		return "the client is ADDRESS, ADDRESS@LISTENER:PORT or "
		       "unix:uid=N, with socks4: in front of it where it "
		       "speaks that";
	if (q->client.family != FAMILY_NONE &&
	    q->listener.family == FAMILY_NONE &&
	    policy_asks_listener(e->settings->policy))
		return "a rule has `on': the client is "
		       "ADDRESS@LISTENER:PORT, where it reached the gateway";
	if (!parse_destination(operands[2], e))
		return "the destination is NAME:PORT, IPV4:PORT or "
		       "[IPV6]:PORT";
	if (q->command == POLICY_BIND)
		q->port = 0; /* the one to listen on: no rule looks at it */
	if (count == 4 && !parse_user(operands[3], q))
		return "a user has 1 to 255 octets";
	if (e->socks4 && q->user != NULL)
		return "a client of SOCKS4 has no user";
	return NULL;
}

/* ------------------------------------------------------------- the answer */

/* False: there is no address to judge; why is on stderr. */
static bool
candidates_find(struct explanation *e)
{
	static SELDOM struct resolution names;
	struct outcome none;

	if (e->question.name != NULL) {
		resolve_prepare();
		lookup_name(&names, e->settings, e->question.name,
		    deadline_in(e->settings->connect_timeout));
	}
	e->count = candidates_list(e->settings, &e->question, &names,
	    e->candidates);
	if (e->count > 0)
		return true;
	candidates_explain_none(&names, &none);
	(void)bad_query(none.reason);
	return false;
}

/* An ADDRESS ASSOCIATE is judged by what could come of it. */
static void
explain_request(const struct policy *policy, const struct question *q,
    struct verdict *out)
{
	if (q->command == POLICY_ALL)
		policy_judge_associate(policy, q, NULL, out);
	else
		policy_judge_request(policy, q, out);
}

static void
explain_address(const struct explanation *e, const struct candidate *candidate,
    struct verdict *out)
{
	if (e->question.command == POLICY_ALL)
		policy_judge_associate(e->settings->policy, &e->question,
		    candidate, out);
	else
		policy_judge_address(e->settings->policy, &e->question,
		    candidate, out);
}

/* Why no rule is asked, and which directive is the cause, or NULL. */
static const char *
not_served(const struct explanation *e, const char **keyword)
{
	const struct question *q = &e->question;

	*keyword = NULL;
	if (q->client.family == FAMILY_NONE &&
	    policy_needs_address(q->command))
		return "unix-domain clients get no BIND and no UDP "
		       "ASSOCIATE";
	if (!e->socks4)
		return NULL;
	if (q->command != POLICY_CONNECT && q->command != POLICY_BIND)
		return "SOCKS4 has CONNECT and BIND alone";
	*keyword = "socks4";
	if (!e->settings->socks4)
		return "SOCKS4 is not served unless `socks4' is on";
	*keyword = "auth";
	return settings_offers(e->settings, AUTH_NONE) ?
	    NULL :
	    "SOCKS4 is not served where `auth' has no none";
}

/* As a session does before there is an address. */
static void
judge_request(const struct explanation *e, struct verdict *out)
{
	const char *keyword;
	const char *why = not_served(e, &keyword);
	struct text rule = text_in(out->rule, sizeof(out->rule));
	struct text reason = text_in(out->reason, sizeof(out->reason));

	if (why == NULL) {
		explain_request(e->settings->policy, &e->question, out);
		return;
	}
	*out = (struct verdict){ .decision = DENY };
	if (keyword == NULL)
		text_add(&rule, "default");
	else
		settings_place(e->settings, keyword, &rule);
	text_add(&reason, why);
}

static void
line_verdict(struct text *t, const struct verdict *v)
{
	text_add(t, v->decision == ALLOW ? "allowed" : "denied");
}

/* ADDRESS allowed|denied REASON. */
static void
line_add(struct text *t, const struct address *a, const struct verdict *v)
{
	address_add(t, a);
	text_add_char(t, ' ');
	line_verdict(t, v);
	text_add_char(t, ' ');
	text_add(t, v->decision == ALLOW ? v->rule : v->reason);
	text_add_char(t, '\n');
}

/*
 * What a session would dial in the place of an IPv4 address without a route;
 * else the address itself.
 */
static struct address
dialled(const struct explanation *e, const struct address *address,
    const struct route *route)
{
	static struct nat64 nat64;
	const struct deadline until = deadline_in(
	    e->settings->connect_timeout);

	if (!nat64_needed(e->settings, address, &route->source))
		return *address;
	if (e->question.name == NULL)
		resolve_prepare(); /* else look_up() has */
	nat64_ask(&nat64, e->settings);
	while (nat64.state == NAT64_PENDING && !deadline_passed(until)) {
		struct pollfd fds[RESOLVE_POLL_MAX];
		struct deadline wake = until;
		const size_t n = nat64_poll(&nat64, fds, &wake);

		nat64_process(&nat64, e->settings, fds,
		    wait_for(fds, n, wake) == WAIT_READY ? n : 0);
	}
	return nat64.state == NAT64_FOUND ? nat64_address(&nat64, address) :
					    *address;
}

/* What that address would be dialled as, and from where. */
static struct address
find_source(const struct explanation *e, struct text *lines,
    const struct address *candidate, const struct egress *egress)
{
	const struct route route = route_probe_by(e->settings, egress,
	    candidate);
	const struct address to = dialled(e, candidate, &route);

	if (address_equal(&to, candidate))
		return route.source;
	text_add(lines, "dialled ");
	address_add(lines, &to);
	text_add_char(lines, '\n');
	return route_probe_by(e->settings, egress, &to).source;
}

/*
 * Judges every candidate, a line for each; the first one that is allowed
 * decides *overall, and *source is what it would be dialled from.
 */
static void
judge_candidates(const struct explanation *e, struct text *lines,
    struct verdict *overall, struct address *source)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct route route = route_probe(e->settings,
		    &e->candidates[i], 0);
		const struct candidate candidate = candidate_of(&e->question,
		    &e->candidates[i], &route);
		struct verdict verdict;
		struct egress egress;

		explain_address(e, &candidate, &verdict);
		line_add(lines, &candidate.address, &verdict);
		if (overall->decision == ALLOW)
			continue;
		policy_keep(overall, &verdict);
		if (verdict.decision != ALLOW)
			continue;
		egress = route_egress(e->settings, verdict.origin);
		*source = find_source(e, lines, &candidate.address, &egress);
	}
}

/* The address that it would be dialled from, or the net that one is chosen
 * of. */
static void
add_source(struct text *t, const struct origin *origin,
    const struct address *source)
{
	text_add(t, "\nsource ");
	if (origin == NULL || !origin_has(origin, source)) {
		address_add(t, source);
	} else {
		net_add(t, &origin->source_ipv6);
	}
	text_add_char(t, '\n');
}

/* via HOST:PORT and how the name would travel; what it would be dialled
 * from, and the mark, where it has one. */
static bool
print_way(const struct settings *settings, const struct verdict *overall,
    const struct address *source)
{
	const struct origin origin = origin_merge(&settings->origin,
	    overall->origin);
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "via ");
	text_add(&t, overall->via != NULL ? overall->via->text : "-");
	text_add(&t, overall->forwards ? " name unresolved" : "");
	add_source(&t, overall->origin, source);
	if (origin.mark != 0 && overall->decision == ALLOW) {
		text_add(&t, "mark ");
		text_add_number(&t, origin.mark);
		text_add_char(&t, '\n');
	}
	return print_text(STDOUT_FILENO, buffer);
}

static bool
print_verdict(const struct verdict *overall, const char *lines)
{
	char buffer[LINE_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	line_verdict(&t, overall);
	text_add_char(&t, ' ');
	text_add(&t, overall->rule);
	text_add_char(&t, '\n');
	return print_text(STDOUT_FILENO, buffer) &&
	    print_text(STDOUT_FILENO, lines);
}

int
explain_run(const struct settings *settings, char *const *operands,
    size_t count)
{
	static SELDOM char buffer[CANDIDATES_MAX * LINE_TEXT];
	static SELDOM struct explanation e;
	const struct address nowhere = { .family = FAMILY_NONE };
	struct address source = nowhere;
	struct text lines = text_in(buffer, sizeof(buffer));
	struct verdict overall;
	struct egress egress;
	struct route route;
	const char *wrong;

	(void)onlink_prepare(settings->policy);
	e = (struct explanation){ .settings = settings };
	wrong = parse_query(&e, operands, count);
	if (wrong != NULL)
		return (int)bad_query(wrong);
	route = route_probe(settings, &e.question.client, 0);
	e.question.client_self = route.self;
	e.question.client_on_link = route.on_link;
	judge_request(&e, &overall);
	if (overall.decision != ALLOW) {
		line_add(&lines, &nowhere, &overall); /* no look-up */
	} else if (!overall.settled) {
		if (!candidates_find(&e))
			return EXPLAIN_NO_ADDRESS;
		overall = (struct verdict){ .decision = DENY };
		judge_candidates(&e, &lines, &overall, &source);
	}
	if (overall.via != NULL) {
		egress = route_egress(settings, overall.origin);
		source = route_probe_by(settings, &egress,
		    &overall.via->address)
			     .source;
	}
	if (!print_verdict(&overall, buffer) ||
	    !print_way(settings, &overall, &source) || overall.unsure)
		return STATUS_SYSTEM;
	return overall.decision == ALLOW ? EXPLAIN_ALLOWED : EXPLAIN_DENIED;
}
