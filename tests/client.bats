#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# socks64, the command: its line, its settings, its messages and statuses, and
# which programs it can help.

load lib/common

setup_file() {
	make -s -C "$ROOT" build/tests/client-handover build/tests/client-fakes \
	    build/tests/client-program build/replay/client-handover \
	    build/replay/client-program
}

setup() {
	unset SOCKS64_GATEWAY SOCKS64_PASSWORD ALL_PROXY all_proxy
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR
	WRAPPER=$ROOT/socks64
	mkdir -p "$XDG_CONFIG_HOME/socks64"
}

configuration() {
	printf '%s\n' "$@" >"$XDG_CONFIG_HOME/socks64/client.conf"
}

# assert_fails STATUS PATTERN ARGUMENT...
assert_fails() {
	local status_wanted=$1 pattern=$2
	shift 2
	run "$WRAPPER" "$@"
	assert_equal "status of $*: $output" "$status" "$status_wanted"
	assert_match "$*" "$output" "$pattern"
}

@test "the handover holds what it was given, and nothing else" {
	run -0 "$ROOT/build/tests/client-handover"
	run -0 "$ROOT/build/replay/client-handover" \
	    "$TESTS/fuzz/corpus/client-handover"
}

@test "no address ever stands for a second name: 8 writers, 10^6 names" {
	run -0 "$ROOT/build/tests/client-fakes" 8 125000
	assert_match 'what they saw' "$output" '^1000000 names, [0-9]+ found'
}

@test "ELF files and scripts, whole and broken" {
	run -0 "$ROOT/build/tests/client-program"
	run -0 "$ROOT/build/replay/client-program" \
	    "$TESTS/fuzz/corpus/client-program"
}

@test "a wrong command line is 64" {
	assert_fails 64 'a command is missing' -s 127.0.0.1
	assert_fails 64 'unknown option: --nonsense' --nonsense
	assert_fails 64 'a value is missing: -s' -s
	assert_fails 64 'more than one of' -T --env
	assert_fails 64 'unexpected operand: x' -T x
	assert_fails 64 'no HOST:PORT: nonsense' --check nonsense
}

@test "what is no SOCKS5 gateway is 64, and shows no password" {
	assert_fails 64 'http://\.\.\.@h:1 is no SOCKS5 gateway' \
	    -s http://u:secret@h:1 true
	refute_secret
	assert_fails 64 'is no gateway' -s 'socks5://u:secret@h:99999' true
	refute_secret
	assert_fails 64 'is no gateway' -s '' true
	assert_fails 64 'is no gateway' -s '[192.0.2.1]:1080' true
	assert_fails 64 'is no gateway' -s 'socks5://h/path' true
}

refute_secret() {
	[[ $output != *secret* ]] || fail "a password: $output"
}

# gateway_is TEXT WORD: what --env hands over for it.
gateway_is() {
	run -0 "$WRAPPER" -s "$1" --env
	assert_match "$1" "${lines[0]}" "^export SOCKS64='1 gateway=$2 "
}

@test "a gateway is a host, a URL or a path" {
	gateway_is 192.0.2.1 '192\.0\.2\.1:1080'
	gateway_is 192.0.2.1:81 '192\.0\.2\.1:81'
	gateway_is '[2001:db8::1]:81' '\[2001:db8::1\]:81'
	gateway_is '[2001:db8::1]' '\[2001:db8::1\]:1080'
	gateway_is 2001:db8::1 '\[2001:db8::1\]:1080'
	gateway_is socks5://192.0.2.1 '192\.0\.2\.1:1080'
	gateway_is SOCKS5H://192.0.2.1:81/ '192\.0\.2\.1:81'
	gateway_is 'socks5://a%3ab:c%40d@[2001:db8::1]:81' \
	    '\[2001:db8::1\]:81 user=a:b password=c%40d'
	gateway_is /run/socks64 '/run/socks64'
	gateway_is socks5h://localhost/run/a%20b '/run/a%20b'
	gateway_is localhost '(127\.0\.0\.1|\[::1\]):1080'
	assert_fails 69 'no-such-host.invalid' -s no-such-host.invalid true
}

