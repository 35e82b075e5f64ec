# SPDX-License-Identifier: ISC
# A network for a test file: seven namespaces around a dual-stack gateway
# that forwards nothing.
#
#	c4  192.0.2.2        --+          +--  198.51.100.80     s4
#	c6  2001:db8:1::2    --+  gw  .1 -+--  2001:db8:2::80    s6
#	                               +--- dns 203.0.113.53
#
# Clients and servers have one family each and only their own link; the
# gateway is .1 (::1) on all of them and has its resolv.conf and hosts from
# /etc/netns.  Everything is removed by net_down, also after a set-up that
# failed half way or a run that was killed.
#
# shellcheck shell=bash

GW4=192.0.2.1 GW6=2001:db8:1::1
C4=192.0.2.2 C6=2001:db8:1::2
S4=198.51.100.80 S6=2001:db8:2::80
DNS=203.0.113.53
NET_ROLES='gw c4 c6 s4 s6 dns'
# What the rules must open, for none of this is global.
NET_ALLOW='allow all at 192.0.2.0/24,198.51.100.0/24,203.0.113.0/24'
NET_ALLOW+=',2001:db8::/32'
export GW4 GW6 C4 C6 S4 S6 DNS NET_ALLOW

# in_ns ROLE COMMAND...
in_ns() {
	local role=$1
	shift
	ip netns exec "$NET-$role" "$@"
}

# net_link ROLE GATEWAY-ADDRESS ADDRESS: a link to the gateway, named after the
# role at the gateway's end.
net_link() {
	ip -n "$NET-gw" link add name "$1" type veth \
	    peer name gw netns "$NET-$1"
	net_addresses "$@"
}

# net_addresses ROLE GATEWAY-ADDRESS ADDRESS: those of such a link.
net_addresses() {
	local role=$1 length=24
	[[ $2 != *:* ]] || length=64
	ip -n "$NET-gw" -batch - <<-END
		address add $2/$length dev $role nodad
		link set $role up
	END
	ip -n "$NET-$role" -batch - <<-END
		address add $3/$length dev gw nodad
		link set gw up
	END
}

# net_kernel ROLE: what a namespace forwards and speaks, before it has links.
net_kernel() {
	local no_ipv6=0
	[[ $1 != ?4 && $1 != dns ]] || no_ipv6=1
	in_ns "$1" sh -eu -c "
		cd /proc/sys/net
		echo 0 >ipv4/ip_forward
		echo 0 >ipv6/conf/all/forwarding
		echo 0 >ipv6/conf/default/accept_dad
		echo 0 >ipv6/conf/default/accept_ra
		echo $no_ipv6 >ipv6/conf/all/disable_ipv6
		echo $no_ipv6 >ipv6/conf/default/disable_ipv6
		ip link set lo up
	"
}

# The names that dns knows, which clients that look up by themselves find in
# their hosts.
net_names() {
	cat <<-END
		$S4 v4.example.com
		$S6 v6.example.com
		$S4 both.example.com
		$S6 both.example.com
	END
}

net_files() {
	local role
	for role in $NET_ROLES; do
		mkdir -p "/etc/netns/$NET-$role"
		echo "127.0.0.1 localhost" >"/etc/netns/$NET-$role/hosts"
		echo "nameserver $DNS" >"/etc/netns/$NET-$role/resolv.conf"
	done
	echo '198.51.100.80 hosted.example.com' >>"/etc/netns/$NET-gw/hosts"
	for role in c4 c6; do
		[[ " $NET_ROLES " != *" $role "* ]] ||
		    net_names >>"/etc/netns/$NET-$role/hosts"
	done
}

