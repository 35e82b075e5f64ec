#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Rebinding and SSRF: names, answers, spellings and embeddings that lead
# inside, in a network where every address there is answers on port 80.
#
#	gw  10.9.0.1, .3, 7.7.7.1, 2600:2::1; 8.7.6.5, 2600:1::5, and all of
#	    8.7.5.0/24, 2600:5::/64, 2600:6::/64 on lo
#	  \__ world 10.9.0.2, 2600:2::2, and everything else; dns.py

load lib/common

network_up() {
	local role
	for role in "$GW" "$WORLD"; do
		ip netns add "$role"
		ip netns exec "$role" sh -c '
			echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
			ip link set lo up'
	done
	ip -n "$GW" link add out type veth peer name in netns "$WORLD"
	ip -n "$GW" -batch - <<-END
		address add 10.9.0.1/24 dev out
		address add 10.9.0.3/24 dev out
		address add 2600:2::1/64 dev out nodad
		address add 7.7.7.1/24 dev out
		address add 8.7.6.5/32 dev lo
		address add 2600:1::5/128 dev lo nodad
		link set out up
		route add default via 10.9.0.2
		route add local 8.7.5.0/24 dev lo
		route add local 2600:5::/64 dev lo
		route add local 2600:6::/64 dev out
		route add 2600:7::/64 dev out
	END
	ip -n "$WORLD" -batch - <<-END
		address add 10.9.0.2/24 dev in
		address add 2600:2::2/64 dev in nodad
		address add 7.7.7.9/24 dev in
		link set in up
		route add local default dev lo table main
	END
	ip -n "$GW" -6 route add default via 2600:2::2
	ip -n "$WORLD" -6 route add local default dev lo table main
}

setup_file() {
	! lacks networks || return 0
	export GW=s64-$$-inside WORLD=s64-$$-world
	network_up
	"$CASES/inside.py" names >"$BATS_FILE_TMPDIR/names"
	start dns ip netns exec "$WORLD" "$PEERS/dns.py" 10.9.0.2 \
	    "$BATS_FILE_TMPDIR/names"
	start world ip netns exec "$WORLD" "$PEERS/listen.py" 80 ::
	wait_for_line "$BATS_FILE_TMPDIR/dns.out" '^ready$'
	wait_for_line "$BATS_FILE_TMPDIR/world.out" '^ready$'
}

setup() {
	skip_lacking
}

teardown_file() {
	stop_all
	ip netns delete "${GW:-}" 2>/dev/null || :
	ip netns delete "${WORLD:-}" 2>/dev/null || :
}

inside() {
	run ip netns exec "$GW" "$CASES/inside.py" check "$HANDLER" "$1" \
	    "$BATS_FILE_TMPDIR/dns.out"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "what is not global is denied, as number, text, name, in every embedding" {
	inside denied
}

@test "what is next to it passes, and is dialled as it was meant" {
	inside passed
}

@test "of a mixed answer the bad addresses are skipped and the good one is dialled" {
	inside mixed
}

@test "an answer that changes between look-ups: each session asks once" {
	inside changing
}

@test "this host and metadata services stay closed to every wide rule" {
	inside self
}

@test "a neighbour with a global address is inside, and so is what is named" {
	inside onlink
}

@test "the own listener is out of reach through every address of the host" {
	inside listener
}

@test "port 0, and spellings that must not become an address" {
	inside odd
}

@test "a router's anycast addresses are its own" {
	# shellcheck disable=SC2016 # for the inner shell
	run -0 ip netns exec "$GW" bash -c '
		forwarding=/proc/sys/net/ipv6/conf/all/forwarding
		trap "echo 0 >$forwarding" EXIT
		echo 1 >$forwarding
		for address in 2600:2::9 2600:2::; do
			"$1" -f /dev/null -o "allow udp at any,global" \
			    -e udp 127.0.0.1 "[$address]:53" | sed -n 2p
		done' bash "$HANDLER"
	assert_equal neighbour "${lines[0]}" "2600:2::9 allowed -o:1"
	assert_equal anycast "${lines[1]}" \
	    "2600:2:: denied 2600:2:: is an address of this host and no rule opens it"
}
