#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Programs that people use, unmodified, through the gateway to a server of
# the other family and of their own.

load lib/gateway
load lib/ssh

prepare_file() {
	gateway_start activate
}

setup() {
	net_needed
	: >"$GATEWAY_LOG"
}

# proxy ROLE: the gateway's address as URLs have it.
proxy() {
	[[ $1 == c4 ]] && echo "$GW4" || echo "[$GW6]"
}

# The one record in the log since the test began, of a session that went to
# HOST:PORT.
assert_served() { # DEST PEER
	wait_for_log ' client='
	run grep -oE 'ok client=.*' "$GATEWAY_LOG"
	assert_equal "records: $output" "${#lines[@]}" 1
	assert_record "${lines[0]}" ok cmd=CONNECT dest="$1" peer="$2"
	: >"$GATEWAY_LOG"
}

@test "curl --socks5-hostname, all four types" {
	local type
	for type in $TYPES; do
		use_type "$type"
		run -0 in_ns $CLIENT curl -sS -m 30 --socks5-hostname \
		    "$(proxy $CLIENT):1080" "http://$SERVER_NAME/"
		assert_equal "$type" "$output" "hello from $SERVER"
		assert_served "$SERVER_NAME:80" "$(endpoint "$SERVER" 80)"
	done
}

@test "curl --socks5 looks up by itself, all four types" {
	local type
	for type in $TYPES; do
		use_type "$type"
		run -0 in_ns $CLIENT curl -sS -m 30 --socks5 \
		    "$(proxy $CLIENT):1080" "http://$SERVER_NAME/"
		assert_equal "$type" "$output" "hello from $SERVER"
		assert_served "$(endpoint "$SERVER" 80)" \
		    "$(endpoint "$SERVER" 80)"
	done
}

@test "curl tells the reply code that the gateway gave" {
	run in_ns c4 curl -sS -m 30 --socks5-hostname "$GW4:1080" \
	    http://missing.example.com/
	[[ $status -ne 0 ]]
	assert_match curl "$output" '\(4\)'
	run in_ns c4 curl -sS -m 30 --socks5-hostname "$GW4:1080" \
	    http://v6.example.com:9/
	[[ $status -ne 0 ]]
	assert_match curl "$output" '\(5\)'
}

@test "nc -X 5, all four types" {
	local type
	for type in $TYPES; do
		use_type "$type"
		run -0 in_ns $CLIENT nc -N -w 30 -X 5 \
		    -x "$(proxy $CLIENT):1080" "$SERVER_NAME" 80 \
		    < <(printf 'GET / HTTP/1.0\r\n\r\n')
		assert_match "$type" "$output" "hello from $SERVER"
		assert_served "$SERVER_NAME:80" "$(endpoint "$SERVER" 80)"
	done
}

@test "ssh with nc as ProxyCommand, all four types" {
	sshd_start s4 "$S4"
	sshd_start s6 "$S6"
	local type home=$BATS_FILE_TMPDIR/sshd
	for type in $TYPES; do
		use_type "$type"
		run -0 in_ns $CLIENT ssh -F none -i "$home/key" \
		    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		    -o StrictHostKeyChecking=no -o IdentitiesOnly=yes \
		    -o ProxyCommand="nc -X 5 -x $(proxy $CLIENT):1080 %h %p" \
		    "root@$SERVER_NAME" 'echo in; head -c 1000000 /dev/zero |
		    sha256sum' </dev/null
		assert_match "$type" "$output" \
		    'in.d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025'
		assert_served "$SERVER_NAME:22" "$(endpoint "$SERVER" 22)"
	done
}

@test "proxychains4 with curl, all four types" {
	local type conf=$BATS_TEST_TMPDIR/proxychains.conf
	for type in $TYPES; do
		use_type "$type"
		cat >"$conf" <<-END
			strict_chain
			proxy_dns
			quiet_mode
			[ProxyList]
			socks5 $GATEWAY 1080
		END
		run -0 --separate-stderr in_ns $CLIENT proxychains4 -f "$conf" \
		    curl -sS -m 30 "http://$SERVER_NAME/"
		assert_equal "$type: $stderr" "$output" "hello from $SERVER"
		wait_for_log 'ok client='
		: >"$GATEWAY_LOG"
	done
}

# It makes no IPv6 socket, and asks Tor's own command (07 here) for names.
@test "torsocks with curl, by address, the one type that it can" {
	local conf=$BATS_TEST_TMPDIR/torsocks.conf
	use_type A
	printf 'TorAddress %s\nTorPort 1080\n' "$GATEWAY" >"$conf"
	run -0 in_ns $CLIENT env TORSOCKS_CONF_FILE="$conf" \
	    torsocks curl -sS -m 30 "http://$SERVER/"
	assert_equal "what came" "$output" "hello from $SERVER"
	assert_served "$SERVER:80" "$SERVER:80"
}

# Its configuration takes no IPv6 address for a gateway.
@test "dante's socksify with curl, the two types of an ipv4 client" {
	local type conf=$BATS_TEST_TMPDIR/socks.conf
	for type in A B; do
		use_type "$type"
		cat >"$conf" <<-END
			resolveprotocol: fake
			route {
				from: 0/0 to: 0/0 via: $GATEWAY port = 1080
				proxyprotocol: socks_v5
				protocol: tcp
				command: connect
				method: none
			}
		END
		run --separate-stderr -0 in_ns $CLIENT env SOCKS_CONF="$conf" \
		    socksify curl -sS -m 30 "http://$SERVER_NAME/"
		assert_equal "$type: $stderr" "$output" "hello from $SERVER"
		assert_served "$SERVER_NAME:80" "$(endpoint "$SERVER" 80)"
	done
}

@test "PySocks, all four types, looking up here and there" {
	local type remote
	for type in $TYPES; do
		use_type "$type"
		for remote in True False; do
			run -0 in_ns $CLIENT "$PYTHON" -I - "$GATEWAY" \
			    "$SERVER_NAME" "$SERVER" $remote <<-'END'
				import socket, sys, socks
				gateway, name, server, remote = sys.argv[1:]
				family = socket.AF_INET6 if ":" in gateway \
				    else socket.AF_INET
				sock = socks.socksocket(family)
				sock.settimeout(30)
				sock.set_proxy(socks.SOCKS5, gateway, 1080,
				               rdns=remote == "True")
				sock.connect((name if remote == "True"
				              else server, 80))
				sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
				sock.shutdown(socket.SHUT_WR)
				text = b""
				while True:
				    more = sock.recv(1000)
				    if not more:
				        break
				    text += more
				print(text.decode().splitlines()[-1])
			END
			assert_equal "$type" "$output" "hello from $SERVER"
			wait_for_log 'ok client='
			: >"$GATEWAY_LOG"
		done
	done
}
