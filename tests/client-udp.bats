#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Datagrams of programs under socks64.

load lib/gateway
load lib/client

prepare_file() {
	client_names
	gateway_start inetd
	net_datagrams
	make -s -C "$ROOT" build/client/datagrams
}

setup() {
	net_needed
	: >"$GATEWAY_LOG"
}

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
			large 60000
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

@test "an association that ended is made anew" {
	run -0 s64 c4 "$BUILT/datagrams" again v6.example.com 5353
	[[ $output == 'first ping, again ping' ]]
	wait_until records_are 2
}

records_are() {
	[[ $(grep -c ' cmd=UDP dest=0.0.0.0:0 ' "$GATEWAY_LOG") -ge $1 ]]
}

@test "udp off refuses, udp direct does not touch" {
	run s64 c4 -o 'udp off' "$BUILT/datagrams" ask v6.example.com 5353
	[[ $output == *EACCES* ]]
	run s64 c4 -o 'udp direct' "$BUILT/datagrams" ask "$S4" 5353
	[[ $output == *ENETUNREACH* ]]
	[[ $(records_of UDP 0.0.0.0:0) -eq 0 ]]
}

@test "a gateway that refuses is an errno" {
	gateway_stop
	gateway_start inetd "deny udp" "$NET_ALLOW"
	run s64 c4 "$BUILT/datagrams" ask v6.example.com 5353
	[[ $output == *EACCES* ]]
	gateway_stop
	gateway_start inetd
}

@test "datagrams that are direct go past the gateway" {
	run s64 c4 "$BUILT/datagrams" self
	[[ $output == 'ping from 127.0.0.1' ]]
	[[ $(records_of UDP 0.0.0.0:0) -eq 0 ]]
}
