#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Lists in files: how they are read, what --index makes of them, and sessions
# that look an index up.  (Which rule matches: policy.bats.)

load lib/gateway

POLICY=$BATS_TEST_DIRNAME/../build/tests/policy

setup_file() {
	export LISTS
	LISTS=$(mktemp -d /tmp/socks64-lists.XXXXXX)
	chmod 755 "$LISTS"
	net_up
}

teardown_file() {
	net_down
	rm -rf "$LISTS"
}

# A directory for each test.
setup() {
	umask 022
	mkdir "$LISTS/$BATS_TEST_NUMBER"
	cd "$LISTS/$BATS_TEST_NUMBER"
}

# index [FILE]: quietly.
index() {
	"$HANDLER" --index "$PWD/${1:-list}" >made 2>&1 || fail "$(cat made)"
}

# judged RULE CLIENT DEST: does the rule deny it?  Nobody knows the names.
judged() {
	run --separate-stderr "$HANDLER" -e -f /dev/null -o "$1" -o 'allow all at any' \
	    -o 'resolver 127.0.0.1:1' connect "${@:2}"
	[[ ${lines[0]} == denied* ]] && echo denied || echo allowed
}

# warned RULE: the warnings and errors of -t about lists
warned() {
	run "$HANDLER" -t -f /dev/null -o "$1"
	grep "^$PWD/" <<<"$output" | sed "s|^$PWD/||"
}

@test "an index answers as the list does, for names, domains and nets" {
	python3 - >questions <<-'END'
		import random
		import ipaddress
		random.seed(4)
		labels = "a b c www ad x-1 com net test".split()
		def name(least=1):
		    return ".".join(random.choices(labels, k=random.randint(least, 5)))
		def net(whole=False):
		    bits, kind = random.choice(((32, ipaddress.IPv4Network),
		                                (128, ipaddress.IPv6Network)))
		    number = random.choice((9 << 24, 8 << 24)) | random.getrandbits(9) << 12
		    if bits == 128:
		        number = (0x26 << 120) | random.getrandbits(9) << 80
		    length = bits if whole else random.choice((12, 17, 20, 24, bits))
		    return kind((number, length), strict=False)
		with open("names", "w") as file:
		    for _ in range(60):
		        file.write(random.choice(("", ".")) + name(2) + "\n")
		with open("nets", "w") as file:
		    for _ in range(25):
		        file.write(f"{net()}\n")
		for _ in range(400):
		    print(f"rule deny to @{{}}names\nask connect 8.8.8.8 {name()}:80 - @9.9.9.9 => x\nrules")
		for _ in range(400):
		    a = str(net(True).network_address)
		    a = f"[{a}]" if ":" in a else a
		    print(f"rule deny at @{{}}nets\nask connect 8.8.8.8 {a}:80 - => x\nrules")
	END
	{
		echo rules
		sed "s|{}|$PWD/|" questions | sed '$d' |
		    sed 's/^ask/rule allow all at any\nask/'
	} >table
	"$POLICY" judge table | grep 'found: ' >listed || :
	index names
	index nets
	# The lists can be read no more, so the answers are the indexes'.
	for list in names nets; do
		cp -p $list $list.old
		tr '\n' '#' <$list.old >$list
		touch -r $list.old $list
	done
	"$POLICY" judge table | grep 'found: ' >looked-up || :
	assert_equal answers "$(wc -l <listed)" 800
	diff listed looked-up
	for verdict in allowed denied; do
		[[ $(grep -c "$verdict" listed) -gt 150 ]] ||
		    fail "$(sort listed | uniq -c)"
	done
}

