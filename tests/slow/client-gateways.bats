#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# socks64 towards SOCKS5 servers of other make, and what it does where system
# calls fail.

load ../lib/gateway
load ../lib/client
load ../lib/ssh

prepare_file() {
	client_names
	net_datagrams
	make -s -C "$ROOT" build/client/calls build/client/datagrams
}

# fetches ROLE GATEWAY: from both servers, by name and literal.
fetches() {
	local server form
	for server in s4 s6; do
		for form in name literal; do
			run -0 in_ns "$1" "$WRAPPER" -s "$2" curl -sS \
			    --max-time 30 "$(client_url "$server" "$form")"
			assert_equal "$1 by $2 to $server by $form" \
			    "$output" "hello from $(net_server "$server")"
		done
	done
}

# wants_port NAME PORT
wants_port() {
	wait_until net_listens gw "$2" ||
	    fail "$1 does not listen" "$(cat "$BATS_FILE_TMPDIR/$1.err" \
	        "$BATS_FILE_TMPDIR/$1.out")"
}

@test "microsocks" {
	needs_program microsocks
	start microsocks ip netns exec "$NET-gw" microsocks -i "$GW4" -p 1090
	wants_port microsocks 1090
	fetches c4 "$GW4:1090"
	run s64 c4 -s "$GW4:1090" curl -sS --max-time 30 \
	    http://none.example.com/
	[[ $status -eq 7 ]]
	stop microsocks
}

@test "Dante, datagrams too" {
	needs_program danted
	local configuration=$BATS_TEST_TMPDIR/danted.conf
	cat >"$configuration" <<-END
		logoutput: stderr
		internal: $GW4 port = 1091
		external: s4
		external: s6
		external.rotation: route
		clientmethod: none
		socksmethod: none
		user.privileged: root
		user.unprivileged: nobody
		client pass { from: 0/0 to: 0/0 }
		socks pass { from: 0/0 to: 0/0 protocol: tcp udp }
		socks pass { from: 0/0 to: ::/0 protocol: tcp udp }
	END
	start danted ip netns exec "$NET-gw" danted -f "$configuration"
	wants_port danted 1091
	fetches c4 "$GW4:1091"
	run -0 in_ns c4 "$WRAPPER" -s "$GW4:1091" "$BUILT/datagrams" ask \
	    "$S4" 5353
	assert_match datagrams "$output" 'sendto ping same, connect ping same'
	stop danted
}

# asks_by GATEWAY: datagrams to a server of either family, from c4.
asks_by() {
	local host
	for host in "$S4" "$S6" v6.example.com; do
		run -0 in_ns c4 "$WRAPPER" -s "$1" "$BUILT/datagrams" ask \
		    "$host" 5353
		assert_match "datagrams to $host" "$output" \
		    'sendto ping same, connect ping same'
	done
}

@test "v2ray, datagrams too" {
	local v2ray=$ROOT/build/packages/v2ray
	"$TESTS/unpack-package" v2ray "$v2ray" || skip 'v2ray cannot be fetched'
	cat >"$BATS_TEST_TMPDIR/v2ray.json" <<-END
		{ "log": { "loglevel": "warning" },
		  "inbounds": [ { "listen": "$GW4", "port": 1094,
		    "protocol": "socks",
		    "settings": { "udp": true, "ip": "$GW4" } } ],
		  "outbounds": [ { "protocol": "freedom" } ] }
	END
	start v2ray ip netns exec "$NET-gw" "$v2ray/usr/bin/v2ray" \
	    -config "$BATS_TEST_TMPDIR/v2ray.json"
	wants_port v2ray 1094
	fetches c4 "$GW4:1094"
	asks_by "$GW4:1094"
	run -0 in_ns c4 "$WRAPPER" -s "$GW4:1094" --check
	assert_match --check "$output" 'udp      yes'
	stop v2ray
}

