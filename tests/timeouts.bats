#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Times of the configuration, seen from outside: idle, half-closed and connect
# timeouts in whole sessions, and that nothing that moves is cut off.

load lib/gateway

prepare_file() {
	gateway_start activate "$NET_ALLOW,198.18.0.0/15" 'idle-timeout 4s' \
	    'half-closed-timeout 2s' 'connect-timeout 3s' 'log-start on'
	# A black hole: what goes there is never answered.
	in_ns gw ip route add 198.18.0.0/15 via 198.51.100.99 dev s4
	in_ns gw ip neighbour add 198.51.100.99 dev s4 lladdr 02:00:00:00:00:99
}

# python ROLE TEXT: a client's script; it finds socks, streams, gateway (a
# Session) and its arguments.
python() {
	local role=$1 gateway=$GW4:1080
	[[ $role == c4 ]] || gateway=[$GW6]:1080
	shift
	run in_ns "$role" "$PYTHON" - "$PEERS" "$gateway" "$@" < <(
		echo 'import select, sys, time'
		echo 'sys.path.insert(0, sys.argv[1])'
		echo 'import socks, streams'
		echo 'gateway = socks.Session(sys.argv[2])'
		echo 'print("client=" + gateway.name, flush=True)'
		cat
	)
	echo "$output"
	[[ $status -eq 0 ]]
}

# seconds LINE: of a record, in milliseconds.
milliseconds() {
	local text
	text=$(value seconds "$1")
	echo "$((10#${text/./}))"
}

assert_lasted() { # RECORD MILLISECONDS
	local -i lasted
	lasted=$(milliseconds "$1")
	((lasted >= $2)) || fail "it lasted $lasted ms, not $2"
}

# The record that ended the session, not the one of log-start.
ended() {
	wait_for_log "(ok|reset|timeout|connect-failed|client-gone) client=$1 "
	grep -oE "(ok|reset|timeout|connect-failed|client-gone) client=$1 .*" \
	    "$GATEWAY_LOG"
}

@test "an idle session ends after idle-timeout" {
	python c4 "$S6" <<-'END'
		gateway.connect(sys.argv[3], 7000)
		gateway.expect_end()
	END
	local record
	record=$(ended "$(value client "$output")")
	assert_record "$record" timeout up=0 down=0 'reason=silent'
	assert_lasted "$record" 4000
}

@test "one octet now and then, either way, keeps a session" {
	python c6 "$S4" <<-'END'
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.sendall(b"echo\n")
		# Paced on purpose: each pause is shorter than idle-timeout.
		for i in range(6):
		    time.sleep(1)
		    gateway.sock.sendall(b"x")
		    gateway.expect(b"x")
		gateway.sock.shutdown(1)
		gateway.expect_fin()
	END
	local record
	record=$(ended "$(value client "$output" | sed 's/[][]/\\&/g')")
	assert_record "$record" ok up=11 down=6
	assert_lasted "$record" 6000
}

@test "a half-closed session ends after half-closed-timeout" {
	python c4 "$S4" <<-'END'
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.sendall(b"mute\n")
		gateway.sock.shutdown(1)
		gateway.expect_end()
	END
	local record
	record=$(ended "$(value client "$output")")
	assert_record "$record" timeout up=5 down=0 'reason=half-closed'
	assert_lasted "$record" 2000
}

@test "a server's half-close ends after half-closed-timeout, too" {
	python c4 "$S6" <<-'END'
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.sendall(b"close\n")
		gateway.expect_fin()
		# What comes behind the FIN cannot be read, but seen.
		reset = select.poll()
		reset.register(gateway.sock, 0)
		assert reset.poll(30000), "no reset"
	END
	local record
	record=$(ended "$(value client "$output")")
	assert_record "$record" timeout up=6 down=0 'reason=half-closed'
	assert_lasted "$record" 2000
}

@test "a reader that pauses for longer than half-closed-timeout gets what the server ended" {
	python c6 "$S4" <<-'END'
		gateway = socks.Session(sys.argv[2], receive_buffer=65536)
		print("client=" + gateway.name, flush=True)
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.sendall(b"source 1000000 1\n")
		time.sleep(3)  # paced on purpose
		wanted = streams.stream(1, 1000000)
		gateway.expect(b"".join(wanted))
		gateway.expect_fin()
		gateway.sock.shutdown(1)
	END
	local record
	record=$(ended "$(value client "${lines[-1]}" | sed 's/[][]/\\&/g')")
	assert_record "$record" ok up=17 down=1000000
	assert_lasted "$record" 3000
}

@test "a reader that pauses when both sides have ended is waited for" {
	python c4 "$S6" <<-'END'
		gateway = socks.Session(sys.argv[2], receive_buffer=65536)
		print("client=" + gateway.name, flush=True)
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.sendall(b"source 1000000 1\n")
		gateway.sock.shutdown(1)
		time.sleep(3)  # paced on purpose
		gateway.expect(b"".join(streams.stream(1, 1000000)))
		gateway.expect_fin()
	END
	local record
	record=$(ended "$(value client "${lines[-1]}")")
	assert_record "$record" ok up=17 down=1000000
	assert_lasted "$record" 3000
}

@test "a destination that never answers is 06 after connect-timeout" {
	python c4 <<-'END'
		reply = gateway.connect("198.18.0.1", 80)
		assert reply.rep == 6, reply
		gateway.expect_end()
	END
	local record
	record=$(ended "$(value client "$output")")
	assert_record "$record" connect-failed dest=198.18.0.1:80 peer=- \
	    'reason=.'
	assert_lasted "$record" 3000
}

@test "log-start makes a record open when the destination is reached" {
	python c4 "$S4" <<-'END'
		gateway.connect(sys.argv[3], 7000)
		gateway.sock.shutdown(1)
		gateway.expect_fin()
	END
	local client
	client=$(value client "$output")
	wait_for_log "ok client=$client "
	run grep -oE "[a-z]+ client=$client .*" "$GATEWAY_LOG"
	assert_equal records "${#lines[@]}" 2
	assert_match first "${lines[0]}" \
	    "^open client=$client .*dest=$S4:7000 peer=$S4:7000 .*up=0 down=0"
	assert_match second "${lines[1]}" '^ok client='
}