@test "the files: that of the host, then that of the user, and neither with -f" {
	need mounts
	configuration 'gateway 192.0.2.2'
	mkdir -p "$BATS_TEST_TMPDIR/home/.config/socks64"
	echo 'gateway 192.0.2.3' \
	    >"$BATS_TEST_TMPDIR/home/.config/socks64/client.conf"
	# shellcheck disable=SC2016 # for the inner shell
	run -0 unshare --mount sh -ec 'mount -t tmpfs none /etc
		mkdir /etc/socks64
		printf "%s\n" "udp off" "gateway 192.0.2.1" \
		    >/etc/socks64/client.conf
		"$1" -T
		HOME=/nonexistent XDG_CONFIG_HOME= "$1" -T
		HOME=$2/home XDG_CONFIG_HOME= "$1" -T
		echo "early on" >"$2/other"
		"$1" -f "$2/other" -T' sh "$WRAPPER" "$BATS_TEST_TMPDIR"
	assert_equal files "$(grep -E '^(gateway|udp|early)' <<<"$output")" \
	    "$(printf '%s\n' 'gateway 192.0.2.2' 'udp off' 'early off' \
	        'gateway 192.0.2.1' 'udp off' 'early off' \
	        'gateway 192.0.2.3' 'udp off' 'early off' \
	        'gateway 127.0.0.1:1080' 'udp on' 'early on')"
}

@test "the gateway: the option, the variables, the file, the default" {
	configuration 'gateway 192.0.2.4'
	run -0 "$WRAPPER" -s 192.0.2.1 -T
	[[ ${lines[0]} == 'gateway 192.0.2.1' ]]
	SOCKS64_GATEWAY=192.0.2.2 ALL_PROXY=socks5://192.0.2.3 \
	    run -0 "$WRAPPER" -T
	[[ ${lines[0]} == 'gateway 192.0.2.2' ]]
	ALL_PROXY=socks5h://192.0.2.3 run -0 "$WRAPPER" -T
	[[ ${lines[0]} == 'gateway socks5h://192.0.2.3' ]]
	ALL_PROXY=http://192.0.2.3 run -0 "$WRAPPER" -T
	[[ ${lines[0]} == 'gateway 192.0.2.4' ]]
	configuration
	run -0 "$WRAPPER" -T
	[[ ${lines[0]} == 'gateway 127.0.0.1:1080' ]]
	assert_fails 64 'http://h is no SOCKS5 gateway' -s http://h -T
	assert_fails 64 'http://h is no SOCKS5 gateway' -s http://h -t cat
}

@test "-T is the settings in their own syntax, without passwords" {
	run -0 "$WRAPPER" -s socks5://alice:secret@192.0.2.1:81 \
	    -o 'direct 192.0.2.0/24 .example.org' -o 'bind 21 2121' \
	    -o 'connect-timeout 2min' -o 'udp off' -o 'search example.com' -T
	refute_secret
	diff - <(echo "$output") <<-END
		gateway socks5://alice:***@192.0.2.1:81
		direct 192.0.2.0/24 .example.org
		udp off
		bind 21 2121
		families both
		search example.com
		names fake
		early off
		fake-ipv4 240.0.0.0/4
		fake-ipv6 2001:2::/48
		connect-timeout 2min
	END
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/dumped"
	run -0 "$WRAPPER" -f "$BATS_TEST_TMPDIR/dumped" -T
	diff "$BATS_TEST_TMPDIR/dumped" <(echo "$output")
}

