#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Whole handlers in a machine that does not exist: tests/fuzz/machine.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	make -s build/replay/{session,names,association,hop,command,service} \
	    build/fuzz/vectors/scripts.made
}

setup() {
	cd "$BATS_TEST_DIRNAME/.."
}

# holds TARGET: on the scripts of scripts.py, and on what fuzzing found.
holds() {
	run -0 "build/replay/$1" "build/fuzz/vectors/$1" "tests/fuzz/corpus/$1"
	[[ $output == *" replayed" ]]
}

@test "sessions from their first octet to their record" {
	holds session
}

@test "look-ups against name servers that lie" {
	holds names
}

@test "associations with all that may send to them" {
	holds association
}

@test "sessions by a next gateway that says what it likes" {
	holds hop
}

@test "the command line over any configuration" {
	holds command
}

@test "the processes of the listening mode" {
	holds service
}

@test "a run leaves nothing to the next one" {
	local scripts=build/fuzz/vectors/session

	MACHINE_TRACE=1 run -0 build/replay/session "$scripts"/{term,connect}
	[[ $output == *": stopped "*": ok "* ]]
}

@test "the same script does the same again" {
	local script=build/fuzz/vectors/session/udp

	MACHINE_TRACE=1 run -0 build/replay/session "$script" "$script"
	[[ $output == *"datagrams=2/"* ]]
	[[ $(grep -o 'seconds=[^ ]*' <<<"$output" | sort -u | wc -l) -eq 1 ]]
	[[ $(sort <<<"$output" | uniq -u) == *" replayed" ]]
}
