/* SPDX-License-Identifier: ISC */
/*
 * The listening side of a BIND.  Who may connect is decided before anybody
 * can, and again when somebody does; the client's octets stay where they are
 * until there is a peer to get them.
 */
#include "net/bind.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/seldom.h"
#include "base/text.h"
#include "net/failure.h"
#include "net/nat64.h"
#include "net/ports.h"
#include "net/resolve.h"
#include "net/route.h"
#include "net/sockaddr.h"

enum { BACKLOG = 8 };

/* These return false, as all steps here do that end the BIND. */
static bool
binding_fail(struct binding *b, enum result result, enum reply reply,
    const char *reason)
{
	outcome_fail(&b->outcome, result, reply, reason);
	return false;
}

static bool
binding_end(struct binding *b, enum result result, const char *reason)
{
	outcome_end(&b->outcome, result, reason);
	return false;
}

static bool
binding_stop(struct binding *b)
{
	outcome_stop(&b->outcome);
	return false;
}

/* ------------------------------------------------- who may connect */

static bool
judge_peer(struct binding *b, const struct address *peer)
{
	const struct route route = route_probe(b->settings, peer, 0);
	const struct candidate candidate = candidate_of(b->question, peer,
	    &route);

	policy_judge_address(b->settings->policy, b->question, &candidate,
	    &b->verdict);
	b->unknown = candidate.unknown ? route.unknown : 0;
	return b->verdict.decision == ALLOW;
}

/* Waits for both answers, or until the client leaves. */
static bool
resolve_wait(struct binding *b, struct resolution *r, struct deadline until)
{
	while (!resolve_settled(r) && !deadline_passed(until)) {
		struct pollfd fds[1 + RESOLVE_POLL_MAX] = {
			{ .fd = b->client }
		};
		struct deadline wake = until;
		const size_t n = resolve_poll(r, fds + 1, &wake);
		const enum wait wait = wait_for(fds, 1 + n, wake);

		if (wait == WAIT_STOPPED)
			return binding_stop(b);
		if (wait == WAIT_READY && fds[0].revents != 0)
			return binding_end(b, RESULT_CLIENT_GONE,
			    "the client left before the reply");
		resolve_process(r, fds + 1, wait == WAIT_READY ? n : 0);
	}
	b->peer_count = candidates_list(b->settings, b->question, r, b->peers);
	if (b->peer_count == 0)
		candidates_explain_none(r, &b->outcome);
	return b->peer_count > 0;
}

static bool
find_peers(struct binding *b, struct deadline until)
{
	static SELDOM struct resolution names;
	bool found;

	if (b->question->name == NULL) {
		b->peers[0] = b->question->literal;
		b->peer_count = 1;
		b->any_peer = address_is_any(&b->question->literal);
		return true;
	}
	resolve_start(&names, b->settings, b->question->name);
	found = resolve_wait(b, &names, until);
	resolve_end(&names);
	return found;
}

/*
 * Keeps the peers that the rules allow to come here.  False: there is none; or
 * the first of those that are allowed is to be met at a next gateway.
 */
static bool
judge_peers(struct binding *b)
{
	size_t allowed = 0;
	struct verdict telling = { .decision = DENY };

	for (size_t i = 0; i < b->peer_count; i++) {
		const bool yes = judge_peer(b, &b->peers[i]);

		policy_keep(&telling, &b->verdict);
		if (!yes)
			continue;
		if (b->verdict.via == NULL && allowed == 0)
			b->egress = route_egress(b->settings,
			    b->verdict.origin);
		if (b->verdict.via == NULL) {
			b->peers[allowed++] = b->peers[i];
		} else if (allowed == 0) {
			b->peers[0] = b->peers[i];
			b->peer_count = 1;
			return binding_end(b, RESULT_OK, NULL);
		}
	}
	b->peer_count = allowed;
	if (allowed > 0)
		return true;
	outcome_deny(&b->outcome, &telling);
	return false;
}

