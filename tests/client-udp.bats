#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Datagrams of programs under socks64.

load lib/gateway
load lib/client

prepare_file() {
	client_names
	gateway_start inetd
	net_datagrams
	make -s -C "$ROOT" build/client/datagrams build/client/calls
}

setup() {
	net_needed
	: >"$GATEWAY_LOG"
}

# bats test_tags=sanitized
@test "connected or not, by name and literal, to either family" {
	local role host
	for role in c4 c6; do
		for host in v4.example.com v6.example.com "$S4" "$S6"; do
			run -0 s64 "$role" "$BUILT/datagrams" ask "$host" 5353
			assert_match "$role $host" "$output" \
			    '^(sendto ping same, connect ping same\n?){1,2}'
			[[ $output != *other* && $output != *E[A-Z]* ]] ||
			    fail "$role $host" "$output"
		done
	done
}

# bats test_tags=sanitized
@test "MSG_PEEK, MSG_TRUNC, sendmmsg, recvmmsg, readv and writev" {
	local role
	for role in c4 c6; do
		run -0 s64 "$role" "$BUILT/datagrams" calls v6.example.com 5353
		diff - <(echo "$output") <<-'END'
			peek 4 ping
			read 4 ping
			short 2 of 4
			truncated 4, MSG_TRUNC 1
			sendmmsg 2
			recvmmsg 2 one two
			writev 6
			readv 6 abcdef
			large 65000
			empty 0
			would block: EAGAIN
			UDP_SEGMENT: ENOPROTOOPT
		END
	done
}

@test "nc -u" {
	needs_program nc
	run -0 s64 c4 nc -u -w 2 v6.example.com 5353 <<<hello
	[[ $output == hello ]]
}

@test "dig, by UDP, as a client of either family" {
	needs_program dig
	local role
	for role in c4 c6; do
		run -0 s64 "$role" dig +short "@$DNS" v6.example.com AAAA
		[[ $output == "$S6" ]] || fail "$role: $output"
	done
}

# start_with_ids: a gateway that gives ADDRESS IDs.
start_with_ids() {
	local state=$BATS_TEST_TMPDIR/state
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" \
	    "$(dirname "$BATS_FILE_TMPDIR")"
	install -d -o nobody -m 700 "$state"
	gateway_stop
	gateway_start inetd "$NET_ALLOW" 'address-id on' 'user nobody' \
	    "state-dir $state"
}

# bats test_tags=sanitized
@test "names ask: a missing name is told at once, ADDRESS IDs name the source" {
	start_with_ids
	local role
	for role in c4 c6; do
		run -0 s64 "$role" -o 'names ask' "$BUILT/datagrams" two \
		    v6.example.com 5353
		assert_equal "$role" "$output" 'same same '
		run -0 s64 "$role" -o 'names ask' "$BUILT/datagrams" ask \
		    v6.example.com 5353
		[[ $output != *other* && $output != *E[A-Z]* ]] ||
		    fail "$role" "$output"
		run -0 s64 "$role" -v -o 'names ask' "$BUILT/calls" resolve \
		    none.example.com 80
		assert_match "$role" "$output" \
		    'none.example.com looked up, no such name'
		assert_match "$role" "$output" EAI_NONAME
		[[ $(records_of CONNECT none.example.com:80) -eq 0 ]]
	done
}

# bats test_tags=sanitized
@test "names ask: getsockname of AF_INET6 is what an IPv6 server sees" {
	start_with_ids
	run -0 s64 c4 -o 'names ask' "$BUILT/calls" own v6.example.com 80
	assert_match own "$output" '^2001:db8:2::1 [0-9]+$'
}

@test "names ask where the gateway knows no IDs is names fake" {
	gateway_stop
	gateway_start inetd
	run -0 s64 c4 -o 'names ask' curl -sS http://v6.example.com/
	assert_equal page "$output" "hello from $S6"
	run -0 s64 c4 -o 'names ask' "$BUILT/datagrams" ask v6.example.com 5353
	[[ $output != *other* && $output != *E[A-Z]* ]] || fail "$output"
	run -0 s64 c4 -o 'names ask' "$BUILT/calls" resolve \
	    none.example.com 80
	assert_match 'a fake address' "$output" '240\.0\.0\.1'
}

# bats test_tags=sanitized
@test "an association that ended is made anew" {
	run -0 s64 c4 "$BUILT/datagrams" again v6.example.com 5353
	[[ $output == 'first ping, again ping' ]]
	wait_until records_are 2
}

records_are() {
	[[ $(grep -c ' cmd=UDP dest=0.0.0.0:0 ' "$GATEWAY_LOG") -ge $1 ]]
}

# bats test_tags=sanitized
@test "udp off refuses, udp direct does not touch" {
	run s64 c4 -o 'udp off' "$BUILT/datagrams" ask v6.example.com 5353
	[[ $output == *EACCES* ]]
	run s64 c4 -o 'udp direct' "$BUILT/datagrams" ask "$S4" 5353
	[[ $output == *ENETUNREACH* ]]
	[[ $(records_of UDP 0.0.0.0:0) -eq 0 ]]
}

# bats test_tags=sanitized
@test "a gateway that refuses is an errno" {
	gateway_stop
	gateway_start inetd "deny udp" "$NET_ALLOW"
	run s64 c4 "$BUILT/datagrams" ask v6.example.com 5353
	[[ $output == *EACCES* ]]
	gateway_stop
	gateway_start inetd
}

# bats test_tags=sanitized
@test "datagrams that are direct go past the gateway" {
	run s64 c4 "$BUILT/datagrams" self
	[[ $output == 'ping from 127.0.0.1' ]]
	[[ $(records_of UDP 0.0.0.0:0) -eq 0 ]]
}
