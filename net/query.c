/* SPDX-License-Identifier: ISC */
/*
 * The way of one question through the name servers.  c-ares sends it again and
 * goes on to the next server; what it takes for an answer is looked at here,
 * and its sockets are made here.
 */
#include "net/query.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "base/text.h"
#include "net/sockaddr.h"
#include "wire/dns.h"

enum {
	TAKES_WHOLE = 0x012200, /* the c-ares that takes a datagram whole */
	UDP_SIZE = 512,         /* octets of an answer (RFC 1035 4.2.1) */
	EDNS_SIZE = 1200,       /* the same with EDNS; as glibc has it */
	SERVER_TEXT = 24,       /* "[::1]:65535," */
};

/* --- The sockets of c-ares: close-on-exec from their first moment.  It knows
 * servers as ports of this host's loopback, by their place in the list: two of
 * them may have one address, on two links, and c-ares 1.34 leaves those on
 * links out. --- */

static ares_socket_t
server_socket(int family, int type, int protocol, void *context)
{
	struct query *q = context;
	const int on = 1;
	int fd;

	if (q->open == QUERY_POLL_MAX) {
		errno = EMFILE;
		return -1;
	}
	fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd == -1)
		return -1;
	q->open++;
	/* Where this fails a query waits for an answer, and no more. */
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return fd;
}

static int
server_close(ares_socket_t fd, void *context)
{
	struct query *q = context;

	q->open--;
	return close(fd);
}

/*
 * Binds the socket to the link of that name; where there is none, and it is a
 * number, that is the link's, and returned.
 */
static uint32_t
zone_enter(int fd, const char *zone)
{
	uint64_t number;

	if (zone[0] == '\0' ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, zone,
		(socklen_t)strlen(zone)) == 0 ||
	    !number_parse(zone, UINT32_MAX, &number))
		return 0;
	return (uint32_t)number;
}

static int
server_connect(ares_socket_t fd, const struct sockaddr *name,
    ares_socklen_t length, void *context)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	struct query *q = context;
	const struct name_server *server;
	struct endpoint to;
	uint16_t place;
	uint32_t zone = 0;

	memcpy(&storage, name, length);
	place = address_of(&storage).port;
	server = &q->servers->list[place - 1];
	if (fd < DESCRIPTORS_OWN)
		q->server_of[fd] = (uint8_t)place;
	if (address_is_link_local(&server->address))
		zone = zone_enter(fd, server->zone);
	to = endpoint_of(&server->address, zone);
	return connect(fd, (const struct sockaddr *)&to.storage, to.length);
}

/* As c-ares knows a server. */
static struct address
known_as(const struct query *q, size_t server)
{
	static const uint8_t ipv6[16] = { [15] = 1 };
	static const uint8_t ipv4[4] = { 127, 0, 0, 1 };
	const uint16_t place = (uint16_t)(server + 1);

	return q->servers->list[server].address.family == FAMILY_IPV6 ?
	    address_ipv6(ipv6, place) :
	    address_ipv4(ipv4, place);
}

static void
fill_name(const struct query *q, struct sockaddr *from,
    ares_socklen_t *from_length)
{
	const struct address a = known_as(q, q->heard - 1);
	const struct endpoint e = endpoint_of(&a, 0);

	if (*from_length > e.length)
		*from_length = e.length;
	memcpy(from, &e.storage, *from_length);
}

/* An older c-ares cuts off what is behind so many octets of a datagram. */
static ssize_t
most_by_udp(const struct query *q)
{
	return q->servers->edns ? EDNS_SIZE : UDP_SIZE;
}

/* Datagrams (which have a sender) are looked at for why a server failed:
 * c-ares keeps that to itself. */
static ares_ssize_t
server_receive(ares_socket_t fd, void *octets, size_t size, int flags,
    struct sockaddr *from, ares_socklen_t *from_length, void *context)
{
	struct query *q = context;
	const ssize_t n = recvfrom(fd, octets, size, flags, NULL, NULL);
	struct dns_header header;

