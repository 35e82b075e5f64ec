/* SPDX-License-Identifier: ISC */
/*
 * Drives net/dial.c and what stands below it: one destination by name or
 * literal, the outcome as key=value lines.  The policy is a stub that allows
 * all but the addresses of -D.
 *
 * base/wait.c has its time from here (ld's --wrap): it goes -S times slower
 * than the machine's, and `slept` is how much of it was waited for in vain,
 * which a busy machine makes no longer.  Judging an address takes as long as
 * -j says.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "net/dial.h"
#include "net/resolve.h"
#include "net/route.h"
#include "net/sockaddr.h"
#include "wire/name.h"

enum { DESCRIPTORS_MAX = 256, OUTPUT_SIZE = 8192, USAGE = 64 };

static int64_t slowness = 1;
static int64_t slept;      /* milliseconds */
static int64_t judging;    /* the same that one address takes, by -j */
static int64_t judged_for; /* the same of all of them */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask);

static struct timespec
timespec_of(int64_t nanoseconds)
{
	return (struct timespec){ .tv_sec = nanoseconds / 1000000000,
		.tv_nsec = nanoseconds % 1000000000 };
}

static int64_t
nanoseconds_of(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	const int status = __real_clock_gettime(clock, now);

	*now = timespec_of(nanoseconds_of(now) / slowness +
	    judged_for * 1000000);
	return status;
}

int
__wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	struct timespec longer;
	int ready;

	if (timeout == NULL)
		return __real_ppoll(fds, n, NULL, mask);
	longer = timespec_of(nanoseconds_of(timeout) * slowness);
	ready = __real_ppoll(fds, n, &longer, mask);
	if (ready == 0)
		slept += nanoseconds_of(timeout) / 1000000;
	return ready;
}

static struct address denied[16];
static size_t denied_count;

bool
policy_asks_on_link(const struct policy *policy, const struct address *address)
{
	(void)policy;
	(void)address;
	return false;
}

struct address
policy_inside(const struct policy *policy, const struct address *address)
{
	(void)policy;
	return *address;
}

void
policy_judge_address(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out)
{
	struct text rule = text_in(out->rule, sizeof(out->rule));
	struct text reason = text_in(out->reason, sizeof(out->reason));

	(void)policy;
	(void)question;
	judged_for += judging;
	out->decision = ALLOW;
	text_add(&rule, candidate->self ? "self " : "");
	address_add(&rule, &candidate->address);
	for (size_t i = 0; i < denied_count; i++)
		if (address_equal(&denied[i], &candidate->address)) {
			out->decision = DENY;
			address_add(&reason, &candidate->address);
			text_add(&reason, " is denied by the test");
		}
}

/* No scenario is one of an ADDRESS ASSOCIATE. */
void
policy_judge_associate(const struct policy *policy,
    const struct question *question, const struct candidate *candidate,
    struct verdict *out)
{
	policy_judge_address(policy, question, candidate, out);
}

/* Here `mark' alone marks. */
bool
settings_mark(const struct settings *settings)
{
	return settings->origin.mark != 0;
}

/* No scenario dials a next gateway. */
void
policy_judge_hop(const struct policy *policy, const struct question *question,
    const struct candidate *candidate, struct verdict *out)
{
	policy_judge_address(policy, question, candidate, out);
}

static size_t
descriptors_open(void)
{
	size_t n = 0;

	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			n++;
	return n;
}

static const char *const results[] = {
	[RESULT_CONNECT_FAILED] = "failed",
	[RESULT_OK] = "connected",
	[RESULT_DENIED] = "denied",
	[RESULT_RESOLVE_FAILED] = "resolve-failed",
	[RESULT_CLIENT_GONE] = "client-gone",
	[RESULT_STOPPED] = "stopped",
	[RESULT_ERROR] = "error",
};

static const char *const prefers[] = {
	[PREFER_AUTO] = "auto",
	[PREFER_IPV6] = "ipv6",
	[PREFER_IPV4] = "ipv4",
	[PREFER_IPV6_ONLY] = "ipv6-only",
	[PREFER_IPV4_ONLY] = "ipv4-only",
};

static _Noreturn void
usage(const char *what)
{
	(void)!write(STDERR_FILENO, what, strlen(what));
	(void)!write(STDERR_FILENO, ": what?\n", 8);
	exit(USAGE);
}

static enum prefer
parse_prefer(const char *word)
{
	for (size_t i = 0; i < ARRAY_COUNT(prefers); i++)
		if (strcmp(word, prefers[i]) == 0)
			return (enum prefer)i;
	usage(word);
}

static struct address
parse_address(const char *word, uint16_t port)
{
	struct address a;

	if (!address_parse_port(word, strlen(word), port, &a))
		usage(word);
	return a;
}

static void
take_source(struct settings *settings, const char *word)
{
	const struct address a = parse_address(word, 0);

	if (a.family == FAMILY_IPV6)
		settings->origin.source_ipv6 = net_around(&a, 128);
	else
		settings->origin.source_ipv4 = net_around(&a, 32);
}

