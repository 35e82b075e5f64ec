#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A part of `make faults': every so many of the faults that it injects.

load ../lib/common

export BATS_TEST_TIMEOUT=900

# faults PROGRAM SHARE
faults() {
	need root
	[[ $(uname -m) == x86_64 ]] || skip "the injector is for x86_64"
	make -s -C "$ROOT" build/tests/inject
	run alone "$TESTS/faults/faults.py" --share "$2" \
	    "$ROOT/build/tests/inject" "$1"
	[[ $status -eq 0 ]] || fail "$output"
	echo "$output"
}

@test "a fault at a system call is told truly, hangs nobody and leaves nothing" {
	faults "$HANDLER" 500
}

@test "the same with the static link" {
	faults "$HANDLER_STATIC" 500
}