@test "all errors of the settings at once, with their places: 78" {
	configuration 'udp maybe' 'bind 0' 'udp on' 'nonsense 1' \
	    'fake-ipv4 10.0.0.0/16' 'connect-timeout soon' 'direct a/b'
	run -78 "$WRAPPER" -o 'early never' true
	local conf=$XDG_CONFIG_HOME/socks64/client.conf
	diff - <(echo "$output" | sed "s,$conf,FILE,") <<-END
		FILE:1: udp: "maybe" is none of on, direct, off
		FILE:2: bind: "0" is no port
		FILE:3: "udp" stands twice, first on line 1
		FILE:4: unknown keyword "nonsense"
		FILE:5: fake-ipv4: "10.0.0.0/16" is no IPv4 net of 4 to 12 bits
		FILE:6: connect-timeout: "soon" is no time: a number, then one of ms s m min h d
		FILE:7: direct: "a/b" is no net, no name and no .domain
		-o:1: early: "never" is none of off, on
	END
	assert_fails 78 'No such file' -f /nonexistent true
}

@test "a later source replaces the lists of an earlier one" {
	configuration 'direct 192.0.2.0/24' 'direct a.example'
	run -0 "$WRAPPER" -T
	[[ $output == *'direct 192.0.2.0/24 a.example'* ]]
	run -0 "$WRAPPER" -o 'direct 198.51.100.0/24' -T
	[[ $output == *'direct 198.51.100.0/24'$'\n'* ]]
}

@test "a password file that others may read is refused" {
	local file=$BATS_TEST_TMPDIR/password
	echo 'alice:secret' >"$file"
	chmod 640 "$file"
	assert_fails 78 'group or others may read it' \
	    -o "password-file $file" true
	chmod 600 "$file"
	run -0 "$WRAPPER" -o "password-file $file" -- sh -c 'echo "$SOCKS64"'
	[[ $output == *' user=alice password=secret '* ]]
	echo 'nonsense' >"$file"
	assert_fails 78 'user:password' -o "password-file $file" true
}

@test "the password is the URL's, the variable's, the file's" {
	local file=$BATS_TEST_TMPDIR/password
	echo 'alice:of-file' >"$file"
	chmod 600 "$file"
	export SOCKS64_PASSWORD=of-variable
	run -0 "$WRAPPER" -s socks5://alice:of%2durl@127.0.0.1 \
	    -o "password-file $file" -- env
	[[ $output == *' user=alice password=of-url '* ]]
	[[ $output != *SOCKS64_PASSWORD* ]]
	run -0 "$WRAPPER" -s socks5://alice@127.0.0.1 \
	    -o "password-file $file" -- env
	[[ $output == *' user=alice password=of-variable '* ]]
	unset SOCKS64_PASSWORD
	run -0 "$WRAPPER" -s socks5://alice@127.0.0.1 \
	    -o "password-file $file" -- env
	[[ $output == *' user=alice password=of-file '* ]]
	run -0 "$WRAPPER" -s socks5://bob@127.0.0.1 \
	    -o "password-file $file" -- env
	[[ $output == *' user=bob udp='* ]]
}

