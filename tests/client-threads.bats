#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Many at once under socks64: threads, dead destinations, gateways of several
# addresses, and calls that fail.

load lib/gateway
load lib/client

prepare_file() {
	client_names
	gateway_start inetd
	local role
	for role in s4 s6; do
		start "echo-$role" ip netns exec "$NET-$role" \
		    "$PEERS/server.py" "$(net_server "$role")" echo=7003
		wait_for_line "$BATS_FILE_TMPDIR/echo-$role.out" '^ready$'
	done
	make -s -C "$ROOT" build/client/threads build/client/calls \
	    build/client/datagrams
}

# bats test_tags=sanitized
@test "16 threads, 10 connections each, to a server of the other family" {
	run -0 s64 c4 "$BUILT/threads" crowd "$S6" 7003
	assert_equal connections "$output" 160
	run -0 s64 c6 "$BUILT/threads" crowd "$S4" 7003
	assert_equal connections "$output" 160
}

# bats test_tags=sanitized
@test "a thread that is cancelled while it connects leaves no lock behind" {
	[[ ${SANITIZED:-} != asan ]] ||
	    skip 'AddressSanitizer takes the stack of such a thread for poison'
	run -0 s64 c4 "$BUILT/threads" cancel "$S6" 7003
	assert_equal 'the others' "$output" alive
}

# bats test_tags=sanitized
@test "a thread that waits does not spin once the others have connected" {
	start idle s64 c4 -o 'connect-timeout 1s' "$BUILT/threads" idle \
	    "$S6" 7003
	wait_for_line "$BATS_FILE_TMPDIR/idle.out" '^connected$'
	sleep 1.2 # not for order: the deadline is over
	local -i before
	before=$(cpu_of "$(program_of idle)")
	sleep 1
	(($(cpu_of "$(program_of idle)") - before < 30)) || fail 'it spins'
	stop idle
}

# program_of NAME: start ran a function, whose child the program is.
program_of() {
	pgrep -P "$(pid_of "$1")" | grep . || pid_of "$1"
}

@test "a descriptor of five digits connects" {
	run s64 c4 "$BUILT/threads" high "$S6" 7003
	[[ $status -ne 77 ]] || skip 'so many descriptors are not allowed here'
	assert_equal connection "$output" '70000 ok'
}

# bats test_tags=sanitized
@test "waits that no library sees lose nothing" {
	run -0 s64 c4 "$BUILT/calls" raw v6.example.com 80
	assert_match page "$output" "hello from $S6"
}

# dead_ports: what comes to ports 7100 to 7139 of s4 is lost.
dead_ports() {
	in_ns s4 nft -f - <<-'END'
		table inet dead {
			chain in {
				type filter hook input priority 0
				tcp dport 7100-7139 drop
			}
		}
	END
}

# not_long WHAT MILLISECONDS: a call that waits for one of the dead stands
# still for all of the time that the loop lasts.
not_long() {
	assert_match "$1" "$2" '^[0-9.]+$'
	((${2%.*} < 1000)) || fail "$1: the loop stood still for $2 ms"
}

@test "40 dead destinations: the loops of asyncio and node go on" {
	dead_ports
	run -0 s64 c6 "$PYTHON" -c 'import asyncio, time
async def dial(port):
    try:
        await asyncio.open_connection("v4.example.com", port)
    except OSError:
        pass
async def main():
    tasks = [asyncio.create_task(dial(7100 + i)) for i in range(40)]
    end, last, gap = time.monotonic() + 3, time.monotonic(), 0
    while time.monotonic() < end:
        await asyncio.sleep(0.001)
        gap, last = max(gap, time.monotonic() - last), time.monotonic()
    print(gap * 1000)
    for task in tasks:
        task.cancel()
asyncio.run(main())'
	not_long asyncio "$output"
	needs_program node
	run -0 s64 c6 node -e 'const net = require("net");
for (let i = 0; i < 40; i++)
	net.connect(7100 + i, "v4.example.com").on("error", () => {});
let last = performance.now(), gap = 0;
setInterval(() => {
	const now = performance.now();
	gap = Math.max(gap, now - last);
	last = now;
}, 1);
setTimeout(() => { console.log(gap); process.exit(0); }, 3000);'
	not_long node "$output"
}

# several_gateways: three addresses at which nobody listens, and the gateway.
several_gateways() {
	local i
	for i in 3 4 5; do
		ip -n "$NET-gw" address replace "192.0.2.$i/24" dev c4
		echo "192.0.2.$i gateways.example.net"
	done >>"/etc/netns/$NET-c4/hosts"
	echo "$GW4 gateways.example.net" >>"/etc/netns/$NET-c4/hosts"
}

