#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Injected faults that once came out wrong.  All the others: `make faults`.

load lib/common
load lib/faults

@test "each rule that judges a session can fail" {
	run /usr/bin/python3 "$TESTS/faults/rules.py"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "the faults of tests/faults/kept come out right" {
	faults "$HANDLER_STATIC" --kept "$TESTS/faults/kept"
}
