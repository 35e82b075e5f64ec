#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# SOCKS4 and 4A: messages, whom they serve and whom not, the four types,
# programs that people use, BIND, and what -e and -t say.

load lib/gateway
load lib/ssh

prepare_file() {
	gateway_start activate "$NET_ALLOW" 'socks4 on'
}

setup() {
	: >"${GATEWAY_LOG:-/dev/null}"
}

teardown() {
	stop client
}

# loopback CASES CHECK...: a handler of its own, by itself.
loopback() {
	local cases=$1
	shift
	run alone "$CASES/$cases.py" "${PROGRAM:-$HANDLER}" "$@"
	echo "$output"
	[[ $status -eq 0 ]]
}

# forms: those in which the client of this type can ask for the server:
# SOCKS4 has no IPv6 address, 4A takes one for a name.
forms() {
	echo name literal
	[[ $SERVER == *:* ]] || echo ip
}

# proxy: the gateway's address as URLs have it.
proxy() {
	[[ $GATEWAY == *:* ]] && echo "[$GATEWAY]:1080" || echo "$GATEWAY:1080"
}

# assert_served DEST: the one record since the test or the last call began.
assert_served() {
	wait_for_log ' client='
	run grep -oE '(ok|reset) client=.*' "$GATEWAY_LOG"
	assert_equal "records: $output" "${#lines[@]}" 1
	assert_record "${lines[0]}" ok user=- auth=socks4 cmd=CONNECT \
	    dest="$1" peer="$(endpoint "$SERVER" "${1##*:}")"
	: >"$GATEWAY_LOG"
}

@test "each vector in turns, whole, octet by octet, and cut at every offset" {
	local how
	for how in turns whole octets cuts; do
		loopback handshake vectors $how socks4
	done
}

@test "each vector whole, static link" {
	PROGRAM=$HANDLER_STATIC loopback handshake vectors whole socks4
}

@test "where socks4 is off or everybody must log in it is closed, and the record says why" {
	loopback socks4 closed
}

@test "every first octet but 4 and 5 is closed without an answer, as without SOCKS4" {
	loopback socks4 versions
}

@test "every CD but CONNECT and BIND is answered 91" {
	loopback socks4 commands
}

@test "what is no name is answered 91, and what is one is judged" {
	loopback socks4 names
}

@test "data ahead of the reply reaches the server, whatever the cut" {
	loopback socks4 early
}

@test "a client that falls silent at any octet, or drips, meets the handshake timeout" {
	loopback socks4 silent
}

@test "a refusal is followed by a FIN and no reset, whatever came ahead" {
	loopback socks4 farewell
}

@test "whatever fails is 91, and the record has the cause" {
	loopback socks4 failures
}

@test "the USERID is no user for any rule" {
	loopback socks4 rules
}

@test "behind a PROXY header the client is the one that it names" {
	loopback socks4 proxied
}

@test "types A to D, by name, literal and address, with data ahead of the reply" {
	net_needed
	local type form bnd
	for type in $TYPES; do
		use_type "$type"
		for form in $(forms); do
			ask "$form"
			run -0 client $CLIENT --socks4 --early --as "$AS" \
			    "$TARGET" 7000 exchange 200000
			assert_match "$type $form" "$output" 'rep=5a '
			bnd=$(value bnd "$output")
			# SOCKS4 has no room for an IPv6 address.
			[[ $CLIENT == c4 || $bnd == 0.0.0.0:* ]] ||
			    fail "bnd of $type: $bnd"
			[[ $type != B || $bnd == "$GW4":* ]] ||
			    fail "bnd of $type: $bnd"
			assert_served "$(endpoint "$TARGET" 7000)"
		done
	done
}

@test "SOCKS5 is served beside it" {
	net_needed
	use_type B
	run -0 client c4 --as name "$SERVER_NAME" 7000 exchange 1000
	assert_match "SOCKS5" "$output" 'rep=00'
	assert_record "$(record_of "$(value client "$output")")" ok auth=none
}

@test "a unix-domain client is known by its uid, and gets no BIND" {
	need root
	local socket=$BATS_TEST_TMPDIR/socket
	chmod 755 "$BATS_TEST_TMPDIR"
	start unix systemd-socket-activate --accept -l "$socket" \
	    "$HANDLER" -o 'allow all user uid=0 at loopback' -o 'socks4 on'
	wait_until test -S "$socket"
	# Nobody listens on port 9.
	run "$PEERS/socks.py" --socks4 "$socket" 127.0.0.1 9 reply
	assert_match CONNECT "$output" 'rep=5b'
	# BIND
	run -0 "$PEERS/socks.py" "$socket" raw '>0402000009090909' '>00' \
	    '<005b000000000000' gone
	wait_for_line "$BATS_FILE_TMPDIR/unix.err" \
	    'connect-failed client=unix:uid=0 user=- auth=socks4 cmd=CONNECT'
	wait_for_line "$BATS_FILE_TMPDIR/unix.err" \
	    'bad-request client=unix:uid=0 user=- auth=socks4 cmd=BIND'
	stop unix
}

# ------------------------------------------------- programs that people use

@test "curl --socks4a, all four types" {
	net_needed
	local type
	for type in $TYPES; do
		use_type "$type"
		run -0 in_ns $CLIENT curl -sS -m 30 --socks4a "$(proxy)" \
		    "http://$SERVER_NAME/"
		assert_equal "$type" "$output" "hello from $SERVER"
		assert_served "$SERVER_NAME:80"
	done
}

@test "curl --socks4 looks up by itself, to an IPv4 server from both families" {
	net_needed
	local type
	for type in A C; do
		use_type $type
		run -0 in_ns $CLIENT curl -sS -m 30 --socks4 "$(proxy)" \
		    "http://$SERVER_NAME/"
		assert_equal "$type" "$output" "hello from $SERVER"
		assert_served "$SERVER:80"
	done
}

@test "curl tells that it was refused" {
	net_needed
	run in_ns c4 curl -sS -m 30 --socks4a "$GW4:1080" \
	    http://v6.example.com:9/
	[[ $status -ne 0 ]]
	assert_match curl "$output" '\(91\)'
}

@test "ssh with nc -X 4 as ProxyCommand, to an IPv4 server from both families" {
	net_needed
	sshd_start s4 "$S4"
	local type home=$BATS_FILE_TMPDIR/sshd
	for type in A C; do
		use_type $type
		run -0 in_ns $CLIENT ssh -F none -i "$home/key" \
		    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		    -o StrictHostKeyChecking=no -o IdentitiesOnly=yes \
		    -o ProxyCommand="nc -X 4 -x $(proxy) %h %p" \
		    "root@$SERVER_NAME" 'echo in; head -c 1000000 /dev/zero |
		    sha256sum' </dev/null
		assert_match "$type" "$output" \
		    'in.d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025'
		assert_served "$SERVER:22"
	done
}

@test "proxychains4 with curl, all four types" {
	net_needed
	local type conf=$BATS_TEST_TMPDIR/proxychains.conf
	for type in $TYPES; do
		use_type "$type"
		printf '%s\n' strict_chain proxy_dns quiet_mode '[ProxyList]' \
		    "socks4 $GATEWAY 1080" >"$conf"
		run -0 --separate-stderr in_ns $CLIENT proxychains4 -f "$conf" \
		    curl -sS -m 30 "http://$SERVER_NAME/"
		assert_equal "$type: $stderr" "$output" "hello from $SERVER"
		# It finds IPv4 addresses in its hosts by itself.
		ask name
		[[ $SERVER == *:* ]] || TARGET=$SERVER
		assert_served "$TARGET:80"
	done
}

@test "socat SOCKS4A, all four types; its user is not in the record" {
	net_needed
	local type gateway
	for type in $TYPES; do
		use_type "$type"
		gateway=$(proxy)
		run -0 in_ns $CLIENT socat -t 30 - "SOCKS4A:${gateway%:1080}:$SERVER_NAME:80,socksport=1080,socksuser=camper" \
		    < <(printf 'GET / HTTP/1.0\r\n\r\n')
		assert_match "$type" "$output" "hello from $SERVER"
		assert_served "$SERVER_NAME:80"
	done
}

# Its configuration takes no IPv6 address for a gateway, and version 4 no name.
@test "dante's socksify with curl, to an IPv4 server" {
	net_needed
	use_type A
	cat >"$BATS_TEST_TMPDIR/socks.conf" <<-END
		route {
			from: 0/0 to: 0/0 via: $GATEWAY port = 1080
			proxyprotocol: socks_v4
			protocol: tcp
			command: connect
		}
	END
	run -0 --separate-stderr in_ns c4 env \
	    SOCKS_CONF="$BATS_TEST_TMPDIR/socks.conf" \
	    socksify curl -sS -m 30 "http://$SERVER/"
	assert_equal "$stderr" "$output" "hello from $SERVER"
	assert_served "$SERVER:80"
}

# --------------------------------------------------------------------- BIND

# bind_start OPTION... HOST PORT: bind.py of type's CLIENT, until its first
# reply, whose line is in FIRST; what it prints is in $OUT.
bind_start() {
	OUT=$BATS_FILE_TMPDIR/client.out
	start client ip netns exec "$NET-$CLIENT" "$PEERS/bind.py" --socks4 \
	    "${@:1:$#-2}" "$(endpoint "$GATEWAY" 1080)" "${@: -2}"
	wait_for_line "$OUT" '^client=' ||
	    fail "$(cat "$BATS_FILE_TMPDIR/client.err")"
	FIRST=$(head -n 1 "$OUT")
}

# The gateway's address that the servers see.
gateway_towards() { # ROLE
	[[ $1 == s4 ]] && echo 198.51.100.1 || echo 2001:db8:2::1
}

# visit ROLE PORT: connects to the gateway from there; prints what came.
visit() {
	in_ns "$1" socat -t 30 - "TCP:$(endpoint "$(gateway_towards "$1")" \
	    "$2")" <<<'from the peer'
}

@test "BIND, types A to D, by name, literal and address: both replies" {
	net_needed
	local type form bnd port
	for type in $TYPES; do
		use_type "$type"
		for form in $(forms); do
			ask "$form"
			bind_start --as "$AS" "$TARGET" 21
			assert_equal rep "$(value rep "$FIRST")" 5a
			bnd=$(value bnd "$FIRST")
			port=${bnd##*:}
			# DSTPORT is no wish for a port.
			((port >= 1024)) || fail "port of $bnd"
			case $type in
			A) assert_equal bnd "$bnd" "198.51.100.1:$port" ;;
			B) assert_equal bnd "$bnd" "$GW4:$port" ;;
			*) assert_equal bnd "$bnd" "0.0.0.0:$port" ;;
			esac
			run -0 visit $SERVER_ROLE "$port"
			assert_equal "at the peer" "$output" "from the client"
			wait_for_line "$OUT" '^got='
			assert_match "second reply" "$(sed -n 2p "$OUT")" \
			    "^rep=5a peer=($S4|0\.0\.0\.0):[0-9]+$"
			[[ $SERVER == *:* || "$(sed -n 2p "$OUT")" == *"$S4"* ]]
			assert_equal "at the client" "$(sed -n 3p "$OUT")" \
			    "got=from the peer"
			assert_record "$(record_of "$(value client "$FIRST")")" \
			    ok user=- auth=socks4 cmd=BIND \
			    dest="$(endpoint "$TARGET" 21)" up=16 down=14
		done
	done
}

