#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Messages of the pure parsers, whole, byte by byte and cut at every octet.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	make -s build/tests/message build/replay/proxy build/replay/login \
	    build/replay/udp build/replay/client build/replay/socks4 build/replay/dns \
	    build/tests/client build/tests/socks4 build/tests/address \
	    build/fuzz/vectors/{proxy,login,udp,client,socks4}.made
}

setup() {
	cd "$BATS_TEST_DIRNAME/.."
}

@test "PROXY headers of both versions" {
	run -0 build/tests/message proxy tests/vectors/proxy/*.hex
	[[ $output =~ ^[0-9]+" vectors held"$ ]]
}

@test "login messages" {
	run -0 build/tests/message login tests/vectors/login/*.hex
	[[ $output =~ ^[0-9]+" vectors held"$ ]]
}

@test "requests of SOCKS4 and 4A" {
	run -0 build/tests/message socks4 tests/vectors/socks4-request/*.hex
	[[ $output =~ ^[0-9]+" vectors held"$ ]]
}

@test "replies of SOCKS4" {
	run -0 build/tests/socks4
	[[ $output == '9 answers held' ]]
}

@test "addresses are written as inet_ntop(3) writes them" {
	run -0 build/tests/address
	[[ $output == '2304 addresses held' ]]
}

@test "headers of datagrams" {
	run -0 build/tests/message datagram tests/vectors/datagram/*.hex
	[[ $output =~ ^[0-9]+" vectors held"$ ]]
}

@test "messages of the control channel of udp" {
	run -0 build/tests/message control tests/vectors/control/*.hex
	[[ $output =~ ^[0-9]+" vectors held"$ ]]
}

@test "what a client of a SOCKS5 server gets" {
	local kind
	for kind in method answer reply from; do
		run -0 build/tests/message $kind tests/vectors/$kind/*.hex
		[[ $output =~ ^[0-9]+" vectors held"$ ]]
	done
}

@test "what a client of a SOCKS5 server sends" {
	run -0 build/tests/client
	[[ $output == '13 messages held' ]]
}

@test "the fuzz targets of these messages hold on their corpora" {
	build/replay/proxy build/fuzz/vectors/proxy
	build/replay/login build/fuzz/vectors/login
	build/replay/udp build/fuzz/vectors/udp
	build/replay/client build/fuzz/vectors/client
	build/replay/socks4 build/fuzz/vectors/socks4
	build/replay/dns tests/fuzz/corpus/dns
}

# A name of 8000 pointers, 3500 times, once for each of 16 aliases: seconds, if
# each of them were walked to its end.
@test "a name server cannot keep a session busy with pointers to pointers" {
	mkdir "$BATS_TEST_TMPDIR/dns"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/dns/pointers" <<-'END'
		import struct, sys
		at = 31
		chain = [12] + list(range(at, 16380, 2))
		rdata = b"".join(struct.pack("!H", 0xc000 | to) for to in chain[:-1])
		last = struct.pack("!H", 0xc000 | chain[-2])
		record = struct.pack("!HHIH", 5, 1, 0, 2) + last
		records = (65000 - 31 - len(rdata)) // (len(last) + len(record))
		sys.stdout = open(sys.argv[1], "wb", 0)
		sys.stdout.write(
		    struct.pack("!6H", 0, 0x8180, 1, records + 1, 0, 0) +
		    b"\1a\0" + struct.pack("!HH", 1, 1) +
		    struct.pack("!HHHIH", 0xc00c, 99, 1, 0, len(rdata)) + rdata +
		    (last + struct.pack("!HHIH", 99, 1, 0, 2) + last)
		    * (records - 1) + last + record)
	END
	timeout 10 build/replay/dns "$BATS_TEST_TMPDIR/dns"
}
