/* SPDX-License-Identifier: ISC */
/*
 * The race of RFC 8305 for one destination.  Names are looked up, addresses
 * sorted, each is judged at the moment that it is dialled, the first that
 * answers wins, and no other descriptor is left behind.
 */
#include "net/dial.h"

#include <errno.h>
#include <stddef.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/candidates.h"
#include "net/failure.h"
#include "net/nat64.h"
#include "net/resolve.h"
#include "net/route.h"
#include "net/sockaddr.h"

enum {
	RESOLUTION_DELAY = 50, /* milliseconds, RFC 8305 3 */
	PINNED_DELAY = 2000,   /* a SYN that was lost may be sent again */
	ATTEMPT_ROOM = 2 * (ADDRESS_TEXT + 24), /* for one, and the winner */
	CONNECTING_LEAST = 3000, /* so long each of them may, if others wait */
	POLL_MAX = DIAL_DESCRIPTORS_MAX + 1,
};

/* One address that was taken from the candidates: judged once, as it was
 * dialled. */
struct attempt {
	struct address address; /* with the port */
	struct address dialled; /* the same, or what stands for it (NAT64) */
	bool waits;             /* for the prefix that this one needs */
	struct verdict verdict; /* DENY: it was not dialled */
	struct egress egress;   /* from where it is */
	int fd;                 /* -1: not connecting (any more) */
	int error;              /* errno of what failed */
	struct deadline least;  /* until then it need not make room */
};

struct race {
	struct dial *dial;

	/* The answer of each family was merged into the untried. */
	bool ipv6_taken;
	bool ipv4_taken;

	struct deadline hold; /* until then the preferred answer is awaited */
	struct deadline next; /* no attempt starts before */
	struct attempt *winner;
	struct attempt *telling; /* whose verdict the record gets */
	struct attempt *via;     /* the first that goes by a next gateway */
	bool dialled;            /* at least one attempt was made */
	bool over;
	size_t attempt_count;
	size_t connecting; /* so many of these */
	struct nat64 nat64;

	/* Nobody clears these: most sessions make one attempt, which shares a
	 * page with what is above, and have one candidate, which shares one
	 * with the state of the look-up. */
	struct attempt attempts[CANDIDATES_MAX];
	struct resolution names;
	struct candidates untried;
};

/* --- Addresses. --- */

static bool
answer_arrived(const struct answer *answer, bool *taken)
{
	if (*taken || answer->state == ANSWER_PENDING)
		return false;
	*taken = true;
	return answer->state == ANSWER_FOUND;
}

/* RFC 8305 3 and 5: late answers are merged into the untried. */
static void
take_answers(struct race *race)
{
	const bool ipv6 = answer_arrived(&race->names.ipv6, &race->ipv6_taken);
	const bool ipv4 = answer_arrived(&race->names.ipv4, &race->ipv4_taken);

	if ((ipv6 || ipv4) && race->hold.at == DEADLINE_NEVER.at)
		race->hold = deadline_in(RESOLUTION_DELAY);
	if (ipv6)
		candidates_add(&race->untried, &race->names.ipv6,
		    &race->dial->pinned);
	if (ipv4)
		candidates_add(&race->untried, &race->names.ipv4,
		    &race->dial->pinned);
}

static bool
has_pin(const struct dial *d)
{
	return d->pinned.family != FAMILY_NONE;
}

/* A literal is the only candidate: nothing is looked up or waited for. */
static void
take_literal(struct race *race)
{
	const struct dial *d = race->dial;

	resolve_none(&race->names);
	candidates_put(&race->untried,
	    has_pin(d) ? &d->pinned : &d->question->literal);
}

/* --- The timers. --- */

static bool
is_preferred_pending(const struct race *race)
{
	const struct answer *preferred =
	    candidates_preferred(race->dial->settings) == FAMILY_IPV4 ?
	    &race->names.ipv4 :
	    &race->names.ipv6;

	return preferred->state == ANSWER_PENDING;
}

/* The first attempt that still connects, where as many do as may: it makes
 * room for another one. */
static struct attempt *
one_too_many(struct race *race)
{
	if (race->connecting < DIAL_CONNECTING_MAX)
		return NULL;
	for (size_t i = 0; i < race->attempt_count; i++)
		if (race->attempts[i].fd != -1)
			return &race->attempts[i];
	return NULL;
}

