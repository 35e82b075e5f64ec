#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Installed into a real systemd 252 that is booted for this file in
# namespaces (tests/systemd-sandbox): as `make install` leaves it, and with
# each of the drop-ins among the examples.

load ../lib/common
load ../lib/user-manager
load ../lib/killed

CONF=/etc/socks64/socks64.conf
UNITS=/etc/systemd/system
EXAMPLES=/usr/local/share/doc/socks64-handler/examples
GATEWAY=127.0.0.1:1080

setup_file() {
	local why
	why=$("$TESTS/systemd-sandbox" check 2>&1) || {
		# Not skip, which is an error in setup_file.
		export LACKING="no systemd in namespaces here: ${why##*: }"
		return 0
	}
	export SANDBOX=$BATS_FILE_TMPDIR/systemd
	"$TESTS/systemd-sandbox" up "$SANDBOX" "$ROOT:/src"
	inside sh -c 'echo 127.0.0.1 www.example.com >>/etc/hosts
	    echo ::1 six.example.com >>/etc/hosts'
	inside make -s -C /src -o all install >"$BATS_FILE_TMPDIR/install.out"
	inside systemctl enable --now socks64.socket \
	    2>"$BATS_FILE_TMPDIR/enable.err"
	start_inside server4 /src/tests/peers/server.py 127.0.0.1 \
	    ask=7000 http=80
	start_inside server6 /src/tests/peers/server.py ::1 ask=7000
	wait_for_line "$BATS_FILE_TMPDIR/server4.out" '^ready$'
	wait_for_line "$BATS_FILE_TMPDIR/server6.out" '^ready$'
}

teardown_file() {
	stop_all
	[[ ! -d ${SANDBOX:-/nowhere} ]] ||
	    "$TESTS/systemd-sandbox" down "$SANDBOX"
}

setup() {
	skip_lacking
	# The journal from here on: ports come again.
	BEGAN=$EPOCHREALTIME
	configure 'allow at loopback' 'handshake-timeout 2s' \
	    'connect-timeout 5s'
}

# A test may leave sessions, drop-ins and settings behind.
teardown() {
	[[ -z ${LACKING:-} ]] || return 0
	stop session
	inside systemctl stop socks64.socket
	inside rm -rf "$UNITS/socks64.socket.d" "$UNITS/socks64@.service.d" \
	    "$UNITS/socks64.slice.d" /etc/socks64/passwords
	inside systemctl daemon-reload
	inside systemctl stop 'socks64@*'
	inside systemctl reset-failed
	inside systemctl start socks64.socket
}

