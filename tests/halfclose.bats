#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Each direction of the relay ends by itself: half-close, resets, urgent
# octets, slow and stalled readers, clients that leave before the reply; for
# all four types of RFC 3089.

load lib/gateway

prepare_file() {
	gateway_start activate
}

MIB=$((1024 * 1024))

# act TYPE ACTION ARGUMENT...: sets LINE (what the client says of its end) and
# EXPECTED (what the server's report must say).
act() {
	use_type "$1"
	shift
	run client "$CLIENT" "$SERVER" 7000 "$@"
	echo "$CLIENT $SERVER $*: $output"
	[[ $status -eq 0 ]] || return 1
	LINE=$(grep '^client=' <<<"$output")
	EXPECTED=$(sed -n 's/^expect //p' <<<"$output")
	assert_equal rep "$(value rep "$LINE")" 00
}

# The record of the session that act made, with the octets it counted.
finished() { # RESULT [KEY=VALUE]...
	local result=$1
	shift
	assert_record "$(record_of "$(value client "$LINE")")" "$result" "$@"
}

counted() {
	echo "up=$(value up "$LINE")" "down=$(value down "$LINE")"
}

# Each session has an outgoing port of its own: the report names it.
reported() {
	local record
	record=$(record_of "$(value client "$LINE")") || return 1
	wait_until grep -qF "$(value local "$record") $EXPECTED" \
	    "$REPORT" || fail "the server does not report: $EXPECTED" \
	    "$(grep -F "$(value local "$record")" "$REPORT")"
}

@test "8 MiB up, FIN, then 1 MiB comes back, in all types" {
	local type
	for type in $TYPES; do
		act "$type" half-close $((8 * MIB)) "$MIB"
		# shellcheck disable=SC2046 # two words
		finished ok $(counted)
	done
}

@test "8 MiB down, the server's FIN, then 1 MiB goes up, in all types" {
	local type
	for type in $TYPES; do
		act "$type" mirror $((8 * MIB)) "$MIB"
		# shellcheck disable=SC2046 # two words
		finished ok $(counted)
		reported
	done
}

@test "the smallest half-closes: one octet up, one down" {
	act A half-close 1 1
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
	act C half-close 0 1
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
}

@test "a client's reset reaches the server behind all that was sent before" {
	local type
	for type in $TYPES; do
		act "$type" reset $((2 * MIB))
		finished reset "up=$(value up "$LINE")" down=0 'reason=client'
		reported
	done
}

@test "a server's reset reaches the client behind all that was sent before" {
	local type
	for type in $TYPES; do
		act "$type" server-reset $((2 * MIB))
		# shellcheck disable=SC2046 # two words
		finished reset $(counted) 'reason=server'
	done
}

@test "an urgent octet stays urgent, and at its place, towards the server" {
	local type
	for type in $TYPES; do
		act "$type" urgent-up 1000 1000
		# shellcheck disable=SC2046 # two words
		finished ok $(counted)
		reported
	done
}

@test "an urgent octet stays urgent, and at its place, towards the client" {
	local type
	for type in $TYPES; do
		act "$type" urgent-down 1000 1000
		# shellcheck disable=SC2046 # two words
		finished ok $(counted)
	done
}

@test "an urgent octet in the middle of 16 MiB, both ways" {
	act B urgent-up $((8 * MIB)) $((8 * MIB))
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
	reported
	act C urgent-down $((8 * MIB)) $((8 * MIB))
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
}

@test "an urgent octet as the very first and the very last" {
	act A urgent-up 0 100
	reported
	act A urgent-up 100 0
	reported
	act D urgent-down 0 100
	act D urgent-down 100 0
}

@test "a slow reader gets everything" {
	act B slow $((2 * MIB))
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
}

memory() { # PID
	awk '/^Rss(Anon|Shmem):/ { n += $2 } END { print n }' \
	    "/proc/$1/status"
}

