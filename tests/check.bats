#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# -t, -T and -e through the handler, and a configuration that is replaced
# while sessions begin.  (The policy room alone: policy.bats.)

load lib/common

setup_file() {
	export PLACE
	PLACE=$(mktemp -d /tmp/socks64-check.XXXXXX)
	chmod 755 "$PLACE"
	mkdir -m 700 "$PLACE/state"
	[[ $EUID -ne 0 ]] || chown nobody "$PLACE/state"
}

teardown_file() {
	stop_all
	rm -rf "$PLACE"
	[[ -z ${NETNS:-} ]] || ip netns delete "$NETNS"
}

setup() {
	cd "$PLACE"
	umask 022
}

# A file that -t, as root, reads as nobody.
configure() {
	{
		cat
		echo 'user nobody'
		echo "state-dir $PLACE/state"
	} >c
}

# tested STATUS: -t on c, its lines in $stderr_lines.
tested() {
	# shellcheck disable=SC2154 # of bats
	run "-$1" --separate-stderr "$HANDLER" -t -f c
}

mine() {
	[[ $(id -u) -ne 0 ]] || chown nobody "$@"
}

@test "-t of a good file says so, and nothing else" {
	configure <<-'END'
		prefer ipv4
		allow connect from private port 80,443
	END
	tested 0
	assert_equal stdout "$output" "c: ok"
	assert_equal stderr "$stderr" ""
	run -0 --separate-stderr "$HANDLER_STATIC" -t -f c
	assert_equal stdout "$output" "c: ok"
}

