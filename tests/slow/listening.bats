#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The units of the listening mode, installed into a real systemd that is booted
# for this file in namespaces (tests/systemd-sandbox).

load ../lib/common
load ../lib/user-manager

CONF=/etc/socks64/socks64.conf
UNITS=/etc/systemd/system
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
	inside make -s -C /src -o all install >"$BATS_FILE_TMPDIR/install.out"
	inside systemctl enable --now socks64.socket \
	    2>"$BATS_FILE_TMPDIR/enable.err"
	start_inside server /src/tests/peers/server.py 127.0.0.1 ask=7000
	wait_for_line "$BATS_FILE_TMPDIR/server.out" '^ready$'
}

teardown_file() {
	stop_all
	[[ ! -d ${SANDBOX:-/nowhere} ]] ||
	    "$TESTS/systemd-sandbox" down "$SANDBOX"
}

setup() {
	skip_lacking
	BEGAN=$EPOCHREALTIME
	configure 'allow at loopback'
	inside systemctl disable --now socks64.socket 2>/dev/null
	inside systemctl enable --now socks64d.socket 2>/dev/null
}

teardown() {
	[[ -z ${LACKING:-} ]] || return 0
	stop session
	inside systemctl disable --now socks64d.socket socks64d.service \
	    2>/dev/null
	inside rm -rf "$UNITS/socks64d.service.d"
	inside systemctl daemon-reload
	inside systemctl reset-failed
}

