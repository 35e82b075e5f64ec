/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses: /etc/hosts, then localhost (RFC 6761 6.3), then DNS, one
 * query for each family, AAAA first (RFC 8305 3).  A name is
 * absolute: no search list, no aliases, nothing from the environment.
 */
#include "net/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/text.h"
#include "net/hosts.h"
#include "net/route.h"
#include "wire/dns.h"

/* Milliseconds for the other family, once the name does not exist, and once
 * there are addresses. */
enum { GONE_PATIENCE = 1000, OTHER_PATIENCE = 2000 };

enum { HOSTS, RESOLV_CONF };

static const char *const paths[] = {
	[HOSTS] = "/etc/hosts",
	[RESOLV_CONF] = "/etc/resolv.conf",
};

/* Begins with zeros: nobody copies a page of constants for it. */
static struct {
	int next;  /* the one after its descriptor; 0: it is not open */
	int error; /* an errno, where it is there and cannot be read */
} files[ARRAY_COUNT(paths)];

/* -1: it is not open. */
static int
file_of(size_t i)
{
	return files[i].next - 1;
}

void
resolve_prepare(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		inputs_note(paths[i]);
		files[i].next = open(paths[i], O_RDONLY | O_CLOEXEC) + 1;
		files[i].error = 0;
		if (files[i].next == 0 && errno != ENOENT)
			files[i].error = errno;
	}
}

const char *
resolve_problem(size_t *place, int *error)
{
	while (*place < ARRAY_COUNT(files)) {
		const size_t i = (*place)++;

		*error = files[i].error;
		if (*error != 0)
			return paths[i];
	}
	return NULL;
}

void
resolve_release(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		if (files[i].next != 0)
			close(file_of(i));
		files[i].next = 0;
	}
}

/* --- What the answers say. --- */

static bool
has_addresses(const struct resolution *r)
{
	return r->ipv6.state == ANSWER_FOUND || r->ipv4.state == ANSWER_FOUND;
}

static const char *
missing_family(const struct resolution *r)
{
	if (r->ipv4.state == ANSWER_UNASKED)
		return " has no IPv6 address";
	if (r->ipv6.state == ANSWER_UNASKED)
		return " has no IPv4 address";
	return " has no address";
}

static const char *
failure_text(const struct resolution *r)
{
	const struct answer *failed = r->ipv4.state == ANSWER_FAILED ?
	    &r->ipv4 :
	    &r->ipv6;

	switch (failed->failure) {
	case QUERY_TIMED_OUT: return "no name server answered in time for ";
	case QUERY_NO_MEMORY: return "there is no memory to look up ";
	case QUERY_FAILED: return "the name servers failed for ";
	case QUERY_UNREACHABLE: return "no name server could be reached for ";
	case QUERY_USELESS:
	case QUERY_ANSWERED:
	case QUERY_NO_NAME:
	case QUERY_NO_DATA: break;
	}
	return "the name servers gave no usable answer for ";
}

/* What was not looked at, and may have been meant to be. */
static void
tell_unread(struct text *t)
{
	size_t place = 0;
	int error;

	for (const char *path = resolve_problem(&place, &error); path != NULL;
	     path = resolve_problem(&place, &error)) {
		text_add(t, "; ");
		text_add(t, path);
		text_add(t, " cannot be read");
	}
}

static void
tell_failure(const struct resolution *r, struct text *t)
{
	const enum answer_state ipv6 = r->ipv6.state;
	const enum answer_state ipv4 = r->ipv4.state;

	if (ipv6 == ANSWER_FAILED || ipv4 == ANSWER_FAILED) {
		text_add(t, failure_text(r));
		text_add_quotable(t, r->name, strlen(r->name));
		return;
	}
	text_add_quotable(t, r->name, strlen(r->name));
	if (ipv6 == ANSWER_NO_NAME || ipv4 == ANSWER_NO_NAME)
		text_add(t, " does not exist");
	else
		text_add(t, missing_family(r));
}

/* Once both families are there, why there is no address. */
static void
tell_reason(struct resolution *r)
{
	struct text t = text_in(r->reason, sizeof(r->reason));

	if (!resolve_done(r) || has_addresses(r))
		return;
	tell_failure(r, &t);
	tell_unread(&t);
}

