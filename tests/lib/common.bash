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
PYTHON=/usr/bin/python3
: "${HANDLER:=$ROOT/socks64-handler}"
: "${HANDLER_STATIC:=$ROOT/socks64-handler-static}"
export TESTS ROOT PEERS PYTHON HANDLER HANDLER_STATIC
export PYTHONDONTWRITEBYTECODE=1

# One test may take this long, whatever it waits for.
: "${BATS_TEST_TIMEOUT:=60}"
export BATS_TEST_TIMEOUT

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
#	mounts     mount namespaces
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
		unshare --mount true 2>/dev/null ||
		    echo 'mount namespaces are not allowed here'
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

# wait_until SECONDS COMMAND...: polls until the command succeeds.
wait_until() {
	local -i now end
	now=${EPOCHREALTIME/./}
	end=$((now + $1 * 1000000))
	shift
	until "$@"; do
		now=${EPOCHREALTIME/./}
		((now < end)) || return 1
		sleep 0.02
	done
}

# start NAME COMMAND...: runs it in the background until stop NAME or the end
# of the file; its output goes to $BATS_FILE_TMPDIR/NAME.{out,err}.
start() {
	local name=$1
	shift
	: >"$BATS_FILE_TMPDIR/$name.out"
	"$@" </dev/null >"$BATS_FILE_TMPDIR/$name.out" \
	    2>>"$BATS_FILE_TMPDIR/$name.err" 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/$name.pid"
}

pid_of() {
	cat "$BATS_FILE_TMPDIR/$1.pid"
}

is_gone() {
	! kill -0 "$1" 2>/dev/null || [[ $(ps -o stat= -p "$1") == Z* ]]
}

# stop NAME: ends what start NAME began, and waits until it is gone.
stop() {
	local file=$BATS_FILE_TMPDIR/$1.pid pid
	[[ -s $file ]] || return 0
	pid=$(<"$file")
	rm -f "$file"
	kill "$pid" 2>/dev/null || return 0
	wait_until 5 is_gone "$pid" || kill -KILL "$pid" 2>/dev/null || :
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

# wait_for_line FILE PATTERN [SECONDS]: until a line of FILE matches.
wait_for_line() {
	wait_until "${3:-10}" has_line "$1" "$2" ||
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