@test "-t tells every error at once, of all kinds, each once with its line" {
	local line
	local -i wanted=10
	printf '10.0.0.0/8\n10.0.0.300\n' >list
	printf 'alice:plain\nbob\ncarol:!\n' >passwords
	chmod 600 passwords
	mine passwords
	printf '%s\n' 'prefre ipv4' 'idle-timeout 400d' 'auth password' \
	    "password-file $PLACE/passwords" 'interface none0' \
	    "allow at @$PLACE/list" 'allow to 10.0.0.5' 'allow port 0-70000' \
	    'allow via gateway.example' "state-dir $PLACE/state" >c
	run -78 --separate-stderr "$HANDLER" -t -o 'mark x' \
	    -o 'user nosuch' -f c
	assert_equal stdout "$output" ""
	while read -r line; do
		grep -qF -- "$line" <<<"$stderr" || fail "no $line in" "$stderr"
		assert_equal "$line" "$(grep -cF -- "$line" <<<"$stderr")" 1
	done <<-END
		-o:1: mark: "x"
		c:1: unknown keyword "prefre": the nearest is "prefer"
		c:2: idle-timeout: "400d" is out of range: 0 to 365d
		c:5: interface: cannot be set: No such device
		$PLACE/list:2: "10.0.0.300" is no address
		c:7: to takes names; for an address write: at 10.0.0.0/8
		c:8: "0-70000"
		c:9: "gateway.example" is no HOST:PORT
		$PLACE/passwords:1: the hash is none that crypt(3) knows
		$PLACE/passwords:2: no \`user:hash'
	END
	# Nobody else becomes anybody.
	if [[ $EUID -eq 0 ]]; then
		assert_match user "$stderr" '-o:2: user: the user is not in /etc/passwd'
		wanted+=1
	fi
	assert_equal lines "$(wc -l <<<"$stderr")" "$wanted"
}

@test "-t tells every error of one line" {
	printf '%s\n' 'allow user x from 10.0.0.1/8 port 0,80,99999 at nowhere' \
	    'allow from 10.0.0.1/8 foo port 0' 'ftp-port 0 21 99999' \
	    'resolver x 127.0.0.1 y' 'nat64-prefix ::1 10.0.0.0/8' \
	    'auth nine ten' >c
	run -78 --separate-stderr "$HANDLER" -t -f c
	assert_equal places "$(cut -d ' ' -f 1-3 <<<"$stderr")" "$(cat <<-'END'
		c:1: "10.0.0.1/8" has
		c:1: "0" is
		c:1: "99999" is
		c:1: "nowhere" is
		c:2: "10.0.0.1/8" has
		c:3: ftp-port: "0"
		c:3: ftp-port: "99999"
		c:4: resolver: "x"
		c:4: resolver: "y"
		c:5: nat64-prefix: "::1"
		c:5: nat64-prefix: "10.0.0.0/8"
		c:6: auth: "nine"
		c:6: auth: "ten"
	END
	)"
	run -78 --separate-stderr "$HANDLER" -t -f /dev/null \
	    -o 'idle-timeout 100000000000000000000000000000000d'
	assert_match range "$stderr" 'is out of range: 0 to 365d'
}

@test "an empty file is an error, for -t and for a session; a comment is none" {
	: >c
	tested 78
	assert_match error "$stderr" '^c: is empty'
	run -78 --separate-stderr "$HANDLER" -f c -e connect 127.0.0.1 192.0.2.1:80
	[[ $stderr == 'c: is empty'* ]]
	echo '#' >c
	tested 0
	run -0 --separate-stderr "$HANDLER" -t -f /dev/null
}

@test "-t doubts rules that do less or more than they seem to" {
	local rules wanted
	echo '# nothing yet' >empty-list
	while IFS='|' read -r rules wanted; do
		rules=${rules//@/@$PWD/}
		tr ';' '\n' <<<"$rules" | configure
		tested 0
		if [[ -n $wanted ]]; then
			assert_match "$rules" "$stderr" "$wanted"
		else
			assert_equal "$rules" "$stderr" ''
		fi
	done <<-'END'
		deny to x.example;deny port 25|^c:1: warning: no rule allows anything
		allow from private at 10.0.0.0/8;allow from private at 192.0.2.0/24|^c:1: warning: neither this rule nor another one reaches a global address
		allow from private at 10.0.0.0/8;allow from private at 8.8.8.0/24|
		allow from private at fd00::/8;allow from private at 10.0.0.0/8|^c:1: warning: neither this rule nor another one reaches a global address
		allow from private at fd00::/8;allow from private at 2600::/12|
		allow from private;deny from fd00:1::/32|^c:2: warning: it comes too late
		metrics-file /none/x.prom;allow from private|^c:1: warning: metrics-file: its directory cannot be written by this user: there will be no figures
		allow from private at any|
		allow from private|
		allow|^c:1: warning: it serves whoever can reach the gateway
		allow from private;allow from private port 80|^c:2: warning: it never matches: c:1 above it
		allow from private port 80;allow from private|
		deny to .example;allow from private to .example|^c:2: warning: it never matches
		allow from private to .example;deny from private to .example|^c:2: warning: it comes too late: c:1 above it allows what it would deny
		allow from private;deny to .evil.example|
		allow all user *,- from any;deny to .evil.example|
		allow all from private;deny from 10.0.0.1 to .evil.example|^c:2: warning: it comes too late
		allow from private;deny from private port 25|^c:2: warning: it comes too late
		allow from private;deny from private port 25;allow from private at 10.0.0.0/8|
		allow from private;deny from private port 25;allow bind from private|
		allow from private;deny|
		allow from private;allow from 10.1.0.0/16,192.168.1.1|^c:2: warning: it never matches: c:1 above it
		allow from private;allow from 10.0.0.0/7|
		allow from 10.0.0.0/8;allow from 10.1.0.0/16|^c:2: warning: it never matches
		allow from 10.0.0.0/8;allow from private|
		allow from private port 80,1024-2000;allow from private port 1500,80|^c:2: warning: it never matches
		allow from private port 80;allow from private port 80,443|
		deny to .example,x.test;allow from private to www.a.example,X.test|^c:2: warning: it never matches
		deny to .example,x.test;allow from private to a.x.test|
		deny to name;allow from private to .example|^c:2: warning: it never matches
		deny to name;allow from private to literal|
		allow from private at any;allow from private at 10.0.0.0/8|
		deny at any;allow from private at 10.0.0.0/8|c:2: warning: it never matches
		deny from 10.0.0.0/8;allow from private|
		deny to @empty-list;allow from private|^c:1: warning: it never matches: a list of it is empty
		deny at @empty-list;allow from private|^c:1: warning: it never matches: a list of it is empty
		allow all from private;allow udp from private user alice|c:2: warning: it never matches
	END
}

@test "-t: a source that this host lacks, a user that is nobody's, who may write" {
	configure <<<'source 203.0.113.7'
	tested 0
	assert_match source "$stderr" '^c:1: warning: source: 203.0.113.7: '
	configure <<<'source 127.0.0.1'
	tested 0
	assert_equal source "$stderr" ''
	chmod 666 c
	tested 0
	assert_match mode "$stderr" '^c: warning: others than its owner may write it'
	mkdir -p -m 777 open
	cp c open/c
	chmod 644 c open/c
	run -0 --separate-stderr "$HANDLER" -t -f open/c
	assert_match directory "$stderr" '^open: warning: others than'
	need root
	chown daemon c
	tested 0
	assert_match owner "$stderr" '^c: warning: its owner is neither root nor'
	chown root c
	! getent passwd socks64 >/dev/null || skip 'socks64 is here'
	run -0 --separate-stderr "$HANDLER" -t -f /dev/null
	assert_match nobody "$stderr" 'warning: user: there is no socks64'
}

@test "hashes of several schemes are warned of, once" {
	printf '%s\n' 'a:$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00' \
	    'b:!' 'c:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/' \
	    'd:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/' >passwords
	chmod 600 passwords
	mine passwords
	run -0 --separate-stderr "$HANDLER" -t -f /dev/null \
	    -o "password-file $PLACE/passwords" -o 'auth password'
	assert_equal warnings \
	    "$(grep -o 'passwords:.*another scheme' <<<"$stderr")" \
	    "passwords:3: warning: the hash is of another scheme"
}

@test "warnings of -t are told, and the file is ok" {
	configure <<<'auth none password'
	printf 'alice:!\n' >passwords
	chmod 644 passwords
	sed -i "1a password-file $PLACE/passwords" c
	sed -i "s|state-dir .*|state-dir $PLACE/nothing|" c
	tested 0
	assert_equal stdout "$output" "c: ok"
	assert_match warning "$stderr" "c:1: warning: auth: none stands before password"
	assert_match warning "$stderr" "passwords: warning: everybody may read it: chmod o-r"
	assert_match warning "$stderr" "c:4: warning: state-dir: $PLACE/nothing: No such file"
	assert_equal lines "$(wc -l <<<"$stderr")" 3
}

@test "-t warns of rules for users where nobody is asked for a password" {
	configure <<-'END'
		allow user alice,bob at 10.0.0.5 port 22
		allow user * from private
		allow user uid=1000,alice
		allow user -
		allow from private
	END
	local warning="user: .auth' has no password, so nobody has a name and this rule matches nobody"
	sed -i '$a ftp-alg off' c
	tested 0
	assert_match alice "$stderr" "c:1: warning: $warning"
	assert_match anybody "$stderr" "c:2: warning: $warning"
	assert_equal lines "$(wc -l <<<"$stderr")" 2
	printf 'alice:%s\n' "$(openssl passwd -6 x)" >passwords
	chmod 640 passwords
	printf '%s\n' 'auth password' "password-file $PLACE/passwords" >>c
	tested 0
	assert_equal stderr "$stderr" ""
}

@test "-t warns of a state-dir that is no directory, or not ours to write" {
	configure </dev/null
	touch file
	sed -i "s|state-dir .*|state-dir $PLACE/file|" c
	tested 0
	assert_match file "$stderr" "state-dir: $PLACE/file: Not a directory"
	mkdir -m 555 read-only
	sed -i "s|state-dir .*|state-dir $PLACE/read-only|" c
	tested 0
	assert_match file "$stderr" "state-dir: $PLACE/read-only.*: Permission denied"
	mkdir -m 777 anybodys
	chmod 777 anybodys
	sed -i "s|state-dir .*|state-dir $PLACE/anybodys|" c
	tested 0
	assert_match file "$stderr" "state-dir: $PLACE/anybodys may be written by others"
}

@test "as root, -t reads what the user may read" {
	[[ $(id -u) -eq 0 ]] || skip "needs root"
	printf 'alice:!\n' >passwords
	chmod 600 passwords
	chown root passwords
	echo 10.0.0.0/8 >list
	chmod 600 list
	configure <<-END
		auth password
		password-file $PLACE/passwords
		allow at @$PLACE/list
	END
	tested 78
	assert_match passwords "$stderr" \
	    "$PLACE/passwords: cannot read it: Permission denied"
	assert_match list "$stderr" \
	    "c:3: cannot read \"$PLACE/list\": Permission denied"
	chown nobody passwords list
	tested 0
	chmod 600 c
	tested 78
	assert_match c "$stderr" "^c: .user' may not read it: Permission denied"
	chown nobody c
	tested 0
	# A new file in a place of root's own is about to be moved.
	mkdir -m 700 private
	cp c private/new
	chmod 644 private/new
	run -0 --separate-stderr "$HANDLER" -t -f private/new
	assert_match new "$stderr" "^private/new: warning: .user' may not read"
}

@test "-t: who may write lists, indexes, passwords, and the directories they are in" {
	need root
	echo 10.0.0.0/8 >list
	"$HANDLER" --index list 2>&1
	printf 'alice:!\n' >passwords
	chmod 600 passwords
	mine passwords
	configure <<-END
		auth password none
		password-file $PLACE/passwords
		via-password-file hop.example:1080 $PLACE/hop
		allow via hop.example:1080 from @$PLACE/list
		allow from @$PLACE/../${PLACE##*/}/list at 9.9.9.9
	END
	printf 'user:password\n' >hop
	chmod 600 hop
	mine hop
	cp -p c plain
	tested 0
	assert_equal quiet "$stderr" ''
	local file
	for file in list list.cdb; do
		chmod 664 $file
		tested 0
		assert_equal "$file" "$(grep -c 'others than its owner' <<<"$stderr")" 1
		assert_match "$file" "$stderr" \
		    "^$PLACE/$file: warning: others than its owner may write it"
		chmod 644 $file
	done
	for file in list list.cdb passwords hop; do
		chown daemon $file
		chmod a+r $file
		tested 0
		assert_equal "$file" "$(grep -c 'its owner is' <<<"$stderr")" 1
		assert_match "$file" "$stderr" \
		    "$PLACE/$file: warning: its owner is neither root nor"
		chown root $file
		mine passwords hop
		chmod o-r passwords hop
	done
	# A directory, and one that a symlink leads to or through.
	for file in list passwords hop; do
		mkdir "of-$file"
		cp -p $file "of-$file/"
		ln -s "of-$file" "link-$file"
		ln -sf "$PLACE/link-$file/$file" "to-$file"
		for way in "of-$file/$file" "link-$file/$file" "to-$file"; do
			sed "s|$PLACE/$file\$|$PLACE/$way|" plain >c
			chmod 755 "of-$file"
			tested 0
			assert_equal quiet "$stderr" ''
			chmod 775 "of-$file"
			tested 0
			assert_match "$way" "$stderr" \
			    "^$PLACE/(of|link)-$file: warning: others than"
			assert_equal "$way" "$(wc -l <<<"$stderr")" 1
			chmod 1777 "of-$file"
			tested 0
			assert_equal quiet "$stderr" ''
		done
	done
}

@test "-t says where there are more files than it can look at" {
	local -i n
	mkdir lists
	for ((n = 0; n < 300; n++)); do
		echo 10.0.0.0/8 >lists/$n
		echo "allow from @$PLACE/lists/$n port $((n + 1))"
	done | configure
	tested 0
	assert_match c "$stderr" '^c: warning: it names more files than'
}

@test "what standard output does not take is 71, whatever was asked" {
	local words
	for words in -t -T '-e connect 127.0.0.1 127.0.0.1:80' -h -V; do
		# shellcheck disable=SC2016 # the inner shell's
		run -71 bash -c '"$1" -f /dev/null $2 >/dev/full' bash \
		    "$HANDLER" "$words"
	done
}

@test "-t says what a login costs in time and memory where that is much, in seconds" {
	local digits letters scrypt costly
	printf -v digits 'x%.0s' {1..86}
	letters=${digits:43}
	scrypt='$7$CU..../....salt$'$letters
	{
		echo "a:\$6\$rounds=900000\$salt\$$digits"
		echo "b:\$6\$rounds=900000\$other\$$digits"
		echo "c:\$6\$salt\$$digits"
		echo "d:\$7\$4/..../....salt\$$letters"
		echo "e:$scrypt"
		echo "f:$scrypt"
		echo "g:\$7\$QU..../....salt\$$letters"
		# hours
		echo "h:\$6\$rounds=999999999\$salt\$$digits"
		echo "i:!"
	} >passwords
	chmod 600 passwords
	mine passwords
	configure <<-END
		auth password none
		password-file $PLACE/passwords
		allow from private
	END
	run -0 --separate-stderr timeout 60 "$HANDLER" -t -f c
	costly=$(grep -v 'of another scheme' <<<"$stderr")
	assert_match time "$costly" "$PLACE/passwords:1: warning: a login by such a hash costs [0-9]+ ms of CPU, and so does a wrong one"
	assert_match memory "$costly" "$PLACE/passwords:5: warning: a login by such a hash costs [0-9]+ ms of CPU and 6[45] MiB of memory, and"
	assert_match "too much memory" "$costly" "$PLACE/passwords:7: warning: a login by such a hash needs more than 1024 MiB"
	assert_match endless "$costly" "$PLACE/passwords:8: warning: a login by such a hash costs more than 2 s of CPU"
	assert_equal lines "$(wc -l <<<"$costly")" 4
	local -i n
	for ((n = 1000; n < 1009; n++)); do
		echo "u$n:\$6\$rounds=$n\$salt\$$digits"
	done >passwords
	tested 0
	assert_match many "$stderr" "^$PLACE/passwords: warning: its hashes have so many costs"
	sed -i 1d passwords
	tested 0
	assert_equal eight "$stderr" ''
	for n in {1..9}; do
		echo "u$n:_J9..${n}aaaBYk8r9AiWNc" # of one cost, each with its salt
	done >passwords
	tested 0
	[[ $stderr != *"so many costs"* ]] || fail "$stderr"
}

@test "a password file that others may write, or that is missing, is 78 for -t and sessions" {
	printf 'alice:!\n' >passwords
	chmod 622 passwords
	mine passwords
	configure <<-END
		auth password
		password-file $PLACE/passwords
	END
	tested 78
	assert_match -t "$stderr" "others than its owner may write it: chmod go-w"
	run -0 --separate-stderr "$TESTS/probe/hand.py" "$HANDLER" -f c
	assert_equal session "$output" "78 3 0"
	assert_match session "$stderr" "others than its owner may write it"
	rm passwords
	tested 78
	run -0 --separate-stderr "$TESTS/probe/hand.py" "$HANDLER" -f c
	assert_equal session "$output" "78 3 0"
}

@test "what cannot be set for outgoing connections is 78, before a byte is read" {
	configure <<<'interface none0'
	tested 78
	assert_match -t "$stderr" "^c:1: interface: cannot be set: No such device"
	run -0 --separate-stderr "$TESTS/probe/hand.py" "$HANDLER" -f c
	assert_equal session "$output" "78 3 0"
	assert_match session "$stderr" "c:1: interface: cannot be set: No such device"
}

@test "-t and -e find of hosts and resolv.conf what the user may read" {
	local file
	need mounts
	echo '192.0.2.80 hosted.test' >hosts
	echo 'nameserver 127.0.0.1' >resolv.conf
	configure <<<'allow all at any'
	for file in hosts resolv.conf; do
		chmod 644 hosts resolv.conf
		run -0 --separate-stderr with_files "$HANDLER" -t -f c
		[[ $stderr != *"/etc/$file"* ]]
		run -0 with_files "$HANDLER" -f c -e connect 192.0.2.1 \
		    hosted.test:80
		chmod 600 "$file"
		run -0 --separate-stderr with_files "$HANDLER" -t -f c
		assert_match warning "$stderr" \
		    "/etc/$file: .*may not read it: Permission denied"
	done
	chmod 600 hosts resolv.conf
	run -69 with_files "$HANDLER" -f c -e connect 192.0.2.1 hosted.test:80
	assert_match reason "$output" \
	    'hosted.test; /etc/hosts cannot be read; /etc/resolv.conf cannot be read'
}

# with_files COMMAND...: with the hosts and resolv.conf of this directory, and
# nobody to ask.
with_files() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --net sh -c 'mount --bind hosts /etc/hosts &&
	    mount --bind resolv.conf /etc/resolv.conf && exec "$@"' sh "$@"
}

@test "mark without its capability is 78; to -t of no root a warning" {
	local line
	need root net-admin
	# The project may stand where nobody else may look.
	cp "$TESTS/probe/hand.py" "$HANDLER" .
	for line in 'mark 7' 'allow from private mark 7'; do
		configure <<<"$line"
		tested 0
		run -0 --separate-stderr setpriv --reuid nobody \
		    --regid nogroup --clear-groups --inh-caps=-all \
		    --bounding-set=-all ./hand.py ./socks64-handler -f c
		assert_equal "$line: session" "$output" "78 3 0"
		assert_match "$line: session" "$stderr" \
		    "c:1: mark: cannot be set: Operation not permitted"
		run -0 --separate-stderr setpriv --reuid nobody \
		    --regid nogroup --clear-groups ./socks64-handler -t -f c
		assert_match "$line: -t" "$stderr" \
		    "c:1: warning: mark: .*; the service needs CAP_NET_ADMIN"
	done
	# One that no socket needs to be given.
	configure <<<'allow from private mark 0'
	run -0 --separate-stderr setpriv --reuid nobody --regid nogroup \
	    --clear-groups ./socks64-handler -t -f c
	[[ $stderr != *mark:* ]] || fail "$stderr"
}

@test "64 options -o, and one too many" {
	local -a options=()
	local n
	for n in {1..64}; do
		options+=(-o 'allow all')
	done
	run -0 "$HANDLER" -T -f /dev/null "${options[@]}"
	assert_equal rules "$(grep -cE '^allow all( |$)' <<<"$output")" 64
	run -64 "$HANDLER" -T -f /dev/null "${options[@]}" -o 'allow all'
	assert_match told "$output" 'too many options -o'
}

@test "CRLF, a megabyte of comments, a NUL byte, no file at all" {
	{
		yes '# nothing here but words and words' | head -c 1048576
		printf '\nprefer ipv4\r\nuser nobody\r\nstate-dir /tmp\r\n'
		printf 'idle-timeout 5s'
	} >c
	tested 0
	run -0 "$HANDLER" -T -f c
	assert_match dump "$output" $'\nprefer ipv4\n'
	printf 'prefer ipv4\nmark 7\0\n' >c
	tested 78
	assert_match NUL "$stderr" "^c:2: a NUL byte: this is no text"
	run -0 --separate-stderr "$TESTS/probe/hand.py" "$HANDLER" -f c
	assert_equal session "$output" "78 3 0"
	run -78 "$HANDLER" -t -f nothing
	assert_match nothing "$output" "^nothing: cannot read it: No such file"
	run -78 "$HANDLER" -T -f nothing
	run -78 "$HANDLER" -f nothing -e connect 10.0.0.1 9.9.9.9:80
}

@test "no memory for the file is 71, not its fault" {
	local mode
	# 40 MB of comments, and 20 MB of address space.
	yes '# a comment' | head -c 40000000 >c
	for mode in -t -T; do
		# shellcheck disable=SC2016 # for the inner shell
		run -71 --separate-stderr sh -c 'ulimit -v 20000; exec "$@"' \
		    sh "$HANDLER_STATIC" $mode -f c
		assert_match "$mode" "$stderr" '^c: .*[mM]emory'
	done
	chmod 644 c
	# shellcheck disable=SC2016 # for the inner shell
	run -0 --separate-stderr "$TESTS/probe/hand.py" sh -c \
	    'ulimit -v 20000; exec "$@"' sh "$HANDLER_STATIC" -f "$PLACE/c"
	assert_equal session "$output" "71 3 0"
	rm c
}

# starved NUMBER ALL OPTION: that allocation fails in -t or -T, or it and all
# behind it: a line says so, and no signal ends it; else $wrong is set.  False:
# that, or there are not so many.
starved() {
	local said status=0
	said=$(env STARVE="$1" ${2:+STARVE_ALL=1} \
	    LD_PRELOAD="$ROOT/build/tests/probe/starve.so" \
	    "$HANDLER" "$3" -f c 2>&1 >/dev/null) || status=$?
	[[ $said == *starved* ]] || return 1
	# 0: it was a library's, which did without.
	[[ $status -eq 0 ]] || {
		[[ $status -eq 71 || $status -eq 78 ]] &&
		    grep -qv starved <<<"$said"
	} || wrong="$*: status $status, $said"
	[[ -z $wrong ]]
}

@test "each allocation that fails is a line and 71 or 78, wherever it is" {
	local option number wrong=''
	make -s -C "$ROOT" build/tests/probe/starve.so
	configure <<-END
		auth none password
		password-file $PLACE/passwords
		source 2001:db8::1
		allow user alice from 10.0.0.0/8 to example.org port 80
		allow at loopback
	END
	"$PEERS/hashes.py" secret | sed 's/^/alice:/' >passwords
	chmod 600 passwords
	[[ $EUID -ne 0 ]] || chown nobody passwords
	for option in -t: -T: -T:all; do
		number=1
		while starved "$number" "${option#*:}" "${option%:*}"; do
			number=$((number + 1))
		done
		[[ -z $wrong ]] || fail "$wrong"
		[[ $number -gt 20 ]] || fail "$option: $number"
	done
}

@test "-T fed back gives the same output" {
	local link
	for link in "$HANDLER" "$HANDLER_STATIC"; do
		"$link" -T >once
		"$link" -T -f once >twice
		diff -u once twice
		cat >c <<-'END'
			auth password none
			handshake-timeout 90s
			idle-timeout 0
			prefer ipv6
			resolver 192.0.2.1 [2001:db8::53]:5353 fe80::1%eth0 [fe80::1%2]:54
			source 192.0.2.2
			source 2001:db8::2
			mark 0x123
			listen-ports 5000-5999
			proxy-protocol-from 10.0.0.0/8 unix
			nat64-prefix 2001:db8:64::/96
			log-start on
			sandbox off
			deny all to .example at any port 25
			allow connect udp user alice,* from 10.0.0.0/8
			allow user bob source 192.0.2.3 source 2001:db8:1::/64 mark 0x7
			allow
		END
		"$link" -T -o 'prefer=ipv4' -o 'deny port 1' -f c >once
		"$link" -T -f once >twice
		diff -u once twice
		grep -qx 'prefer ipv4' twice
		grep -qx 'deny port 1' twice
	done
}

@test "-e says how to ask it" {
	local -a queries=('' 'connect' 'connect 10.0.0.1'
	    'connect 10.0.0.1 9.9.9.9' 'connect 10.0.0.1 9.9.9.9:70000'
	    'connect 10.0.0.1 9.9.9.9:x' 'connect 10.0.0 9.9.9.9:80'
	    'connect unix:uid= 9.9.9.9:80' 'connect unix:uid=1x 9.9.9.9:80'
	    'connect unix:uid=99999999999 9.9.9.9:80'
	    'connect 10.0.0.1 127.1:80' 'connect 10.0.0.1 0x7f.1:80'
	    'connect 10.0.0.1 2130706433:80' 'connect 10.0.0.1 [fe80::1%lo]:80'
	    'connect 10.0.0.1 :80' 'listen 10.0.0.1 9.9.9.9:80'
	    'connect 10.0.0.1 9.9.9.9:80 alice more')
	local query
	for query in "${queries[@]}"; do
		# shellcheck disable=SC2086 # words
		run -64 --separate-stderr "$HANDLER" -f /dev/null -e $query
		assert_equal "$query: stdout" "$output" ""
		assert_equal "$query: lines" "$(wc -l <<<"$stderr")" 1
	done
}

@test "-e: 0 allowed, 1 denied, 69 no address" {
	run -0 "$HANDLER" -f /dev/null -e connect 10.0.0.1 9.9.9.9:443
	assert_equal first "${lines[0]}" "allowed default"
	assert_equal second "${lines[1]}" "9.9.9.9 allowed default"
	assert_equal third "${lines[2]}" "via -"
	assert_match fourth "${lines[3]}" "^source "
	run -1 "$HANDLER" -f /dev/null -e connect 10.0.0.1 10.0.0.5:22
	assert_equal first "${lines[0]}" "denied default"
	assert_equal second "${lines[1]}" \
	    "10.0.0.5 denied 10.0.0.5 is private and no rule opens it"
	run -69 --separate-stderr "$HANDLER" -f /dev/null -e connect \
	    10.0.0.1 www.example.onion:80
	assert_match why "$stderr" "is an onion name, which is never looked up"
	run -69 --separate-stderr "$HANDLER" -o 'prefer ipv6-only' \
	    -f /dev/null -e connect 10.0.0.1 9.9.9.9:80
	assert_match why "$stderr" "excludes the family"
	run -78 --separate-stderr "$HANDLER" -o 'prefer x' -f /dev/null \
	    -e connect 10.0.0.1 9.9.9.9:80
}

@test "-e: rules of a file by their line, users, unix-domain clients" {
	cat >c <<-'END'
		# people
		deny user mallory
		allow user alice at 10.0.0.5 port 22

		allow from unix user uid=1000 at 10.0.0.0/8
		allow udp port 53
	END
	run -0 "$HANDLER" -f c -e connect 8.8.8.8 10.0.0.5:22 alice
	assert_equal first "${lines[0]}" "allowed c:3"
	run -1 "$HANDLER" -f c -e connect 8.8.8.8 9.9.9.9:22 mallory
	assert_equal first "${lines[0]}" "denied c:2"
	assert_equal second "${lines[1]}" "- denied denied by c:2"
	run -0 "$HANDLER" -f c -e connect unix:uid=1000 10.0.0.6:80
	assert_equal first "${lines[0]}" "allowed c:5"
	run -1 "$HANDLER" -f c -e connect unix:uid=1001 10.0.0.6:80
	assert_equal first "${lines[0]}" "denied default"
	run -0 "$HANDLER" -f c -e UDP 8.8.8.8 9.9.9.9:53
	assert_equal first "${lines[0]}" "allowed c:6"
	run -1 "$HANDLER" -f c -e bind 8.8.8.8 9.9.9.9:0
}

@test "-e is 78 where a session would be for its interface" {
	run -78 --separate-stderr "$HANDLER" -f /dev/null \
	    -o 'interface none0' -e connect 127.0.0.1 9.9.9.9:80
	assert_equal stdout "$output" ""
	assert_equal stderr "$stderr" \
	    "-o:1: interface: cannot be set: No such device"
	run -0 "$HANDLER" -f /dev/null -o 'interface lo' -e connect \
	    127.0.0.1 9.9.9.9:80
}

@test "-e: who cannot log in asks nothing, and - is nobody" {
	local long
	printf -v long '%0256d' 0
	echo 'allow user *' >c
	run -64 --separate-stderr "$HANDLER" -f c -e connect 8.8.8.8 \
	    9.9.9.9:80 ''
	assert_match why "$stderr" '1 to 255 octets'
	run -64 --separate-stderr "$HANDLER" -f c -e connect 8.8.8.8 \
	    9.9.9.9:80 "$long"
	run -0 "$HANDLER" -f c -e connect 8.8.8.8 9.9.9.9:80 "${long#0}"
	run -1 "$HANDLER" -f c -e connect 8.8.8.8 9.9.9.9:80 -
	run -1 "$HANDLER" -f c -e connect 8.8.8.8 9.9.9.9:80
}

@test "-e: a unix-domain client gets no BIND and no UDP, as in a session" {
	local command
	echo 'allow all user uid=4294967294 at any' >c
	for command in bind udp; do
		run -1 "$HANDLER" -f c -e $command unix:uid=4294967294 \
		    9.9.9.9:80
		assert_equal first "${lines[0]}" "denied default"
		assert_match why "${lines[1]}" '^- denied unix-domain clients '
	done
	run -0 "$HANDLER" -f c -e connect unix:uid=4294967294 9.9.9.9:80
}

@test "-e and live sessions agree with the truth table, row by row" {
	[[ $(id -u) -eq 0 ]] || skip "network namespaces need root"
	export NETNS=s64-$$-judged
	ip netns add "$NETNS" 2>/dev/null ||
	    { unset NETNS; skip "network namespaces are not allowed here"; }
	ip -n "$NETNS" link set lo up
	run ip netns exec "$NETNS" unshare --mount sh -c \
	    'mount -t tmpfs -o mode=755 tmpfs /run; exec "$@"' sh \
	    "$CASES/judged.py" "$HANDLER" "$TESTS/vectors/policy/rules.table"
	ip netns delete "$NETNS"
	unset NETNS
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "a file replaced by rename under load: no session fails" {
	run -0 alone "$CASES/replacing.py" "$HANDLER" "$PLACE"
	assert_match output "$output" '^[0-9]+ sessions, [0-9]+ replacements$'
}
