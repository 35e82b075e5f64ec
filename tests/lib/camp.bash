# SPDX-License-Identifier: ISC
# The camp: many hosts on one LAN, half of them with an IPv4 address, half with
# an IPv6 address, each a namespace of its own; the gateway; and the servers of
# telnet, FTP, HTTP and SSH, each on a machine with IPv4 and on one with IPv6.
#
#	h1 192.0.2.101       --+       +-- 198.51.100.80     s4
#	h2 2001:db8:1::102   --+  gw --+-- 2001:db8:2::80    s6
#	...             switch-+       +-- 203.0.113.53      dns
#
# Load lib/gateway, lib/ftp and lib/ssh, too.
#
# shellcheck shell=bash

# The hosts replace the two clients of lib/net.
NET_ROLES='gw s4 s6 dns switch'

# camp_address HOST: of the host with that number.
camp_address() {
	if (($1 % 2)); then
		echo "192.0.2.$((100 + $1))"
	else
		echo "2001:db8:1::$((100 + $1))"
	fi
}

# camp_host HOST: its namespace, with one family, on the switch.
camp_host() {
	local name=$NET-h$1 address no_ipv6=0 length=64
	address=$(camp_address "$1")
	[[ $address == *:* ]] || no_ipv6=1 length=24
	ip netns add "$name"
	ip -n "$NET-switch" -batch - <<-END
		link add name h$1 type veth peer name lan netns $name
		link set h$1 master camp up
	END
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$name" sh -eu -c '
		echo $1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
		echo 0 >/proc/sys/net/ipv6/conf/lan/accept_dad
		ip link set lo up
		ip address add "$2" dev lan
		ip link set lan up' sh "$no_ipv6" "$address/$length"
}

# camp_hosts COUNT: the switch and the hosts.
camp_hosts() {
	local -i host
	net_role switch
	ip -n "$NET-switch" link add name camp type bridge mcast_snooping 0
	ip -n "$NET-switch" link set camp up
	for ((host = 1; host <= $1; host++)); do
		NET_ROLES+=" h$host"
		camp_host $host
	done
	export NET_ROLES
}

# camp_gateway: the links of $NET-gw, which is there.  The hosts remember the
# hardware address of the gateway before it.
camp_gateway() {
	net_kernel gw
	ip -n "$NET-gw" link add name lan address 02:00:5e:00:53:01 type veth \
	    peer name gw netns "$NET-switch"
	ip -n "$NET-gw" -batch - <<-END
		address add $GW4/24 dev lan
		address add $GW6/64 dev lan nodad
		link set lan up
	END
	ip -n "$NET-switch" link set gw master camp up
	net_outside
}

# What telnetd runs for who comes in: says who it is, then numbers that it is
# asked for, as a terminal shows them.
camp_login() {
	cat <<-'END'
		#!/bin/sh
		printf 'login: '
		read -r name
		echo "hello $name"
		while read -r word count; do
			[ "$word" != bye ] || exit 0
			seq "$count"
			echo "counted $count"
		done
	END
}

# camp_telnetd ROLE: by inetd, as in 1998.
camp_telnetd() {
	local login=$BATS_FILE_TMPDIR/login conf=$BATS_FILE_TMPDIR/telnet.$1
	local address telnetd=$ROOT/build/inetutils-telnetd/usr/sbin/telnetd
	address=$(net_server "$1")
	[[ $address != *:* ]] || address=[$address]
	camp_login >"$login"
	chmod 755 "$login"
	echo "$address:23 stream tcp nowait.60000 root $telnetd telnetd" \
	    "-h -E $login" >"$conf"
	start "telnetd-$1" ip netns exec "$NET-$1" "$(inetd_program)" -i "$conf"
	wait_until net_listens "$1" 23 || fail "telnetd does not listen"
}

# camp_web ROLE: what FTP has, by HTTP.
camp_web() {
	start "web-$1" ip netns exec "$NET-$1" "$PYTHON" -m http.server \
	    --bind "$(net_server "$1")" --directory "$BATS_FILE_TMPDIR/ftp" 80
	wait_until net_listens "$1" 80 || fail "no web server listens"
}

# camp_packages: fetches what is missing below build/.
camp_packages() {
	ftp_packages && inetd_program >/dev/null &&
	    "$TESTS/unpack-package" inetutils-telnetd \
	        "$ROOT/build/inetutils-telnetd"
}

# camp_servers: all four on s4 and s6, and the name server.
camp_servers() {
	local role
	NET_ROLES='gw s4 s6 dns' net_files
	net_dns
	for role in s4 s6; do
		ftp_accounts "$role" "$BATS_FILE_TMPDIR/ftp"
		FTP_MORE='max_per_ip=0' ftp_start vsftpd "$role"
		sshd_start "$role" "$(net_server "$role")"
		camp_telnetd "$role"
		camp_web "$role"
	done
}
