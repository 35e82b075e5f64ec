#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The listening mode: how it starts, what a change of the configuration does,
# limits, figures, life and death, and what a session has of the others.  That
# a session does the same as in a process of its own is shown by the suites of
# sessions, with LISTEN=1.

load lib/common

setup() {
	[[ $(id -u) -eq 0 ]] || skip "needs root"
	need net-admin
}

# silent FILE CASE [ARGUMENT...]: with sockets, and mounts, of its own.
silent() {
	run alone unshare --mount --propagation private \
	    "$CASES/$1" "${PROGRAM:-$HANDLER}" "${@:2}"
	echo "$output"
	[[ $status -eq 0 ]] || return 1
	assert_equal output "$output" ""
}

# service CASE...
service() {
	local name
	for name; do
		silent service.py "$name" || return 1
	done
}

@test "keys, slots, limits and rates of the ledger" {
	local check
	for check in keys slots all-slots clients repair rate rate-bound \
	    reports users; do
		run "$ROOT/build/tests/service" "$check"
		assert_equal "$check" "$status $output" "0 "
	done
}

@test "the grammar of -l, and the text of the figures" {
	local check
	for check in places overview; do
		run "$ROOT/build/tests/service" "$check"
		assert_equal "$check" "$status $output" "0 "
	done
}

@test "stamps of files: content, absence, name, the last second" {
	local check directory
	for check in inputs young name many; do
		directory=$BATS_TEST_TMPDIR/$check
		mkdir "$directory"
		echo old >"$directory/old"
		run -0 sleep 1.1
		run env -C "$directory" "$ROOT/build/tests/service" "$check"
		assert_equal "$check" "$status $output" "0 "
	done
}

@test "passed sockets of systemd, and of inetd's wait, are listened on" {
	service passed inetd
	PROGRAM=$HANDLER_STATIC service passed inetd
}

@test "a unix-domain socket: its clients are uids" {
	service unix abstract
}

@test "mixtures of sockets end with 64 and say what to change" {
	service mixtures
}

@test "a passed socket of another family ends it with 64" {
	python3 -c 'import socket; socket.socket(socket.AF_VSOCK)' 2>/dev/null ||
	    skip "this kernel has no AF_VSOCK"
	service vsock
}

@test "-l: each spelling, and what is none" {
	service spellings zone
}

@test "-l: an address in use is 71" {
	service busy
}

@test "-l: a path takes the place of a stale socket alone, and is removed" {
	service path
}

@test "started as root, parent, gate and session are the user, without capabilities" {
	service identity
	PROGRAM=$HANDLER_STATIC service identity
}

@test "mark: CAP_NET_ADMIN reaches the sessions and leaves them" {
	service mark
}

@test "a configuration broken at the start: 78 with -l, else refusing" {
	service broken-start
}

@test "the next connection knows a changed file, a held one does not" {
	service change-file change-rename change-symlink change-delete \
	    change-list change-index change-passwords change-table
}

@test "the next connection knows changed hosts and resolv.conf" {
	local directory=$BATS_TEST_TMPDIR/etc
	mkdir "$directory"
	cp /etc/hosts /etc/resolv.conf "$directory"
	# shellcheck disable=SC2016 # for the inner shell
	run alone unshare --mount --propagation private sh -c '
		mount --bind "$1/hosts" /etc/hosts &&
		mount --bind "$1/resolv.conf" /etc/resolv.conf &&
		shift && exec "$@"' sh "$directory" \
	    "$CASES/service.py" "$HANDLER" change-resolver
	assert_equal output "$output" ""
}

@test "a change within the tick of a clock is seen a second later" {
	service change-tick
}

@test "300 changes leave no descriptor and no memory" {
	service change-often
}

@test "broken later: reset, one line, healed without a signal" {
	service broken-later broken-interface
}

@test "1,000 refused connections cost an attempt a second" {
	service broken-attempts
}

@test "limits: of all, of a client, of a /64, by rate, not behind a proxy" {
	service limit-all limit-client limit-net limit-rate limit-proxy
}

@test "a refusal says which listener it was at" {
	service refused-at
}

@test "limits: of a user, over all clients" {
	service limit-user limit-uid
	PROGRAM=$HANDLER_STATIC service limit-user limit-uid
}

@test "limits: a hostile client costs a line a minute" {
	service limit-hostile
}

@test "a connection that cannot be accepted yet is served by the rules then" {
	service accept-fails
}

@test "no process, no descriptor: reset, one line, no spin" {
	service no-process no-descriptor
}

@test "accept(2) fails with ENFILE, ENOBUFS: one line, no spin" {
	silent modes.py accept-fails 23
	silent modes.py accept-fails 105
}

@test "a session of each kind leaves the record of the other mode" {
	silent modes.py records
	PROGRAM=$HANDLER_STATIC silent modes.py records
}

@test "siblings ask name servers with IDs and ports of their own" {
	silent modes.py queries
}

@test "sessions of both modes share one table, and its lock" {
	silent modes.py table
	silent modes.py lock
}

@test "logins at once do not disturb each other" {
	silent modes.py logins
}

@test "the metrics file" {
	service figures figures-refused
}

@test "READY, STATUS, RELOADING and STOPPING are the parent's" {
	service notify notify-refused
	PROGRAM=$HANDLER_STATIC service notify notify-refused
}

@test "SIGTERM and SIGINT end all, with their records" {
	service sigterm terminal impatient
}

@test "SIGTERM is not forgotten while another signal is answered" {
	service sigterm-meanwhile
}

@test "SIGQUIT: no new session, the others go on" {
	service sigquit
}

@test "SIGHUP takes a new program over, and says so where it cannot" {
	service sighup
	PROGRAM=$HANDLER_STATIC service sighup
}

@test "a session that a signal kills: a record, and another layout" {
	service crash
	PROGRAM=$HANDLER_STATIC service crash
}

@test "a gate that dies is replaced; with the parent it dies" {
	service gate-dies parent-dies
}

@test "as PID 1 it reaps strangers" {
	service orphans
}

@test "exit-idle-time: it leaves, and loses nobody" {
	service idle idle-between idle-loses-none
}

@test "a session has no descriptor of another, and not the ledger" {
	service descriptors shared-sockets
	PROGRAM=$HANDLER_STATIC service descriptors shared-sockets
}

@test "what sessions share has numbers, in each unit and else not at all" {
	local own most file
	own=$(sed -n 's/^enum { DESCRIPTORS_OWN = \([0-9]*\) };$/\1/p' \
	    "$ROOT/base/descriptor.h")
	for file in "$ROOT"/units/*.{service,conf} "$ROOT"/units/user/*.service; do
		most=$(sed -n 's/^LimitNOFILE=//p' "$file")
		[[ -z $most ]] || ((most >= own + 128)) ||
		    fail "$file: $most, of which $own are a session's own"
	done
	run -71 alone prlimit "--nofile=$own" "$HANDLER" -l 127.0.0.1:1080 \
	    -f /dev/null -o 'allow all'
	assert_match why "$output" 'could not be set up: Too many open files$'
}

@test "a session's title is its client, from the first moment" {
	service titles
}

@test "a session that claims two users, or says anything else, is killed" {
	service claim-twice claim-stopped
}
