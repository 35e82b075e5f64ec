# SPDX-License-Identifier: ISC
# What every test file needs: load it first.  Paths, deadlines, background
# processes that cannot outlive the file, and assertions that say what they
# saw.
#
#	load lib/common		(in tests/slow: load ../lib/common)
#
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ROOT=$(dirname "$TESTS")
PEERS=$TESTS/peers
CASES=$TESTS/cases
PYTHON=/usr/bin/python3
: "${HANDLER:=$ROOT/socks64-handler}"
: "${HANDLER_STATIC:=$ROOT/socks64-handler-static}"
export TESTS ROOT PEERS CASES PYTHON HANDLER HANDLER_STATIC
export PYTHONDONTWRITEBYTECODE=1

# For what never comes: whatever is waited for comes in a fraction of it, also
# where the machine is busy.  No test asserts that something is fast.
PATIENCE=60
# One test may take this long, whatever it waits for.
: "${BATS_TEST_TIMEOUT:=180}"
export BATS_TEST_TIMEOUT

# What a test makes, other users may have to read.
umask 022

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# has_capability BIT: of linux/capability.h.
has_capability() {
	local set
	set=$(sed -n 's/^CapEff:[[:blank:]]*//p' /proc/self/status)
	((0x$set >> $1 & 1))
}

# why_not WHAT: why this machine has it not, or nothing.
#
#	root       to be root
#	networks   namespaces with veth pairs
#	mounts     mount and pid namespaces
#	users      user namespaces
#	net-admin, sys-admin, sys-ptrace  these capabilities
why_not() {
	local probe=s64-$$-probe
	case $1 in
	sys-ptrace)
		has_capability 19 || echo 'CAP_SYS_PTRACE is not to be had here'
		return
		;;
	net-admin)
		has_capability 12 || echo 'CAP_NET_ADMIN is not to be had here'
		return
		;;
	sys-admin)
		has_capability 21 || echo 'CAP_SYS_ADMIN is not to be had here'
		return
		;;
	esac
	if [[ $(id -u) -ne 0 ]]; then
		echo "$1: needs root"
	elif [[ $1 == mounts ]]; then
		unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
		    echo 'mount and pid namespaces are not allowed here'
	elif [[ $1 == users ]]; then
		unshare --user --map-root-user true 2>/dev/null ||
		    echo 'user namespaces are not allowed here'
	elif [[ $1 == networks ]]; then
		if ! ip netns add "$probe" 2>/dev/null; then
			echo 'network namespaces are not allowed here'
		elif ! ip -n "$probe" link add name a type veth \
		    peer name b 2>/dev/null; then
			echo 'veth pairs are not allowed here'
		fi
		ip netns delete "$probe" 2>/dev/null || :
	fi
}

# need WHAT...: for setup and tests: skips where one of them is missing.
need() {
	local what why
	for what; do
		why=$(why_not "$what")
		[[ -z $why ]] || skip "$why"
	done
}

# lacks WHAT...: for setup_file, which cannot skip: is one of them missing?
# Then it is to return, and skip_lacking in setup skips each test.
lacks() {
	local what
	for what; do
		LACKING=$(why_not "$what")
		export LACKING
		[[ -z $LACKING ]] || return 0
	done
	return 1
}

skip_lacking() {
	[[ -z ${LACKING:-} ]] || skip "$LACKING"
}

# microseconds: of a clock that only serves to see how long something lasted
# at least; how long at most is a matter of luck.
microseconds() {
	echo "${EPOCHREALTIME/./}"
}

# wait_until COMMAND...: polls until the command succeeds.
wait_until() {
	local -i end
	end=$(($(microseconds) + PATIENCE * 1000000))
	until "$@"; do
		(($(microseconds) < end)) || return 1
		sleep 0.02
	done
}

# of_process PID FIELD...: fields of proc(5)'s stat, by their numbers there.
of_process() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	shift
	# The name, field 2, may have blanks.
	awk -v fields="$*" '{
		n = split(fields, wanted, " ")
		for (i = 1; i <= n; i++)
			print $(wanted[i] - 2)
	}' <<<"${stat##*) }"
}

# cpu_of PID: the CPU time that it has used, in ticks of 10 ms.
cpu_of() {
	of_process "$1" 14 15 | awk '{ ticks += $1 } END { print ticks }'
}

# falls_quiet PID: waits until it hardly uses the CPU any more; what spins
# never does.
falls_quiet() {
	wait_until is_quiet "$1" || fail "process $1 spins"
}

is_quiet() {
	local -i before
	before=$(cpu_of "$1")
	sleep 0.5 # not for order: the time that is measured
	(($(cpu_of "$1") - before <= 2))
}

# alone COMMAND...: in a network of its own, loopback and nothing else, where
# no port is taken and IPv6 is there, if this machine allows one.
alone() {
	if [[ $(id -u) -eq 0 ]] && unshare --net true 2>/dev/null; then
		# shellcheck disable=SC2016 # for the inner shell
		set -- unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$@"
	fi
	"$@"
}

# start NAME COMMAND...: runs it in the background until stop NAME or the end
# of the file; its output goes to $BATS_FILE_TMPDIR/NAME.{out,err}.
start() {
	local name=$1
	shift
	: >"$BATS_FILE_TMPDIR/$name.out"
	"$@" </dev/null >"$BATS_FILE_TMPDIR/$name.out" \
	    2>>"$BATS_FILE_TMPDIR/$name.err" 3>&- 4>&- &
	# Pids come again: this one's birth makes it unique.
	echo "$! $(of_process $! 22)" >"$BATS_FILE_TMPDIR/$name.pid"
}

pid_of() {
	cut -d ' ' -f 1 "$BATS_FILE_TMPDIR/$1.pid"
}

# is_gone PID [BIRTH]
is_gone() {
	local now
	now=$(of_process "$1" 3 22 | xargs)
	[[ -z $now || $now == Z* || ${now#* } != "${2:-${now#* }}" ]]
}

# stop NAME: ends what start NAME began, and waits until it is gone.
stop() {
	local file=$BATS_FILE_TMPDIR/$1.pid pid birth
	[[ -s $file ]] || return 0
	read -r pid birth <"$file"
	rm -f "$file"
	! is_gone "$pid" "$birth" || return 0
	kill "$pid" 2>/dev/null || return 0
	wait_until is_gone "$pid" "$birth" || kill -KILL "$pid" 2>/dev/null || :
}

# Ends everything that start began: for teardown_file.
stop_all() {
	local file
	for file in "$BATS_FILE_TMPDIR"/*.pid; do
		[[ -e $file ]] || continue
		stop "$(basename "$file" .pid)"
	done
}

has_line() {
	grep -qE -- "$2" "$1" 2>/dev/null
}

# wait_for_line FILE PATTERN: until a line of FILE matches.
wait_for_line() {
	wait_until has_line "$1" "$2" ||
	    fail "no line matches: $2" "in $1:" "$(cat "$1" 2>&1)"
}

# assert_equal WHAT GOT WANTED
assert_equal() {
	[[ $2 == "$3" ]] || fail "$1" "  is:     $2" "  wanted: $3"
}

# assert_match WHAT GOT PATTERN: an extended regular expression.
assert_match() {
	[[ $2 =~ $3 ]] || fail "$1" "  is:     $2" "  wanted: $3"
}

# value KEY LINE: what stands behind KEY= in a line of words.
value() {
	local word
	for word in $2; do
		[[ $word == "$1="* ]] || continue
		echo "${word#*=}"
		return 0
	done
	fail "no $1= in: $2"
}