/* The moment at which there is a reason to make the next attempt; never, where
 * it waits for something else. */
static struct deadline
next_wanted(const struct race *race)
{
	const bool routed = race->untried.count > 0 &&
	    race->untried.list[0].source.family != FAMILY_NONE;

	if (race->untried.count == 0 ||
	    (!routed && race->nat64.state == NAT64_PENDING))
		return DEADLINE_NEVER;
	if (resolve_settled(&race->names) ||
	    (race->attempt_count == 0 && has_pin(race->dial)))
		return race->next;
	/* An address without a route waits: the other answer may bring one
	 * that has a route. */
	if (!routed)
		return DEADLINE_NEVER;
	if (is_preferred_pending(race) && race->hold.at > race->next.at)
		return race->hold;
	return race->next;
}

/* The moment of the next attempt. */
static struct deadline
next_start(struct race *race)
{
	const struct deadline wanted = next_wanted(race);
	const struct attempt *oldest = one_too_many(race);

	if (oldest != NULL && oldest->least.at > wanted.at)
		return oldest->least;
	return wanted;
}

/* --- One attempt. --- */

/*
 * Where `source' is set, bind(2) would take a port that no other connection
 * can have at the same time.  This option puts the choice off until connect(2)
 * knows the destination; on a kernel without it ports run out sooner.
 */
static void
late_port(const struct egress *egress, int fd)
{
	const int on = 1;

	if (egress->source_ipv4.family != FAMILY_NONE ||
	    egress->source_ipv6.family != FAMILY_NONE)
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		    sizeof(on));
}

/* 0: connecting; else an errno, and the descriptor is of no use. */
static int
connect_start(const struct egress *egress, int fd,
    const struct address *address)
{
	const struct endpoint to = endpoint_of(address, 0);

	late_port(egress, fd);
	if (!route_apply(egress, fd, address->family))
		return errno;
	if (connect(fd, (const struct sockaddr *)&to.storage, to.length) ==
		0 ||
	    errno == EINPROGRESS)
		return 0;
	if (errno == EINVAL && address_is_link_local(address))
		return ENETUNREACH; /* no interface was named */
	return errno;
}

static void
attempt_close(struct race *race, struct attempt *attempt)
{
	if (attempt->fd == -1)
		return;
	close(attempt->fd);
	attempt->fd = -1;
	race->connecting--;
}

static void
attempt_fail(struct race *race, struct attempt *attempt, int error)
{
	attempt->error = error;
	attempt_close(race, attempt);
	/* RFC 8305 5: the next one need not wait for the delay. */
	if (attempt == &race->attempts[race->attempt_count - 1])
		race->next = deadline_in(0);
}

static void
attempt_connect(struct race *race, struct attempt *attempt)
{
	const struct settings *settings = race->dial->settings;
	const struct address *address = &attempt->dialled;
	struct attempt *oldest = one_too_many(race);
	int error;

	if (oldest != NULL)
		attempt_fail(race, oldest, ETIMEDOUT);
	attempt->fd = socket_create(address->family, SOCK_STREAM);
	error = attempt->fd == -1 ? errno : 0;
	race->connecting += error == 0;
	attempt->least = deadline_in(CONNECTING_LEAST);
	if (error == 0)
		error = connect_start(&attempt->egress, attempt->fd, address);
	if (error != 0)
		attempt_fail(race, attempt, error);
	else
		race->next = deadline_in(address_equal(address,
					     &race->dial->pinned) ?
			PINNED_DELAY :
			settings->attempt_delay);
}

/* Connects, unless it waits for a prefix: by that, or into the failure that
 * the kernel has for it. */
static void
attempt_go(struct race *race, struct attempt *attempt)
{
	if (attempt->waits && race->nat64.state == NAT64_PENDING)
		return;
	if (attempt->waits && race->nat64.state == NAT64_FOUND)
		attempt->dialled = nat64_address(&race->nat64,
		    &attempt->address);
	attempt->waits = false;
	attempt_connect(race, attempt);
}

/* Ends the race for the next gateway that the rules lead to. */
static void
race_leave(struct race *race)
{
	race->telling = race->via;
	race->dial->peer = race->via->address;
	outcome_end(&race->dial->outcome, RESULT_OK, NULL);
	race->over = true;
}

