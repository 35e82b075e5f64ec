#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Programs and libraries that people use, unmodified, with BIND and UDP
# ASSOCIATE through the gateway.

load lib/gateway

prepare_file() {
	gateway_start activate
	net_datagrams
}

setup() {
	net_needed
	: >"$GATEWAY_LOG"
}

# udp_record: the one record of an association since the test began.
udp_record() {
	wait_for_log 'ok client=.* cmd=UDP' || return 1
	grep -oE 'ok client=.* cmd=UDP .*' "$GATEWAY_LOG"
}

# dante COMMAND...: socksify from c4; its configuration takes no IPv6 gateway.
dante() {
	dante_configure
	in_ns c4 env SOCKS_CONF="$BATS_TEST_TMPDIR/socks.conf" socksify "$@"
}

dante_configure() {
	cat >"$BATS_TEST_TMPDIR/socks.conf" <<-END
		resolveprotocol: fake
		route {
			from: 0/0 to: 0/0 via: $GW4 port = 1080
			proxyprotocol: socks_v5
			protocol: tcp udp
			command: bind connect udpassociate
			method: none
		}
	END
}

# socksify knows sendmsg(2) and not the calls for many messages, which dig
# does without where the kernel has not got them.
@test "dig, by dante's socksify, asks a name server over UDP" {
	run -0 dante strace -f -o /dev/null -e trace=sendmmsg,recvmmsg \
	    -e inject=sendmmsg,recvmmsg:error=ENOSYS dig +notcp +tries=1 \
	    +time=20 +short @$DNS AAAA v6.example.com
	assert_equal "answer" "${lines[-1]}" "$S6"
	assert_record "$(udp_record)" ok datagrams=1/1/0
	wait_for_log "peer client=.* dest=$DNS:53 peer=$DNS:53"
}

@test "nc -u, by dante's socksify, talks to a server of either family" {
	local name
	for name in "$S4" v4.example.com v6.example.com; do
		: >"$GATEWAY_LOG"
		# nc stays until it is told to go: what it got is the sign.
		dante_configure
		mkfifo "$BATS_TEST_TMPDIR/in.$name"
		# shellcheck disable=SC2016 # for the inner shell
		start nc ip netns exec "$NET-c4" env \
		    SOCKS_CONF="$BATS_TEST_TMPDIR/socks.conf" sh -c '
			exec socksify nc -u "$1" 5353 <"$2"' sh "$name" \
		    "$BATS_TEST_TMPDIR/in.$name"
		exec 5>"$BATS_TEST_TMPDIR/in.$name"
		echo "hello $name" >&5
		wait_for_line "$BATS_FILE_TMPDIR/nc.out" "^hello $name\$" ||
		    fail "$(cat "$BATS_FILE_TMPDIR/nc.err" "$GATEWAY_LOG")"
		exec 5>&-
		stop nc
		udp_record >/dev/null
	done
}

# Its sockets of IPv6 cannot be bound for UDP.
@test "PySocks over UDP, the two types of an ipv4 client, looking up here and there" {
	local type remote
	for type in A B; do
		use_type "$type"
		for remote in True False; do
			: >"$GATEWAY_LOG"
			run -0 in_ns $CLIENT "$PYTHON" -I - "$GATEWAY" \
			    "$SERVER_NAME" "$SERVER" $remote <<-'END'
				import socket, sys, socks
				gateway, name, server, remote = sys.argv[1:]
				sock = socks.socksocket(socket.AF_INET,
				                        socket.SOCK_DGRAM)
				sock.settimeout(30)
				sock.set_proxy(socks.SOCKS5, gateway, 1080,
				               rdns=remote == "True")
				where = (name if remote == "True"
				         else server, 5353)
				for i in range(3):
				    sock.sendto(b"hello %d" % i, where)
				    print(*sock.recvfrom(100))
				sock.close()
			END
			assert_equal "$type" "${lines[2]}" \
			    "b'hello 2' ('$SERVER', 5353)"
			assert_record "$(udp_record)" ok datagrams=3/3/0
		done
	done
}

@test "IO::Socket::Socks over UDP" {
	local type
	for type in A B; do
		use_type "$type"
		: >"$GATEWAY_LOG"
		run -0 in_ns $CLIENT perl -e '
			use IO::Socket::Socks;
			my ($gateway, $server) = @ARGV;
			alarm 60;
			my $s = IO::Socket::Socks->new(
			    UdpAddr => "0.0.0.0", UdpPort => 0,
			    ProxyAddr => $gateway, ProxyPort => 1080,
			    SocksVersion => 5, Timeout => 30,
			    SocksResolve => 1)
			    or die "new: $SOCKS_ERROR";
			for my $i (1 .. 3) {
				$s->send("hello $i", 0, [$server, 5353])
				    or die "send: $!";
				defined $s->recv(my $data, 100)
				    or die "recv: $!";
				print "$data\n";
			}
		' "$GATEWAY" "$SERVER_NAME"
		assert_equal "$type" "$output" $'hello 1\nhello 2\nhello 3'
		udp_record >/dev/null
	done
}

@test "IO::Socket::Socks waits by BIND for a peer of either family" {
	local type out=$BATS_FILE_TMPDIR/perl.out us
	for type in A B; do
		use_type "$type"
		: >"$GATEWAY_LOG"
		start perl ip netns exec "$NET-$CLIENT" perl -e '
			use IO::Socket::Socks;
			my ($gateway, $server) = @ARGV;
			$| = 1;
			alarm 60;
			my $s = IO::Socket::Socks->new(
			    BindAddr => $server, BindPort => 0,
			    ProxyAddr => $gateway, ProxyPort => 1080,
			    SocksVersion => 5, Timeout => 30,
			    SocksResolve => 1)
			    or die "new: $SOCKS_ERROR";
			my @at = $s->dst;
			print "port $at[1]\n";
			$s->accept or die "accept: $SOCKS_ERROR";
			print $s "from perl\n";
			print "got ", scalar <$s>;
		' "$GATEWAY" "$SERVER_NAME"
		wait_for_line "$out" '^port '
		us=198.51.100.1
		[[ $SERVER_ROLE == s4 ]] || us=2001:db8:2::1
		run -0 in_ns $SERVER_ROLE nc -N -w 30 "$us" \
		    "$(sed -n 's/^port //p' "$out")" <<<"from the peer"
		assert_equal "$type" "$output" "from perl"
		wait_for_line "$out" '^got from the peer$'
		wait_for_log 'ok client=.* cmd=BIND'
		stop perl
	done
}
