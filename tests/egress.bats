#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the configuration says of outgoing connections, seen by the server:
# source, interface, mark, resolver, prefer; and unix-domain listeners.
#
#	gw 192.0.2.1 .3, 2001:db8::1 ::3  one---one  peer .80-.82 .53, ::80 ::53
#	   198.51.100.1, 2001:db8:2::1    two---two       .2, ::2

load lib/common

network_up() {
	local role
	for role in "$GW" "$PEER"; do
		ip netns add "$role"
		ip netns exec "$role" sh -c '
			echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
			echo 0 >/proc/sys/net/ipv4/conf/default/rp_filter
			echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
			ip link set lo up'
	done
	ip -n "$GW" link add one type veth peer name one netns "$PEER"
	ip -n "$GW" link add two type veth peer name two netns "$PEER"
	ip -n "$GW" -batch - <<-END
		address add 192.0.2.1/24 dev one
		address add 192.0.2.3/24 dev one
		address add 2001:db8::1/64 dev one nodad
		address add 2001:db8::3/64 dev one nodad preferred_lft 0
		address add 198.51.100.1/24 dev two
		address add 2001:db8:2::1/64 dev two nodad
		link set one up
		link set two up
		route add 192.0.2.80 via 198.51.100.2 dev two metric 500
		route add 192.0.2.80 via 198.51.100.2 dev two table 7
		route add prohibit 192.0.2.53 table 7
		rule add fwmark 7 table 7
	END
	ip -n "$GW" -6 route add 2001:db8::80 via 2001:db8:2::2 dev two metric 2048
	ip -n "$PEER" -batch - <<-END
		address add 192.0.2.80/24 dev one
		address add 192.0.2.81/24 dev one
		address add 192.0.2.82/24 dev one
		address add 192.0.2.53/24 dev one
		address add 2001:db8::80/64 dev one nodad
		address add 2001:db8::53/64 dev one nodad
		address add 198.51.100.2/24 dev two
		address add 2001:db8:2::2/64 dev two nodad
		link set one up
		link set two up
	END
	ip -n "$GW" route add 192.0.2.80 dev one metric 10
	ip -n "$GW" -6 route add 2001:db8::80 dev one metric 10
	ip -n "$GW" -6 route add local 2001:db8:1::/64 dev lo
	ip -n "$PEER" -6 route add 2001:db8:1::/64 via 2001:db8::1
}

# names NUMBER: what a name server knows; who.test is its own.
names() {
	cat <<-END
		both.test AAAA 2001:db8::80
		both.test A 192.0.2.80
		only4.test A 192.0.2.80
		only4.test AAAA
		only6.test AAAA 2001:db8::80
		only6.test A
		mapped.test AAAA ::ffff:192.0.2.80
		mapped.test A
		who.test A 192.0.2.$1
		who.test AAAA
	END
}

# name_server NUMBER ADDRESS
name_server() {
	names "$1" >"$BATS_FILE_TMPDIR/names$1"
	start "dns$1" ip netns exec "$PEER" "$PEERS/dns.py" "$2" \
	    "$BATS_FILE_TMPDIR/names$1"
	wait_for_line "$BATS_FILE_TMPDIR/dns$1.out" '^ready$'
}

reaches_ipv6() {
	ip netns exec "$GW" curl -s -m 2 -o "$BATS_FILE_TMPDIR/reached" \
	    --http0.9 "http://[2001:db8::80]/"
}

setup_file() {
	! lacks networks || return 0
	export GW=s64-$$-egress PEER=s64-$$-peer
	network_up
	mkdir -p "/etc/netns/$GW"
	echo 'nameserver 192.0.2.53' >"/etc/netns/$GW/resolv.conf"
	name_server 80 192.0.2.53
	name_server 81 192.0.2.53:5353
	name_server 82 '[2001:db8::53]:5353'
	start peer ip netns exec "$PEER" "$CASES/egress.py" serve \
	    192.0.2.80 192.0.2.81 192.0.2.82 2001:db8::80
	wait_for_line "$BATS_FILE_TMPDIR/peer.out" '^ready$'
	# A new link takes a second to be one, and a race is run before that.
	wait_until reaches_ipv6
	export PLACE
	PLACE=$(mktemp -d /tmp/socks64-egress.XXXXXX)
	chmod 755 "$PLACE"
}

setup() {
	skip_lacking
}

