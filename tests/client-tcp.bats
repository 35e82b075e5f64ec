#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Programs under socks64: clients of one family, servers of either, by name
# and by literal.  The clients know no name and reach no name server.

load lib/gateway
load lib/client

prepare_file() {
	client_names
	gateway_start inetd
	local role
	for role in s4 s6; do
		start "echo-$role" ip netns exec "$NET-$role" \
		    "$PEERS/server.py" "$(net_server "$role")" echo=7001
		wait_for_line "$BATS_FILE_TMPDIR/echo-$role.out" '^ready$'
		slow_to_connect "$role"
	done
	make -s -C "$ROOT" build/client/oracle build/client/calls
}

# slow_to_connect ROLE: the first SYN to ports 7001 and 7002 is lost there,
# and the one that is sent again a second later is not.
slow_to_connect() {
	in_ns "$1" nft -f - <<-'END'
		table inet slow {
			set seen4 {
				type ipv4_addr . inet_service
				flags dynamic,timeout
				timeout 60s
			}
			set seen6 {
				type ipv6_addr . inet_service
				flags dynamic,timeout
				timeout 60s
			}
			chain in {
				type filter hook input priority 0
				tcp dport { 7001, 7002 } tcp flags & (syn|ack) == syn jump late
			}
			chain late {
				ip saddr . tcp sport @seen4 accept
				ip6 saddr . tcp sport @seen6 accept
				meta nfproto ipv4 add @seen4 { ip saddr . tcp sport } drop
				meta nfproto ipv6 add @seen6 { ip6 saddr . tcp sport } drop
			}
		}
	END
}

# each COMMAND: runs it for every client, server and form: COMMAND ROLE SERVER
# FORM.
each() {
	local role server form
	for role in c4 c6; do
		for server in s4 s6; do
			for form in name literal; do
				"$1" "$role" "$server" "$form" ||
				    fail "$1: $role to $server by $form"
			done
		done
	done
}

fetches_with_curl() {
	run -0 s64 "$1" curl -sS "$(client_url "$2" "$3")"
	[[ $output == "hello from $(net_server "$2")" ]]
}

@test "curl" {
	each fetches_with_curl
}

fetches_with_wget() {
	run -0 s64 "$1" wget -q -O - "$(client_url "$2" "$3")"
	[[ $output == "hello from $(net_server "$2")" ]]
}

@test "wget" {
	each fetches_with_wget
}

# ask_with ROLE SERVER FORM COMMAND...: the command is told host and port of
# the web server, and speaks HTTP by its standard input and output.
ask_with() {
	local role=$1 server=$2 form=$3 host
	shift 3
	host=v${server#s}.example.com
	[[ $form == name ]] || host=$(net_server "$server")
	run -0 s64 "$role" "$@" "$host" 80 <<<$'GET / HTTP/1.0\r\n\r'
	[[ $output == *"hello from $(net_server "$server")"* ]]
}

asks_with_nc() {
	ask_with "$@" nc -q 5
}

@test "nc" {
	each asks_with_nc
}

@test "bash's /dev/tcp" {
	each asks_with_bash
}

asks_with_bash() {
	# shellcheck disable=SC2016 # for the inner shell
	ask_with "$@" bash -c 'exec 3<>"/dev/tcp/$1/$2"
		printf "GET / HTTP/1.0\r\n\r\n" >&3
		cat <&3' bash
}

asks_with_python() {
	ask_with "$@" /usr/bin/python3 -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
while data := s.recv(4096):
    print(data.decode())'
}

@test "python" {
	each asks_with_python
}

asks_with_asyncio() {
	ask_with "$@" /usr/bin/python3 -c 'import asyncio, sys
async def main():
    r, w = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    w.write(b"GET / HTTP/1.0\r\n\r\n")
    print((await r.read()).decode())
    w.close()
asyncio.run(main())'
}

@test "asyncio, over epoll" {
	each asks_with_asyncio
}

asks_with_perl() {
	ask_with "$@" perl -MIO::Socket::IP -e 'my $s = IO::Socket::IP->new(
	    PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or die $@;
	    print $s "GET / HTTP/1.0\r\n\r\n"; print while <$s>'
}

@test "perl" {
	each asks_with_perl
}

asks_with_node() {
	ask_with "$@" node -e 'require("http").get({ host: process.argv[1],
	    port: process.argv[2] }, r => r.pipe(process.stdout))'
}

