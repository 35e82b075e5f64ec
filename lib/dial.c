/* SPDX-License-Identifier: ISC */
/*
 * The handshake as a table of steps.  A step sends a message or receives one;
 * what was sent or received of it is in `used`.
 */
#include "lib/dial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/array.h"
#include "lib/real.h"

enum { OUT_MAX = CLIENT_GREETING_MAX + CLIENT_LOGIN_MAX + CLIENT_REQUEST_MAX };

/* What a step came to. */
enum turn { TURN_ON, TURN_WAIT_IN, TURN_WAIT_OUT };

/* errno for a REP; socks64(1), ERRORS OF CONNECTIONS. */
static int
errno_of(enum reply reply)
{
	static const int errors[] = {
		[REPLY_SUCCEEDED] = 0,
		[REPLY_GENERAL_FAILURE] = ECONNABORTED,
		[REPLY_NOT_ALLOWED] = EACCES,
		[REPLY_NETWORK_UNREACHABLE] = ENETUNREACH,
		[REPLY_HOST_UNREACHABLE] = EHOSTUNREACH,
		[REPLY_CONNECTION_REFUSED] = ECONNREFUSED,
		[REPLY_TTL_EXPIRED] = ETIMEDOUT,
		[REPLY_COMMAND_NOT_SUPPORTED] = EOPNOTSUPP,
		[REPLY_ADDRESS_TYPE_NOT_SUPPORTED] = EAFNOSUPPORT,
		[REPLY_INVALID_ADDRESS] = EADDRNOTAVAIL,
	};

	return (size_t)reply < ARRAY_COUNT(errors) ? errors[reply] :
						     ECONNABORTED;
}

bool
dial_runs(const struct dial *d)
{
	return d->step > DIAL_NONE && d->step < DIAL_DONE;
}

void
dial_fail(struct dial *d, int error)
{
	d->step = DIAL_FAILED;
	d->error = error;
}

void
dial_unreached(struct dial *d, int cause)
{
	dial_fail(d, ENETDOWN);
	d->fault = FAULT_UNREACHED;
	d->cause = cause;
}

void
dial_expire(struct dial *d)
{
	if (d->step <= DIAL_METHOD)
		dial_unreached(d, ETIMEDOUT);
	dial_fail(d, ETIMEDOUT);
}

static void
fail_by(struct dial *d, enum dial_fault fault, int error)
{
	dial_fail(d, error);
	d->fault = fault;
}

static void
go_on(struct dial *d, enum dial_step step)
{
	d->step = step;
	d->used = 0;
}

void
dial_begin(struct dial *d, const struct client_request *request)
{
	memset(d, 0, sizeof(*d));
	d->length = (uint16_t)client_request_format(request, d->buffer);
	go_on(d, DIAL_GREETING);
}

void
dial_await(struct dial *d)
{
	go_on(d, DIAL_REPLY);
}

void
dial_request(struct dial *d, const struct client_request *request)
{
	d->length = (uint16_t)client_request_format(request, d->buffer);
	go_on(d, DIAL_REQUEST);
}

/* -------------------------------------------------------------- sending */

static size_t
put_login(const struct handover *h, uint8_t *octets)
{
	const struct login login = {
		.user = h->user,
		.user_length = h->user_length,
		.password = h->password,
		.password_length = h->password_length,
	};

	return client_login_format(&login, octets);
}

/* `early on`: the method is not a question any more. */
static size_t
put_all(const struct dial *d, const struct handover *h, uint8_t *octets)
{
	const bool login = h->user_length > 0;
	size_t length = client_greeting_only(
	    login ? SOCKS5_METHOD_PASSWORD : SOCKS5_METHOD_NONE, octets);

	if (login)
		length += put_login(h, octets + length);
	memcpy(octets + length, d->buffer, d->length);
	return length + d->length;
}

/* The message of the step; returns its length. */
static size_t
put_message(const struct dial *d, const struct handover *h, uint8_t *octets)
{
	if (d->step == DIAL_GREETING)
		return h->early ?
		    put_all(d, h, octets) :
		    client_greeting_format(h->user_length > 0, octets);
	if (d->step == DIAL_LOGIN)
		return put_login(h, octets);
	memcpy(octets, d->buffer, d->length);
	return d->length;
}

static enum dial_step
step_behind(const struct dial *d)
{
	return d->step == DIAL_GREETING ? DIAL_METHOD :
	    d->step == DIAL_LOGIN       ? DIAL_ANSWER :
					  DIAL_REPLY;
}

/* What an error of the connection means: before the server said a word it is
 * not reached, later it broke off. */
static void
connection_failed(struct dial *d, int cause)
{
	if (d->step <= DIAL_METHOD)
		dial_unreached(d, cause);
	else if (d->step == DIAL_ANSWER)
		fail_by(d, FAULT_USER, EACCES);
	else
		dial_fail(d, ECONNABORTED);
}

