#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Sessions that live beside a process that destroys their table.

load ../lib/common

@test "no content of the table ends a session by a signal" {
	run alone "$CASES/shared-file.py" "$HANDLER" scribbled
	[[ $status -eq 0 ]] || fail "$output"
}
