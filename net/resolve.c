/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses: /etc/hosts, then localhost (RFC 6761 6.3), then DNS by
 * c-ares, one query for each family, AAAA first (RFC 8305 3).  A name is
 * absolute: no search list, no aliases, nothing from the environment.
 */
#include "net/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/inputs.h"
#include "base/text.h"
#include "net/hosts.h"
#include "net/route.h"
#include "net/sockaddr.h"
#include "wire/dns.h"

#define HOSTS "/etc/hosts"
#define RESOLV_CONF "/etc/resolv.conf"

enum { RCODE_MASK = 15, HEADER_RCODE = 3 };

static int hosts_file = -1;
static int resolvconf_file = -1;

void
resolve_prepare(void)
{
	inputs_note(HOSTS);
	hosts_file = open(HOSTS, O_RDONLY | O_CLOEXEC);
	inputs_note(RESOLV_CONF);
	resolvconf_file = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
}

/* Closes *file, which becomes -1. */
static void
file_close(int *file)
{
	if (*file != -1)
		close(*file);
	*file = -1;
}

void
resolve_release(void)
{
	file_close(&hosts_file);
	file_close(&resolvconf_file);
}

/* --- What the answers say. --- */

static const char *
missing_family(const struct resolution *r)
{
	if (r->ipv4.state == ANSWER_UNASKED)
		return " has no IPv6 address";
	if (r->ipv6.state == ANSWER_UNASKED)
		return " has no IPv4 address";
	return " has no address";
}

static const char *
failure_text(const struct resolution *r)
{
	const struct answer *failed = r->ipv4.state == ANSWER_FAILED ?
	    &r->ipv4 :
	    &r->ipv6;

	switch (failed->failure) {
	case ARES_ETIMEOUT: return "no name server answered in time for ";
	case ARES_ENOMEM: return "there is no memory to look up ";
	case ARES_ECONNREFUSED:
		/* c-ares says so too where servers answered SERVFAIL. */
		return r->refused ? "the name servers failed for " :
				    "no name server could be reached for ";
	default: return "the name servers gave no usable answer for ";
	}
}

/* Once both families are there, why there is no address. */
static void
tell_reason(struct resolution *r)
{
	struct text t = text_in(r->reason, sizeof(r->reason));
	const enum answer_state ipv6 = r->ipv6.state;
	const enum answer_state ipv4 = r->ipv4.state;

	if (!resolve_done(r) || ipv6 == ANSWER_FOUND || ipv4 == ANSWER_FOUND)
		return;
	if (ipv6 == ANSWER_FAILED || ipv4 == ANSWER_FAILED) {
		text_add(&t, failure_text(r));
		text_add_quotable(&t, r->name, strlen(r->name));
		return;
	}
	text_add_quotable(&t, r->name, strlen(r->name));
	if (ipv6 == ANSWER_NO_NAME || ipv4 == ANSWER_NO_NAME)
		text_add(&t, " does not exist");
	else
		text_add(&t, missing_family(r));
}

/* c-ares ends a query; it does so too when resolve_end() destroys it. */
static void
conclude(struct answer *answer, enum family family, int status,
    const struct iovec *message)
{
	if (status != ARES_EDESTRUCTION)
		answer_conclude(answer, family, status, message);
}

static void
conclude_ipv6(void *r, int status, int timeouts, unsigned char *octets,
    int length)
{
	const struct iovec message = { octets, (size_t)length };

	(void)timeouts;
	conclude(&((struct resolution *)r)->ipv6, FAMILY_IPV6, status,
	    &message);
}

static void
conclude_ipv4(void *r, int status, int timeouts, unsigned char *octets,
    int length)
{
	const struct iovec message = { octets, (size_t)length };

	(void)timeouts;
	conclude(&((struct resolution *)r)->ipv4, FAMILY_IPV4, status,
	    &message);
}

/* --- The sockets of c-ares: close-on-exec from their first moment, bound to
 * the interface of a link-local server. --- */

static ares_socket_t
server_socket(int family, int type, int protocol, void *r)
{
	const int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    protocol);
	const int on = 1;

	(void)r;
	/* The query for A must not wait for the answer to AAAA; where this
	 * fails it does, and no more. */
	if (fd != -1 && type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	return fd;
}