inside() {
	"$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

start_inside() {
	local name=$1
	shift
	start "$name" "$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

configure() {
	printf '%s\n' "$@" | inside tee "$CONF" >/dev/null
}

# begin: a session that goes on until stop session.
begin() {
	start_inside session /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 \
	    7000 hold
	wait_for_line "$BATS_FILE_TMPDIR/session.out" holding
}

ask() {
	inside /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 7000 \
	    exchange 5000
}

main_pid() {
	inside systemctl show -P MainPID socks64d.service
}

journal() {
	inside journalctl --sync
	inside journalctl -q --since "@$BEGAN" "$@"
}

has_record() { # RESULT
	[[ -n $(journal -t socks64 -o cat "SOCKS64_RESULT=$1") ]]
}

status_text() {
	inside systemctl show -P StatusText socks64d.service
}

shows_status() { # PATTERN, of the whole text
	[[ $(status_text) =~ ^$1$ ]]
}

@test "the first connection starts it; the switch stops the other listener" {
	run -3 inside systemctl is-active socks64.socket
	run -3 inside systemctl is-active socks64d.service
	ask
	run -0 inside systemctl is-active socks64d.service
	wait_until has_record ok
	# STATUS= is a second old at most, by its period.
	wait_until shows_status '0 sessions, 1 since 20.*, 0 refused' ||
	    fail "$(status_text)"
	# And back.
	inside systemctl disable --now socks64d.socket socks64d.service
	inside systemctl enable --now socks64.socket
	ask
}

@test "the record has every field, from the static link" {
	ask
	wait_until has_record ok
	run journal -t socks64 -o json SOCKS64_RESULT=ok
	local field
	for field in '"SOCKS64_UP"' '"SOCKS64_CLIENT_PORT"' '"MESSAGE_ID"' \
	    '"SOCKS64_INVOCATION_ID"' '"_TRANSPORT":"journal"'; do
		assert_match record "$output" "$field"
	done
}

# Does the parent run what lies at the name now?
runs_the_file() {
	inside sh -c "[ /proc/$(main_pid)/exe -ef \
	    /usr/local/sbin/socks64-handler-static ]"
}

@test "after an upgrade a reload takes the new program over" {
	local pid program=/usr/local/sbin/socks64-handler-static
	begin
	pid=$(main_pid)
	inside sh -c "cp $program $program.new && echo >>$program.new &&
	    mv $program.new $program"
	run ! runs_the_file
	inside systemctl reload socks64d.service
	wait_until runs_the_file ||
	    fail "$(inside journalctl -q -n 3 -u socks64d.service)"
	assert_equal MAINPID "$(main_pid)" "$pid"
	ask
	run -0 pgrep -f 'socks.py 127.0.0.1:1080 127.0.0.1 7000 hold'
}

@test "reload takes the program over and drops nobody; a failing -t fails it" {
	local pid
	begin
	pid=$(main_pid)
	inside systemctl reload socks64d.service
	assert_equal MAINPID "$(main_pid)" "$pid"
	ask
	configure nonsense
	run -1 inside systemctl reload socks64d.service
	run journal -u socks64d.service -o cat
	assert_match lines "$output" 'socks64.conf:1: unknown keyword'
	configure 'allow at loopback'
	run -0 pgrep -f 'socks.py 127.0.0.1:1080 127.0.0.1 7000 hold'
}

@test "a stop ends all sessions, with their records, and fails no unit" {
	begin
	inside systemctl stop socks64d.service
	wait_until has_record stopped
	run inside systemctl list-units --failed --no-legend --plain
	assert_equal failed "$output" ""
	run inside systemctl show -P Result socks64d.service
	assert_equal result "$output" success
}

@test "a parent that is killed: sessions end with their records, the next connection starts it" {
	begin
	inside kill -KILL "$(main_pid)"
	wait_until has_record stopped
	stop session
	ask
}

@test "drain.conf: sessions go on behind a stop" {
	inside mkdir -p "$UNITS/socks64d.service.d"
	inside cp /usr/local/share/doc/socks64-handler/examples/drain.conf \
	    "$UNITS/socks64d.service.d/"
	inside systemctl daemon-reload
	begin
	inside systemctl stop --no-block socks64d.service
	is_draining() {
		[[ $(inside systemctl show -P SubState socks64d.service) == \
		    stop-sigterm ]]
	}
	wait_until is_draining
	run ! has_record stopped
	stop session
	has_stopped() {
		[[ $(inside systemctl is-active socks64d.service) == inactive ]]
	}
	wait_until has_stopped
	wait_until has_record ok
}

@test "systemd-analyze security: 1.3 at most" {
	run inside systemd-analyze security --no-pager socks64d.service
	[[ $output =~ 'Overall exposure level for socks64d.service: '([0-9.]+) ]] ||
	    fail "$output"
	awk -v score="${BASH_REMATCH[1]}" 'BEGIN { exit !(score <= 1.3) }' ||
	    fail "$output"
}

@test "the units of a user without root: loopback, and a socket of his own" {
	inside systemctl stop socks64d.socket
	start_user_manager
	as_user make -s -C /src -o all install PREFIX=/run/home/.local
	local gateway units=/run/home/.local/lib/systemd/user
	as_user systemctl --user link "$units/socks64d.service"
	as_user systemctl --user enable --now "$units/socks64d.socket"
	for gateway in "$GATEWAY" /run/user/65534/socks64/socket; do
		run -0 as_user /src/tests/peers/socks.py "$gateway" 127.0.0.1 \
		    7000 exchange 5000
	done
	run -0 as_user systemctl --user is-active socks64d.service
	as_user systemctl --user reload socks64d.service
	run -0 as_user /src/tests/peers/socks.py "$GATEWAY" 127.0.0.1 7000 \
	    exchange 5000
	as_user make -s -C /src uninstall PREFIX=/run/home/.local
	run as_user systemctl --user is-active socks64d.service
	assert_equal "behind uninstall" "$output" inactive
	stop_user_manager
}

# So many, by eight clients at once; make listening asks for more.
@test "a burst of records is all there" {
	local RECORDS=${RECORDS:-2000}
	ask
	run inside "$PYTHON" -c '
import socket, sys, threading

def work(count):
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", 1080)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            try:
                client.recv(1)
            except ConnectionError:
                pass

threads = [threading.Thread(target=work, args=(int(sys.argv[1]) // 8,))
           for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()' "$RECORDS"
	has_all() {
		(($(journal -t socks64 -o cat SOCKS64_RESULT=not-socks |
		    wc -l) == RECORDS))
	}
	wait_until has_all || fail "$(journal -t socks64 -o cat \
	    SOCKS64_RESULT=not-socks | wc -l)"
}