/* From where it is dialled, and the address that the kernel would use
 * (FAMILY_NONE: there is no way).  `usual' is that of the directives. */
static struct address
attempt_origin(const struct dial *d, struct attempt *attempt,
    const struct address *usual)
{
	const struct origin *origin = d->hop ? d->origin :
					       attempt->verdict.origin;

	attempt->egress = route_egress(d->settings, origin);
	if (attempt->egress.chosen && origin_has(origin, &d->chosen)) {
		attempt->egress.source_ipv6 = d->chosen;
		attempt->egress.source_ipv6.port = 0;
	}
	if (origin == NULL)
		return *usual;
	return route_probe_by(d->settings, &attempt->egress, &attempt->address)
	    .source;
}

/*
 * SECURITY: the address is judged here, as it is dialled, and what is judged
 * is what connect(2) gets: a name that changes its mind gains nothing.
 */
static void
attempt_start(struct race *race)
{
	const struct dial *d = race->dial;
	const struct destination to = candidates_take(&race->untried);
	const struct candidate candidate = candidate_at(&to);
	struct attempt *attempt = &race->attempts[race->attempt_count++];
	struct address source;

	*attempt = (struct attempt){ .fd = -1,
		.address = to.address,
		.dialled = to.address };
	race->untried.judge(d->settings->policy, d->question, &candidate,
	    &attempt->verdict);
	if (race->telling == NULL || !race->telling->verdict.unsure)
		race->telling = attempt;
	if (to.unknown != 0) /* not denied: nobody knows whose it is */
		attempt_fail(race, attempt, to.unknown);
	if (attempt->verdict.decision != ALLOW)
		return;
	if (attempt->verdict.via == NULL) {
		race->dialled = true;
		source = attempt_origin(d, attempt, &to.source);
		attempt->waits = nat64_needed(d->settings, &to.address,
		    &source);
		if (attempt->waits)
			nat64_ask(&race->nat64, d->settings);
		attempt_go(race, attempt);
		return;
	}
	if (race->via == NULL)
		race->via = attempt;
	if (!race->dialled)
		race_leave(race);
}

/* Did the socket connect to itself?  TCP's simultaneous open allows it where
 * nobody listens at a local port. */
static bool
is_self_connected(int fd, const struct address *peer)
{
	struct address local;

	return socket_local(fd, &local) && local.port == peer->port &&
	    address_equal(&local, peer);
}

static void
attempt_finish(struct race *race, struct attempt *attempt)
{
	int error = socket_error(attempt->fd);

	if (error == 0 && is_self_connected(attempt->fd, &attempt->dialled))
		error = ECONNREFUSED;
	if (error != 0) {
		attempt_fail(race, attempt, error);
		return;
	}
	race->winner = attempt;
	race->over = true;
}

/* --- The outcome. --- */

static void
race_fail(struct race *race, enum result result, enum reply reply,
    const char *reason)
{
	outcome_fail(&race->dial->outcome, result, reply, reason);
	race->over = true;
}

/*
 * Of several failures the one that tells most: a refusal, which proves that
 * the host is there, else the last attempt of the preferred family.
 */
static struct attempt *
telling_attempt(struct race *race)
{
	const enum prefer prefer = race->dial->settings->prefer;
	enum family family = prefer == PREFER_AUTO ?
	    FAMILY_NONE :
	    candidates_preferred(race->dial->settings);
	struct attempt *last = NULL;

	for (size_t i = 0; i < race->attempt_count; i++) {
		struct attempt *a = &race->attempts[i];

		if (a->error == 0)
			continue;
		if (failure_of(a->error)->reply == REPLY_CONNECTION_REFUSED)
			return a;
		if (family == FAMILY_NONE)
			family = a->address.family;
		if (last == NULL || a->address.family == family ||
		    last->address.family != family)
			last = a;
	}
	return last;
}

