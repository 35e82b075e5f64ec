/* SPDX-License-Identifier: ISC */
/*
 * What an errno of connect(2) means: to the client (REP), in the log's list
 * of attempts, and as a sentence.
 */
#ifndef SOCKS64_NET_FAILURE_H
#define SOCKS64_NET_FAILURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire/socks5.h"

struct failure {
	int error;
	enum reply reply;
	const char *word;   /* "refused" */
	const char *phrase; /* of an address: "refused the connection" */
};

/* Never NULL: an errno without a row is a general failure. */
const struct failure *failure_of(int error);

/*
 * Does this host lack a descriptor or memory?  Then what could not be taken
 * is still there: who polls for it again finds it at once, and spins.
 */
bool failure_is_ours(int error);

/*
 * Did a call that returned n fail so?  Then nobody else is to blame, and every
 * wait is WAIT_STOPPED from here on (wait_give_up()).
 */
bool failure_gives_up(ssize_t n);

#endif
