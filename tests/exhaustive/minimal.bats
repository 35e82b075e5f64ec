#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# No permission is idle: of each row of sandbox/calls.c that is not marked as
# spare, handlers are built whose last stage with that call lacks it, and one
# session of each kind must show that somebody misses it.  Not part of make
# check-all: whether libsystemd makes its second try, or a pipe is given less
# than it asks for, is a matter of the machine's limits, too.
#
# shellcheck shell=bash

load ../lib/common

export BATS_TEST_TIMEOUT=900

setup() {
	need root mounts
	tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	# The listening mode opens its program as the user.
	chmod 711 "$BATS_RUN_TMPDIR" "${BATS_TEST_TMPDIR%/*}" "$BATS_TEST_TMPDIR"
	(cd "$ROOT" && cp -r Makefile ./*.[ch] ./*/ "$tree")
}

# sessions: the name of what failed; status 0 when nothing did.
sessions() {
	"$tree/tests/probe/sessions.py" --deadline 20 "$tree/socks64-handler" \
	    "$tree/socks64-handler-static" "$tree/build/tests/probe/probe" 2>&1
}

# build [--without ROW]
build() {
	rm -f "$tree/build/sandbox/filters.h"
	make -s -C "$tree" FILTERS="$*" all build/tests/probe/probe \
	    >"$BATS_TEST_TMPDIR/make.log" 2>&1 ||
	    fail "make: $(cat "$BATS_TEST_TMPDIR/make.log")"
}

@test "with all rows, one session of each kind works" {
	build
	run -0 sessions
}

@test "each row of the sandbox's table is missed by some session" {
	local row call idle=
	build
	while read -r row call; do
		build --without "$row"
		! sessions >/dev/null || idle+="$row $call"$'\n'
	done < <("$tree/build/sandbox/generate" --rows)
	[[ -z $idle ]] || fail "nobody misses:" "$idle"
}
