/* SPDX-License-Identifier: ISC */
/*
 * What is answered to which name is decided in classify(); the rest makes
 * libc's structures say it.
 */
#include "lib/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/ask.h"
#include "lib/fakes.h"
#include "lib/hosts.h"
#include "lib/place.h"
#include "lib/real.h"
#include "lib/start.h"
#include "wire/name.h"

enum { HOST_NAME_SIZE = 256 };

enum verdict {
	VERDICT_LIBC,   /* libc's own answer */
	VERDICT_HOSTS,  /* the same, of a file that may have both families */
	VERDICT_DIRECT, /* libc's, and its addresses are direct */
	VERDICT_FAKE,
	VERDICT_NONE,  /* no such name */
	VERDICT_AGAIN, /* there are no numbers any more */
};

/* ------------------------------------------------------------- classify */

static bool
ends_in(const char *name, const char *tail)
{
	const size_t length = strlen(name);
	const size_t end = strlen(tail);

	return length >= end && strcmp(name + length - end, tail) == 0;
}

/* `name` is in lower case. */
static bool
is_of_this_host(const char *name)
{
	char own[HOST_NAME_SIZE];

	if (strcmp(name, "localhost") == 0 || ends_in(name, ".localhost") ||
	    ends_in(name, ".local"))
		return true;
	if (gethostname(own, sizeof(own)) == -1)
		return false;
	own[sizeof(own) - 1] = '\0';
	return strcasecmp(own, name) == 0;
}

/* -v: its first fake address tells the number. */
static void
say_looked_up(const char *name, uint32_t number)
{
	const struct address a = fakes_address(&handover, FAMILY_IPV4, number);
	char buffer[ADDRESS_TEXT + sizeof("looked up, ")];
	struct text t = text_in(buffer, sizeof(buffer));

	text_add(&t, "looked up, ");
	address_add(&t, &a);
	say_line(name, buffer);
}

static enum verdict
number_for(const char *name, uint32_t *number)
{
	*number = fakes_number(name);
	if (*number == 0)
		return VERDICT_AGAIN;
	if (handover.ask_names && !ask_exists(name, *number)) {
		say_line(name, "looked up, no such name");
		return VERDICT_NONE;
	}
	say_looked_up(name, *number);
	return VERDICT_FAKE;
}

/* RFC 3089 3: an address of a family that the program cannot use goes to the
 * gateway as its text. */