static void
conclude_ipv6(void *context, enum query_result result,
    const struct iovec *message)
{
	struct resolution *r = context;

	answer_conclude(&r->ipv6, FAMILY_IPV6, result, message);
}

static void
conclude_ipv4(void *context, enum query_result result,
    const struct iovec *message)
{
	struct resolution *r = context;

	answer_conclude(&r->ipv4, FAMILY_IPV4, result, message);
}

/* --- Asking. --- */

/* It is this host's failure; false. */
static bool
fail_here(struct resolution *r, const char *reason)
{
	struct text t = text_in(r->reason, sizeof(r->reason));

	text_add(&t, reason);
	r->ipv6.state = ANSWER_FAILED;
	r->ipv4.state = ANSWER_FAILED;
	r->broken = true;
	resolve_end(r);
	return false;
}

static bool
fail_setup(struct resolution *r)
{
	return fail_here(r,
	    "the resolver cannot be set up: "
	    "there is no memory, or nothing random");
}

/* Which servers; false: r->broken. */
static bool
find_servers(struct resolution *r, const struct settings *settings)
{
	uint8_t random;

	r->servers = resolvconf_read(settings, file_of(RESOLV_CONF));
	if (!query_random(&random, sizeof(random)))
		return fail_setup(r);
	resolvconf_rotate(&r->servers, random);
	return true;
}

static bool
ask(struct resolution *r, struct query *q, uint16_t type, query_answer *answer)
{
	*q = (struct query){ .servers = &r->servers,
		.name = r->name,
		.type = type,
		.answer = answer,
		.context = r };
	return query_start(q) || fail_setup(r);
}

static bool
ask_ipv6(struct resolution *r)
{
	r->ipv6_waits = false;
	return ask(r, &r->ask_ipv6, DNS_TYPE_AAAA, conclude_ipv6);
}

/*
 * RFC 8020 2: a name that does not exist has no other records.  The other
 * family gets a moment, because there are servers that mean by NXDOMAIN that
 * they have no AAAA (RFC 4074 4.2); one that is silent is not waited for.
 */
static void
conclude_gone(struct resolution *r)
{
	if (r->ipv6.state != ANSWER_NO_NAME && r->ipv4.state != ANSWER_NO_NAME)
		return;
	if (r->gone.at == DEADLINE_NEVER.at)
		r->gone = deadline_in(GONE_PATIENCE);
	if (!deadline_passed(r->gone))
		return;
	if (r->ipv6.state == ANSWER_PENDING)
		r->ipv6.state = ANSWER_NO_NAME;
	if (r->ipv4.state == ANSWER_PENDING)
		r->ipv4.state = ANSWER_NO_NAME;
}

/* What an answer has as its consequence. */
static void
go_on(struct resolution *r)
{
	if (r->ipv6_waits && r->ipv4.state == ANSWER_NO_NAME) {
		r->ipv6_waits = false;
		r->ipv6.state = ANSWER_NO_NAME;
	}
	if (r->ipv6_waits && r->ipv4.state != ANSWER_PENDING)
		(void)ask_ipv6(r); /* or r->broken */
	if (!resolve_done(r))
		conclude_gone(r);
	if (has_addresses(r) && r->enough.at == DEADLINE_NEVER.at)
		r->enough = deadline_in(OTHER_PATIENCE);
	tell_reason(r);
}

static bool
ask_servers(struct resolution *r, const struct settings *settings)
{
	if (!find_servers(r, settings))
		return false;
	if (r->servers.no_ipv6 && r->ipv6.state == ANSWER_PENDING)
		r->ipv6.state = ANSWER_UNASKED;
	r->ipv6_waits = r->servers.one_query &&
	    r->ipv6.state == ANSWER_PENDING && r->ipv4.state == ANSWER_PENDING;
	if (r->ipv6.state == ANSWER_PENDING && !r->ipv6_waits && !ask_ipv6(r))
		return false;
	if (r->ipv4.state == ANSWER_PENDING &&
	    !ask(r, &r->ask_ipv4, DNS_TYPE_A, conclude_ipv4))
		return false;
	go_on(r);
	return !r->broken;
}

