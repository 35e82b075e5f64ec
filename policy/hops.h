/* SPDX-License-Identifier: ISC */
/*
 * The next gateways that a configuration names: `via' of a rule, and
 * `via-password-file' and `via-proxy-protocol', which say more of one.
 */
#ifndef SOCKS64_POLICY_HOPS_H
#define SOCKS64_POLICY_HOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"
#include "wire/login.h"

/*
 * One next gateway, the same object for everything that names the same
 * HOST:PORT.  Texts live as long as the process.
 */
struct hop {
	const char *text;       /* HOST:PORT; a name in lower case, IPv6 in
			     brackets */
	const char *name;       /* NULL: HOST is an address */
	struct address address; /* that address; the port in any case */
	bool used;              /* a rule leads there */

	const char *password_file; /* NULL: no password is offered */
	int password;              /* that file, open; -1: it is not */
	bool proxied;              /* connections begin with a PROXY header */
};

enum { HOPS_MAX = 16 };

struct hops {
	size_t count;
	struct hop list[HOPS_MAX];
};

struct reader;

/* The hop that `text', HOST:PORT, means; a new one where there was none.
 * NULL: it is none, there are too many, or no memory, and the reader has
 * told. */
struct hop *hop_find(struct reader *r, struct hops *hops, const char *text);

/*
 * Opens the password file of each hop that a rule leads to, in the manner of
 * password_open().  False: one could not be, and the reader has told.
 */
bool hops_open(struct hops *hops, struct reader *r);

/* SECURITY: closes the files that hops_open() opened. */
void hops_close(struct hops *hops);

/* What hop_login() reads into; the caller wipes it. */
enum { HOP_LOGIN_TEXT = 2 * LOGIN_FIELD_MAX + 4 };

/*
 * Reads `user:password' from the first line of the hop's open file into
 * `buffer', which *out points into.  False: there is no such line, and errno
 * is 0; or it could not be read, for that errno.
 */
bool hop_login(const struct hop *hop, char buffer[HOP_LOGIN_TEXT],
    struct login *out);

#endif
