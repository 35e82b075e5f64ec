/* SPDX-License-Identifier: ISC */
/*
 * A client that asks for little: the greeting, and a CONNECT where one is
 * wanted.
 */
#include "command/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "command/print.h"
#include "net/sockaddr.h"
#include "status.h"
#include "wire/client.h"
#include "wire/name.h"
#include "wire/request.h"

enum { PROBE_GOOD = 0, PROBE_BAD = 1 };

/* Milliseconds. */
enum { PATIENCE = 10000 };

enum { GATEWAY_PORT = 1080, LINE_TEXT = 1024, WHY_TEXT = 512 };

struct probe {
	const char *gateway; /* as it was written */
	struct endpoint to;
	int family;
	const char *dest; /* NULL: the greeting alone */
	struct client_request request;
	char name[NAME_LENGTH_MAX + 1];

	int fd;
	struct deadline until;
	uint8_t octets[CLIENT_REPLY_MAX]; /* what has come */
	size_t count;

	char buffer[WHY_TEXT];
	struct text why; /* what is wrong, in there */
};

/* ------------------------------------------------------------ the operands */

static bool
parse_gateway(struct probe *p)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&p->to.storage;
	const size_t length = strlen(p->gateway);
	struct address address;

	if (p->gateway[0] == '/' && length < sizeof(path->sun_path)) {
		path->sun_family = AF_UNIX;
		memcpy(path->sun_path, p->gateway, length + 1);
		p->to.length = sizeof(*path);
		p->family = AF_UNIX;
		return true;
	}
	if (!address_parse_port(p->gateway, length, GATEWAY_PORT, &address))
		return false;
	p->to = endpoint_of(&address, 0);
	p->family = p->to.storage.ss_family;
	return true;
}

static bool
parse_dest(struct probe *p)
{
	struct client_address *to = &p->request.to;
	const char *colon = strrchr(p->dest, ':');
	uint16_t port;

	if (colon == NULL ||
	    !port_parse(colon + 1, strlen(colon + 1), 1, &port))
		return false;
	p->request.command = REQUEST_CONNECT;
	switch (name_classify((const uint8_t *)p->dest,
	    (size_t)(colon - p->dest), p->name, &to->address)) {
	case NAME_HOST:
		to->name = (const uint8_t *)p->name;
		to->name_length = (uint8_t)strlen(p->name);
		break;
	case NAME_LITERAL: break;
	case NAME_BAD: return false;
	}
	to->address.port = port;
	return true;
}

/* ------------------------------------------------------------ the dialogue */

/* False, and what was wrong. */
static bool
fail(struct probe *p, const char *what, int error)
{
	text_add(&p->why, what);
	if (error != 0)
		text_add(&p->why, strerror(error));
	return false;
}

static bool
wait_until_ready(struct probe *p, short events)
{
	struct pollfd fd = { .fd = p->fd, .events = events };

	return wait_for(&fd, 1, p->until) == WAIT_READY ||
	    fail(p, "no answer within 10 s", 0);
}

static bool
open_connection(struct probe *p)
{
	int error;

	p->fd = socket(p->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (p->fd < 0)
		return fail(p, "", errno);
	if (connect(p->fd, (const struct sockaddr *)&p->to.storage,
		p->to.length) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(p, "", errno);
	if (!wait_until_ready(p, POLLOUT))
		return false;
	error = socket_error(p->fd);
	return error == 0 || fail(p, "", error);
}

static bool
send_octets(struct probe *p, const uint8_t *octets, size_t length)
{
	return send(p->fd, octets, length, MSG_NOSIGNAL) == (ssize_t)length ||
	    fail(p, "cannot send: ", errno);
}

/* One more piece of the answer. */
static bool
receive(struct probe *p)
{
	ssize_t n;

	if (!wait_until_ready(p, POLLIN))
		return false;
	n = recv(p->fd, p->octets + p->count, sizeof(p->octets) - p->count, 0);
	if (n < 0)
		return fail(p, "", errno);
	if (n == 0)
		return fail(p, "it closed the connection", 0);
	p->count += (size_t)n;
	return true;
}

static bool
greet(struct probe *p)
{
	uint8_t octets[CLIENT_GREETING_MAX];
	const size_t length = client_greeting_format(true, octets);
	enum parse parse = PARSE_MORE;
	uint8_t method = 0;

	if (!send_octets(p, octets, length))
		return false;
	while (parse == PARSE_MORE) {
		struct cursor c;

		if (!receive(p))
			return false;
		c = (struct cursor){ .at = p->octets, .left = p->count };
		parse = client_method_parse(&c, &method);
	}
	p->count = 0;
	if (parse == PARSE_BAD)
		return fail(p, "what answers is no SOCKS5", 0);
	if (method == SOCKS5_METHOD_NO_ACCEPTABLE)
		return fail(p, "it accepts no method", 0);
	if (method == SOCKS5_METHOD_PASSWORD && p->dest != NULL)
		return fail(p, "it asks for a password", 0);
	return true;
}

static bool
ask(struct probe *p)
{
	uint8_t octets[CLIENT_REQUEST_MAX];
	const size_t length = client_request_format(&p->request, octets);
	enum parse parse = PARSE_MORE;
	struct client_reply reply;

	if (!send_octets(p, octets, length))
		return false;
	while (parse == PARSE_MORE) {
		struct cursor c;

		if (!receive(p))
			return false;
		c = (struct cursor){ .at = p->octets, .left = p->count };
		parse = client_reply_parse(&c, &reply);
	}
	if (parse == PARSE_BAD)
		return fail(p, "its reply is malformed", 0);
	if (reply.reply == REPLY_SUCCEEDED)
		return true;
	text_add(&p->why, p->dest);
	text_add(&p->why, ": reply ");
	text_add_padded(&p->why, (uint64_t)reply.reply, 2);
	return false;
}

/* ------------------------------------------------------------ the result */

static int
say(const struct probe *p, bool good, int64_t microseconds)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, p->gateway);
	text_add(&line, ": ");
	if (good) {
		text_add(&line, "ok, ");
		text_add_number(&line, (uint64_t)microseconds / 1000);
		text_add(&line, " ms");
	} else {
		text_add(&line, p->buffer);
	}
	text_add_char(&line, '\n');
	return print_text(STDOUT_FILENO, buffer) && good ? PROBE_GOOD :
							   PROBE_BAD;
}

int
probe_run(char *const *operands, size_t count)
{
	static struct probe p;
	const int64_t start = clock_microseconds();
	bool good;

	p.gateway = count > 0 ? operands[0] : "";
	p.dest = count > 1 ? operands[1] : NULL;
	p.why = text_in(p.buffer, sizeof(p.buffer));
	p.until = deadline_in(PATIENCE);
	if (count > 2 || !parse_gateway(&p) ||
	    (p.dest != NULL && !parse_dest(&p))) {
		(void)print_text(STDERR_FILENO,
		    "--check takes ADDRESS[:PORT] or /PATH, and "
		    "[DEST:PORT]\n");
		return STATUS_USAGE;
	}
	good = open_connection(&p) && greet(&p) && (p.dest == NULL || ask(&p));
	return say(&p, good, clock_microseconds() - start);
}