	if (n <= 0)
		return n;
	q->heard = fd < DESCRIPTORS_OWN ? q->server_of[fd] : 0;
	q->cut = ARES_VERSION < TAKES_WHOLE && from != NULL &&
	    n > most_by_udp(q);
	/* The socket is connected: nobody else was heard. */
	if (from != NULL && q->heard != 0)
		fill_name(q, from, from_length);
	if (from != NULL && dns_header_read(octets, (size_t)n, &header) &&
	    header.code != DNS_NO_ERROR && header.code != DNS_NO_NAME)
		q->failed = true;
	return n;
}

static ares_ssize_t
server_send(ares_socket_t fd, const struct iovec *parts, int n, void *context)
{
	(void)context;
	return writev(fd, parts, n);
}

/* Which sockets are to be waited for, and for what. */
static void
server_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct query *q = context;
	size_t i = 0;

	while (i < q->socket_count && q->sockets[i].fd != fd)
		i++;
	if (i == QUERY_POLL_MAX)
		return; /* it has no more */
	q->sockets[i].fd = fd;
	q->sockets[i].events = (short)((readable ? POLLIN : 0) |
	    (writable ? POLLOUT : 0));
	if (i == q->socket_count)
		q->socket_count++;
	if (q->sockets[i].events == 0)
		q->sockets[i] = q->sockets[--q->socket_count];
}

/* --- Two interfaces of c-ares: from 1.34 on it takes the records apart, and
 * the older one is deprecated. --- */

static void conclude(struct query *q, int status, const struct iovec *message);

#if ARES_VERSION >= 0x012200

static int
server_connect_ex(ares_socket_t fd, const struct sockaddr *name,
    ares_socklen_t length, unsigned flags, void *context)
{
	(void)flags;
	return server_connect(fd, name, length, context);
}

/* It asks for sizes of buffers, for a device and for TCP Fast Open. */
static int
server_option(ares_socket_t fd, ares_socket_opt_t option, const void *value,
    ares_socklen_t length, void *context)
{
	(void)fd;
	(void)option;
	(void)value;
	(void)length;
	(void)context;
	errno = ENOSYS; /* then it goes on */
	return -1;
}

static ares_ssize_t
server_send_ex(ares_socket_t fd, const void *octets, size_t length, int flags,
    const struct sockaddr *to, ares_socklen_t to_length, void *context)
{
	struct iovec part = { .iov_len = length };

	(void)flags;
	(void)to;
	(void)to_length;
	memcpy(&part.iov_base, &octets, sizeof(octets));
	return server_send(fd, &part, 1, context);
}

static void
set_functions(struct query *q)
{
	static const struct ares_socket_functions_ex functions = {
		.version = 1,
		.flags = ARES_SOCKFUNC_FLAG_NONBLOCKING,
		.asocket = server_socket,
		.aclose = server_close,
		.asetsockopt = server_option,
		.aconnect = server_connect_ex,
		.arecvfrom = server_receive,
		.asendto = server_send_ex,
	};

	ares_set_socket_functions_ex(q->channel, &functions, q);
}

static void
conclude_records(void *context, ares_status_t status, size_t timeouts,
    const ares_dns_record_t *records)
{
	unsigned char *octets = NULL;
	size_t length = 0;

	(void)timeouts;
	if (records != NULL &&
	    ares_dns_write(records, &octets, &length) != ARES_SUCCESS)
		status = ARES_ENOMEM;
	conclude(context, (int)status, &(struct iovec){ octets, length });
	ares_free_string(octets);
}

static bool
ask(struct query *q)
{
	/* A status that is none of success reaches conclude_records(), too. */
	(void)ares_query_dnsrec(q->channel, q->name, ARES_CLASS_IN,
	    (ares_dns_rec_type_t)q->type, conclude_records, q, NULL);
	return true;
}

#else

static void
set_functions(struct query *q)
{
	static const struct ares_socket_functions functions = {
		.asocket = server_socket,
		.aclose = server_close,
		.aconnect = server_connect,
		.arecvfrom = server_receive,
		.asendv = server_send,
	};

	ares_set_socket_functions(q->channel, &functions, q);
}

