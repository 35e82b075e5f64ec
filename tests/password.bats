#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The password file: who may log in, and what is said of the file.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/.."
	make -s build/tests/password
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	PASSWORD="$BATS_TEST_DIRNAME/../build/tests/password"
	umask 077
	unset CREDENTIALS_DIRECTORY
}

# hash PASSWORD [SETTING]
hash() {
	"$BATS_TEST_DIRNAME/peers/hashes.py" "$@"
}

users() {
	printf 'alice:%s\nbob:%s:rest:of it\n' "$(hash secret)" \
	    "$(hash other '$6$anothersalt')" >p
}

accepted() {
	run -0 "$PASSWORD" check "$@"
	[ -z "$output" ]
}

refused() {
	run -1 "$PASSWORD" check "$@"
	[ -z "$output" ]
}

@test "right, wrong and unknown" {
	users
	accepted ./p alice secret
	accepted ./p bob other
	refused ./p alice other
	refused ./p alice secre
	refused ./p alice secretx
	refused ./p alice ''
	refused ./p carol secret
	refused ./p '' secret
	refused ./p Alice secret
	refused ./p alic secret
	refused ./p alicex secret
}

@test "the first line's password opens no other name" {
	users
	refused ./p carol secret
	refused ./p bob secret
}

@test "octets that are no text stay what they are" {
	printf 'alice:%s\n' "$(hash secret)" >p
	refused ./p 'alice' 'secret\x00'
	refused ./p 'alice' 'secret\x00more'
	refused ./p 'alice\x00' secret
	refused ./p 'alice\x0a' secret
	refused ./p 'alice:x' secret
	printf 'al\303\266:%s\n' "$(hash $'p\303\244ss ')" >p
	accepted ./p 'al\xc3\xb6' 'p\xc3\xa4ss '
}

@test "every scheme that libcrypt knows" {
	local prefix tried=0
	for prefix in '$6$salt' '$5$salt' '$1$salt' 'ab' \
	    '$2b$04$abcdefghijklmnopqrstuu' '$y$j75$saltsaltsalt' \
	    '$gy$j75$saltsaltsalt' '$7$5/..../....salt'; do
		printf 'u:%s\n' "$(hash right "$prefix")" >p
		grep -q '^u:\(None\|\*\)' p && continue # not in this libcrypt
		accepted ./p u right
		refused ./p u wrong
		tried=$((tried + 1))
	done
	[ "$tried" -ge 6 ]
}

@test "openssl passwd -6 makes a line" {
	command -v openssl >/dev/null || skip "no openssl here"
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" >p
	accepted ./p alice secret
	refused ./p alice secreT
}

@test "locked, empty and impossible hashes let nobody in" {
	local hash
	for hash in '' '*' '!' '*0' '*1' '!'"$(hash x)" x secret '$6$salt$'; do
		printf 'alice:%s\n' "$hash" >p
		refused ./p alice secret
		refused ./p alice x
		refused ./p alice ''
		refused ./p alice "$hash"
	done
	printf 'alice\n' >p
	refused ./p alice ''
	: >p
	refused ./p alice secret
}

@test "comments, CRLF, empty lines, a missing last line end" {
	printf '# people\r\n\r\n#alice:x\nalice:%s\r\nbob:%s' \
	    "$(hash secret)" "$(hash other)" >p
	accepted ./p alice secret
	accepted ./p bob other
	refused ./p '#alice' x
}

@test "the first line of a name counts" {
	printf 'alice:%s\nalice:%s\n' "$(hash one)" "$(hash two)" >p
	accepted ./p alice one
	refused ./p alice two
}

@test "the user behind ten thousand others, across every buffer" {
	/usr/bin/python3 -c '
for i in range(10000):
    print("user%d:$6$salt$nothing" % i)' >p
	printf 'alice:%s\n' "$(hash secret)" >>p
	accepted ./p alice secret
	refused ./p user9999 secret
}

# A line that is too long is none, and its tail is no line of its own.
@test "the tail of an endless line is no line" {
	local length
	for length in 2040 2047 2048 4094 4095 4096 4097 8190 8191 10000; do
		{
			head -c "$length" /dev/zero | tr '\0' x
			printf 'alice:%s\nbob:%s\n' "$(hash secret)" \
			    "$(hash other)"
		} >p
		refused ./p alice secret
		accepted ./p bob other
	done
}

@test "a file that others may write is refused" {
	users
	for mode in 620 602 666 660; do
		chmod "$mode" p
		run -78 "$PASSWORD" check ./p alice secret
		[[ $output == './p: others than its owner may write it: chmod go-w' ]]
	done
}

@test "a file that everybody may read gives a warning" {
	users
	chmod 644 p
	run -0 "$PASSWORD" check ./p alice secret
	[ "$output" = './p: warning: everybody may read it: chmod o-r' ]
	chmod 640 p
	accepted ./p alice secret
}

@test "a file that is not there, or no file, is named" {
	run -78 "$PASSWORD" check ./nothing alice secret
	[ "$output" = './nothing: cannot read it: No such file or directory' ]
	run -78 "$PASSWORD" check "$PWD/" alice secret
	[ "$output" = "$PWD/: is no regular file" ]
	mkfifo fifo
	run -78 "$PASSWORD" check ./fifo alice secret
	[ "$output" = './fifo: is no regular file' ]
}

@test "a name without a slash is a credential" {
	users
	mkdir credentials
	mv p credentials/people
	export CREDENTIALS_DIRECTORY=$PWD/credentials
	accepted people alice secret
	refused people alice wrong
	users
	chmod 666 credentials/people
	run -78 "$PASSWORD" check people alice secret
	[ "$output" = "$PWD/credentials/people: others than its owner may write it: chmod go-w" ]
}

