#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# BIND: types A to D, who may connect, how the wait ends, what is told.

load lib/gateway
load lib/bind

teardown() {
	stop client
	gateway_stop
}

# listens PORT COUNT: so many sockets of the gateway listen there.
listens() {
	[[ $(ss -N "$NET-gw" -Hltn "sport = :$1" | wc -l) -eq $2 ]]
}

meet() { # FORM
	local port us record wanted=$GATEWAY
	ask "$1"
	bind_start --as "$AS" "$TARGET" 0
	assert_equal rep "$(value rep "$FIRST")" 00
	port=$(port_of "$FIRST")
	us=$(gateway_towards $SERVER_ROLE)
	! same_family "$GATEWAY" "$SERVER" || wanted=$us
	assert_equal bnd "$(value bnd "$FIRST")" "$(endpoint "$wanted" "$port")"
	listens "$port" 2 || fail "not both families listen at $port"
	run -0 visit $SERVER_ROLE "$us" "$port"
	assert_equal "at the peer" "${lines[1]}" "from the client"
	wait_for_line "$OUT" '^got='
	assert_equal "second reply" "$(sed -n 2p "$OUT")" \
	    "rep=00 peer=${lines[0]#from }"
	assert_equal "at the client" "$(sed -n 3p "$OUT")" "got=from the peer"
	record=$(record_of "$(value client "$FIRST")")
	assert_record "$record" ok cmd=BIND dest="$(endpoint "$TARGET" 0)" \
	    peer="${lines[0]#from }" local="$(endpoint "$us" "$port")" \
	    up=16 down=14
	listens "$port" 0 || fail "the listener is still there"
}

@test "types A to D, by name, literal and address" {
	local type form
	gateway_start activate
	for type in $TYPES; do
		use_type "$type"
		for form in name literal ip; do
			echo "type $type by $form"
			meet "$form"
		done
	done
}

@test "types A to D, static link, through openbsd-inetd" {
	local type
	gateway_start inetd
	for type in $TYPES; do
		use_type "$type"
		meet ip
	done
}

@test "a peer of either family reaches a client of either, by a name that has both" {
	gateway_start activate
	local type client
	for client in A D; do
		for type in A B; do
			use_type "$type"
			local server_role=$SERVER_ROLE
			use_type "$client"
			bind_start --as name both.example.com 0
			run -0 visit "$server_role" \
			    "$(gateway_towards "$server_role")" \
			    "$(port_of "$FIRST")"
			assert_equal "$client $type" "${lines[1]}" \
			    "from the client"
		done
	done
}

@test "peers on a link of this host are known while it listens" {
	gateway_start activate 'allow bind at on-link'
	local type
	for type in A B; do
		use_type "$type"
		bind_start "$SERVER" 0
		run -0 visit "$SERVER_ROLE" \
		    "$(gateway_towards "$SERVER_ROLE")" \
		    "$(port_of "$FIRST")"
		assert_equal "peer" "${lines[1]}" "from the client"
		assert_record "$(record_of "$(value client "$FIRST")")" ok
	done
}

@test "strangers are closed, and the wait goes on" {
	gateway_start activate
	use_type A
	bind_start "$S4" 0
	local port record
	port=$(port_of "$FIRST")
	run -0 visit c6 "$GW6" "$port"
	assert_match "stranger" "${lines[1]:-}" '^(reset)?$'
	run -0 visit c4 "$GW4" "$port"
	assert_match "stranger" "${lines[1]:-}" '^(reset)?$'
	run -0 visit s6 2001:db8:2::1 "$port"
	assert_match "stranger" "${lines[1]:-}" '^(reset)?$'
	assert_equal "lines" "$(wc -l <"$OUT")" 1
	run -0 visit s4 198.51.100.1 "$port"
	assert_equal "peer" "${lines[1]}" "from the client"
	record=$(record_of "$(value client "$FIRST")")
	assert_record "$record" ok peer="${lines[0]#from }"
}

@test "what the client sends before the peer comes waits for it, in order" {
	gateway_start activate
	use_type B
	bind_start --early early, --between between, "$S6" 0
	run -0 visit s6 2001:db8:2::1 "$(port_of "$FIRST")"
	assert_equal "peer" "${lines[1]}" "early,between,from the client"
}

