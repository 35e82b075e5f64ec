/* SPDX-License-Identifier: ISC */
/*
 * The table of directives: what each keyword is called, how its value is read
 * and written, and its default.  A new directive is a row here, a field of
 * struct settings, and a kind in values.c where none of those fits.
 */
#include "policy/directives.h"

#include <string.h>
#include <syslog.h>

#include "base/array.h"
#include "policy/values.h"

enum { KEYWORD_MAX = 24 };

/* Milliseconds. */
enum { SECOND = 1000, DAY = 24 * 60 * 60 * SECOND };

static const struct choice auth_choices[] = {
	{ "none", AUTH_NONE, CHOICE_OPEN },
	{ "password", AUTH_PASSWORD, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice switch_choices[] = {
	{ "on", true, CHOICE_OPEN },
	{ "off", false, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice sandbox_choices[] = {
	{ "on", true, CHOICE_OPEN },
	{ "off", false, CHOICE_FILE_ONLY },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice prefer_choices[] = {
	{ "auto", PREFER_AUTO, CHOICE_OPEN },
	{ "ipv6", PREFER_IPV6, CHOICE_OPEN },
	{ "ipv4", PREFER_IPV4, CHOICE_OPEN },
	{ "ipv6-only", PREFER_IPV6_ONLY, CHOICE_OPEN },
	{ "ipv4-only", PREFER_IPV4_ONLY, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice address_id_choices[] = {
	{ "off", ADDRESS_ID_OFF, CHOICE_OPEN },
	{ "on", ADDRESS_ID_ON, CHOICE_OPEN },
	{ "reverse", ADDRESS_ID_REVERSE, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice nat64_choices[] = {
	{ "auto", true, CHOICE_OPEN },
	{ "off", false, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice ftp_alg_choices[] = {
	{ "auto", FTP_ALG_AUTO, CHOICE_OPEN },
	{ "always", FTP_ALG_ALWAYS, CHOICE_OPEN },
	{ "off", FTP_ALG_OFF, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice advertise_choices[] = {
	{ "bind", ADVERTISE_BIND, CHOICE_OPEN },
	{ "udp", ADVERTISE_UDP, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice log_to_choices[] = {
	{ "auto", LOG_TO_AUTO, CHOICE_OPEN },
	{ "journal", LOG_TO_JOURNAL, CHOICE_OPEN },
	{ "syslog", LOG_TO_SYSLOG, CHOICE_OPEN },
	{ "stderr", LOG_TO_STDERR, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice title_choices[] = {
	{ "full", TITLE_FULL, CHOICE_OPEN },
	{ "client", TITLE_CLIENT, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice level_choices[] = {
	{ "err", LOG_ERR, CHOICE_OPEN },
	{ "error", LOG_ERR, CHOICE_OPEN },
	{ "warning", LOG_WARNING, CHOICE_OPEN },
	{ "notice", LOG_NOTICE, CHOICE_OPEN },
	{ "info", LOG_INFO, CHOICE_OPEN },
	{ "debug", LOG_DEBUG, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

static const struct choice facility_choices[] = {
	{ "daemon", LOG_DAEMON, CHOICE_OPEN },
	{ "user", LOG_USER, CHOICE_OPEN },
	{ "auth", LOG_AUTH, CHOICE_OPEN },
	{ "authpriv", LOG_AUTHPRIV, CHOICE_OPEN },
	{ "syslog", LOG_SYSLOG, CHOICE_OPEN },
	{ "local0", LOG_LOCAL0, CHOICE_OPEN },
	{ "local1", LOG_LOCAL1, CHOICE_OPEN },
	{ "local2", LOG_LOCAL2, CHOICE_OPEN },
	{ "local3", LOG_LOCAL3, CHOICE_OPEN },
	{ "local4", LOG_LOCAL4, CHOICE_OPEN },
	{ "local5", LOG_LOCAL5, CHOICE_OPEN },
	{ "local6", LOG_LOCAL6, CHOICE_OPEN },
	{ "local7", LOG_LOCAL7, CHOICE_OPEN },
	{ NULL, 0, CHOICE_OPEN },
};

/* Every directive there is, in the order of socks64.conf(5). */
/* clang-format off */
static const struct directive directives[] = {
	{ .keyword = "auth", .kind = &kind_auth, .choices = auth_choices,
	    .initial = "none" },
	{ .keyword = "password-file", .kind = &kind_string,
	    .offset = offsetof(struct settings, password_file),
	    .initial = "passwords" },
	{ .keyword = "socks4", .kind = &kind_switch,
	    .offset = offsetof(struct settings, socks4),
	    .choices = switch_choices, .initial = "off" },
	{ .keyword = "user", .kind = &kind_string,
	    .offset = offsetof(struct settings, user),
	    .otherwise = "socks64, else nobody" },
	{ .keyword = "handshake-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, handshake_timeout),
	    .initial = "30s", .low = 10, .high = DAY },
	{ .keyword = "connect-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, connect_timeout),
	    .initial = "30s", .low = 10, .high = DAY },
	{ .keyword = "idle-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, idle_timeout),
	    .initial = "24h", .high = 365 * (int64_t)DAY },
	{ .keyword = "half-closed-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, half_closed_timeout),
	    .initial = "10min", .high = 365 * (int64_t)DAY },
	{ .keyword = "bind-timeout", .kind = &kind_time,
	    .offset = offsetof(struct settings, bind_timeout),
	    .initial = "2min", .low = 10, .high = DAY },
	{ .keyword = "prefer", .kind = &kind_word,
	    .offset = offsetof(struct settings, prefer),
	    .choices = prefer_choices, .initial = "auto" },
	{ .keyword = "attempt-delay", .kind = &kind_time,
	    .offset = offsetof(struct settings, attempt_delay),
	    .initial = "250ms", .low = 10, .high = 2 * SECOND },
	{ .keyword = "resolver", .kind = &kind_resolvers,
	    .otherwise = "/etc/resolv.conf" },
	{ .keyword = "source", .kind = &kind_source,
	    .otherwise = "the kernel's choice", .repeatable = true },
	{ .keyword = "interface", .kind = &kind_interface,
	    .offset = offsetof(struct settings, interface),
	    .otherwise = "none" },
	{ .keyword = "mark", .kind = &kind_mark, .otherwise = "none" },
	{ .keyword = "listen-ports", .kind = &kind_port_range,
	    .offset = offsetof(struct settings, listen_ports),
	    .otherwise = "the kernel's" },
	{ .keyword = "advertise", .kind = &kind_advertise,
	    .choices = advertise_choices,
	    .otherwise = "our own addresses", .repeatable = true },
	{ .keyword = "proxy-protocol-from", .kind = &kind_proxy_from,
	    .otherwise = "nobody" },
	{ .keyword = "address-id", .kind = &kind_word,
	    .offset = offsetof(struct settings, address_id),
	    .choices = address_id_choices, .initial = "off" },
	{ .keyword = "ftp-alg", .kind = &kind_word,
	    .offset = offsetof(struct settings, ftp_alg),
	    .choices = ftp_alg_choices, .initial = "auto" },
	{ .keyword = "ftp-port", .kind = &kind_ftp_ports, .initial = "21" },
	{ .keyword = "nat64", .kind = &kind_switch,
	    .offset = offsetof(struct settings, nat64_auto),
	    .choices = nat64_choices, .initial = "auto" },
	{ .keyword = "nat64-prefix", .kind = &kind_nat64,
	    .otherwise = "64:ff9b::/96 alone" },
	{ .keyword = "inside", .kind = &kind_inside,
	    .otherwise = "on-link", .repeatable = true },
	{ .keyword = "state-dir", .kind = &kind_string,
	    .offset = offsetof(struct settings, state_dir),
	    .otherwise = "/run/socks64, else $XDG_RUNTIME_DIR/socks64" },
	{ .keyword = "via-password-file", .kind = &kind_via_password,
	    .otherwise = "none", .repeatable = true },
	{ .keyword = "via-proxy-protocol", .kind = &kind_via_proxy,
	    .otherwise = "none", .repeatable = true },
	{ .keyword = "log-level", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_level),
	    .choices = level_choices, .initial = "info" },
	{ .keyword = "log-facility", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_facility),
	    .choices = facility_choices, .initial = "daemon" },
	{ .keyword = "log-to", .kind = &kind_word,
	    .offset = offsetof(struct settings, log_to),
	    .choices = log_to_choices, .initial = "auto" },
	{ .keyword = "log-start", .kind = &kind_switch,
	    .offset = offsetof(struct settings, log_start),
	    .choices = switch_choices, .initial = "off" },
	{ .keyword = "log-udp-peers", .kind = &kind_switch,
	    .offset = offsetof(struct settings, log_udp_peers),
	    .choices = switch_choices, .initial = "on" },
	{ .keyword = "title", .kind = &kind_word,
	    .offset = offsetof(struct settings, title),
	    .choices = title_choices, .initial = "full" },
	{ .keyword = "max-sessions", .kind = &kind_number,
	    .offset = offsetof(struct settings, max_sessions),
	    .initial = "4096", .low = 1, .high = SESSIONS_MAX },
	{ .keyword = "max-sessions-per-client", .kind = &kind_number,
	    .offset = offsetof(struct settings, max_sessions_per_client),
	    .initial = "0", .high = SESSIONS_MAX },
	{ .keyword = "max-rate-per-client", .kind = &kind_rate,
	    .offset = offsetof(struct settings, max_rate_per_client),
	    .otherwise = "no limit", .high = DAY },
	{ .keyword = "max-sessions-per-user", .kind = &kind_number,
	    .offset = offsetof(struct settings, max_sessions_per_user),
	    .initial = "0", .high = SESSIONS_MAX },
	{ .keyword = "exit-idle-time", .kind = &kind_time,
	    .offset = offsetof(struct settings, exit_idle_time),
	    .initial = "0", .low = SECOND, .high = 365 * (int64_t)DAY,
	    .or_zero = true },
	{ .keyword = "metrics-file", .kind = &kind_path,
	    .offset = offsetof(struct settings, metrics_file),
	    .otherwise = "none" },
	{ .keyword = "sandbox", .kind = &kind_switch,
	    .offset = offsetof(struct settings, sandbox),
	    .choices = sandbox_choices, .initial = "on" },
	{ .keyword = "allow", .kind = &kind_rule, .low = ALLOW,
	    .repeatable = true },
	{ .keyword = "deny", .kind = &kind_rule, .low = DENY,
	    .repeatable = true },
};
/* clang-format on */

_Static_assert(ARRAY_COUNT(directives) <= DIRECTIVES_MAX, "a row fits");

const struct directive *
directive_at(size_t i)
{
	return i < ARRAY_COUNT(directives) ? &directives[i] : NULL;
}

size_t
directive_find(const char *keyword)
{
	size_t i = 0;

	while (i < ARRAY_COUNT(directives) &&
	    strcmp(directives[i].keyword, keyword) != 0)
		i++;
	return i;
}

static size_t
smallest(size_t a, size_t b, size_t c)
{
	const size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many characters to leave out and put in, so that one word left off
 * ("handshake") is nearer than another word.  Only the start of a long
 * `typed` counts.
 */
static size_t
edit_distance(const char *typed, const char *keyword)
{
	const size_t typed_length = strnlen(typed, KEYWORD_MAX);
	const size_t length = strnlen(keyword, KEYWORD_MAX);
	size_t row[KEYWORD_MAX + 1];

	for (size_t k = 0; k <= length; k++)
		row[k] = k;
	for (size_t i = 0; i < typed_length; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < length; k++) {
			const size_t above = row[k + 1];

			row[k + 1] = smallest(above + 1, row[k] + 1,
			    diagonal + (typed[i] == keyword[k] ? 0 : 2));
			diagonal = above;
		}
	}
	return row[length];
}

const char *
directive_nearest(const char *keyword)
{
	const char *nearest = directives[0].keyword;

	for (size_t i = 1; i < ARRAY_COUNT(directives); i++)
		if (edit_distance(keyword, directives[i].keyword) <
		    edit_distance(keyword, nearest))
			nearest = directives[i].keyword;
	return nearest;
}
