# SPDX-License-Identifier: ISC
# socks64 in the network of lib/gateway: load that first.
#
# shellcheck shell=bash

# SANITIZED: below build/ are a library and programs with that sanitizer.
WRAPPER=$ROOT/socks64
BUILT=$ROOT/build/client
if [[ -n ${SANITIZED:-} ]]; then
	BUILT=$ROOT/build/client-$SANITIZED
	WRAPPER=$BUILT/socks64
	# What a process has at its end is the kernel's.
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
fi
export WRAPPER BUILT
# Settings of whoever runs the tests are none of theirs.
unset SOCKS64_GATEWAY SOCKS64_PASSWORD XDG_CONFIG_HOME

# client_names: the clients know no name: no hosts, and a name server that
# they cannot reach.  Their loopback has both families, as that of any host
# has: Java and lftp look there whether they may use a literal.
client_names() {
	local role
	in_ns c4 sh -c 'echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6'
	for role in c4 c6; do
		echo '127.0.0.1 localhost' >"/etc/netns/$NET-$role/hosts"
		echo 'nameserver 127.0.0.1' >"/etc/netns/$NET-$role/resolv.conf"
	done
}

# gateway_of ROLE: as that client reaches it.
gateway_of() {
	[[ $1 == c4 ]] && echo "$GW4:1080" || echo "[$GW6]:1080"
}

# s64 ROLE ARGUMENT...: socks64 in c4 or c6, towards the gateway.
s64() {
	local role=$1
	shift
	in_ns "$role" "$WRAPPER" -s "$(gateway_of "$role")" "$@"
}

# client_url SERVER FORM: of the web server in s4 or s6, by name or literal.
client_url() {
	local address
	address=$(net_server "$1")
	[[ $address != *:* ]] || address="[$address]"
	case $2 in
	name) echo "http://v${1#s}.example.com/" ;;
	literal) echo "http://$address/" ;;
	esac
}

# records_of COMMAND DEST: how many records the gateway has of them.
records_of() {
	grep -cF " cmd=$1 dest=$2 " "$GATEWAY_LOG" || :
}

# needs_program PROGRAM...: skips where one of them is not installed.
needs_program() {
	local program
	for program; do
		command -v "$program" >/dev/null ||
		    skip "$program is not installed"
	done
}
