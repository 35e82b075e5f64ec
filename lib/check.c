/* SPDX-License-Identifier: ISC */
/*
 * Asking the gateway what it can do: a connection for each question.
 */
#include "lib/check.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "lib/dial.h"
#include "lib/endpoint.h"

enum {
	STATUS_OK = 0,
	STATUS_NOT_REACHED = 1,
	STATUS_HELPLESS = 69,
	LINE_TEXT = 1024,
	COLUMN = 9
};

/* One question's line: its name, then what there is to say. */
struct line {
	char buffer[LINE_TEXT];
	struct text text;
};

static void
line_begin(struct line *l, const char *name)
{
	l->text = text_in(l->buffer, sizeof(l->buffer));
	text_add(&l->text, name);
	while (l->text.length < COLUMN)
		text_add_char(&l->text, ' ');
}

static void
line_end(struct line *l)
{
	const char *at = l->buffer;

	text_add_char(&l->text, '\n');
	while (l->text.length > 0) {
		const ssize_t n = write(STDOUT_FILENO, at, l->text.length);

		if (n <= 0)
			return;
		at += n;
		l->text.length -= (size_t)n;
	}
}

/* Microseconds as 12.4 ms. */
static void
add_milliseconds(struct text *t, int64_t microseconds)
{
	text_add_number(t, (uint64_t)microseconds / 1000);
	text_add_char(t, '.');
	text_add_number(t, (uint64_t)microseconds % 1000 / 100);
	text_add(t, " ms");
}

/* ---------------------------------------------------------- connections */

static socklen_t
gateway_sockaddr(const struct handover *h, size_t i,
    struct sockaddr_storage *out)
{
	struct sockaddr_un *local = (struct sockaddr_un *)out;

	if (h->gateway_count > 0)
		return endpoint_sockaddr(&h->gateways[i],
		    h->gateways[i].family == FAMILY_IPV4 ? AF_INET : AF_INET6,
		    out);
	memset(out, 0, sizeof(*out));
	local->sun_family = AF_UNIX;
	text_copy(local->sun_path, sizeof(local->sun_path), h->path);
	return sizeof(*local);
}

static void
wait_for_it(int fd, short events, int64_t until)
{
	struct pollfd one = { .fd = fd, .events = events };
	const int64_t left = until - clock_now();

	(void)poll(&one, 1, left < 0 ? 0 : (int)left);
}

/* A connection to gateway i; -1: errno. */
static int
reach(const struct handover *h, size_t i)
{
	const int64_t until = clock_now() + h->connect_timeout;
	struct sockaddr_storage to;
	const socklen_t length = gateway_sockaddr(h, i, &to);
	const int fd = socket(to.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, length) == -1) {
		error = errno;
		if (error == EINPROGRESS) {
			wait_for_it(fd, POLLOUT, until);
			(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error,
			    &size);
			if (error == 0 && clock_now() >= until)
				error = ETIMEDOUT;
		}
	}
	if (error == 0)
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

static void
push_to_its_end(struct dial *d, int fd, const struct handover *h)
{
	const int64_t until = clock_now() + h->connect_timeout;

	for (short events = dial_push(d, fd, h); events != 0;
	     events = dial_push(d, fd, h)) {
		if (clock_now() >= until)
			dial_fail(d, ETIMEDOUT);
		else
			wait_for_it(fd, events, until);
	}
}

/* One request over a connection of its own; its descriptor, which stays open
 * while what was asked for is to live, or -1. */
static int
ask(const struct handover *h, size_t i, const struct client_request *request,
    struct dial *d)
{
	const int fd = reach(h, i);

	dial_begin(d, request);
	if (fd == -1)
		dial_unreached(d, errno);
	else
		push_to_its_end(d, fd, h);
	return fd;
}

static void
let_go(int fd)
{
	if (fd != -1)
		(void)close(fd);
}

/* ------------------------------------------------------------- answers */

static void
add_refusal(struct text *t, const struct dial *d)
{
	static const char *const reasons[] = {
		"",
		"general failure",
		"not allowed by the rules",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"timed out",
		"command not supported",
		"address type not supported",
		"invalid address",
	};

	if (d->reply == 0) {
		text_add(t, "no: ");
		text_add(t, strerror(d->error));
		return;
	}
	text_add(t,
	    d->reply == REPLY_COMMAND_NOT_SUPPORTED ? "no" : "refused: ");
	if (d->reply != REPLY_COMMAND_NOT_SUPPORTED)
		text_add(t,
		    d->reply < sizeof(reasons) / sizeof(reasons[0]) ?
			reasons[d->reply] :
			"an unknown reason");
	text_add(t, " (");
	text_add_padded(t, d->reply, 2);
	text_add_char(t, ')');
}

static void
add_gateway(struct text *t, const struct handover *h, size_t i)
{
	if (h->gateway_count == 0)
		text_add_quotable(t, h->path, strlen(h->path));
	else
		address_add_port(t, &h->gateways[i]);
}

/* The first gateway that answers; gateway_count (1 of a path): none. */
static size_t
check_gateway(const struct handover *h)
{
	const size_t count = h->gateway_count == 0 ? 1 : h->gateway_count;

	for (size_t i = 0; i < count; i++) {
		const int64_t began = clock_microseconds();
		const int fd = reach(h, i);
		const int error = errno;
		struct line l;

		line_begin(&l, "gateway");
		add_gateway(&l.text, h, i);
		text_add(&l.text, fd == -1 ? ": " : ", connected in ");
		if (fd == -1)
			text_add(&l.text, strerror(error));
		else
			add_milliseconds(&l.text,
			    clock_microseconds() - began);
		line_end(&l);
		let_go(fd);
		if (fd != -1)
			return i;
	}
	return count;
}