static void
tell_attempt(struct race *race, struct attempt *attempt)
{
	const struct failure *failure = failure_of(attempt->error);
	char reason[REASON_TEXT];
	struct text t = text_in(reason, sizeof(reason));

	address_add_port(&t, &attempt->dialled);
	text_add_char(&t, ' ');
	text_add(&t, failure->phrase);
	if (race->nat64.state == NAT64_NONE &&
	    attempt->address.family == FAMILY_IPV4)
		text_add(&t,
		    race->nat64.refused ? ", and the NAT64 prefix of "
					  "the name server is not global" :
					  ", and no NAT64 prefix is known");
	if (attempt->dialled.family == FAMILY_IPV6 &&
	    race->names.ipv4.state == ANSWER_NO_DATA &&
	    (failure->reply == REPLY_NETWORK_UNREACHABLE ||
		failure->reply == REPLY_ADDRESS_TYPE_NOT_SUPPORTED))
		text_add(&t,
		    ": this host has no way to IPv6 there, "
		    "and the name has no IPv4 address");
	race->telling = attempt;
	race_fail(race, RESULT_CONNECT_FAILED, failure->reply, reason);
}

static void
race_without_candidate(struct race *race)
{
	candidates_explain_none(&race->names, &race->dial->outcome);
	race->over = true;
}

static void
race_deny(struct race *race)
{
	outcome_deny(&race->dial->outcome, &race->telling->verdict);
	race->over = true;
}

static void
race_exhausted(struct race *race)
{
	struct attempt *attempt = telling_attempt(race);

	if (race->via != NULL)
		race_leave(race);
	else if (attempt != NULL)
		tell_attempt(race, attempt);
	else if (race->attempt_count > 0)
		race_deny(race);
	else
		race_without_candidate(race);
}

/* connect-timeout is over.  What still connects has not answered in time, and
 * this is what the client is told, unless some address has refused. */
static void
race_expire(struct race *race)
{
	struct attempt *late = NULL;
	struct attempt *telling;

	for (size_t i = 0; i < race->attempt_count; i++)
		if (race->attempts[i].fd != -1 || race->attempts[i].waits) {
			attempt_fail(race, &race->attempts[i], ETIMEDOUT);
			late = &race->attempts[i];
		}
	telling = telling_attempt(race);
	if (late != NULL && telling != NULL &&
	    failure_of(telling->error)->reply != REPLY_CONNECTION_REFUSED)
		tell_attempt(race, late);
	else
		race_exhausted(race);
}

static bool
is_exhausted(const struct race *race)
{
	if (race->untried.count > 0 || race->connecting > 0 ||
	    !resolve_settled(&race->names))
		return false;
	for (size_t i = 0; i < race->attempt_count; i++)
		if (race->attempts[i].waits)
			return false;
	return true;
}

/* --- The loop. --- */

static void
attempts_resume(struct race *race)
{
	for (size_t i = 0; i < race->attempt_count; i++)
		if (race->attempts[i].waits)
			attempt_go(race, &race->attempts[i]);
}

static void
start_due(struct race *race)
{
	while (deadline_passed(next_start(race)))
		attempt_start(race);
	attempts_resume(race);
	if (is_exhausted(race))
		race_exhausted(race);
}

/* Fills in the attempts that are still connecting, and no other: ppoll(2)
 * refuses more entries than descriptors may be open. */
static size_t
poll_attempts(const struct race *race, struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < race->attempt_count; i++)
		if (race->attempts[i].fd != -1)
			fds[n++] = (struct pollfd){ .fd = race->attempts[i].fd,
				.events = POLLOUT };
	return n;
}

static void
finish_ready(struct race *race, const struct pollfd *fds)
{
	for (size_t i = 0; i < race->attempt_count && !race->over; i++) {
		struct attempt *attempt = &race->attempts[i];

		if (attempt->fd == -1)
			continue;
		if (fds->revents != 0)
			attempt_finish(race, attempt);
		fds++;
	}
}

static void
race_wait(struct race *race)
{
	struct dial *d = race->dial;
	struct pollfd fds[POLL_MAX] = { { .fd = d->client } };
	struct deadline until = deadline_first(d->until, next_start(race));
	const size_t asked = resolve_poll(&race->names, fds + 1, &until);
	const size_t prefix = nat64_poll(&race->nat64, fds + 1 + asked,
	    &until);
	struct pollfd *attempts = fds + 1 + asked + prefix;
	const size_t tried = poll_attempts(race, attempts);
	const enum wait wait = wait_for(fds, 1 + asked + prefix + tried,
	    until);

	if (wait == WAIT_STOPPED) {
		outcome_stop(&d->outcome);
		race->over = true;
		return;
	}
	if (wait == WAIT_READY && fds[0].fd != -1 && fds[0].revents != 0) {
		outcome_end(&d->outcome, RESULT_CLIENT_GONE,
		    "the client left before the connection was there");
		race->over = true;
		return;
	}
	if (wait == WAIT_READY)
		finish_ready(race, attempts);
	if (race->over)
		return;
	resolve_process(&race->names, fds + 1, wait == WAIT_READY ? asked : 0);
	nat64_process(&race->nat64, d->settings, fds + 1 + asked,
	    wait == WAIT_READY ? prefix : 0);
	if (deadline_passed(d->until))
		race_expire(race);
}

