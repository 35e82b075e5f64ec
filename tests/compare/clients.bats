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

prepare_file() {
	"$TESTS/unpack-package" tsocks "$ROOT/build/tsocks" || :
	programs_prepare
	versions >"$COMPARED/versions"
	: >"$COMPARED/marks"
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
		    >"$BATS_TEST_TMPDIR/$client" 3>&- 4>&- &
		pids+=($!)
		[[ $1 != firefox ]] || wait $!
	done
	wait "${pids[@]}"
	for client in $CLIENTS; do
		line+=" $(cat "$BATS_TEST_TMPDIR/$client")"
	done
	echo "$line" >>"$COMPARED/marks"
}

# rows PATTERN
rows() {
	local program
	while read -r program _; do
		[[ $program =~ ^($1)$ ]] || continue
		[[ -z $(program_lacks "$program") ]] || continue
		row "$program"
	done < <(programs)
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