@test "--index reads what is published, and shows what it does not understand" {
	cat >list <<-'END'
		# hosts
		127.0.0.1	localhost
		::1 localhost ip6-localhost # two
		fe80::1%lo0 localhost
		0.0.0.0 Ads.Example.COM tracker.example.net.
		plain.example.org
		.whole.example, other.example
		192.0.2.0/24 2001:db8::/32
		||adblock.example^
		*.star.example
		10.0.0.1/8
		private name
	END
	run -0 --separate-stderr "$HANDLER" --index list
	assert_equal stdout "$output" "13 entries, 3 lines not understood"
	assert_equal lines "$(cut -d: -f1-2 <<<"$stderr")" $'list:9\nlist:10\nlist:11'
	run -0 --separate-stderr "$HANDLER_STATIC" --index list
	assert_equal "once more" "$output" "13 entries, 3 lines not understood"
	assert_equal files "$(ls)" $'list\nlist.cdb'
	local name
	for name in ads.example.com tracker.example.net plain.example.org \
	    a.b.whole.example whole.example other.example; do
		sed -i '/ name$/d' list
		"$HANDLER" --index list >/dev/null 2>&1
		assert_equal $name "$(judged "deny to @$PWD/list" 8.8.8.8 $name:80)" denied
	done
	assert_equal net "$(judged "deny at @$PWD/list" 8.8.8.8 192.0.2.9:80)" denied
}

@test "--index reads lines as long as sessions do, and shows the number of a longer one" {
	{
		printf '0.0.0.0'
		printf ' n%d.example' {1..2000}
		printf '\n# %s\n' "$(printf 'x%.0s' {1..5000})"
		head -c 4095 /dev/zero | tr '\0' a
		printf '\n'
		head -c 1048576 /dev/zero | tr '\0' a
		printf '\nlast.example'
	} >list
	run -0 --separate-stderr "$HANDLER" --index list
	assert_equal stdout "$output" "2001 entries, 2 lines not understood"
	assert_match first "${stderr_lines[0]}" '^list:3: '
	assert_equal second "${stderr_lines[1]}" \
	    'list:4: a NUL byte, or more than 1048575 octets'
	local name
	for name in n1.example n2000.example last.example; do
		assert_equal "$name" \
		    "$(judged "deny to @$PWD/list" 8.8.8.8 "$name:80")" denied
	done
}

@test "--index that can do nothing says so and leaves nothing behind" {
	printf '||a^\n*.b\n' >list
	run -78 --separate-stderr "$HANDLER" --index list
	assert_equal stdout "$output" "0 entries, 2 lines not understood"
	run -78 "$HANDLER" --index missing
	assert_match why "$output" "^missing: cannot be read: No such file"
	run -78 "$HANDLER" --index .
	assert_equal "no file" "$output" ".: cannot be read: Is a directory"
	run -64 "$HANDLER" --index list operand
	run -64 "$HANDLER" --index list -t
	assert_equal files "$(ls)" list
	echo a.example >list
	mkdir list.cdb
	run -71 "$HANDLER" --index list
	assert_match why "$output" "^list.cdb: cannot be put in place: Is a dir"
	assert_equal files "$(ls)" $'list\nlist.cdb'
}

@test "who may read the list may read its index, and nobody else" {
	[[ $EUID -eq 0 ]] || skip "needs root"
	echo a.example >list
	chown nobody list
	chmod 640 list
	index
	assert_equal "owner and mode" "$(stat -c '%U %a' list.cdb)" "nobody 640"
}

@test "a list that is not the one of its index is read, and -t says so" {
	local rule="deny to @$PWD/list" why
	echo a.example >list
	index
	assert_equal before "$(judged "$rule" 8.8.8.8 b.example:80)" allowed
	# of the same size, and older, as a list for the day has it
	echo b.example >night
	touch -d yesterday night
	ln -sf night list
	assert_equal swapped "$(judged "$rule" 8.8.8.8 b.example:80)" denied
	why='warning: the list is read, for its index, the file .cdb, is of another state of the list; --index makes it anew'
	assert_equal -t "$(warned "$rule")" "list: $why"
	# and so where it has been there for longer than the index
	rm list
	echo a.example >list
	index
	tick
	ln -sf night list
	assert_equal "by a link" "$(judged "$rule" 8.8.8.8 b.example:80)" denied
	rm list
	mv night list
	assert_equal "by its name" "$(judged "$rule" 8.8.8.8 b.example:80)" denied
	index
	assert_equal "made anew" "$(warned "$rule")" ""
	echo c.example >>list
	assert_equal "written to" "$(judged "$rule" 8.8.8.8 c.example:80)" denied
	echo nothing >list.cdb
	why=${why/of another state of the list/no index that this version knows}
	assert_equal -t "$(warned "$rule")" "list: $why"
	assert_equal "no index" "$(judged "$rule" 8.8.8.8 c.example:80)" denied
}

