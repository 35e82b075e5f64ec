#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A part of `make faults`: every so many of the faults that it injects.

load ../lib/common
load ../lib/faults

export BATS_TEST_TIMEOUT=900

@test "a fault at a system call is told truly, hangs nobody and leaves nothing" {
	faults "$HANDLER" --share 60
}

@test "the same with the static link" {
	faults "$HANDLER_STATIC" --share 60
}
