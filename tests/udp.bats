#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# UDP ASSOCIATE: types A to D, whose datagrams are taken, what is dropped, how
# an association ends, the control channel, the records.

load lib/gateway

prepare_file() {
	# A second address for a client, which is not the client's.
	ip -n "$NET-c4" address add 192.0.2.3/24 dev gw
	ip -n "$NET-c6" address add 2001:db8:1::3/64 dev gw nodad \
	    preferred_lft 0
	net_datagrams
}

teardown() {
	stop scene
	gateway_stop
}

# scene OPTION... SCENE ARGUMENT...: from the CLIENT of use_type; RECORD is
# the one of its session.
scene() {
	local -a options=()
	while [[ $1 == --* ]]; do
		options+=("$1")
		[[ $1 == --port ]] || {
			options+=("$2")
			shift
		}
		shift
	done
	run in_ns "$CLIENT" "$PEERS/udp.py" "${options[@]}" \
	    "$(endpoint "$GATEWAY" 1080)" "$@" </dev/null
	[[ $status -eq 0 ]] || fail "$* ($CLIENT):" "$output" \
	    "$(cat "$GATEWAY_LOG")" || return 1
	SESSION=$(value client "${lines[0]}")
	session_record
}

# The one record of $SESSION that is no `peer'.
session_record() {
	local pattern="[ >](ok|reset|timeout|bad-request|denied|connect-failed|stopped)"
	pattern+=" client=${SESSION//[\[\]]/.} "
	wait_for_log "$pattern"
	RECORD=$(grep -E "$pattern" "$GATEWAY_LOG" |
	    sed -E 's/.*(ok|reset|timeout|bad-request|denied|connect-failed|stopped) client=/\1 client=/')
	[[ $RECORD =~ ^$RECORD_FORM$ ]] || fail "no record: $RECORD"
}

@test "types A to D, by name, literal and address" {
	gateway_start activate
	local type form
	for type in $TYPES; do
		use_type "$type"
		for form in name literal ip; do
			ask "$form"
			scene --as "$AS" echo "$TARGET" 5353 "$SERVER"
			assert_equal rep "$(value rep "$output")" 00
			assert_match bnd "$(value bnd "$output")" \
			    "^$(endpoint "$GATEWAY" | sed 's/[][]/./g')"
			assert_record "$RECORD" ok cmd=UDP up=30 down=30 \
			    datagrams=6/6/0 peer=- \
			    local="$(value bnd "$output")"
		done
	done
}

@test "types A to D, static link, through openbsd-inetd" {
	gateway_start inetd
	local type
	for type in $TYPES; do
		use_type "$type"
		scene --as name echo "$SERVER_NAME" 5353 "$SERVER"
		assert_record "$RECORD" ok datagrams=6/6/0
	done
}

@test "one association reaches both families" {
	gateway_start activate
	use_type A
	run in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$S4" "$S6" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="ip", port=False,
		    flag=0, gateway=sys.argv[1] + ":1080"))
		for host in sys.argv[2:] * 3:
		    print(a.ask(host, 5353, b"hello"))
	END
	assert_equal "answers" "$(sed 1d <<<"$output" | sort -u)" \
	    "('$S4', 5353, b'hello')"$'\n'"('$S6', 5353, b'hello')"
}

@test "datagrams of every size that fits, and none that is cut" {
	gateway_start activate
	# Up: the peer's leg and ours with the header; down: the same.
	use_type A
	scene sizes "$S4" 5353 65497 65497
	assert_equal "A" "$(value datagrams "$RECORD")" "8/7/1"
	use_type B
	scene sizes "$S6" 5353 65485 65485
	use_type C
	scene sizes "$S4" 5353 65507 65507
	use_type D
	scene sizes "$S6" 5353 65505 65505
	scene --as name sizes v6.example.com 5353 65500 65505
}

@test "50,000 datagrams: none lost, in order" {
	gateway_start activate
	use_type B
	scene stream "$S6" 5353 50000
	assert_record "$RECORD" ok up=5000000 down=5000000 \
	    datagrams=50000/50000/0
}

