/* SPDX-License-Identifier: ISC */
/*
 * The policy room alone, for tests/policy.bats: no network, no session.
 *
 *   policy read [-f FILE] [-o LINE]...   errors and warnings on stderr;
 *                                        exit 0 or 78
 *   policy dump [-f FILE] [-o LINE]...   the same, and the configuration
 *   policy sets TABLE                    ADDRESS SET... on each line
 *   policy judge TABLE                   rules and questions
 *   policy load RULE                     times reading and judging by it
 *
 * Tables: tests/vectors/policy/.  Each prints how many rows held; a row that
 * did not is named and the exit status is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "policy/output.h"
#include "policy/reader.h"
#include "policy/settings.h"
#include "wire/name.h"

enum { EXIT_CONFIGURATION = 78, OPTIONS_MAX = 64 };

/* settings_read() takes memory for the life of the process. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
tell(void *context, bool warning, const char *where, const char *what)
{
	(void)context;
	fprintf(stderr, "%s: %s%s\n", where, warning ? "warning: " : "", what);
}

static int
read_settings(int argc, char **argv, struct settings *out)
{
	const char *options[OPTIONS_MAX];
	const char *file = "/dev/null";
	size_t count = 0;
	int option;

	while ((option = getopt(argc, argv, "f:o:")) != -1) {
		if (option == 'f')
			file = optarg;
		else if (option == 'o' && count < OPTIONS_MAX)
			options[count++] = optarg;
		else
			return 64;
	}
	const struct settings_source source = { file, options, count };

	return settings_read(out, &source, tell, NULL) ? 0 :
							 EXIT_CONFIGURATION;
}

/* --- tables --- */

struct table {
	FILE *file;
	char *line;
	size_t size;
	unsigned number;
	unsigned held;
	unsigned failed;
};

static bool
table_next(struct table *t)
{
	while (getline(&t->line, &t->size, t->file) >= 0) {
		t->number++;
		t->line[strcspn(t->line, "\n")] = '\0';
		line_strip_comment(t->line);
		if (t->line[strspn(t->line, " \t")] != '\0')
			return true;
	}
	return false;
}

static void
table_check(struct table *t, const char *expected, const char *found)
{
	if (strcmp(expected, found) == 0) {
		t->held++;
		return;
	}
	t->failed++;
	printf("line %u:\n  expected: %s\n  found:    %s\n", t->number,
	    expected, found);
}

static int
table_end(struct table *t)
{
	printf("%u held, %u failed\n", t->held, t->failed);
	free(t->line);
	fclose(t->file);
	return t->failed == 0 && t->held > 0 ? 0 : 1;
}

static struct address
parse_address(const char *text)
{
	struct address address = { .family = FAMILY_NONE };

	if (!address_parse_port(text, strlen(text), 0, &address)) {
		fprintf(stderr, "%s is no address\n", text);
		exit(2);
	}
	return address;
}

static const char *const all_sets[] = { "loopback", "private", "link-local",
	"multicast", "self", "metadata", "special", "global", "any" };

/* The sets in the order above, and what the default policy says. */
static void
check_sets(struct table *t, const struct settings *settings)
{
	char *rest = t->line;
	char found[256];
	struct text text = text_in(found, sizeof(found));
	const struct address address = parse_address(word_next(&rest));
	const struct address inside = policy_inside(settings->policy,
	    &address);
	const struct membership m = membership_of(&inside, false);
	const struct question q = { .command = POLICY_CONNECT,
		.port = 80,
		.client = parse_address("127.0.0.1") };
	const struct candidate candidate = { .address = address };
	struct verdict verdict;

	for (size_t i = 0; i < ARRAY_COUNT(all_sets); i++) {
		if ((m.sets & set_find(all_sets[i])) == 0)
			continue;
		text_add(&text, all_sets[i]);
		text_add_char(&text, ' ');
	}
	policy_judge_address(settings->policy, &q, &candidate, &verdict);
	text_add(&text, verdict.decision == ALLOW ? "allowed" : "denied");
	table_check(t, word_trim(rest), found);
}

/* CLIENT, DESTINATION and the rest of a question, word by word. */
static void
ask_client(struct question *q, const char *word)
{
	if (strncmp(word, "unix:", 5) == 0)
		q->client_uid = (uint32_t)strtoul(word + 5, NULL, 10);
	else
		q->client = parse_address(word);
}

static void
ask_destination(struct question *q, char *word, char name[])
{
	char *colon = strrchr(word, ':');

	if (strcmp(word, "-") == 0)
		return;
	*colon = '\0';
	q->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	switch (name_classify((const uint8_t *)word, strlen(word), name,
	    &q->literal)) {
	case NAME_HOST: q->name = name; break;
	case NAME_LITERAL: break;
	case NAME_BAD:
		fprintf(stderr, "%s is no destination\n", word);
		exit(2);
	}
}

static enum policy_command
ask_command(const char *word)
{
	if (strcmp(word, "bind") == 0)
		return POLICY_BIND;
	return strcmp(word, "udp") == 0 ? POLICY_UDP : POLICY_CONNECT;
}

struct ask {
	struct question q;
	struct candidate candidate;
	bool request_only;
	char name[NAME_LENGTH_MAX + 1];
};

/* @ADDRESS self on-link unknown client-self client-on-link listener=PORT
 * proxied=ADDRESS:PORT */