static const char *
fault_of(const struct dial *d, const struct handover *h)
{
	switch (d->fault) {
	case FAULT_UNREACHED: return "it hung up";
	case FAULT_NOT_SOCKS: return "it is no SOCKS5 server";
	case FAULT_USER: return "password, refused";
	case FAULT_NO_METHOD:
		return h->user_length > 0 ? "it takes no password" :
					    "it wants a password";
	case FAULT_NONE: break;
	}
	return "it does not answer";
}

/* Which method, by an association that is not used. */
static bool
check_method(const struct handover *h, size_t i)
{
	const struct client_request request = {
		.command = REQUEST_UDP_ASSOCIATE
	};
	struct handover plain = *h;
	struct dial d;
	struct line l;

	plain.early = false;
	let_go(ask(&plain, i, &request, &d));
	const bool good = d.step == DIAL_DONE || d.reply != 0;
	line_begin(&l, "method");
	text_add(&l.text,
	    !good                                  ? fault_of(&d, h) :
		d.method == SOCKS5_METHOD_PASSWORD ? "password, accepted" :
						     "none");
	line_end(&l);
	return good;
}

/* Is what follows the greeting kept? */
static void
check_early(const struct handover *h, size_t i)
{
	const struct client_request request = {
		.command = REQUEST_UDP_ASSOCIATE
	};
	static struct handover early;
	struct dial d;
	struct line l;

	early = *h;
	early.early = true;
	if (early.connect_timeout > 5000)
		early.connect_timeout = 5000;
	let_go(ask(&early, i, &request, &d));
	line_begin(&l, "early");
	text_add(&l.text, d.step == DIAL_DONE || d.reply != 0 ? "yes" : "no");
	line_end(&l);
}

static void
check_udp(const struct handover *h, size_t i)
{
	const struct client_request request = {
		.command = REQUEST_UDP_ASSOCIATE
	};
	struct dial d;
	struct line l;
	const int fd = ask(h, i, &request, &d);

	line_begin(&l, "udp");
	if (d.step == DIAL_DONE) {
		text_add(&l.text, "yes, relay ");
		address_add_port(&l.text, &d.bound);
	} else {
		add_refusal(&l.text, &d);
	}
	line_end(&l);
	let_go(fd);
}

static struct client_address
target_address(const struct check_target *target)
{
	struct client_address to = { .name = (const uint8_t *)target->host,
		.name_length = (uint8_t)strlen(target->host) };

	if (address_parse(target->host, strlen(target->host), &to.address))
		to.name = NULL;
	to.address.port = target->port;
	return to;
}

static void
check_bind(const struct handover *h, size_t i,
    const struct check_target *target)
{
	struct client_request request = { .command = REQUEST_BIND,
		.to = target_address(target) };
	struct dial d;
	struct line l;

	request.to.address.port = 0;
	const int fd = ask(h, i, &request, &d);
	line_begin(&l, "bind");
	if (d.step == DIAL_DONE) {
		text_add(&l.text, "yes, at ");
		address_add_port(&l.text, &d.bound);
	} else {
		add_refusal(&l.text, &d);
	}
	line_end(&l);
	let_go(fd);
}

static void
check_ids(const struct handover *h, size_t i)
{
	static const char name[] = "localhost.invalid";
	const struct client_request request = {
		.command = REQUEST_ADDRESS_ASSOCIATE,
		.to = { .name = (const uint8_t *)name,
		    .name_length = sizeof(name) - 1 },
	};
	struct dial d;
	struct line l;

	let_go(ask(h, i, &request, &d));
	line_begin(&l, "ids");
	if (d.step == DIAL_DONE || d.reply == REPLY_HOST_UNREACHABLE)
		text_add(&l.text, "yes");
	else
		add_refusal(&l.text, &d);
	line_end(&l);
}

static int
check_connect(const struct handover *h, size_t i,
    const struct check_target *target)
{
	const struct client_request request = { .command = REQUEST_CONNECT,
		.to = target_address(target) };
	const int64_t began = clock_microseconds();
	struct dial d;
	struct line l;

	let_go(ask(h, i, &request, &d));
	line_begin(&l, "connect");
	text_add_quotable(&l.text, target->host, strlen(target->host));
	text_add_char(&l.text, ':');
	text_add_number(&l.text, target->port);
	text_add_char(&l.text, ' ');
	if (d.step == DIAL_DONE) {
		text_add(&l.text, "yes, ");
		add_milliseconds(&l.text, clock_microseconds() - began);
		text_add(&l.text, ", from ");
		address_add_port(&l.text, &d.bound);
	} else {
		add_refusal(&l.text, &d);
	}
	line_end(&l);
	return d.step == DIAL_DONE ? STATUS_OK : STATUS_NOT_REACHED;
}

int
check_run(const struct handover *h, const struct check_target *target)
{
	const size_t count = h->gateway_count == 0 ? 1 : h->gateway_count;
	const size_t i = check_gateway(h);

	if (i == count || !check_method(h, i))
		return STATUS_HELPLESS;
	check_early(h, i);
	check_udp(h, i);
	if (target->host != NULL)
		check_bind(h, i, target);
	check_ids(h, i);
	return target->host == NULL ? STATUS_OK : check_connect(h, i, target);
}