@test "what is no valid datagram is dropped and counted, and harms nothing" {
	gateway_start activate
	local type
	for type in A D; do
		use_type "$type"
		scene bad "$SERVER" 5353
		assert_equal "dropped: $RECORD" \
		    "$(value datagrams "$RECORD" | cut -d / -f 3)" \
		    "$(value bad "${lines[1]}")"
	done
}

@test "only the client's address and port are listened to" {
	gateway_start activate
	use_type A
	scene source "$S4" 5353 192.0.2.3
	assert_record "$RECORD" ok datagrams=2/2/3
	use_type D
	scene source "$S6" 5353 2001:db8:1::3
	assert_record "$RECORD" ok datagrams=2/2/3
	use_type B
	scene --port announced "$S6" 5353
	assert_record "$RECORD" ok datagrams=1/1/1
}

# Many clients name their first destination in the request, or what they take
# for their address behind a NAT: neither is where their datagrams come from.
@test "DST.PORT counts with zeros or the client's own address alone" {
	local asked
	gateway_start activate
	use_type A
	for asked in "$S4:5353" 10.1.2.3:4000 '[2001:db8::9]:53' \
	    v4.example.com:5353 '[::1]:9' 192.0.2.3:40000; do
		scene --asked "$asked" echo "$S4" 5353 "$S4"
		assert_record "$RECORD" ok datagrams=6/6/0
	done
	for asked in "$C4:0" '[::]:0' "[::ffff:$C4]:0"; do
		scene --port --asked "$asked" announced "$S4" 5353
		assert_record "$RECORD" ok datagrams=1/1/1 drops=port:1
	done
	use_type B
	scene --asked "[$S6]:5353" echo "$S6" 5353 "$S6"
	assert_record "$RECORD" ok datagrams=6/6/0
}

@test "the record says why datagrams were dropped" {
	gateway_start activate
	use_type A
	scene source "$S4" 5353 192.0.2.3
	assert_record "$RECORD" ok datagrams=2/2/3 drops=stranger:2,port:1
	[[ $RECORD != *reason=* ]] || fail "$RECORD"
	scene bad "$S4" 5353
	assert_record "$RECORD" ok \
	    drops=header:9,fragment:6,id:1,rule:1
	scene nowhere 127.0.0.1 5353
	assert_record "$RECORD" ok datagrams=0/0/1 drops=rule:1 \
	    'reason=^no rule allowed any datagram$'
	scene --as name nowhere none.example.com 5353
	assert_record "$RECORD" ok datagrams=0/0/1 drops=name:1 \
	    'reason=have no address$'
}

@test "a client that sends without a SOCKS header is told of in the record" {
	gateway_start activate
	use_type A
	scene headerless 3
	assert_record "$RECORD" ok datagrams=0/0/9 drops=header:9 \
	    'reason=^the client sends datagrams without a SOCKS header$'
}

