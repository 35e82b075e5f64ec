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

@test "such users in ps and systemctl status" {
	forging titles
}

@test "the journal has rule, reason, attempts, proxy and listener" {
	forging fields
}
