#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Greeting and request: every message of tests/vectors/socks5 in every cut,
# every first octet, command, address type and name, clients that are silent
# or never stop; each answer and each record.  doc/peers.md says what other
# servers get wrong here.

load lib/common

handshake() {
	run alone "$CASES/handshake.py" "${PROGRAM:-$HANDLER}" "$@"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "each vector in turns has its answer and its record" {
	handshake vectors turns
}

@test "each vector whole in one segment" {
	handshake vectors whole
}

@test "each vector octet by octet" {
	handshake vectors octets
}

@test "each vector cut at every offset" {
	handshake vectors cuts
}

@test "each vector whole, static link" {
	PROGRAM=$HANDLER_STATIC handshake vectors whole
}

@test "data ahead of the reply reaches the server, whatever the cut" {
	handshake early
}

@test "data ahead of the reply reaches the server, static link" {
	PROGRAM=$HANDLER_STATIC handshake early
}

@test "every first octet but 5 is closed without an answer and logged not-socks" {
	handshake versions
}

@test "every command but those of rfc 1928 is answered 07" {
	handshake commands
}

@test "every address type but 1 3 4 is answered 08" {
	handshake address-types
}

@test "what is no name is answered 01, and what is one is judged" {
	handshake names
}

@test "a client that falls silent at any octet, or drips, meets the handshake timeout" {
	handshake silent
}

@test "a refusal is readable while the client goes on sending, and closed within 10 s" {
	handshake ten-seconds
}

@test "a refusal is followed by a FIN and no reset, whatever came ahead" {
	handshake ahead
}

@test "a refused client that stays open is closed within 10 s" {
	handshake linger
}