@test "without the credential it is the file in /etc" {
	[ ! -e /etc/socks64/passwords ] || skip "this machine has /etc/socks64/passwords"
	export CREDENTIALS_DIRECTORY=$PWD
	run -78 "$PASSWORD" check people alice secret
	[[ $output == "/etc/socks64/passwords: cannot read it: No such file or directory; "* ]]
	unset CREDENTIALS_DIRECTORY
	run -78 "$PASSWORD" check people alice secret
	[[ $output == "/etc/socks64/passwords: cannot read it: No such file or directory; "* ]]
}

@test "-t names each line that lets nobody in" {
	printf 'alice:%s\n# x\nbob\n:x\ncarol:plain\ndave:!\n%0300d:%s\n' \
	    "$(hash secret)" 0 "$(hash x)" >p
	run -78 "$PASSWORD" examine ./p
	[ "${lines[0]}" = "./p:3: no \`user:hash' (openssl passwd -6 makes a hash)" ]
	[ "${lines[1]}" = "./p:4: no \`user:hash' (openssl passwd -6 makes a hash)" ]
	[ "${lines[2]}" = './p:5: the hash is none that crypt(3) knows (openssl passwd -6 makes one)' ]
	[ "${lines[3]}" = './p:7: a user name has at most 255 octets' ]
	[ "${#lines[@]}" = 4 ]
	users
	run -0 "$PASSWORD" examine ./p
	[ -z "$output" ]
}

@test "-t names each line by which nobody can log in: a mark, blanks, cut hashes" {
	local whole scheme
	local -i n
	whole=$(hash secret)
	printf '\xef\xbb\xbfalice:%s\n bob:%s\ncarol\t:%s\n' \
	    "$whole" "$whole" "$whole" >p
	for scheme in '$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/' \
	    '$2b$10$abcdefghijklmnopqrstuu7tmrxlJQn8HHSjwIPbLe2nZBJNOdXoe' \
	    '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8' \
	    "$whole" \
	    '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7'; do
		printf 'u:%s\nu:%s\nu:%s/\n' "$scheme" "${scheme%?}" "$scheme"
	done >>p
	run -78 "$PASSWORD" examine ./p
	[ "${lines[0]}" = './p:1: a byte order mark stands before the user, as a part of the name' ]
	for n in 1 2; do
		[ "${lines[n]}" = "./p:$((n + 1)): there are blanks around the user, as a part of the name" ]
	done
	# The whole hashes are none of these.
	[ "$(grep -o '^./p:[0-9]*: the hash is longer' <<<"$output" |
	    cut -d: -f2 | xargs)" = '5 6 8 9 11 12 14 15 17 18' ]
}

@test "-t warns of hashes that are easily guessed, once" {
	printf 'a:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/\nb:abJnggxhB/yWI\n' >p
	run -0 "$PASSWORD" examine ./p
	[ "$(grep -c 'of DES or MD5' <<<"$output")" = 1 ]
	[[ $output == *"./p:1:"*"of DES or MD5"* ]]
	users
	run -0 "$PASSWORD" examine ./p
	[ -z "$output" ]
}

# cost_alike LOW HIGH USER...: a wrong login costs each user as much CPU time as
# the first one, within LOW to HIGH times.  What is lost to others only adds, so
# that the least of many turns counts, and turns are taken until it is seen.
cost_alike() {
	/usr/bin/python3 - "$PASSWORD" "$@" <<-'END'
		import subprocess, sys
		program, low, high, *users = sys.argv[1:]
		least = dict.fromkeys(users, float("inf"))
		def are_alike():
		    return all(float(low) < cost / least[users[0]] < float(high)
		               for cost in least.values())
		for turn in range(50):
		    for user in users:
		        took = subprocess.run(
		            [program, "time", "./p", user, "wrong"],
		            stdout=subprocess.PIPE).stdout
		        least[user] = min(least[user], float(took))
		    if turn >= 4 and are_alike():
		        break
		print(least)
		assert least[users[0]] > 5, "no work to compare"
		assert are_alike()
	END
}

@test "an unknown user costs what a known one does" {
	printf 'alice:%s\n' "$(hash secret '$6$rounds=50000$salt')" >p
	# Without that work it is nothing, or a small part.
	cost_alike 0.5 2 alice carol
}

@test "so does one who is locked, and whatever the first lines are" {
	local costly
	costly=$(hash secret '$6$rounds=50000$salt')
	printf 'root:!\nnews:*\nbob:x\nalice:%s\ndave:!\n' "$costly" >p
	cost_alike 0.7 1.4 alice carol dave root
	# A locked line counts, and the spare hash opens nothing.
	printf 'dave:!\nalice:%s\ndave:%s\n' "$costly" "$costly" >p
	refused ./p dave secret
	refused ./p carol secret
	accepted ./p alice secret
}

@test "nothing of a login is left in memory" {
	users
	run -0 "$PASSWORD" wiped ./p alice secret "$(hash secret)"
	[ "$output" = 'granted, left: password 0, hash 0' ]
	run -0 "$PASSWORD" wiped ./p alice wrong-word "$(hash secret)"
	[ "$output" = 'refused, left: password 0, hash 0' ]
	run -0 "$PASSWORD" wiped ./p carol wrong-word "$(hash secret)"
	[ "$output" = 'refused, left: password 0, hash 0' ]
}