static void
race_open(struct race *race, struct dial *d)
{
	outcome_fail(&d->outcome, RESULT_ERROR, REPLY_GENERAL_FAILURE, NULL);
	d->fd = -1;
	d->peer = (struct address){ .family = FAMILY_NONE };
	d->local = (struct address){ .family = FAMILY_NONE };
	d->verdict = (struct verdict){ .decision = DENY };
	d->attempts[0] = '\0';
	memset(race, 0, offsetof(struct race, attempts));
	race->dial = d;
	race->hold = DEADLINE_NEVER;
	race->next = deadline_in(0);
	candidates_start(&race->untried, d->settings, d->question,
	    d->hop ? policy_judge_hop : policy_judge_address);
	if (d->question->name == NULL || d->pinned_only) {
		take_literal(race);
		return;
	}
	if (has_pin(d))
		candidates_put(&race->untried, &d->pinned);
	resolve_start(&race->names, d->settings, d->question->name);
}

static void
take_winner(struct race *race)
{
	struct dial *d = race->dial;

	race->telling = race->winner;
	outcome_end(&d->outcome, RESULT_OK, NULL);
	d->fd = race->winner->fd;
	d->peer = race->winner->dialled;
	d->nat64 = !address_equal(&race->winner->dialled,
	    &race->winner->address);
	if (!socket_local(d->fd, &d->local))
		d->local = (struct address){ .family = FAMILY_NONE };
	socket_tune(d->fd);
}

static const char *
attempt_word(const struct race *race, const struct attempt *attempt)
{
	if (attempt == race->winner)
		return "ok";
	if (attempt->error != 0)
		return failure_of(attempt->error)->word;
	if (attempt->verdict.decision != ALLOW)
		return attempt->verdict.unsure ? "unsure" : "denied";
	if (attempt->verdict.via != NULL)
		return "via";
	return attempt->fd != -1 ? "cancelled" :
				   failure_of(attempt->error)->word;
}

/* "ADDRESS:PORT WORD, ..."; where there is no room for all of them, the first
 * and the one that won. */
static void
tell_attempts(const struct race *race)
{
	struct text t = text_in(race->dial->attempts, ATTEMPTS_TEXT);
	bool left_out = false;

	for (size_t i = 0; i < race->attempt_count; i++) {
		const struct attempt *attempt = &race->attempts[i];

		if (t.size - t.length < ATTEMPT_ROOM &&
		    attempt != race->winner) {
			left_out = true;
			continue;
		}
		text_add(&t, i > 0 ? ", " : "");
		text_add(&t, left_out ? "..., " : "");
		left_out = false;
		address_add_port(&t, &attempt->dialled);
		text_add_char(&t, ' ');
		text_add(&t, attempt_word(race, attempt));
	}
	text_add(&t, left_out ? ", ..." : "");
}

/* Tells of the attempts, and closes all descriptors but the winner's. */
static void
race_close(struct race *race)
{
	if (race->winner != NULL)
		take_winner(race);
	if (race->telling != NULL)
		race->dial->verdict = race->telling->verdict;
	tell_attempts(race);
	for (size_t i = 0; i < race->attempt_count; i++)
		if (&race->attempts[i] != race->winner)
			attempt_close(race, &race->attempts[i]);
	resolve_end(&race->names);
	nat64_end(&race->nat64);
}

bool
dial_run(struct dial *d)
{
	/* Too large for the stack; what one attempt needs is one page. */
	static _Alignas(4096) struct race race;

	race_open(&race, d);
	while (!race.over) {
		take_answers(&race);
		start_due(&race);
		if (!race.over)
			race_wait(&race);
	}
	race_close(&race);
	return d->fd != -1;
}