static enum verdict
number_for_address(const struct address *a, uint32_t *number)
{
	char buffer[ADDRESS_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	address_add(&t, a);
	*number = fakes_number(buffer);
	if (*number == 0)
		return VERDICT_AGAIN;
	say_looked_up(buffer, *number);
	return VERDICT_FAKE;
}

static bool
is_asked(int family, const struct address *a)
{
	return family == AF_UNSPEC ||
	    (family == AF_INET) == (a->family == FAMILY_IPV4);
}

/* What this host answers by itself, to a name in lower case and without its
 * last dot; VERDICT_NONE: nothing. */
static enum verdict
classify_here(const char *name, int family, uint32_t *number)
{
	struct address a;

	if (is_of_this_host(name))
		return VERDICT_LIBC;
	if (handover_is_direct(&handover, name))
		return VERDICT_DIRECT;
	switch (hosts_find(name, family, &a)) {
	case HOSTS_HAVE: return VERDICT_HOSTS;
	case HOSTS_OTHER: return number_for_address(&a, number);
	case HOSTS_NONE: break;
	}
	return VERDICT_NONE;
}

/* With `search` behind a name that has no dot, not even a last one. */
static bool
complete(const char *name, const char *node, char *full, size_t size)
{
	struct text t = text_in(full, size);

	text_add(&t, name);
	if (handover.search[0] != '\0' && strchr(node, '.') == NULL) {
		text_add_char(&t, '.');
		text_add(&t, handover.search);
	}
	return !t.cut;
}

static enum verdict
classify(const char *node, int family, uint32_t *number)
{
	char full[2 * NAME_LENGTH_MAX];
	char name[NAME_LENGTH_MAX + 1];
	struct address a;

	if (!handover_good || strchr(node, '%') != NULL)
		return VERDICT_LIBC;
	if (address_parse(node, strlen(node), &a))
		return is_asked(family, &a) ? VERDICT_LIBC :
					      number_for_address(&a, number);
	if (name_classify((const uint8_t *)node, strlen(node), name, &a) !=
	    NAME_HOST)
		return VERDICT_NONE;
	const enum verdict plain = classify_here(name, family, number);
	if (plain != VERDICT_NONE)
		return plain;
	if (!complete(name, node, full, sizeof(full)) ||
	    name_classify((const uint8_t *)full, strlen(full), name, &a) !=
		NAME_HOST)
		return VERDICT_NONE;
	return number_for(name, number);
}

/* ---------------------------------------------------------- getaddrinfo */

/* The gateway has both families, whatever this host has. */
static struct addrinfo
widened(const struct addrinfo *hints)
{
	struct addrinfo h = { .ai_family = AF_UNSPEC };

	if (hints != NULL) {
		h.ai_flags = hints->ai_flags & ~AI_ADDRCONFIG;
		h.ai_family = hints->ai_family;
		h.ai_socktype = hints->ai_socktype;
		h.ai_protocol = hints->ai_protocol;
	}
	return h;
}

/* The fake address of hints->ai_family, as libc lists it. */
static int
list_fake(uint32_t number, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	const struct address a = fakes_address(&handover,
	    hints->ai_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6, number);
	char buffer[ADDRESS_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	address_add(&t, &a);
	*out = NULL;
	return real.getaddrinfo(buffer, service, hints, out);
}

/* Which families are answered, in order; returns how many. */
static unsigned
families_for(int asked, int families[2])
{
	const bool ipv6_first = handover.gateway_count > 0 &&
	    handover.gateways[0].family == FAMILY_IPV6;

	families[0] = asked;
	if (asked != AF_UNSPEC)
		return 1;
	if (handover.families != FAMILIES_BOTH) {
		families[0] = handover.families == FAMILIES_IPV4 ? AF_INET :
								   AF_INET6;
		return 1;
	}
	families[0] = ipv6_first ? AF_INET6 : AF_INET;
	families[1] = ipv6_first ? AF_INET : AF_INET6;
	return 2;
}

/* libc is asked for addresses as text: with less of the flags. */
static int
list_number(uint32_t number, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	struct addrinfo h = widened(hints);
	const bool canonical = (h.ai_flags & AI_CANONNAME) != 0;
	struct addrinfo **end = out;
	int families[2];
	const unsigned count = families_for(h.ai_family, families);

	*out = NULL;
	h.ai_flags = (h.ai_flags & (AI_PASSIVE | AI_NUMERICSERV)) |
	    AI_NUMERICHOST;
	for (unsigned i = 0; i < count; i++) {
		h.ai_family = families[i];
		const int status = list_fake(number, service, &h, end);

		if (status != 0) {
			*end = NULL;
			answer_free(*out);
			*out = NULL;
			return status;
		}
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	if (canonical && *out != NULL)
		(*out)->ai_canonname = fakes_text(number);
	return 0;
}

static void
remember_direct(const struct addrinfo *list)
{
	struct address a;

	for (; list != NULL; list = list->ai_next)
		if (endpoint_read(list->ai_addr, list->ai_addrlen, &a))
			fakes_add_direct(&a);
}

/* libc's own, of both families. */
static int
list_by_libc(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	const struct addrinfo h = widened(hints);

	return real.getaddrinfo(node, service, &h, out);
}

/* A text of an address, in any spelling that libc knows, is libc's. */
static bool
is_numeric(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **out)
{
	struct addrinfo h = widened(hints);

	h.ai_flags |= AI_NUMERICHOST;
	return real.getaddrinfo(node, service, &h, out) == 0;
}

int
answer_list(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	const int family = hints == NULL ? AF_UNSPEC : hints->ai_family;
	uint32_t number = 0;
	int status;

	if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
		return real.getaddrinfo(node, service, hints, out);
	if (node == NULL ||
	    (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0))
		return list_by_libc(node, service, hints, out);
	if (is_numeric(node, service, hints, out))
		return 0;
	switch (classify(node, family, &number)) {
	case VERDICT_LIBC: return real.getaddrinfo(node, service, hints, out);
	case VERDICT_HOSTS: return list_by_libc(node, service, hints, out);
	case VERDICT_DIRECT:
		status = real.getaddrinfo(node, service, hints, out);
		if (status == 0)
			remember_direct(*out);
		return status;
	case VERDICT_NONE: return EAI_NONAME;
	case VERDICT_AGAIN: return EAI_AGAIN;
	case VERDICT_FAKE: break;
	}
	return list_number(number, service, hints, out);
}

void
answer_free(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *next = list->ai_next;

		list->ai_next = NULL;
		if (fakes_has(list->ai_canonname))
			list->ai_canonname = NULL;
		real.freeaddrinfo(list);
		list = next;
	}
}

/* -------------------------------------------------------- gethostbyname */

static int
host_by_libc(const char *name, int family, const struct answer_room *room)
{
	if (room->out != NULL)
		return real.gethostbyname2_r(name, family, room->out,
		    room->buffer, room->size, room->result, room->error);
	*room->result = real.gethostbyname2(name, family);
	*room->error = h_errno;
	return 0;
}

static int
host_fails(const struct answer_room *room, int error)
{
	*room->result = NULL;
	*room->error = error;
	h_errno = error;
	return 0;
}

static void
remember_direct_host(const struct hostent *host)
{
	for (char **at = host->h_addr_list; *at != NULL; at++) {
		const uint8_t *octets = (const uint8_t *)*at;
		const struct address a = host->h_addrtype == AF_INET ?
		    address_ipv4(octets, 0) :
		    address_ipv6(octets, 0);

		fakes_add_direct(&a);
	}
}

static int
host_by_number(uint32_t number, int family, const struct answer_room *room)
{
	const struct address a = fakes_address(&handover,
	    family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6, number);
	char buffer[ADDRESS_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	address_add(&t, &a);
	const int status = host_by_libc(buffer, family, room);
	char *name = fakes_text(number);
	if (status == 0 && *room->result != NULL && name != NULL)
		(*room->result)->h_name = name;
	return status;
}

int
answer_host(const char *name, int family, const struct answer_room *room)
{
	uint32_t number = 0;
	int status;

	if (family != AF_INET && family != AF_INET6)
		return host_by_libc(name, family, room);
	switch (classify(name, family, &number)) {
	case VERDICT_LIBC:
	case VERDICT_HOSTS: return host_by_libc(name, family, room);
	case VERDICT_DIRECT:
		status = host_by_libc(name, family, room);
		if (status == 0 && *room->result != NULL)
			remember_direct_host(*room->result);
		return status;
	case VERDICT_NONE: return host_fails(room, HOST_NOT_FOUND);
	case VERDICT_AGAIN: return host_fails(room, TRY_AGAIN);
	case VERDICT_FAKE: break;
	}
	return host_by_number(number, family, room);
}

/* ---------------------------------------------------- addresses to names */

/* What an address is: direct, a name's, or one that nobody is asked about. */
static enum verdict
classify_address(const struct address *a, struct destination *d)
{
	const enum way way = place_way(a, d);

	return way == WAY_DIRECT                 ? VERDICT_LIBC :
	    way == WAY_GATEWAY && d->number != 0 ? VERDICT_FAKE :
						   VERDICT_NONE;
}

static int
reverse_by_libc(const void *address, socklen_t length, int family,
    const struct answer_room *room)
{
	if (room->out != NULL)
		return real.gethostbyaddr_r(address, length, family, room->out,
		    room->buffer, room->size, room->result, room->error);
	*room->result = real.gethostbyaddr(address, length, family);
	*room->error = h_errno;
	return 0;
}

int
answer_reverse(const void *address, socklen_t length, int family,
    const struct answer_room *room)
{
	struct destination d;

	if ((family != AF_INET || length < 4) &&
	    (family != AF_INET6 || length < 16))
		return reverse_by_libc(address, length, family, room);
	const struct address a = family == AF_INET ? address_ipv4(address, 0) :
						     address_ipv6(address, 0);
	const enum verdict verdict = classify_address(&a, &d);
	if (verdict == VERDICT_FAKE)
		return host_by_number(d.number, family, room);
	if (verdict == VERDICT_NONE)
		return host_fails(room, HOST_NOT_FOUND);
	return reverse_by_libc(address, length, family, room);
}

static int
copy_name(const char *name, char *to, socklen_t size)
{
	if (to == NULL || size == 0)
		return 0;
	if (strlen(name) >= size)
		return EAI_OVERFLOW;
	text_copy(to, size, name);
	return 0;
}

int
answer_names(const struct sockaddr *address, socklen_t length,
    const struct answer_names *n)
{
	struct destination d;
	struct address a;
	int flags = n->flags;
	const enum verdict verdict = !endpoint_read(address, length, &a) ?
	    VERDICT_LIBC :
	    classify_address(&a, &d);

	if (verdict == VERDICT_FAKE && (flags & NI_NUMERICHOST) == 0) {
		const int status = copy_name(d.name, n->host, n->host_size);

		if (status != 0 || n->service == NULL || n->service_size == 0)
			return status;
		return real.getnameinfo(address, length, NULL, 0, n->service,
		    n->service_size, flags & ~NI_NAMEREQD);
	}
	if (verdict == VERDICT_NONE && (flags & NI_NAMEREQD) != 0)
		return EAI_NONAME;
	if (verdict != VERDICT_LIBC)
		flags |= NI_NUMERICHOST;
	return real.getnameinfo(address, length, n->host, n->host_size,
	    n->service, n->service_size, flags);
}
