#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The policy room by itself: configuration, rules, address sets.

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	make -s build/tests/policy
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	POLICY="$BATS_TEST_DIRNAME/../build/tests/policy"
	VECTORS="$BATS_TEST_DIRNAME/vectors/policy"
}

# configure: standard input becomes the file c
configure() {
	cat >c
}

# refused TEXT: the file c has exactly these errors
refused() {
	run -78 "$POLICY" read -f c
	diff <(printf '%s\n' "$1") <(printf '%s\n' "$output")
}

# value KEYWORD ARGUMENT...: what the dump says of it
value() {
	local keyword=$1
	shift
	"$POLICY" dump "$@" | sed -n "s/^$keyword //p"
}

bats_require_minimum_version 1.5.0

@test "every special-purpose range at its edges" {
	run -0 "$POLICY" sets "$VECTORS/special.table"
	[[ $output =~ ^[0-9]+" held, 0 failed"$ ]]
}

@test "the truth table of the rules" {
	run -0 "$POLICY" judge "$VECTORS/rules.table"
	[[ $output =~ ^[0-9]+" held, 0 failed"$ ]]
}

@test "each mistake is named, with what to write" {
	local line wanted failed=0
	while IFS= read -r row; do
		[[ -z $row || $row == \#* ]] && continue
		line=${row%% => *} wanted="-o:1: ${row#* => }"
		run "$POLICY" read -o "$line"
		if [[ $status -ne 78 || $output != "$wanted" ]]; then
			printf '%s (%s)\n  %s\n  %s\n' "$line" "$status" \
			    "$wanted" "$output"
			failed=1
		fi
	done <"$VECTORS/errors.table"
	[ "$failed" = 0 ]
}

@test "a 17th next gateway, and a second password file for one" {
	local n
	for n in {1..17}; do
		echo "allow all via 192.0.2.$n:1080"
	done >c
	refused 'c:17: more than 16 next gateways'
	configure <<-'END'
		via-password-file 192.0.2.1:1080 /x
		via-password-file 192.0.2.2:1080 /x
		via-password-file 192.0.2.1:1080 /y
		allow all via 192.0.2.1:1080
		allow all via 192.0.2.2:1080
	END
	refused 'c:3: via-password-file: "192.0.2.1:1080" has a file already'
}

@test "all errors of a file are told, each with its line" {
	configure <<-'END'
		# a comment
		prefre ipv4

		allow to 10.0.0.0/8
		idle-timeout 1h
		idle-timeout 2h
		attempt-delay 5s
	END
	refused 'c:2: unknown keyword "prefre": the nearest is "prefer"
c:4: to takes names; for an address write: at 10.0.0.0/8
c:6: "idle-timeout" stands twice, first on line 5
c:7: attempt-delay: "5s" is out of range: 10ms to 2s'
}

@test "errors of the command line and of the file come together" {
	configure <<<'prefer none'
	run -78 "$POLICY" read -o 'mark x' -o 'prefer ipv4' -f c
	[ "${lines[0]}" = '-o:1: mark: "x" is out of range: 0 to 4294967295, or 0x0 to 0xffffffff' ]
	[ "${lines[1]}" = 'c:1: prefer: "none" is none of auto, ipv6, ipv4, ipv6-only, ipv4-only' ]
	[ "${#lines[@]}" = 2 ]
}

@test "a keyword twice on the command line is an error" {
	run -78 "$POLICY" read -o 'prefer ipv4' -o 'prefer ipv6'
	[ "$output" = '-o:2: "prefer" is given twice, first as -o:1' ]
}

@test "a file that is not there, or cannot be read, is named" {
	run -78 "$POLICY" read -f nothing
	[ "$output" = 'nothing: cannot read it: No such file or directory' ]
	run -78 "$POLICY" read -f .
	[ "$output" = '.: cannot read it: Is a directory' ]
}

@test "without a directive the defaults hold" {
	run -0 "$POLICY" dump
	diff - <(printf '%s\n' "$output") <<-'END'
		auth none
		password-file passwords
		socks4 off
		# user: socks64, else nobody
		handshake-timeout 30s
		connect-timeout 30s
		idle-timeout 1d
		half-closed-timeout 10min
		bind-timeout 2min
		prefer auto
		attempt-delay 250ms
		# resolver: /etc/resolv.conf
		# source: the kernel's choice
		# interface: none
		# mark: none
		# listen-ports: the kernel's
		# advertise: our own addresses
		# proxy-protocol-from: nobody
		address-id off
		ftp-alg auto
		ftp-port 21
		nat64 auto
		# nat64-prefix: 64:ff9b::/96 alone
		# inside: on-link
		# state-dir: /run/socks64, else $XDG_RUNTIME_DIR/socks64
		# via-password-file: none
		# via-proxy-protocol: none
		log-level info
		log-facility daemon
		log-to auto
		log-start off
		log-udp-peers on
		title full
		max-sessions 4096
		max-sessions-per-client 0
		# max-rate-per-client: no limit
		max-sessions-per-user 0
		exit-idle-time 0
		# metrics-file: none
		sandbox on
		allow all from loopback,link-local,private,unix
		allow all user *
	END
}

# Every directive, none of it the default.
everything() {
	cat <<-END
		auth password none
		password-file /etc/passwords
		socks4 off
		user 1000
		handshake-timeout 10s
		connect-timeout 90s
		idle-timeout 0
		half-closed-timeout 1500ms
		bind-timeout 1h
		prefer ipv6-only
		attempt-delay 100ms
		resolver 192.0.2.1:53 [2001:db8::53]:5353
		source 192.0.2.2
		source 2001:db8::2
		interface eth0
		mark 291
		listen-ports 5000-5999
		advertise bind 203.0.113.1
		advertise udp 203.0.113.2
		advertise udp 2001:db8::2
		proxy-protocol-from 10.0.0.0/8 unix
		address-id off
		ftp-alg off
		ftp-port 21 2121
		nat64 off
		nat64-prefix 2001:db8:64::/96 2001:db8::/32
		inside on-link 2001:db8:5::/48 192.0.2.7
		state-dir /tmp/x
		via-password-file gw.example:1080 /etc/gw
		via-password-file [2001:db8::1]:1080 gw2
		via-proxy-protocol [2001:db8::1]:1080
		log-level debug
		log-facility local3
		log-to stderr
		log-start on
		log-udp-peers off
		title client
		max-sessions 65536
		max-sessions-per-client 64
		max-rate-per-client 30/1min
		max-sessions-per-user 10
		exit-idle-time 10min
		metrics-file /run/socks64/socks64.prom
		sandbox off
		deny all to .example at any port 25
		allow
		allow connect udp user alice,* from 10.0.0.0/8
		allow bind to .example via gw.example:1080
		allow via [2001:db8::1]:1080 at 10.0.0.0/8
	END
}

@test "what was read is dumped" {
	everything >c
	run -0 "$POLICY" dump -f c
	diff -u c <(printf '%s\n' "$output")
}

@test "an address is advertised once for a command and family" {
	run -78 "$POLICY" read -o 'advertise bind 192.0.2.1' \
	    -o 'advertise udp 192.0.2.1' -o 'advertise bind 2001:db8::1' \
	    -o 'advertise bind 192.0.2.2'
	[ "$output" = '-o:4: advertise: "192.0.2.2": this command and family have an address already' ]
}

@test "a dump, fed back, gives the same dump" {
	everything >c
	"$POLICY" dump -f c >once
	"$POLICY" dump -f once >twice
	diff -u once twice
	"$POLICY" dump >once
	"$POLICY" dump -f once >twice
	diff -u once twice
	[ -s twice ]
}

@test "a dump of a long list is whole" {
	local nets
	nets=$(for i in {0..200}; do echo "10.0.$i.0/24"; done | paste -sd' ')
	[ "$(value proxy-protocol-from -o "proxy-protocol-from $nets")" = "$nets" ]
	# as long as the buffer is, and a little beside it
	for n in {990..1030}; do
		nets=$(printf '10.0.0.0/8 %.0s' {1..120} | cut -c1-"$n")
		nets=${nets% *}
		[ "$(value proxy-protocol-from -o "proxy-protocol-from $nets")" = "$nets" ]
	done
}

@test "times have units" {
	[ "$(value idle-timeout -o 'idle-timeout 90')" = 90s ]
	[ "$(value idle-timeout -o 'idle-timeout 90s')" = 90s ]
	[ "$(value idle-timeout -o 'idle-timeout 2m')" = 2min ]
	[ "$(value idle-timeout -o 'idle-timeout 2min')" = 2min ]
	[ "$(value idle-timeout -o 'idle-timeout 250ms')" = 250ms ]
	[ "$(value idle-timeout -o 'idle-timeout 60min')" = 1h ]
	[ "$(value idle-timeout -o 'idle-timeout 48h')" = 2d ]
	[ "$(value idle-timeout -o 'idle-timeout 365d')" = 365d ]
	[ "$(value idle-timeout -o 'idle-timeout 0')" = 0 ]
}

@test "an option's keyword ends at the first blank or equals sign" {
	[ "$(value prefer -o 'prefer=ipv4')" = ipv4 ]
	[ "$(value prefer -o 'prefer ipv4')" = ipv4 ]
	[ "$(value prefer -o $'prefer\t  ipv4 ')" = ipv4 ]
	[ "$(value allow -o 'allow=user uid=5')" = 'user uid=5' ]
	run -78 "$POLICY" read -o $'prefer ipv4\nmark 1'
	[ "$output" = '-o:1: one directive, without a line end' ]
	configure <<<'prefer=ipv4'
	refused 'c:1: unknown keyword "prefer=ipv4": the nearest is "prefer"'
}

@test "the command line beats the file, and replaces its lists" {
	configure <<-'END'
		prefer ipv6
		idle-timeout 1h
		resolver 192.0.2.1 192.0.2.2
		source 192.0.2.3
		source 2001:db8::3
	END
	[ "$(value prefer -f c -o 'prefer ipv4')" = ipv4 ]
	[ "$(value idle-timeout -f c -o 'prefer ipv4')" = 1h ]
	[ "$(value resolver -f c -o 'resolver 192.0.2.9')" = 192.0.2.9:53 ]
	[ "$(value resolver -f c -o 'resolver fe80::9%eth0 [FE80::9%2]:54')" = \
	    '[fe80::9%eth0]:53 [fe80::9%2]:54' ]
	[ "$(value source -f c -o 'source 192.0.2.9')" = 192.0.2.9 ]
}

@test "rules of the command line stand above those of the file" {
	configure <<<'allow port 80'
	run -0 "$POLICY" dump -f c -o 'deny port 81'
	[ "${lines[-2]}" = 'deny port 81' ]
	[ "${lines[-1]}" = 'allow port 80' ]
	run -0 "$POLICY" dump -f c -o 'allow port 81'
	[ "${lines[-2]}" = 'allow port 81' ]
	[ "${lines[-1]}" = 'allow port 80' ]
}

@test "one source for each family" {
	configure <<-'END'
		source 192.0.2.3
		source 192.0.2.4
	END
	refused 'c:2: source: "192.0.2.4": this family has a source already'
}

@test "CRLF, a missing last line end, indents and comments" {
	printf '# x\r\n\r\n  prefer\tipv4 # y\r\nidle-timeout 5s#z\r\n' >c
	refused 'c:4: idle-timeout: "5s#z" is no time: a number, then one of ms s m min h d'
	printf '# x\r\n\r\n  prefer\tipv4 # y\r\nidle-timeout 5s\t#z\r\n#\nmark 7' >c
	[ "$(value prefer -f c)" = ipv4 ]
	[ "$(value idle-timeout -f c)" = 5s ]
	[ "$(value mark -f c)" = 7 ]
}

@test "a CR at the end of a value, before a comment too, is none of it" {
	printf 'state-dir /run/x\r # y\nmark 7\r\r # z\n' >c
	[ "$(value state-dir -f c)" = /run/x ]
	[ "$(value mark -f c)" = 7 ]
}

@test "a NUL byte is refused with its line" {
	printf 'prefer ipv4\nmark 7\0\nlog-start maybe\n' >c
	refused 'c:2: a NUL byte: this is no text
c:3: log-start: "maybe" is none of on, off'
}

@test "a megabyte of comments" {
	yes '# nothing here but words and words' | head -c 1048576 >c
	printf '\nprefer ipv4\n' >>c
	[ "$(value prefer -f c)" = ipv4 ]
	{ printf '#'; head -c 1048576 /dev/zero | tr '\0' x; printf '\nmark 3\n'; } >c
	[ "$(value mark -f c)" = 3 ]
}

@test "what is shown of a bad value is printable" {
	configure <<<$'prefer \e[31m"x\\'
	refused 'c:1: prefer: "\x1b[31m\x22x\x5c" is none of auto, ipv6, ipv4, ipv6-only, ipv4-only'
}

@test "sandbox off counts in the file only" {
	configure <<<'sandbox off'
	[ "$(value sandbox -f c)" = off ]
	[ "$(value sandbox -o 'sandbox on')" = on ]
}

@test "-t warns when none stands before password" {
	run -0 "$POLICY" read -o 'auth none password'
	[ "$output" = '-o:1: warning: auth: none stands before password: a client that offers both is never asked for a password' ]
	run -0 "$POLICY" read -o 'auth password none'
	[ -z "$output" ]
}

# ask_list LIST-CONTENT CONDITION QUESTION: the verdict with @FILE in a rule
ask_list() {
	printf '%b' "$1" >list
	printf 'rules\nrule allow %s @%s\nask %s => x\n' "$2" "$PWD/list" "$3" >t
	"$POLICY" judge t | sed -n 's/^  found: *//p'
}

@test "lists from files" {
	local nets='# bad nets\n10.0.0.0/8 192.0.2.1, 198.51.100.0/24\r\n\nself # us'
	[ "$(ask_list "$nets" at 'connect 8.8.8.8 10.1.1.1:80 -')" = 'allowed -o:1' ]
	[ "$(ask_list "$nets" at 'connect 8.8.8.8 192.0.2.1:80 -')" = 'allowed -o:1' ]
	[ "$(ask_list "$nets" at 'connect 8.8.8.8 198.51.100.9:80 -')" = 'allowed -o:1' ]
	[ "$(ask_list "$nets" at 'connect 8.8.8.8 9.9.9.9:80 - self')" = 'allowed -o:1' ]
	[[ "$(ask_list "$nets" at 'connect 8.8.8.8 9.9.9.9:80 -')" == denied* ]]
	[ "$(ask_list 'alice\nbob' user 'connect 8.8.8.8 9.9.9.9:80 bob')" = 'allowed -o:1' ]
	[ "$(ask_list '.Example.COM.\n' to 'connect 8.8.8.8 www.example.com:80 - @9.9.9.9')" = 'allowed -o:1' ]
	[ "$(ask_list '80 443\n1000-2000' port 'connect 8.8.8.8 9.9.9.9:1500 -')" = 'allowed -o:1' ]
}

@test "an empty list is a list: it matches nothing" {
	[ "$(ask_list '# none' at 'connect 8.8.8.8 9.9.9.9:80 -')" = \
	    'denied default no rule allows CONNECT to this client and destination' ]
	[[ "$(ask_list '' from 'connect 8.8.8.8 9.9.9.9:80 -')" == denied* ]]
	[[ "$(ask_list '' user 'connect 8.8.8.8 9.9.9.9:80 -')" == denied* ]]
	[[ "$(ask_list '' to 'connect 8.8.8.8 9.9.9.9:80 -')" == denied* ]]
	[[ "$(ask_list '' port 'connect 8.8.8.8 9.9.9.9:80 -')" == denied* ]]
	[[ "$(ask_list '' port 'udp 8.8.8.8 - - request')" == denied* ]]
}

@test "an error in a list names the list's line" {
	printf '10.0.0.0/8\n10.0.0.300\n@other\n' >list
	run -78 "$POLICY" read -o "allow at 192.0.2.1,@$PWD/list"
	[ "${lines[0]}" = "$PWD/list:2: \"10.0.0.300\" is no address, net or set" ]
	[ "${lines[1]}" = "$PWD/list:3: a list file names no other" ]
	[ "${#lines[@]}" = 2 ]
}

@test "judging against 10,000 nets takes less than a millisecond" {
	# even with the sanitizers
	python3 - >list <<-'END'
		for i in range(5000):
		    print(f"10.{i // 256}.{i % 256}.0/24")
		    print(f"2001:db8:{i:x}::/48")
	END
	run -0 "$POLICY" load "deny at @$PWD/list"
	echo "$output"
	[[ $output == *"no rule allows"* || $output == *"no rule opens it"* ]]
}

@test "the fuzz targets of this room hold on their corpora" {
	cd "$BATS_TEST_DIRNAME/.."
	make -s build/replay/configuration build/replay/rule
	build/replay/configuration tests/fuzz/corpus/configuration
	build/replay/rule tests/fuzz/corpus/rule
}