inside() {
	"$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

# As start of lib/common.
start_inside() {
	local name=$1
	shift
	start "$name" "$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

configure() {
	printf '%s\n' "$@" | inside tee "$CONF" >/dev/null
}

socks() {
	inside /src/tests/peers/socks.py "$@"
}

# drop_in EXAMPLE UNIT [SED-EXPRESSION]: an example as a drop-in of a unit,
# with the addresses of this sandbox.
drop_in() {
	inside mkdir -p "$UNITS/$2.d"
	inside sed "${3:-}" "$EXAMPLES/$1" |
	    inside tee "$UNITS/$2.d/$1" >/dev/null
	inside systemctl daemon-reload
	[[ $2 != socks64.socket ]] || inside systemctl restart socks64.socket
}

# begin ACTION...: a session towards the server that goes on until stop; its
# client in $CLIENT.
begin() {
	start_inside session /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 \
	    7000 "$@"
	wait_for_line "$BATS_FILE_TMPDIR/session.out" '^client=.* rep=00'
	CLIENT=$(value client "$(<"$BATS_FILE_TMPDIR/session.out")")
}

# fetch [OPTION...]: one HTTP request through the gateway.
fetch() {
	inside curl -sS --max-time 30 --socks5-hostname "$GATEWAY" \
	    http://www.example.com/ "$@"
}

# journal ARGUMENT...: what the journal got since the test began, and has been
# sent by now.
journal() {
	inside journalctl --sync
	inside journalctl -q --since "@$BEGAN" "$@"
}

# records MATCH...: the matching records, a JSON object a line.
records() {
	journal -t socks64 -o json "$@"
}

has_records() { # COUNT MATCH...
	local -i count=$1
	shift
	(($(records "$@" | wc -l) >= count))
}

# record MATCH...: waits for one, and prints its fields as NAME=VALUE lines.
record() {
	wait_until has_records 1 "$@" || fail "no record with $*"
	records "$@" | "$PYTHON" -c '
import json, sys
lines = sys.stdin.read().splitlines()
if len(lines) != 1:
    sys.exit(f"{len(lines)} records")
for name, value in json.loads(lines[0]).items():
    print(f"{name}={value}")'
}

field() { # NAME RECORD
	sed -n "s/^$1=//p" <<<"$2"
}

# dies: a session that gets no request before it waits, and then dies.
dies() {
	run socks "$GATEWAY" raw '>050100' '<0500' gone
	assert_equal "$output" "$status" 0
}

no_instances() {
	[[ -z $(inside systemctl list-units --all --plain --no-legend \
	    'socks64@*') ]]
}

@test "make install says that enabling the socket is all that is left, and it is" {
	run cat "$BATS_FILE_TMPDIR/install.out"
	assert_match output "$output" \
	    'All that is left to do:.*systemctl enable --now socks64.socket'
	run inside systemctl is-enabled socks64.socket
	assert_equal enabled "$output" enabled
	run fetch
	assert_equal "the first curl" "$status $output" "0 hello from 127.0.0.1"
}

@test "installation made the user, the directory and the catalog" {
	run inside stat -c '%U:%G %a' /run/socks64
	assert_equal "/run/socks64" "$output" "socks64:socks64 700"
	run inside journalctl --list-catalog
	assert_match catalog "$output" "socks64-handler: SOCKS session ended"
}

@test "systemd-analyze verify is silent about the units, and about each drop-in" {
	local pair
	for pair in '' listen-lan.conf:socks64.socket \
	    listen-ipv4.conf:socks64.socket listen-unix.conf:socks64.socket \
	    sources.conf:socks64.socket limits.conf:socks64.socket \
	    egress.conf:socks64@.service credentials.conf:socks64@.service \
	    hardened.conf:socks64@.service mark.conf:socks64@.service \
	    accounting.conf:socks64.slice; do
		if [[ -n $pair ]]; then
			inside mkdir -p "$UNITS/${pair#*:}.d"
			inside cp "$EXAMPLES/${pair%:*}" "$UNITS/${pair#*:}.d"
		fi
		run inside systemd-analyze verify --man=no \
		    /usr/local/lib/systemd/system/socks64.socket \
		    /usr/local/lib/systemd/system/socks64@1.service
		assert_equal "verify with ${pair:-no drop-in}" \
		    "$status $output" "0 "
		[[ -z $pair ]] || inside rm -r "$UNITS/${pair#*:}.d"
	done
}

@test "systemd-analyze verify is silent about the units of systemctl --user" {
	run inside env XDG_RUNTIME_DIR=/run systemd-analyze verify --user \
	    --man=no /usr/local/lib/systemd/user/socks64.socket \
	    /usr/local/lib/systemd/user/socks64@1.service
	assert_equal verify "$status $output" "0 "
}

@test "sessions are served on both listeners, in all four types" {
	local gateway server
	for gateway in 127.0.0.1:1080 '[::1]:1080'; do
		for server in 127.0.0.1 ::1; do
			run socks "$gateway" "$server" 7000 exchange 1000000
			assert_match "$gateway to $server" "$status $output" \
			    '^0 .*rep=00'
		done
	done
}

@test "the journal has every field of a session, read back with journalctl -o json" {
	run socks "$GATEWAY" ::1 7000 exchange 5000
	local client local_port bound
	client=$(value client "$output")
	bound=$(value bnd "$output")
	local_port=${bound##*:}
	local fields
	fields=$(record "SOCKS64_CLIENT_PORT=${client##*:}")
	local pair
	for pair in MESSAGE_ID=8a6013eb40644144a59f7d83dacabedb PRIORITY=5 \
	    SYSLOG_IDENTIFIER=socks64 SYSLOG_FACILITY=3 _TRANSPORT=journal \
	    SOCKS64_RESULT=ok SOCKS64_CLIENT=127.0.0.1 \
	    "SOCKS64_CLIENT_PORT=${client##*:}" SOCKS64_AUTH=none \
	    SOCKS64_COMMAND=CONNECT SOCKS64_DEST=::1 \
	    SOCKS64_DEST_PORT=7000 SOCKS64_PEER=::1 SOCKS64_PEER_PORT=7000 \
	    SOCKS64_LOCAL=::1 "SOCKS64_LOCAL_PORT=$local_port" \
	    SOCKS64_LISTEN=127.0.0.1:1080 'SOCKS64_FAMILIES=4>6' \
	    SOCKS64_REPLY=0 "SOCKS64_RULE=$CONF:1" \
	    'SOCKS64_ATTEMPTS=[::1]:7000 ok'; do
		assert_equal "${pair%%=*}" "$(field "${pair%%=*}" "$fields")" \
		    "${pair#*=}"
	done
	for pair in SOCKS64_UP SOCKS64_DOWN SOCKS64_START_USEC \
	    SOCKS64_DIAL_USEC SOCKS64_DURATION_USEC; do
		assert_match "$pair" "$(field "$pair" "$fields")" '^[0-9]+$'
	done
	[[ $(field SOCKS64_UP "$fields") -gt 5000 ]]
	assert_match SOCKS64_INVOCATION_ID \
	    "$(field SOCKS64_INVOCATION_ID "$fields")" '^[0-9a-f]{32}$'
	assert_equal uid "$(field _UID "$fields")" \
	    "$(inside id -u socks64)"
	assert_match MESSAGE "$(field MESSAGE "$fields")" \
	    "^ok client=$client user=- auth=none cmd=CONNECT dest=\[::1\]:7000 peer=\[::1\]:7000 "
}

@test "a denied name, rule and reason are in the fields" {
	configure 'deny to .example.com' 'allow at loopback'
	run fetch
	local fields
	fields=$(record SOCKS64_RESULT=denied SOCKS64_DEST=www.example.com)
	assert_equal rule "$(field SOCKS64_RULE "$fields")" "$CONF:1"
	assert_equal reply "$(field SOCKS64_REPLY "$fields")" 2
	[[ -n $(field SOCKS64_REASON "$fields") ]]
}

@test "journalctl -x explains a record" {
	run fetch --socks5-hostname "$GATEWAY" http://10.1.2.3/
	record SOCKS64_RESULT=denied SOCKS64_DEST=10.1.2.3 >/dev/null
	run journal -x -t socks64 SOCKS64_DEST=10.1.2.3
	assert_match explanation "$output" 'Subject: SOCKS request denied'
	assert_match explanation "$output" \
	    'The rules do not allow what the client asked for'
}

@test "journal, syslog and standard error have the same sentence" {
	local sink transport sentence first=
	for sink in journal:journal syslog:syslog stderr:stdout; do
		transport=${sink#*:}
		configure 'allow at loopback' "log-to ${sink%:*}"
		run fetch --socks5-hostname "$GATEWAY" http://10.9.8.7/
		wait_until has_records 1 "_TRANSPORT=$transport" \
		    --grep 'dest=10\.9\.8\.7' || fail "nothing by $transport"
		sentence=$(journal -t socks64 -o cat \
		    "_TRANSPORT=$transport" --grep 'dest=10\.9\.8\.7' |
		    sed 's/ client=[^ ]*//; s/ start=[^ ]*//; s/ seconds=[^ ]*//')
		[[ -n $first ]] || first=$sentence
		assert_equal "$sink" "$sentence" "$first"
	done
	assert_match sentence "$first" '^denied user=- auth=none .*reason='
}

@test "systemctl status and ps show who talks to whom while it relays" {
	begin hold
	local line="$CLIENT -> 127.0.0.1:7000 (127.0.0.1:7000)"
	run inside systemctl status 'socks64@*'
	assert_match status "$output" "Status: \"${line//[()]/.}\""
	run inside ps -u socks64 -o args=
	assert_match ps "$output" "^${line//[()]/.}"
}

@test "300 hostile sessions leave no failed unit, no refused socket, no instance" {
	run inside /src/tests/peers/hostile.py "$GATEWAY" 300 127.0.0.1:9 \
	    10.0.0.1:80
	assert_equal "$output" "$status" 0
	assert_match kinds "$output" 'silence 37'
	wait_until no_instances ||
	    fail "left: $(inside systemctl list-units --all 'socks64@*')"
	# CollectMode= takes failed ones away, too: ask the journal.
	run journal -o cat _PID=1 --grep 'Failed with result|Main process exited'
	assert_equal "failed instances" "$output" ""
	run inside systemctl list-units --failed --plain --no-legend
	assert_equal "failed units" "$output" ""
	run inside systemctl is-active socks64.socket
	assert_equal socket "$output" active
	run fetch
	assert_equal "a good session" "$status $output" "0 hello from 127.0.0.1"
}

fail2ban() {
	PYTHONPATH=$ROOT/build/fail2ban/usr/lib/python3/dist-packages \
	    "$PYTHON" "$ROOT/build/fail2ban/usr/bin/fail2ban-regex" \
	    -c "$ROOT/build/fail2ban/etc/fail2ban" "$@"
}

@test "the fail2ban filter finds what it should in real records, and nothing else" {
	"$TESTS/unpack-package" fail2ban "$ROOT/build/fail2ban" ||
	    fail "cannot fetch fail2ban"
	local bad='auth-failed|not-socks|bad-request|handshake-timeout'
	socks "$GATEWAY" raw '>050102' '<05ff' gone
	socks "$GATEWAY" raw '>474554202f20' gone
	socks '[::1]:1080' raw '>050100' '<0500' '>0501000501' \
	    '<05080001000000000000' gone
	socks '[::1]:1080' raw '>05' gone
	run fetch --socks5-hostname "$GATEWAY" http://10.9.9.9/
	run fetch
	configure 'allow at loopback' 'socks4 on'
	socks "$GATEWAY" raw '>0409' '<005b000000000000' gone
	socks "$GATEWAY" raw '>040100500a09090900' '<005b000000000000' gone
	configure 'allow at loopback' 'proxy-protocol-from 127.0.0.1'
	socks "$GATEWAY" raw '>050100' gone
	local result
	for result in ${bad//|/ } denied ok bad-proxy-header; do
		wait_until has_records 1 "SOCKS64_RESULT=$result" ||
		    fail "no record $result"
	done
	for result in denied bad-request; do
		wait_until has_records 1 "SOCKS64_RESULT=$result" \
		    SOCKS64_AUTH=socks4 || fail "no record $result of SOCKS4"
	done
	journal -t socks64 -o short >"$BATS_TEST_TMPDIR/journal"
	cp "$ROOT/build/fail2ban/etc/fail2ban/filter.d/common.conf" \
	    "$ROOT/units/examples/fail2ban-filter.conf" "$BATS_TEST_TMPDIR"
	run fail2ban "$BATS_TEST_TMPDIR/journal" \
	    "$BATS_TEST_TMPDIR/fail2ban-filter.conf"
	local count
	count=$(grep -cE "\]: ($bad) client=" "$BATS_TEST_TMPDIR/journal")
	assert_match "fail2ban-regex" "$output" ", $count matched, "
	run fail2ban --out '<ip>' "$BATS_TEST_TMPDIR/journal" \
	    "$BATS_TEST_TMPDIR/fail2ban-filter.conf"
	assert_equal "addresses" "$(sort -u <<<"$output" | xargs)" \
	    "127.0.0.1 ::1"
}

@test "a broken configuration closes each client without an octet, and leaves no failed unit" {
	configure 'idle-timeout never' 'nonsense on'
	for ((i = 0; i < 20; i++)); do
		run socks "$GATEWAY" raw '>050100' gone
		assert_equal "$output" "$status" 0
	done
	wait_until no_instances ||
	    fail "left: $(inside systemctl list-units --all 'socks64@*')"
	run journal -t socks64 -o cat --grep "^$CONF:2: "
	assert_equal "a line for each connection" "${#lines[@]}" 20
}

@test "MaxConnectionsPerSource= holds, and its slots come back" {
	drop_in limits.conf socks64.socket \
	    's/PerSource=.*/PerSource=4/'
	local -i i
	for i in 1 2 3 4; do
		start_inside "hold$i" /src/tests/peers/socks.py "$GATEWAY" \
		    127.0.0.1 7000 hold
		wait_for_line "$BATS_FILE_TMPDIR/hold$i.out" rep=00
	done
	run socks "$GATEWAY" raw gone
	assert_equal "the fifth: closed without an octet" "$status $output" "0 "
	run journal -u socks64.socket -o cat
	assert_match journal "$output" 'Too many incoming connections'
	# Another source is not concerned.
	run socks '[::1]:1080' 127.0.0.1 7000 reply
	assert_match "another source" "$output" rep=00
	for i in 1 2 3 4; do
		stop "hold$i"
	done
	wait_until no_instances
	for ((i = 0; i < 12; i++)); do
		run socks "$GATEWAY" raw '>1603010200' gone
	done
	wait_until no_instances
	run socks "$GATEWAY" 127.0.0.1 7000 reply
	assert_match "after hostile ones" "$output" rep=00
}

@test "stop and restart of the socket leave a running session alone" {
	mkfifo "$BATS_TEST_TMPDIR/go"
	inside /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 7000 \
	    stall 3000000 <"$BATS_TEST_TMPDIR/go" \
	    >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local client=$!
	exec {go}>"$BATS_TEST_TMPDIR/go"
	wait_for_line "$BATS_TEST_TMPDIR/out" stalled
	inside systemctl stop socks64.socket
	run fetch
	assert_equal "curl finds nobody" "$status" 7
	inside systemctl start socks64.socket
	inside systemctl restart socks64.socket
	run fetch
	assert_equal "a new session" "$output" "hello from 127.0.0.1"
	echo >&"$go"
	exec {go}>&-
	wait "$client" || fail "$(<"$BATS_TEST_TMPDIR/out")"
}

@test "stopping one instance ends that session with its record, and no other" {
	begin hold
	start_inside other /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 \
	    7000 hold
	wait_for_line "$BATS_FILE_TMPDIR/other.out" rep=00
	local unit
	unit=$(inside systemctl list-units --plain --no-legend \
	    "socks64@*-$CLIENT.service" | cut -d ' ' -f 1)
	assert_match unit "$unit" "^socks64@[0-9]+-127.0.0.1:1080-$CLIENT.service$"
	inside systemctl stop "$unit"
	local fields
	fields=$(record "SOCKS64_CLIENT_PORT=${CLIENT##*:}")
	assert_equal result "$(field SOCKS64_RESULT "$fields")" stopped
	run inside systemctl list-units --plain --no-legend 'socks64@*'
	assert_equal "instances left" "${#lines[@]}" 1
	stop other
}

# The commands of socks64-handler(8), ANSWERING AN ABUSE REPORT.
@test "who reached an address, and from which port of ours, is found in journal and syslog" {
	run socks '[::1]:1080' ::1 7000 exchange 1000
	local client bound
	client=$(value client "$output")
	bound=$(value bnd "$output")
	wait_until has_records 1 SOCKS64_PEER=::1 \
	    "SOCKS64_LOCAL_PORT=${bound##*:}"
	run journal -t socks64 SOCKS64_PEER=::1 \
	    "SOCKS64_LOCAL_PORT=${bound##*:}"
	assert_match journal "$output" "ok client=${client//[\[\]]/.} user=- "
	journal -t socks64 -o short >"$BATS_TEST_TMPDIR/daemon.log"
	run grep -F ' peer=[::1]:' "$BATS_TEST_TMPDIR/daemon.log"
	assert_match syslog "$output" "client=${client//[\[\]]/.} user=- "
}

# pkill and pgrep as socks64-handler(8) has them under ENDING SESSIONS.
@test "the commands of ENDING SESSIONS end all sessions" {
	begin hold
	local client=$CLIENT
	inside pkill -u socks64 -x socks64-handler
	run record "SOCKS64_CLIENT_PORT=${client##*:}"
	assert_match record "$output" SOCKS64_RESULT=stopped
	begin hold
	client=$CLIENT
	inside systemctl stop 'socks64@*'
	run record "SOCKS64_CLIENT_PORT=${client##*:}"
	assert_match record "$output" SOCKS64_RESULT=stopped
	wait_until no_instances
}

alice_is_served() {
	inside pgrep -u socks64 -f '^[^ ]+ alice -> '
}

@test "the commands of ENDING SESSIONS end a user's sessions, and one" {
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" |
	    inside tee /etc/socks64/passwords >/dev/null
	inside chgrp socks64 /etc/socks64/passwords
	inside chmod 640 /etc/socks64/passwords
	configure 'auth none password' 'allow at loopback'
	start_inside alice "$PYTHON" -c '
import socket
s = socket.create_connection(("127.0.0.1", 1080))
for ours, theirs in ((b"\5\1\2", 2), (b"\1\5alice\6secret", 2),
                     (b"\5\1\0\1\x7f\0\0\1\x1b\x58", 10)):
    s.sendall(ours)
    s.recv(theirs, socket.MSG_WAITALL)
s.recv(1)'
	wait_until alice_is_served
	begin hold
	inside pkill -u socks64 -f '^[^ ]+ alice -> '
	run record SOCKS64_USER=alice
	assert_match record "$output" SOCKS64_RESULT=stopped
	run inside systemctl list-units --plain --no-legend \
	    "socks64@*-$CLIENT.service"
	assert_match "the other goes on" "$output" "^socks64@([0-9]+)-"
	inside systemctl stop "socks64@${BASH_REMATCH[1]}-*"
	run record "SOCKS64_CLIENT_PORT=${CLIENT##*:}"
	assert_match record "$output" SOCKS64_RESULT=stopped
}

@test "hardened.conf serves, and scores 1.0 or less" {
	drop_in hardened.conf socks64@.service
	local server
	for server in 127.0.0.1 ::1; do
		run socks "$GATEWAY" "$server" 7000 exchange 1000000
		assert_match "to $server" "$status $output" '^0 .*rep=00'
	done
	run fetch
	assert_equal "by name" "$output" "hello from 127.0.0.1"
	begin hold
	run inside systemctl status 'socks64@*'
	assert_match "status line" "$output" "Status: \"$CLIENT -> "
	local client=$CLIENT
	stop session
	run record "SOCKS64_CLIENT_PORT=${client##*:}"
	assert_match record "$output" 'SOCKS64_RESULT='
	inside cp /usr/local/lib/systemd/system/socks64@.service "$UNITS"
	run inside systemd-analyze security --offline=true --threshold=10 \
	    "$UNITS/socks64@.service"
	inside rm "$UNITS/socks64@.service"
	assert_equal "${lines[-1]}" "$status" 0
}

# The client and the server of a PASV between families: what the client is
# told.
passive_mode() {
	inside "$PYTHON" -c '
import socket
listener = socket.create_server(("::1", 21), family=socket.AF_INET6)
client = socket.create_connection(("127.0.0.1", 1080))
client.sendall(b"\5\1\0")
client.recv(2, socket.MSG_WAITALL)
client.sendall(b"\5\1\0\4" + bytes(15) + b"\1\0\x15")
client.recv(10, socket.MSG_WAITALL)
server = listener.accept()[0]
at_client, at_server = (s.makefile("rw", newline="\r\n")
                        for s in (client, server))
def say(to, line):
    to.write(line + "\n")
    to.flush()
say(at_server, "220 ready")
at_client.readline()
say(at_client, "USER a")
at_server.readline()
say(at_server, "230 in")
at_client.readline()
say(at_client, "PASV")
at_server.readline()
say(at_server, "229 ok (|||50000|)")
print(at_client.readline())'
}

@test "sessions have their association table, under the plain unit and under hardened.conf" {
	inside rm -f /run/socks64/associations
	run passive_mode
	assert_match "an alias" "$status $output" '^0 227 .*\(0,'
	inside rm /run/socks64/associations
	drop_in hardened.conf socks64@.service
	run passive_mode
	assert_match "an alias" "$status $output" '^0 227 .*\(0,'
	run inside stat -c '%U %a' /run/socks64/associations
	assert_equal "the table" "$output" "socks64 600"
}

# Ten times the score that the plain unit of these may have.
@test "systemd-analyze security: what the plain units reach" {
	local unit most
	for unit in system:38 user:68; do
		most=${unit#*:}
		inside cp "/usr/local/lib/systemd/${unit%:*}/socks64@.service" \
		    "$UNITS/scored@.service"
		run inside systemd-analyze security --offline=true \
		    --threshold="$most" "$UNITS/scored@.service"
		assert_equal "$unit: ${lines[-1]}" "$status" 0
		run inside systemd-analyze security --offline=true \
		    --threshold="$((most - 4))" "$UNITS/scored@.service"
		assert_equal "$unit: can fail: ${lines[-1]}" "$status" 1
	done
	inside rm "$UNITS/scored@.service"
}

@test "the hardened score test can fail: the plain unit scores more" {
	inside cp /usr/local/lib/systemd/system/socks64@.service "$UNITS"
	run inside systemd-analyze security --offline=true --threshold=10 \
	    "$UNITS/socks64@.service"
	inside rm "$UNITS/socks64@.service"
	assert_equal "${lines[-1]}" "$status" 1
}

@test "LoadCredential= brings the password file, which only root can read" {
	drop_in credentials.conf socks64@.service
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" |
	    inside sh -c 'umask 077; cat >/etc/socks64/passwords'
	configure 'auth password' 'password-file passwords' \
	    'allow user alice at loopback'
	run inside stat -c '%U %a' /etc/socks64/passwords
	assert_equal "mode" "$output" "root 600"
	run fetch --proxy-user alice:secret
	assert_equal "alice" "$status $output" "0 hello from 127.0.0.1"
	run fetch --proxy-user alice:wrong
	assert_equal "a wrong password" "$status" 97
	run record SOCKS64_RESULT=ok SOCKS64_USER=alice
	assert_match record "$output" SOCKS64_AUTH=password
	run record SOCKS64_RESULT=auth-failed SOCKS64_USER=alice
	assert_match record "$output" SOCKS64_CLIENT=127.0.0.1
}

@test "listen-unix.conf: a client of a unix-domain socket is known by its uid" {
	drop_in listen-unix.conf socks64.socket
	run inside curl -sS --max-time 30 \
	    --proxy socks5h://localhost/run/socks64.sock \
	    http://www.example.com/
	assert_equal curl "$status $output" "0 hello from 127.0.0.1"
	run record SOCKS64_CLIENT=unix:uid=0
	assert_match record "$output" 'MESSAGE=ok client=unix:uid=0 '
}

has_refused_mark() {
	journal -t socks64 | grep -q \
	    'socks64.conf:2: mark: cannot be set: Operation not permitted'
}

@test "mark.conf: with it sessions have the mark, without it none begins" {
	configure 'allow at loopback' 'mark 7'
	run fetch
	[[ $status -ne 0 ]]
	wait_until has_refused_mark || fail "$(journal -t socks64)"
	drop_in mark.conf socks64@.service
	run fetch
	assert_equal curl "$status $output" "0 hello from 127.0.0.1"
}

@test "listen-lan.conf: the empty ListenStream= replaces the listeners" {
	drop_in listen-lan.conf socks64.socket \
	    's/^ListenStream=\[::1\]:1080//; s/^ListenStream=192.*/ListenStream=127.0.0.9:1081/; s/^ListenStream=\[2001.*//'
	run inside ss -Hltn
	assert_match listeners "$output" '127\.0\.0\.9:1081'
	assert_match listeners "$output" '127\.0\.0\.1:1080'
	[[ $output != *'[::1]:1080'* ]]
	run socks 127.0.0.9:1081 127.0.0.1 7000 reply
	assert_match reply "$output" rep=00
}

@test "sources.conf: the kernel lets in whom it names, and nobody else" {
	drop_in sources.conf socks64.socket 's/^IPAddressAllow=localhost/IPAddressAllow=127.0.0.2/'
	run inside curl -sS --max-time 30 --interface 127.0.0.2 \
	    --socks5-hostname "$GATEWAY" http://www.example.com/
	assert_equal "127.0.0.2" "$status $output" "0 hello from 127.0.0.1"
	run inside curl -sS --max-time 2 --interface 127.0.0.3 \
	    --socks5-hostname "$GATEWAY" http://www.example.com/
	assert_equal "127.0.0.3" "$status" 28
}

@test "egress.conf: what the kernel denies times out, the rest goes on" {
	drop_in egress.conf socks64@.service \
	    's/^IPAddressDeny=10.*/IPAddressDeny=127.0.0.5/'
	configure 'allow at loopback' 'connect-timeout 1s'
	run socks "$GATEWAY" 127.0.0.5 7000 reply
	assert_match "denied" "$output" rep=06
	run socks "$GATEWAY" 127.0.0.1 7000 reply
	assert_match "allowed" "$output" rep=00
}

@test "accounting.conf: the slice of the sessions counts" {
	drop_in accounting.conf socks64.slice
	begin hold
	run inside systemctl show -p CPUAccounting -p MemoryAccounting \
	    -p IPAccounting -p MemoryMax -p TasksMax socks64.slice
	assert_match slice "$output" 'CPUAccounting=yes'
	assert_match slice "$output" 'IPAccounting=yes'
	assert_match slice "$output" 'MemoryMax=3221225472'
	assert_match slice "$output" 'TasksMax=4400'
	run inside systemctl show -p CPUUsageNSec --value socks64.slice
	assert_match "CPU time" "$output" '^[1-9][0-9]*$'
}

@test "all sessions are in socks64.slice, and have room there for MaxConnections=" {
	begin hold
	run inside systemctl show -p Slice --value 'socks64@*'
	assert_equal slice "$output" socks64.slice
	local -i connections tasks memory
	connections=$(inside systemctl show -p MaxConnections --value \
	    socks64.socket)
	tasks=$(inside systemctl show -p TasksMax --value socks64.slice)
	memory=$(inside systemctl show -p MemoryMax --value socks64.slice)
	((connections < tasks && tasks < 2 * connections)) ||
	    fail "$connections connections, $tasks tasks"
	((memory >= connections * 512 * 1024)) ||
	    fail "$connections connections, $memory octets"
}

@test "a machine without IPv6 addresses serves IPv4" {
	inside sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	inside systemctl restart socks64.socket
	run fetch
	inside sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
	assert_equal curl "$status $output" "0 hello from 127.0.0.1"
	run inside systemctl is-active socks64.socket
	assert_equal socket "$output" active
}

@test "800 short connections do not close the socket" {
	run inside "$PYTHON" -c '
import socket
for _ in range(800):
    socket.create_connection(("127.0.0.1", 1080)).close()'
	wait_until no_instances
	run inside systemctl is-active socks64.socket
	assert_equal socket "$output" active
	run fetch
	assert_equal curl "$status $output" "0 hello from 127.0.0.1"
}

# spent: the CPU time of pid 1 inside and of all services, in microseconds.
spent() {
	inside cat /sys/fs/cgroup/{init.scope,system.slice}/cpu.stat |
	    awk '$1 == "usage_usec" { sum += $2 } END { print sum }'
}

# Seen without pid 1, whose time is measured.
no_groups() { # UNIT
	! inside test -e "/sys/fs/cgroup/system.slice/system-$1.slice" ||
	    [[ -z $(inside find "/sys/fs/cgroup/system.slice/system-$1.slice" \
	        -name "$1@*") ]]
}

# cost UNIT PORT: the CPU time of 15 sessions in a row.
cost() {
	local -i before
	before=$(spent)
	inside "$PYTHON" -c '
import socket, sys
for _ in range(15):
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    s.sendall(b"\5\1\0")
    assert s.recv(2) == b"\5\0"
    s.close()' "$2"
	wait_until no_groups "$1"
	echo $(($(spent) - before))
}

@test "the unit costs at most 1.5 times a bare one" {
	local -i plain=0 bare=0 round
	printf '%s\n' '[Unit]' 'CollectMode=inactive-or-failed' '[Service]' \
	    "ExecStart=/usr/local/sbin/socks64-handler -f $CONF" \
	    'User=socks64' |
	    inside tee "$UNITS/bare@.service" >/dev/null
	printf '%s\n' '[Socket]' 'ListenStream=127.0.0.1:1090' 'Accept=yes' |
	    inside tee "$UNITS/bare.socket" >/dev/null
	inside systemctl daemon-reload
	inside systemctl start bare.socket
	# In turns: what else this machine does is dear for both.
	for ((round = 0; round < 10; round++)); do
		plain+=$(cost socks64 1080)
		bare+=$(cost bare 1090)
	done
	inside systemctl stop bare.socket
	inside rm "$UNITS/bare@.service" "$UNITS/bare.socket"
	inside systemctl daemon-reload
	echo "# plain unit $plain us, bare unit $bare us" >&3
	((plain * 10 <= bare * 15)) || fail "plain $plain, bare $bare us"
}

@test "upgrading while sessions come: none meets a missing handler" {
	start_inside sessions sh -c 'while [ ! -e /run/enough ]; do
		curl -sS --max-time 20 --socks5-hostname 127.0.0.1:1080 \
		    http://www.example.com/ || echo failed; done'
	wait_for_line "$BATS_FILE_TMPDIR/sessions.out" hello
	for ((i = 0; i < 5; i++)); do
		inside make -s -C /src -o all install >/dev/null
	done
	inside touch /run/enough
	wait_until is_gone "$(pid_of sessions)"
	run sort -u "$BATS_FILE_TMPDIR/sessions.out"
	assert_equal output "$output" "hello from 127.0.0.1"
	inside rm /run/enough
}

# The commands of README, "A user, without root".
@test "a user without root installs below his home, and is served on loopback and by a socket of his own" {
	inside systemctl stop socks64.socket
	start_user_manager
	as_user make -s -C /src -o all install PREFIX=/run/home/.local
	local units=/run/home/.local/lib/systemd/user
	as_user systemctl --user link "$units/socks64@.service"
	as_user systemctl --user enable --now "$units/socks64.socket"
	run as_user curl -sS --max-time 30 --socks5-hostname "$GATEWAY" \
	    http://www.example.com/
	assert_equal "loopback" "$status $output" "0 hello from 127.0.0.1"
	run as_user curl -sS --max-time 30 \
	    --proxy socks5h://localhost/run/user/65534/socks64/socket \
	    http://www.example.com/
	assert_equal "unix" "$status $output" "0 hello from 127.0.0.1"
	run inside stat -c %a /run/user/65534/socks64/socket
	assert_equal "mode of the socket" "$output" 600
	run record SOCKS64_CLIENT=unix:uid=65534
	assert_match record "$output" SOCKS64_RESULT=ok
	as_user make -s -C /src uninstall PREFIX=/run/home/.local
	run as_user curl -sS --max-time 30 --socks5-hostname "$GATEWAY" \
	    http://www.example.com/
	assert_equal "curl finds nobody" "$status" 7
	run inside find /run/home /run/user/65534 -name '*socks64*' \
	    -not -path '/run/user/65534/systemd/*' -not -type d
	assert_equal "what uninstall left" "$output" ""
	stop_user_manager
}

# What make install says is left to do there.
@test "below another prefix it is linked, served, and uninstalled without a trace" {
	inside make -s -C /src uninstall
	inside make -s -C /src -o all install PREFIX=/opt/gateway \
	    >"$BATS_TEST_TMPDIR/said"
	local command
	local -i commands=0
	while read -r command; do
		inside sh -c "$command"
		commands+=1
	done < <(sed -n 's/^    \(ln\|systemctl\) /\1 /p' "$BATS_TEST_TMPDIR/said")
	assert_equal commands "$commands" 3
	run fetch
	assert_equal curl "$status $output" "0 hello from 127.0.0.1"
	inside make -s -C /src uninstall PREFIX=/opt/gateway
	run inside find /opt /etc/systemd /etc/tmpfiles.d /run -name '*socks64*' \
	    -not -path '/run/systemd/*' -not -path '/run/log/*'
	assert_equal "files" "$output" ""
	inside make -s -C /src -o all install >/dev/null
	inside systemctl enable --now socks64.socket
}

@test "uninstall in a running system leaves nothing but the configuration and the user" {
	inside make -s -C /src uninstall
	run inside find /usr/local /etc/systemd /run -name '*socks64*' \
	    -not -path '/run/systemd/*' -not -path '/run/log/*'
	assert_equal "files" "$output" ""
	run inside systemctl is-active socks64.socket
	assert_equal socket "$output" inactive
	run inside systemctl list-units --failed --plain --no-legend
	assert_equal "failed units" "$output" ""
	run inside ls /etc/socks64
	assert_equal "/etc/socks64" "$output" socks64.conf
	inside make -s -C /src -o all install >/dev/null
	inside systemctl enable --now socks64.socket
}

@test "a session that dies of SIGSYS is in the journal and in the kernel's log, where the manual says" {
	local why
	make -s -C "$ROOT" build/tests/probe/tomorrow.so
	inside install -m 755 /src/build/tests/probe/tomorrow.so /usr/local/lib
	inside mkdir -p "$UNITS/socks64@.service.d"
	printf '%s\n' '[Service]' \
	    'Environment=LD_PRELOAD=/usr/local/lib/tomorrow.so' \
	    "Environment=TOMORROW=$FORBIDDEN" |
	    inside tee "$UNITS/socks64@.service.d/forbidden.conf" >/dev/null
	inside systemctl daemon-reload
	dies
	wait_until no_instances
	run journal -u 'socks64@*' -o cat
	assert_match journal "$output" 'code=killed, status=31/SYS'
	run inside systemctl list-units --failed --plain --no-legend
	assert_equal "failed units" "$output" ""
	assert_equal records "$(records | wc -l)" 0
	why=$(kernel_log_lacks)
	[[ -z $why ]] || skip "$why"
	wait_until killed_in_log /usr/local/sbin/socks64-handler dies ||
	    fail "$(dmesg | tail)"
}

@test "a login that this host cannot check is status 71 in the journal, and no failed unit" {
	# shellcheck disable=SC2016 # a setting of crypt(5)
	printf 'alice:%s\n' "$("$PEERS/hashes.py" secret '$y$j9T$saltsaltsalt')" |
	    inside sh -c 'umask 077; cat >/etc/socks64/passwords
	        chown socks64 /etc/socks64/passwords'
	configure 'auth password' 'password-file /etc/socks64/passwords' \
	    'allow all user * at loopback'
	inside mkdir -p "$UNITS/socks64@.service.d"
	# The hash needs 16 MiB.
	printf '%s\n' '[Service]' LimitDATA=16M |
	    inside tee "$UNITS/socks64@.service.d/starve.conf" >/dev/null
	inside systemctl daemon-reload
	run socks "$GATEWAY" raw '>050102' '<0502' \
	    '>0105616c69636506736563726574' '<0101' gone
	assert_equal "$output" "$status" 0
	wait_until no_instances
	record SOCKS64_RESULT=error >/dev/null
	run journal -u 'socks64@*' -o cat
	assert_match journal "$output" 'code=exited, status=71/OSERR'
	run inside systemctl list-units --failed --plain --no-legend
	assert_equal "failed units" "$output" ""
}
