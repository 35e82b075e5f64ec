/* SPDX-License-Identifier: ISC */
/*
 * The client side of SOCKS5 towards the next gateway.  SECURITY: the hop is as
 * much a stranger as any server: every message has a bounded length, and one
 * deadline holds for all octets of it, however slowly they come.
 */
#include "net/upstream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "net/failure.h"
#include "net/sockaddr.h"
#include "wire/proxy.h"

void
upstream_close(struct upstream *u)
{
	if (u->fd != -1)
		close(u->fd);
	u->fd = -1;
}

/* ------------------------------------------------------------ the end */

/* HOST:PORT CAUSE.  Returns false, as all steps here do that end it. */
static bool
upstream_fail(struct upstream *u, enum result result, enum reply reply,
    const char *cause)
{
	char reason[REASON_TEXT];
	struct text t = text_in(reason, sizeof(reason));

	text_add(&t, u->hop->text);
	text_add_char(&t, ' ');
	text_add(&t, cause);
	outcome_fail(&u->outcome, result, reply, reason);
	upstream_close(u);
	return false;
}

/* It is no SOCKS5 gateway, or none for us. */
static bool
upstream_bad(struct upstream *u, const char *cause)
{
	return upstream_fail(u, RESULT_UPSTREAM_FAILED, REPLY_GENERAL_FAILURE,
	    cause);
}

static bool
upstream_late(struct upstream *u)
{
	return upstream_fail(u, RESULT_UPSTREAM_FAILED, REPLY_TTL_EXPIRED,
	    "did not answer in time");
}

/* The hop says no: its reply is passed on as it is. */
static bool
upstream_refused(struct upstream *u, enum reply reply)
{
	char cause[32];
	struct text t = text_in(cause, sizeof(cause));
	enum result result = RESULT_UPSTREAM_FAILED;

	text_add(&t, "answered ");
	text_add_octet(&t, (uint8_t)reply); /* as RFC 1928 writes it */
	if (reply == REPLY_NOT_ALLOWED)
		result = RESULT_DENIED;
	else if (reply >= REPLY_NETWORK_UNREACHABLE &&
	    reply <= REPLY_TTL_EXPIRED)
		result = RESULT_CONNECT_FAILED;
	return upstream_fail(u, result, reply, cause);
}

/* ---------------------------------------------------- octets, in pieces */

/* What this host lacks is no fault of the hop: the next wait says so. */
static bool
upstream_send(struct upstream *u, const uint8_t *octets, size_t length)
{
	const ssize_t n = send(u->fd, octets, length, MSG_NOSIGNAL);

	return n == (ssize_t)length || failure_gives_up(n) ||
	    upstream_bad(u, "ended the connection");
}

/* Waits for octets of the hop; the client may reset its connection. */
static bool
upstream_wait(struct upstream *u, struct deadline until)
{
	struct pollfd fds[] = {
		{ .fd = u->client },
		{ .fd = u->fd, .events = POLLIN },
	};

	switch (wait_for(fds, 2, until)) {
	case WAIT_STOPPED:
		outcome_stop(&u->outcome);
		upstream_close(u);
		return false;
	case WAIT_TIMEOUT: return upstream_late(u);
	case WAIT_READY: break;
	}
	if (fds[0].fd == -1 || fds[0].revents == 0)
		return !deadline_passed(until) || upstream_late(u);
	outcome_end(&u->outcome, RESULT_CLIENT_GONE,
	    "the client left before the next gateway answered");
	upstream_close(u);
	return false;
}

/*
 * Takes what is there, until `wanted' octets of the message are.  True with
 * fewer: no more are there now.  False: the connection is over.
 */
static bool
take_octets(struct upstream *u, size_t wanted)
{
	while (u->length < wanted) {
		const ssize_t n = recv(u->fd, u->octets + u->length,
		    wanted - u->length, 0);

		if (n > 0)
			u->length += (size_t)n;
		else
			return (n < 0 && socket_is_busy(errno)) ||
			    failure_gives_up(n);
	}
	return true;
}