static int
server_close(ares_socket_t fd, void *r)
{
	(void)r;
	return close(fd);
}

static const char *
interface_of(const struct resolution *r, const struct sockaddr *name,
    socklen_t length)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	struct address address;

	memcpy(&storage, name, length);
	address = address_of(&storage);
	for (size_t i = 0; i < r->servers.count; i++)
		if (address_equal(&r->servers.list[i].address, &address))
			return r->servers.list[i].interface;
	return "";
}

static int
server_connect(ares_socket_t fd, const struct sockaddr *name,
    ares_socklen_t length, void *r)
{
	const char *interface = interface_of(r, name, length);

	if (interface[0] != '\0' &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		(socklen_t)strlen(interface)) != 0)
		return -1;
	return connect(fd, name, length);
}

/* Datagrams (which have a sender) are looked at for why a server failed:
 * c-ares keeps that to itself. */
static ares_ssize_t
server_receive(ares_socket_t fd, void *octets, size_t size, int flags,
    struct sockaddr *from, ares_socklen_t *from_length, void *context)
{
	struct resolution *r = context;
	const ssize_t n = recvfrom(fd, octets, size, flags, from, from_length);

	if (from != NULL && n > HEADER_RCODE) {
		const int rcode = ((const uint8_t *)octets)[HEADER_RCODE] &
		    RCODE_MASK;

		if (rcode != ns_r_noerror && rcode != ns_r_nxdomain)
			r->refused = true;
	}
	return n;
}

static ares_ssize_t
server_send(ares_socket_t fd, const struct iovec *parts, int n, void *r)
{
	(void)r;
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

/*
 * SECURITY: without /dev/urandom c-ares falls back to rand(3), unseeded, and
 * every process would ask with the same query IDs: answers could be forged.
 */
static bool
random_available(void)
{
	const int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	uint8_t octet;
	bool available;

	if (fd == -1)
		return false;
	available = read(fd, &octet, 1) == 1;
	close(fd);
	return available;
}

static bool
set_servers(ares_channel channel, const struct name_servers *servers)
{
	struct ares_addr_port_node nodes[RESOLVERS_MAX] = { 0 };

	for (size_t i = 0; i < servers->count; i++) {
		const struct address *a = &servers->list[i].address;

		nodes[i].family = a->family == FAMILY_IPV6 ? AF_INET6 :
							     AF_INET;
		memcpy(&nodes[i].addr, a->octets, address_length(a));
		nodes[i].udp_port = a->port;
		nodes[i].tcp_port = a->port;
		if (i + 1 < servers->count)
			nodes[i].next = &nodes[i + 1];
	}
	return ares_set_servers_ports(channel, nodes) == ARES_SUCCESS;
}

/* Every option is given, so that c-ares reads neither files (but for
 * /dev/urandom) nor the environment. */
static bool
channel_open(struct resolution *r)
{
	struct ares_options options = {
		.flags = r->servers.tcp ? ARES_FLAG_USEVC : 0,
		.timeout = r->servers.timeout,
		.tries = r->servers.attempts,
		.ndots = 1,
		.lookups = (char[]){ "b" },
	};
	const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
	    ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
	    (r->servers.rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE);
	ares_channel channel;

	if (!random_available() ||
	    ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&channel, &options, mask) != ARES_SUCCESS)
		return false;
	r->channel = channel;
	if (!set_servers(channel, &r->servers))
		return false;
	ares_set_socket_functions(channel, &server_functions, r);
	return true;
}

/* A channel to the servers; false: r->broken. */
static bool
servers_open(struct resolution *r, const struct settings *settings)
{
	r->servers = resolvconf_read(settings, resolvconf_file);
	if (!channel_open(r)) {
		struct text t = text_in(r->reason, sizeof(r->reason));

		text_add(&t,
		    "the resolver cannot be set up: "
		    "/dev/urandom is unreadable, or there is no memory");
		r->ipv6.state = ANSWER_FAILED;
		r->ipv4.state = ANSWER_FAILED;
		r->broken = true;
		resolve_end(r);
		return false;
	}
	return true;
}