# For each family of its own addresses.
asks_with_node_of() {
	local family
	[[ $3 == name ]] || return 0
	for family in 4 6; do
		ask_with "$@" node -e 'require("http").get({ family: '$family',
		    host: process.argv[1], port: process.argv[2] },
		    r => r.pipe(process.stdout))'
	done
}

@test "node, over epoll" {
	needs_program node
	each asks_with_node
	each asks_with_node_of
}

asks_with_java() {
	ask_with "$@" java "$TESTS/client/Fetch.java"
}

@test "java" {
	needs_program java
	java -version >/dev/null 2>&1 || skip 'java does not run'
	[[ -e $TESTS/client/Fetch.java ]] || skip 'no program'
	each asks_with_java
}

# bats test_tags=sanitized
@test "gethostbyname: names, and literals of either family" {
	local role host
	for role in c4 c6; do
		for host in v4.example.com v6.example.com "$S4" "$S6"; do
			run -0 s64 "$role" "$BUILT/calls" gethostbyname \
			    "$host" 80
			assert_match "$role $host" "$output" 'hello from'
		done
	done
}

# bats test_tags=sanitized
@test "names that are answered, and how" {
	run -0 s64 c4 "$BUILT/calls" names
	diff - <(echo "$output") <<-END
		a.example.com AF_UNSPEC: 240.0.0.1 2001:2::f000:1
		a.example.com AF_INET: 240.0.0.1
		a.example.com AF_INET6: 2001:2::f000:1
		A.EXAMPLE.com. AF_UNSPEC: 240.0.0.1 2001:2::f000:1
		b.example.com AF_UNSPEC: 240.0.0.2 2001:2::f000:2
		192.0.2.80 AF_UNSPEC: 192.0.2.80
		2001:db8::80 AF_UNSPEC: 2001:db8::80
		192.0.2.80 AF_INET6: 2001:2::f000:3
		2001:db8::80 AF_INET: 240.0.0.4
		2001:db8::80 AF_INET AI_NUMERICHOST: EAI_ADDRFAMILY
		2001:db8::80 AF_UNSPEC AI_NUMERICHOST: 2001:db8::80
		192.0.2.80 AF_UNSPEC AI_NUMERICHOST: 192.0.2.80
		localhost AF_INET: 127.0.0.1
		a_b.example.com AF_INET: 240.0.0.5
		bad..name AF_UNSPEC: EAI_NONAME
		canonical name: a.example.com
		getnameinfo 240.0.0.2: b.example.com 80
		getnameinfo digits: 240.0.0.2
		getnameinfo 192.0.2.7: 192.0.2.7
		getnameinfo 192.0.2.7 NI_NAMEREQD: EAI_NONAME
		gethostbyaddr 240.0.0.2: b.example.com
		gethostbyaddr 192.0.2.7: 1
		gethostbyname_r: b.example.com 240.0.0.2
		gethostbyname2: b.example.com 2001:2::f000:2
		gethostbyname2_r: 2001:2::f000:1
		in 8 octets: ERANGE
		bad..name: 1
		service: EAI_SERVICE
		of any type: 6
		getaddrinfo_a: 240.0.0.1
	END
	run -0 s64 c6 "$BUILT/calls" names
	[[ ${lines[0]} == *': 2001:2::f000:1 240.0.0.1' ]]
	assert_equal 'as of c4, in another order' \
	    "$(grep -F 192.0.2.80 <<<"$output" | head -n 1)" \
	    '192.0.2.80 AF_UNSPEC: 192.0.2.80'
	[[ $output == *'192.0.2.80 AF_UNSPEC AI_NUMERICHOST: 192.0.2.80'* ]]
}

@test "search, families, other nets" {
	run -0 s64 c4 -o 'search example.com' curl -sS http://v6/
	[[ $output == "hello from $S6" ]]
	run -0 s64 c4 -o 'families ipv6' -o 'fake-ipv6 fd00::/64' \
	    -o 'fake-ipv4 10.0.0.0/12' getent ahosts x.example.com
	[[ $output == *'fd00::a00:1'* && $output != *10.0.0.1* ]]
}

