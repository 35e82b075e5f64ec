/*
 * The configuration of one session: defaults, command line and file of
 * socks64.conf(5), read once at start and constant from then on.
 */
#ifndef SOCKS64_POLICY_SETTINGS_H
#define SOCKS64_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "wire/address.h"

enum { RESOLVERS_MAX = 8, FTP_PORTS_MAX = 16, AUTH_METHODS_MAX = 2 };

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

enum log_to {
	LOG_TO_AUTO,
	LOG_TO_JOURNAL,
	LOG_TO_SYSLOG,
	LOG_TO_STDERR,
};

/* Times are milliseconds; 0 is "never" where socks64.conf(5) allows it.
 * Strings are NUL-terminated and live as long as the struct. */
struct settings {
	const char *file; /* which was read; NULL: none */

	enum auth auth[AUTH_METHODS_MAX]; /* best first */
	size_t auth_count;
	const char *password_file;

	const char *user; /* NULL: socks64, else nobody */

	int64_t handshake_timeout;
	int64_t connect_timeout;
	int64_t idle_timeout;
	int64_t half_closed_timeout;
	int64_t bind_timeout;
	int64_t attempt_delay;

	enum prefer prefer;
	struct address resolvers[RESOLVERS_MAX]; /* with ports */
	size_t resolver_count;                   /* 0: /etc/resolv.conf */
	struct address source_ipv4;              /* FAMILY_NONE: the kernel's */
	struct address source_ipv6;
	const char *interface; /* NULL: none */
	uint32_t mark;
	bool mark_set;
	uint16_t listen_port_low; /* 0: the kernel's */
	uint16_t listen_port_high;

	enum log_to log_to;
	int log_level;    /* LOG_ERR to LOG_DEBUG of syslog(3) */
	int log_facility; /* LOG_DAEMON and so on */
	bool log_start;
	bool log_udp_peers;

	bool sandbox;

	struct policy *policy; /* never NULL after settings_read */
};

/* Where settings_read tells what is wrong: `where` is FILE:LINE, -o:N or
 * FILE; `what` the sentence.  A warning lets the reading succeed. */
typedef void settings_report(void *context, bool warning, const char *where,
    const char *what);

/*
 * Reads `options` (lines, one for each -o, count of them) and then `file`
 * (NULL: SETTINGS_DEFAULT_FILE if it exists, else defaults alone) into *out.
 * The command line beats the file.  Reports every error there is; false when
 * there was one, and then *out is not to be used.  Memory is taken from the
 * heap, for the life of the process.
 */
bool settings_read(struct settings *out, const char *file,
    const char *const *options, size_t count, settings_report *report,
    void *context);

/* The effective configuration in its own syntax, on descriptor fd: fed back,
 * it gives the same.  False when writing failed. */
bool settings_dump(const struct settings *settings, int fd);

#endif
