/*
 * Octets between two connected stream sockets, both ways, each by itself.
 */
#ifndef SOCKS64_NET_RELAY_H
#define SOCKS64_NET_RELAY_H

#include <stddef.h>
#include <stdint.h>

enum relay_result {
	RELAY_ERROR,   /* our side failed (no descriptor, no memory) */
	RELAY_OK,      /* both sides ended by FIN */
	RELAY_RESET,   /* one side was reset, the other was told */
	RELAY_TIMEOUT, /* idle or half-closed for too long */
	RELAY_STOPPED, /* SIGTERM */
};

struct relay {
	/* Two non-blocking stream sockets, TCP or unix-domain; borrowed,
	 * but closed to traffic at return. */
	int client;
	int server;

	/* Octets of the client that were read before: they go first. */
	const uint8_t *early;
	size_t early_length;

	/* Milliseconds; 0 is never. */
	int64_t idle_timeout;
	int64_t half_closed_timeout;

	/* Payload octets written to the server, to the client. */
	uint64_t up;
	uint64_t down;

	/* Why it ended ("the server reset its connection"), static. */
	const char *reason;
};

enum relay_result relay_run(struct relay *r);

#endif