/* --- Names that DNS never sees. --- */

/* `name` is `domain` or below it. */
static bool
is_within(const char *name, const char *domain)
{
	const size_t length = strlen(name);
	const size_t tail = strlen(domain);

	if (length < tail || strcmp(name + length - tail, domain) != 0)
		return false;
	return length == tail || name[length - tail - 1] == '.';
}

static void
answer_loopback(struct resolution *r)
{
	static const uint8_t ipv6[16] = { [15] = 1 };
	static const uint8_t ipv4[4] = { 127, 0, 0, 1 };
	const struct address loopback6 = address_ipv6(ipv6, 0);
	const struct address loopback4 = address_ipv4(ipv4, 0);

	answer_add(&r->ipv6, &loopback6);
	answer_add(&r->ipv4, &loopback4);
}

/* What /etc/hosts says, or is said of localhost; false: there was no time to
 * read all of that file, or it cannot be read. */
static bool
answer_file(struct resolution *r, const struct settings *settings)
{
	struct answer *const answers[2] = { &r->ipv6, &r->ipv4 };

	switch (hosts_find(file_of(HOSTS), r->name,
	    deadline_in(settings->connect_timeout), answers)) {
	case HOSTS_LATE:
		answer_reset(&r->ipv6, ANSWER_PENDING);
		answer_reset(&r->ipv4, ANSWER_PENDING);
		return false;
	case HOSTS_ABSENT:
		if (is_within(r->name, "localhost"))
			answer_loopback(r);
		break;
	case HOSTS_BROKEN: return fail_here(r, "/etc/hosts could not be read");
	case HOSTS_FOUND: break;
	}
	return true;
}

/* RFC 7686 2: onion names are Tor's, and asking for one betrays it. */
static void
answer_onion(struct resolution *r)
{
	struct text t = text_in(r->reason, sizeof(r->reason));

	text_add_quotable(&t, r->name, strlen(r->name));
	text_add(&t, " is an onion name, which is never looked up");
	r->ipv6.state = ANSWER_NO_NAME;
	r->ipv4.state = ANSWER_NO_NAME;
}

/* The families that are not wanted are forgotten, whoever answered. */
static void
mark_unasked(struct resolution *r, const struct settings *settings)
{
	if (!route_wanted(settings, FAMILY_IPV6))
		answer_reset(&r->ipv6, ANSWER_UNASKED);
	if (r->ipv6_alone || !route_wanted(settings, FAMILY_IPV4))
		answer_reset(&r->ipv4, ANSWER_UNASKED);
}

/* A look-up of which nothing is known yet. */
static void
begin(struct resolution *r, const char *name)
{
	const size_t cleared = offsetof(struct resolution, host);

	memset((char *)r + cleared, 0, sizeof(*r) - cleared);
	r->ipv6.list = r->lists[0];
	r->ipv4.list = r->lists[1];
	answer_reset(&r->ipv6, ANSWER_PENDING);
	answer_reset(&r->ipv4, ANSWER_PENDING);
	r->name = name;
	r->gone = DEADLINE_NEVER;
	r->enough = DEADLINE_NEVER;
}

void
resolve_none(struct resolution *r)
{
	begin(r, NULL);
	answer_reset(&r->ipv6, ANSWER_UNASKED);
	answer_reset(&r->ipv4, ANSWER_UNASKED);
}

static bool
look_up(struct resolution *r, const struct settings *settings)
{
	if (is_within(r->name, "onion"))
		answer_onion(r);
	else if (!answer_file(r, settings))
		return true; /* its time is over: it stays pending */
	mark_unasked(r, settings);
	if (!resolve_done(r))
		return ask_servers(r, settings);
	if (r->reason[0] == '\0')
		tell_reason(r);
	return true;
}

bool
resolve_start(struct resolution *r, const struct settings *settings,
    const char *name)
{
	begin(r, name);
	return look_up(r, settings);
}

bool
resolve_start_ipv6(struct resolution *r, const struct settings *settings,
    const char *name)
{
	begin(r, name);
	r->ipv6_alone = true;
	return look_up(r, settings);
}

/* --- Names of addresses. --- */

