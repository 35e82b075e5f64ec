/* SPDX-License-Identifier: ISC */
/*
 * The configuration of one session: defaults, command line and file of
 * socks64.conf(5), read once at start and constant from then on.
 */
#ifndef SOCKS64_POLICY_SETTINGS_H
#define SOCKS64_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/journal.h"
#include "policy/origin.h"
#include "policy/policy.h"
#include "policy/rules.h"
#include "policy/sets.h"
#include "wire/address.h"

enum { RESOLVERS_MAX = 8, FTP_PORTS_MAX = 16, AUTH_METHODS_MAX = 2 };

/* The name of an interface, or its number in decimal, and a NUL. */
enum { ZONE_SIZE = 16 };

/* Who is asked for names. */
struct name_server {
	struct address address; /* with the port */
	char zone[ZONE_SIZE];   /* the link of a link-local one; else "" */
};

#define SETTINGS_DEFAULT_FILE "/etc/socks64/socks64.conf"

enum auth {
	AUTH_NONE,
	AUTH_PASSWORD,
};

enum prefer {
	PREFER_AUTO,
	PREFER_IPV6,
	PREFER_IPV4,
	PREFER_IPV6_ONLY,
	PREFER_IPV4_ONLY,
};

/* What ps(1) shows of a session. */
enum title {
	TITLE_FULL,   /* CLIENT USER -> DEST (PEER) */
	TITLE_CLIENT, /* CLIENT */
};

enum ftp_alg {
	FTP_ALG_OFF,
	FTP_ALG_AUTO,
	FTP_ALG_ALWAYS,
};

enum address_id {
	ADDRESS_ID_OFF,
	ADDRESS_ID_ON,
	ADDRESS_ID_REVERSE,
};

/* Whose replies tell an address that is not ours, behind NAT. */
enum advertise {
	ADVERTISE_BIND,
	ADVERTISE_UDP,
	ADVERTISE_COUNT,
};

/* So many in that time (milliseconds); count 0: as many as may come. */
struct rate {
	uint32_t count;
	int64_t time;
};

enum { SESSIONS_MAX = 65536, PATH_LENGTH_MAX = 511 };

/* Times are milliseconds; 0 is "never" where socks64.conf(5) allows it.
 * Strings are NUL-terminated and live as long as the struct. */
struct settings {
	const char *file; /* which was read; NULL: none */

	enum auth auth[AUTH_METHODS_MAX]; /* best first */
	size_t auth_count;
	const char *password_file; /* with a slash a path, else a credential */
	bool socks4;

	const char *user; /* NULL: socks64, else nobody */

	int64_t handshake_timeout;
	int64_t connect_timeout;
	int64_t idle_timeout;
	int64_t half_closed_timeout;
	int64_t bind_timeout;
	int64_t attempt_delay;

	enum prefer prefer;
	struct name_server resolvers[RESOLVERS_MAX];
	size_t resolver_count;          /* 0: /etc/resolv.conf */
	struct origin origin;           /* of what no rule says otherwise */
	const char *interface;          /* NULL: none */
	struct port_range listen_ports; /* low 0: the kernel's */

	/* FAMILY_NONE: ours.  Ask settings_advertised(). */
	struct address advertise_ipv4[ADVERTISE_COUNT];
	struct address advertise_ipv6[ADVERTISE_COUNT];

	/* Who must begin with a PROXY header (SET_UNIX: unix-domain peers);
	 * not `given`: nobody.  Ask settings_proxied(). */
	struct net_list proxy_from;
	const char *proxy_from_text; /* as it was written */

	enum address_id address_id;
	enum ftp_alg ftp_alg;
	uint16_t ftp_ports[FTP_PORTS_MAX];
	size_t ftp_port_count;
	struct net nat64[NAT64_PREFIXES_MAX]; /* the policy has them too */
	size_t nat64_count;
	bool nat64_auto;        /* IPv4 without a route is dialled by them */
	struct net_list inside; /* the policy has it too */
	bool inside_on_link;
	const char *inside_text; /* as it was written; NULL: on-link */
	const char *state_dir;   /* NULL: /run/socks64 and so on */

	enum log_to log_to;
	int log_level;    /* LOG_ERR to LOG_DEBUG of syslog(3) */
	int log_facility; /* LOG_DAEMON and so on */
	bool log_start;
	enum title title;
	bool log_udp_peers;

	/* Of the listening mode alone; 0: no limit, never. */
	uint32_t max_sessions;
	uint32_t max_sessions_per_client;
	struct rate max_rate_per_client;
	uint32_t max_sessions_per_user;
	int64_t exit_idle_time;
	const char *metrics_file; /* NULL: none */

	bool sandbox;

	struct policy *policy;       /* never NULL after settings_read */
	const struct places *places; /* settings_place()'s */
};

/* Where settings_read tells what is wrong: `where` is FILE:LINE, -o:N or
 * FILE; `what` the sentence.  A warning lets the reading succeed. */
typedef void settings_report(void *context, bool warning, const char *where,
    const char *what);

/* What a configuration is read from.  All is borrowed. */
struct settings_source {
	const char *file; /* NULL: SETTINGS_DEFAULT_FILE, if that exists */
	const char *const *options; /* lines, one for each -o */
	size_t count;               /* of them */
};

/*
 * Reads the options of `source` and then its file into *out.  The command
 * line beats the file.  Reports every error there is; false when
 * there was one, and then *out is not to be used.  Memory is taken from the
 * heap, for the life of the process.
 *
 * For -t: where it is false, *out has still something valid in each field,
 * so that what the configuration names can be looked at, too.
 */
bool settings_read(struct settings *out, const struct settings_source *source,
    settings_report *report, void *context);

/*
 * Gives back what large lists and indexes take, where nothing will be judged
 * any more; nothing may be judged from then on.
 */
void settings_forget_lists(const struct settings *settings);

/* Appends where that directive stands: FILE:LINE, -o:N, or default; `mark',
 * where only rules have it: the first of them. */
void settings_place(const struct settings *settings, const char *keyword,
    struct text *out);

/* Is any connection to be marked, by `mark' or by a rule?  That needs
 * CAP_NET_ADMIN. */
bool settings_mark(const struct settings *settings);

/* Is that one of the methods of `auth`? */
bool settings_offers(const struct settings *settings, enum auth auth);

/* Must a connection from `peer` (FAMILY_NONE: unix-domain) begin with a PROXY
 * protocol header?  self: the peer's is an address of this host.
 * MATCH_UNSURE: a list could not be looked up.  SECURITY: nobody's word is
 * taken then. */
enum match settings_proxied(const struct settings *settings,
    const struct address *peer, bool self);

/* Is that one of the ports of `ftp-port`, whatever `ftp-alg` says? */
bool settings_speak_ftp(const struct settings *settings, uint16_t port);

/* Does anything need the association table: FTP, ADDRESS IDs, logins? */
bool settings_need_table(const struct settings *settings);

/* What replies to a client of that family say instead of our address;
 * FAMILY_NONE: nothing else.  Its port is 0. */
const struct address *settings_advertised(const struct settings *settings,
    enum advertise what, enum family family);

#endif
