#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Users and passwords (RFC 1929) and the choice of the method, through the
# handler.  doc/peers.md says what other servers get wrong here.

load lib/common

login() {
	run alone "$CASES/login.py" "${PROGRAM:-$HANDLER}" "$@"
	echo "$output"
	[[ $status -eq 0 ]]
}

# own_child: for what is told by how a session ended, and what it took.
own_child() {
	[[ -z ${LISTEN:-} ]] || skip "a session is a child of its service"
}

@test "right, wrong and unknown, fields of 0 and 255 octets, malformed messages" {
	login answers
}

@test "a refusal comes after one to two seconds, and within handshake-timeout" {
	login deadline
}

@test "greeting, login, request and data in one segment, cut at every octet" {
	login cuts
}

@test "the method is the server's first that was offered, and never another" {
	login methods
}

@test "every message in every state: nothing passes before a login (CVE-2023-43644)" {
	login states
}

@test "every scheme that this libcrypt makes, inside the sandbox" {
	login schemes
}

@test "the same, static link" {
	PROGRAM=$HANDLER_STATIC login schemes
}

@test "lines that openssl, mkpasswd and htpasswd make" {
	local program
	for program in openssl mkpasswd htpasswd; do
		command -v $program >/dev/null || skip "no $program"
	done
	login programs
}

@test "an unknown user costs what a wrong password does" {
	own_child
	login timing
}

@test "a refusal's moment is counted from the login's arrival" {
	login moment
}

@test "a login waits for one of a few places" {
	login places
}

@test "what this host could not check is its own failure, 71, nobody's password" {
	own_child
	need sys-ptrace
	[[ $(uname -m) == x86_64 ]] || skip "the injector is for x86_64"
	make -s -C "$ROOT" build/tests/inject
	login failures
}

@test "no password in any log, in memory, or in a core" {
	need sys-ptrace
	login secret
}

@test "this machine would leave a core" {
	run "$CASES/login.py" "$HANDLER" core
	[[ $status -ne 2 ]] || skip "no program leaves a core here"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a password file by the name of a credential" {
	login credentials
}