static void
conclude_octets(void *context, int status, int timeouts, unsigned char *octets,
    int length)
{
	(void)timeouts;
	conclude(context, status,
	    &(struct iovec){ octets, octets == NULL ? 0 : (size_t)length });
}

/* SECURITY: c-ares would take the ID from /dev/urandom, which is not there in
 * the sandbox, or else from rand(3): then answers could be forged. */
static bool
ask(struct query *q)
{
	struct dns_question question = { .name = q->name,
		.type = q->type,
		.edns_size = q->servers->edns ? EDNS_SIZE : 0 };
	uint8_t octets[DNS_QUESTION_MAX];

	if (!query_random(&question.id, sizeof(question.id)))
		return false;
	ares_send(q->channel, octets,
	    (int)dns_question_write(&question, octets), conclude_octets, q);
	return true;
}

#endif

/* --- Asking. --- */

bool
query_random(void *out, size_t length)
{
	return getrandom(out, length, 0) == (ssize_t)length;
}

static bool
is_useless(const struct query *q, size_t server)
{
	return (q->useless >> server & 1) != 0;
}

/* Those of the servers that are of use, the one that was heard last before the
 * others; false: there is none, or no memory. */
static bool
set_servers(const struct query *q)
{
	const size_t count = q->servers->count;
	const size_t first = q->heard > 0 ? q->heard - 1 : 0;
	char buffer[RESOLVERS_MAX * SERVER_TEXT];
	struct text list = text_in(buffer, sizeof(buffer));

	for (size_t i = 0; i < count; i++) {
		const size_t server = (first + i) % count;
		const struct address a = known_as(q, server);

		if (is_useless(q, server))
			continue;
		text_add(&list, list.length == 0 ? "" : ",");
		address_add_port(&list, &a);
	}
	return list.length > 0 &&
	    ares_set_servers_ports_csv(q->channel, buffer) == ARES_SUCCESS;
}

static bool
by_tcp(const struct query *q)
{
	return q->tcp || q->servers->tcp;
}

/* Every option is given, a domain too, so that c-ares has nothing to look for
 * in the environment.  Files of its own it opens nevertheless, but there are
 * none in the sandbox. */
static bool
channel_open(struct query *q)
{
	const struct name_servers *servers = q->servers;
	struct ares_options options = {
		.flags = (by_tcp(q) ? ARES_FLAG_USEVC : 0) |
		    (servers->edns ? ARES_FLAG_EDNS : 0) | ARES_FLAG_IGNTC,
		.timeout = servers->timeout,
		.tries = servers->attempts,
		.ndots = 1,
		.domains = (char *[]){ (char[]){ "" } },
		.ndomains = 1,
		.lookups = (char[]){ "b" },
		.ednspsz = EDNS_SIZE,
		.sock_state_cb = server_state,
		.sock_state_cb_data = q,
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
	    ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE |
	    ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
	ares_channel channel;

	q->socket_count = 0;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&channel, &options, mask) != ARES_SUCCESS)
		return false;
	q->channel = channel;
	if (!set_servers(q))
		return false;
	set_functions(q);
	return true;
}

/* Is that what a server says who knows? */
static bool
is_answer(const struct query *q, const struct iovec *message)
{
	struct dns_header header;
	struct dns_walk w;

	if (message->iov_base == NULL ||
	    !dns_header_read(message->iov_base, message->iov_len, &header) ||
	    !header.response)
		return false;
	if (header.code != DNS_NO_ERROR)
		return header.code == DNS_NO_NAME;
	if (header.answers == 0)
		return header.authoritative || header.recursive;
	return dns_walk_start(&w, message->iov_base, message->iov_len,
	    q->type);
}

/* Is the message one that a server sent, and there is more of it? */
static bool
asks_by_tcp(struct query *q, const struct iovec *message)
{
	struct dns_header header;

	if (message->iov_base == NULL || q->heard == 0 || by_tcp(q) ||
	    !dns_header_read(message->iov_base, message->iov_len, &header) ||
	    !header.response || !(header.truncated || q->cut))
		return false;
	q->tcp = true;
	return true;
}