@test "a gateway of four addresses: a blocking connect tries them all" {
	several_gateways
	run -0 in_ns c4 "$WRAPPER" -q -s gateways.example.net \
	    "$BUILT/calls" connect-name v6.example.com 80
	assert_equal blocking "$output" ok
	# Without blocking, the next connection has the next address.
	run -0 in_ns c4 "$WRAPPER" -q -s gateways.example.net "$PYTHON" -c '
import errno, select, socket
at = socket.getaddrinfo("v6.example.com", 80, socket.AF_INET)[0][4]
for _ in range(4):
    s = socket.socket()
    s.setblocking(False)
    error = s.connect_ex(at)
    if error == errno.EINPROGRESS:
        select.select([], [s], [], 30)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    print(errno.errorcode.get(error, "connected"))
    if error == 0:
        break'
	assert_match 'one of four' "$output" '^(ENETDOWN.)*connected$'
	client_names
}

# silent_gateway: an address whose packets are lost, and that comes first.
silent_gateway() {
	ip -n "$NET-gw" address replace 192.0.2.3/24 dev c4
	in_ns gw nft -f - <<-'END'
		table inet silent {
			chain in {
				type filter hook input priority 0
				ip daddr 192.0.2.3 tcp dport 1080 drop
			}
		}
	END
	printf '%s silent.example.net\n' 192.0.2.3 "$GW4" \
	    >>"/etc/netns/$NET-c4/hosts"
}

# by_silent OPTION... COMMAND...
by_silent() {
	run -0 in_ns c4 "$WRAPPER" -s silent.example.net \
	    -o 'connect-timeout 3s' "$@"
	assert_match "$*" "$output" \
	    '^socks64: gateway 192.0.2.3:1080: Connection timed out'
}

@test "a gateway whose first address is silent: the next one, for all that asks" {
	silent_gateway
	net_datagrams
	by_silent "$BUILT/calls" connect-name v6.example.com 80
	assert_equal connect "${lines[-1]}" ok
	by_silent -o 'names ask' "$BUILT/calls" resolve v6.example.com 80
	assert_match look-up "${lines[-1]}" ' 240.0.0.1'
	by_silent "$BUILT/datagrams" ask v6.example.com 5353
	assert_match datagrams "$output" 'sendto ping same, connect ping same'
	in_ns gw nft delete table inet silent
	client_names
}

@test "a server calls back by the gateway of its connection" {
	several_gateways
	run -0 in_ns c4 "$WRAPPER" -q -s gateways.example.net -o 'bind 7003' \
	    "$PYTHON" -c '
import socket
server, s = socket.socket(), socket.socket()
server.connect(socket.getaddrinfo("v4.example.com", 7003, socket.AF_INET)[0][4])
s.bind(("", 0))
print(s.getsockname()[0])'
	assert_equal bound "$output" "${S4%.*}.1"
	client_names
}

@test "a gateway without a route is left out" {
	printf '%s both.example.net\n' "$GW4" "$GW6" \
	    >>"/etc/netns/$NET-c4/hosts"
	run -0 in_ns c4 "$WRAPPER" -s both.example.net --env
	assert_match handover "${lines[0]}" " gateway=$GW4:1080 "
	[[ $output != *"$GW6"* ]]
	client_names
}

# direct_packets: how many that go from the gateway's host to the servers.
direct_packets() {
	in_ns gw nft list table inet watch |
	    awk '/counter/ { n += $(NF - 2) } END { print n }'
}

@test "where the gateway is not there, nothing goes directly" {
	local host
	# By uid: sessions of the tests before may still end, as nobody.
	in_ns gw nft -f - <<-END
		table inet watch {
			chain out {
				type filter hook output priority 0
				meta skuid 0 ip daddr $S4 counter
				meta skuid 0 ip6 daddr $S6 counter
			}
		}
	END
	# This host could reach them.
	run -0 in_ns gw "$BUILT/calls" connect "$S6" 80
	assert_equal plainly "$output" ok
	local -i before
	before=$(direct_packets)
	((before > 0)) || fail 'nothing is counted'
	for host in "$S4" "$S6" v4.example.com v6.example.com; do
		run in_ns gw "$WRAPPER" -q -s 127.0.0.1:9 "$BUILT/calls" \
		    dial "$host" 80
		assert_match "$host" "$output" '^ENETDOWN(.ENETDOWN)?$'
		run in_ns gw "$WRAPPER" -q -s 127.0.0.1:9 "$PYTHON" -c '
import asyncio, sys
asyncio.run(asyncio.open_connection(sys.argv[1], 80))' "$host"
		assert_match "asyncio: $host" "$output" 'Errno 100'
		run in_ns gw "$WRAPPER" -q -s 127.0.0.1:9 \
		    "$BUILT/datagrams" ask "$host" 5353
		assert_match "$host" "$output" \
		    '^sendto ENETDOWN, connect ENETDOWN'
	done
	assert_equal 'packets to the servers' "$(direct_packets)" "$before"
	in_ns gw nft delete table inet watch
}