/* Takes the first PTR record that is a host name. */
static void
take_host(struct resolution *r, const struct iovec *message)
{
	struct dns_walk w;
	const uint8_t *data;
	size_t length;

	if (!dns_walk_start(&w, message->iov_base, message->iov_len,
		DNS_TYPE_PTR))
		return;
	for (data = dns_walk_next(&w, &length); data != NULL;
	     data = dns_walk_next(&w, &length)) {
		uint8_t text[DNS_NAME_MAX];
		char name[NAME_LENGTH_MAX + 1];
		struct address literal;
		struct dns_name found;

		if (!dns_walk_name(&w, data, length, &found) ||
		    name_classify(text,
			dns_name_text(&found, text, sizeof(text)), name,
			&literal) != NAME_HOST)
			continue;
		text_copy(r->host, sizeof(r->host), name);
		return;
	}
}

static void
conclude_reverse(void *context, enum query_result result,
    const struct iovec *message)
{
	struct resolution *r = context;

	answer_conclude(&r->ipv6, FAMILY_NONE, result, message);
	if (result == QUERY_ANSWERED)
		take_host(r, message);
}

/* 80.2.0.192.in-addr.arpa; 1.0.0.0...8.b.d.0.1.0.0.2.ip6.arpa */
static void
reverse_name(struct text *t, const struct address *address)
{
	const bool ipv6 = address->family == FAMILY_IPV6;

	for (size_t i = address_length(address); i > 0; i--) {
		const uint8_t octet = address->octets[i - 1];

		if (ipv6) {
			text_add_char(t, text_digit(octet));
			text_add_char(t, '.');
			text_add_char(t, text_digit(octet >> 4));
		} else {
			text_add_number(t, octet);
		}
		text_add_char(t, '.');
	}
	text_add(t, ipv6 ? "ip6.arpa" : "in-addr.arpa");
}

bool
resolve_start_reverse(struct resolution *r, const struct settings *settings,
    const struct address *address)
{
	struct text name;

	begin(r, r->reverse);
	r->ipv4.state = ANSWER_UNASKED;
	name = text_in(r->reverse, sizeof(r->reverse));
	reverse_name(&name, address);
	if (!find_servers(r, settings) ||
	    !ask(r, &r->ask_ipv6, DNS_TYPE_PTR, conclude_reverse))
		return false;
	tell_reason(r);
	return true;
}

bool
resolve_done(const struct resolution *r)
{
	return r->ipv6.state != ANSWER_PENDING &&
	    r->ipv4.state != ANSWER_PENDING;
}

bool
resolve_settled(const struct resolution *r)
{
	return resolve_done(r) || deadline_passed(r->enough);
}

size_t
resolve_poll(struct resolution *r, struct pollfd *fds, struct deadline *until)
{
	size_t n;

	if (resolve_done(r))
		return 0;
	*until = deadline_first(*until, r->gone);
	if (!deadline_passed(r->enough))
		*until = deadline_first(*until, r->enough);
	n = query_poll(&r->ask_ipv6, fds, until);
	return n + query_poll(&r->ask_ipv4, fds + n, until);
}

void
resolve_process(struct resolution *r, const struct pollfd *fds, size_t n)
{
	if (resolve_done(r))
		return;
	query_process(&r->ask_ipv6, fds, n);
	query_process(&r->ask_ipv4, fds, n);
	go_on(r);
}

void
resolve_end(struct resolution *r)
{
	query_end(&r->ask_ipv6);
	query_end(&r->ask_ipv4);
}

const char *
resolve_reason(const struct resolution *r)
{
	if (!resolve_done(r))
		return "the name was not resolved in time";
	return r->reason[0] != '\0' ? r->reason : NULL;
}

enum reply
resolve_reply(const struct resolution *r)
{
	if (r->broken)
		return REPLY_GENERAL_FAILURE;
	if (!resolve_done(r))
		return REPLY_TTL_EXPIRED;
	return r->ipv6.state == ANSWER_FAILED ||
		r->ipv4.state == ANSWER_FAILED ?
	    REPLY_GENERAL_FAILURE :
	    REPLY_HOST_UNREACHABLE;
}