@test "direct: nets, names, and the addresses that libc gives for them" {
	echo "$GW4 near.example.com" >>"/etc/netns/$NET-c4/hosts"
	start near ip netns exec "$NET-gw" "$PEERS/server.py" "$GW4" http=8088
	wait_for_line "$BATS_FILE_TMPDIR/near.out" '^ready$'
	run -0 s64 c4 -o 'direct near.example.com' curl -sS \
	    http://near.example.com:8088/
	[[ $output == "hello from $GW4" ]]
	run -0 s64 c4 -o "direct $GW4/24" curl -sS "http://$GW4:8088/"
	[[ $output == "hello from $GW4" ]]
	[[ $(records_of CONNECT "$GW4:8088") -eq 0 ]]
	run s64 c4 curl -sS "http://$GW4:8088/"
	[[ $(records_of CONNECT "$GW4:8088") -eq 1 ]]
	stop near
	client_names
}

@test "a name in hosts: of this family libc's, of the other one the gateway's" {
	echo "$S6 elsewhere.example.com" >>"/etc/netns/$NET-c4/hosts"
	run -0 s64 c4 curl -4 -sS http://elsewhere.example.com/
	[[ $output == "hello from $S6" ]]
	run -0 s64 c4 "$BUILT/calls" gethostbyname elsewhere.example.com 80
	[[ $output == *"hello from $S6"* ]]
	run -0 s64 c4 "$BUILT/calls" resolve elsewhere.example.com 80
	assert_match 'its family is not asked of this host' "$output" ": $S6"
	client_names
}

# bats test_tags=sanitized
@test "an address without a name is EADDRNOTAVAIL, and told to nobody" {
	run s64 c4 "$BUILT/calls" connect 240.1.2.3 80
	[[ $output == 'EADDRNOTAVAIL' ]]
	run s64 c4 "$BUILT/calls" connect 2001:2::f001:203 80
	[[ $output == 'EADDRNOTAVAIL' ]]
	run s64 c4 "$BUILT/calls" connect 2001:2::1:2 80
	[[ $output == 'EADDRNOTAVAIL' ]]
	[[ $(records_of CONNECT 240.1.2.3:80) -eq 0 ]]
}

@test "an address whose name had to go is EADDRNOTAVAIL; the name gets another" {
	run -0 s64 c4 "$BUILT/calls" flood v6.example.com 80
	diff - <(echo "$output") <<<$'EADDRNOTAVAIL\nok'
}

@test "names of this host are libc's, and so is an address with a zone" {
	local name plain
	for name in x.localhost printer.local "$(uname -n)"; do
		plain=$(in_ns c4 "$BUILT/calls" resolve "$name" 80)
		run -0 s64 c4 "$BUILT/calls" resolve "$name" 80
		assert_equal "$name" "$output" "$plain"
	done
	run -0 s64 c4 "$BUILT/calls" resolve fe80::1%lo 80
	assert_match 'with a zone' "$output" ': fe80::1'
}

# under CASE ARGUMENT...: tests/cases/under.py in c4.
under() {
	run -0 s64 c4 "$PYTHON" "$CASES/under.py" "$@"
}

@test "a source address is kept where it has the gateway's family, else dropped" {
	ip -n "$NET-c4" address add 192.0.2.22/24 dev gw
	: >"$GATEWAY_LOG"
	under source v6.example.com 80 192.0.2.22
	assert_equal kept "$output" "hello from $S6"
	wait_for_log ' client=192.0.2.22:[0-9]* .* dest=v6.example.com:80 '
	: >"$GATEWAY_LOG"
	under source v6.example.com 80 ::1
	assert_equal dropped "$output" "hello from $S6"
	wait_for_log " client=$C4:[0-9]* .* dest=v6.example.com:80 "
	ip -n "$NET-c4" address delete 192.0.2.22/24 dev gw
}

@test "after fork an unfinished handshake is the parent's" {
	under fork v6.example.com 7001
	diff - <(echo "$output") <<-'END'
		child: send ECONNABORTED, connect ECONNABORTED
		parent: 0 hello
	END
}

# as_plainly ADDRESS PORT: the same errno as without socks64.
as_plainly() {
	local plain
	plain=$(in_ns c4 timeout 20 "$BUILT/calls" connect "$1" "$2" || :)
	run s64 c4 timeout 20 "$BUILT/calls" connect "$1" "$2"
	assert_equal "$1 $2" "$output" "$plain"
}

