#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# How it is started and what it says then: exit statuses, descriptors, where
# the record goes (socks64-handler(8), log-to of socks64.conf(5)).

load lib/common

starting() {
	run alone "$CASES/starting.py" "${PROGRAM:-$HANDLER}" "$@"
	echo "$output"
	[[ $status -eq 0 ]] || return 1
	assert_equal output "$output" ""
}

# with_syslog CASE: with a syslogd and a journald of its own, and a log in which
# nothing is of an earlier one.
with_syslog() {
	need mounts
	local log
	log=$(mktemp "$BATS_TEST_TMPDIR/log.XXXXXX")
	run alone "$PEERS/syslog-dev" "$log" "$CASES/starting.py" \
	    "${PROGRAM:-$HANDLER}" "$1" "$log"
	echo "$output"
	cat "$log"
	[[ $status -eq 0 ]]
}

@test "a terminal gets three lines and 64" {
	starting terminal
}

@test "a pipe gets three lines on stderr and 64" {
	starting pipe
}

@test "/dev/null gets three lines on stderr and 64" {
	starting null
}

@test "two sockets are refused" {
	starting two-sockets
}

@test "a datagram socket is refused" {
	starting datagram
}

@test "a client that left before the start is no failure" {
	starting client-left
}

@test "LISTEN_PID of another process is ignored" {
	starting listen-pid-of-another
}

@test "odd values of LISTEN_PID and LISTEN_FDS serve nobody" {
	starting listen-pid-odd
}

@test "fd 3 goes before fd 0" {
	starting both
}

@test "what the launcher left open is closed" {
	need root # whose /proc/PID/fd it is
	starting leftovers
}

@test "without a descriptor to work with it is 71, and the client hears nothing" {
	PROGRAM=$HANDLER_STATIC starting no-descriptor
}

@test "an ipv6 client is answered in its family" {
	starting families
}

@test "an ipv4-mapped client is ipv4 for rules, reply and record" {
	starting mapped
}

@test "a unix-domain client is known by its uid" {
	starting unix
}

@test "-V and --version" {
	starting version
}

@test "-h and --help" {
	starting help
}

@test "wrong options are 64 and say so" {
	starting bad-options
}

@test "the wrong option is named, alone or among others" {
	starting wrong-word
}

@test "without a descriptor to be had it is 71, before a byte is read" {
	# shellcheck disable=SC2016 # for the inner shell
	run -0 --separate-stderr "$TESTS/probe/hand.py" sh -c \
	    'ulimit -n 4; exec "$@"' sh "$HANDLER"
	assert_equal outcome "$output" "71 3 0"
	assert_match why "$stderr" 'descriptor could not be set up'
}

@test "a wrong configuration is 78 before a byte is read, and names the place" {
	starting bad-configuration
}

@test "under inetd the client hears nothing of any mistake" {
	starting inetd-silence
}

@test "under inetd the client hears nothing of any mistake, static link" {
	PROGRAM=$HANDLER_STATIC starting inetd-silence
}

@test "the client as fd 2 alone hears nothing either" {
	starting stderr-silence
	PROGRAM=$HANDLER_STATIC starting stderr-silence
}

@test "sigterm ends what is no session, as any program" {
	starting explain-stopped
}

@test "fd 1 and 2 that are the client beside fd 3 stay silent" {
	starting fd-3-silence
}

@test "a session under inetd has its own octets and no others" {
	starting inetd-session
	PROGRAM=$HANDLER_STATIC starting inetd-session
}

@test "each of fd 0 1 2 may be closed" {
	starting closed
	PROGRAM=$HANDLER_STATIC starting closed
}

@test "fd 0 may be the only one" {
	starting closed-inetd
}

@test "sigterm in the handshake ends it at once, with its record" {
	starting sigterm-handshake
}

@test "log-to auto: stderr where somebody reads it" {
	starting log-auto-stderr
	PROGRAM=$HANDLER_STATIC starting log-auto-stderr
}

@test "log-to auto: syslog where fd 2 is closed, /dev/null or the client" {
	with_syslog log-auto-syslog
}

@test "log-to auto: syslog, static link" {
	PROGRAM=$HANDLER_STATIC with_syslog log-auto-syslog
}

@test "log-to syslog and log-facility" {
	with_syslog log-syslog-options
}

@test "the record arrives when syslogd was restarted in mid-session" {
	with_syslog log-restarted
	PROGRAM=$HANDLER_STATIC with_syslog log-restarted
}

@test "a full pipe as stderr does not hold the session" {
	starting log-stuck
}

@test "without any syslogd the session is served" {
	with_syslog log-nowhere
}

@test "log-to auto: the journal where JOURNAL_STREAM names fd 2" {
	with_syslog log-auto-journal
	PROGRAM=$HANDLER_STATIC with_syslog log-auto-journal
}

@test "log-to auto: the journal for more than the first line" {
	with_syslog log-auto-journal-more
	PROGRAM=$HANDLER_STATIC with_syslog log-auto-journal-more
}

@test "log-to stderr: a priority where that is the journal's stream" {
	starting log-stream
}

@test "systemctl status and ps show who talks to whom" {
	starting status
	PROGRAM=$HANDLER_STATIC starting status
}

@test "systemctl status and ps show a BIND that waits, and then who came" {
	starting status-bind
}

@test "started as root it is nobody, without groups and capabilities, confined" {
	[[ $(id -u) -eq 0 ]] || skip "needs root"
	starting identity
	PROGRAM=$HANDLER_STATIC starting identity
}

@test "sandbox off leaves the filters away, and nothing else" {
	[[ $(id -u) -eq 0 ]] || skip "needs root"
	need net-admin
	starting unconfined
}

teardown() {
	[[ -z ${PLACE-} ]] || rm -r "$PLACE"
}

@test "strangers by more than an octet, reasons, socketpairs, journald's stream" {
	local link
	# Where the user of a session may read.
	PLACE=$(mktemp -d)
	chmod 755 "$PLACE"
	cd "$PLACE"
	# shellcheck disable=SC2016 # a hash: of x
	echo 'a:$6$x$3k1hFbGmH0TgMOTrL7LnEU6cGqR0YAkwGiTOFM9LWcIZwuqJ.tQeJmVfTHJvYUpVZrL4cE0bDF1jQpmJ4Y1kV/' >passwords
	export PASSWORDS=$PLACE/passwords
	for link in "$HANDLER" "$HANDLER_STATIC"; do
		run "$CASES/guests.py" "$link"
		assert_equal "$link" "$output" ""
		rm guests.socket
	done
}

# Each page is one of 10,000 sessions (doc/costs.md).
@test "the static link starts where libc wants more than its heap has" {
	GLIBC_TUNABLES=glibc.rtld.optional_static_tls=200000 \
	    run -0 "$HANDLER_STATIC" --version
}

@test "an idle session of the static link has few pages, and no heap far away" {
	! readelf -lW "$HANDLER_STATIC" | grep -q INTERP ||
	    skip "$HANDLER_STATIC is no static link"
	run alone "$CASES/pages.py" "$HANDLER_STATIC" 28
	assert_equal output "$output" ""
	[[ $status -eq 0 ]]
}