static bool
ask_servers(struct resolution *r, const struct settings *settings)
{
	if (!servers_open(r, settings))
		return false;
	if (r->ipv6.state == ANSWER_PENDING)
		ares_query(r->channel, r->name, ns_c_in, ns_t_aaaa,
		    conclude_ipv6, r);
	if (r->ipv4.state == ANSWER_PENDING)
		ares_query(r->channel, r->name, ns_c_in, ns_t_a, conclude_ipv4,
		    r);
	tell_reason(r);
	return true;
}

/* --- Names that DNS never sees. --- */

/* `name` is `domain` or below it. */
static bool
is_within(const char *name, const char *domain)
{
	const size_t length = strlen(name);
	const size_t tail = strlen(domain);

	if (length < tail || strcmp(name + length - tail, domain) != 0)
		return false;
	return length == tail || name[length - tail - 1] == '.';
}

static void
answer_loopback(struct resolution *r)
{
	static const uint8_t ipv6[16] = { [15] = 1 };
	static const uint8_t ipv4[4] = { 127, 0, 0, 1 };
	const struct address loopback6 = address_ipv6(ipv6, 0);
	const struct address loopback4 = address_ipv4(ipv4, 0);

	answer_add(&r->ipv6, &loopback6);
	answer_add(&r->ipv4, &loopback4);
}

/* RFC 7686 2: onion names are Tor's, and asking for one betrays it. */
static void
answer_onion(struct resolution *r)
{
	struct text t = text_in(r->reason, sizeof(r->reason));

	text_add_quotable(&t, r->name, strlen(r->name));
	text_add(&t, " is an onion name, which is never looked up");
	r->ipv6.state = ANSWER_NO_NAME;
	r->ipv4.state = ANSWER_NO_NAME;
}

/* The families that are not wanted are forgotten, whoever answered. */
static void
mark_unasked(struct resolution *r, const struct settings *settings)
{
	const struct answer unasked = { .state = ANSWER_UNASKED };

	if (!route_wanted(settings, FAMILY_IPV6))
		r->ipv6 = unasked;
	if (!route_wanted(settings, FAMILY_IPV4))
		r->ipv4 = unasked;
}

bool
resolve_start(struct resolution *r, const struct settings *settings,
    const char *name)
{
	*r = (struct resolution){
		.ipv6.state = ANSWER_PENDING,
		.ipv4.state = ANSWER_PENDING,
		.name = name,
	};
	if (is_within(name, "onion"))
		answer_onion(r);
	else if (!hosts_find(hosts_file, name, &r->ipv6, &r->ipv4) &&
	    is_within(name, "localhost"))
		answer_loopback(r);
	mark_unasked(r, settings);
	if (!resolve_done(r))
		return ask_servers(r, settings);
	if (r->reason[0] == '\0')
		tell_reason(r);
	return true;
}

/* --- Names of addresses. --- */

/* Takes the first PTR record that is a host name; false: this is no answer. */
static bool
take_host(struct resolution *r, const struct iovec *message)
{
	struct dns_walk w;
	const uint8_t *data;
	size_t length;

	if (!dns_walk_start(&w, message->iov_base, message->iov_len,
		DNS_TYPE_PTR))
		return false;
	for (data = dns_walk_next(&w, &length); data != NULL;
	     data = dns_walk_next(&w, &length)) {
		uint8_t text[DNS_NAME_MAX];
		char name[NAME_LENGTH_MAX + 1];
		struct address literal;
		struct dns_name found;

		if (!dns_walk_name(&w, data, length, &found) ||
		    name_classify(text,
			dns_name_text(&found, text, sizeof(text)), name,
			&literal) != NAME_HOST)
			continue;
		text_copy(r->host, sizeof(r->host), name);
		break;
	}
	return true;
}

static void
conclude_reverse(void *context, int status, int timeouts,
    unsigned char *octets, int length)
{
	const struct iovec message = { octets, (size_t)length };
	struct resolution *r = context;

	(void)timeouts;
	if (status == ARES_SUCCESS && !take_host(r, &message))
		status = ARES_EBADRESP;
	r->ipv6 = (struct answer){ .state = ANSWER_FAILED, .failure = status };
	if (status == ARES_ENOTFOUND)
		r->ipv6.state = ANSWER_NO_NAME;
	if (status == ARES_ENODATA || status == ARES_SUCCESS)
		r->ipv6.state = ANSWER_NO_DATA;
}

