/* SPDX-License-Identifier: ISC */
/*
 * The errno table.  RFC 1928 6 names the replies and not when to use them;
 * a peer that resets a SYN has refused it.
 */
#include "net/failure.h"

#include <errno.h>
#include <stddef.h>

#include "base/array.h"
#include "base/wait.h"

static const struct failure failures[] = {
	{ 0, REPLY_GENERAL_FAILURE, "failed", "could not be reached" },
	{ ECONNREFUSED, REPLY_CONNECTION_REFUSED, "refused",
	    "refused the connection" },
	{ ECONNRESET, REPLY_CONNECTION_REFUSED, "reset",
	    "reset the connection" },
	{ ECONNABORTED, REPLY_CONNECTION_REFUSED, "reset",
	    "reset the connection" },
	{ EPIPE, REPLY_CONNECTION_REFUSED, "reset", "reset the connection" },
	{ ENETUNREACH, REPLY_NETWORK_UNREACHABLE, "unreachable",
	    "is in an unreachable network" },
	{ ENETDOWN, REPLY_NETWORK_UNREACHABLE, "unreachable",
	    "is in a network that is down" },
	{ EADDRNOTAVAIL, REPLY_NETWORK_UNREACHABLE, "no-source",
	    "can be reached from no free local address and port" },
	{ EHOSTUNREACH, REPLY_HOST_UNREACHABLE, "host-unreachable",
	    "is an unreachable host" },
	{ EHOSTDOWN, REPLY_HOST_UNREACHABLE, "host-unreachable",
	    "is a host that is down" },
	{ ENONET, REPLY_HOST_UNREACHABLE, "host-unreachable",
	    "is not on the network" },
	{ ETIMEDOUT, REPLY_TTL_EXPIRED, "timeout", "did not answer in time" },
	{ EACCES, REPLY_NOT_ALLOWED, "prohibited",
	    "is prohibited by a route or a firewall" },
	{ EPERM, REPLY_NOT_ALLOWED, "prohibited",
	    "is prohibited by a firewall" },
	{ EAFNOSUPPORT, REPLY_ADDRESS_TYPE_NOT_SUPPORTED, "unsupported",
	    "is of a family that this host does not speak" },
	{ EPROTONOSUPPORT, REPLY_ADDRESS_TYPE_NOT_SUPPORTED, "unsupported",
	    "is of a protocol that this host does not speak" },
	{ EPROTOTYPE, REPLY_ADDRESS_TYPE_NOT_SUPPORTED, "unsupported",
	    "is of a protocol that this host does not speak" },
	{ EMFILE, REPLY_GENERAL_FAILURE, "no-descriptor",
	    "could not be tried: no descriptor is left" },
	{ ENFILE, REPLY_GENERAL_FAILURE, "no-descriptor",
	    "could not be tried: no descriptor is left" },
	{ ENOBUFS, REPLY_GENERAL_FAILURE, "no-memory",
	    "could not be tried: no memory is left" },
	{ ENOMEM, REPLY_GENERAL_FAILURE, "no-memory",
	    "could not be tried: no memory is left" },
	{ EAGAIN, REPLY_GENERAL_FAILURE, "no-port",
	    "could not be tried: no local port is left" },
	{ EINVAL, REPLY_GENERAL_FAILURE, "invalid",
	    "is an address that the kernel refuses" },
	{ EIO, REPLY_GENERAL_FAILURE, "no-routes",
	    "could not be tried: this host's routes cannot be read" },
};

const struct failure *
failure_of(int error)
{
	for (size_t i = 1; i < ARRAY_COUNT(failures); i++)
		if (failures[i].error == error)
			return &failures[i];
	return &failures[0];
}

bool
failure_is_ours(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM: return true;
	default: return false;
	}
}

bool
failure_gives_up(ssize_t n)
{
	if (n >= 0 || !failure_is_ours(errno))
		return false;
	wait_give_up(errno);
	return true;
}