/* Is the message one that a server sent, and another server may know more? */
static bool
asks_the_next(struct query *q, const struct iovec *message)
{
	if (message->iov_base == NULL || q->heard == 0 ||
	    is_answer(q, message))
		return false;
	q->failed = true;
	q->useless |= 1U << (q->heard - 1);
	for (size_t i = 0; i < q->servers->count; i++)
		if (!is_useless(q, i))
			return true;
	return false;
}

static enum query_result
result_of(const struct query *q, int status)
{
	switch (status) {
	case ARES_SUCCESS: return QUERY_ANSWERED;
	case ARES_ENOTFOUND: return QUERY_NO_NAME;
	case ARES_ENODATA: return QUERY_NO_DATA;
	case ARES_ETIMEOUT: return QUERY_TIMED_OUT;
	case ARES_ENOMEM: return QUERY_NO_MEMORY;
	case ARES_ESERVFAIL:
	case ARES_ENOTIMP:
	case ARES_EREFUSED: return QUERY_FAILED;
	case ARES_ECONNREFUSED:
		/* c-ares 1.18 says so too where servers answered SERVFAIL. */
		return q->failed ? QUERY_FAILED : QUERY_UNREACHABLE;
	default: return QUERY_USELESS;
	}
}

/* What a message says that a server sent. */
static int
status_of(const struct query *q, const struct iovec *message)
{
	struct dns_header header;

	if (!is_answer(q, message) ||
	    !dns_header_read(message->iov_base, message->iov_len, &header))
		return ARES_EBADRESP;
	if (header.code == DNS_NO_NAME)
		return ARES_ENOTFOUND;
	return header.answers == 0 ? ARES_ENODATA : ARES_SUCCESS;
}

/* c-ares ends a query; it does so too when query_end() destroys it. */
static void
conclude(struct query *q, int status, const struct iovec *message)
{
	bool failed;

	if (status == ARES_EDESTRUCTION)
		return;
	/* From 1.34 on c-ares gives the message of the last server that has
	 * failed, too; it has asked the others. */
	failed = result_of(q, status) == QUERY_FAILED;
	q->again = !failed &&
	    (asks_by_tcp(q, message) || asks_the_next(q, message));
	if (q->again)
		return;
	if (!failed && message->iov_base != NULL)
		status = status_of(q, message);
	q->answer(q->context, result_of(q, status), message);
}

bool
query_start(struct query *q)
{
	if (!channel_open(q) || !ask(q)) {
		query_end(q);
		return false;
	}
	return true;
}

size_t
query_poll(struct query *q, struct pollfd *fds, struct deadline *until)
{
	struct timeval storage;
	const struct timeval *left;

	if (q->channel == NULL)
		return 0;
	memcpy(fds, q->sockets, q->socket_count * sizeof(*fds));
	/* c-ares rounds down to a millisecond. */
	left = ares_timeout(q->channel, NULL, &storage);
	if (left != NULL)
		*until = deadline_first(*until,
		    deadline_in((int64_t)left->tv_sec * 1000 +
			left->tv_usec / 1000 + 1));
	return q->socket_count;
}

void
query_process(struct query *q, const struct pollfd *fds, size_t n)
{
	if (q->channel == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		const bool in = (fds[i].revents & ~POLLOUT) != 0;
		const bool out = (fds[i].revents & POLLOUT) != 0;

		if (in || out)
			ares_process_fd(q->channel,
			    in ? fds[i].fd : ARES_SOCKET_BAD,
			    out ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(q->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (!q->again)
		return;
	q->again = false;
	query_end(q);
	if (!query_start(q))
		q->answer(q->context, QUERY_NO_MEMORY, &(struct iovec){ 0 });
}

void
query_end(struct query *q)
{
	if (q->channel != NULL)
		ares_destroy(q->channel);
	q->channel = NULL;
}
