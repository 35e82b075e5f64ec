#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The two commands of README and what stands behind them: make run, the
# packages that are missing, what continuous integration counts; and that a
# test network leaves nothing behind.

load lib/common
load lib/net

setup() {
	cd "$ROOT"
}

@test "make run serves socks on PORT by CONFIG, with its log on the terminal" {
	need networks
	echo 'allow all at loopback' >"$BATS_TEST_TMPDIR/conf"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare --net bash -eu -c '
		ip link set lo up
		peers=$1 conf=$2 out=$3
		"$peers/server.py" 127.0.0.1 ask=7000 >"$out.server" 3>&- &
		server=$!
		setsid make run PORT=1099 CONFIG="$conf" >"$out" 2>&1 3>&- &
		make=$!
		trap "kill $server; kill -- -$make" EXIT
		until grep -q "^Listening on" "$out"; do sleep 0.02; done
		until grep -q ready "$out.server"; do sleep 0.02; done
		"$peers/socks.py" 127.0.0.1:1099 127.0.0.1 7000 exchange 1000
		until grep -q "ok client=" "$out"; do sleep 0.02; done
	' sh "$PEERS" "$BATS_TEST_TMPDIR/conf" "$BATS_TEST_TMPDIR/out" 3>&-
	assert_match client "$output" 'rep=00'
	assert_match log "$(<"$BATS_TEST_TMPDIR/out")" \
	    'ok client=127.0.0.1:[0-9]+ .*dest=127.0.0.1:7000'
}

# How it is started says nothing of what its sessions share: the alias of a
# PASV does.  Its directory goes with it.
@test "make run has a table for FTP between the families" {
	need networks
	local listen
	mkdir -m 1777 "$BATS_TEST_TMPDIR/tmp"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
	printf '%s\n' 'allow all at loopback' 'ftp-port 7021' \
	    >"$BATS_TEST_TMPDIR/conf"
	for listen in '' 1; do
		run -0 unshare --net bash -eu -c '
			ip link set lo up
			export TMPDIR=$2/tmp
			setsid make run PORT=1099 CONFIG="$2/conf" \
			    LISTEN="$3" >"$2/out" 2>&1 3>&- &
			make=$!
			trap "kill -- -$make 2>/dev/null || :" EXIT
			until [[ $(ss -Hltn "sport = :1099") ]]; do
				sleep 0.02
			done
			"$1/ftp-alias.py" 127.0.0.1:1099 ::1 7021
			kill -- -$make
			until [[ ! $(ls "$2/tmp") ]]; do sleep 0.02; done
		' sh "$PEERS" "$BATS_TEST_TMPDIR" "$listen" 3>&-
		assert_match answer "$output" \
		    '227 Entering Passive Mode .0,[0-9]+,[0-9]+,[0-9]+,'
	done
}

@test "make run ends with all that it started, by a signal for its shell alone" {
	need networks
	local listen
	mkdir -m 1777 "$BATS_TEST_TMPDIR/tmp"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR"
	for listen in '' 1; do
		run -0 timeout $PATIENCE unshare --net bash -eu -c '
			ip link set lo up
			export TMPDIR=$1/tmp
			units/run.sh 1099 "" "$2" >"$1/out" 2>&1 3>&- &
			run=$!
			until [[ $(ss -Hltn "sport = :1099") ]]; do
				sleep 0.02
			done
			kill $run
			wait $run || :
			[[ ! $(ss -Hltn "sport = :1099") && ! $(ls "$1/tmp") ]]
		' sh "$BATS_TEST_TMPDIR" "$listen" 3>&-
	done
}

@test "make run with a configuration that is wrong says so before it listens" {
	echo 'nonsense on' >"$BATS_TEST_TMPDIR/conf"
	run timeout $PATIENCE make run PORT=1099 CONFIG="$BATS_TEST_TMPDIR/conf"
	assert_equal status "$status" 2
	assert_match output "$output" 'conf:1: unknown keyword'
	[[ $output != *Listening* ]]
}

# commands GOAL...: those that make would run for them, but for what runs here.
commands() {
	make -n -B V=1 CC_FOR_BUILD=here-gcc "$@" | grep -E '^gcc '
}