# tick: until a file that is made is younger than all there are.
tick() {
	: >tick.1
	until [[ tick.2 -nt tick.1 ]]; do
		: >tick.2
	done
}

@test "an index that is younger than all that was done to its list is looked up" {
	local rule="deny to @$PWD/list"
	# A copy that keeps no time.
	mkdir from
	cd from
	echo a.example >list
	index
	cd ..
	cp from/list .
	tick
	cp from/list.cdb .
	assert_equal -t "$(warned "$rule")" ""
	# The page's recipe: between both commands, too.
	echo b.example.of.another.size >list.new
	index list.new
	mv list.new.cdb list.cdb
	assert_equal "-t between" "$(warned "$rule")" ""
	assert_equal between "$(judged "$rule" 8.8.8.8 b.example.of.another.size:80)" denied
	assert_equal "not read" "$(judged "$rule" 8.8.8.8 a.example:80)" allowed
	mv list.new list
	assert_equal "-t behind" "$(warned "$rule")" ""
	assert_equal behind "$(judged "$rule" 8.8.8.8 b.example.of.another.size:80)" denied
	# Written to since.
	tick
	echo c.example >list
	assert_equal "written to" "$(judged "$rule" 8.8.8.8 c.example:80)" denied
	# What the page warns of: copied now it is younger, and still of another.
	tick
	cp list.cdb copy
	mv copy list.cdb
	assert_equal "an old one, copied" "$(judged "$rule" 8.8.8.8 c.example:80)" allowed
}

@test "rules with the same list have its index opened once, and it answers both" {
	echo 'a.example 192.0.2.9' >list
	index
	printf '%s @'"$PWD"'/list\n' 'deny to' 'deny at' 'deny from' >conf
	echo 'allow at any' >>conf
	run -1 --separate-stderr strace -o trace -e trace=openat \
	    "$HANDLER" -e -f "$PWD/conf" connect 127.0.0.1 192.0.2.9:80
	assert_match "at" "${lines[0]}" '^denied'
	assert_equal opened "$(grep -c 'list\.cdb' trace)" 1
	run --separate-stderr "$HANDLER" -e -f "$PWD/conf" connect 127.0.0.1 a.example:80
	assert_match "to" "${lines[0]}" '^denied'
	run --separate-stderr "$HANDLER" -e -f "$PWD/conf" connect 192.0.2.9 192.0.2.80:80
	assert_match "from" "${lines[0]}" '^denied'
}

# is_made_by PID: the index, in a file that has no name yet, or another one.
is_made_by() {
	compgen -G 'list.cdb.*' || readlink "/proc/$1/fd/"* | grep '/#.* (deleted)$'
}

# make_slowly: $maker makes an index, and is stopped in the midst of it.
make_slowly() {
	seq -f '%.0f.example' 300000 >list
	"$HANDLER" --index "$PWD/list" >made 2>&1 3>&- &
	maker=$!
	wait_until is_made_by "$maker" >/dev/null
	kill -STOP "$maker"
}

@test "who is killed while he makes an index leaves nothing behind" {
	local maker
	make_slowly
	if compgen -G 'list.cdb.*'; then
		kill -KILL "$maker"
		skip "this file system has no files without a name"
	fi
	kill -KILL "$maker"
	wait "$maker" 2>/dev/null || :
	assert_equal files "$(ls)" $'list\nmade'
}

