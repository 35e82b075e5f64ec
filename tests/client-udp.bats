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

# The gateway's addresses, where a test changed them.
teardown() {
	[[ -e $BATS_TEST_TMPDIR/hosts ]] || return 0
	cp "$BATS_TEST_TMPDIR/hosts" "/etc/netns/$NET-gw/hosts"
	ip -n "$NET-gw" address change "$GW6/64" dev c6 preferred_lft forever
	ip -n "$NET-gw" address delete 192.0.2.9/24 dev c4
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
			UDP_GRO: ENOPROTOOPT
		END
	done
}

# bats test_tags=sanitized
@test "the number of a TCP socket that became one of UDP, unseen" {
	run -0 s64 c4 "$BUILT/calls" behind v6.example.com 5353
	assert_equal answers "$output" 'EBADF ping'
}

# by_ipv6 N: so many associations of one datagram each way.
by_ipv6() {
	[[ $(grep -c "^[^ ]* ok client=\[$GW6\].* datagrams=1/1/0 " \
	    "$GATEWAY_LOG") -eq $1 ]]
}

# bats test_tags=sanitized
@test "the first gateway is IPv4 and not there, the next one IPv6" {
	local host
	cp "/etc/netns/$NET-gw/hosts" "$BATS_TEST_TMPDIR/hosts"
	# Its own address is a deprecated one, so that it comes last.
	ip -n "$NET-gw" address change "$GW6/64" dev c6 preferred_lft 0
	ip -n "$NET-gw" address add 192.0.2.9/24 dev c4
	printf '%s two.example.net\n' 192.0.2.9 "$GW6" \
	    >>"/etc/netns/$NET-gw/hosts"
	for host in v4.example.com v6.example.com "$S4" "$S6"; do
		run -0 in_ns gw "$WRAPPER" -s two.example.net \
		    "$BUILT/datagrams" ask "$host" 5353
		assert_match "$host" "$output" '^socks64: gateway 192.0.2.9:1080: '
		assert_match "$host" "${lines[1]}" \
		    '^sendto ping same, connect ping same$'
		[[ $output != *other* ]] || fail "$host" "$output"
	done
	wait_until by_ipv6 12 || fail "$(cat "$GATEWAY_LOG")"
}

@test "a socket that was connected directly, then by a gateway of IPv6" {
	run -0 s64 c6 "$PYTHON" - "$S4" <<-'END'
		import socket
		import sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(5)
		s.connect(("127.0.0.1", 9))
		s.connect((sys.argv[1], 5353))
		s.send(b"ping")
		print(s.recv(100).decode(), s.getpeername())
	END
	assert_equal answer "$output" "ping ('$S4', 5353)"
}

@test "-v: a line for each association" {
	run -0 s64 c4 -v "$BUILT/datagrams" ask v6.example.com 5353
	assert_match line "$output" 'socks64\[[0-9]+\]: udp associated'
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

# start_steps OPTION...: datagrams steps in c4, each of which is told by
# `step'.
start_steps() {
	local pipe=$BATS_TEST_TMPDIR/steps
	mkfifo "$pipe"
	exec 8<>"$pipe"
	# shellcheck disable=SC2016 # for the inner shell
	start steps in_ns c4 sh -c 'exec <"$0" "$@"' "$pipe" "$WRAPPER" "$@" \
	    "$BUILT/datagrams" steps v6.example.com 5353
	wait_for_line "$BATS_FILE_TMPDIR/steps.out" '^resolved$'
}

# step NUMBER: what came of it.
step() {
	echo >&8
	wait_for_line "$BATS_FILE_TMPDIR/steps.out" "^$1 " ||
	    fail "$(cat "$BATS_FILE_TMPDIR/steps.err")"
	assert_equal "step $1" \
	    "$(sed -n "s/^$1 //p" "$BATS_FILE_TMPDIR/steps.out")" 'ping same'
}

# second_with_ids: another gateway, at an address of its own that comes first,
# with a table of its own.
second_with_ids() {
	local state=$BATS_TEST_TMPDIR/second
	install -d -o nobody -m 700 "$state"
	ip -n "$NET-gw" address add 192.0.2.3/24 dev c4
	printf '%s ids.example.net\n' 192.0.2.3 "$GW4" \
	    >>"/etc/netns/$NET-c4/hosts"
	start second ip netns exec "$NET-gw" systemd-socket-activate --accept \
	    -l 192.0.2.3:1080 "$HANDLER" -o "$NET_ALLOW" -o 'address-id on' \
	    -o 'user nobody' -o "state-dir $state"
	wait_until net_listens gw 1080 3
}

@test "names ask: an ADDRESS ID is for the gateway that gave it alone" {
	start_with_ids
	second_with_ids
	run -0 in_ns c4 "$WRAPPER" -s ids.example.net --env
	assert_match 'the second one is first' "$output" \
	    'gateway=192.0.2.3:1080 gateway=192.0.2.1:1080'
	start_steps -s ids.example.net -o 'names ask'
	assert_equal 'asked of the first one' \
	    "$(grep -c ' cmd=ASSOCIATE ' "$GATEWAY_LOG" || :)" 0
	step 1
	stop second
	for pid in $(ip netns pids "$NET-gw"); do
		[[ ! /proc/$pid/exe -ef $HANDLER ]] || kill "$pid"
	done
	# Until then its association takes a datagram, and loses it.
	wait_until sessions_are 0
	step 2
	stop steps
	client_names
}

@test "an association that the gateway ended is made anew" {
	local pid
	start_steps -s "$GW4"
	step 1
	for pid in $(ip netns pids "$NET-gw"); do
		[[ ! /proc/$pid/exe -ef $HANDLER_STATIC ]] || kill "$pid"
	done
	wait_until records_are 1
	step 2
	stop steps
}

# bats test_tags=sanitized
@test "an association that ended is made anew" {
	run -0 s64 c4 "$BUILT/datagrams" again v6.example.com 5353
	assert_equal answers "$output" \
	    'first ping, again ping, connected ping, again ping'
	wait_until records_are 3
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