@test "only those that were sent to can answer" {
	gateway_start activate
	use_type A
	local out=$BATS_FILE_TMPDIR/scene.out outside
	mkfifo "$BATS_TEST_TMPDIR/go"
	# shellcheck disable=SC2016 # for the inner shell
	start scene ip netns exec "$NET-c4" bash -c 'exec "${@:2}" <"$1"' \
	    - "$BATS_TEST_TMPDIR/go" "$PEERS/udp.py" "$GW4:1080" answers \
	    "$S4" 5353
	exec 5>"$BATS_TEST_TMPDIR/go"
	wait_for_line "$out" '^outside='
	outside=$(sed -n 's/^outside=//p' "$out")
	# From hosts that were not asked, to the very port.
	in_ns dns "$PYTHON" -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'spoofed', ('203.0.113.1', ${outside##*:}))"
	in_ns s4 "$PYTHON" -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'spoofed', ('198.51.100.1', ${outside##*:}))"
	echo >&5
	exec 5>&-
	SESSION=$(value client "$(head -n 1 "$out")")
	session_record
	assert_equal "complaints" "$(cat "$BATS_FILE_TMPDIR/scene.err")" ""
	# The order to answer from elsewhere, that answer, and two strangers.
	assert_record "$RECORD" ok datagrams=3/2/3
}

@test "each datagram is judged by itself, whatever was asked for" {
	gateway_start activate 'allow udp at 198.51.100.0/24' \
	    'deny udp port 9' 'allow udp to v6.example.com'
	use_type A
	scene denied "$S4" 5353 "$S6" 127.0.0.1 10.0.0.1 192.0.2.1 \
	    169.254.169.254 224.0.0.251 255.255.255.255 ::1 \
	    ::ffff:127.0.0.1 64:ff9b::7f00:1 fe80::1 ff02::fb \
	    v6.example.com localhost missing.example.com
	assert_record "$RECORD" ok datagrams=15/15/15
	[[ $(grep -c '^got' "$BATS_FILE_TMPDIR/udp-s6.out") -gt 0 ]]
}

@test "multicast and broadcast are never sent to, whatever the rules" {
	gateway_start activate 'allow udp at any'
	use_type A
	scene denied "$S4" 5353 224.0.0.251 ff02::fb 255.255.255.255 \
	    198.51.100.255 64:ff9b::e000:fb
	assert_record "$RECORD" ok datagrams=5/5/5
}

@test "a rule may look at the name, and its verdict is for that name alone" {
	gateway_start activate 'allow udp to v4.example.com at any'
	use_type A
	run in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$S4" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="name",
		    port=False, flag=0, gateway=sys.argv[1] + ":1080"))
		print(a.ask("v4.example.com", 5353, b"name"))
		a.form = "ip"
		a.send(sys.argv[2], 5353, b"address")
		a.form = "name"
		a.send("both.example.com", 5353, b"other name")
		print(a.ask("v4.example.com", 5353, b"name again"))
		a.silent()
	END
	assert_equal "answers" "$(sed 1d <<<"$output")" \
	    "('$S4', 5353, b'name')"$'\n'"('$S4', 5353, b'name again')"
}

@test "no rule for udp is 02, and rules for other commands are none" {
	gateway_start activate 'allow connect bind at any'
	use_type A
	scene echo
	assert_equal rep "$(value rep "$output")" 02
	assert_record "$RECORD" denied cmd=UDP 'reason=UDP'
}

# names_start LINE...: dns.py with that script at port 54 of the name server.
names_start() {
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/names"
	start names ip netns exec "$NET-dns" "$PEERS/dns.py" "$DNS:54" \
	    "$BATS_TEST_TMPDIR/names"
	wait_for_line "$BATS_FILE_TMPDIR/names.out" '^ready$'
}

@test "a name that is slow to be found delays no other, and loses nothing" {
	local go=$BATS_TEST_TMPDIR/go
	names_start "slow.test A held=$go $S4" "slow.test AAAA held=$go" \
	    "fast.test A $S4" 'fast.test AAAA'
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type C
	scene names "$S4" 5353 slow.test fast.test "$go"
	assert_record "$RECORD" ok datagrams=7/7/0
	stop names
}

@test "datagrams that wait for a name at the end are dropped, and counted" {
	names_start 'slow.test A drop' 'slow.test AAAA drop'
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type C
	scene held "$S4" 5353 slow.test 3
	assert_record "$RECORD" ok datagrams=1/1/3 drops=busy:3
	stop names
}

@test "more names than are looked up at a time all come" {
	local i
	local -a script=()
	for i in {1..12}; do
		script+=("n$i.test A after=50 $S4" "n$i.test AAAA")
	done
	names_start "${script[@]}"
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	run -0 in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="name",
		    port=False, flag=0, gateway=sys.argv[1] + ":1080"))
		for i in range(1, 13):
		    a.send("n%d.test" % i, 5353, b"%d" % i)
		print(sorted(int(a.receive()[2]) for _ in range(12)))
	END
	assert_equal "answers" "${lines[1]}" \
	    '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]'
	stop names
}