static void
ask_more(struct ask *a, const char *word)
{
	if (word[0] == '@')
		a->candidate.address = parse_address(word + 1);
	else if (strcmp(word, "self") == 0)
		a->candidate.self = true;
	else if (strcmp(word, "on-link") == 0)
		a->candidate.on_link = true;
	else if (strcmp(word, "unknown") == 0)
		a->candidate.unknown = true;
	else if (strcmp(word, "client-on-link") == 0)
		a->q.client_on_link = true;
	else if (strcmp(word, "client-self") == 0)
		a->q.client_self = true;
	else if (strncmp(word, "listener=", 9) == 0)
		a->q.listener_port = (uint16_t)strtoul(word + 9, NULL, 10);
	else if (strncmp(word, "proxied=", 8) == 0)
		a->q.proxied = parse_address(word + 8);
	else
		a->request_only = true;
}

static void
judge(const struct settings *settings, struct ask *a, struct verdict *out)
{
	if (a->candidate.address.family == FAMILY_NONE)
		a->candidate.address = a->q.literal;
	policy_judge_request(settings->policy, &a->q, out);
	if (out->decision == ALLOW && !a->request_only)
		policy_judge_address(settings->policy, &a->q, &a->candidate,
		    out);
}

/* ask COMMAND CLIENT DESTINATION USER [more] => decision RULE [REASON] */
static void
check_ask(struct table *t, const struct settings *settings, char *rest)
{
	char *arrow = strstr(rest, " => ");
	struct ask a = { .q = { .command = POLICY_CONNECT } };
	struct verdict verdict;
	char found[1024];
	struct text text = text_in(found, sizeof(found));

	*arrow = '\0';
	a.q.command = ask_command(word_next(&rest));
	ask_client(&a.q, word_next(&rest));
	ask_destination(&a.q, word_next(&rest), a.name);
	const char *user = word_next(&rest);
	if (strcmp(user, "-") != 0) {
		a.q.user = user;
		a.q.user_length = strlen(user);
	}
	for (const char *word = word_next(&rest); word != NULL;
	     word = word_next(&rest))
		ask_more(&a, word);
	judge(settings, &a, &verdict);
	text_add(&text, verdict.decision == ALLOW ? "allowed " : "denied ");
	text_add(&text, verdict.rule);
	text_add(&text, verdict.reason[0] == '\0' ? "" : " ");
	text_add(&text, verdict.reason);
	table_check(t, word_trim(arrow + 4), found);
}

/* "rules" begins a new set, "rule LINE" adds to it, "ask" asks. */
struct rule_set {
	char *lines[OPTIONS_MAX];
	size_t count;
	bool read;
	struct settings settings;
};

static void
rule_set_read(struct rule_set *set)
{
	const struct settings_source source = { "/dev/null",
		(const char *const *)set->lines, set->count };

	if (!set->read && !settings_read(&set->settings, &source, tell, NULL))
		exit(EXIT_CONFIGURATION);
	set->read = true;
}

static void
check_judge(struct table *t, struct rule_set *set)
{
	char *rest = t->line;
	const char *word = word_next(&rest);

	if (strcmp(word, "rules") == 0)
		*set = (struct rule_set){ .count = 0 };
	else if (strcmp(word, "rule") == 0)
		set->lines[set->count++] = strdup(word_trim(rest));
	else {
		rule_set_read(set);
		check_ask(t, &set->settings, rest);
	}
}

static int
run_table(const char *command, const char *path)
{
	static struct rule_set set;
	struct table t = { .file = fopen(path, "r") };

	if (t.file == NULL) {
		perror(path);
		return 2;
	}
	if (strcmp(command, "sets") == 0)
		rule_set_read(&set);
	while (table_next(&t)) {
		if (strcmp(command, "sets") == 0)
			check_sets(&t, &set.settings);
		else
			check_judge(&t, &set);
	}
	return table_end(&t);
}

/* --- load --- */

static double
milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Reads a rule and judges one address, at the best of ten runs; in CPU time,
 * to which others add nothing. */
static int
run_load(const char *option)
{
	const struct question q = { .command = POLICY_CONNECT,
		.port = 80,
		.client = parse_address("127.0.0.1") };
	const struct candidate candidate = {
		.address = parse_address("9.9.9.9")
	};
	const struct settings_source source = { "/dev/null", &option, 1 };
	struct settings settings;
	struct verdict verdict;
	const double start = milliseconds();
	double best = 1e9;

	if (!settings_read(&settings, &source, tell, NULL))
		return EXIT_CONFIGURATION;
	const double read = milliseconds() - start;
	for (int i = 0; i < 10; i++) {
		const double before = milliseconds();

		policy_judge_address(settings.policy, &q, &candidate,
		    &verdict);
		const double taken = milliseconds() - before;
		best = taken < best ? taken : best;
	}
	printf("read %.3f ms, judged in %.3f ms: %s\n", read, best,
	    verdict.decision == ALLOW ? "allowed" : verdict.reason);
	return best < 1.0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static struct settings settings;
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "load") == 0 && argc == 3)
		return run_load(argv[2]);
	if ((strcmp(command, "sets") == 0 || strcmp(command, "judge") == 0) &&
	    argc == 3)
		return run_table(command, argv[2]);
	const int status = read_settings(argc - 1, argv + 1, &settings);
	if (status == 0 && strcmp(command, "dump") == 0)
		return output_settings(&settings, 1) ? 0 : 1;
	return status;
}
