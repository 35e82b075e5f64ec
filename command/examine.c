/* SPDX-License-Identifier: ISC */
/*
 * -t.  Everything that a session needs before it reads an octet is tried
 * here, as the user that a session is.  Nothing is served and nothing is
 * changed.
 */
#include "command/examine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/seldom.h"
#include "base/text.h"
#include "command/costs.h"
#include "command/doubts.h"
#include "command/owners.h"
#include "command/rehearse.h"
#include "net/onlink.h"
#include "net/resolve.h"
#include "net/route.h"
#include "net/sockaddr.h"
#include "policy/password.h"
#include "policy/reader.h"
#include "sandbox/sandbox.h"
#include "share/table.h"

enum { LINE_TEXT = 2048, KEPT_TEXT = 1 << 20 };

struct examination {
	const struct settings *settings;
	settings_report *report;
	bool failed;
	bool another; /* this process is not the user of sessions */
};

static void
tell(void *context, bool warning, const char *where, const char *what)
{
	struct examination *e = context;

	e->failed = e->failed || !warning;
	e->report(NULL, warning, where, what);
}

/*
 * What root finds is kept back: mostly the user finds the same.  Each is
 * three strings: "w" for a warning, where, what.
 */
static void
keep_back(void *context, bool warning, const char *where, const char *what)
{
	const char *const strings[] = { warning ? "w" : "", where, what };
	struct text *kept = context;

	if (strlen(where) + strlen(what) + 4 > kept->size - kept->length)
		return; /* there is more than anybody reads already */
	for (size_t i = 0; i < ARRAY_COUNT(strings); i++)
		text_add_octets(kept, strings[i], strlen(strings[i]) + 1);
}

static void
tell_kept(struct examination *e, const struct text *kept)
{
	const char *at = kept->start;

	while (at < kept->start + kept->length) {
		const char *where = at + strlen(at) + 1;
		const char *what = where + strlen(where) + 1;

		tell(e, at[0] == 'w', where, what);
		at = what + strlen(what) + 1;
	}
}

/* KEYWORD: WHAT: ERROR, at the place of that directive. */
static void
tell_directive(struct examination *e, bool warning, const char *keyword,
    const char *what)
{
	char place[RULE_TEXT];
	char buffer[LINE_TEXT];
	struct text where = text_in(place, sizeof(place));
	struct text line = text_in(buffer, sizeof(buffer));

	settings_place(e->settings, keyword, &where);
	text_add(&line, keyword);
	text_add(&line, ": ");
	text_add(&line, what);
	tell(e, warning, place, buffer);
}

static void
examine_passwords(struct examination *e)
{
	int fd;

	if (!settings_offers(e->settings, AUTH_PASSWORD))
		return;
	fd = password_open(e->settings, tell, e);
	if (fd == -1)
		return;
	(void)password_examine(fd, e->settings, tell, e);
	costs_examine(fd, e->settings->password_file, tell, e);
}

/* The passwords of next gateways: as a session would open and read them. */
static void
examine_hops(struct examination *e)
{
	struct hops *hops = &e->settings->policy->hops;
	struct reader r = { .report = tell, .context = e };

	(void)hops_open(hops, &r);
	for (size_t i = 0; i < hops->count; i++) {
		const struct hop *hop = &hops->list[i];
		char buffer[HOP_LOGIN_TEXT];
		struct login login;

		if (hop->password != -1 && !hop_login(hop, buffer, &login))
			tell(e, false, hop->password_file,
			    "its first line is no `user:password'");
		explicit_bzero(buffer, sizeof(buffer));
	}
	hops_close(hops);
}

static bool
is_for_users(const struct word_list *users)
{
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(word_list_at(users, i), "-") == 0 ||
		    strncmp(word_list_at(users, i), "uid=", 4) == 0)
			return false;
	return users->given;
}

