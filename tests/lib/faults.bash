# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Injected faults: tests/faults.

# faults PROGRAM ARGUMENT...: of faults.py.
faults() {
	local program=$1
	shift
	need root
	[[ $(uname -m) == x86_64 ]] || skip "the injector is for x86_64"
	make -s -C "$ROOT" build/tests/inject build/tests/probe/starve.so
	run "$TESTS/faults/faults.py" "$@" "$ROOT/build/tests/inject" "$program"
	[[ $status -eq 0 ]] || fail "$output"
	echo "$output"
}
