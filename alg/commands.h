/* SPDX-License-Identifier: ISC */
/*
 * The commands of FTP that matter to a translator, and the table of what
 * becomes of each for each pair of families (RFC 6384, and the other
 * direction).  Pure.
 */
#ifndef SOCKS64_ALG_COMMANDS_H
#define SOCKS64_ALG_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

/* A command, with as much of its argument as the table needs. */
enum ask {
	ASK_OTHER,
	ASK_PASV,
	ASK_EPSV,         /* without an argument */
	ASK_EPSV_IPV4,    /* EPSV 1 */
	ASK_EPSV_IPV6,    /* EPSV 2 */
	ASK_EPSV_ALL,
	ASK_EPSV_UNKNOWN, /* any other argument */
	ASK_LPSV,
	ASK_PORT,
	ASK_EPRT,
	ASK_LPRT,
	ASK_ALGS,
	ASK_AUTH,
	ASK_STAT,
	ASK_TRANSFER,     /* RETR STOR STOU APPE LIST NLST MLSD */
	ASK_COUNT,
};

struct command {
	enum ask ask;
	const uint8_t *argument; /* without blanks at its end; borrowed */
	size_t argument_length;
	bool controls;           /* it has NUL, or a control but HT */
};

struct command command_parse(const uint8_t *line, size_t length);

/* Is the argument that word, in capitals or not? */
bool command_argument_is(const struct command *c, const char *word);

/* PORT, EPSV, ...; for answers and the record. */
const char *ask_name(enum ask ask);

/* Which families the client and the server have. */
enum pair {
	PAIR_SAME,
	PAIR_64, /* an IPv6 client, an IPv4 server */
	PAIR_46, /* an IPv4 client, an IPv6 server */
	PAIR_COUNT,
};

enum action {
	ACTION_PASS,    /* as it is, and the reply as it is */
	ACTION_WATCH,   /* the same; the reply announces a connection */
	ACTION_PASSIVE, /* the server is asked in its own way */
	ACTION_ACTIVE,  /* the same, if active_judge() says so */
	ACTION_ALL,     /* as it is; when granted, nothing but EPSV is */
	ACTION_ALGS,
	ACTION_AUTH,
	ACTION_SAY,     /* answered here */
};

struct treatment {
	enum action action;
	const char *say; /* a reply, without its line end */
};

struct treatment treatment_of(enum ask ask, enum pair pair);

/* How to ask the server, best first: the n-th way; ASK_OTHER: no more. */
enum ask passive_way(enum family server, unsigned n);
enum ask active_way(enum family server, unsigned n);

enum active {
	ACTIVE_SAY,       /* no: `say' */
	ACTIVE_PASS,      /* not ours to translate: as it is */
	ACTIVE_TRANSLATE, /* the client waits at `target' */
};

struct active_verdict {
	enum active active;
	const char *say;
	struct address target;
};

/*
 * What to do with PORT, EPRT, LPRT.  is_own(context, address): is that the
 * client itself (with any port), or a live BIND of it?
 */
typedef bool active_own(void *context, const struct address *address);
struct active_verdict active_judge(const struct command *command,
    enum pair pair, active_own *is_own, void *context);

/* Does that code refuse the command as such, so that another way may do? */
bool is_refusal(unsigned code);

#endif