/* A rule for users, where nobody is asked who he is. */
static void
examine_users(struct examination *e)
{
	const struct policy *policy = e->settings->policy;

	if (policy->built_in || settings_offers(e->settings, AUTH_PASSWORD))
		return;
	for (size_t i = 0; i < policy->count; i++) {
		char buffer[RULE_TEXT];
		struct text place = text_in(buffer, sizeof(buffer));

		if (!is_for_users(&policy->rules[i].users))
			continue;
		rule_place(&policy->rules[i], &place);
		tell(e, true, buffer,
		    "user: `auth' has no password, so "
		    "nobody has a name and this rule matches nobody");
	}
}

static void
examine_indexes(struct examination *e, const struct index *index)
{
	const struct policy *policy = e->settings->policy;

	for (; index != NULL; index = index->next) {
		bool hidden;

		if (!index_check(index, policy->nat64, policy->nat64_count,
			&hidden))
			tell(e, false, index->list,
			    "its index is broken; --index makes it anew");
		else if (hidden)
			tell(e, false, index->list,
			    "a net inside a NAT64 prefix never matches: its "
			    "addresses are judged as the IPv4 inside; write "
			    "the IPv4 net");
	}
}

/* The indexes of lists, as a whole: a session looks at little of them. */
static void
examine_lists(struct examination *e)
{
	const struct policy *policy = e->settings->policy;

	for (size_t i = 0; i < policy->count; i++) {
		const struct rule *rule = &policy->rules[i];

		examine_indexes(e, rule->from.indexes);
		examine_indexes(e, rule->to.indexes);
		examine_indexes(e, rule->at.indexes);
	}
	examine_indexes(e, policy->inside.indexes);
	examine_indexes(e, e->settings->proxy_from.indexes);
}

static void
tell_rule(void *context, const struct rule *rule, const char *sentence)
{
	char buffer[RULE_TEXT];
	struct text place = text_in(buffer, sizeof(buffer));

	rule_place(rule, &place);
	tell(context, true, buffer, sentence);
}

/* What `inside on-link' cannot know on this host. */
static void
examine_inside(struct examination *e)
{
	char place[RULE_TEXT];
	struct text where = text_in(place, sizeof(place));
	const char *problem;

	if (!e->settings->policy->inside_on_link)
		return;
	(void)onlink_prepare(e->settings->policy); /* it is a problem, then */
	problem = onlink_problem();
	onlink_close();
	settings_place(e->settings, "inside", &where);
	if (problem != NULL)
		tell(e, true, place, problem);
}

/* Where everybody has to log in nobody can do so by SOCKS4. */
static void
examine_socks4(struct examination *e)
{
	if (e->settings->socks4 && !settings_offers(e->settings, AUTH_NONE))
		tell_directive(e, true, "socks4",
		    "no client is served by it, "
		    "for `auth' has no none and SOCKS4 has no login");
}

/* Who is not root may lack what a service will be given. */
static void
examine_route(struct examination *e, bool root)
{
	const char *keyword = route_refused(e->settings);
	const int error = errno;
	char buffer[LINE_TEXT];
	struct text what = text_in(buffer, sizeof(buffer));

	if (keyword == NULL)
		return;
	text_add(&what, "cannot be set: ");
	text_add(&what, strerror(error));
	if (error == EPERM)
		text_add(&what, "; the service needs CAP_NET_ADMIN for it");
	tell_directive(e, error == EPERM && !root, keyword, buffer);
}

/* Why no connection can come from that address; 0: it can. */
static int
source_error(const struct address *source)
{
	const struct endpoint from = endpoint_of(source, 0);
	const int fd = socket_create(source->family, SOCK_STREAM);
	int error = 0;

	if (fd == -1)
		return errno;
	if (bind(fd, (const struct sockaddr *)&from.storage, from.length) != 0)
		error = errno;
	close(fd);
	return error;
}

/* A net whose addresses do not come back to this host, where nothing else
 * answers for them. */
