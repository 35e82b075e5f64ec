#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# make clients: the programs of lib/programs under socks64 and under clients of
# other make, side by side; tests/compare/table makes doc/client.md's table of
# it.  Nothing fails here but what cannot be tried.

load ../lib/gateway
load ../lib/client
load ../lib/ftp
load ../lib/ssh
load ../lib/programs

CLIENTS='socks64 proxychains4 torsocks socksify tsocks'
ROWS_AT_ONCE=3

prepare_file() {
	"$TESTS/unpack-package" tsocks "$ROOT/build/tsocks" || :
	programs_prepare
	versions >"$COMPARED/versions"
	[[ -n ${ROWS:-} ]] || : >"$COMPARED/marks"
}

versions() {
	local name
	echo "socks64 $("$WRAPPER" -V | cut -d ' ' -f 2)"
	for name in proxychains4 torsocks dante-client; do
		echo "$name $(dpkg-query -W -f '${Version}' "$name")"
	done
	echo "tsocks $(apt-cache policy tsocks |
	    sed -n 's/^ *Candidate: //p')"
}

# row PROGRAM: its marks under each client, a line; side by side but for what
# is known by the gateway's records.
row() {
	local client line=$1
	local -a pids=()
	for client in $CLIENTS; do
		# In a substitution a program that fails ends nothing.
		echo "$(marks "$1" "$client")" \
		    >"$BATS_TEST_TMPDIR/$1.$client.marks" 3>&- 4>&- &
		pids+=($!)
		[[ $1 != firefox ]] || wait $!
	done
	wait "${pids[@]}"
	for client in $CLIENTS; do
		line+=" $(cat "$BATS_TEST_TMPDIR/$1.$client.marks")"
	done
	echo "$line" >"$BATS_TEST_TMPDIR/$1.row"
}

# rows PATTERN: a few of them at once, for they mostly wait; of $ROWS, where
# that is set, these alone, and what was known of others stays.
rows() {
	local program
	local -a names=() pids=()
	while read -r program _; do
		[[ $program =~ ^($1)$ && $program =~ ^(${ROWS:-.*})$ ]] ||
		    continue
		[[ -z $(program_lacks "$program") ]] || continue
		names+=("$program")
		row "$program" 3>&- 4>&- &
		pids+=($!)
		((${#pids[@]} == ROWS_AT_ONCE)) || continue
		wait "${pids[@]}"
		pids=()
	done < <(programs)
	((${#names[@]} > 0)) || return 0
	((${#pids[@]} == 0)) || wait "${pids[@]}"
	for program in "${names[@]}"; do
		cat "$BATS_TEST_TMPDIR/$program.row" >>"$COMPARED/marks"
	done
}

@test "programs by TCP" {
	rows '[^f].*'
}

@test "FTP" {
	rows 'ftp-.*'
}

@test "Firefox" {
	rows firefox
}
