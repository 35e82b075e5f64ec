/* SPDX-License-Identifier: ISC */
/*
 * resolv.conf(5).  c-ares would read it too, but not its timeout and
 * attempts (it knows them as retrans and retry), nor a server's interface;
 * and `search` and `domain` must never be heard of.
 */
#include "net/resolvconf.h"

#include <limits.h>
#include <string.h>

#include "base/number.h"
#include "net/words.h"

enum {
	DNS_PORT = 53,
	TIMEOUT_DEFAULT = 5000,
	TIMEOUT_MIN = 100,
	TIMEOUT_MAX = 30000,
	ATTEMPTS_DEFAULT = 2,
	ATTEMPTS_MAX = 5,
};

/* fe80::1%eth0: the address and its interface. */
static bool
parse_server(const char *word, struct name_server *out)
{
	const char *zone = strchr(word, '%');
	const size_t length = zone != NULL ? (size_t)(zone - word) :
					     strlen(word);
	struct name_server server = { .interface = "" };

	if (!address_parse(word, length, &server.address))
		return false;
	server.address.port = DNS_PORT;
	if (zone != NULL) {
		if (strlen(zone + 1) >= sizeof(server.interface))
			return false;
		memcpy(server.interface, zone + 1, strlen(zone + 1));
	}
	*out = server;
	return true;
}

/* `prefix` and a number: the number, at least 1 and at most `most`; else
 * `otherwise`. */
static int
option_number(const char *word, const char *prefix, int most, int otherwise)
{
	const size_t length = strlen(prefix);
	int number = 0;

	if (strncmp(word, prefix, length) != 0)
		return otherwise;
	for (const char *at = word + length; *at != '\0'; at++) {
		if (!is_digit(*at))
			return otherwise;
		if (number <= most)
			number = number * 10 + (*at - '0');
	}
	if (number == 0)
		return 1;
	return number < most ? number : most;
}

static void
take_option(struct name_servers *servers, const char *word)
{
	servers->timeout = 1000 *
	    option_number(word, "timeout:", TIMEOUT_MAX / 1000,
		servers->timeout / 1000);
	servers->attempts = option_number(word, "attempts:", ATTEMPTS_MAX,
	    servers->attempts);
	if (strcmp(word, "rotate") == 0)
		servers->rotate = true;
	if (strcmp(word, "use-vc") == 0)
		servers->tcp = true;
}

static void
read_line(struct words *w, const char *keyword, struct name_servers *servers)
{
	const bool server = strcmp(keyword, "nameserver") == 0;
	char word[WORD_SIZE];

	if (!server && strcmp(keyword, "options") != 0) {
		words_skip_line(w);
		return;
	}
	while (words_next(w, word) == WORD_TEXT) {
		if (!server)
			take_option(servers, word);
		else if (servers->count < RESOLVERS_MAX &&
		    parse_server(word, &servers->list[servers->count]))
			servers->count++;
	}
}

/* Room for one try of every server, and for connecting behind them. */
static void
limit_timeout(struct name_servers *servers, int64_t connect_timeout)
{
	const int64_t share = connect_timeout / (int64_t)(servers->count + 1);

	if (connect_timeout > 0 && share < servers->timeout)
		servers->timeout = share > TIMEOUT_MIN ? (int)share :
							 TIMEOUT_MIN;
}

struct name_servers
resolvconf_read(const struct settings *settings, int file)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct name_servers servers = {
		.timeout = TIMEOUT_DEFAULT,
		.attempts = ATTEMPTS_DEFAULT,
	};
	struct words w;
	char word[WORD_SIZE];

	words_start(&w, file);
	for (enum word what = words_next(&w, word); what != WORD_NONE;
	     what = words_next(&w, word))
		if (what == WORD_TEXT)
			read_line(&w, word, &servers);
	if (settings->resolver_count > 0)
		servers.count = 0;
	for (size_t i = 0; i < settings->resolver_count; i++) {
		servers.list[i] =
		    (struct name_server){ .address = settings->resolvers[i] };
		servers.count++;
	}
	if (servers.count == 0)
		servers.list[servers.count++].address = address_ipv4(loopback,
		    DNS_PORT);
	limit_timeout(&servers, settings->connect_timeout);
	return servers;
}