@test "variables with a SOCKS proxy are taken out, others stay" {
	ALL_PROXY=socks5://h https_proxy=socks4://h http_proxy=http://h \
	    run -0 "$WRAPPER" -s 127.0.0.1 env
	[[ $output != *ALL_PROXY* && $output != *https_proxy* ]]
	[[ $output == *http_proxy=http://h* ]]
}

@test "the status is the program's own" {
	run -0 "$WRAPPER" true
	run -3 "$WRAPPER" sh -c 'exit 3'
	run -127 "$WRAPPER" nonexistent-program
	assert_match message "$output" \
	    '^socks64: nonexistent-program: No such file'
	run -126 "$WRAPPER" /etc/passwd
	assert_match message "$output" 'Permission denied'
	printf 'echo "of a shell: $1"\n' >"$BATS_TEST_TMPDIR/script"
	chmod 755 "$BATS_TEST_TMPDIR/script"
	run -0 "$WRAPPER" "$BATS_TEST_TMPDIR/script" x
	[[ $output == 'of a shell: x' ]]
}

@test "options end at the first word that is none" {
	run -0 "$WRAPPER" echo -v --check
	[[ $output == '-v --check' ]]
	run -0 "$WRAPPER" -- echo -v
	[[ $output == -v ]]
}

@test "no process stays, and the program has one name more in its memory" {
	# shellcheck disable=SC2016 # for the inner shells
	run -0 sh -c '"$1" sh -c "echo \$\$; grep -c libsocks64 /proc/self/maps" &
	    echo $!; wait' sh "$WRAPPER"
	assert_equal 'the program has the process of socks64' "${lines[0]}" \
	    "${lines[1]}"
	((lines[2] > 0))
}

@test "-t says which programs can be helped" {
	run -0 "$WRAPPER" -t cat
	[[ $output == 'cat: yes' ]]
	printf '#!/bin/sh\n' >"$BATS_TEST_TMPDIR/script"
	chmod 755 "$BATS_TEST_TMPDIR/script"
	run -0 "$WRAPPER" -t "$BATS_TEST_TMPDIR/script"
	run -127 "$WRAPPER" -t nonexistent-program
}

@test "a static program cannot be helped: 69, but by force" {
	echo 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/p.c"
	gcc -static -o "$BATS_TEST_TMPDIR/static" "$BATS_TEST_TMPDIR/p.c"
	assert_fails 69 'static is linked statically: nobody sees its calls' \
	    -t "$BATS_TEST_TMPDIR/static"
	assert_fails 69 'is linked statically' "$BATS_TEST_TMPDIR/static"
	run -0 "$WRAPPER" --force "$BATS_TEST_TMPDIR/static"
	printf '#!%s\n' "$BATS_TEST_TMPDIR/static" >"$BATS_TEST_TMPDIR/script"
	chmod 755 "$BATS_TEST_TMPDIR/script"
	assert_fails 69 'is linked statically' -t "$BATS_TEST_TMPDIR/script"
}

@test "scripts of scripts are followed four deep" {
	local i before=/bin/sh
	for i in 1 2 3 4 5; do
		printf '#!%s\n' "$before" >"$BATS_TEST_TMPDIR/s$i"
		chmod 755 "$BATS_TEST_TMPDIR/s$i"
		before=$BATS_TEST_TMPDIR/s$i
	done
	run -0 "$WRAPPER" -t "$BATS_TEST_TMPDIR/s4"
	assert_fails 69 'deeper than the kernel goes' \
	    -t "$BATS_TEST_TMPDIR/s5"
	printf '#!%s\n' "$BATS_TEST_TMPDIR/loop" >"$BATS_TEST_TMPDIR/loop"
	chmod 755 "$BATS_TEST_TMPDIR/loop"
	assert_fails 69 'deeper than' -t "$BATS_TEST_TMPDIR/loop"
}

@test "setuid, setgid and capable programs cannot be helped, but for their user" {
	need root
	cp /bin/cat "$BATS_TEST_TMPDIR/cat"
	chmod 755 "$BATS_TEST_TMPDIR" && chmod 4755 "$BATS_TEST_TMPDIR/cat"
	run -0 "$WRAPPER" -t "$BATS_TEST_TMPDIR/cat"
	as_nobody 69 'ld.so takes no library into .*cat: it is setuid root'
	chown root:daemon "$BATS_TEST_TMPDIR/cat"
	chmod 2755 "$BATS_TEST_TMPDIR/cat"
	as_nobody 69 'it is setgid'
	chmod 755 "$BATS_TEST_TMPDIR/cat"
	command -v setcap >/dev/null || skip 'setcap is not installed'
	setcap cap_net_raw+ep "$BATS_TEST_TMPDIR/cat"
	as_nobody 69 'it is given capabilities'
}

# as_nobody STATUS PATTERN: -t of the program, by a user who can read it.
as_nobody() {
	local directory=$BATS_TEST_TMPDIR copy
	copy=$(mktemp -d /tmp/socks64-test.XXXXXX)
	cp -p "$ROOT/socks64" "$ROOT/libsocks64.so" "$copy"
	cp -p --preserve=all "$directory/cat" "$copy/cat"
	chmod 755 "$copy"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
	    env -u XDG_CONFIG_HOME HOME=/ "$copy/socks64" -t "$copy/cat"
	rm -rf "$copy"
	assert_equal "status: $output" "$status" "$1"
	assert_match message "$output" "$2"
}

@test "a program of 32 bits, one of musl, one in Go" {
	echo 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/p.c"
	if gcc -m32 -o "$BATS_TEST_TMPDIR/small" "$BATS_TEST_TMPDIR/p.c" \
	    2>/dev/null; then
		assert_fails 69 'another word size' -t "$BATS_TEST_TMPDIR/small"
	fi
	if command -v musl-gcc >/dev/null; then
		musl-gcc -o "$BATS_TEST_TMPDIR/musl" "$BATS_TEST_TMPDIR/p.c"
		run -0 "$WRAPPER" -t "$BATS_TEST_TMPDIR/musl"
		run -0 "$WRAPPER" "$BATS_TEST_TMPDIR/musl"
	fi
	command -v go >/dev/null || skip 'go is not installed'
	printf 'package main\nfunc main() {}\n' >"$BATS_TEST_TMPDIR/p.go"
	(cd "$BATS_TEST_TMPDIR" && HOME=$BATS_TEST_TMPDIR GO111MODULE=off \
	    go build -o go-program p.go)
	assert_fails 69 'is a Go program: it calls the kernel itself' \
	    -t "$BATS_TEST_TMPDIR/go-program"
}

@test "--env gives a shell what socks64 gives a command" {
	run -0 "$WRAPPER" -s 192.0.2.1 --env
	[[ ${lines[0]} == "export SOCKS64='1 gateway=192.0.2.1:1080 "* ]]
	[[ ${lines[1]} == "export LD_PRELOAD='$ROOT/libsocks64.so'" ]]
	# shellcheck disable=SC2016 # for the inner shell
	run -0 sh -c 'eval "$1"; grep -c libsocks64 /proc/self/maps' sh "$output"
	((output > 0))
}

@test "under another socks64 the new settings replace the old ones" {
	run -0 "$WRAPPER" -s 192.0.2.1 "$WRAPPER" -s 192.0.2.2 sh -c \
	    'echo "$SOCKS64"; echo "$LD_PRELOAD"'
	[[ ${lines[0]} == *gateway=192.0.2.2:1080* ]]
	[[ ${lines[1]} == "$ROOT/libsocks64.so" ]]
}

@test "other libraries of LD_PRELOAD stay" {
	LD_PRELOAD=libc.so.6 run -0 "$WRAPPER" sh -c 'echo "$LD_PRELOAD"'
	[[ $output == "$ROOT/libsocks64.so:libc.so.6" ]]
}

@test "a bad SOCKS64: one line, and what is not direct fails" {
	# shellcheck disable=SC2016 # for the inner shell
	run -0 "$WRAPPER" sh -c 'SOCKS64=nonsense exec /usr/bin/python3 -c "
import errno, socket
for host in \"192.0.2.1\", \"127.0.0.1\":
    try:
        socket.create_connection((host, 9), 5)
    except OSError as e:
        print(host, errno.errorcode[e.errno])
"'
	[[ ${lines[0]} == *'$SOCKS64 is not what socks64 made'* ]]
	[[ ${lines[1]} == '192.0.2.1 ENETDOWN' ]]
	[[ ${lines[2]} == '127.0.0.1 ECONNREFUSED' ]]
	((${#lines[@]} == 3))
}

@test "the library shows what it stands in front of, and asks for no more than both libcs have" {
	local symbols
	symbols=$(nm -D --defined-only "$ROOT/libsocks64.so" |
	    awk '{ print $3 }' | sort)
	diff <(sed -n '/global:/,/local:/p' "$ROOT/lib/exports" |
	    grep -oE '[a-z_0-9]+(;)' | tr -d ';' | sort) <(echo "$symbols")
	# Nothing in it comes back to itself.
	run grep -xFf <(echo "$symbols") \
	    <(nm -u "$ROOT"/build/pic/lib/*.o | awk '{ print $2 }')
	assert_equal "calls of its own hooks" "$output" ""
	local libc=/usr/lib/x86_64-linux-musl/libc.so
	[[ -e $libc ]] || skip 'musl is not installed'
	run comm -23 <(nm -D --undefined-only "$ROOT/libsocks64.so" |
	    grep -v ' w ' | awk '{ sub(/@.*/, "", $2); print $2 }' | sort) \
	    <(nm -D --defined-only "$libc" | awk '{ print $3 }' | sort)
	assert_equal "what musl has not" "$output" ""
}

@test "a path that LD_PRELOAD cannot hold is refused" {
	local place
	for place in 'a b' a:b; do
		mkdir "$BATS_TEST_TMPDIR/$place"
		cp "$ROOT/socks64" "$ROOT/libsocks64.so" \
		    "$BATS_TEST_TMPDIR/$place"
		run -71 "$BATS_TEST_TMPDIR/$place/socks64" true
		assert_match message "$output" 'with a blank or a colon'
	done
}

@test "client.conf has the defaults" {
	sed -nE 's/^#((udp|bind|families|names|early|fake-|connect)[^.]*)/\1/p' \
	    "$ROOT/units/examples/client.conf" >"$BATS_TEST_TMPDIR/conf"
	run -0 "$WRAPPER" -s 127.0.0.1 -f "$BATS_TEST_TMPDIR/conf" -T
	assert_equal defaults "$output" "$("$WRAPPER" -s 127.0.0.1 -T)"
	assert_equal lines "$(wc -l <"$BATS_TEST_TMPDIR/conf")" 8
	sed -E 's/^#([a-z])/\1/' "$ROOT/units/examples/client.conf" |
	    grep -v ^password-file >"$BATS_TEST_TMPDIR/whole"
	run -0 "$WRAPPER" -s 127.0.0.1 -f "$BATS_TEST_TMPDIR/whole" -T
}

@test "the tests that doc/client.md names are there" {
	local name
	while read -r name; do
		grep -qF "@test \"$name\"" "$TESTS"/*.bats "$TESTS"/slow/*.bats ||
		    fail "no test: $name"
	done < <(sed -n '/^| RFC 3089/,/^## The oracle/p' "$ROOT/doc/client.md" |
	    grep '^| .*"' | sed 's/.*|\(.*\)|$/\1/' |
	    grep -oE '"[^"]+"' | tr -d '"')
}

@test "-h, the manual and the version agree" {
	run -0 "$WRAPPER" -V
	[[ $output =~ ^'socks64 '[0-9]+\.[0-9]+\.[0-9]+$ ]]
	run -0 "$WRAPPER" -h
	local option
	for option in server config option verbose quiet force check test env \
	    dump version help; do
		[[ $output == *"--$option"* ]]
		grep -q "Fl -$option" "$ROOT/man/socks64.1" ||
		    fail "socks64(1) has no --$option"
	done
	local keyword
	for keyword in $(sed -n 's/^\t{ "\([a-z0-9-]*\)", parse_.*/\1/p' \
	    "$ROOT/lib/configure.c"); do
		grep -q "Cm $keyword" "$ROOT/man/socks64.1" ||
		    fail "socks64(1) has no $keyword"
		grep -q "^#$keyword " "$ROOT/units/examples/client.conf" ||
		    fail "client.conf has no $keyword"
	done
}
