/* SPDX-License-Identifier: ISC */
/*
 * resolv.conf(5).  c-ares would read it too, but not its timeout and
 * attempts (it knows them as retrans and retry), nor a server's zone; and
 * `search' and `domain' must never be heard of.
 */
#include "net/resolvconf.h"

#include <string.h>

#include "base/array.h"
#include "base/lines.h"
#include "base/number.h"

enum {
	DNS_PORT = 53,
	SERVERS_MAX = 3, /* glibc's MAXNS */
	TIMEOUT_DEFAULT = 5000,
	TIMEOUT_MIN = 100,
	TIMEOUT_MAX = 30,
	ATTEMPTS_DEFAULT = 2,
	ATTEMPTS_MAX = 5,
};

/* A number as C writes it: 0x before a hexadecimal one, 0 before an octal one.
 * *at goes behind it. */
static bool
parse_part(const char **at, uint64_t *out)
{
	const char *digits = *at;
	unsigned base = 10;
	uint64_t number = 0;

	if (!is_digit(*digits))
		return false;
	if (digits[0] == '0')
		base = 8;
	if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
		base = 16;
		digits += 2;
		if (hex_digit(*digits) == NO_DIGIT)
			return false;
	}
	for (; hex_digit(*digits) < base && number <= UINT32_MAX; digits++)
		number = number * base + hex_digit(*digits);
	*at = digits;
	*out = number;
	return number <= UINT32_MAX;
}

/* The forms of inet_aton(3): 127.1, 0x7f.0.1, 0177.0.0.1 and 2130706433 are
 * 127.0.0.1, too; the last number takes all octets that are left. */
static bool
parse_ipv4(const char *word, struct address *out)
{
	unsigned bits = 32; /* that are left */
	uint64_t number = 0;
	uint64_t part;

	for (;;) {
		if (!parse_part(&word, &part))
			return false;
		if (*word != '.')
			break;
		if (bits == 8 || part > UINT8_MAX)
			return false;
		bits -= 8;
		number |= part << bits;
		word++;
	}
	if (*word != '\0' || part >> bits != 0)
		return false;
	number |= part;
	*out = address_ipv4((const uint8_t[]){ (uint8_t)(number >> 24),
				(uint8_t)(number >> 16),
				(uint8_t)(number >> 8), (uint8_t)number },
	    0);
	return true;
}

/* An IPv4 address, an IPv6 one, or that with %ZONE.  A zone that cannot be one
 * is none. */
static bool
parse_server(const char *word, struct name_server *out)
{
	const size_t length = strcspn(word, "%");
	const char *zone = word + length + (word[length] == '%');
	struct name_server server = { .zone = "" };

	if (!parse_ipv4(word, &server.address) &&
	    (strchr(word, ':') == NULL ||
		!address_parse(word, length, &server.address)))
		return false;
	server.address.port = DNS_PORT;
	if (strlen(zone) < sizeof(server.zone))
		text_copy(server.zone, sizeof(server.zone), zone);
	*out = server;
	return true;
}

/* The digits that `word' begins with as a number, 1 to `most'. */
static int
number_of(const char *word, int most)
{
	int number = 0;

	for (; is_digit(*word) && number <= most; word++)
		number = number * 10 + (*word - '0');
	if (number == 0)
		return 1;
	return number < most ? number : most;
}

/* The others of resolv.conf(5) change what is the same here always: no search
 * list, names as they are, a port for each family, no AD bit. */
static void
take_option(struct name_servers *servers, const char *word)
{
	const struct {
		const char *word;
		bool *field;
	} switches[] = {
		{ "rotate", &servers->rotate },
		{ "use-vc", &servers->tcp },
		{ "edns0", &servers->edns },
		{ "no-aaaa", &servers->no_ipv6 },
		{ "single-request", &servers->one_query },
	};
	static const char timeout[] = "timeout:";
	static const char attempts[] = "attempts:";

	for (size_t i = 0; i < ARRAY_COUNT(switches); i++)
		if (strcmp(word, switches[i].word) == 0)
			*switches[i].field = true;
	if (strncmp(word, timeout, strlen(timeout)) == 0)
		servers->timeout = 1000 *
		    number_of(word + strlen(timeout), TIMEOUT_MAX);
	if (strncmp(word, attempts, strlen(attempts)) == 0)
		servers->attempts = number_of(word + strlen(attempts),
		    ATTEMPTS_MAX);
}

/* What is behind a keyword at the start of the line; NULL: another one. */
static char *
behind(char *line, const char *keyword)
{
	const size_t length = strlen(keyword);

	if (strncmp(line, keyword, length) != 0 ||
	    (line[length] != ' ' && line[length] != '\t'))
		return NULL;
	return line + length;
}

static void
read_line(char *line, struct name_servers *servers)
{
	char *value = behind(line, "nameserver");

	if (value != NULL && servers->count < SERVERS_MAX) {
		value += strspn(value, " \t");
		value[strcspn(value, " \t")] = '\0';
		if (parse_server(value, &servers->list[servers->count]))
			servers->count++;
	}
	value = behind(line, "options");
	while (value != NULL && *value != '\0') {
		char *word = value + strspn(value, " \t");
		const size_t length = strcspn(word, " \t");

		value = word + length + (word[length] != '\0');
		word[length] = '\0';
		take_option(servers, word);
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

static void
read_file(int file, struct name_servers *servers)
{
	struct lines lines;
	size_t length;

	if (file == -1)
		return;
	lines_start(&lines, file);
	for (char *line = lines_next(&lines, &length); line != NULL;
	     line = lines_next(&lines, &length))
		read_line(line, servers);
}

struct name_servers
resolvconf_read(const struct settings *settings, int file)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct name_servers servers = {
		.timeout = TIMEOUT_DEFAULT,
		.attempts = ATTEMPTS_DEFAULT,
	};

	read_file(file, &servers);
	if (settings->resolver_count > 0) {
		servers.count = settings->resolver_count;
		memcpy(servers.list, settings->resolvers,
		    sizeof(servers.list));
	}
	if (servers.count == 0)
		servers.list[servers.count++].address = address_ipv4(loopback,
		    DNS_PORT);
	limit_timeout(&servers, settings->connect_timeout);
	return servers;
}

void
resolvconf_rotate(struct name_servers *servers, uint8_t random)
{
	const struct name_servers as_written = *servers;

	for (size_t i = 0; servers->rotate && i < servers->count; i++)
		servers->list[i] =
		    as_written.list[(i + random) % servers->count];
}
