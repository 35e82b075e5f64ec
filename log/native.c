/* SPDX-License-Identifier: ISC */
/*
 * The journal of systemd, for the link without libsystemd, by its native
 * protocol: a record is one datagram of fields.  A field is KEY=VALUE and a
 * newline; where the value has a newline it is KEY, a newline, the length of
 * the value as 64 bits in little endian, the value and a newline.
 *
 * The protocol passes what is too long for a datagram by a file in memory,
 * which the sandbox forbids: such a record loses its last fields.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/descriptor.h"
#include "log/journal.h"

/* A field needs at most 5 pieces: key, newline, length, value, newline. */
enum { PIECES_MAX = 5 * FIELDS_MAX };

static int journal_socket = -1;

struct datagram {
	struct iovec pieces[PIECES_MAX];
	size_t count;
	uint64_t lengths[FIELDS_MAX]; /* of values with a newline */
};

static void
piece_add(struct datagram *d, const void *octets, size_t length)
{
	/* sendmsg(2) only reads what an iovec points to. */
	d->pieces[d->count++] = (struct iovec){ (void *)(uintptr_t)octets,
		length };
}

static void
field_add(struct datagram *d, const struct iovec *field, uint64_t *length)
{
	const char *key = field->iov_base;
	const char *value = (const char *)memchr(key, '=', field->iov_len) + 1;
	const size_t key_length = (size_t)(value - key) - 1;
	const size_t value_length = field->iov_len - key_length - 1;

	if (memchr(value, '\n', value_length) == NULL) {
		piece_add(d, key, field->iov_len);
	} else {
		*length = htole64(value_length);
		piece_add(d, key, key_length);
		piece_add(d, "\n", 1);
		piece_add(d, length, sizeof(*length));
		piece_add(d, value, value_length);
	}
	piece_add(d, "\n", 1);
}

void
journal_backend_open(void)
{
	const struct timeval patience = { .tv_sec = JOURNAL_PATIENCE };

	if (journal_socket >= 0)
		return;
	journal_socket = descriptor_share(socket(AF_UNIX,
	    SOCK_DGRAM | SOCK_CLOEXEC, 0));
	setsockopt(journal_socket, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
}

/* errno of what the kernel said; 0: it took them. */
static int
send_fields(const struct iovec *fields, size_t n, int flags)
{
	struct sockaddr_un receiver = { .sun_family = AF_UNIX,
		.sun_path = JOURNAL_SOCKET };
	struct datagram d;
	struct msghdr message = { .msg_name = &receiver,
		.msg_namelen = sizeof(receiver),
		.msg_iov = d.pieces };

	d.count = 0;
	for (size_t i = 0; i < n; i++)
		field_add(&d, &fields[i], &d.lengths[i]);
	message.msg_iovlen = d.count;
	return sendmsg(journal_socket, &message, flags) >= 0 ? 0 : errno;
}

bool
journal_backend_send(const struct iovec *fields, size_t n, bool waits)
{
	const int flags = MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT);
	int error = EMSGSIZE;

	while (n > 0 && error == EMSGSIZE) {
		error = send_fields(fields, n, flags);
		n /= 2;
	}
	return error == 0;
}