@test "flags of the environment and of the command line come on top of ours" {
	local line from
	export CFLAGS=-DTHEIR_C CPPFLAGS=-DTHEIR_CPP LDFLAGS=-Wl,-z,nodlopen
	for from in environment line; do
		if [[ $from == environment ]]; then
			run -0 commands build/base/text.o socks64-handler \
			    socks64-handler-static libsocks64.so
		else
			run -0 env -u CFLAGS -u CPPFLAGS -u LDFLAGS bash -c "
			    $(declare -f commands)
			    commands socks64-handler socks64-handler-static \
			    libsocks64.so CFLAGS=$CFLAGS CPPFLAGS=$CPPFLAGS \
			    LDFLAGS=$LDFLAGS"
		fi
		for line in "${lines[@]}"; do
			assert_match ours "$line" ' -std=c17 .* -fstack-clash-protection '
			assert_match theirs "$line" ' -DTHEIR_C '
			if [[ $line =~ \ -[cE]\  ]]; then
				assert_match ours "$line" ' -D_GNU_SOURCE '
				assert_match theirs "$line" ' -DTHEIR_CPP '
			else
				assert_match ours "$line" ' -Wl,-z,relro,-z,now'
				assert_match theirs "$line" ' -Wl,-z,nodlopen '
			fi
		done
	done
}

@test "a builder's level of _FORTIFY_SOURCE gives way to ours, without a warning" {
	export CPPFLAGS=-D_FORTIFY_SOURCE=2
	run -0 commands build/base/text.o
	assert_equal "levels" "$(grep -o -- '-[DU]_FORTIFY_SOURCE[^ ]*' <<<"$output")" \
	    -D_FORTIFY_SOURCE=3
	# glibc warns of it where nothing is optimized.
	export CPPFLAGS='' CFLAGS='-g -O0'
	run -0 commands build/base/text.o
	[[ $output != *FORTIFY* ]] || fail "$output"
}

@test "install-missing asks nobody and says nothing where nothing is missing" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho "$0 $*"\n' |
	    tee "$BATS_TEST_TMPDIR/bin/apt-get" >"$BATS_TEST_TMPDIR/bin/sudo"
	chmod 755 "$BATS_TEST_TMPDIR"/bin/*
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" \
	    tests/install-missing build run test
	assert_equal output "$status $output" "0 "
}

@test "install-missing refuses a group that it does not know" {
	run -64 tests/install-missing nonsense
	assert_match output "$output" 'no such group: nonsense'
	run -64 tests/install-missing
	assert_match usage "$output" 'install-missing GROUP'
}

# stubs: commands in front of PATH that say what they were asked.
stubs() {
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
	cat >"$BATS_TEST_TMPDIR/bin/dpkg-query" <<-'END'
		#!/bin/sh
		# Two packages are here, nothing else is.
		echo 'ii  gcc'
		echo 'un  make'
		echo 'ii  libc6-dev'
	END
	cat >"$BATS_TEST_TMPDIR/bin/apt-get" <<-END
		#!/bin/sh
		echo "apt-get \$* (\${DEBIAN_FRONTEND:-}) policy:" \
		    "\$(/bin/sh /usr/sbin/policy-rc.d; echo \$?)" \
		    >>"$BATS_TEST_TMPDIR/asked"
	END
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/sudo"
	chmod 755 "$BATS_TEST_TMPDIR"/bin/*
}

@test "install-missing as root asks apt-get, says why, and starts no service" {
	need mounts
	stubs
	mkdir "$BATS_TEST_TMPDIR/sbin"
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare --mount sh -eu -c '
		mount --bind "$1/sbin" /usr/sbin
		PATH=$1/bin:$PATH tests/install-missing build
	' sh "$BATS_TEST_TMPDIR"
	assert_match said "$output" 'make: this Makefile'
	assert_match said "$output" 'libsystemd-dev: the journal'
	[[ $output != *'gcc:'* ]]
	run -0 cat "$BATS_TEST_TMPDIR/asked"
	assert_match update "${lines[0]}" '^apt-get update -q'
	assert_match install "${lines[1]}" \
	    '^apt-get install -q -y --no-install-recommends (.* )?make .*\(noninteractive\) policy: 101$'
	[[ ! -e $BATS_TEST_TMPDIR/sbin/policy-rc.d ]]
}

@test "install-missing as an ordinary user prints the one line and stops" {
	[[ $(id -u) -eq 0 ]] || skip "needs root, to become another"
	stubs
	# The tree may be out of reach of that user: a copy is not.
	cp tests/install-missing "$BATS_TEST_TMPDIR/bin/"
	run -1 setpriv --reuid 65534 --regid 65534 --clear-groups \
	    env PATH="$BATS_TEST_TMPDIR/bin:$PATH" \
	    "$BATS_TEST_TMPDIR/bin/install-missing" build
	assert_match line "${lines[-1]}" \
	    '^please run:  sudo apt-get install -y --no-install-recommends (.* )?make( |$)'
	[[ ! -e $BATS_TEST_TMPDIR/asked ]]
}

@test "every package of install-missing has a reason, and exists" {
	local group name why all
	all=$(apt-cache pkgnames; dpkg-query -W -f '${Package}\n')
	sed -n "/<<-'END'/,/^	END/p" tests/install-missing | sed '1d;$d' |
	    while read -r group name why; do
		[[ -n $why ]] || fail "$group $name has no reason"
		# What some release has not may be missing here.
		[[ $name != *'|' ]] || continue
		grep -qxF "${name//'|'/$'\n'}" <<<"$all" ||
		    fail "no package $name"
	done
}

@test "debian/control asks for the libraries that install-missing has for a build" {
	local wanted asked
	wanted=$(sed -n 's/^	build \(lib[^ ]*-dev\) .*/\1/p' \
	    tests/install-missing | grep -vx libc6-dev | sort | xargs)
	asked=$(sed -n '/^Build-Depends:/,/^Standards/p' debian/control |
	    grep -o 'lib[a-z0-9-]*-dev' | sort | xargs)
	assert_equal "debian/control's" "$asked" "$wanted"
}

