#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# ADDRESS ID and ADDRESS ASSOCIATE (draft-kitamura-socks-ipv6-01).

load lib/common

# holds CHECK: tests/cases/address-id.py has nothing to complain of.
holds() {
	run alone "$CASES/address-id.py" "$HANDLER" "$1"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "the draft's messages and what it leaves open, octet by octet" {
	holds vectors
}

@test "without address-id the commands are 07 and the type 08; FLAG 10 holds" {
	holds off
}

@test "an address is asked for its name where \`reverse' is set, judged first" {
	holds reverse
}

@test "the address of one family is waited for, and for no longer" {
	holds late
}

@test "an ID is no permit: each use is judged, for its client alone" {
	holds policy
}

@test "a name that is spelt otherwise in the table leads nowhere" {
	need root
	holds spelt
}

@test "09, 0A and 0B by a next gateway are answered with an ID, too" {
	need root
	holds chained
}

@test "08, 08, CONNECT on one connection; the 17th is refused; one record" {
	holds sequence
}

@test "CONNECT, BIND and UDP by ID between all four pairs of families" {
	holds families
}

@test "an ID of 09, 0A, 0B lives as long as its connection, then as any other" {
	need root
	holds kept
}

@test "an ID expires, refreshed or not" {
	need root
	holds ages
}

@test "09 alike for another's ID, an expired one, and none" {
	need root
	holds alike
}

@test "where a name behind an ID led, it leads for a minute, by UDP too" {
	need root
	holds pinned
}

@test "a flood of wrong IDs does not keep the table busy" {
	holds flood
}

@test "an ID is no wrong one because the table is locked" {
	holds busy
}

@test "the control channel of UDP takes IDs" {
	holds control
}

@test "eight wrong IDs a minute, then none is right" {
	holds guessing
}

@test "without a table an ID is 01, and the record says why" {
	holds no-table
	mkdir -m 700 "$BATS_TEST_TMPDIR/d"
	printf '%s\n' 'address-id on' 'ftp-alg off' 'allow' \
	    "state-dir $BATS_TEST_TMPDIR/none" >"$BATS_TEST_TMPDIR/c"
	run -0 --separate-stderr "$HANDLER" -t -f "$BATS_TEST_TMPDIR/c"
	# shellcheck disable=SC2154 # set by run
	assert_match warning "$stderr" 'needs the association table'
}

@test "no ID is left of what failed" {
	holds failed
}

@test "-e takes associate, for which no port is needed" {
	printf '%s\n' 'address-id on' 'deny to .example.net' \
	    'allow udp at 9.9.9.9 port 53' >"$BATS_TEST_TMPDIR/c"
	run -0 "$HANDLER" -f "$BATS_TEST_TMPDIR/c" -e associate 127.0.0.1 \
	    9.9.9.9:0
	run -1 "$HANDLER" -f "$BATS_TEST_TMPDIR/c" -e associate 127.0.0.1 \
	    x.example.net:0
	assert_match verdict "$output" '^denied .*:2'
}
