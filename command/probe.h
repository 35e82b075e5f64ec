/* SPDX-License-Identifier: ISC */
/*
 * --check: does a gateway answer?  For a monitoring.
 */
#ifndef SOCKS64_COMMAND_PROBE_H
#define SOCKS64_COMMAND_PROBE_H

#include <stddef.h>

/*
 * operands: GATEWAY [DEST:PORT].  GATEWAY is ADDRESS, ADDRESS:PORT,
 * [ADDRESS]:PORT or the path of a unix-domain socket.  Sends a greeting, and
 * with DEST a CONNECT, all within ten seconds.  Prints one line on stdout;
 * returns 0: it answered as it should, 1: it did not, 64: a bad operand (said
 * on stderr).
 */
int probe_run(char *const *operands, size_t count);

#endif