@test "what is always direct: this host, links, multicast, the gateway, port 53" {
	local address
	: >"$GATEWAY_LOG"
	for address in 127.0.0.1 127.9.9.9 0.0.0.0 169.254.1.1 224.0.0.1 \
	    255.255.255.255 ::1 :: fe80::1 ff02::1 ::ffff:127.0.0.1; do
		as_plainly "$address" 9
	done
	echo "nameserver $GW4" >"/etc/netns/$NET-c4/resolv.conf"
	as_plainly "$GW4" 53
	assert_equal 'sessions at the gateway' "$(cat "$GATEWAY_LOG")" ''
	as_plainly "$GW4" 1080
	run s64 c4 "$BUILT/calls" connect "$GW4" 54
	wait_for_log " cmd=CONNECT dest=$GW4:54 "
	assert_equal 'the gateway is asked for itself' \
	    "$(records_of CONNECT "$GW4:1080")" 0
	client_names
}

@test "an IPv4 address in IPv6 is IPv4" {
	run -0 s64 c6 "$BUILT/calls" connect "::ffff:$S4" 80
	assert_equal connect "$output" ok
	wait_for_log " cmd=CONNECT dest=$S4:80 "
}

@test "sockets that are neither TCP nor UDP are direct" {
	: >"$GATEWAY_LOG"
	in_ns c4 sh -c 'echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
	under others "$S4"
	diff - <(echo "$output") <<-'END'
		ICMP ENETUNREACH
		raw UDP ENETUNREACH
		raw TCP ENETUNREACH
	END
	assert_equal 'sessions at the gateway' "$(cat "$GATEWAY_LOG")" ''
}

@test "both addresses of a missing name: one record at the gateway" {
	local role
	for role in c4 c6; do
		run s64 "$role" curl -sS "http://none-$role.example.com/"
		[[ $status -eq 7 ]]
		wait_for_log " dest=none-$role.example.com:80 "
		[[ $(records_of CONNECT "none-$role.example.com:80") -eq 1 ]]
		run s64 "$role" "$BUILT/calls" dial "gone-$role.example.com" 80
		[[ $output == *EHOSTUNREACH* ]]
		wait_for_log " dest=gone-$role.example.com:80 "
		[[ $(records_of CONNECT "gone-$role.example.com:80") -eq 1 ]]
	done
}

# tells_one PROGRAM ROLE COMMAND...: the name is in the command as NAME.
tells_one() {
	local name=$1-$2.example.com role=$2
	shift 2
	run s64 "$role" "${@//NAME/$name}" </dev/null
	[[ $status -ne 0 || $output == *nknown* || $output == *oute* ]] ||
	    fail "$name: $output"
	wait_for_log " dest=$name:80 "
	assert_equal "records of $name" "$(records_of CONNECT "$name:80")" 1
}

@test "whatever program tries both of them: one record" {
	local role
	needs_program node
	for role in c4 c6; do
		tells_one wget "$role" wget -q -t 1 -O - http://NAME/
		tells_one telnet "$role" telnet NAME 80
		tells_one python "$role" "$PYTHON" -c 'import socket
socket.create_connection(("NAME", 80), 30)'
		tells_one node "$role" node -e \
		    'require("net").connect(80, "NAME").on("error", e => {
		    console.log(e.code); process.exit(1); })'
	done
}

@test "one process resolves, another connects" {
	# shellcheck disable=SC2016 # for the inner shell
	run -0 s64 c4 bash -c 'read -r address _ < <(getent ahosts \
	    v6.example.com | grep ^2001:); exec curl -sS "http://[$address]/"'
	[[ $output == "hello from $S6" ]]
	# shellcheck disable=SC2016 # for the inner shell
	run -0 s64 c4 /usr/bin/python3 -c 'import os, socket, subprocess
os.closerange(3, 1000)
a = socket.getaddrinfo("v6.example.com", 80, socket.AF_INET)[0][4][0]
print(subprocess.run(["curl", "-sS", f"http://{a}/"], close_fds=True,
                     capture_output=True, text=True).stdout)'
	[[ $output == *"hello from $S6"* ]]
}

@test "what a program has looked up it knows after execve" {
	# shellcheck disable=SC2016 # for the inner shell
	run -0 s64 c4 "$PYTHON" -c 'import os, socket, sys
def addresses():
    return [socket.getaddrinfo("v6.example.com", 80, family)[0][4][0]
            for family in (socket.AF_INET, socket.AF_INET6)]
if len(sys.argv) == 1:
    os.closerange(3, 1000)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], *addresses()])