/* Reads a message of a fixed length as a whole. */
static bool
read_message(struct upstream *u, size_t length, struct deadline until)
{
	u->length = 0;
	for (;;) {
		if (!take_octets(u, length))
			return upstream_bad(u, "ended the connection");
		if (u->length == length)
			return true;
		if (!upstream_wait(u, until))
			return false;
	}
}

/* ------------------------------------------------- up to the request */

/* Who the client is, for a hop that trusts us to say so. */
static size_t
put_proxy_header(const struct upstream *u, uint8_t *octets)
{
	const struct question *q = u->question;
	const struct proxy_header header = {
		.source = q->client,
		.destination = q->proxied.family != FAMILY_NONE ? q->proxied :
								  u->reached,
	};

	return u->hop->proxied ? proxy_header_format(&header, octets) : 0;
}

static bool
greet(struct upstream *u, bool password)
{
	uint8_t octets[PROXY_FORMAT_MAX + CLIENT_GREETING_MAX];
	size_t length = put_proxy_header(u, octets);

	length += client_greeting_format(password, octets + length);
	return upstream_send(u, octets, length);
}

/* SECURITY: the password is in memory until the end of this function. */
static bool
send_login(struct upstream *u)
{
	char buffer[HOP_LOGIN_TEXT];
	uint8_t octets[CLIENT_LOGIN_MAX];
	struct login login;
	bool sent;

	if (hop_login(u->hop, buffer, &login))
		sent = upstream_send(u, octets,
		    client_login_format(&login, octets));
	else if (errno != 0)
		sent = upstream_fail(u, RESULT_ERROR, REPLY_GENERAL_FAILURE,
		    "wants a password, and its via-password-file cannot be "
		    "read");
	else
		sent = upstream_bad(u,
		    "wants a password, and its "
		    "via-password-file has no user:password");
	explicit_bzero(buffer, sizeof(buffer));
	explicit_bzero(octets, sizeof(octets));
	return sent;
}

static bool
log_in(struct upstream *u, struct deadline until)
{
	struct cursor c = { .at = u->octets };
	bool granted = false;

	if (!send_login(u) || !read_message(u, LOGIN_REPLY_SIZE, until))
		return false;
	c.left = u->length;
	(void)client_login_parse(&c, &granted);
	return granted || upstream_bad(u, "refused the password");
}

/* Greeting and method (RFC 1928 3), and what the method asks for. */
static bool
negotiate(struct upstream *u, struct deadline until)
{
	const bool password = u->hop->password != -1;
	struct cursor c = { .at = u->octets };
	uint8_t method;

	if (!greet(u, password) || !read_message(u, CLIENT_METHOD_SIZE, until))
		return false;
	c.left = u->length;
	if (client_method_parse(&c, &method) != PARSE_DONE)
		return upstream_bad(u, "does not speak SOCKS5");
	switch (method) {
	case SOCKS5_METHOD_NONE: return true;
	case SOCKS5_METHOD_PASSWORD:
		return password ?
		    log_in(u, until) :
		    upstream_bad(u, "chose a method that was not offered");
	case SOCKS5_METHOD_NO_ACCEPTABLE:
		return upstream_bad(u,
		    password ?
			"accepts neither no authentication nor a password" :
			"accepts no session without authentication");
	default: return upstream_bad(u, "chose a method that was not offered");
	}
}

/* Why the hop could not be reached; what ended the dial from our own side, as
 * a want of descriptors or memory is, stays as it is. */
static bool
dial_failed(struct upstream *u)
{
	const struct outcome *o = &u->dial.outcome;

	if (o->result == RESULT_CLIENT_GONE || o->result == RESULT_STOPPED ||
	    o->result == RESULT_ERROR || o->reply == REPLY_GENERAL_FAILURE) {
		u->outcome = *o;
		return false;
	}
	char cause[REASON_TEXT];
	struct text t = text_in(cause, sizeof(cause));

	text_add(&t, "could not be reached: ");
	text_add(&t, o->reason);
	return upstream_fail(u, RESULT_UPSTREAM_FAILED,
	    o->reply == REPLY_TTL_EXPIRED ? REPLY_TTL_EXPIRED :
					    REPLY_GENERAL_FAILURE,
	    cause);
}