@test "a list that is replaced while its index is made is read" {
	local maker
	make_slowly
	tick
	echo b.example >list.new
	mv list.new list
	tick
	kill -CONT "$maker"
	wait "$maker" || fail "$(cat made)"
	[[ -f list.cdb ]]
	assert_equal "the new list" \
	    "$(judged "deny to @$PWD/list" 8.8.8.8 b.example:80)" denied
}

@test "what a copy keeps of the time is enough, seconds alone in an archive" {
	local rule="deny to @$PWD/there/list"
	echo a.example >list
	index
	mkdir there
	tar -cf - list list.cdb | tar -xf - -C there
	assert_equal -t "$(warned "$rule")" ""
	assert_equal answer "$(judged "$rule" 8.8.8.8 a.example:80)" denied
}

@test "lines that are not understood: an error, but a warning where there is an index" {
	local rule="deny to @$PWD/list"
	printf 'a.example\n*.b\n*.c *.d\n' >list
	run -78 "$HANDLER" -t -f /dev/null -o "$rule"
	index
	run -0 "$HANDLER" -t -f /dev/null -o "$rule"
	echo 'e.example' >>list
	assert_equal read "$(judged "$rule" 8.8.8.8 e.example:80)" denied
	assert_match -t "$(warned "$rule")" 'list:2: warning: .*: a domain and all below it is'
	assert_match -t "$(warned "$rule")" 'list: warning: 2 lines are not'
}

@test "what an index has for another condition is told" {
	printf 'a.example 192.0.2.0/24\n' >list
	index
	run -0 "$HANDLER" -t -f /dev/null -o "deny to @$PWD/list"
	assert_match to "$output" 'list" has addresses, too, which nothing looks'
	run -0 "$HANDLER" -t -f /dev/null -o "deny at @$PWD/list"
	assert_match at "$output" 'list" has names, too, which nothing looks'
	printf 'unix\n' >list
	index
	run -78 "$HANDLER" -t -f /dev/null -o "deny at @$PWD/list"
	assert_match at "$output" 'list" makes no sense here'
	printf '2001:db8:64::c000:200/120\n' >list
	index
	run -78 "$HANDLER" -t -f /dev/null -o "deny at @$PWD/list" \
	    -o 'nat64-prefix 2001:db8:64::/96'
	assert_match NAT64 "$output" 'list: a net inside a NAT64 prefix never'
}

@test "a broken index denies what it may hold, and -t says that it is broken" {
	local rule="deny to @$PWD/list"
	{
		seq -f 'n%g' 2000
		echo 8.8.8.8
	} >list
	index
	assert_equal whole "$(judged "$rule" 8.8.8.8 localhost:80)" allowed
	truncate -s 2300 list.cdb
	assert_equal broken "$(judged "$rule" 8.8.8.8 localhost:80)" denied
	run -71 "$HANDLER" -e -f /dev/null -o "allow from @$PWD/list" \
	    connect 8.8.8.8 9.9.9.9:80
	assert_match "the rule" "$output" $'\ndenied '
	run -78 "$HANDLER" -t -f /dev/null -o "$rule"
	assert_match -t "$output" 'list: its index is broken; --index makes it anew'
	index
	# An entry that cannot be found: its slot is empty.
	python3 - <<-'END'
		with open("list.cdb", "r+b") as file:
		    at = file.seek(-8, 2)
		    while file.read(8) == bytes(8):
		        at = file.seek(at - 8)
		    file.seek(at)
		    file.write(bytes(8))
	END
	run -78 "$HANDLER" -t -f /dev/null -o "$rule"
	assert_match -t "$output" 'list: its index is broken'
}

@test "a list that cannot be looked up is this host's failure, and nobody's denial" {
	local program
	for program in "$HANDLER" "$HANDLER_STATIC"; do
		run -0 alone "$CASES/unread.py" "$program"
		assert_match cases "$output" '^[0-9]+ cases, 0 failed$'
	done
}

