#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What of ADDRESS ID takes half a minute.

load ../lib/common

@test "behind an 08 the gateway waits for 30 seconds, anew behind each" {
	run alone "$CASES/address-id.py" "$HANDLER" idle
	[[ $status -eq 0 ]] || fail "$output"
}
