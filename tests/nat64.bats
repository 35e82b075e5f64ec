#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# NAT64, the tunnel of the 1998 camp: an IPv4 host, SOCKS, a gateway without
# IPv4 towards the server, IPv6, a translator, an IPv4 host.
#
#	gw  2001:db8:64::1 --- xl  2001:db8:64::2, 198.51.100.1 --- s4
#
# The translator is tayga, once with the prefix 2001:db8:46::/96, which is
# configured, and once with 2600:46::/96, which is discovered: such a one must
# be global.  s4 is the server of lib/net, moved behind it.

load lib/gateway

TAYGA=$ROOT/build/packages/tayga
PREFIX=2001:db8:46::
GLOBAL=2600:46::
NET_ROLES+=' xl'

# tayga_start NUMBER PREFIX: in xl, as 192.168.NUMBER.0/24 for s4.
tayga_start() {
	local name=nat64-$1
	mkdir "$BATS_FILE_TMPDIR/$name"
	cat >"$BATS_FILE_TMPDIR/$name.conf" <<-END
		tun-device $name
		ipv4-addr 192.168.$1.1
		ipv6-addr 2001:db8:64:$1::1
		prefix $2/96
		dynamic-pool 192.168.$1.0/24
		data-dir $BATS_FILE_TMPDIR/$name
	END
	in_ns xl "$TAYGA/usr/sbin/tayga" -c "$BATS_FILE_TMPDIR/$name.conf" \
	    --mktun
	ip -n "$NET-xl" link set "$name" up
	ip -n "$NET-xl" route add "192.168.$1.0/24" dev "$name"
	ip -n "$NET-xl" -6 route add "$2/96" dev "$name"
	ip -n "$NET-gw" -6 route add "$2/96" via 2001:db8:64::2
	ip -n "$NET-s4" route add "192.168.$1.0/24" via 198.51.100.1
	start "$name" ip netns exec "$NET-xl" "$TAYGA/usr/sbin/tayga" \
	    -c "$BATS_FILE_TMPDIR/$name.conf" --nodetach
}

prepare_file() {
	"$TESTS/unpack-package" tayga "$TAYGA" || return 1
	[[ -c /dev/net/tun ]] || return 0
	ip -n "$NET-gw" link delete s4
	ip -n "$NET-gw" link add name xl type veth peer name gw netns "$NET-xl"
	ip -n "$NET-xl" link add name s4 type veth peer name gw netns "$NET-s4"
	ip -n "$NET-gw" -batch - <<-END
		address add 2001:db8:64::1/64 dev xl nodad
		link set xl up
	END
	ip -n "$NET-s4" -batch - <<-END
		address add $S4/24 dev gw
		link set gw up
	END
	ip -n "$NET-xl" -batch - <<-END
		address add 2001:db8:64::2/64 dev gw nodad
		address add 198.51.100.1/24 dev s4
		link set gw up
		link set s4 up
		link set lo up
	END
	in_ns xl sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	tayga_start 255 $PREFIX
	tayga_start 254 $GLOBAL
	local role
	for role in s4 s6; do
		start udp-$role ip netns exec "$NET-$role" \
		    "$PEERS/datagrams.py" "$(net_server $role)" 5353
		wait_for_line "$BATS_FILE_TMPDIR/udp-$role.out" '^ready$'
	done
	start ftp-s4 ip netns exec "$NET-s4" "$PEERS/ftp-chain.py" server "$S4"
	wait_for_line "$BATS_FILE_TMPDIR/ftp-s4.out" '^ready$'
}

setup() {
	net_needed
	[[ -c /dev/net/tun ]] || skip 'there is no /dev/net/tun for tayga'
}

teardown() {
	stop names
	gateway_stop
}

# names_start LINE...: dns.py with that script at port 54 of the name server.
names_start() {
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/names"
	start names ip netns exec "$NET-dns" "$PEERS/dns.py" "$DNS:54" \
	    "$BATS_TEST_TMPDIR/names"
	wait_for_line "$BATS_FILE_TMPDIR/names.out" '^ready$'
}

@test "CONNECT by name and by address, with a prefix of the configuration" {
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96"
	local type form
	for type in A C; do
		use_type "$type"
		for form in name literal ip; do
			echo "type $type by $form"
			ask "$form"
			run client "$CLIENT" --as "$AS" "$TARGET" 7000 \
			    exchange 1000000
			[[ $status -eq 0 ]] || fail "$output" \
			    "$(cat "$GATEWAY_LOG")"
			assert_record "$(record_of "$(value client \
			    "${lines[0]}")")" ok \
			    dest="$(endpoint "$TARGET" 7000)" \
			    peer="[2001:db8:46::c633:6450]:7000"
		done
	done
	run -0 in_ns c4 curl -s --proxy "socks5h://$GW4:1080" \
	    "http://v4.example.com/"
}

# queries: how often the prefix was asked for.
queries() {
	grep -c ' AAAA ipv4only.arpa$' "$BATS_FILE_TMPDIR/names.out"
}

