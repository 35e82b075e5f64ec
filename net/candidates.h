/*
 * The addresses of a name in the order in which they are to be tried: RFC
 * 6724 6 and `prefer'.
 */
#ifndef SOCKS64_NET_CANDIDATES_H
#define SOCKS64_NET_CANDIDATES_H

#include <stddef.h>

#include "net/resolve.h"
#include "policy/settings.h"
#include "wire/address.h"

enum { CANDIDATES_MAX = 2 * ANSWER_MAX };

struct candidates {
	size_t count;
	struct address list[CANDIDATES_MAX]; /* port 0 */
};

/* Of a resolution that is done; none where it has no address.  Those without
 * a route are the last ones. */
void candidates_find(struct candidates *out, const struct settings *settings,
    const struct resolution *r);

#endif
