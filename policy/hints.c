/* SPDX-License-Identifier: ISC */
/*
 * Arrays of characters, no pointers: those would cost every start, for words
 * that stand in a wrong configuration only.
 */
#include "policy/hints.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

enum { WORD_TEXT = 24, HINT_TEXT = 112, NUMBER_TEXT = 8 };

enum hint {
	HINT_LISTEN,
	HINT_EXTERNAL,
	HINT_METHOD,
	HINT_RULE,
	HINT_LOG,
	HINT_DEBUG,
	HINT_USER,
	HINT_LOGIN,
	HINT_IDLE,
	HINT_HANDSHAKE,
	HINT_CONNECT,
	HINT_HALF_CLOSED,
	HINT_ROUTE,
	HINT_RESOLVER,
	HINT_MOST,
};

static const char hints[][HINT_TEXT] = {
	[HINT_LISTEN] = "where it listens, who starts it says: "
			"ListenStream= of socks64.socket, or -l ADDRESS:PORT",
	[HINT_EXTERNAL] = "outgoing connections have `source ADDRESS' and "
			  "`interface NAME'",
	[HINT_METHOD] = "write `auth none' or `auth password'",
	[HINT_RULE] = "a rule is one line and begins with allow or deny, "
		      "as in `allow from 10.0.0.0/8 port 443'",
	[HINT_LOG] = "write `log-to auto', journal, syslog or stderr",
	[HINT_DEBUG] = "write `log-level debug'",
	[HINT_USER] = "write `user NAME': whom root becomes",
	[HINT_LOGIN] = "write `auth password'; users and their hashes are in "
		       "the file of `password-file'",
	[HINT_IDLE] = "write `idle-timeout TIME'",
	[HINT_HANDSHAKE] = "write `handshake-timeout TIME'",
	[HINT_CONNECT] = "write `connect-timeout TIME'",
	[HINT_HALF_CLOSED] = "write `half-closed-timeout TIME'",
	[HINT_ROUTE] = "a rule leads to the next gateway: "
		       "`allow to .example.com via HOST:PORT'",
	[HINT_RESOLVER] = "write `resolver ADDRESS'",
	[HINT_MOST] = "MaxConnections= of socks64.socket, and with -l "
		      "`max-sessions N'",
};

/* Dante's, microsocks' options as words, 3proxy's. */
static const struct {
	char word[WORD_TEXT];
	uint8_t hint;
} words[] = {
	{ "listen", HINT_LISTEN },
	{ "listenip", HINT_LISTEN },
	{ "port", HINT_LISTEN },
	{ "bind", HINT_LISTEN },
	{ "bindaddr", HINT_LISTEN },
	{ "address", HINT_LISTEN },
	{ "internal", HINT_LISTEN },
	{ "socks5", HINT_LISTEN },
	{ "proxy", HINT_LISTEN },
	{ "external", HINT_EXTERNAL },
	{ "external.rotation", HINT_EXTERNAL },
	{ "method", HINT_METHOD },
	{ "methods", HINT_METHOD },
	{ "socksmethod", HINT_METHOD },
	{ "clientmethod", HINT_METHOD },
	{ "authmethod", HINT_METHOD },
	{ "client", HINT_RULE },
	{ "socks", HINT_RULE },
	{ "pass", HINT_RULE },
	{ "block", HINT_RULE },
	{ "permit", HINT_RULE },
	{ "reject", HINT_RULE },
	{ "accept", HINT_RULE },
	{ "whitelist", HINT_RULE },
	{ "from", HINT_RULE },
	{ "to", HINT_RULE },
	{ "log", HINT_LOG },
	{ "logoutput", HINT_LOG },
	{ "errorlog", HINT_LOG },
	{ "logfile", HINT_LOG },
	{ "debug", HINT_DEBUG },
	{ "verbose", HINT_DEBUG },
	{ "user.privileged", HINT_USER },
	{ "user.notprivileged", HINT_USER },
	{ "user.unprivileged", HINT_USER },
	{ "user.libwrap", HINT_USER },
	{ "setuid", HINT_USER },
	{ "runas", HINT_USER },
	{ "username", HINT_LOGIN },
	{ "password", HINT_LOGIN },
	{ "pass-file", HINT_LOGIN },
	{ "users", HINT_LOGIN },
	{ "auth-once", HINT_LOGIN },
	{ "timeout", HINT_IDLE },
	{ "timeouts", HINT_IDLE },
	{ "timeout.io", HINT_IDLE },
	{ "iotimeout", HINT_IDLE },
	{ "timeout.negotiate", HINT_HANDSHAKE },
	{ "timeout.connect", HINT_CONNECT },
	{ "connecttimeout", HINT_CONNECT },
	{ "timeout.tcp_fin_wait", HINT_HALF_CLOSED },
	{ "route", HINT_ROUTE },
	{ "parent", HINT_ROUTE },
	{ "upstream", HINT_ROUTE },
	{ "nserver", HINT_RESOLVER },
	{ "nameserver", HINT_RESOLVER },
	{ "dns", HINT_RESOLVER },
	{ "maxconn", HINT_MOST },
	{ "maxconnections", HINT_MOST },
	{ "maxclients", HINT_MOST },
};

static const struct {
	char name[NUMBER_TEXT];
	char number[NUMBER_TEXT];
} ports[] = {
	{ "ftp", "21" },
	{ "ssh", "22" },
	{ "smtp", "25" },
	{ "domain", "53" },
	{ "dns", "53" },
	{ "http", "80" },
	{ "www", "80" },
	{ "pop3", "110" },
	{ "ntp", "123" },
	{ "imap", "143" },
	{ "https", "443" },
	{ "smtps", "465" },
	{ "imaps", "993" },
	{ "pop3s", "995" },
};

const char *
hint_keyword(const char *keyword)
{
	size_t length = strlen(keyword);

	if (length > 0 && keyword[length - 1] == ':')
		length--;
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		if (strlen(words[i].word) == length &&
		    strncasecmp(words[i].word, keyword, length) == 0)
			return hints[words[i].hint];
	return NULL;
}

const char *
hint_port(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(ports); i++)
		if (strcasecmp(ports[i].name, name) == 0)
			return ports[i].number;
	return NULL;
}