teardown_file() {
	stop_all
	rm -rf "${PLACE:-/nonexistent}" "/etc/netns/${GW:-none}"
	rmdir /etc/netns 2>/dev/null || :
	ip netns delete "${GW:-}" 2>/dev/null || :
	ip netns delete "${PEER:-}" 2>/dev/null || :
}

egress() {
	run ip netns exec "$GW" "$CASES/egress.py" "$HANDLER" "$1"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "source: one address for each family, seen by the server, in BND and record" {
	egress source
}

@test "interface: outgoing connections, not the name servers" {
	egress interface
}

@test "mark: outgoing connections, not the name servers; its capability goes with the dial" {
	egress mark
}

@test "rules: a source and a mark of their own, a random address of a net" {
	egress rules
}

@test "rules: source and mark of a BIND, as the peer finds it" {
	egress bind
}

@test "rules: source and mark of datagrams, each by its own rule" {
	egress datagrams
}

@test "whose address it is cannot be asked: no rule opens it, and nobody is blamed" {
	[[ -z ${LISTEN:-} ]] || skip "a service's sessions are other processes"
	make -s -C "$ROOT" build/tests/inject
	egress unasked
}

@test "rules: source and mark on the way to a next gateway, in both modes" {
	start hop ip netns exec "$PEER" "$HANDLER" -l 192.0.2.80:1080 \
	    -l '[2001:db8::80]:1080' -o 'allow all at any,self'
	wait_for_line "$BATS_FILE_TMPDIR/hop.err" 'listening on .*\[2001:db8::80\]'
	egress via
	stop hop
	run cat "$BATS_FILE_TMPDIR/hop.err"
	assert_match mark "$output" 'ok client=198.51.100.1:.* cmd=CONNECT '
	assert_match source "$output" 'ok client=192.0.2.3:.* cmd=CONNECT '
	assert_match net "$output" \
	    'ok client=\[2001:db8:1:0?:[0-9a-f:]+\]:.* cmd=CONNECT '
	assert_match way "$output" 'ok client=192.0.2.3:.* cmd=UDP '
	assert_match usual "$output" 'ok client=192.0.2.1:.* cmd=UDP '
	assert_match "net's" "$output" \
	    'ok client=\[2001:db8:1:0?:[0-9a-f:]+\]:.* cmd=UDP '
}

@test "rules: -t warns of a source that this host lacks, -e says which it would be" {
	local file=$PLACE/conf
	cat >"$file" <<-'END'
		allow from private at 192.0.2.0/24 source 192.0.2.99
		allow user alice at 192.0.2.0/24 source 192.0.2.3 mark 7
		allow user bob at 2001:db8::/64 source 2001:db8:1::/64
		allow user carol at 2001:db8::/64 source 2001:db8:3::/64
		allow via 192.0.2.82:1080 source 192.0.2.3
	END
	run -0 --separate-stderr ip netns exec "$GW" "$HANDLER" -t -f "$file"
	assert_match address "$stderr" \
	    'conf:1: warning: source: 192.0.2.99: Cannot assign requested address; connections of its family fail'
	assert_match net "$stderr" \
	    'conf:4: warning: source: 2001:db8:3::/64 is not of this host, .*: ip -6 route add local 2001:db8:3::/64 dev lo'
	run ! grep -E 'conf:[235]: .*source: ' <<<"$stderr"
	explains() { # WANTED USER DESTINATION
		run -0 --separate-stderr ip netns exec "$GW" "$HANDLER" \
		    -f "$file" -e connect 9.9.9.9 "$3" "$2"
		assert_equal "$2 $3" "$(sed 1,2d <<<"$output" | xargs)" "$1"
	}
	explains 'via - source 192.0.2.3 mark 7' alice 192.0.2.80:80
	explains 'via - source 2001:db8:1::/64' bob '[2001:db8::80]:80'
	explains 'via 192.0.2.82:1080 source 192.0.2.3' dave 1.1.1.1:80
}

# The doc's recipe: of a gateway that listens, and its clients by curl.
@test "an address for each user" {
	local user
	local -a seen=()
	for user in alice guest bob; do
		# The password "x", by MD5.
		echo "$user:\$1\$salt\$9GHNWvCB1UrDZjPi7uags0"
	done >"$PLACE/users"
	chown nobody "$PLACE/users"
	chmod 600 "$PLACE/users"
	{
		printf '%s\n' 'user nobody' 'auth password' \
		    "password-file $PLACE/users"
		sed -n '/^## An address for each user/,/^## A log/s/^    allow/allow/p' \
		    "$ROOT/doc/operations.md" |
		    sed 's/ source/ at 192.0.2.0\/24,2001:db8::\/32&/
			s/ mark/ at 192.0.2.0\/24&/
			s/192\.0\.2\.7/192.0.2.3/; s/2001:db8::7/2001:db8::3/'
	} >"$PLACE/conf"
	start service ip netns exec "$GW" "$HANDLER" -l 127.0.0.1:1081 \
	    -f "$PLACE/conf"
	wait_for_line "$BATS_FILE_TMPDIR/service.err" 'listening on 127.0.0.1'
	sees() { # USER HOST
		ip netns exec "$GW" curl -sS --http0.9 --max-time 30 \
		    --proxy "socks5h://$1:x@127.0.0.1:1081" "http://$2/"
	}
	assert_equal alice "$(sees alice 192.0.2.80) $(sees alice '[2001:db8::80]')" \
	    '192.0.2.3 2001:db8::3'
	assert_equal bob "$(sees bob 192.0.2.80)" 198.51.100.1
	for _ in 1 2 3; do
		seen+=("$(sees guest '[2001:db8::80]')")
	done
	assert_equal guest "$(printf '%s\n' "${seen[@]}" | sort -u |
	    grep -c '^2001:db8:1:')" 3
	stop service
}