/* ADDRESS or ADDRESS%ZONE */
static void
take_resolver(struct settings *settings, char *word)
{
	struct name_server *server =
	    &settings->resolvers[settings->resolver_count++];
	char *zone = strchr(word, '%');

	if (zone != NULL) {
		*zone = '\0';
		text_copy(server->zone, sizeof(server->zone), zone + 1);
	}
	server->address = parse_address(word, 53);
}

static void
limit_descriptors(const char *word)
{
	const rlim_t n = strtoul(word, NULL, 10);
	const struct rlimit limit = { n, n };

	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
take_option(struct settings *settings, struct dial *d, int option)
{
	switch (option) {
	case 'p': settings->prefer = parse_prefer(optarg); break;
	case 's': take_source(settings, optarg); break;
	case 'i': settings->interface = optarg; break;
	case 'm':
		settings->origin.mark = (uint32_t)strtoul(optarg, NULL, 0);
		break;
	case 'r': take_resolver(settings, optarg); break;
	case 't': settings->connect_timeout = strtol(optarg, NULL, 10); break;
	case 'd': settings->attempt_delay = strtol(optarg, NULL, 10); break;
	case 'D': denied[denied_count++] = parse_address(optarg, 0); break;
	case 'c': d->client = (int)strtol(optarg, NULL, 10); break;
	case 'n': limit_descriptors(optarg); break;
	case 'S': slowness = strtol(optarg, NULL, 10); break;
	case 'j': judging = strtol(optarg, NULL, 10); break;
	default: usage("option");
	}
}

static void
line_add(struct text *t, const char *key, const char *value)
{
	text_add(t, key);
	text_add_char(t, '=');
	text_add(t, value);
	text_add_char(t, '\n');
}

static void
number_add(struct text *t, const char *key, uint64_t number)
{
	text_add(t, key);
	text_add_char(t, '=');
	text_add_number(t, number);
	text_add_char(t, '\n');
}

static void
address_line_add(struct text *t, const char *key, const struct address *a)
{
	text_add(t, key);
	text_add_char(t, '=');
	address_add_port(t, a);
	text_add_char(t, '\n');
}

static void
route_print(struct text *t, const struct settings *settings,
    const struct address *a)
{
	const struct route route = route_probe(settings, a, 0);

	line_add(t, "usable", route.usable ? "yes" : "no");
	line_add(t, "error",
	    route.error == 0 ? "-" : strerrorname_np(route.error));
	address_line_add(t, "source", &route.source);
	line_add(t, "self", route.self ? "yes" : "no");
}

static void
dial_print(struct text *t, struct dial *d)
{
	const size_t before = descriptors_open();
	const int64_t start = clock_now();

	d->until = deadline_in(d->settings->connect_timeout);
	dial_run(d);
	number_add(t, "milliseconds", (uint64_t)(clock_now() - start));
	number_add(t, "slept", (uint64_t)slept);
	line_add(t, "result", results[d->outcome.result]);
	number_add(t, "reply", d->outcome.reply);
	address_line_add(t, "peer", &d->peer);
	address_line_add(t, "local", &d->local);
	line_add(t, "rule", d->verdict.rule);
	line_add(t, "reason", d->outcome.reason);
	line_add(t, "attempts", d->attempts);
	number_add(t, "nonblocking",
	    d->fd != -1 && (fcntl(d->fd, F_GETFL) & O_NONBLOCK) != 0);
	if (d->fd != -1)
		close(d->fd);
	number_add(t, "left-open", descriptors_open() - before);
}

int
main(int argc, char **argv)
{
	struct settings settings = { .connect_timeout = 30000,
		.attempt_delay = 250 };
	struct question question = { .command = POLICY_CONNECT };
	struct dial d = { .settings = &settings,
		.question = &question,
		.client = -1 };
	char name[NAME_LENGTH_MAX + 1];
	char output[OUTPUT_SIZE];
	struct text t = text_in(output, sizeof(output));

	wait_prepare();
	resolve_prepare();
	for (int option = getopt(argc, argv, "p:s:i:m:r:t:d:D:c:n:S:j:");
	     option != -1;
	     option = getopt(argc, argv, "p:s:i:m:r:t:d:D:c:n:S:j:"))
		take_option(&settings, &d, option);
	if (argc - optind < 1)
		usage("NAME|ADDRESS [PORT]");
	switch (name_classify((const uint8_t *)argv[optind],
	    strlen(argv[optind]), name, &question.literal)) {
	case NAME_HOST: question.name = name; break;
	case NAME_LITERAL: break;
	case NAME_BAD: usage(argv[optind]);
	}
	if (argc - optind < 2) {
		route_print(&t, &settings, &question.literal);
	} else {
		question.port = (uint16_t)strtoul(argv[optind + 1], NULL, 10);
		dial_print(&t, &d);
	}
	return write(STDOUT_FILENO, t.start, t.length) == (ssize_t)t.length ?
	    0 :
	    1;
}
