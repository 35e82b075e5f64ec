#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The lines of units/examples under the real inetds: unpacked below build/,
# run in a network of their own, with a real syslog socket.

load ../lib/common
load ../lib/records
load ../lib/killed

# Keeps the lines of openbsd-inetd.
OPENBSD="/^# --- inetutils/,\$d"

setup_file() {
	! lacks networks mounts || return 0
	export NETNS=s64-$$-inetd
	ip netns add "$NETNS"
	ip -n "$NETNS" link set lo up
	export PLACE GATEWAY_LOG
	# Where nobody can reach what it is to run.
	PLACE=$(mktemp -d /tmp/socks64-inetd.XXXXXX)
	chmod 755 "$PLACE"
	install -m 755 "$HANDLER_STATIC" "$PLACE"
	GATEWAY_LOG=$PLACE/log
	local package
	for package in openbsd-inetd inetutils-inetd xinetd ucspi-tcp-ipv6 \
	    tcpd; do
		"$TESTS/unpack-package" "$package" "$ROOT/build/$package" ||
		    fail "cannot fetch $package"
	done
	install -m 755 "$ROOT/build/tcpd/usr/sbin/tcpd" "$PLACE"
	start server4 ip netns exec "$NETNS" "$PEERS/server.py" 127.0.0.1 \
	    ask=7000
	start server6 ip netns exec "$NETNS" "$PEERS/server.py" ::1 ask=7000
	wait_for_line "$BATS_FILE_TMPDIR/server4.out" '^ready$'
	wait_for_line "$BATS_FILE_TMPDIR/server6.out" '^ready$'
}

teardown_file() {
	stop_all
	[[ -z ${NETNS:-} ]] || ip netns delete "$NETNS" 2>/dev/null || :
	rm -rf "${PLACE:-/nowhere}"
}

setup() {
	skip_lacking
	: >"$GATEWAY_LOG"
	configure 'allow at loopback'
}

# unshare passes no signal on, and the first process inside may ignore what is
# no SIGKILL.
teardown() {
	[[ -z ${LACKING:-} && -e $BATS_FILE_TMPDIR/launcher.pid ]] || return 0
	pkill -KILL -P "$(pid_of launcher)" || :
	wait_until is_gone "$(pid_of launcher)"
	stop launcher
}

configure() {
	printf '%s\n' "$@" >"$PLACE/socks64.conf"
	chmod 644 "$PLACE/socks64.conf"
}

