/* SPDX-License-Identifier: ISC */
/*
 * The commands of FTP that matter to a translator, and the tables of what
 * becomes of each between two families: RFC 6384 for IPv6 clients of IPv4
 * servers, and the mirror of it for IPv4 clients of IPv6 servers.  Pure.
 */
#ifndef SOCKS64_ALG_COMMANDS_H
#define SOCKS64_ALG_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

/* A command, with as much of its argument as the tables need. */
enum ask {
	ASK_OTHER,
	ASK_PASV,
	ASK_EPSV,      /* without an argument */
	ASK_EPSV_IPV4, /* EPSV 1 */
	ASK_EPSV_IPV6, /* EPSV 2 */
	ASK_EPSV_ALL,
	ASK_EPSV_UNKNOWN, /* EPSV with any other argument */
	ASK_LPSV,
	ASK_PORT,
	ASK_EPRT,
	ASK_LPRT,
	ASK_ALGS,
	ASK_AUTH,
	ASK_STAT,
	ASK_LOGIN, /* USER PASS ACCT */
	ASK_ABOR,
	ASK_NOOP,
	ASK_TRANSFER, /* RETR STOR STOU APPE LIST NLST MLSD */
	ASK_COUNT,
};

struct command {
	enum ask ask;
	const uint8_t *argument; /* borrowed from the line, without blanks at
				    its end */
	size_t argument_length;
	bool controls; /* the line has NUL, or a control octet other
				    than HT */
};

/* Reads a line without its end.  Verbs count in capitals or not. */
struct command command_parse(const uint8_t *line, size_t length);

/* Tells whether the command sets a data connection up: PASV to LPRT. */
bool command_is_data(enum ask ask);

/* Tells whether the argument is that word, in capitals or not; the word is
 * given in capitals. */
bool command_argument_is(const struct command *c, const char *word);

/* Returns the verb ("PORT", "EPSV"), or "-" for one that is not translated. */
const char *command_name(enum ask ask);

/* The families of the client and the server. */
enum pair {
	PAIR_SAME,
	PAIR_64, /* an IPv6 client, an IPv4 server */
	PAIR_46, /* an IPv4 client, an IPv6 server */
	PAIR_COUNT,
};

enum action {
	ACTION_PASS,    /* the command goes on, and so does its reply */
	ACTION_WATCH,   /* the same, and the reply announces a connection */
	ACTION_PASSIVE, /* the server is asked in its own family's way */
	ACTION_ACTIVE,  /* the same where command_judge_target() says so */
	ACTION_ALL,     /* the command goes on; once it is granted, commands
			   other than EPSV are refused */
	ACTION_ALGS,    /* the translator is asked for its state */
	ACTION_AUTH,    /* lines may end behind it */
	ACTION_SAY,     /* the translator answers, with `say' */
};

struct treatment {
	enum action action;
	const char *say; /* a static reply without its line end, or NULL */
};

/* Returns what becomes of a command; for `pair' other than PAIR_COUNT. */
struct treatment command_treatment(enum ask ask, enum pair pair);

/* Returns the n-th way (from 0, the best first) to ask a server of that
 * family for a data connection, or ASK_OTHER where there are no more. */
enum ask command_passive_way(enum family server, unsigned n);
enum ask command_active_way(enum family server, unsigned n);

enum target {
	TARGET_REFUSED, /* the translator says no, with `say' */
	TARGET_FOREIGN, /* not the client's: the command goes on as it is */
	TARGET_OWN,     /* the client waits at `address' */
};

struct target_verdict {
	enum target judged;
	const char *say; /* a static reply without its line end, or NULL */
	struct address address;
};

/* Tells whether an address and port is the client's own: it is the client,
 * or what a live BIND of the client listens at. */
typedef bool command_own(void *context, const struct address *address);

/*
 * Reads the argument of PORT, EPRT or LPRT and says what to do with it.  A
 * foreign address is never translated (RFC 2577: the bounce attack; RFC 6384
 * 8); a port below 1024 of the client's own is refused.
 */
struct target_verdict command_judge_target(const struct command *command,
    enum pair pair, command_own *is_own, void *context);

#endif
