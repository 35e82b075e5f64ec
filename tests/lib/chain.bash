# SPDX-License-Identifier: ISC
# Gateways in front of the one of net.bash, for chains (socks64.conf(5), via).
#
#	d4  10.5.0.2         --+        +-- 10.1, 2001:db8:11 --+
#	d6  2001:db8:15::2   --+  g1  --+                       +--  gw  s4 s6
#	                                +-- g3, 10.3 and 10.4 --+
#
# g1 is .1 (::1) towards d4, d6, gw and g3; it has no name server.  gw is .2
# (::2) towards g1, and 10.4.0.2 towards g3.  All listen at port 1080.
#
# shellcheck shell=bash

CHAIN_ROLES='g1 g3 d4 d6'
G1_4=10.5.0.1 G1_6=2001:db8:15::1
D4=10.5.0.2 D6=2001:db8:15::2
HOP4=10.1.0.2 HOP6=2001:db8:11::2
NET_ROLES+=" $CHAIN_ROLES"
export G1_4 G1_6 D4 D6 HOP4 HOP6

# chain_link A B DEVICE-OF-A DEVICE-OF-B
chain_link() {
	ip -n "$NET-$1" link add name "$3" type veth \
	    peer name "$4" netns "$NET-$2"
	ip -n "$NET-$1" link set "$3" up
	ip -n "$NET-$2" link set "$4" up
}

# chain_address ROLE DEVICE ADDRESS/LENGTH...
chain_address() {
	local address
	for address in "${@:3}"; do
		ip -n "$NET-$1" address add "$address" dev "$2" nodad
	done
}

# chain_up: behind net_up.
chain_up() {
	local role
	chain_link g1 gw gw g1
	chain_link g1 g3 g3 g1
	chain_link g3 gw gw g3
	chain_link d4 g1 g1 d4
	chain_link d6 g1 g1 d6
	chain_address g1 gw 10.1.0.1/24 2001:db8:11::1/64
	chain_address gw g1 $HOP4/24 $HOP6/64
	chain_address g1 g3 10.3.0.1/24
	chain_address g3 g1 10.3.0.2/24
	chain_address g3 gw 10.4.0.1/24
	chain_address gw g3 10.4.0.2/24
	chain_address d4 g1 $D4/24
	chain_address g1 d4 $G1_4/24
	chain_address d6 g1 $D6/64
	chain_address g1 d6 $G1_6/64
	for role in $CHAIN_ROLES; do
		: >"/etc/netns/$NET-$role/resolv.conf"
	done
}

# hop_start ROLE LINE...: a gateway there, whose log is hop_log ROLE: its own,
# as a client's port may be that of an earlier one.
hop_start() {
	local role=$1 line
	local -a lines=()
	shift
	for line; do
		lines+=(-o "$line")
	done
	: >"$(hop_log "$role")"
	start "$role" ip netns exec "$NET-$role" systemd-socket-activate \
	    --accept -l '[::]:1080' "$HANDLER" "${lines[@]}"
	wait_until net_listens "$role" 1080 ||
	    fail "$role does not listen" "$(cat "$(hop_log "$role")")"
}

hop_log() {
	echo "$BATS_FILE_TMPDIR/$1.err"
}

hop_stop() {
	local role pid
	for role; do
		stop "$role"
		for pid in $(ip netns pids "$NET-$role" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null || :
		done
	done
}

# hop_record ROLE CLIENT: as record_of, of the gateway there.
hop_record() {
	local GATEWAY_LOG
	GATEWAY_LOG=$(hop_log "$1")
	record_of "$2"
}

# The eight types of the SOCKS64 draft: the families of client, hop and
# server.  use_chain TYPE: sets CLIENT (role), GATEWAY, HOP (address), SERVER,
# SERVER_ROLE and SERVER_NAME.
CHAIN_TYPES='E F G H I J K L'

use_chain() {
	case $1 in
	[EFGH]) CLIENT=d4 GATEWAY=$G1_4 ;;
	[IJKL]) CLIENT=d6 GATEWAY=$G1_6 ;;
	esac
	case $1 in
	[EFIJ]) HOP=$HOP4 ;;
	[GHKL]) HOP=$HOP6 ;;
	esac
	case $1 in
	[EGIK]) SERVER=$S4 SERVER_ROLE=s4 SERVER_NAME=v4.example.com ;;
	[FHJL]) SERVER=$S6 SERVER_ROLE=s6 SERVER_NAME=v6.example.com ;;
	esac
}

# via_rules HOP:PORT: names go there as they are, addresses where NET_ALLOW
# has them.
via_rules() {
	echo "allow all to name via $1"
	echo "$NET_ALLOW via $1"
}