@test "install-missing takes the name that this release of Debian has, or does without" {
	need mounts
	stubs
	cat >"$BATS_TEST_TMPDIR/bin/apt-cache" <<-'END'
		#!/bin/sh
		case $2 in
		libevent-2.1-7 | dante-client) echo '  Candidate: (none)' ;;
		*) echo '  Candidate: 1.0' ;;
		esac
	END
	chmod 755 "$BATS_TEST_TMPDIR/bin/apt-cache"
	mkdir -p "$BATS_TEST_TMPDIR/lists" "$BATS_TEST_TMPDIR/sbin"
	: >"$BATS_TEST_TMPDIR/lists/a_Packages"
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare --mount sh -eu -c '
		mkdir -p /var/lib/apt/lists
		mount --bind "$1/lists" /var/lib/apt/lists
		mount --bind "$1/sbin" /usr/sbin
		PATH=$1/bin:$PATH tests/install-missing test
	' sh "$BATS_TEST_TMPDIR"
	run -0 tail -n 1 "$BATS_TEST_TMPDIR/asked"
	assert_match install "$output" ' libevent-2.1-7t64 '
	[[ $output != *dante* && $output != *'|'* ]] || fail "$output"
}

# ci TAP-LINE...: .ci/run over a tree whose suite says these lines.
ci() {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/.ci" "$tree/tests" "$BATS_TEST_TMPDIR/bin"
	cp .ci/run "$tree/.ci/"
	printf '#!/bin/sh\nexit 0\n' >"$tree/tests/install-missing"
	printf '#!/bin/sh\nexit 0\n' >"$BATS_TEST_TMPDIR/bin/apt-get"
	chmod 755 "$tree/tests/install-missing" "$BATS_TEST_TMPDIR/bin/apt-get"
	printf '%s\n' "$@" >"$tree/tap"
	# shellcheck disable=SC2016 # for make
	printf '%s\n' 'all:' \
	    'lint:; @exit $(shell cat lint 2>/dev/null || echo 0)' \
	    'releases:; @echo tried; exit $(shell cat releases 2>/dev/null || echo 0)' \
	    'check-all:; @cat tap; ! grep -q "^not ok\|^abort" tap' \
	    '.PHONY: lint releases' >"$tree/Makefile"
	run env PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$tree/.ci/run"
}