net_dns() {
	local -a records=()
	local address name
	while read -r address name; do
		records+=("--host-record=$name,$address")
	done < <(net_names)
	start dns ip netns exec "$NET-dns" dnsmasq --keep-in-foreground \
	    --conf-file=/dev/null --no-resolv --no-hosts --user=root \
	    --pid-file= --log-facility=- --listen-address=$DNS \
	    --bind-interfaces --local=/#/ --cache-size=0 "${records[@]}"
	wait_until net_listens dns 53 ||
	    fail "dnsmasq does not answer" "$(cat "$BATS_FILE_TMPDIR/dns.err")"
}

# net_listens ROLE PORT [COUNT]: do so many TCP sockets listen there?
net_listens() {
	local -i n
	n=$(ss -N "$NET-$1" -Hltn "sport = :$2" | wc -l)
	((n >= ${3:-1}))
}

# net_server ROLE: the address of s4 or s6.
net_server() {
	[[ $1 == s4 ]] && echo "$S4" || echo "$S6"
}

# net_datagrams: datagrams.py, port 5353, in s4 and s6.
net_datagrams() {
	local role
	for role in s4 s6; do
		start "udp-$role" ip netns exec "$NET-$role" \
		    "$PEERS/datagrams.py" "$(net_server "$role")" 5353
		wait_for_line "$BATS_FILE_TMPDIR/udp-$role.out" '^ready$'
	done
}

# net_servers: server.py in ask mode, port 7000, in s4 and s6; their reports
# in $REPORT.
net_servers() {
	local role
	: >"$REPORT"
	for role in s4 s6; do
		start "$role" ip netns exec "$NET-$role" "$PEERS/server.py" \
		    --report "$REPORT" "$(net_server "$role")" ask=7000 \
		    http=80
	done
	for role in s4 s6; do
		wait_for_line "$BATS_FILE_TMPDIR/$role.out" '^ready$'
	done
}

# net_needed: for setup, skips each test where there is no network.
net_needed() {
	[[ -z $NET_MISSING ]] || skip "$NET_MISSING"
}

# net_begin: what every network begins with: its name in $NET.  For setup_file;
# false where namespaces are not allowed, and net_needed says why.
net_begin() {
	net_sweep
	NET_MISSING=$(why_not networks)
	export NET_MISSING
	[[ -z $NET_MISSING ]] || return 1
	export NET=s64-$$
	export REPORT=$BATS_FILE_TMPDIR/report
}

# net_role ROLE: its namespace, without links.
net_role() {
	net_remove "$NET-$1"
	ip netns add "$NET-$1"
	net_kernel "$1"
}

# net_outside: the links of the gateway to the servers and to the name server.
net_outside() {
	net_link s4 198.51.100.1 $S4
	net_link s6 2001:db8:2::1 $S6
	net_link dns 203.0.113.1 $DNS
}

# net_up: the namespaces, the name server and the two servers.  For
# setup_file; does nothing where namespaces are not allowed.
net_up() {
	local role
	net_begin || return 0
	for role in $NET_ROLES; do
		net_role "$role"
	done
	net_link c4 $GW4 $C4
	net_link c6 $GW6 $C6
	net_outside
	net_files
	net_dns
	net_servers
}

# net_remove NAME: one namespace with everything that runs inside.
net_remove() {
	local pid
	for pid in $(ip netns pids "$1" 2>/dev/null); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	ip netns delete "$1" 2>/dev/null || :
	rm -rf "/etc/netns/$1"
}

# What runs that were killed have left: namespaces of processes that are gone.
net_sweep() {
	local name pid
	[[ $(id -u) -eq 0 ]] || return 0
	for name in $(ip netns list 2>/dev/null | cut -d ' ' -f 1); do
		[[ $name =~ ^s64-([0-9]+)- ]] || continue
		pid=${BASH_REMATCH[1]}
		kill -0 "$pid" 2>/dev/null || net_remove "$name"
	done
}

# For teardown_file.
net_down() {
	local role
	stop_all
	[[ -n ${NET:-} ]] || return 0
	for role in $NET_ROLES; do
		net_remove "$NET-$role"
	done
	rmdir /etc/netns 2>/dev/null || :
	unset NET
}
