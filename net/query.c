/* SPDX-License-Identifier: ISC */
/*
 * The way of one question through the name servers.  c-ares sends it again,
 * goes on to the next server and to TCP; what it takes for an answer is looked
 * at here, and its sockets are made here.
 */
#include "net/query.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"
#include "net/sockaddr.h"
#include "wire/dns.h"

enum { EDNS_SIZE = 1200 }; /* octets of an answer; as glibc has it */

/* --- The sockets of c-ares: close-on-exec from their first moment.  It knows
 * servers by their place in the list, as if that were their port, because two
 * of them may have one address, on two links. --- */

static ares_socket_t
server_socket(int family, int type, int protocol, void *context)
{
	const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    protocol);
	const int on = 1;

	(void)context;
	/* Where this fails a query waits for an answer, and no more. */
	if (fd != -1 && type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return fd;
}

static int
server_close(ares_socket_t fd, void *context)
{
	(void)context;
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

/* Datagrams (which have a sender) are looked at for why a server failed:
 * c-ares keeps that to itself. */
static ares_ssize_t
server_receive(ares_socket_t fd, void *octets, size_t size, int flags,
    struct sockaddr *from, ares_socklen_t *from_length, void *context)
{
	struct query *q = context;
	const ssize_t n = recvfrom(fd, octets, size, flags, from, from_length);
	struct dns_header header;

	if (n <= 0)
		return n;
	q->heard = fd < DESCRIPTORS_OWN ? q->server_of[fd] : 0;
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

static const struct ares_socket_functions server_functions = {
	.asocket = server_socket,
	.aclose = server_close,
	.aconnect = server_connect,
	.arecvfrom = server_receive,
	.asendv = server_send,
};

/* --- Asking. --- */

bool
query_random(uint8_t *out)
{
	const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	bool there;

	if (fd == -1)
		return false;
	there = read(fd, out, 1) == 1;
	close(fd);
	return there;
}

static bool
is_useless(const struct query *q, size_t server)
{
	return (q->useless >> server & 1) != 0;
}

/* Those of the servers that are of use; false: there is none, or no memory. */
static bool
set_servers(const struct query *q, ares_channel channel)
{
	struct ares_addr_port_node nodes[RESOLVERS_MAX] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < q->servers->count; i++) {
		const struct address *a = &q->servers->list[i].address;
		struct ares_addr_port_node *node = &nodes[n];

		if (is_useless(q, i))
			continue;
		if (n++ > 0)
			node[-1].next = node;
		node->family = a->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
		memcpy(&node->addr, a->octets, address_length(a));
		node->udp_port = (int)i + 1;
		node->tcp_port = (int)i + 1;
	}
	return n > 0 && ares_set_servers_ports(channel, nodes) == ARES_SUCCESS;
}

/* Every option is given, so that c-ares reads neither files (but for
 * /dev/urandom) nor the environment. */
static bool
channel_open(struct query *q)
{
	const struct name_servers *servers = q->servers;
	struct ares_options options = {
		.flags = (servers->tcp ? ARES_FLAG_USEVC : 0) |
		    (servers->edns ? ARES_FLAG_EDNS : 0),
		.timeout = servers->timeout,
		.tries = servers->attempts,
		.ndots = 1,
		.lookups = (char[]){ "b" },
		.ednspsz = EDNS_SIZE,
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
	    ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE |
	    ARES_OPT_EDNSPSZ;
	ares_channel channel;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&channel, &options, mask) != ARES_SUCCESS)
		return false;
	q->channel = channel;
	if (!set_servers(q, channel))
		return false;
	ares_set_socket_functions(channel, &server_functions, q);
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
	case ARES_ECONNREFUSED:
		/* c-ares says so too where servers answered SERVFAIL. */
		return q->failed ? QUERY_FAILED : QUERY_UNREACHABLE;
	default: return QUERY_USELESS;
	}
}

/* c-ares ends a query; it does so too when query_end() destroys it. */
static void
conclude(void *context, int status, int timeouts, unsigned char *octets,
    int length)
{
	struct query *q = context;
	const struct iovec message = { octets, (size_t)length };

	(void)timeouts;
	if (status == ARES_EDESTRUCTION)
		return;
	q->again = asks_the_next(q, &message);
	if (q->again)
		return;
	if (message.iov_base != NULL && !is_answer(q, &message))
		status = ARES_EBADRESP;
	q->answer(q->context, result_of(q, status), &message);
}

bool
query_start(struct query *q)
{
	if (!channel_open(q)) {
		query_end(q);
		return false;
	}
	ares_query(q->channel, q->name, ns_c_in, q->type, conclude, q);
	return true;
}

size_t
query_poll(struct query *q, struct pollfd *fds, struct deadline *until)
{
	ares_socket_t sockets[QUERY_POLL_MAX];
	struct timeval storage;
	const struct timeval *left;
	unsigned bits;
	size_t n = 0;

	if (q->channel == NULL)
		return 0;
	/* ARES_GETSOCK_WRITABLE() shifts into a sign: not by us. */
	bits = (unsigned)ares_getsock(q->channel, sockets, QUERY_POLL_MAX);
	for (size_t i = 0; i < QUERY_POLL_MAX; i++) {
		const bool in = (bits >> i & 1) != 0;
		const bool out = (bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;

		if (in || out)
			fds[n++] = (struct pollfd){ .fd = sockets[i],
				.events = (short)((in ? POLLIN : 0) |
				    (out ? POLLOUT : 0)) };
	}
	/* c-ares rounds down to a millisecond. */
	left = ares_timeout(q->channel, NULL, &storage);
	if (left != NULL)
		*until = deadline_first(*until,
		    deadline_in((int64_t)left->tv_sec * 1000 +
			left->tv_usec / 1000 + 1));
	return n;
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
