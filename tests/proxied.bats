#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Behind a proxy that says who the client is: the PROXY protocol, versions 1
# and 2, through the handler (the parser alone: messages.bats; a real
# HAProxy: slow/haproxy.bats).

load lib/common

proxied() {
	run alone "$CASES/proxied.py" "${PROGRAM:-$HANDLER}" "$@"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "each header of the vectors is taken or closes the connection, and names the client" {
	proxied vectors
}

@test "header, greeting, request and data in one segment, cut at every octet" {
	proxied cuts
}

@test "LOCAL is for health checks, at debug only, and UNKNOWN is the balancer itself" {
	proxied health
}

@test "another source is closed with a header and without, a missing one times out" {
	proxied closed
}

@test "rules judge whom the header names, IPv4-mapped as IPv4" {
	proxied policy
}

@test "BND has the family of whom the header names" {
	proxied bound
}

@test "the header's destination is out of reach in every spelling" {
	proxied destination
}