# example FILE [SED-EXPRESSION]...: with the paths and the user of this test.
example() {
	local file=$ROOT/units/examples/$1
	local -a edits=()
	shift
	while [[ $# -gt 0 ]]; do
		edits+=(-e "$1")
		shift
	done
	sed "${edits[@]}" -e "s|@SBINDIR@|$PLACE|g" \
	    -e "s|/etc/socks64/socks64.conf|$PLACE/socks64.conf|g" \
	    -e 's/ socks64 \// nobody \//' -e 's/user = socks64/user = nobody/' \
	    -e 's/\(id -[ug]\) socks64/\1 nobody/g' \
	    -e "s|/usr/sbin/tcpd|$PLACE/tcpd|" "$file"
}

# launch PORTS COMMAND...: in the network, with /dev/log and a /run of its own,
# and everything it leaves in the background goes when it is stopped.
launch() {
	local -i ports=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	start launcher ip netns exec "$NETNS" unshare --mount --pid --fork \
	    --kill-child=KILL sh -c 'mount -t tmpfs run /run; exec "$@"' sh \
	    "$PEERS/syslog-dev" "$GATEWAY_LOG" "$@"
	wait_until listens "$ports" ||
	    fail "it does not listen: $*" "$(<"$BATS_FILE_TMPDIR/launcher.err")" \
	        "$(<"$GATEWAY_LOG")"
}

listens() { # COUNT
	(($(ss -N "$NETNS" -Hltn 'sport >= :1080 and sport <= :1082' | wc -l) >= $1))
}

launch_openbsd() {
	example inetd.conf "$OPENBSD" \
	    's/^#1080 /1081 /' >"$PLACE/inetd.conf"
	launch 3 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
}

launch_inetutils() {
	example inetd.conf '1,/^# --- inetutils/d' "/^# --- tcpd/,\$d" \
	    's/^#127/127/; s/^#1080 /1081 /' >"$PLACE/inetd.conf"
	# It goes into the background.
	launch 2 sh -c "$ROOT/build/inetutils-inetd/usr/sbin/inetutils-inetd \
	    --pidfile=/run/inetd.pid $PLACE/inetd.conf; exec sleep infinity"
}

launch_xinetd() {
	{
		example xinetd.conf
		example xinetd.conf 's/id = socks64/id = socks64-6/' \
		    's/flags = IPv4/flags = IPv6/' 's/bind = .*/bind = ::1/'
		example xinetd.conf 's/id = socks64/id = socks64-46/' \
		    's/flags = IPv4/flags = IPv6/' '/bind = /d' \
		    's/port = 1080/port = 1081/'
	} >"$PLACE/xinetd.conf"
	launch 3 "$ROOT/build/xinetd/usr/sbin/xinetd" -dontfork \
	    -pidfile /run/xinetd.pid -f "$PLACE/xinetd.conf"
}

# tcpserver logs to its standard error, and so do its sessions.
launch_tcpserver() {
	local address port
	for address in 127.0.0.1 ::1 0; do
		port=1080
		[[ $address != 0 ]] || port=1081
		example tcpserver.sh "s/127.0.0.1 1080/$address $port/" \
		    "s|exec tcpserver|$ROOT/build/ucspi-tcp-ipv6/usr/bin/tcpserver|" \
		    >"$PLACE/run-$address"
		chmod 755 "$PLACE/run-$address"
	done
	launch 3 sh -c "exec 2>>$GATEWAY_LOG; $PLACE/run-127.0.0.1 &
	    $PLACE/run-::1 & $PLACE/run-0 & wait"
}

launch_tcpd() {
	example inetd.conf '1,/^# --- tcpd/d' 's/^#127/127/' \
	    >"$PLACE/inetd.conf"
	launch 1 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
}

socks() {
	ip netns exec "$NETNS" "$PEERS/socks.py" "$@"
}

# serves GATEWAY CLIENT: sessions to both families; the record is in the log
# and names the client by that address.
serves() {
	local server client record
	for server in 127.0.0.1 ::1; do
		run socks "$1" "$server" 7000 exchange 200000
		assert_match "$1 to $server" "$status $output" '^0 .*rep=00'
		client=$(value client "$output")
		assert_match client "$client" "^$2:[0-9]+$"
		record=$(record_of "$client")
		assert_record "$record" ok cmd=CONNECT auth=none \
		    "client=$client"
	done
}

# Nothing but SOCKS goes to a client, whatever is wrong.
says_nothing() {
	local gateway
	for gateway in "$@"; do
		run socks "$gateway" raw '>050100' gone
		assert_equal "$gateway: $output" "$status" 0
	done
	wait_for_line "$GATEWAY_LOG" "socks64\[[0-9]+\]: $PLACE/socks64.conf:2: "
}

# dies: a session that gets no request before it waits, and then dies.
dies() {
	run socks 127.0.0.1:1080 raw '>050100' '<0500' gone
	assert_equal "$output" "$status" 0
}

serves_all() {
	serves 127.0.0.1:1080 127.0.0.1
	serves '[::1]:1080' '\[::1\]'
	serves 127.0.0.1:1081 127.0.0.1
}

@test "openbsd-inetd: IPv4, IPv6 and IPv4-mapped clients are served, and their records arrive at syslog" {
	launch_openbsd
	serves_all
	has_line "$GATEWAY_LOG" '^<29>socks64\[[0-9]+\]: ok client=127' ||
	    fail "$(<"$GATEWAY_LOG")"
}

@test "openbsd-inetd: a broken configuration sends no octet to a client" {
	launch_openbsd
	configure 'allow at loopback' 'nonsense on'
	says_nothing 127.0.0.1:1080 '[::1]:1080' 127.0.0.1:1081
}

@test "inetutils-inetd: IPv4, IPv6 and IPv4-mapped clients are served, and their records arrive at syslog" {
	launch_inetutils
	serves 127.0.0.1:1080 127.0.0.1
	serves '[::1]:1081' '\[::1\]'
	serves 127.0.0.1:1081 127.0.0.1
	has_line "$GATEWAY_LOG" '^<29>socks64\[[0-9]+\]: ok client=127' ||
	    fail "$(<"$GATEWAY_LOG")"
}

@test "inetutils-inetd: a broken configuration sends no octet to a client" {
	launch_inetutils
	configure 'allow at loopback' 'nonsense on'
	says_nothing 127.0.0.1:1080 '[::1]:1081' 127.0.0.1:1081
}

@test "xinetd: IPv4, IPv6 and IPv4-mapped clients are served, and their records arrive at syslog" {
	launch_xinetd
	serves_all
	has_line "$GATEWAY_LOG" '^<29>socks64\[[0-9]+\]: ok client=127' ||
	    fail "$(<"$GATEWAY_LOG")"
}

@test "xinetd: a broken configuration sends no octet to a client" {
	launch_xinetd
	configure 'allow at loopback' 'nonsense on'
	says_nothing 127.0.0.1:1080 '[::1]:1080' 127.0.0.1:1081
}

@test "tcpserver: IPv4, IPv6 and IPv4-mapped clients are served, and their records go to its log" {
	launch_tcpserver
	serves_all
	has_line "$GATEWAY_LOG" '^socks64\[[0-9]+\]: ok client=127' ||
	    fail "$(<"$GATEWAY_LOG")"
}

@test "tcpserver: a broken configuration sends no octet to a client" {
	launch_tcpserver
	configure 'allow at loopback' 'nonsense on'
	says_nothing 127.0.0.1:1080 '[::1]:1080' 127.0.0.1:1081
}

@test "tcpd in front passes the connection on" {
	launch_tcpd
	serves 127.0.0.1:1080 127.0.0.1
}

@test "a wrong command line in inetd.conf sends no octet to a client, and says so to syslog" {
	example inetd.conf "$OPENBSD" \
	    's/ -f .*/ --nonsense/' >"$PLACE/inetd.conf"
	launch 2 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
	run socks 127.0.0.1:1080 raw '>050100' gone
	assert_equal "$output" "$status" 0
	wait_for_line "$GATEWAY_LOG" 'socks64\[[0-9]+\]: unknown option --nonsense'
}

# beginnings: how often the listening mode began.
beginnings() {
	grep -c 'listening on 127.0.0.1:1080$' "$GATEWAY_LOG"
}

has_left() { # COUNT
	(($(grep -c ': idle for exit-idle-time$' "$GATEWAY_LOG") == $1))
}

# one_serves COUNT: three sessions at once, beside one that keeps the listening
# mode from leaving; that began so often by then.
one_serves() {
	local -i i
	start holder ip netns exec "$NETNS" "$PEERS/socks.py" 127.0.0.1:1080 \
	    127.0.0.1 7000 hold
	wait_for_line "$BATS_FILE_TMPDIR/holder.out" holding
	for i in 1 2 3; do
		start "client$i" ip netns exec "$NETNS" "$PEERS/socks.py" \
		    127.0.0.1:1080 127.0.0.1 7000 exchange 10000
	done
	for i in 1 2 3; do
		wait_for_line "$BATS_FILE_TMPDIR/client$i.out" 'rep=00' ||
		    fail "session $i" "$(<"$GATEWAY_LOG")"
		stop "client$i"
	done
	assert_equal "how often it began" "$(beginnings)" "$1"
	[[ ${2:-} == held ]] || stop holder
}

# waits: one process serves all; it leaves when nobody was there for a
# second, and is started again; when it is killed, too.
waits() {
	one_serves 1
	wait_until has_left 1
	one_serves 2 held
	pkill -KILL -o -f -- "-f $PLACE/socks64.conf -o exit-idle-time=1s" ||
	    fail 'there is no parent to be killed'
	stop holder
	one_serves 3
	wait_until has_left 2
	run grep -c ': ok client=' "$GATEWAY_LOG"
	((output >= 9)) || fail "$output records" "$(<"$GATEWAY_LOG")"
}

@test "openbsd-inetd with wait: one process serves all, leaves, and comes again" {
	example inetd.conf '1,/^# --- wait/d' "/^# --- tcpd/,\$d" \
	    's/^#127/127/; s/ tcp / tcp4 /; s/10min/1s/' >"$PLACE/inetd.conf"
	launch 1 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
	waits
}

@test "inetutils-inetd with wait: the same" {
	example inetd.conf '1,/^# --- wait/d' "/^# --- tcpd/,\$d" \
	    's/^#127/127/; s/10min/1s/' >"$PLACE/inetd.conf"
	launch 1 sh -c "$ROOT/build/inetutils-inetd/usr/sbin/inetutils-inetd \
	    --pidfile=/run/inetd.pid $PLACE/inetd.conf; exec sleep infinity"
	waits
}

@test "xinetd with wait = yes: the same" {
	example xinetd.conf 's/wait = no/wait = yes/' \
	    's/\(server_args = .*\)/\1 -o exit-idle-time=1s/' \
	    >"$PLACE/xinetd.conf"
	launch 1 "$ROOT/build/xinetd/usr/sbin/xinetd" -dontfork \
	    -pidfile /run/xinetd.pid -f "$PLACE/xinetd.conf"
	waits
}

# stops_serving: after at most five sessions nobody is served any more.
stops_serving() {
	local -i served=0
	for ((i = 0; i < 10; i++)); do
		! socks 127.0.0.1:1080 127.0.0.1 7000 reply |
		    grep -q rep=00 || served+=1
	done
	((served > 0 && served <= 5)) || fail "$served were served"
}

@test "the limit behind nowait: over it openbsd-inetd closes each connection" {
	example inetd.conf "$OPENBSD" 's/nowait.60000/nowait.5/' \
	    >"$PLACE/inetd.conf"
	launch 2 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
	stops_serving
	run socks 127.0.0.1:1080 raw '>050100' gone
	assert_equal "closed without an octet" "$status $output" "0 "
}

@test "the limit behind nowait: over it inetutils-inetd closes the service" {
	example inetd.conf '1,/^# --- inetutils/d' "/^# --- tcpd/,\$d" \
	    's/^#127/127/; s/nowait.60000/nowait.5/' >"$PLACE/inetd.conf"
	launch 1 sh -c "$ROOT/build/inetutils-inetd/usr/sbin/inetutils-inetd \
	    --pidfile=/run/inetd.pid $PLACE/inetd.conf; exec sleep infinity"
	stops_serving
	run socks 127.0.0.1:1080 raw '>050100' gone
	assert_match "nobody is served" "$status $output" \
	    '^(0 |1 .*(Refused|Reset))'
}

# too_many_are_refused: of connections as fast as they can be made.
too_many_are_refused() {
	ip netns exec "$NETNS" "$PYTHON" -c '
import socket, sys
try:
    for _ in range(50):
        socket.create_connection(("127.0.0.1", 1080)).close()
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)'
}

@test "cps: over it xinetd closes the service for the seconds it says" {
	example xinetd.conf 's/cps = .*/cps = 5 60/' >"$PLACE/xinetd.conf"
	launch 1 "$ROOT/build/xinetd/usr/sbin/xinetd" -dontfork \
	    -pidfile /run/xinetd.pid -f "$PLACE/xinetd.conf"
	wait_until too_many_are_refused || fail "it goes on"
}

@test "an example line stands 1,000 connections in a minute" {
	launch_openbsd
	run ip netns exec "$NETNS" "$PYTHON" -c '
import socket
for _ in range(1000):
    s = socket.create_connection(("127.0.0.1", 1080))
    s.sendall(b"\5\1\0")
    assert s.recv(2) == b"\5\0"
    s.close()'
	assert_equal "$output" "$status" 0
	serves 127.0.0.1:1080 127.0.0.1
}

@test "a session that dies of SIGSYS is in the kernel's log, where the manual says" {
	make -s -C "$ROOT" build/tests/probe/tomorrow.so
	install -m 755 "$ROOT/socks64-handler" \
	    "$ROOT/build/tests/probe/tomorrow.so" "$PLACE"
	forbidding "$PLACE/socks64-handler" "$PLACE/tomorrow.so" \
	    >"$PLACE/forbidding"
	chmod 755 "$PLACE/forbidding"
	example inetd.conf "$OPENBSD" \
	    's| @SBINDIR@/[^ ]* | @SBINDIR@/forbidding |' >"$PLACE/inetd.conf"
	launch 2 "$ROOT/build/openbsd-inetd/usr/sbin/inetd" -i \
	    "$PLACE/inetd.conf"
	dies
	run ! grep 'socks64\[' "$GATEWAY_LOG"
	local why
	why=$(kernel_log_lacks)
	[[ -z $why ]] || skip "$why"
	wait_until killed_in_log "$PLACE/socks64-handler" dies ||
	    fail "$(dmesg | tail)"
}