static void
examine_net(struct examination *e, const struct net *net, struct text *what)
{
	struct address sample = net_base(net);

	sample.octets[sizeof(sample.octets) - 1] |= 1;
	if (route_probe(e->settings, &sample, 0).self)
		return;
	net_add(what, net);
	text_add(what,
	    " is not of this host, so no answer comes in: ip -6 route add "
	    "local ");
	net_add(what, net);
	text_add(what, " dev lo");
}

/* A source that this host lacks, or has no more: its family fails.  `what' is
 * empty where there is nothing to say. */
static void
examine_source(struct examination *e, const struct net *source,
    struct text *what)
{
	const struct address address = net_base(source);

	if (source->family == FAMILY_NONE)
		return;
	if (origin_is_net(source)) {
		examine_net(e, source, what);
		return;
	}
	const int error = source_error(&address);
	if (error == 0)
		return;
	address_add(what, &address);
	text_add(what, ": ");
	text_add(what, strerror(error));
	text_add(what, "; connections of its family fail");
}

/* Those of the directive (NULL), or of a rule. */
static void
examine_sources(struct examination *e, const struct rule *rule)
{
	const struct origin *origin = rule == NULL ? &e->settings->origin :
						     &rule->origin;
	const struct net *const sources[] = { &origin->source_ipv4,
		&origin->source_ipv6 };

	for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
		char buffer[LINE_TEXT];
		struct text what = text_in(buffer, sizeof(buffer));

		text_add(&what, rule == NULL ? "" : "source: ");
		const size_t before = what.length;
		examine_source(e, sources[i], &what);
		if (what.length > before && rule == NULL)
			tell_directive(e, true, "source", buffer);
		else if (what.length > before)
			tell_rule(e, rule, buffer);
	}
}

/* Who may write what was read since the last call; judged: as
 * owners_examine() has it. */
static void
examine_owners(struct examination *e, bool judged)
{
	if (e->another)
		return;
	owners_examine(judged, tell, e);
	if (!judged && !inputs_complete())
		tell(e, true, e->settings->file,
		    "it names more files than can be looked at for their "
		    "owners");
}

/* As a session would open it; one is made where there is none.  Where the user
 * could not be become the answer would be about another. */
static void
examine_state(struct examination *e)
{
	char buffer[LINE_TEXT];
	struct text what = text_in(buffer, sizeof(buffer));
	struct table table;

	if (e->failed || !settings_need_table(e->settings))
		return;
	if (table_open(&table, e->settings->state_dir)) {
		table_close(&table);
		return;
	}
	text_add(&what, table.problem);
	text_add(&what, "; what needs the association table does without");
	tell_directive(e, true, "state-dir", buffer);
}

/* Files that a session would do without. */
static void
examine_name_files(struct examination *e)
{
	size_t place = 0;
	int error;

	resolve_prepare();
	for (const char *path = resolve_problem(&place, &error); path != NULL;
	     path = resolve_problem(&place, &error)) {
		char buffer[LINE_TEXT];
		struct text what = text_in(buffer, sizeof(buffer));

		text_add(&what, "`user' may not read it: ");
		text_add(&what, strerror(error));
		text_add(&what, "; sessions do without");
		tell(e, true, path, buffer);
	}
	resolve_release();
}

/* Only the user of sessions finds what they find. */
static void
examine_names(struct examination *e)
{
	const char *why;

	if (!e->failed)
		examine_name_files(e);

	if (!e->failed && e->settings->sandbox &&
	    !rehearse_names(e->settings, &why))
		tell_directive(e, false, "sandbox", why);
}

/* The file is written beside its name, and renamed: the directory counts. */
static void
examine_metrics(struct examination *e)
{
	const char *file = e->settings->metrics_file;
	char buffer[LINE_TEXT];
	struct text directory = text_in(buffer, sizeof(buffer));

	if (e->failed || file == NULL)
		return;
	text_add_octets(&directory, file, (size_t)(strrchr(file, '/') - file));
	text_add(&directory, "/");
	if (access(buffer, W_OK | X_OK) != 0)
		tell_directive(e, true, "metrics-file",
		    "its directory cannot be written by this user: there "
		    "will be no figures");
}

