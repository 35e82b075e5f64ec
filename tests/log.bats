#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Records against users and names that try to forge or break them, on stderr,
# in syslog and in the journal, and what a record tells of the judgement.

load lib/common

# forging CHECK: where /dev/log and the journal are ours.
forging() {
	need mounts
	run alone "$PEERS/syslog-dev" "$BATS_TEST_TMPDIR/log" \
	    "$CASES/forging.py" "$HANDLER" "$1"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "users of %, line ends, ESC, quotes, broken UTF-8: one record, escaped, in every sink" {
	forging users
}

@test "names of the same: one record, escaped, in every sink" {
	forging names
}

@test "USERIDs of SOCKS4 of the same: a field of the journal, and no user" {
	forging claims
}

@test "such users in ps and systemctl status" {
	forging titles
}

@test "the journal has rule, reason, attempts, proxy and listener" {
	forging fields
}

@test "when a session began and how long it lasted, in every sink" {
	forging times
	HANDLER=$HANDLER_STATIC forging times
}

# stuck PROGRAM SINK: where nobody reads it.
stuck() {
	need mounts
	run alone "$PEERS/syslog-dev" "$BATS_TEST_TMPDIR/log" \
	    "$CASES/stuck.py" "$@"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a journald that does not read holds up no end, no octet, no datagram" {
	stuck "$HANDLER" journal
	stuck "$HANDLER_STATIC" journal
}

@test "nor does a syslogd, nor who reads standard error" {
	stuck "$HANDLER" syslog
	stuck "$HANDLER" stderr
}

@test "the journal's native protocol: a newline in a value, a datagram too long" {
	local native=$ROOT/build/tests/native
	run -0 "$native" 1000 A=1 B=2
	assert_equal plain "$output" $'A=1\nB=2'
	# The length of the value in 64 bits, little endian.
	run -0 bash -c '"$@" | od -An -v -tx1 | tr -d " \n"' - \
	    "$native" 1000 A=1 B=$'x\ny' C=3
	assert_equal newline "$output" \
	    "413d310a420a0300000000000000780a790a433d330a"
	# What does not fit is cut from its end: at half, at a quarter.
	run -0 "$native" 8 A=1 B=2 C=3 D=4
	assert_equal half "$output" $'A=1\nB=2'
	run -0 "$native" 7 A=1 B=2 C=3 D=4
	assert_equal quarter "$output" A=1
	run -0 "$native" 3 A=1 B=2
	assert_equal nothing "$output" ""
}
