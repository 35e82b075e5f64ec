#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# make install and make uninstall, without and with the systemd of a machine
# in sight (tests/slow/systemd.bats installs into one that runs).

load lib/common

# A tree that any user can read and write, with what install needs of ours.
setup_file() {
	export STAGE
	STAGE=$(mktemp -d /tmp/socks64-install.XXXXXX)
	mkdir -p "$STAGE/tree/tests"
	cp "$TESTS/tests.mk" "$STAGE/tree/tests"
	cp -r "$ROOT/Makefile" "$ROOT/LICENSE" "$ROOT"/*.md "$ROOT/doc" \
	    "$ROOT/man" "$ROOT/units" \
	    "$HANDLER" "$HANDLER_STATIC" "$ROOT/socks64" \
	    "$ROOT/libsocks64.so" "$STAGE/tree"
	chmod -R a+rX "$STAGE"
	if [[ $(id -u) -eq 0 ]]; then
		chown -R 65534:65534 "$STAGE"
	fi
}

teardown_file() {
	stop_all
	rm -rf "$STAGE"
}

setup() {
	rm -rf "$STAGE/root"
}

# An ordinary user, also where the tests are run by root.
ordinary() {
	if [[ $(id -u) -eq 0 ]]; then
		env -C "$STAGE" HOME="$STAGE/home" setpriv --reuid 65534 \
		    --regid 65534 --clear-groups "$@"
	else
		env -C "$STAGE" HOME="$STAGE/home" "$@"
	fi
}

# The programs are there and newer than any source: -o all.
install_make() {
	ordinary make -s -C tree -o all "$@"
}

expected_files() {
	sort -k 2 <<-'END'
		755 usr/local/bin/socks64
		755 usr/local/lib/socks64/libsocks64.so
		644 usr/local/lib/systemd/catalog/socks64.catalog
		644 usr/local/lib/systemd/system/socks64.slice
		644 usr/local/lib/systemd/system/socks64.socket
		644 usr/local/lib/systemd/system/socks64@.service
		644 usr/local/lib/systemd/system/socks64d.service
		644 usr/local/lib/systemd/system/socks64d.socket
		644 usr/local/lib/systemd/user/socks64.slice
		644 usr/local/lib/systemd/user/socks64.socket
		644 usr/local/lib/systemd/user/socks64@.service
		644 usr/local/lib/systemd/user/socks64d.service
		644 usr/local/lib/systemd/user/socks64d.socket
		644 usr/local/lib/sysusers.d/socks64.conf
		644 usr/local/lib/tmpfiles.d/socks64.conf
		755 usr/local/sbin/socks64-handler
		755 usr/local/sbin/socks64-handler-static
		644 usr/local/share/bash-completion/completions/socks64
		644 usr/local/share/bash-completion/completions/socks64-handler
		644 usr/local/share/bash-completion/completions/socks64-handler-static
		644 usr/local/share/zsh/site-functions/_socks64
		644 usr/local/share/zsh/site-functions/_socks64-handler
		644 usr/local/share/doc/socks64-handler/CHANGELOG.md
		644 usr/local/share/doc/socks64-handler/LICENSE
		644 usr/local/share/doc/socks64-handler/README.md
		644 usr/local/share/doc/socks64-handler/SECURITY.md
		644 usr/local/share/doc/socks64-handler/doc/camp.md
		644 usr/local/share/doc/socks64-handler/doc/chains.md
		644 usr/local/share/doc/socks64-handler/doc/client.md
		644 usr/local/share/doc/socks64-handler/doc/clients.md
		644 usr/local/share/doc/socks64-handler/doc/costs.md
		644 usr/local/share/doc/socks64-handler/doc/listening.md
		644 usr/local/share/doc/socks64-handler/doc/migrating.md
		644 usr/local/share/doc/socks64-handler/doc/operations.md
		644 usr/local/share/doc/socks64-handler/doc/peers.md
		644 usr/local/share/doc/socks64-handler/doc/protocol.md
		644 usr/local/share/doc/socks64-handler/doc/reliability.md
		644 usr/local/share/doc/socks64-handler/doc/several-machines.md
		644 usr/local/share/doc/socks64-handler/doc/systemd.md
		644 usr/local/share/doc/socks64-handler/examples/Containerfile
		644 usr/local/share/doc/socks64-handler/examples/accounting.conf
		644 usr/local/share/doc/socks64-handler/examples/apparmor.profile
		644 usr/local/share/doc/socks64-handler/examples/client.conf
		644 usr/local/share/doc/socks64-handler/examples/credentials.conf
		644 usr/local/share/doc/socks64-handler/examples/drain.conf
		644 usr/local/share/doc/socks64-handler/examples/egress.conf
		644 usr/local/share/doc/socks64-handler/examples/fail2ban-filter.conf
		644 usr/local/share/doc/socks64-handler/examples/fail2ban-jail.conf
		644 usr/local/share/doc/socks64-handler/examples/haproxy.cfg
		644 usr/local/share/doc/socks64-handler/examples/hardened.conf
		644 usr/local/share/doc/socks64-handler/examples/inetd.conf
		644 usr/local/share/doc/socks64-handler/examples/limits.conf
		644 usr/local/share/doc/socks64-handler/examples/listen-ipv4.conf
		644 usr/local/share/doc/socks64-handler/examples/listen-lan.conf
		644 usr/local/share/doc/socks64-handler/examples/listen-unix.conf
		644 usr/local/share/doc/socks64-handler/examples/mark.conf
		755 usr/local/share/doc/socks64-handler/examples/metrics
		644 usr/local/share/doc/socks64-handler/examples/node-exporter.conf
		755 usr/local/share/doc/socks64-handler/examples/s6-tcpserver.sh
		644 usr/local/share/doc/socks64-handler/examples/socks64.conf
		644 usr/local/share/doc/socks64-handler/examples/socks64.nft
		644 usr/local/share/doc/socks64-handler/examples/sources.conf
		755 usr/local/share/doc/socks64-handler/examples/tcpserver.sh
		644 usr/local/share/doc/socks64-handler/examples/xinetd.conf
		644 usr/local/share/man/man1/socks64.1
		644 usr/local/share/man/man5/socks64.conf.5
		644 usr/local/share/man/man8/socks64-handler.8
		644 etc/socks64/socks64.conf
	END
}

files_of() {
	find "$1" ! -type d -printf '%m %P\n' | sort -k 2
}

@test "an ordinary user installs into an empty DESTDIR: these files, these modes" {
	umask 077
	install_make install DESTDIR="$STAGE/root"
	run diff <(expected_files) <(files_of "$STAGE/root")
	assert_equal "difference" "$output" ""
	run find "$STAGE/root" -type d ! -perm 755 -printf '%m %P\n'
	assert_equal "directories that are not 755" "$output" ""
}

@test "a DESTDIR install says nothing of what is left to do, and touches no system" {
	run install_make install DESTDIR="$STAGE/root"
	assert_equal status "$status" 0
	assert_equal output "$output" ""
}

@test "a relative DESTDIR is relative to where make is called" {
	install_make install DESTDIR=../root
	[[ -x $STAGE/root/usr/local/sbin/socks64-handler ]]
	install_make uninstall DESTDIR=../root
	[[ ! -e $STAGE/root/usr ]]
}

@test "PREFIX goes into the paths of units and examples, and nothing is left to fill in" {
	install_make install DESTDIR="$STAGE/root" PREFIX=/opt/gateway
	local units=$STAGE/root/opt/gateway/lib/systemd
	grep -qxF 'ExecStart=/opt/gateway/sbin/socks64-handler -f /etc/socks64/socks64.conf' \
	    "$units/system/socks64@.service"
	grep -qxF 'ExecStart=/opt/gateway/sbin/socks64-handler' \
	    "$units/user/socks64@.service"
	grep -q '^127.0.0.1:1080 .* /opt/gateway/sbin/socks64-handler-static ' \
	    "$STAGE/root/opt/gateway/share/doc/socks64-handler/examples/inetd.conf"
	run grep -rIl '@[A-Z]*DIR@' "$STAGE/root"
	assert_equal "files with a placeholder" "$output" ""
}

@test "the installed configuration is all comments, and passes its own test" {
	install_make install DESTDIR="$STAGE/root"
	run grep -cv '^#\|^$' "$STAGE/root/etc/socks64/socks64.conf"
	assert_equal "lines that say something" "$output" 0
	run "$STAGE/root/usr/local/sbin/socks64-handler" -t \
	    -f "$STAGE/root/etc/socks64/socks64.conf"
	assert_equal status "$status" 0
}

@test "a configuration that is there stays as it is" {
	install_make install DESTDIR="$STAGE/root"
	ordinary sh -c 'echo "idle-timeout 1h" >root/etc/socks64/socks64.conf'
	install_make install DESTDIR="$STAGE/root"
	assert_equal configuration \
	    "$(<"$STAGE/root/etc/socks64/socks64.conf")" 'idle-timeout 1h'
}

@test "uninstall leaves nothing but the configuration" {
	install_make install DESTDIR="$STAGE/root"
	install_make uninstall DESTDIR="$STAGE/root"
	assert_equal "what is left" "$(cd "$STAGE/root" && find . | sort | xargs)" \
	    ". ./etc ./etc/socks64 ./etc/socks64/socks64.conf"
}

@test "uninstall leaves files of others alone" {
	install_make install DESTDIR="$STAGE/root"
	ordinary touch root/usr/local/lib/systemd/system/other.service \
	    root/usr/local/share/doc/socks64-handler/examples/mine.conf
	install_make uninstall DESTDIR="$STAGE/root"
	assert_equal "what is left" \
	    "$(files_of "$STAGE/root" | cut -d ' ' -f 2 | xargs)" \
	    "etc/socks64/socks64.conf usr/local/lib/systemd/system/other.service usr/local/share/doc/socks64-handler/examples/mine.conf"
}

@test "uninstall of what is not there is no error" {
	install_make uninstall DESTDIR="$STAGE/nowhere"
	[[ ! -e $STAGE/nowhere ]]
}

@test "a user without root installs below HOME, and is told what to do" {
	if [[ $(id -u) -eq 0 && -e /etc/socks64 ]]; then
		skip "/etc/socks64 exists on this machine"
	fi
	run install_make install PREFIX="$STAGE/home/.local"
	assert_equal status "$status" 0
	assert_match output "$output" "systemctl --user link $STAGE/home/.local/lib/systemd/user/socks64@.service"
	assert_match output "$output" "systemctl --user enable --now $STAGE/home/.local/lib/systemd/user/socks64.socket"
	[[ -x $STAGE/home/.local/sbin/socks64-handler ]]
	[[ ! -e /etc/socks64 ]]
	install_make uninstall PREFIX="$STAGE/home/.local"
	run files_of "$STAGE/home/.local"
	assert_equal "what is left" "$output" ""
}

@test "the programs before are kept, and it is said how to go back to them" {
	if [[ $(id -u) -eq 0 && -e /etc/socks64 ]]; then
		skip "/etc/socks64 exists on this machine"
	fi
	local home=$STAGE/home/.local program
	program=$home/sbin/socks64-handler-static
	run install_make install PREFIX="$home"
	[[ $output != *.old* ]] || fail "$output"
	# Another version.
	ordinary sh -c 'echo >>"$1"' sh "$program"
	cp "$program" "$STAGE/before"
	run install_make install PREFIX="$home"
	assert_match output "$output" "mv $program.old $program"
	[[ $output != *"sbin/socks64-handler.old"* ]] || fail "$output"
	cmp "$STAGE/before" "$program.old"
	# The same once more: what is kept is still the one before.
	install_make install PREFIX="$home" >/dev/null
	cmp "$STAGE/before" "$program.old"
	ordinary mv "$program.old" "$program"
	cmp "$STAGE/before" "$program"
	install_make install PREFIX="$home" >/dev/null
	install_make uninstall PREFIX="$home"
	run files_of "$home"
	assert_equal "what is left" "$output" ""
}

# Starts the program as fast as it goes; a line for each start that failed.
start_again_and_again() {
	local program=$STAGE/root/usr/local/sbin/socks64-handler-static
	local -i starts=0
	while [[ ! -e $STAGE/enough ]]; do
		"$program" -V >/dev/null || echo "start $starts failed"
		starts+=1
	done
	echo "starts $starts"
}

@test "while it is installed over and over, no start meets a missing or half handler" {
	local program=$STAGE/root/usr/local/sbin/socks64-handler-static
	install_make install DESTDIR="$STAGE/root"
	# Held open, so that its inode number cannot be given to a later one.
	local before
	exec {before}<"$program"
	rm -f "$STAGE/enough"
	start starts start_again_and_again
	for ((i = 0; i < 8; i++)); do
		install_make install DESTDIR="$STAGE/root"
	done
	touch "$STAGE/enough"
	wait_for_line "$BATS_FILE_TMPDIR/starts.out" '^starts '
	run grep failed "$BATS_FILE_TMPDIR/starts.out"
	assert_equal "failed starts" "$output" ""
	assert_equal "what the shell said" "$(<"$BATS_FILE_TMPDIR/starts.err")" ""
	assert_match "enough starts" "$(<"$BATS_FILE_TMPDIR/starts.out")" \
	    'starts [0-9]{2,}'
	[[ ! $program -ef /proc/self/fd/$before ]]
	exec {before}<&-
	run find "$STAGE/root" -name '*.new*'
	assert_equal "left from the rename" "$output" ""
}

runs_twice() {
	(($(pgrep -c -f "$1") >= 2))
}

@test "a handler that runs does not hinder its replacement" {
	install_make install DESTDIR="$STAGE/root"
	# Its client says nothing, and goes when this ends.
	start busy "$PYTHON" -c '
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
subprocess.run(sys.argv[1:], stdin=server)' \
	    "$STAGE/root/usr/local/sbin/socks64-handler-static"
	# The first match is the program that starts it.
	wait_until runs_twice "$STAGE/root/usr/local/sbin/socks64-handler-static"
	install_make install DESTDIR="$STAGE/root"
	runs_twice "$STAGE/root/usr/local/sbin/socks64-handler-static"
	stop busy
}