# Something waits in the gateway for each to take it.
is_stuck() {
	[[ $(ss -N "$NET-gw" -Htn state established |
	    awk '$1 > 0 { unread = 1 } $2 > 0 { unsent = 1 }
	        END { print unread + unsent }') -eq 2 ]]
}

@test "a stalled reader costs neither memory nor cpu, and loses nothing" {
	wait_until sessions_are 0
	use_type C
	mkfifo "$BATS_TEST_TMPDIR/go"
	exec 9<>"$BATS_TEST_TMPDIR/go"
	in_ns "$CLIENT" "$PEERS/socks.py" "[$GATEWAY]:1080" "$SERVER" 7000 \
	    stall $((16 * MIB)) <&9 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local peer=$!
	wait_for_line "$BATS_TEST_TMPDIR/out" '^stalled$'
	local pid
	pid=$(session_pid)
	wait_until is_stuck
	falls_quiet "$pid"
	local -i full
	full=$(memory "$pid")
	((full < 1024)) || fail "$full KiB of memory while stalled"
	echo >&9
	wait "$peer" || fail "$(<"$BATS_TEST_TMPDIR/out")"
	exec 9>&-
	LINE=$(grep '^client=.* up=' "$BATS_TEST_TMPDIR/out")
	# shellcheck disable=SC2046 # two words
	finished ok $(counted)
}

# probed N: so many connections of the gateway have a keepalive timer.
probed() {
	[[ $(ss -N "$NET-gw" -Htno state established |
	    grep -c 'timer:(keepalive,') -eq $1 ]]
}

@test "nobody says anything: it costs no cpu, and both sides are probed" {
	wait_until sessions_are 0
	use_type A
	start idle ip netns exec "$NET-c4" "$PEERS/socks.py" "$GW4:1080" \
	    "$SERVER" 7000 hold
	wait_for_line "$BATS_FILE_TMPDIR/idle.out" holding
	falls_quiet "$(session_pid)"
	wait_until probed 2 || fail "$(ss -N "$NET-gw" -Htno)"
	stop idle
	wait_until sessions_are 0
}

@test "a client that leaves before the reply ends the session" {
	# Nobody answers at this address of the servers' link for seconds.
	in_ns gw ip neighbour replace 198.51.100.66 dev s4 \
	    lladdr 02:00:00:00:00:66
	run -0 in_ns c4 "$PYTHON" - "$PEERS" "$GW4" <<-'END'
		import socket, sys, time
		sys.path.insert(0, sys.argv[1])
		import socks, streams
		session = socks.Session(sys.argv[2] + ":1080")
		session.sock.sendall(socks.GREETING)
		session.expect(socks.METHOD_NONE)
		session.sock.sendall(socks.request("198.51.100.66", 80))
		socks.wait_acknowledged(session.sock)
		print(session.name)
		streams.close_by_reset(session.sock)
	END
	assert_record "$(record_of "$output")" client-gone cmd=CONNECT \
	    dest=198.51.100.66:80 peer=- up=0 down=0
	in_ns gw ip neighbour del 198.51.100.66 dev s4
}

# left_behind OCTETS: the name of a client that sends so much of a handshake
# and ends, once the gateway has closed.
left_behind() {
	run -0 in_ns c4 "$PYTHON" - "$PEERS" "$GW4" "$1" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import socks
		session = socks.Session(sys.argv[2] + ":1080")
		session.sock.sendall(bytes.fromhex(sys.argv[3]))
		print(session.name)
		session.sock.shutdown(1)
		while session.sock.recv(100):
		    pass
	END
	wait_until sessions_are 0
}

@test "a client that leaves without a request is not logged, or at debug" {
	local step
	for step in '' 05 0501 050100 0501000501 05010005010001c63364; do
		left_behind "$step"
		run ! grep -F "client=$output " "$GATEWAY_LOG"
	done
	cp "$GATEWAY_LOG" "$BATS_FILE_TMPDIR/before.log"
	gateway_stop
	gateway_start activate "$NET_ALLOW" 'log-level debug'
	for step in 05 0501 050100 0501000501 05010005010001c63364; do
		left_behind "$step"
		assert_record "$(record_of "$output")" client-gone up=0 down=0
	done
	gateway_stop
	gateway_start activate
}

@test "sigterm ends a session at once, with its record" {
	wait_until sessions_are 0
	use_type D
	start idle ip netns exec "$NET-c6" "$PEERS/socks.py" "[$GW6]:1080" \
	    "$SERVER" 7000 hold
	wait_for_line "$BATS_FILE_TMPDIR/idle.out" holding
	kill "$(session_pid)"
	wait_until sessions_are 0
	LINE=$(grep '^client=' "$BATS_FILE_TMPDIR/idle.out" | head -n 1)
	finished stopped up=0 down=0 dest="[$SERVER]:7000"
	[[ -n ${LISTEN:-} ]] || wait_for_log 'died with code 0'
	stop idle
}

@test "every session of this file left with status 0" {
	wait_until sessions_are 0
	run ! grep -E 'died with code [^0]|killed by signal|terminated|ended by' \
	    "$GATEWAY_LOG" "$BATS_FILE_TMPDIR/before.log"
}