@test "a reader that pauses for longer than half-closed-timeout gets what the peer ended" {
	gateway_start activate "$NET_ALLOW" 'half-closed-timeout 300ms'
	use_type A
	bind_start --pause 1 "$S4" 0
	in_ns s4 "$PYTHON" -I - 198.51.100.1 "$(port_of "$FIRST")" <<-'END'
		import socket, sys
		with socket.create_connection((sys.argv[1], int(sys.argv[2])),
		                              30) as sock:
		    sock.sendall(bytes(1000000))
		    sock.shutdown(socket.SHUT_WR)
		    while sock.recv(1000):
		        pass
	END
	wait_for_line "$OUT" '^got=1000000$'
	assert_record "$(record_of "$(value client "$FIRST")")" ok \
	    up=16 down=1000000
}

@test "nobody comes: the second reply is 06, and a timeout in the log" {
	gateway_start activate "$NET_ALLOW" 'bind-timeout 300ms'
	use_type C
	bind_start "$S4" 0
	wait_for_line "$OUT" '^rep=06 peer=0.0.0.0:0$'
	assert_record "$(record_of "$(value client "$FIRST")")" timeout \
	    cmd=BIND peer=- up=0 down=0 'reason=bind-timeout'
	wait_until listens "$(port_of "$FIRST")" 0
}

@test "strangers do not make the wait longer" {
	gateway_start activate "$NET_ALLOW" 'bind-timeout 500ms'
	use_type A
	bind_start "$S4" 0
	local port
	port=$(port_of "$FIRST")
	in_ns c4 "$PYTHON" -I - "$GW4" "$port" <<-'END'
		import socket, sys, time
		end = time.monotonic() + 30
		while time.monotonic() < end:
		    try:
		        socket.create_connection(
		            (sys.argv[1], int(sys.argv[2])), 1).close()
		    except OSError:
		        break
		else:
		    sys.exit("the listener is there for ever")
	END
	wait_for_line "$OUT" '^rep=06 '
}

@test "without a descriptor for the peer the wait ends, it does not spin" {
	gateway_start activate
	use_type A
	bind_start "$S4" 0
	local port pid
	port=$(port_of "$FIRST")
	[[ $(ss -N "$NET-gw" -Hltnp "sport = :$port") =~ pid=([0-9]+) ]]
	pid=${BASH_REMATCH[1]}
	# What it has stays open; only its own user may do that to it.
	setpriv --reuid "$(ps -o uid= -p "$pid")" --clear-groups \
	    --regid "$(ps -o gid= -p "$pid")" prlimit --pid "$pid" --nofile=3
	run visit s4 198.51.100.1 "$port"
	wait_for_line "$OUT" '^rep=01 peer=0.0.0.0:0$'
	assert_record "$(record_of "$(value client "$FIRST")")" \
	    connect-failed cmd=BIND peer=- 'reason=descriptor'
	wait_until listens "$port" 0
}

