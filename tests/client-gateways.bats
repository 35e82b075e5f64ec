#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# socks64 and its gateway: what each fault of it is to the program, on either
# side of every octet; users and passwords, unix-domain sockets, several
# addresses.  Whatever is wrong, nothing goes directly instead.

load lib/common
load lib/client

setup_file() {
	make -s -C "$ROOT" build/client/calls
}

# A scripted gateway on loopback, and the answers of connect(2) to it.
gateway() {
	run alone "$CASES/client.py" "$WRAPPER" "$BUILT/calls" "$@"
	[[ $status -eq 0 ]] || fail "$output"
}

# bats test_tags=sanitized
@test "each REP is its errno, with ATYP 01, 03 and 04, cut at every octet" {
	gateway replies
}

# bats test_tags=sanitized
@test "what follows the reply is the program's, to the octet" {
	gateway exact
}

# bats test_tags=sanitized
@test "FIN and RST at each step" {
	gateway ends
}

# bats test_tags=sanitized
@test "no SOCKS5: version 4, HTTP, an unknown method" {
	gateway strangers
}

# bats test_tags=sanitized
@test "users: right, wrong, none where one is wanted; no password is shown" {
	gateway users
}

# bats test_tags=sanitized
@test "silence ends with the connect-timeout, for blocking and for epoll" {
	gateway silence
}

# bats test_tags=sanitized
@test "early: one segment, with a password too" {
	gateway early
}

# bats test_tags=sanitized
@test "a gateway that is down: one line, ENETDOWN, the next address" {
	gateway down
}

@test "messages: once a process, and never where stderr is another file" {
	gateway messages
}

@test "no connection is made before the program makes one" {
	gateway idle
}

@test "getsockname is BND, else local, else zeros; its port is that of BND" {
	gateway own_names
}

@test "a server that calls back: the one that was asked last, refusals, and not" {
	gateway called
}

# bats test_tags=sanitized
@test "--check of gateways that want a password, lose octets, or are none" {
	gateway looks
}

# bats test_tags=sanitized
@test "a unix-domain gateway: either family, options, refusal, then anew" {
	gateway unix
}

@test "a unix-domain gateway: no datagrams" {
	gateway unix_datagrams
}
