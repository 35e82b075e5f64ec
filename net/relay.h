/* SPDX-License-Identifier: ISC */
/*
 * Octets between two connected stream sockets, both ways, each by itself.
 * The FIN of one side is passed on behind its last octet; so is a reset;
 * urgent octets stay urgent and in their place (a sender may have one at a
 * time: when the next one comes before it was sent, it is an ordinary octet).
 */
#ifndef SOCKS64_NET_RELAY_H
#define SOCKS64_NET_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "net/outcome.h"

/* Somebody who looks on: is shown the octets of either direction before they
 * are written, and called every `interval' milliseconds.  Each may be NULL. */
struct relay_watch {
	void (*up)(void *context, const uint8_t *octets, size_t length);
	void (*down)(void *context, const uint8_t *octets, size_t length);
	void (*tick)(void *context);
	int64_t interval;
	void *context;
};

struct relay {
	/*
	 * Two non-blocking stream sockets, TCP or unix-domain; borrowed, but
	 * of no more use after the return: close them, or exit.  After
	 * RESULT_OK both were shut down and what is on its way still arrives.
	 * After every other end they have SO_LINGER { 1, 0 }, so that their
	 * last close(2) resets them: what was cut short must not look whole.
	 * Only after RESULT_RESET has it a side, too, that was given a whole
	 * stream, FIN and all, and has not taken all of it yet.
	 * (A unix-domain socket has no reset: its peer sees EOF or EPIPE.)
	 */
	int client;
	int server;

	/* Octets of the client that were read before: they go first. */
	const uint8_t *early;
	size_t early_length;

	/* Milliseconds without an octet, in all and after a FIN that was
	 * delivered; 0 is never.  An octet that waits for a slow reader is no
	 * octet, one that the reader takes from the kernel is. */
	int64_t idle_timeout;
	int64_t half_closed_timeout;

	const struct relay_watch *watch; /* NULL: nobody; borrowed */

	/* Payload octets written to the server, to the client. */
	uint64_t up;
	uint64_t down;

	/*
	 * How it ended; nobody is ever to be answered.  RESULT_OK: both sides
	 * ended by FIN, and the kernel could send all of it.  RESULT_RESET:
	 * one side was reset, the other was told.  RESULT_TIMEOUT: idle or
	 * half-closed for too long.  RESULT_STOPPED: SIGTERM.  RESULT_ERROR:
	 * no descriptor or no memory was left.
	 */
	struct outcome outcome;
};

/*
 * Relays to the end, which r->outcome tells.  After a reset the other side is
 * still given what came before it, until it takes nothing for 10 seconds.
 * wait_prepare() was called before.
 * Not for two threads: it has one buffer for each direction.
 */
void relay_run(struct relay *r);

#endif