static enum turn
send_step(struct dial *d, int fd, const struct handover *h)
{
	uint8_t octets[OUT_MAX];
	const size_t length = put_message(d, h, octets);
	const ssize_t sent = real.send(fd, octets + d->used, length - d->used,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	const int cause = errno;

	explicit_bzero(octets, length); /* the password */
	if (sent == -1 && cause == EINTR)
		return TURN_ON;
	if (sent == -1 && (cause == EAGAIN || cause == ENOTCONN))
		return TURN_WAIT_OUT;
	if (sent == -1) {
		connection_failed(d, cause);
		return TURN_ON;
	}
	d->used = (uint16_t)(d->used + sent);
	if (d->used < length)
		return TURN_WAIT_OUT;
	d->login_sent = d->login_sent || h->early;
	go_on(d, step_behind(d));
	return TURN_WAIT_IN; /* it takes a round trip */
}

/* ------------------------------------------------------------ receiving */

static void
take_method(struct dial *d, const struct handover *h)
{
	struct cursor c = { .at = d->answer, .left = d->used };

	switch (client_method_parse(&c, &d->method)) {
	case PARSE_BAD: fail_by(d, FAULT_NOT_SOCKS, EPROTO); return;
	case PARSE_MORE: return;
	case PARSE_DONE: break;
	}
	if (d->method == SOCKS5_METHOD_PASSWORD && h->user_length > 0)
		go_on(d, d->login_sent ? DIAL_ANSWER : DIAL_LOGIN);
	else if (d->method == SOCKS5_METHOD_NONE &&
	    !(h->early && h->user_length > 0))
		go_on(d, h->early ? DIAL_REPLY : DIAL_REQUEST);
	else if (d->method == SOCKS5_METHOD_NO_ACCEPTABLE)
		fail_by(d, FAULT_NO_METHOD, EACCES);
	else
		fail_by(d, FAULT_NOT_SOCKS, EPROTO);
}

static void
take_answer(struct dial *d, const struct handover *h)
{
	struct cursor c = { .at = d->answer, .left = d->used };
	bool granted;

	if (client_login_parse(&c, &granted) != PARSE_DONE)
		return;
	if (granted)
		go_on(d, h->early ? DIAL_REPLY : DIAL_REQUEST);
	else
		fail_by(d, FAULT_USER, EACCES);
}

static void
take_reply(struct dial *d, const struct handover *h)
{
	struct cursor c = { .at = d->buffer, .left = d->used };
	struct client_reply reply;

	(void)h;
	switch (client_reply_parse(&c, &reply)) {
	case PARSE_BAD: fail_by(d, FAULT_NOT_SOCKS, EPROTO); return;
	case PARSE_MORE: return;
	case PARSE_DONE: break;
	}
	if (reply.reply != REPLY_SUCCEEDED) {
		d->reply = (uint8_t)reply.reply;
		dial_fail(d, errno_of(reply.reply));
		return;
	}
	d->bound = reply.bound.address;
	d->id = reply.bound.id;
	go_on(d, DIAL_DONE);
}

/* The server hung up within its reply, perhaps behind REP. */
static void
reply_ended(struct dial *d)
{
	struct cursor c = { .at = d->buffer, .left = d->used };
	struct client_reply reply;

	if (client_reply_parse(&c, &reply) == PARSE_MORE &&
	    reply.reply != REPLY_SUCCEEDED) {
		d->reply = (uint8_t)reply.reply;
		dial_fail(d, errno_of(reply.reply));
	} else {
		dial_fail(d, ECONNABORTED);
	}
}

static enum turn
receive_step(struct dial *d, int fd, const struct handover *h)
{
	const bool reply = d->step == DIAL_REPLY;
	uint8_t *to = (reply ? d->buffer : d->answer) + d->used;
	const size_t missing = reply ?
	    client_reply_missing(d->buffer, d->used) :
	    sizeof(d->answer) - d->used;
	const ssize_t got = real.recv(fd, to, missing, MSG_DONTWAIT);

	if (got == -1 && errno == EINTR)
		return TURN_ON;
	if (got == -1 && errno == EAGAIN)
		return TURN_WAIT_IN;
	if (got <= 0) {
		if (reply)
			reply_ended(d);
		else
			connection_failed(d, got == 0 ? 0 : errno);
		return TURN_ON;
	}
	d->used = (uint16_t)(d->used + got);
	if (reply)
		take_reply(d, h);
	else if (d->step == DIAL_METHOD)
		take_method(d, h);
	else
		take_answer(d, h);
	return TURN_ON;
}

short
dial_push(struct dial *d, int fd, const struct handover *h)
{
	while (dial_runs(d)) {
		const bool sends = d->step == DIAL_GREETING ||
		    d->step == DIAL_LOGIN || d->step == DIAL_REQUEST;
		const enum turn turn = sends ? send_step(d, fd, h) :
					       receive_step(d, fd, h);

		if (turn != TURN_ON)
			return turn == TURN_WAIT_IN ? POLLIN : POLLOUT;
	}
	return 0;
}
