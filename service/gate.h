/* SPDX-License-Identifier: ISC */
/*
 * The gate: a generation of the service, from one reading of the
 * configuration to the next change of it.
 */
#ifndef SOCKS64_SERVICE_GATE_H
#define SOCKS64_SERVICE_GATE_H

#include <stdbool.h>
#include <sys/types.h>

#include "service/service.h"

/*
 * Called in a fresh child of the parent, `parent'.  Returns in each session
 * with *is_session true; in the gate itself when it has to end: STATUS_OK
 * where an input changed or SIGTERM came, STATUS_SYSTEM where the system
 * failed it, which the log has.
 */
enum exit_status gate_run(struct service *v, struct session *s, pid_t parent,
    bool *is_session);

#endif