@test "a name with hundreds of addresses that are denied leads to the one that is not" {
	names_start "crowd.test A tc $(printf '10.0.1.%d ' {1..200}) $S4" \
	    "crowd.test AAAA"
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	scene --as name echo crowd.test 5353 "$S4"
	assert_record "$RECORD" ok 'datagrams=6/6/0'
	stop names
}

# asked_by_tcp: have all three servers been asked for four names in both
# families?
asked_by_tcp() {
	local i
	for i in {1..3}; do
		(($(grep -c '^tcp ' "$BATS_FILE_TMPDIR/dns$i.out") >= 8)) ||
		    return 1
	done
}

# The worst case: two servers that are silent, one whose answer is too long,
# and then none that answers by TCP.
@test "four look-ups at once that end up at three servers by TCP leave descriptors" {
	local i pid
	for i in {1..3}; do
		((i < 3)) && echo '* * drop' || echo '* * tc mute'
	done >"$BATS_TEST_TMPDIR/actions"
	for i in {1..3}; do
		sed -n "s/^\*/n1.test/; ${i}p" "$BATS_TEST_TMPDIR/actions" |
		    sed 'p; s/n1/n2/p; s/n2/n3/p; s/n3/n4/' \
		    >"$BATS_TEST_TMPDIR/names$i"
		start "dns$i" ip netns exec "$NET-dns" "$PEERS/dns.py" \
		    "$DNS:$((60 + i))" "$BATS_TEST_TMPDIR/names$i"
		wait_for_line "$BATS_FILE_TMPDIR/dns$i.out" '^ready$'
	done
	echo 'options timeout:1' >>"/etc/netns/$NET-gw/resolv.conf"
	gateway_start activate "$NET_ALLOW" \
	    "resolver $DNS:61 $DNS:62 $DNS:63"
	start asker ip netns exec "$NET-c4" env PYTHONPATH="$PEERS" \
	    "$PYTHON" -c '
import argparse, sys, time, udp
a = udp.Association(argparse.Namespace(form="name",
    port=False, flag=0, gateway=sys.argv[1] + ":1080"))
for i in range(1, 5):
    a.send("n%d.test" % i, 5353, b"%d" % i)
time.sleep(600)' "$GW4"
	wait_until asked_by_tcp || fail "$(head "$BATS_FILE_TMPDIR"/dns?.out)"
	sed -i '$d' "/etc/netns/$NET-gw/resolv.conf"
	SESSION=$(value client "$(<"$BATS_FILE_TMPDIR/asker.out")")
	pid=$(pgrep -f "^$SESSION ")
	run ls "/proc/$pid/fd"
	((${#lines[@]} <= 40)) || fail "${#lines[@]} descriptors" \
	    "$(ls -l "/proc/$pid/fd")"
	stop asker
	for i in {1..3}; do
		stop "dns$i"
	done
}

# flood COUNT: datagrams to nCOUNT.test and so on in one burst, and then the
# seconds that it took, until the gateway has dealt with them all.
flood() {
	run -0 in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$S4" \
	    "$1" "$2" <<-'END'
		import argparse, pathlib, sys, time, udp
		gateway, server, count, go = sys.argv[1:]
		a = udp.Association(argparse.Namespace(form="name",
		    port=False, flag=0, gateway=gateway + ":1080"))
		start = time.monotonic()
		for i in range(int(count)):
		    a.send("n%d.test" % i, 5353, b"hello")
		    if i % 32 == 31:
		        a.form = "ip"
		        while a.ask(server, 5353, b"so far")[2] != b"so far":
		            pass
		        a.form = "name"
		print("seconds=%d" % (time.monotonic() - start))
		if go != "-":
		    pathlib.Path(go).touch()
		    for _ in range(16):  # so many are held, the others dropped
		        assert a.receive()[2] == b"hello"
		    # The last that is open: all before it were looked up.
		    assert a.ask("n31.test", 5353, b"last")[2] == b"last"
	END
	SESSION=$(value client "${lines[0]}")
	session_record
}

names_asked() {
	awk '{ print $4 }' "$BATS_FILE_TMPDIR/names.out" | grep . | sort -u |
	    grep -c '^n[0-9]'
}

@test "a session asks for 50 new names a second, and no more" {
	names_start '* A nxdomain' '* AAAA nxdomain'
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	flood 480 -
	local -i asked most
	asked=$(names_asked)
	most=$((50 + 50 * ($(value seconds "${lines[1]}") + 1)))
	((asked > 0 && asked <= most)) || fail "$asked names, not $most"
	assert_match "dropped" "$(value datagrams "$RECORD")" \
	    "^15/15/480$"
	stop names
}

@test "a session has 32 names open, and what asks for more is dropped" {
	local go=$BATS_TEST_TMPDIR/go i
	local -a script=()
	for i in {0..47}; do
		script+=("n$i.test A held=$go $S4" "n$i.test AAAA held=$go")
	done
	names_start "${script[@]}"
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	flood 48 "$go"
	assert_equal "names" "$(names_asked)" 32
	stop names
}

@test "a name without an address drops what comes then, too, and asks no more" {
	names_start "none.test A" "none.test AAAA"
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	run -0 in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$S4" \
	    "$BATS_FILE_TMPDIR/names.out" <<-'END'
		import argparse, sys, time, udp
		gateway, server, asked = sys.argv[1:]
		a = udp.Association(argparse.Namespace(form="name",
		    port=False, flag=0, gateway=gateway + ":1080"))
		a.send("none.test", 5353, b"never")
		while open(asked).read().count("none.test") < 2:
		    time.sleep(0.02)
		for _ in range(3):
		    a.form = "name"
		    a.send("none.test", 5353, b"never")
		    a.form = "ip"
		    a.ask(server, 5353, b"literal")
	END
	SESSION=$(value client "${lines[0]}")
	session_record
	assert_record "$RECORD" ok datagrams=3/3/4 drops=name:4
	assert_equal queries "$(grep -c none.test \
	    "$BATS_FILE_TMPDIR/names.out")" 2
	stop names
}

@test "a name stays what it was, however often it changes" {
	names_start "turns.test A $S4" 'turns.test AAAA'
	gateway_start activate "$NET_ALLOW" "resolver $DNS:54"
	use_type A
	scene pinned turns.test 5353
	assert_equal hosts "$(value hosts "${lines[1]}")" "$S4"
	assert_equal queries "$(grep -c turns.test \
	    "$BATS_FILE_TMPDIR/names.out")" 2
	stop names
}

@test "an association ends with its connection" {
	gateway_start activate
	use_type A
	scene closes "$S4" 5353 fin
	assert_record "$RECORD" ok datagrams=1/1/0
	scene closes "$S4" 5353 rst
	assert_record "$RECORD" reset datagrams=1/1/0 'reason=client reset'
	wait_until sessions_are 0
}

@test "an association ends when it is idle, and its connection too" {
	gateway_start activate "$NET_ALLOW" 'idle-timeout 3s'
	use_type A
	scene idle "$S4" 5353 3000
	assert_record "$RECORD" timeout 'reason=silent'
	assert_match "datagrams" "$(value datagrams "$RECORD")" '^4/4/'
}

@test "an icmp error harms nothing" {
	gateway_start activate
	use_type A
	run -0 in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$S4" "$S6" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="ip", port=False,
		    flag=0, gateway=sys.argv[1] + ":1080"))
		for i in range(5):
		    for host in sys.argv[2:]:
		        a.send(host, 9, b"nobody")  # port unreachable
		        answer = a.ask(host, 5353, b"hello")
		        assert answer == (host, 5353, b"hello"), answer
		# A client that does not listen for a while.
		a.sock.close()
		a.sock = a.new_socket("0.0.0.0")
	END
	SESSION=$(value client "${lines[0]}")
	session_record
	assert_record "$RECORD" ok datagrams=20/10/0
}

@test "a link-local client keeps its zone" {
	local address
	address=$(ip -n "$NET-gw" -6 -o address show dev c6 scope link |
	    awk '{ sub("/.*", "", $4); print $4; exit }')
	[[ -n $address ]]
	gateway_start dual
	CLIENT=c6
	GATEWAY=$address%gw
	scene echo "$S4" 5353 "$S4"
	assert_match bnd "$(value bnd "$output")" "^.fe80:"
	assert_record "$RECORD" ok datagrams=6/6/0
}

@test "advertise udp is told to clients of its family, with the real port" {
	gateway_start activate "$NET_ALLOW" 'advertise udp 203.0.113.77' \
	    'listen-ports 31000-31007'
	use_type A
	# Nobody is there: it shows in the reply alone.
	scene control fin eof
	assert_match bnd "$(value bnd "${lines[0]}")" '^203.0.113.77:3100[0-7]$'
	use_type C
	scene echo "$S4" 5353 "$S4"
	assert_match bnd "$(value bnd "${lines[0]}")" \
	    '^.2001:db8:1::1.:3100[0-7]$'
}

# proxied CLIENT DESTINATION [LINE...]: REP and BND of an association behind a
# PROXY header that names them.
proxied() {
	gateway_start activate "$NET_ALLOW" 'proxy-protocol-from 192.0.2.0/24' \
	    "${@:3}"
	run -0 in_ns c4 env PYTHONPATH="$PEERS" "$PYTHON" - "$GW4" "$1" "$2" <<-'END'
		import sys, socks
		gateway, client, destination = sys.argv[1:]
		s = socks.Session(gateway + ":1080")
		family = "TCP6" if ":" in client else "TCP4"
		s.sock.sendall(f"PROXY {family} {client} {destination} 4711 "
		    "1080\r\n".encode() + socks.GREETING +
		    b"\5\3\0\1" + bytes(6))
		s.expect(socks.METHOD_NONE)
		reply = s.read_reply()
		print(f"rep={reply.rep:02x} "
		      f"bnd={socks.text_of((reply.address, reply.port))}")
	END
	gateway_stop
}

@test "behind a proxy the relay is where the header says, or advertise udp" {
	# The proxy's address is one of this host.
	proxied 198.51.100.80 198.51.100.1
	assert_match reply "$output" '^rep=00 bnd=198.51.100.1:[0-9]+$'
	# It is of another host, which passes no datagrams.
	proxied 198.51.100.80 203.0.113.99
	assert_match reply "$output" '^rep=00 bnd=203.0.113.99:[0-9]+$'
	proxied 198.51.100.80 203.0.113.99 'advertise udp 198.51.100.1'
	assert_match reply "$output" '^rep=00 bnd=198.51.100.1:[0-9]+$'
	proxied 2001:db8:2::80 2001:db8:2::1
	assert_match reply "$output" '^rep=00 bnd=.2001:db8:2::1.:[0-9]+$'
}

@test "INTERFACE DATA says what the peers see" {
	gateway_start activate
	local type here
	for type in $TYPES; do
		use_type "$type"
		here=198.51.100.1
		[[ $SERVER_ROLE == s4 ]] || here=2001:db8:2::1
		scene --flag 1 interface "$SERVER" 5353 "$here"
		assert_equal flag "$(value flag "$output")" 01
		assert_record "$RECORD" ok datagrams=2/2/0
		scene --flag 1 --as name interface "$SERVER_NAME" 5353 "$here"
	done
	# Other flags are not known, and not told to be.
	scene --flag 4 control fin eof
	assert_equal flag "$(value flag "$output")" 00
}

@test "INTERFACE DATA is judged, and denied ones leave the association alone" {
	gateway_start activate 'allow udp at 198.51.100.0/24 port 53,5353'
	use_type A
	scene --flag 1 control '>00010001c63364500050' \
	    '<05020001000000000000' '>000100017f0000010035' \
	    '<05020001000000000000' '>00010001c63364500000' \
	    '<05020001000000000000' \
	    '>00010003136d697373696e672e6578616d706c652e636f6d0035' \
	    '<05040001000000000000' fin eof
	assert_record "$RECORD" ok datagrams=0/0/0
}

@test "what is no message of the control channel ends the association" {
	gateway_start activate
	use_type A
	scene --flag 1 control '>00020001c00002350035' \
	    '<05070001000000000000' eof
	assert_record "$RECORD" bad-request 'reason=control'
	scene --flag 1 control '>05010001c00002350035' \
	    '<05010001000000000000' eof
	assert_record "$RECORD" bad-request 'reason=control'
	scene --flag 1 control '>00010002c00002350035' \
	    '<05080001000000000000' eof
	# Without the flag there is no such channel.
	scene control '>00010001c63364500035' gone
	assert_record "$RECORD" bad-request 'reason=octets'
}

# The peer records, as lines.
peer_records() {
	grep -oE 'peer client=.*' "$GATEWAY_LOG"
}

@test "a record peer for each address and port, and how it was asked for" {
	gateway_start activate
	use_type A
	scene --as name echo v4.example.com 5353 "$S4"
	run peer_records
	assert_equal "records: $output" "${#lines[@]}" 1
	assert_record "${lines[0]}" peer cmd=UDP dest=v4.example.com:5353 \
	    peer="$S4:5353" client="$SESSION"
	assert_match "local" "$(value local "${lines[0]}")" \
	    '^198.51.100.1:[0-9]+$'
	assert_equal "at the peer" "$(value local "${lines[0]}")" \
	    "$(tail -n 1 "$BATS_FILE_TMPDIR/udp-s4.out" |
	        sed 's/.*from //')"
	: >"$GATEWAY_LOG"
	use_type D
	scene peers "$S6" 5353 300
	run peer_records
	# So many at once, then some a second, and 256 in all.
	((${#lines[@]} >= 64 && ${#lines[@]} <= 256)) ||
	    fail "${#lines[@]} records"
	((${#lines[@]} < 200)) || fail "no limit: ${#lines[@]} records"
	assert_record "$RECORD" ok peers=300 unlogged=$((300 - ${#lines[@]}))
	assert_record "${lines[7]}" peer dest="[$S6]:5360" \
	    peer="[$S6]:5360"
	gateway_stop
	gateway_start activate "$NET_ALLOW" 'log-udp-peers off'
	scene peers "$S6" 5353 3
	run ! peer_records
	assert_record "$RECORD" ok peers=3
	run ! grep -q unlogged= <<<"$RECORD"
}

@test "thousands of peers take no more memory than there is for some" {
	gateway_start activate "$NET_ALLOW" 'log-udp-peers off'
	use_type A
	local pid bnd
	local -i kilobytes
	start scene ip netns exec "$NET-c4" "$PEERS/udp.py" "$GW4:1080" \
	    stays "$S4" 5353 10000
	wait_for_line "$BATS_FILE_TMPDIR/scene.out" '^stays$'
	bnd=$(value bnd "$(head -n 1 "$BATS_FILE_TMPDIR/scene.out")")
	pid=$(in_ns gw ss -Hlunp "sport = :${bnd##*:}" |
	    sed -n '1s/.*pid=\([0-9]*\).*/\1/p')
	kilobytes=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' \
	    "/proc/$pid/status")
	((kilobytes < 1024)) || fail "$kilobytes KiB"
	stop scene
}

@test "a filter of its own is on, and nothing is left open" {
	gateway_start activate
	use_type A
	local pid
	start scene ip netns exec "$NET-c4" "$PEERS/udp.py" "$GW4:1080" \
	    control eof
	wait_for_line "$BATS_FILE_TMPDIR/scene.out" '^client='
	local bnd
	bnd=$(value bnd "$(<"$BATS_FILE_TMPDIR/scene.out")")
	pid=$(in_ns gw ss -Hlunp "sport = :${bnd##*:}" |
	    sed -n '1s/.*pid=\([0-9]*\).*/\1/p')
	wait_until grep -q 'Seccomp_filters:.2$' "/proc/$pid/status"
	assert_equal "where the relay is" \
	    "$(in_ns gw ss -Hlun "sport = :${bnd##*:}" |
	        awk '{ print $4 }')" "$bnd"
}
