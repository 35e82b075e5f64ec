#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# FTP clients under socks64, passive and active, of either family to a server
# of either, by name and by literal; real clients, and vsftpd.

load ../lib/gateway
load ../lib/client
load ../lib/ftp

prepare_file() {
	local role state=$BATS_FILE_TMPDIR/state
	export FTP_BIG_MIB=8
	client_names
	ftp_packages
	ftp_files "$BATS_FILE_TMPDIR/ftp"
	install -d -o nobody -m 700 "$state"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" \
	    "$(dirname "$BATS_FILE_TMPDIR")"
	for role in s4 s6; do
		ftp_accounts "$role" "$BATS_FILE_TMPDIR/ftp"
		ftp_start vsftpd "$role"
	done
	gateway_start inetd "$NET_ALLOW" "state-dir $state" 'user nobody'
}

# each COMMAND: COMMAND ROLE HOST, the host as a URL has it.
each() {
	local role host
	for role in c4 c6; do
		for host in v4.example.com v6.example.com "$S4" "[$S6]"; do
			run -0 --separate-stderr "$1" "$role" "$host"
			assert_equal "$1: $role to $host: $stderr" \
			    "$output" x
		done
	done
}

curl_passive() {
	s64 "$1" curl -sS --max-time 60 "ftp://$2/pub/one"
}

# curl ends where the server says 226 before the data connection has come, and
# of a small file 226 may overtake the gateway's second reply to BIND.
curl_active() {
	s64 "$1" curl -sS --max-time 60 -P - "ftp://$2/pub/big" |
	    cmp - "$BATS_FILE_TMPDIR/ftp/pub/big" && printf x
}

tnftp_passive() {
	cd "$BATS_TEST_TMPDIR"
	s64 "$1" tnftp -q 60 -o - "ftp://$2/pub/one"
}

tnftp_active() {
	cd "$BATS_TEST_TMPDIR"
	s64 "$1" tnftp -q 60 -A -o - "ftp://$2/pub/one"
}

# ftplib ROLE HOST PASSIVE
ftplib() {
	local host=${2#[}
	s64 "$1" "$PYTHON" -c 'import ftplib, sys
ftp = ftplib.FTP(sys.argv[1], timeout=60)
ftp.login()
ftp.set_pasv(sys.argv[2] == "True")
ftp.retrbinary("RETR /pub/one", lambda data: print(data.decode()))' \
	    "${host%]}" "$3"
}

ftplib_passive() {
	ftplib "$@" True
}

ftplib_active() {
	ftplib "$@" False
}

@test "curl, passive and active" {
	each curl_passive
	each curl_active
}

@test "tnftp, passive and active" {
	needs_program tnftp
	each tnftp_passive
	each tnftp_active
}

@test "Python's ftplib, passive and active" {
	each ftplib_passive
	each ftplib_active
}

@test "bind off: no server is asked to call" {
	local before
	before=$(grep -c ' cmd=BIND ' "$GATEWAY_LOG" || :)
	run s64 c4 -o 'bind off' curl -sS --max-time 60 -P - \
	    "ftp://v4.example.com/pub/one"
	[[ $status -ne 0 ]]
	[[ $(grep -c ' cmd=BIND ' "$GATEWAY_LOG" || :) -eq $before ]]
}

@test "a server under socks64 listens here" {
	start here s64 c4 "$PEERS/server.py" "$C4" http=8089
	wait_for_line "$BATS_FILE_TMPDIR/here.out" '^ready$'
	run -0 in_ns gw curl -sS "http://$C4:8089/"
	[[ $output == "hello from $C4" ]]
	stop here
}
