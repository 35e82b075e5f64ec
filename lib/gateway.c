/* SPDX-License-Identifier: ISC */
/*
 * The gateway, from text to addresses.
 */
#include "lib/gateway.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_PORT = 1080, HOST_PART = 512 };

static const char scheme5[] = "socks5://";
static const char scheme5h[] = "socks5h://";

/* ----------------------------------------------------------------- text */

static bool
begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

bool
gateway_is_socks5(const char *text)
{
	return begins(text, scheme5) || begins(text, scheme5h);
}

bool
gateway_is_socks(const char *text)
{
	return begins(text, "socks");
}

/* What is said of it: a URL without its user and password. */
static bool
refuse(struct text *why, const char *text, const char *sentence)
{
	const char *slashes = strstr(text, "://");
	const char *at = strrchr(text, '@');

	if (slashes != NULL && at != NULL && at > slashes) {
		text_add_quotable(why, text, (size_t)(slashes + 3 - text));
		text_add(why, "...");
		text = at;
	}
	text_add_quotable(why, text, strlen(text));
	text_add(why, sentence);
	return false;
}

/* %XX of one part of a URL. */
static bool
take_octets(const char *from, size_t length, uint8_t *out, size_t *count)
{
	char part[HOST_PART];

	if (length >= sizeof(part))
		return false;
	text_copy(part, length + 1, from);
	const long octets = handover_octets(part, out, LOGIN_FIELD_MAX);
	*count = octets < 0 ? 0 : (size_t)octets;
	return octets >= 0;
}

/* USER[:PASSWORD] */
static bool
take_login(struct gateway *g, const char *login, size_t length)
{
	const char *colon = memchr(login, ':', length);
	const size_t end = colon == NULL ? length : (size_t)(colon - login);

	if (!take_octets(login, end, g->user, &g->user_length) ||
	    g->user_length == 0)
		return false;
	g->has_password = colon != NULL;
	return colon == NULL ||
	    take_octets(colon + 1, length - end - 1, g->password,
		&g->password_length);
}

static bool
take_path(struct gateway *g, const char *path)
{
	const long length = handover_octets(path, (uint8_t *)g->path,
	    sizeof(g->path) - 1);

	if (length <= 1)
		return false;
	g->path[length] = '\0';
	return strlen(g->path) == (size_t)length;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT, IPV6 */
static bool
take_host(struct gateway *g, const char *text, size_t length)
{
	const bool bracketed = length > 0 && text[0] == '[';
	const char *end = memchr(text, bracketed ? ']' : ':', length);
	struct address a;

	g->port = DEFAULT_PORT;
	if (!bracketed && address_parse(text, length, &a))
		end = NULL; /* an IPv6 address without brackets */
	const size_t start = bracketed ? 1 : 0;
	size_t host = end == NULL ? length : (size_t)(end - text);
	if (bracketed && end == NULL)
		return false;
	size_t rest = host + start;
	if (host == start || host - start >= sizeof(g->host))
		return false;
	text_copy(g->host, host - start + 1, text + start);
	if (bracketed && strchr(g->host, ':') == NULL)
		return false;
	if (rest == length || end == NULL)
		return true;
	return text[rest] == ':' &&
	    port_parse(text + rest + 1, length - rest - 1, 1, &g->port);
}

/* [USER[:PASSWORD]@]HOST[:PORT][/], localhost/PATH */
static bool
take_url(struct gateway *g, const char *rest)
{
	const char *at = strrchr(rest, '@');

	if (at != NULL) {
		if (!take_login(g, rest, (size_t)(at - rest)))
			return false;
		rest = at + 1;
	}
	const size_t length = strcspn(rest, "/");
	const char *path = rest + length;
	if (path[0] != '\0' && path[1] != '\0')
		return length == strlen("localhost") &&
		    begins(rest, "localhost") && take_path(g, path);
	return take_host(g, rest, length);
}

bool
gateway_parse(const char *text, struct gateway *out, struct text *why)
{
	bool good;

	*out = (struct gateway){ .port = DEFAULT_PORT };
	if (gateway_is_socks5(text)) {
		good = take_url(out, strstr(text, "://") + 3);
	} else if (strstr(text, "://") != NULL) {
		return refuse(why, text, " is no SOCKS5 gateway");
	} else if (text[0] == '/') {
		good = strlen(text) < sizeof(out->path) && text[1] != '\0';
		text_copy(out->path, sizeof(out->path), text);
	} else {
		good = take_host(out, text, strlen(text));
	}
	return good ||
	    refuse(why, text,
		" is no gateway: HOST, HOST:PORT, "
		"[IPV6]:PORT, socks5://[USER[:PASSWORD]@]HOST[:PORT] "
		"or /PATH");
}

/* -------------------------------------------------------------- look-up */

/* Does the kernel know a way?  Nothing is sent. */
static bool
has_route(const struct addrinfo *to)
{
	const int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool found = fd != -1 &&
	    connect(fd, to->ai_addr, to->ai_addrlen) == 0;

	if (fd != -1)
		(void)close(fd);
	return found;
}

static struct address
looked_up(const struct addrinfo *info, uint16_t port)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	if (info->ai_family == AF_INET) {
		memcpy(&ipv4, info->ai_addr, sizeof(ipv4));
		return address_ipv4((const uint8_t *)&ipv4.sin_addr, port);
	}
	memcpy(&ipv6, info->ai_addr, sizeof(ipv6));
	return address_ipv6(ipv6.sin6_addr.s6_addr, port);
}

static void
take_addresses(const struct gateway *g, const struct addrinfo *list,
    bool routed, struct handover *out)
{
	for (const struct addrinfo *at = list;
	     at != NULL && out->gateway_count < GATEWAYS_MAX; at = at->ai_next)
		if ((at->ai_family == AF_INET || at->ai_family == AF_INET6) &&
		    (!routed || has_route(at)))
			out->gateways[out->gateway_count++] = looked_up(at,
			    g->port);
}

bool
gateway_find(const struct gateway *g, struct handover *out, struct text *why)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;

	out->gateway_count = 0;
	text_copy(out->path, sizeof(out->path), g->path);
	if (g->path[0] != '\0')
		return true;
	const int status = getaddrinfo(g->host, NULL, &hints, &list);
	if (status != 0) {
		text_add(why, "gateway ");
		text_add_quotable(why, g->host, strlen(g->host));
		text_add(why, ": ");
		text_add(why, gai_strerror(status));
		return false;
	}
	take_addresses(g, list, true, out);
	if (out->gateway_count == 0)
		take_addresses(g, list, false, out);
	freeaddrinfo(list);
	return true;
}
