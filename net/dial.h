/* SPDX-License-Identifier: ISC */
/*
 * Connecting to a destination: resolve, sort (RFC 6724), judge each address
 * as it is dialled, and race (RFC 8305).
 */
#ifndef SOCKS64_NET_DIAL_H
#define SOCKS64_NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wait.h"
#include "net/outcome.h"
#include "net/resolve.h"
#include "policy/policy.h"
#include "policy/settings.h"
#include "wire/address.h"
#include "wire/socks5.h"

enum { ATTEMPTS_TEXT = 1024 };

struct dial {
	/* What to do.  question->name is looked up, or question->literal is
	 * the one candidate.  client: watched for a reset; -1 for none. */
	const struct settings *settings;
	const struct question *question;
	struct deadline until;
	int client;
	/* The address that the name stands for in a live FTP session of the
	 * same client: goes before what a look-up finds.  FAMILY_NONE: none.
	 * pinned_only: there is no other. */
	struct address pinned;
	bool pinned_only;

	/*
	 * What came of it.  RESULT_OK: connected.  RESULT_CONNECT_FAILED: no
	 * address answered, and the reply follows from its errno.
	 * RESULT_DENIED: every address was denied.  RESULT_RESOLVE_FAILED:
	 * there is no address.  RESULT_CLIENT_GONE: the client reset its
	 * connection meanwhile.  RESULT_STOPPED: SIGTERM.  RESULT_ERROR:
	 * /dev/urandom cannot be read.
	 */
	struct outcome outcome;
	int fd;                 /* non-blocking, tuned, the caller's; or -1 */
	struct address peer;    /* dialled, with the port */
	struct address local;   /* of fd */
	struct verdict verdict; /* of the address that was dialled, or of the
				   last one that was denied */
	char attempts[ATTEMPTS_TEXT]; /* "[2001:db8::80]:443 timeout, ..." */
};

/* Runs to the end, and all descriptors but d->fd are closed.  True: it is
 * connected. */
bool dial_run(struct dial *d);

/* Both answers, and an address that was known before. */
enum { DIALLED_MAX = 2 * ANSWER_MAX + 1 };

/*
 * The addresses that dial_run() would try for this question, in its order,
 * had both answers of `names` been there at once; names is not looked at for
 * a literal.  Fills list, returns how many: 0 where `prefer' excludes all.
 */
size_t dial_candidates(const struct settings *settings,
    const struct question *question, const struct resolution *names,
    struct address list[DIALLED_MAX]);

/* Why there is none, as a sentence, and the reply that says so. */
const char *dial_no_candidate(const struct resolution *names,
    enum reply *reply);

#endif