@test "BIND: strangers are closed, and the wait goes on" {
	net_needed
	use_type A
	bind_start "$S4" 21
	local bnd
	bnd=$(value bnd "$FIRST")
	run visit s6 "${bnd##*:}"
	[[ $output != *client* ]]
	run -0 visit s4 "${bnd##*:}"
	assert_equal "at the peer" "$output" "from the client"
}

@test "BIND: without a peer the second reply is 91" {
	net_needed
	run alone "$PYTHON" - "$HANDLER" "$CASES" <<-'END'
		import sys
		sys.path[:0] = [sys.argv[2], sys.argv[2] + "/../peers"]
		import handshake, socks, streams
		handler = handshake.Handler(sys.argv[1], [
		    *handshake.LOOPBACK, *handshake.SOCKS4,
		    "-o", "bind-timeout 300ms"])
		handler.let_go()
		handler.send(socks.request4("127.0.0.1", 21, command=2))
		first = streams.receive_exactly(handler.client, 8)
		assert first[:2] == b"\0\x5a" and first[4:] == b"\x7f\0\0\1", first
		second = handler.read_to_end()
		assert second == b"\0\x5b" + bytes(6), second
		handshake.check_end(handler, "timeout auth=socks4 cmd=BIND")
	END
	[[ $status -eq 0 ]] || fail "$output"
}

