/* SPDX-License-Identifier: ISC */
/*
 * The parent of gate and sessions.
 */
#ifndef SOCKS64_SERVICE_PARENT_H
#define SOCKS64_SERVICE_PARENT_H

#include <stdbool.h>

#include "service/service.h"

/*
 * Keeps the service until it is told to end, and returns the exit status.  Or
 * returns in a session, with *is_session true; or in a gate that ends.
 */
enum exit_status parent_run(struct service *v, struct session *s,
    bool *is_session);

#endif