@test "a client that leaves takes the listener away" {
	gateway_start activate
	local how result
	use_type A
	for how in fin:ok rst:reset; do
		result=${how#*:}
		bind_start --leave "${how%:*}" "$S4" 0
		assert_record "$(record_of "$(value client "$FIRST")")" \
		    "$result" cmd=BIND peer=- 'reason=the client'
		wait_until listens "$(port_of "$FIRST")" 0
	done
}

@test "a requested port is given where it can be, else another" {
	gateway_start activate
	use_type A
	bind_start "$S4" 43456
	assert_equal "wanted" "$(port_of "$FIRST")" 43456
	local first=$FIRST
	cp "$BATS_FILE_TMPDIR/client.pid" "$BATS_FILE_TMPDIR/other.pid"
	bind_start "$S4" 43456
	[[ $(port_of "$FIRST") -ne 43456 ]] || fail "two at one port"
	stop other
	record_of "$(value client "$first")" >/dev/null
	stop client
	wait_until sessions_are 0
	bind_start "$S4" 43456
	assert_equal "free again" "$(port_of "$FIRST")" 43456
	stop client
	# One family is enough to make it busy.
	start busy ip netns exec "$NET-gw" "$PEERS/listen.py" 43457 "$GW6"
	wait_until net_listens gw 43457
	bind_start "$S4" 43457
	[[ $(port_of "$FIRST") -ne 43457 ]] || fail "the other family has it"
	stop busy
}

@test "a port of a local service is given where listen-ports has it alone" {
	gateway_start activate
	use_type A
	local port
	for port in 1080 3306 5432 6379 8080 32767; do
		bind_start "$S4" $port
		assert_equal rep "$(value rep "$FIRST")" 00
		[[ $(port_of "$FIRST") -ge 32768 ]] || fail "$FIRST"
		stop client
	done
	wait_until sessions_are 0
	gateway_stop
	gateway_start activate "$NET_ALLOW" 'listen-ports 8000-8099'
	bind_start "$S4" 8080
	assert_equal "allowed" "$(port_of "$FIRST")" 8080
	stop client
}

@test "ports below 1024 are nobody's to ask for" {
	# Which everybody may have in this namespace.
	in_ns gw sh -c 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
	gateway_start activate
	use_type A
	local port
	for port in 1 20 1023; do
		bind_start "$S4" $port
		assert_equal rep "$(value rep "$FIRST")" 00
		[[ $(port_of "$FIRST") -ge 1024 ]] || fail "$FIRST"
		stop client
	done
	in_ns gw sh -c 'echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start'
}

@test "listen-ports limits the ports, and 01 says that none is left" {
	gateway_start activate "$NET_ALLOW" 'listen-ports 30000-30001'
	use_type A
	local i
	declare -A seen=()
	for i in one two; do
		bind_start "$S4" 43456
		seen[$(port_of "$FIRST")]=$i
		mv "$BATS_FILE_TMPDIR/client.pid" "$BATS_FILE_TMPDIR/$i.pid"
	done
	assert_equal "ports" "$(printf '%s\n' "${!seen[@]}" | sort | xargs)" \
	    "30000 30001"
	bind_start "$S4" 0
	assert_equal rep "$(value rep "$FIRST")" 01
	assert_record "$(record_of "$(value client "$FIRST")")" \
	    connect-failed 'reason=port'
	stop one
	stop two
}

@test "log-start says open when the peer is there, and not before" {
	gateway_start activate "$NET_ALLOW" 'log-start on'
	use_type A
	bind_start "$S4" 0
	run ! grep -q 'open client=' "$GATEWAY_LOG"
	run -0 visit s4 198.51.100.1 "$(port_of "$FIRST")"
	wait_for_log 'ok client='
	assert_equal "records" "$(grep -c 'open client=' "$GATEWAY_LOG")" 1
	assert_match "peer" "$(grep 'open client=' "$GATEWAY_LOG")" \
	    "peer=${lines[0]#from } "
}

@test "advertise bind is told to clients of its family, with the real port" {
	gateway_start activate "$NET_ALLOW" 'advertise bind 203.0.113.77' \
	    'advertise bind 2001:db8:77::1'
	local type port
	for type in $TYPES; do
		use_type "$type"
		bind_start "$SERVER" 0
		port=$(port_of "$FIRST")
		if [[ $CLIENT == c4 ]]; then
			assert_equal bnd "$(value bnd "$FIRST")" \
			    "203.0.113.77:$port"
		else
			assert_equal bnd "$(value bnd "$FIRST")" \
			    "[2001:db8:77::1]:$port"
		fi
		run -0 visit "$SERVER_ROLE" \
		    "$(gateway_towards "$SERVER_ROLE")" "$port"
		assert_equal "$type" "${lines[1]}" "from the client"
	done
}

refused() { # RESULT REP HOST [OPTION]...
	bind_start "${@:4}" "$3" 0
	assert_equal "$3" "$(value rep "$FIRST") $(value bnd "$FIRST")" \
	    "$2 0.0.0.0:0"
	assert_record "$(record_of "$(value client "$FIRST")")" "$1" \
	    cmd=BIND peer=- 'reason=.'
}

@test "a peer that no rule allows is 02, a name without address 04" {
	gateway_start activate 'allow bind at 198.51.100.0/24'
	use_type A
	refused denied 02 "$S6"
	refused denied 02 10.0.0.1
	refused denied 02 v6.example.com --as name
	refused resolve-failed 04 missing.example.com --as name
	bind_start --as name v4.example.com 0
	assert_equal rep "$(value rep "$FIRST")" 00
}

@test "allow without a command word is no BIND, and deny is" {
	gateway_start activate 'allow at 198.51.100.0/24'
	use_type A
	refused denied 02 "$S4"
	gateway_stop
	gateway_start activate 'deny at 198.51.100.80' \
	    'allow bind at 198.51.100.0/24'
	refused denied 02 "$S4"
}

@test "any peer, an address of zeros, is 02 unless a rule opens it" {
	gateway_start activate
	use_type A
	refused denied 02 0.0.0.0
	refused denied 02 ::
	gateway_stop
	# And then each who connects is judged.
	gateway_start activate 'deny bind at 192.0.2.0/24' 'allow bind at any'
	local any port
	for any in 0.0.0.0 ::; do
		bind_start "$any" 0
		assert_equal rep "$(value rep "$FIRST")" 00
		port=$(port_of "$FIRST")
		assert_equal bnd "$(value bnd "$FIRST")" "$GW4:$port"
		run -0 visit c4 "$GW4" "$port"
		assert_match "denied" "${lines[1]:-}" '^(reset)?$'
		run -0 visit s6 2001:db8:2::1 "$port"
		assert_equal "peer" "${lines[1]}" "from the client"
	done
}

@test "a filter of its own is on while it waits" {
	gateway_start activate
	use_type A
	bind_start "$S4" 0
	local pid
	pid=$(in_ns gw ss -Hltnp "sport = :$(port_of "$FIRST")" |
	    sed -n '1s/.*pid=\([0-9]*\).*/\1/p')
	[[ -n $pid ]]
	# Two filters: the one of every session, and BIND's.
	assert_match "status" "$(grep Seccomp_filters "/proc/$pid/status")" \
	    'Seccomp_filters:.2$'
}

# An FTP server of one session: prints what it is told, and connects to where
# EPRT or PORT says.
ftp_server() { # ROLE ADDRESS
	start ftp ip netns exec "$NET-$1" "$PYTHON" -u -c '
import re, socket, sys
address = sys.argv[1]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.create_server((address, 21), family=family) as listener:
    print("ready")
    control = listener.accept()[0]
control.sendall(b"220 ready\r\n")
for line in control.makefile("rb"):
    print("told", line.decode().strip())
    if line[:4] == b"EPRT":
        _, _, host, port, _ = line.split(b" ")[1].decode().split("|")
    elif line[:4] == b"PORT":
        n = re.split(",", line.split(b" ")[1].decode().strip())
        host, port = ".".join(n[:4]), int(n[4]) * 256 + int(n[5])
    else:
        control.sendall(b"200 whatever you say\r\n")
        continue
    control.sendall(b"200 fine\r\n")
    with socket.create_connection((host, int(port)), 30) as data:
        data.sendall(b"from the peer\n")
        data.shutdown(socket.SHUT_WR)
        while data.recv(100):
            pass
    ' "$2"
	wait_for_line "$BATS_FILE_TMPDIR/ftp.out" '^ready$'
}

# command CLIENT HOST LINE: on a control connection through the gateway; what
# it is answered.
ftp_command() {
	local gateway=$GW4
	[[ $1 != c6 ]] || gateway=$GW6
	in_ns "$1" env PYTHONPATH="$PEERS" "$PYTHON" - \
	    "$(endpoint "$gateway" 1080)" "$2" "$3" <<-'END'
		import sys, socks
		s = socks.Session(sys.argv[1])
		assert s.connect(sys.argv[2], 21).rep == 0
		control = s.sock.makefile("rb")
		print(control.readline().decode().strip())
		s.sock.sendall(b"USER a\r\n")
		assert control.readline()[:1] == b"2"
		s.sock.sendall(sys.argv[3].encode() + b"\r\n")
		print(control.readline().decode().strip())
	END
}

@test "PORT and EPRT that name a live BIND are translated to its other family" {
	local state=$BATS_FILE_TMPDIR/state port
	install -d -o nobody -m 700 "$state"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" \
	    "$(dirname "$BATS_FILE_TMPDIR")"
	gateway_start activate "$NET_ALLOW" 'ftp-alg auto' \
	    "state-dir $state" 'user nobody'
	use_type B
	ftp_server s6 "$S6"
	bind_start "$S6" 0
	port=$(port_of "$FIRST")
	run -0 ftp_command c4 "$S6" \
	    "PORT ${GW4//./,},$((port / 256)),$((port % 256))"
	assert_match "answer" "${lines[1]}" '^200 '
	assert_match "told" "$(tail -n 1 "$BATS_FILE_TMPDIR/ftp.out")" \
	    "^told EPRT .2.2001:db8:2::1.$port.\$"
	wait_for_line "$OUT" '^got=from the peer$'
	stop ftp
	# Behind its end nobody may name it.
	wait_until sessions_are 0
	ftp_server s6 "$S6"
	run -0 ftp_command c4 "$S6" \
	    "PORT ${GW4//./,},$((port / 256)),$((port % 256))"
	assert_match "answer" "${lines[1]}" '^5'
	assert_equal "told" "$(grep -cE '^told (EPRT|PORT)' \
	    "$BATS_FILE_TMPDIR/ftp.out")" 0
	stop ftp
	use_type C
	ftp_server s4 "$S4"
	bind_start "$S4" 0
	port=$(port_of "$FIRST")
	run -0 ftp_command c6 "$S4" "EPRT |2|$GW6|$port|"
	assert_match "told" "$(tail -n 1 "$BATS_FILE_TMPDIR/ftp.out")" \
	    "^told PORT 198,51,100,1,$((port / 256)),$((port % 256))\$"
	wait_for_line "$OUT" '^got=from the peer$'
	stop ftp
}

# active_answer CLIENT HOST LINE RULE...: to a command of active mode.
active_answer() {
	gateway_start activate "${@:4}"
	ftp_server "$([[ $2 == *:* ]] && echo s6 || echo s4)" "$2"
	run -0 ftp_command "${@:1:3}"
	stop ftp
	gateway_stop
	ANSWER=${lines[1]}
}

@test "where a client listens for FTP is judged as a BIND is" {
	local port='PORT 192,0,2,2,200,1' eprt="EPRT |2|$C6|51201|"
	# As the control connection was; but the rules above that hold.
	active_answer c4 "$S6" "$port" "$NET_ALLOW port 21"
	assert_match "answer" "$ANSWER" '^200 '
	active_answer c4 "$S6" "$port" "deny bind at $C4" "$NET_ALLOW port 21"
	assert_match "answer" "$ANSWER" '^504 '
	active_answer c6 "$S4" "$eprt" "deny bind" "$NET_ALLOW port 21"
	assert_match "answer" "$ANSWER" '^504 '
	active_answer c6 "$S4" "$eprt" "$NET_ALLOW port 21" "deny bind"
	assert_match "answer" "$ANSWER" '^200 '
	# A client of the gateway's own host, which may be a forwarder.
	port="PORT ${GW4//./,},200,1"
	active_answer gw "$S6" "$port" "$NET_ALLOW port 21"
	assert_match "answer" "$ANSWER" '^504 '
	active_answer gw "$S6" "$port" "$NET_ALLOW port 21" 'deny at self'
	assert_match "answer" "$ANSWER" '^504 '
	active_answer gw "$S6" "$port" "$NET_ALLOW port 21" \
	    "allow bind at $GW4"
	assert_match "answer" "$ANSWER" '^200 '
}

# names_any TYPE COMMAND: with PORT, EPRT or LPRT of 0.0.0.0 or ::, in which
# %p is the port of the BIND, and %h,%l its octets.
names_any() {
	local port command
	use_type "$1"
	ftp_server "$SERVER_ROLE" "$SERVER"
	bind_start "$SERVER" 0
	port=$(port_of "$FIRST")
	command=${2//%p/$port}
	command=${command//%h/$((port / 256))}
	run -0 ftp_command "$CLIENT" "$SERVER" "${command//%l/$((port % 256))}"
	assert_match "$1 $2" "${lines[1]}" '^200 '
	wait_for_line "$OUT" '^got=from the peer$'
	stop ftp
}

@test "PORT, EPRT and LPRT of 0.0.0.0 or :: mean the BIND with that port" {
	local state=$BATS_FILE_TMPDIR/state type port
	install -d -o nobody -m 700 "$state"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" \
	    "$(dirname "$BATS_FILE_TMPDIR")"
	gateway_start activate "$NET_ALLOW" 'ftp-alg always' \
	    "state-dir $state" 'user nobody'
	for type in $TYPES; do
		names_any "$type" 'PORT 0,0,0,0,%h,%l'
		names_any "$type" 'EPRT |1|0.0.0.0|%p|'
		names_any "$type" 'EPRT |2|::|%p|'
		names_any "$type" 'LPRT 4,4,0,0,0,0,2,%h,%l'
	done
	# Without a BIND of that port it is nobody's.
	use_type B
	ftp_server s6 "$S6"
	run -0 ftp_command c4 "$S6" 'PORT 0,0,0,0,200,0'
	assert_match answer "${lines[1]}" '^5'
	stop ftp
}

@test "a host without IPv6: BIND, CONNECT and UDP between hosts of IPv4" {
	run alone "$CASES/without-ipv6.py" "$HANDLER"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a unix-domain client is answered 07" {
	run -0 --separate-stderr "$PYTHON" -I - "$HANDLER" "$PEERS" <<-'END'
		import subprocess, sys
		sys.path.insert(0, sys.argv[2])
		from streams import unix_connection
		for command in b"\2", b"\3":
		    ours, theirs = unix_connection()
		    handler = subprocess.Popen([sys.argv[1]], stdin=theirs,
		                               stdout=subprocess.DEVNULL)
		    theirs.close()
		    ours.sendall(b"\5\1\0\5" + command + b"\0\1" + bytes(6))
		    print(ours.recv(2).hex(), ours.recv(10).hex(),
		          ours.recv(1), handler.wait(30))
	END
	assert_equal "answers" "$output" \
	    $'0500 05070001000000000000 b\'\' 0\n0500 05070001000000000000 b\'\' 0'
	assert_match "record" "$stderr" 'bad-request client=unix:uid=0 .*cmd=BIND'
}