# ----------------------------------------------------- the configuration

# ask_e ARGUMENT...: with a configuration of nothing but -o.
ask_e() {
	run "$HANDLER" -f "$BATS_TEST_TMPDIR/c" "$@"
}

@test "-e: a client that speaks SOCKS4 is asked for as socks4:ADDRESS" {
	echo '# nothing' >"$BATS_TEST_TMPDIR/c"
	local allow='allow all at 10.0.0.0/8'
	ask_e -o 'socks4 on' -o "$allow" -e connect socks4:192.0.2.7 10.0.0.5:80
	assert_equal "on" "$status ${lines[0]}" "0 allowed -o:2"
	ask_e -o "$allow" -e connect socks4:192.0.2.7 10.0.0.5:80
	assert_equal "off" "$status ${lines[0]}" "1 denied default"
	assert_equal "off" "${lines[1]}" \
	    "- denied SOCKS4 is not served unless \`socks4' is on"
	ask_e -o 'socks4 off' -o "$allow" -e connect socks4:192.0.2.7 10.0.0.5:80
	assert_equal "off, said so" "$status ${lines[0]}" "1 denied -o:1"
	ask_e -o 'socks4 on' -o 'auth password' -o "$allow" \
	    -e connect socks4:192.0.2.7 10.0.0.5:80
	assert_equal "login" "$status ${lines[0]}" "1 denied -o:2"
	assert_match "login" "${lines[1]}" "auth' has no none"
	ask_e -o 'socks4 on' -o "$allow" -e udp socks4:192.0.2.7 10.0.0.5:80
	assert_equal "UDP" "$status ${lines[1]}" \
	    "1 - denied SOCKS4 has CONNECT and BIND alone"
	ask_e -o 'socks4 on' -o 'allow user alice at 10.0.0.0/8' \
	    -e connect socks4:192.0.2.7 10.0.0.5:80
	assert_equal "a rule for a user" "$status" 1
	ask_e -o 'socks4 on' -e connect socks4:192.0.2.7 10.0.0.5:80 alice
	assert_equal "a user" "$status" 64
	ask_e -o 'socks4 on' -o 'allow user uid=5 at 10.0.0.0/8' \
	    -e connect socks4:unix:uid=5 10.0.0.5:80
	assert_equal "unix" "$status" 0
}

@test "-t warns where socks4 serves nobody, -T prints it" {
	printf '%s\n' 'auth password' "password-file $BATS_TEST_TMPDIR/p" \
	    'socks4 on' 'ftp-alg off' >"$BATS_TEST_TMPDIR/c"
	printf 'alice:%s\n' "$(openssl passwd -6 x)" >"$BATS_TEST_TMPDIR/p"
	chmod 600 "$BATS_TEST_TMPDIR/p"
	[[ $EUID -ne 0 ]] || chown nobody "$BATS_TEST_TMPDIR/p"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	run -0 --separate-stderr "$HANDLER" -o 'user nobody' -t \
	    -f "$BATS_TEST_TMPDIR/c"
	assert_match warning "$stderr" 'c:3: warning: socks4: no client is served'
	run -0 "$HANDLER" -T -f "$BATS_TEST_TMPDIR/c"
	assert_match dump "$output" $'\nsocks4 on\n'
	sed -i '1s/$/ none/' "$BATS_TEST_TMPDIR/c"
	run -0 --separate-stderr "$HANDLER" -o 'user nobody' -t \
	    -f "$BATS_TEST_TMPDIR/c"
	[[ $stderr != *socks4* ]] || fail "$stderr"
}
