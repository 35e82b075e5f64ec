#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Many at once under socks64: threads, dead destinations, gateways of several
# addresses, and calls that fail.

load lib/gateway
load lib/client

prepare_file() {
	client_names
	gateway_start inetd
	local role
	for role in s4 s6; do
		start "echo-$role" ip netns exec "$NET-$role" \
		    "$PEERS/server.py" "$(net_server "$role")" echo=7003
		wait_for_line "$BATS_FILE_TMPDIR/echo-$role.out" '^ready$'
	done
	make -s -C "$ROOT" build/client/threads build/client/calls
}

# bats test_tags=sanitized
@test "16 threads, 10 connections each, to a server of the other family" {
	run -0 s64 c4 "$BUILT/threads" crowd "$S6" 7003
	assert_equal connections "$output" 160
	run -0 s64 c6 "$BUILT/threads" crowd "$S4" 7003
	assert_equal connections "$output" 160
}

# bats test_tags=sanitized
@test "a thread that is cancelled while it connects leaves no lock behind" {
	[[ ${SANITIZED:-} != asan ]] ||
	    skip 'AddressSanitizer takes the stack of such a thread for poison'
	run -0 s64 c4 "$BUILT/threads" cancel "$S6" 7003
	assert_equal 'the others' "$output" alive
}

# bats test_tags=sanitized
@test "a thread that waits does not spin once the others have connected" {
	start idle s64 c4 -o 'connect-timeout 1s' "$BUILT/threads" idle \
	    "$S6" 7003
	wait_for_line "$BATS_FILE_TMPDIR/idle.out" '^connected$'
	sleep 1.2 # not for order: the deadline is over
	local -i before
	before=$(cpu_of "$(program_of idle)")
	sleep 1
	(($(cpu_of "$(program_of idle)") - before < 30)) || fail 'it spins'
	stop idle
}

# program_of NAME: start ran a function, whose child the program is.
program_of() {
	pgrep -P "$(pid_of "$1")" | grep . || pid_of "$1"
}

@test "a descriptor of five digits connects" {
	run s64 c4 "$BUILT/threads" high "$S6" 7003
	[[ $status -ne 77 ]] || skip 'so many descriptors are not allowed here'
	assert_equal connection "$output" '70000 ok'
}

# bats test_tags=sanitized
@test "waits that no library sees lose nothing" {
	run -0 s64 c4 "$BUILT/calls" raw v6.example.com 80
	assert_match page "$output" "hello from $S6"
}
