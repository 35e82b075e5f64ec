/* SPDX-License-Identifier: ISC */
/*
 * Telling the service manager how we are: the protocol of sd_notify(3).
 */
#ifndef SOCKS64_LOG_NOTIFY_H
#define SOCKS64_LOG_NOTIFY_H

/*
 * Remembers where $NOTIFY_SOCKET is, so that no later change of the
 * environment matters.  Without that variable, or where it names no
 * unix-domain socket, nobody will be told anything.
 */
void notify_open(void);

/* Forgets it: this process tells nobody anything from now on. */
void notify_close(void);

/*
 * Sends `state`, lines of KEY=VALUE (READY=1, STATUS=...), as one datagram.
 * Errors are ignored.  May be called inside the sandbox.
 */
void notify_send(const char *state);

#endif