/* May this process read the file that it has a handle of, wherever it is? */
static bool
may_read(int handle)
{
	char buffer[32];
	struct text path = text_in(buffer, sizeof(buffer));
	int fd;

	text_add(&path, "/proc/self/fd/");
	text_add_number(&path, (uint64_t)handle);
	fd = open(buffer, O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		close(fd);
	return fd != -1;
}

/* As a session does; NULL, or what is wrong. */
static const char *
become_user(const struct settings *settings)
{
	struct sandbox_user user;
	const char *failure = sandbox_find_user(settings->user, &user);

	if (failure != NULL)
		return failure;
	return sandbox_become(&user,
	    settings_mark(settings) ? UINT64_C(1) << CAP_NET_ADMIN : 0);
}

/* Root alone can tell: is the user whom nobody named not there? */
static bool
lacks_default_user(const struct settings *settings)
{
	struct sandbox_user user;

	return settings->user == NULL &&
	    sandbox_find_user("socks64", &user) != NULL;
}

/*
 * What root has read, again as the user.  A file that the user may read in a
 * directory that it may not enter is about to be moved: a warning.
 */
static void
examine_as_user(struct examination *e, const struct settings_source *source,
    struct settings *out, const struct text *kept)
{
	const char *file = out->file;
	const int handle = file == NULL ? -1 : open(file, O_PATH | O_CLOEXEC);
	const char *failure = become_user(out);
	char buffer[LINE_TEXT];
	struct text what = text_in(buffer, sizeof(buffer));
	int error;

	if (failure == NULL && (file == NULL || access(file, R_OK) == 0)) {
		inputs_watch();
		(void)settings_read(out, source, tell, e);
		return;
	}
	error = errno; /* of access() */
	tell_kept(e, kept);
	if (failure != NULL) {
		e->another = true;
		tell_directive(e, false, "user", failure);
		return;
	}
	text_add(&what, "`user' may not read it: ");
	text_add(&what, strerror(error));
	tell(e, may_read(handle), file, buffer);
}

bool
examine_steering(const struct settings *settings, settings_report *report)
{
	struct examination e = { .settings = settings, .report = report };

	examine_route(&e, geteuid() == 0);
	return !e.failed;
}

bool
examine_become(const struct settings *settings, settings_report *report)
{
	struct examination e = { .settings = settings, .report = report };
	const char *failure = become_user(settings);

	if (failure != NULL)
		tell_directive(&e, false, "user", failure);
	return !e.failed;
}

bool
examine_configuration(struct settings *out,
    const struct settings_source *source, settings_report *report)
{
	static SELDOM char buffer[KEPT_TEXT];
	struct text kept = text_in(buffer, sizeof(buffer));
	struct examination e = { .settings = out, .report = report };
	const bool root = geteuid() == 0;
	bool nobody;

	inputs_watch();
	(void)settings_read(out, source, keep_back, &kept);
	/* What is half read has no names of files, nor rules. */
	if (reader_starved()) {
		tell_kept(&e, &kept);
		return false;
	}
	nobody = root && lacks_default_user(out);
	if (root)
		examine_as_user(&e, source, out, &kept);
	else
		tell_kept(&e, &kept);
	if (reader_starved())
		return false;
	if (nobody && !e.failed)
		tell_directive(&e, true, "user",
		    "there is no socks64, so sessions are nobody's, as others "
		    "may be");
	examine_users(&e);
	examine_lists(&e);
	doubts_find(out, tell_rule, &e);
	examine_inside(&e);
	examine_socks4(&e);
	examine_route(&e, root);
	examine_sources(&e, NULL);
	for (size_t i = 0; i < out->policy->count; i++)
		examine_sources(&e, &out->policy->rules[i]);
	examine_owners(&e, false);
	examine_passwords(&e);
	examine_hops(&e);
	examine_owners(&e, true);
	examine_state(&e);
	examine_names(&e);
	examine_metrics(&e);
	return !e.failed;
}
