/* SPDX-License-Identifier: ISC */
/*
 * The parent in a fresh image of its program: execve(2) of itself.  The PID,
 * the children, the listening sockets and the memory of the service stay; the
 * layout of the address space and the stack's canary become others.
 */
#ifndef SOCKS64_SERVICE_RENEW_H
#define SOCKS64_SERVICE_RENEW_H

#include <stdbool.h>

#include "service/service.h"

/*
 * Does the program as it is now start, in a child, with -V, and end well
 * within five seconds?  One that does not would end the service.  True also
 * where it cannot be executed at all: renew_execute() knows why.
 */
bool renew_try(const struct service *v);

/*
 * Does not come back where the program could be executed.  Else nothing is
 * changed, and errno says why.
 */
void renew_execute(const struct service *v);

/*
 * Was this process executed by renew_execute()?  Then v->memory (-1 where its
 * layout is another), the claims socket and v->strict are as they were.
 */
bool renew_resume(struct service *v);

#endif