@test "ci counts what passed, failed and was skipped, and fails for a failure" {
	ci '1..3' 'ok 1 one' 'ok 2 two in 1ms' 'ok 3 three # skip no root'
	assert_equal "last line" "${lines[-1]}" '6 passed, 0 failed, 1 skipped'
	[[ $status -eq 0 ]]
	ci '1..2' 'ok 1 one' 'not ok 2 two'
	assert_equal "last line" "${lines[-1]}" '5 passed, 1 failed, 0 skipped'
	[[ $status -eq 1 ]]
	# It ends without a word.
	ci '1..2' 'ok 1 one' 'abort'
	assert_equal "last line" "${lines[-1]}" '5 passed, 1 failed, 0 skipped'
	[[ $status -eq 1 ]]
	echo 1 >"$BATS_TEST_TMPDIR/tree/lint"
	ci '1..1' 'ok 1 one'
	assert_equal "last line" "${lines[-1]}" '4 passed, 1 failed, 0 skipped'
	[[ $status -eq 1 ]]
	# What runs beside it.
	echo 1 >"$BATS_TEST_TMPDIR/tree/releases"
	ci '1..1' 'ok 1 one'
	assert_match "what it said" "$output" $'\ntried\n'
	assert_equal "last line" "${lines[-1]}" '3 passed, 2 failed, 0 skipped'
	[[ $status -eq 1 ]]
}

# in_bats LINE...: a test file with these lines, run by a bats of its own.
in_bats() {
	local file=$BATS_TEST_TMPDIR/inner.bats
	printf '%s\n' "load $TESTS/lib/common" "load $TESTS/lib/net" "$@" \
	    >"$file"
	run env -u BATS_TEST_TIMEOUT bats --formatter tap "$file" \
	    3>&- 4>&-
}

@test "a set-up that fails half way leaves no namespace, process or file" {
	local name
	need networks
	export INNER=$BATS_TEST_TMPDIR/name
	# shellcheck disable=SC2016 # for the inner file
	in_bats 'net_dns() { echo "$NET" >"$INNER"; false; }' \
	    'setup_file() { net_up; }' \
	    'teardown_file() { net_down; }' \
	    '@test "never" { false; }'
	[[ $status -ne 0 ]]
	assert_match tap "$output" 'not ok 1 setup_file failed'
	name=$(<"$INNER")
	assert_match name "$name" '^s64-'
	run ! grep "^$name-" < <(ip netns list)
	run ! compgen -G "/etc/netns/$name-*"
}

runs_inside() { # NAMESPACE
	[[ -n $(ip netns pids "$1") ]]
}

@test "what a killed run has left is swept by the next one" {
	need networks
	local name
	# A pid that no process can have.
	name=s64-$(($(</proc/sys/kernel/pid_max) + 1))-gw
	ip netns add "$name"
	mkdir -p "/etc/netns/$name"
	start left ip netns exec "$name" sleep 60
	wait_until runs_inside "$name"
	net_sweep
	run ! ip netns pids "$name"
	[[ ! -e /etc/netns/$name ]]
	wait_until is_gone "$(pid_of left)"
	rmdir /etc/netns 2>/dev/null || :
}

@test "a test that hangs is ended and told" {
	# shellcheck disable=SC2016 # for the inner file
	in_bats '@test "hangs" { BATS_TEST_TIMEOUT=1; sleep 20; }' \
	    'setup_file() { export BATS_TEST_TIMEOUT=1; }'
	[[ $status -ne 0 ]]
	assert_match tap "$output" 'not ok 1 hangs # timeout after 1s'
}

@test "a 32-bit machine is refused with a sentence" {
	printf '#!/bin/sh\necho i686-linux-gnu\n' >"$BATS_TEST_TMPDIR/cc"
	chmod 755 "$BATS_TEST_TMPDIR/cc"
	run -2 make -C "$ROOT" -n -B CC="$BATS_TEST_TMPDIR/cc" build/base/text.o
	assert_match sentence "$output" "i686: only 64-bit machines are supported"
}