@test "-t says what a long list costs" {
	seq -f 'n%g.example' 5000 >list
	assert_match -t "$(warned "deny to @$PWD/list")" \
	    '^list: warning: its 5000 entries cost [0-9]+ ms and [0-9]+ KiB each'
	index
	assert_equal "with an index" "$(warned "deny to @$PWD/list")" ""
	rm list.cdb
	echo 10.0.0.1 >list
	assert_equal "a short one" "$(warned "deny at @$PWD/list")" ""
}

@test "the fuzz target of indexes holds on its corpus" {
	cd "$ROOT"
	make -s build/replay/index
	build/replay/index tests/fuzz/corpus/index
}

@test "sessions look names, addresses and datagrams up" {
	net_needed
	local launcher
	printf 'v4.example.com 198.51.100.99 %s/128\n' "$S6" >list
	index
	for launcher in activate listen; do
		gateway_start $launcher "deny to @$PWD/list" \
		    "deny at @$PWD/list" "$NET_ALLOW"
		run client c4 --as name v4.example.com 7000 reply
		assert_match "the name, $launcher" "$output" ' rep=02 '
		run client c4 --as name hosted.example.com 7000 reply
		assert_match "another, $launcher" "$output" ' rep=00 '
		run client c4 "$S6" 7000 reply
		assert_match "the address, $launcher" "$output" ' rep=02 '
		run client c4 "$S4" 7000 reply
		assert_match "another, $launcher" "$output" ' rep=00 '
		gateway_stop
	done
}

# list_memory: KiB of the session's own, while it relays
list_memory() {
	local pid
	start held in_ns c4 "$PEERS/socks.py" "$GW4:1080" "$S4" 7000 hold
	wait_until sessions_are 1
	pid=$(session_pid)
	wait_until relays "$pid"
	awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"
	! readlink "/proc/$pid/fd"/* | grep cdb
	stop held
}

relays() { # PID
	[[ $(awk '/^Seccomp_filters/ { print $2 }' "/proc/$1/status") -eq 2 ]]
}

@test "a list that does not fit into memory denies, whatever its index" {
	seq -f 'n%g.example' 100000 >list
	echo last.example >>list
	echo a.example >other
	index other
	mv other.cdb list.cdb
	tick
	touch list
	local -i limit
	for ((limit = 9000; limit < 24000; limit += 500)); do
		(
			ulimit -v $limit
			"$HANDLER" -f /dev/null -o "deny to @$PWD/list" \
			    -o 'allow to .example via 127.0.0.1:9' \
			    -e connect 8.8.8.8 last.example:80 2>&1
		) >"said.$limit" || :
	done
	run -1 grep ^allowed said.*
	grep -q 'list: no memory' said.*
	grep -q ^denied said.*
}

@test "sixty rules with indexes leave a session its descriptors" {
	net_needed
	echo a.example | tee list >other
	index
	index other
	# Not the same twice: that would have one descriptor.
	local -i i
	for ((i = 1; i < 60; i += 2)); do
		echo "deny to @$PWD/list port $i"
		echo "deny to @$PWD/other port $((i + 1))"
	done >conf
	echo "$NET_ALLOW" >>conf
	run -0 "$HANDLER" -t -f "$PWD/conf"
	mapfile -t rules <conf
	gateway_start activate "${rules[@]}"
	run client c4 "$S4" 7000 reply
	assert_match reply "$output" " rep=00 "
	gateway_stop
}

@test "a session that relays has given its lists back" {
	net_needed
	seq -f 'n%g.example' 100000 >list
	awk 'BEGIN { for (i = 0; i < 100000; i++)
		printf "10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256 }' >nets
	gateway_start activate "deny from @$PWD/nets to @$PWD/list at @$PWD/nets" \
	    "inside @$PWD/nets" "$NET_ALLOW"
	run -0 list_memory
	[[ $output -lt 1000 ]] || fail "$output KiB"
	gateway_stop
	index
	gateway_start activate "deny to @$PWD/list" "$NET_ALLOW"
	run -0 list_memory
	[[ $output -lt 1000 ]] || fail "$output"
	gateway_stop
}