/*
 * A translator passes connections on from IPv6 to IPv4 and not back, so a peer
 * that only NAT64 could reach cannot come.  True: there is another one.
 */
static bool
drop_translated(struct binding *b)
{
	size_t left = 0;

	if (b->any_peer)
		return true;
	for (size_t i = 0; i < b->peer_count; i++) {
		const struct route route = route_probe_by(b->settings,
		    &b->egress, &b->peers[i]);

		if (route.unknown != 0 ||
		    !nat64_needed(b->settings, &b->peers[i], &route.source))
			b->peers[left++] = b->peers[i];
	}
	b->peer_count = left;
	return left > 0 ||
	    binding_fail(b, RESULT_CONNECT_FAILED, REPLY_NETWORK_UNREACHABLE,
		"there is no route to the peer, and nobody comes "
		"through NAT64");
}

/* ------------------------------------------------------- listening */

static bool
set_option(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/* At the port, or at one of the kernel's choice for 0. */
static bool
listen_at(const struct egress *egress, int fd, enum family family,
    uint16_t *port)
{
	const struct address any = { .family = family, .port = *port };
	const struct endpoint at = endpoint_of(&any, 0);
	struct address local;

	/* A connection in TIME_WAIT must not keep the port. */
	if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR) ||
	    (family == FAMILY_IPV6 &&
		!set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) ||
	    !route_steer(egress, fd, family) ||
	    bind(fd, (const struct sockaddr *)&at.storage, at.length) != 0 ||
	    listen(fd, BACKLOG) != 0 || !socket_local(fd, &local))
		return false;
	*port = local.port;
	return true;
}

/* True, and *out is -1, where this host has not got the family. */
static bool
listener_open(const struct egress *egress, enum family family, uint16_t *port,
    int *out)
{
	int error;

	*out = socket_create(family, SOCK_STREAM);
	if (*out == -1)
		return errno == EAFNOSUPPORT;
	if (listen_at(egress, *out, family, port))
		return true;
	error = errno;
	close(*out);
	*out = -1;
	return error == EADDRNOTAVAIL; /* the family is switched off */
}

static void
listeners_close(struct binding *b)
{
	if (b->listener_ipv6 != -1)
		close(b->listener_ipv6);
	if (b->listener_ipv4 != -1)
		close(b->listener_ipv4);
	b->listener_ipv6 = -1;
	b->listener_ipv4 = -1;
}

/* Both listeners have the same port, because an FTP server may be told of
 * either family. */
static bool
listen_both(struct binding *b, uint16_t *bound)
{
	struct ports ports = ports_start(b->settings, b->wanted);

	while (ports_next(&ports, bound)) {
		if (listener_open(&b->egress, FAMILY_IPV6, bound,
			&b->listener_ipv6) &&
		    listener_open(&b->egress, FAMILY_IPV4, bound,
			&b->listener_ipv4) &&
		    *bound != 0)
			return true;
		listeners_close(b);
	}
	return binding_fail(b, RESULT_CONNECT_FAILED, REPLY_GENERAL_FAILURE,
	    "no port is free to listen at in both families");
}

/* The first expected peer of a family; NULL: none, or any will do. */
static const struct address *
first_peer(const struct binding *b, enum family family)
{
	for (size_t i = 0; i < b->peer_count && !b->any_peer; i++)
		if (b->peers[i].family == family)
			return &b->peers[i];
	return NULL;
}

/* The address that this host would use towards the first peer of a family;
 * zeros where there is no such peer or no way to it. */
static struct address
address_towards(const struct binding *b, enum family family, uint16_t port)
{
	const struct address *peer = first_peer(b, family);
	struct address ours = { .family = family };

	if (peer != NULL) {
		const struct route route = route_probe_by(b->settings,
		    &b->egress, peer);

		if (route.usable)
			ours = route.source;
	}
	ours.port = port;
	return ours;
}