# discovery WORD...: a name server that knows the prefix, and says so like that.
discovery() {
	names_start "v4.example.com A $S4" 'v4.example.com AAAA' \
	    "v6.example.com AAAA $S6" 'v6.example.com A' \
	    "two.example.com A $S4 198.51.100.81" 'two.example.com AAAA' \
	    "both.example.com A $S4" "both.example.com AAAA $S6" \
	    "ipv4only.arpa AAAA $* ${GLOBAL}c000:aa ${GLOBAL}c000:ab"
	gateway_start dual "$NET_ALLOW" "resolver $DNS:54" 'prefer ipv4' \
	    'log-udp-peers off'
}

@test "the prefix of the name server leads through the translator" {
	local form
	discovery
	use_type A
	for form in name literal ip; do
		ask "$form"
		run -0 client "$CLIENT" --as "$AS" "$TARGET" 7000 \
		    exchange 1000000
		assert_record "$(record_of "$(value client \
		    "${lines[0]}")")" ok dest="$(endpoint "$TARGET" 7000)" \
		    peer="[2600:46::c633:6450]:7000"
	done
}

@test "it is asked once a session, and only if it is needed" {
	discovery
	run -0 client c4 --as name v6.example.com 7000 exchange 1000
	run -0 client c4 "$S6" 7000 exchange 1000
	run ! grep ipv4only "$BATS_FILE_TMPDIR/names.out"
	# Both addresses of the name wait for it.
	run -0 client c4 --as name two.example.com 7000 exchange 1000
	assert_equal queries "$(queries)" 1
	run ! grep ' A ipv4only' "$BATS_FILE_TMPDIR/names.out"
	run -0 client c4 "$S4" 7000 exchange 1000
	assert_equal "queries of two sessions" "$(queries)" 2
}

@test "a slow answer is waited for; what needs none goes first" {
	discovery after=700
	run -0 client c4 --as name v4.example.com 7000 exchange 1000
	assert_record "$(record_of "$(value client "${lines[0]}")")" ok \
	    peer="[2600:46::c633:6450]:7000"
	# It prefers IPv4 and does not wait for that.
	run -0 client c4 --as name both.example.com 7000 exchange 1000
	assert_record "$(record_of "$(value client "${lines[0]}")")" ok \
	    peer="[$S6]:7000"
	stop names
	gateway_stop
	# No answer is none, as soon as the resolver gives up.
	discovery drop
	run client c4 "$S4" 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 03
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    connect-failed 'reason=no NAT64 prefix is known'
}

# A name that has IPv4 addresses is not waited for so long.
@test "the prefix is waited for longer than the addresses of its name are" {
	names_start 'ipv4only.arpa A 192.0.0.170 192.0.0.171' \
	    "ipv4only.arpa AAAA after=2300 ${GLOBAL}c000:aa"
	gateway_start dual "$NET_ALLOW" "resolver $DNS:54" \
	    'log-udp-peers off'
	run -0 client c4 "$S4" 7000 exchange 1000
	assert_record "$(record_of "$(value client "${lines[0]}")")" ok \
	    peer="[2600:46::c633:6450]:7000"
	run -0 in_ns c4 "$PEERS/udp.py" "$GW4:1080" echo "$S4" 5353 "$S4"
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    ok datagrams=6/6/0
}

@test "datagrams wait for the prefix; it is asked once an association" {
	local form
	discovery after=500
	for form in ip name; do
		: >"$BATS_FILE_TMPDIR/names.out"
		use_type A
		ask $form
		run -0 in_ns c4 "$PEERS/udp.py" --as "$AS" "$GW4:1080" echo \
		    "$TARGET" 5353 "$S4"
		assert_record "$(record_of "$(value client "${lines[0]}")")" \
		    ok datagrams=6/6/0
		assert_equal queries "$(queries)" 1
	done
	: >"$BATS_FILE_TMPDIR/names.out"
	run -0 in_ns c4 "$PEERS/udp.py" "$GW4:1080" echo "$S6" 5353 "$S6"
	run ! grep ipv4only "$BATS_FILE_TMPDIR/names.out"
}

@test "a prefix that leads inside is refused, and none is 03" {
	names_start "v4.example.com A $S4" 'v4.example.com AAAA' \
	    'ipv4only.arpa AAAA fd00:46::c000:aa'
	gateway_start dual "$NET_ALLOW" "resolver $DNS:54"
	run client c4 --as name v4.example.com 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 03
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    connect-failed 'reason=prefix of the name server is not global'
	stop names
	names_start "v4.example.com A $S4" 'v4.example.com AAAA'
	run client c4 --as name v4.example.com 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 03
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    connect-failed 'reason=no NAT64 prefix is known'
	gateway_stop
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96" 'nat64 off'
	run client c4 "$S4" 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 03
}