# ss-local is the SOCKS5 server, and ss-server what connects.
@test "shadowsocks, datagrams too" {
	local ss=$ROOT/build/packages/shadowsocks-libev
	local path
	local -a common=(-p 1096 -k secret -m chacha20-ietf-poly1305 -u)
	"$TESTS/unpack-package" -d shadowsocks-libev "$ss" ||
	    skip 'shadowsocks-libev cannot be fetched'
	path=$(echo "$ss"/usr/lib/*-linux-gnu)
	start ss-server ip netns exec "$NET-gw" env LD_LIBRARY_PATH="$path" \
	    "$ss/usr/bin/ss-server" -s 127.0.0.1 "${common[@]}"
	start ss-local ip netns exec "$NET-gw" env LD_LIBRARY_PATH="$path" \
	    "$ss/usr/bin/ss-local" -s 127.0.0.1 -b "$GW4" -l 1095 \
	    "${common[@]}"
	wants_port ss-server 1096
	wants_port ss-local 1095
	fetches c4 "$GW4:1095"
	asks_by "$GW4:1095"
	stop ss-local
	stop ss-server
}

# ssh_forwards ROLE GATEWAY LOOPBACK: ssh -D at port 1092 of the client.
ssh_forwards() {
	start "ssh-$1" ip netns exec "$NET-$1" ssh -N -D "$3:1092" \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	    -o BatchMode=yes -i "$BATS_FILE_TMPDIR/sshd/key" "root@$2"
	wait_until net_listens "$1" 1092 ||
	    fail "$(cat "$BATS_FILE_TMPDIR/ssh-$1.err")"
	fetches "$1" "$3:1092"
	run in_ns "$1" "$WRAPPER" -q -s "$3:1092" "$BUILT/calls" connect-name \
	    v6.example.com 9
	assert_match refused "$output" '^E(CONN|ACCES|PROTO)'
	run in_ns "$1" "$WRAPPER" -q -s "$3:1092" "$BUILT/datagrams" ask \
	    "$S4" 5353
	assert_match 'no datagrams' "$output" '^sendto E[A-Z]*, connect E[A-Z]*'
	stop "ssh-$1"
}

@test "ssh -D, a client of either family" {
	sshd_start gw "$GW4"
	ssh_forwards c4 "$GW4" 127.0.0.1
	stop sshd-gw
	sshd_start gw "$GW6"
	ssh_forwards c6 "$GW6" '[::1]'
}

# Without a network it has no way to anybody: what it refuses is all that it
# can show.
@test "Tor, what it refuses" {
	local tor=$ROOT/build/tor data=$BATS_TEST_TMPDIR/tor
	"$TESTS/unpack-package" tor "$tor" || skip 'tor cannot be fetched'
	! ldd "$tor/usr/bin/tor" | grep 'not found' || skip 'it lacks libraries'
	mkdir -m 700 "$data"
	printf '%s\n' "DataDirectory $data" "SocksPort $GW4:1093" \
	    >"$data/torrc"
	start tor ip netns exec "$NET-gw" "$tor/usr/bin/tor" \
	    --defaults-torrc /dev/null -f "$data/torrc"
	wants_port tor 1093
	run -0 in_ns c4 "$WRAPPER" -v -s "$GW4:1093" "$BUILT/calls" \
	    connect-name www.example.onion 80
	assert_match 'no such service' "$output" \
	    'www.example.onion:80 Software caused connection abort \(01\)'
	run -0 in_ns c4 "$WRAPPER" -s "$GW4:1093" -o 'connect-timeout 2s' \
	    "$BUILT/calls" connect-name v4.example.com 80
	assert_equal 'nobody there' "$output" ETIMEDOUT
	run -0 in_ns c4 "$WRAPPER" -s "$GW4:1093" "$BUILT/datagrams" ask \
	    "$S4" 5353
	assert_match datagrams "$output" '^sendto EOPNOTSUPP, connect EOPN'
	run -0 in_ns c4 "$WRAPPER" -s "$GW4:1093" --check
	assert_match --check "$output" 'udp      no \(07\)'
	stop tor
}

@test "each system call of a connection fails once: no descriptor is left" {
	need sys-ptrace
	command -v strace >/dev/null || skip 'strace is not installed'
	run alone "$CASES/client.py" "$WRAPPER" "$BUILT/calls" injected
	[[ $status -eq 0 ]] || fail "$output"
}