bool
binding_open(struct binding *b, struct deadline until)
{
	uint16_t port = 0;
	bool listens;

	b->listener_ipv4 = -1;
	b->listener_ipv6 = -1;
	b->fd = -1;
	listens = find_peers(b, until) && judge_peers(b) &&
	    drop_translated(b) && listen_both(b, &port);
	b->ipv4 = address_towards(b, FAMILY_IPV4, port);
	b->ipv6 = address_towards(b, FAMILY_IPV6, port);
	return listens;
}

/* --------------------------------------------------------- waiting */

static bool
is_expected(const struct binding *b, const struct address *peer)
{
	for (size_t i = 0; i < b->peer_count; i++)
		if (address_equal(&b->peers[i], peer))
			return true;
	return b->any_peer;
}

static void
tell_attempt(struct binding *b, const char *word)
{
	const size_t length = strlen(b->attempts);
	struct text t = { b->attempts, length, sizeof(b->attempts), false };

	if (length > 0)
		text_add(&t, ", ");
	address_add_port(&t, &b->peer);
	text_add_char(&t, ' ');
	text_add(&t, word);
}

/* Of a peer that was expected, and is not allowed or has left. */
static const char *
judged_word(const struct binding *b)
{
	if (b->unknown != 0)
		return failure_of(b->unknown)->word;
	return b->verdict.unsure ? "unsure" : "denied";
}

/*
 * SECURITY: who connects is judged by the address that it comes from, and not
 * for having been expected: the rules decide now.  False: the BIND is over;
 * true: b->fd is the peer, or -1 where whoever came was none.
 */
static bool
accept_from(struct binding *b, int listener)
{
	const char *word = "stranger";
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(from);

	b->fd = accept4(listener, (struct sockaddr *)&from, &length,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (b->fd == -1)
		return !failure_is_ours(errno) ||
		    binding_fail(b, RESULT_CONNECT_FAILED,
			REPLY_GENERAL_FAILURE,
			"a peer could not be taken: no descriptor or "
			"no memory is left");
	b->peer = address_of(&from);
	if (is_expected(b, &b->peer)) {
		if (judge_peer(b, &b->peer) &&
		    socket_local(b->fd, &b->local)) {
			tell_attempt(b, "ok");
			socket_tune(b->fd);
			return true;
		}
		word = judged_word(b);
	}
	tell_attempt(b, word);
	close(b->fd);
	b->fd = -1;
	b->peer = (struct address){ .family = FAMILY_NONE };
	return true;
}

static bool
wait_expired(struct binding *b)
{
	return binding_fail(b, RESULT_TIMEOUT, REPLY_TTL_EXPIRED,
	    "no peer connected within bind-timeout");
}

/* False: the BIND is over; true: b->fd is the peer, or the wait goes on. */
static bool
take_turn(struct binding *b, struct deadline until)
{
	struct pollfd fds[] = {
		{ .fd = b->client, .events = POLLRDHUP },
		{ .fd = b->listener_ipv6, .events = POLLIN },
		{ .fd = b->listener_ipv4, .events = POLLIN },
	};
	const enum wait wait = wait_for(fds, 3, until);

	if (wait == WAIT_STOPPED)
		return binding_stop(b);
	if (wait == WAIT_TIMEOUT)
		return wait_expired(b);
	if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
		return binding_end(b, RESULT_RESET,
		    "the client reset its connection");
	if (fds[0].revents != 0)
		return binding_end(b, RESULT_OK,
		    "the client ended its BIND before a peer connected");
	for (size_t i = 1; i < 3 && b->fd == -1; i++)
		if (fds[i].revents != 0 && !accept_from(b, fds[i].fd))
			return false;
	/* Strangers that keep coming do not prolong the wait. */
	return b->fd != -1 || !deadline_passed(until) || wait_expired(b);
}

bool
binding_wait(struct binding *b, struct deadline until)
{
	while (b->fd == -1 && take_turn(b, until))
		continue;
	listeners_close(b);
	if (b->fd != -1)
		outcome_end(&b->outcome, RESULT_OK, NULL);
	return b->fd != -1;
}
