/* SPDX-License-Identifier: ISC */
/*
 * An association of UDP ASSOCIATE (RFC 1928 7): datagrams between one client
 * and many peers, of both families, each judged by itself.
 *
 * Example: the client is 192.0.2.7, the relay's port 40000.
 *
 *	The client sends, from its port 5000, a datagram for dns.example:53.
 *	Port 5000 is the client's from now on.  The rules could allow the name,
 *	so it is looked up (net/names.h), and the datagram is held meanwhile.
 *	The name has 2001:db8::53.  The rules allow this address and port; the
 *	datagram goes there without its header, and the peer is marked as one
 *	that was sent to (net/peers.h).
 *	2001:db8::53 port 53 answers.  It was sent to, so the answer goes to
 *	192.0.2.7 port 5000, behind a header that names 2001:db8::53.
 *	2001:db8::99 sends something.  Nothing was ever sent there: dropped.
 *	The client closes its TCP connection, and the association ends.
 */
#ifndef SOCKS64_NET_ASSOCIATION_H
#define SOCKS64_NET_ASSOCIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "net/associated.h"
#include "net/drops.h"
#include "net/inbox.h"
#include "net/names.h"
#include "net/nat64.h"
#include "net/outcome.h"
#include "net/peers.h"
#include "net/route.h"
#include "net/tunnel.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "wire/address.h"
#include "wire/socks5.h"

/* The first datagram to an address and port, for the log. */
struct association_peer {
	const char *name;        /* that it was asked by; NULL: by address */
	struct address address;  /* with the port */
	struct address local;    /* what it was sent from */
	const struct rule *rule; /* that allowed it; NULL: no line did */
	const struct hop *via;   /* the next gateway that it went by */
};

/* A datagram that waits for a name; its octets are elsewhere. */
struct held_datagram {
	uint32_t name; /* the serial of what it waits for */
	uint32_t id;   /* the ADDRESS ID that it had; 0: none */
	/* Where it goes, with the port; FAMILY_NONE: where that name leads;
	 * else the name is that of the NAT64 prefix, and `serial' that of its
	 * own name (0: by address). */
	struct address address;
	uint32_t serial;
	uint32_t length;
	uint16_t place;
};

enum { HELD_MAX = 16 };

/* The sockets towards peers that are reached in one way. */
struct outside {
	const struct origin *origin; /* what rules say of it; NULL: nothing */
	struct egress egress;
	int ipv4; /* -1: this host has not got the family, `prefer'
		   * excludes it, or the source cannot be had */
	int ipv6;
	uint16_t port_ipv4; /* of these */
	uint16_t port_ipv6;
};

enum {
	OUTSIDES_MAX = 1 + POLICY_ORIGINS_MAX,
	/* Those that are open at a time: towards the client, two for each way
	 * outside and each next gateway, and the look-ups'. */
	ASSOCIATION_DESCRIPTORS_MAX = 2 + 2 * OUTSIDES_MAX +
	    2 * POLICY_HOPS_MAX + NAMES_POLL_MAX,
};

struct association {
	/* What to do.  question: of the client; what it asks for is empty.
	 * inbox: of the connection that asked, which is also the control
	 * channel where `interface_data' is set.  client: its address, and
	 * its port where it announced one, else 0: then the first datagram
	 * decides. */
	const struct settings *settings;
	const struct question *question;
	struct inbox *inbox;
	bool interface_data;
	struct address client;
	struct address proxy;  /* datagrams may come from here, too: the one
				 that sent a PROXY header; FAMILY_NONE */
	struct address listen; /* where that one reached us */
	uint32_t scope;        /* of a link-local client */
	void (*peer_seen)(void *context, const struct association_peer *peer);
	void *context;

	/* Descriptors: towards the client, and towards peers. */
	int relay;
	int relay_proxy;      /* towards a proxy of another family; -1: none */
	struct address bound; /* of relay */
	/* The first is that of the directives; the others those of rules with
	 * `source' or `mark'. */
	struct outside outsides[OUTSIDES_MAX];
	size_t outside_count;

	/* Next gateways that datagrams can go by; opened
	 * before association_open() by who fills the rest in. */
	struct tunnel tunnels[POLICY_HOPS_MAX];
	size_t tunnel_count;

	/* What came of it: octets of payload, datagrams; drops: those of
	 * either side that were not relayed. */
	uint64_t up;
	uint64_t down;
	uint64_t datagrams_up;
	uint64_t datagrams_down;
	struct drops drops;
	uint64_t peer_count; /* addresses and ports that were sent to */
	/* RESULT_OK, RESULT_RESET: the client ended its connection, reset it.
	 * RESULT_TIMEOUT: idle.  RESULT_BAD_REQUEST: the client said what it
	 * may not.  RESULT_CONNECT_FAILED: association_open() failed.
	 * RESULT_UPSTREAM_FAILED: a next gateway ended its association.
	 * RESULT_STOPPED: SIGTERM. */
	struct outcome outcome;

	/* ADDRESS IDs; the caller sets `share' alone. */
	struct associated ids;

	/* Not for others. */
	uint32_t id;           /* of the datagram that is sent now; 0: none */
	struct address pinned; /* where its name led last; FAMILY_NONE */
	int64_t moved_at;
	unsigned controls;     /* INTERFACE DATA so far */
	uint32_t control_name; /* that waits for it; 0: none */
	uint16_t control_port;
	size_t held_count; /* in the order of their coming */
	struct held_datagram held[HELD_MAX];
	struct names names;
	struct nat64 nat64; /* asked by way of names, or configured */
	struct peers peers;
};

/*
 * Opens the sockets: the relay at `at' (FAMILY_NONE or not ours: at any
 * address of the client's family), with a port that `listen-ports' allows.
 * False: a->outcome says why not, and nothing is left open.
 */
bool association_open(struct association *a, const struct address *at);

/* Relays to the end.  Octets of the inbox are looked at first.  Not for two
 * threads: it has one buffer. */
void association_run(struct association *a);

#endif