bool
upstream_open(struct upstream *u, struct deadline until)
{
	struct question q = *u->question;

	q.command = POLICY_CONNECT;
	q.name = u->hop->name;
	q.literal = u->hop->address;
	q.port = u->hop->address.port;
	u->fd = -1;
	u->dial = (struct dial){ .settings = u->settings,
		.question = &q,
		.until = until,
		.client = u->client,
		.hop = true,
		.origin = u->origin };
	const bool connected = dial_run(&u->dial);
	u->dial.question = NULL; /* it ends with this function */
	if (!connected)
		return dial_failed(u);
	u->fd = u->dial.fd;
	return negotiate(u, until);
}

/* ------------------------------------------------ requests and replies */

bool
upstream_request(struct upstream *u, const struct client_request *request)
{
	uint8_t octets[CLIENT_REQUEST_MAX];

	u->length = 0;
	return upstream_send(u, octets,
	    client_request_format(request, octets));
}

/* A no is known by its second octet, whatever comes behind it. */
static bool
is_refusal(const struct upstream *u)
{
	return u->length > 1 && u->octets[0] == SOCKS5_VERSION &&
	    u->octets[1] != REPLY_SUCCEEDED;
}

/* Takes what is there of a reply.  False: it is over.  True: u->outcome.result
 * is RESULT_OK where the reply is whole, else there is more to come. */
static bool
take_reply(struct upstream *u)
{
	struct cursor c = { .at = u->octets };
	struct client_reply reply;

	outcome_end(&u->outcome, RESULT_ERROR, NULL);
	for (;;) {
		const size_t wanted = u->length +
		    client_reply_missing(u->octets, u->length);
		const bool open = take_octets(u, wanted);

		if (is_refusal(u))
			return upstream_refused(u, (enum reply)u->octets[1]);
		if (!open)
			return upstream_bad(u,
			    u->length == 0 ?
				"ended the connection without a reply" :
				"ended the connection within its reply");
		if (u->length < wanted)
			return true; /* no more is there now */
		if (client_reply_missing(u->octets, u->length) == 0)
			break;
	}
	c.left = u->length;
	if (client_reply_parse(&c, &reply) != PARSE_DONE)
		return upstream_bad(u, "sent no valid reply");
	u->bound = reply.bound.address;
	u->flag = reply.flag;
	u->length = 0; /* of the next one */
	outcome_end(&u->outcome, RESULT_OK, NULL);
	return true;
}

bool
upstream_reply(struct upstream *u, struct deadline until)
{
	for (;;) {
		if (!take_reply(u))
			return false;
		if (u->outcome.result == RESULT_OK)
			return true;
		if (!upstream_wait(u, until))
			return false;
	}
}

/* The wait of a BIND is the client's, too: it may end it. */
static bool
peer_wait(struct upstream *u, struct deadline until)
{
	struct pollfd fds[] = {
		{ .fd = u->client, .events = POLLRDHUP },
		{ .fd = u->fd, .events = POLLIN },
	};
	const enum wait wait = wait_for(fds, 2, until);

	if (wait == WAIT_STOPPED)
		outcome_stop(&u->outcome);
	else if (wait == WAIT_TIMEOUT || deadline_passed(until))
		outcome_fail(&u->outcome, RESULT_TIMEOUT, REPLY_TTL_EXPIRED,
		    "no peer connected within bind-timeout");
	else if ((fds[0].revents & (POLLERR | POLLHUP)) != 0)
		outcome_end(&u->outcome, RESULT_RESET,
		    "the client reset its connection");
	else if (fds[0].revents != 0)
		outcome_end(&u->outcome, RESULT_OK,
		    "the client ended its BIND before a peer connected");
	else
		return true;
	upstream_close(u);
	return false;
}

bool
upstream_peer(struct upstream *u, struct deadline until)
{
	for (;;) {
		if (!take_reply(u))
			return false;
		if (u->outcome.result == RESULT_OK)
			return true;
		if (!peer_wait(u, until))
			return false;
	}
}
