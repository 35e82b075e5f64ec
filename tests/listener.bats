#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Rules by where the client reached the gateway: `on'; and --check, which asks
# whether a gateway answers there.
#
# shellcheck shell=bash

load lib/gateway

# explained RULE CLIENT: the first word of -e
explained() {
	run --separate-stderr "$HANDLER" -e -f /dev/null -o "allow $1 at any" -o 'socks4 on' \
	    connect "$2" 192.0.2.80:80
	echo "${lines[0]%% *}"
}

@test "-e is told where the client reached the gateway" {
	local client=192.0.2.7@198.51.100.1:1080
	assert_equal net "$(explained 'on 198.51.100.0/24' $client)" allowed
	assert_equal "another net" "$(explained 'on 198.51.101.0/24' $client)" denied
	assert_equal address "$(explained 'on 198.51.100.1' $client)" allowed
	assert_equal port "$(explained 'on :1081,:1080' $client)" allowed
	assert_equal "another port" "$(explained 'on :1081' $client)" denied
	assert_equal both "$(explained 'on 198.51.100.1:1080' $client)" allowed
	assert_equal unix "$(explained 'on unix' $client)" denied
	assert_equal "a unix-domain client" "$(explained 'on unix' unix:uid=0)" allowed
	assert_equal "and another rule" "$(explained 'on :1080' unix:uid=0)" denied
	assert_equal IPv6 "$(explained 'on [2001:db8::1]:1080,2001:db8:1::/48' \
	    '2001:db8::7@[2001:db8:1::1]:1080')" allowed
	assert_equal SOCKS4 "$(explained 'on :1080' socks4:$client)" allowed
	run -64 "$HANDLER" -e -f /dev/null -o 'allow on :1080' \
	    connect 192.0.2.7 192.0.2.80:80
	assert_match "without it" "$output" "a rule has .on': the client is"
	local wrong
	for wrong in 192.0.2.7@ 192.0.2.7@198.51.100.1 192.0.2.7@:1080 \
	    192.0.2.7@x:1080; do
		run -64 "$HANDLER" -e -f /dev/null connect "$wrong" 192.0.2.80:80
	done
}

@test "the gateway's own port is known to -e by the listener" {
	run -1 "$HANDLER" -e -f /dev/null -o 'allow at any' connect \
	    127.0.0.1@127.0.0.1:1080 127.0.0.1:1080
	assert_match reason "$output" "the port of this gateway itself"
}

@test "sessions know it, in both modes, IPv4 behind a socket of both families too" {
	net_needed
	local launcher
	for launcher in activate dual listen; do
		gateway_start $launcher "deny on $GW6" \
		    "${NET_ALLOW/allow all/allow all on $GW4:1080,:9}"
		run client c4 "$S6" 7000 reply
		assert_match "IPv4, $launcher" "$output" ' rep=00 '
		run client c6 "$S4" 7000 reply
		assert_match "IPv6, $launcher" "$output" ' rep=02 '
		gateway_stop
	done
}

@test "where a PROXY header says that the client came counts for nothing" {
	net_needed
	gateway_start activate "proxy-protocol-from $C4" \
	    "${NET_ALLOW/allow all/allow all on 203.0.113.0/24}"
	run in_ns c4 python3 - "$GW4" <<-'END'
		import socket
		import sys
		s = socket.create_connection((sys.argv[1], 1080))
		s.sendall(b"PROXY TCP4 192.0.2.9 203.0.113.1 4000 1080\r\n\5\1\0")
		print(s.recv(2))
		s.sendall(b"\5\1\0\1\xc6\x33\x64\x50\x1b\x58")
		print(s.recv(10)[1])
	END
	assert_equal reply "${lines[1]}" 2
	gateway_stop
}

@test "a unix-domain client" {
	net_needed
	local socket=$BATS_TEST_TMPDIR/socket
	start unix ip netns exec "$NET-gw" "$HANDLER" -l "$socket" \
	    -o "allow on unix at $S4"
	wait_until test -S "$socket"
	run in_ns gw "$PEERS/socks.py" "$socket" "$S4" 7000 reply
	assert_match reply "$output" ' rep=00 '
	stop unix
}

# checked STATUS PATTERN OPERAND...: by --check, in the gateway's namespace
checked() {
	run "-$1" --separate-stderr in_ns gw "$HANDLER" --check "${@:3}"
	assert_match "${*:3}" "$output" "$2"
	[[ $1 -eq 64 ]] || assert_equal lines "${#lines[@]}" 1
}

@test "--check: a gateway that answers, and what it reaches" {
	net_needed
	gateway_start listen "$NET_ALLOW"
	checked 0 "^$GW4: ok, [0-9]+ ms$" "$GW4"
	checked 0 "^\\[$GW6\\]:1080: ok, [0-9]+ ms$" "[$GW6]:1080"
	checked 0 ": ok, " "$GW4:1080" "$S4:7000"
	checked 0 ": ok, " "$GW4:1080" "[$S6]:7000"
	checked 0 ": ok, " "$GW4:1080" v4.example.com:7000
	checked 1 ": 10.0.0.1:80: reply 02$" "$GW4" 10.0.0.1:80
	checked 1 ": $S4:9: reply 05$" "$GW4" "$S4:9"
	checked 1 ": Connection refused$" "$GW4:1081"
	checked 1 ": No such file or directory$" /nowhere
	checked 64 '' "$GW4:0"
	checked 64 '' "$GW4" example.com
	checked 64 '' name.example
	checked 64 ''
	# The greetings alone left nothing.
	wait_until sessions_are 0
	assert_equal records "$(grep -c ' client=' "$GATEWAY_LOG")" 5
	gateway_stop
}

@test "--check: what is no gateway, and one that wants a password" {
	net_needed
	local dest
	for dest in a..test:80 a.test: a.test:0 a.test:65536 a.test; do
		run -64 "$HANDLER" --check 127.0.0.1:1090 "$dest"
		assert_match "$dest" "$output" 'takes ADDRESS.*DEST:PORT'
	done
	local answer why
	cat >"$BATS_TEST_TMPDIR/other.py" <<-'END'
		import socket
		import sys
		listener = socket.create_server(("127.0.0.1", 1090))
		print("ready", flush=True)
		peer = listener.accept()[0]
		peer.recv(9)
		peer.sendall(bytes.fromhex(sys.argv[1]))
		peer.recv(300)
		peer.sendall(bytes.fromhex(sys.argv[2]))
	END
	while read -r answer why; do
		start other ip netns exec "$NET-gw" "$PYTHON" \
		    "$BATS_TEST_TMPDIR/other.py" "${answer%,*}" "${answer#*,}"
		wait_for_line "$BATS_FILE_TMPDIR/other.out" ready
		checked 1 "^127.0.0.1:1090: $why$" 127.0.0.1:1090 "$S4:80"
		stop other
	done <<-'END'
		485454502f, what answers is no SOCKS5
		05ff, it accepts no method
		0502, it asks for a password
		0500,04 its reply is malformed
		0500,05 it closed the connection
	END
}