@test "resolver: addresses, ports, the next where one is dead" {
	egress resolver
}

@test "prefer: every value, to names and literals, and -e the same" {
	egress prefer
}

# unix_listener LINE...: a gateway on $PLACE/socket; its log in gateway.err
unix_listener() {
	local line
	local -a options=()
	for line; do
		options+=(-o "$line")
	done
	: >"$BATS_FILE_TMPDIR/gateway.err"
	start gateway ip netns exec "$GW" systemd-socket-activate --accept \
	    -l "$PLACE/socket" "$HANDLER" "${options[@]}"
	wait_for_line "$BATS_FILE_TMPDIR/gateway.err" '^Listening on'
	chmod 777 "$PLACE/socket"
}

# fetch UID: what the server says to curl by the unix-domain socket
fetch() {
	run setpriv --reuid "$1" --regid nogroup --clear-groups curl -sS \
	    --http0.9 --max-time 30 --proxy \
	    "socks5h://localhost$PLACE/socket" http://only4.test/
}

@test "a unix-domain listener: curl's clients are known by their uid, rules name them" {
	unix_listener "allow from unix user uid=4711 at 192.0.2.0/24" \
	    "deny user uid=4712" "allow from 127.0.0.0/8 at 192.0.2.0/24"
	fetch 4711
	assert_equal "4711 $output" "$status $output" "0 192.0.2.1"
	wait_for_line "$BATS_FILE_TMPDIR/gateway.err" \
	    'ok client=unix:uid=4711 user=- auth=unix cmd=CONNECT dest=only4.test:80'
	fetch 4712
	[[ $status -ne 0 ]]
	wait_for_line "$BATS_FILE_TMPDIR/gateway.err" \
	    'denied client=unix:uid=4712 .*reason="denied by -o:2"'
	fetch 4713
	[[ $status -ne 0 ]]
	wait_for_line "$BATS_FILE_TMPDIR/gateway.err" \
	    'denied client=unix:uid=4713 .*reason="no rule allows CONNECT'
	stop gateway
	rm -f "$PLACE/socket"
}

@test "proxy-protocol-from unix: a header through a unix-domain socket names the client" {
	unix_listener "proxy-protocol-from unix" \
	    "allow from 203.0.113.7 at 192.0.2.0/24"
	run "$PYTHON" - "$CASES" "$PLACE/socket" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		import proxied, socks
		s = socks.Session(sys.argv[2])
		s.sock.sendall(proxied.version_2("203.0.113.7", "203.0.113.1"))
		print(s.connect("192.0.2.80", 80).rep)
		print(s.sock.recv(100).decode().strip())
	END
	assert_equal answer "$output" $'0\n192.0.2.1'
	wait_for_line "$BATS_FILE_TMPDIR/gateway.err" \
	    'client=203.0.113.7:4711 .*peer=192.0.2.80:80'
	stop gateway
}