@test "a BIND for a peer that only a translator could reach is 03" {
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96"
	run in_ns c4 "$PEERS/bind.py" "$GW4:1080" "$S4" 0
	assert_match reply "${lines[0]}" 'rep=03'
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    connect-failed 'reason=nobody comes through NAT64'
	start client ip netns exec "$NET-c4" "$PEERS/bind.py" "$GW4:1080" \
	    "$S6" 0
	wait_for_line "$BATS_FILE_TMPDIR/client.out" 'rep=00'
	stop client
}

@test "rules judge the IPv4 address" {
	gateway_start dual 'deny at 198.51.100.80' "$NET_ALLOW" \
	    "nat64-prefix $PREFIX/96"
	run client c4 "$S4" 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 02
	run client c4 "2001:db8:46::c633:6450" 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 02
}

@test "-e says what would be dialled" {
	run -0 in_ns gw "$HANDLER" -f /dev/null -o "$NET_ALLOW" \
	    -o "nat64-prefix $PREFIX/96" -e connect "$C4" "$S4:80"
	assert_equal "what" "${lines[1]}" "$S4 allowed -o:1"
	assert_equal "dialled" "${lines[2]}" "dialled 2001:db8:46::c633:6450"
	assert_equal "source" "${lines[4]}" "source 2001:db8:64::1"
}

@test "datagrams go through it, and the client is told of IPv4" {
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96" \
	    'log-udp-peers off'
	use_type A
	run -0 in_ns c4 "$PEERS/udp.py" "$GW4:1080" echo "$S4" 5353 "$S4"
	assert_record "$(record_of "$(value client "${lines[0]}")")" ok \
	    datagrams=6/6/0
}

@test "INTERFACE DATA does not tell what only the translator knows, and is no 03" {
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96"
	run -0 in_ns c4 "$PEERS/udp.py" --flag 1 "$GW4:1080" control \
	    ">00010001$(printf %02x ${S4//./ })14e9" \
	    '<05010001000000000000' fin eof
	assert_record "$(record_of "$(value client "${lines[0]}")")" ok
	gateway_stop
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96" 'nat64 off'
	run -0 in_ns c4 "$PEERS/udp.py" --flag 1 "$GW4:1080" control \
	    ">00010001$(printf %02x ${S4//./ })14e9" \
	    '<05030001000000000000' fin eof
}

@test "FTP, both passive ways" {
	local mode state
	state=$(mktemp -d /tmp/socks64-nat64.XXXXXX)
	chown nobody "$state"
	gateway_start dual "$NET_ALLOW" "nat64-prefix $PREFIX/96" \
	    "state-dir $state"
	for mode in EPSV PASV; do
		run in_ns c4 "$PEERS/ftp-chain.py" client "$GW4:1080" "$S4" \
		    $mode 300000
		[[ $status -eq 0 ]] || fail "$output" "$(cat "$GATEWAY_LOG")"
	done
	rm -rf "$state"
}

# embedded BITS: what ipv4only.arpa and the server have behind a prefix of
# that length, two addresses (RFC 6052 2.2).
embedded() {
	"$PYTHON" -I - "$1" "$S4" <<-'END'
		import ipaddress, sys
		bits, server = int(sys.argv[1]), sys.argv[2]
		for ipv4 in ("192.0.0.170", server):
		    octets = bytearray(ipaddress.ip_address(
		        "2600:1234:5678:9abc:0:9abc:def0:0").packed[:bits // 8])
		    for octet in ipaddress.ip_address(ipv4).packed:
		        if len(octets) == 8:
		            octets.append(0)
		        octets.append(octet)
		    octets += bytes(16 - len(octets))
		    print(ipaddress.ip_address(bytes(octets)))
	END
}

@test "prefixes of every length are known, and the first of several is taken" {
	local bits
	local -a pair
	for bits in 32 40 48 56 64 96; do
		echo "/$bits"
		mapfile -t pair < <(embedded $bits)
		names_start "v4.example.com A $S4" 'v4.example.com AAAA' \
		    "ipv4only.arpa AAAA ${pair[0]} 2600:46::c000:aa"
		gateway_start dual "$NET_ALLOW" "resolver $DNS:54"
		run client c4 --as name v4.example.com 7000 reply
		assert_equal rep "$(value rep "${lines[0]}")" 03
		# There is no route to it, and the record says to what.
		assert_record "$(record_of "$(value client "${lines[0]}")")" \
		    connect-failed "reason=^\\[${pair[1]}\\]:7000 is in"
		stop names
		gateway_stop
	done
}

@test "an answer that has the address twice says nothing" {
	names_start "v4.example.com A $S4" 'v4.example.com AAAA' \
	    'ipv4only.arpa AAAA 2600:46:c000:aa::c000:aa'
	gateway_start dual "$NET_ALLOW" "resolver $DNS:54"
	run client c4 --as name v4.example.com 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 03
	assert_record "$(record_of "$(value client "${lines[0]}")")" \
	    connect-failed 'reason=no NAT64 prefix is known'
}
