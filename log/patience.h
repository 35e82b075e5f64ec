/* SPDX-License-Identifier: ISC */
/*
 * How long the log may hold a process up, where the call that writes has no
 * limit of its own: one of a library, or write(2) to what others write to,
 * too, so that no poll(2) tells whether it will block.
 */
#ifndef SOCKS64_LOG_PATIENCE_H
#define SOCKS64_LOG_PATIENCE_H

#include <stdbool.h>

/* Before the sandbox.  May be called again. */
void patience_prepare(void);

/*
 * From here a call that blocks is interrupted (EINTR): a second from now, or
 * as good as at once where it is not to wait.  One that does not block is
 * not.  patience_end() ends that.  Costs a system call each.
 */
void patience_begin(bool waits);
void patience_end(void);

#endif