/* 80.2.0.192.in-addr.arpa; 1.0.0.0...8.b.d.0.1.0.0.2.ip6.arpa */
static void
reverse_name(struct text *t, const struct address *address)
{
	static const char digits[] = "0123456789abcdef";
	const bool ipv6 = address->family == FAMILY_IPV6;

	for (size_t i = address_length(address); i > 0; i--) {
		const uint8_t octet = address->octets[i - 1];

		if (ipv6) {
			text_add_char(t, digits[octet & 15]);
			text_add_char(t, '.');
			text_add_char(t, digits[octet >> 4]);
		} else {
			text_add_number(t, octet);
		}
		text_add_char(t, '.');
	}
	text_add(t, ipv6 ? "ip6.arpa" : "in-addr.arpa");
}

bool
resolve_start_reverse(struct resolution *r, const struct settings *settings,
    const struct address *address)
{
	struct text name;

	*r = (struct resolution){
		.ipv6.state = ANSWER_PENDING,
		.ipv4.state = ANSWER_UNASKED,
	};
	name = text_in(r->reverse, sizeof(r->reverse));
	reverse_name(&name, address);
	r->name = r->reverse;
	if (!servers_open(r, settings))
		return false;
	ares_query(r->channel, r->name, ns_c_in, ns_t_ptr, conclude_reverse,
	    r);
	return true;
}

bool
resolve_done(const struct resolution *r)
{
	return r->ipv6.state != ANSWER_PENDING &&
	    r->ipv4.state != ANSWER_PENDING;
}

size_t
resolve_poll(struct resolution *r, struct pollfd *fds, struct deadline *until)
{
	ares_socket_t sockets[RESOLVE_POLL_MAX];
	struct timeval storage;
	const struct timeval *left;
	unsigned bits;
	size_t n = 0;

	if (r->channel == NULL || resolve_done(r))
		return 0;
	/* ARES_GETSOCK_WRITABLE() shifts into a sign: not by us. */
	bits = (unsigned)ares_getsock(r->channel, sockets, RESOLVE_POLL_MAX);
	for (size_t i = 0; i < RESOLVE_POLL_MAX; i++) {
		const bool in = (bits >> i & 1) != 0;
		const bool out = (bits >> (i + ARES_GETSOCK_MAXNUM) & 1) != 0;

		if (in || out)
			fds[n++] = (struct pollfd){ .fd = sockets[i],
				.events = (short)((in ? POLLIN : 0) |
				    (out ? POLLOUT : 0)) };
	}
	/* c-ares rounds down to a millisecond. */
	left = ares_timeout(r->channel, NULL, &storage);
	if (left != NULL)
		*until = deadline_first(*until,
		    deadline_in((int64_t)left->tv_sec * 1000 +
			left->tv_usec / 1000 + 1));
	return n;
}

void
resolve_process(struct resolution *r, const struct pollfd *fds, size_t n)
{
	const bool done = resolve_done(r);

	if (r->channel == NULL || done)
		return;
	for (size_t i = 0; i < n; i++) {
		const bool in = (fds[i].revents & ~POLLOUT) != 0;
		const bool out = (fds[i].revents & POLLOUT) != 0;

		if (in || out)
			ares_process_fd(r->channel,
			    in ? fds[i].fd : ARES_SOCKET_BAD,
			    out ? fds[i].fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	tell_reason(r);
}

void
resolve_end(struct resolution *r)
{
	if (r->channel != NULL)
		ares_destroy(r->channel);
	r->channel = NULL;
}

const char *
resolve_reason(const struct resolution *r)
{
	if (!resolve_done(r))
		return "the name was not resolved in time";
	return r->reason[0] != '\0' ? r->reason : NULL;
}

enum reply
resolve_reply(const struct resolution *r)
{
	if (r->broken)
		return REPLY_GENERAL_FAILURE;
	if (!resolve_done(r))
		return REPLY_TTL_EXPIRED;
	return r->ipv6.state == ANSWER_FAILED ||
		r->ipv4.state == ANSWER_FAILED ?
	    REPLY_GENERAL_FAILURE :
	    REPLY_HOST_UNREACHABLE;
}