print(addresses() == sys.argv[1:])
for address in sys.argv[1:]:
    print(socket.getnameinfo((address, 80), socket.NI_NUMERICSERV))
    with socket.create_connection((address, 80), 30) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        print(s.makefile().read().splitlines()[-1])'
	diff - <(echo "$output") <<-END
		True
		('v6.example.com', '80')
		hello from $S6
		('v6.example.com', '80')
		hello from $S6
	END
}

@test "--env: programs without a common table mean nobody by their addresses" {
	local address
	eval "set -- $(in_ns c4 "$WRAPPER" -s "$GW4" --env |
	    sed -n 's/^export //p' | tr '\n' ' ')"
	address=$(in_ns c4 env "$@" getent ahostsv4 v6.example.com |
	    awk '{ print $1; exit }')
	assert_match 'a fake address' "$address" '^24[0-9]\.|^25[0-5]\.'
	run in_ns c4 env "$@" "$BUILT/calls" connect "$address" 80
	[[ $output == EADDRNOTAVAIL ]]
	run -0 in_ns c4 env "$@" curl -sS http://v6.example.com/
	[[ $output == "hello from $S6" ]]
}

@test "-v: a line for each connection; -q: none" {
	run s64 c4 -v curl -sS http://v6.example.com/
	assert_match line "$output" \
	    'socks64\[[0-9]+\]: \[?v6.example.com:80 connected, [0-9]+ ms'
	run s64 c4 -v curl -sS http://v6.example.com:9/
	assert_match line "$output" \
	    'v6.example.com:9 Connection refused \(05\), [0-9]+ ms'
	assert_match look-up "$output" \
	    'socks64\[[0-9]+\]: v6.example.com looked up, 240.0.0.1'
	run in_ns c4 "$WRAPPER" -q -s "$GW4:9" curl -s http://v6.example.com/
	[[ -z $output && $status -eq 7 ]]
}

@test "--check: what the gateway can do, a line each" {
	run -0 s64 c4 --check v6.example.com:80
	diff <(sed -E 's/[0-9]+\.[0-9] ms/N ms/; s/:[0-9]{4,5}$/:PORT/' \
	    <<<"$output") - <<-END
		gateway  $GW4:1080, connected in N ms
		method   none
		early    yes
		udp      yes, relay $GW4:PORT
		bind     yes, at $GW4:PORT
		ids      no (07)
		connect  v6.example.com:80 yes, N ms, from $GW4:PORT
	END
	run -1 s64 c4 --check v6.example.com:9
	assert_match connect "${lines[-1]}" \
	    '^connect  v6.example.com:9 refused: connection refused \(05\)$'
	run -69 in_ns c4 "$WRAPPER" -s "$GW4:9" --check
	assert_equal down "$output" "gateway  $GW4:9: Connection refused"
}

# consult SERVER RULE: the oracle's lines, plainly and under socks64 at both
# clients, into files; in the background, as pids.
consult() {
	local address client
	address=$(net_server "$1")
	in_ns gw "$oracle" "$address" 7001 7002 "$2" \
	    >"$out/$1-gw-$2" 2>&1 3>&- &
	pids+=($!)
	for client in c4 c6; do
		s64 $client "$oracle" "$address" 7001 7002 "$2" \
		    >"$out/$1-$client-$2" 2>&1 3>&- &
		pids+=($!)
	done
}

# agree SERVER RULE
agree() {
	local client
	for client in c4 c6; do
		diff "$out/$1-gw-$2" "$out/$1-$client-$2" || return 1
	done
}

# bats test_tags=sanitized
@test "the kernel is the oracle: connect, poll, select and epoll" {
	local rule server
	local oracle=$BUILT/oracle out=$BATS_TEST_TMPDIR
	local -a pids=()
	for server in s4 s6; do
		for rule in $("$oracle" rules); do
			consult "$server" "$rule"
		done
	done
	wait "${pids[@]}"
	for server in s4 s6; do
		for rule in $("$oracle" rules); do
			[[ -s $out/$server-gw-$rule ]] || fail "$rule"
			! agree "$server" "$rule" || continue
			# Some lines are what is seen within 50 ms, which this
			# crowd can use up: once more, alone.
			pids=()
			consult "$server" "$rule"
			wait "${pids[@]}"
			agree "$server" "$rule" || fail "$server: $rule"
		done
	done
}
