#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the man pages, README, doc/, catalog and examples say is what the
# program does: compared with the program or with the tables in its source.

load lib/common

MAN8=${ROOT:?}/man/socks64-handler.8
MAN5=$ROOT/man/socks64.conf.5
PAGES=("$ROOT"/*.md "$ROOT"/doc/*.md)

teardown() {
	rm -rf "${PLACE:-/nowhere}"
}

# section NAME FILE: the lines of a section of a man page.
section() {
	sed -n "/^\.Sh $1\$/,/^\.Sh /{/^\.Sh /!p}" "$2"
}

# Lists are compared as sorted lines.
assert_same_list() { # WHAT ONE OTHER
	run diff <(sort -u <<<"$2") <(sort -u <<<"$3")
	assert_equal "$1 (< first, > second)" "$output" ""
	[[ -n $2 ]] || fail "$1: the lists are empty"
}

@test "the man pages are clean under mandoc -Tlint" {
	local page
	for page in "$MAN8" "$MAN5" "$ROOT/man/socks64.1"; do
		# Which pages a machine has is not the page's fault.
		run bash -c 'mandoc -Tlint "$1" 2>/dev/null |
		    grep -v "referenced manual not found"' - "$page"
		assert_equal "$page" "$output" ""
	done
}

# mandoc is silent where groff cuts a page off, and both where a word of a
# title is the name of a macro: it is not printed.
@test "the man pages are clean under groff, and lose no word to a macro" {
	local page
	command -v groff >/dev/null || skip "no groff"
	for page in "$MAN8" "$MAN5" "$ROOT/man/socks64.1"; do
		run groff -ww -z -mdoc "$page"
		assert_equal "$page" "$status $output" "0 "
		run grep -nE '^\.(It|Sh|Ss|%[A-Z]) ([A-Z][a-z]+ )*(An|At|Do|In|No|So) ' "$page"
		assert_equal "$page" "$output" ""
		# The last heading and the one before are whole.
		run bash -c 'groff -Tascii -mdoc "$1" | col -bx |
		    grep -E "^[A-Z]{2}"' - "$page"
		assert_equal "$page: headings" "$(printf '%s\n' "${lines[@]}" |
		    sed '1d;$d' | tr -d '\n')" \
		    "$(sed -n 's/^\.Sh //p' "$page" | tr -d '\n')"
	done
}

@test "the options of man page, --help, getopt and the long names are the same" {
	local manual help short long
	manual=$(section DESCRIPTION "$MAN8" |
	    sed -n 's/^\.It Fl \(.\) .*Fl -\([a-z-]*\).*/\1 \2/p
	        s/^\.It Fl -\([a-z-]*\)\( Ar .*\)*$/- \1/p')
	help=$("$HANDLER" --help |
	    sed -n 's/^  -\(.\), --\([a-z-]*\).*/\1 \2/p
	        s/^      --\([a-z-]*\) .*/- \1/p')
	assert_same_list "man page and --help" "$manual" "$help"
	short=$(sed -n 's/.*"+:\([a-zA-Z:]*\)".*/\1/p' "$ROOT/command/options.c" |
	    tr -d : | fold -w 1)
	assert_same_list "man page and getopt" \
	    "$(cut -d ' ' -f 1 <<<"$manual" | grep -v -- -)" "$short"
	long=$(sed -n 's/^\t\t{ "\([a-z-]*\)", .*/\1/p' "$ROOT/command/options.c")
	assert_same_list "man page and long options" \
	    "$(cut -d ' ' -f 2 <<<"$manual")" "$long"
}

@test "the version is the same in Makefile, program, CHANGELOG.md and debian/" {
	local version
	version=$(make -s -C "$ROOT" version)
	assert_equal "the program's" "$("$HANDLER" -V | cut -d ' ' -f 2)" \
	    "$version"
	assert_equal "CHANGELOG.md's" "$(sed -n \
	    's/^## \[\([0-9.]*\)\].*/\1/p
	     s/^The [a-z]* release will be \([0-9.]*\)\.$/\1/p' \
	    "$ROOT/CHANGELOG.md" | head -n 1)" "$version"
	assert_equal "debian/changelog's" \
	    "$(sed -n '1s/.*(\(.*\)).*/\1/p' "$ROOT/debian/changelog")" \
	    "$version"
}

@test "each recipe of doc/operations.md is run by a test, or says that none does" {
	local title line file name
	while read -r title; do
		line=$(sed -n "/^## $title\$/,/^## /p" \
		    "$ROOT/doc/operations.md" | grep -E '^(Tested by|Not tested)')
		if [[ $line =~ ^Tested\ by\ ([^,]*),\ \"(.*)\"$ ]]; then
			file=$ROOT/${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
			grep -qF "@test \"$name\"" "$file" ||
			    fail "$title: no test \"$name\" in $file"
		else
			assert_match "$title" "$line" '^Not tested.*: .'
		fi
	done < <(sed -n 's/^## //p' "$ROOT/doc/operations.md")
}

@test "every keyword of the program is in socks64.conf(5), and no other" {
	local known manual
	known=$(sed -n 's/.*\.keyword = "\([a-z0-9-]*\)".*/\1/p' \
	    "$ROOT/policy/directives.c")
	manual=$({ section DIRECTIVES "$MAN5"; section CAVEATS "$MAN5"; } |
	    sed -n 's/^\.It //p' | tr , '\n' | tr '|' '\n' |
	    sed -n 's/^ *Cm \([a-z0-9-]*\).*/\1/p
	        s/^ *\(deny\) .*/\1/p' | grep -vxF -e off -e on \
	        -e ipv6 -e ipv4 -e ipv6-only -e ipv4-only -e unix \
	        -e on-link -e none -e always -e reverse \
	        -e info -e notice -e warning -e err -e journal -e syslog \
	        -e stderr -e full -e client)
	assert_same_list "program and man page" "$known" "$manual"
}

# default KEYWORD: the first default in the entry of the man page.
manual_default() {
	section DIRECTIVES "$MAN5" | awk -v it=".It Cm $1" '
		index($0, it " ") == 1 { found = 1; next }
		found && /^\.It / { exit }
		found && /^Default:$/ { getline; print $2; exit }'
}

@test "the defaults in socks64.conf(5) are those of -T" {
	local keyword value
	for keyword in auth password-file handshake-timeout connect-timeout \
	    idle-timeout half-closed-timeout prefer attempt-delay log-level \
	    log-facility log-to log-start title; do
		value=$(manual_default "$keyword")
		[[ -n $value ]] || fail "no default of $keyword"
		# Written out or left away, the effect is the same.
		run diff <("$HANDLER" -T -f /dev/null) \
		    <("$HANDLER" -T -f /dev/null -o "$keyword $value")
		assert_equal "$keyword $value" "$output" ""
	done
	assert_equal sandbox "$(manual_default sandbox)" on
}

@test "the exit statuses in the man page are those of the source" {
	local manual source
	manual=$(section 'EXIT STATUS' "$MAN8" | sed -n 's/^\.It //p')
	source=$(cat "$ROOT/status.h" "$ROOT/command/explain.h" "$ROOT/command/explain.c" |
	    sed -n 's/^.*[A-Z]*STATUS_[A-Z_]* = \([0-9]*\).*/\1/p
	        s/^.*EXPLAIN_[A-Z_]* = \([0-9]*\).*/\1/p')
	assert_same_list "man page and source" "$manual" "$source"
}

results() {
	sed -n 's/^\t\[RESULT_[A-Z_]*\] = { "\([a-z-]*\)".*/\1/p' \
	    "$ROOT/log/record.c"
}

@test "the results in man page, message-ids and catalog are those of the source" {
	local manual
	manual=$(section LOG "$MAN8" |
	    sed -n '/is one of$/,/^\.El/s/^\.It Li \([a-z-]*\)$/\1/p'
	    section LOG "$MAN8" | sed -n 's/^\.Li \(open\|peer\) ,$/\1/p')
	assert_same_list "source and man page" "$(results)" "$manual"
	assert_same_list "source and message-ids" "$(results)" \
	    "$(sed -n 's/^\([a-z-]*\) .*/\1/p' "$ROOT/units/message-ids")"
}

@test "each result has the same MESSAGE_ID in source, message-ids and catalog" {
	local source file catalog
	source=$(tr -d '\n' <"$ROOT/log/record.c" |
	    grep -oE '\] = \{ "[a-z-]+", LOG_[A-Z]+,[[:space:]]*"[0-9a-f]{32}"' |
	    sed -E 's/.*\{ "([a-z-]+)".*"([0-9a-f]{32})"/\1 \2/')
	file=$(grep -v '^#' "$ROOT/units/message-ids")
	catalog=$(sed -n '/^# [a-z-]*$/{s/^# //;N;s/\n-- / /;p}' \
	    "$ROOT/units/socks64.catalog")
	assert_same_list "source and message-ids" "$source" "$file"
	assert_same_list "source and catalog" "$source" "$catalog"
	assert_equal "identifiers that stand twice" \
	    "$(cut -d ' ' -f 2 <<<"$file" | sort | uniq -d)" ""
}

@test "journalctl takes the catalog as it is" {
	command -v journalctl >/dev/null || skip "no journalctl here"
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/usr/lib/systemd/catalog"
	cp "$ROOT/units/socks64.catalog" "$root/usr/lib/systemd/catalog"
	run journalctl --root="$root" --update-catalog
	assert_equal "what it said" "$output" ""
	run journalctl --root="$root" --list-catalog
	assert_equal entries "${#lines[@]}" "$(results | wc -l)"
}

@test "the catalog quotes no field that a catalog cannot, and names only fields of a record" {
	local field
	# Digits end the name of a field there.
	run grep -o '@[A-Z_]*[0-9][A-Z0-9_]*@' "$ROOT/units/socks64.catalog"
	assert_equal "quoted" "$output" ""
	while read -r field; do
		grep -q "\"$field\"" "$ROOT/log/record.c" ||
		    fail "no record has $field"
	done < <(grep -o 'SOCKS64_[A-Z_]*' "$ROOT/units/socks64.catalog" |
	    sort -u)
}

@test "the journal fields in the man page are those of the source" {
	assert_same_list "man page and source" \
	    "$(section LOG "$MAN8" | grep -oE 'SOCKS64_[A-Z_]+')" \
	    "$(grep -ohE '"SOCKS64_[A-Z_]+"' "$ROOT"/log/{record,journal}.c |
	        tr -d '"')"
}

@test "the keys in the man page are those of a record" {
	local manual source
	manual=$(section LOG "$MAN8" |
	    sed -n '/^\.Bd/,/^\.Ed/p' | grep -oE '[a-z]+=' | sort)
	source=$(sed -n 's/^\t{ "\([a-z][a-z]*\)", .*/\1=/p' "$ROOT/log/record.c")
	assert_same_list "man page and source" "$manual" \
	    "$(grep -vx 'sandbox=' <<<"$source")"
}

# blocks FILE DIRECTORY: each literal block of EXAMPLES as a file of its own.
blocks() {
	section EXAMPLES "$1" | awk -v d="$2" '
		/^\.Ed/ { inside = 0 }
		inside { print > (d "/" n ".conf") }
		/^\.Bd -literal/ { inside = 1; n++ }'
}

@test "each configuration in EXAMPLES of socks64.conf(5) is valid" {
	local file
	# As root -t asks what `user` may read: a place for everybody.
	PLACE=$(mktemp -d /tmp/socks64-docs.XXXXXX)
	chmod 755 "$PLACE"
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" >"$PLACE/passwords"
	chmod 600 "$PLACE/passwords"
	[[ $(id -u) -ne 0 ]] || chown nobody "$PLACE/passwords"
	blocks "$MAN5" "$BATS_TEST_TMPDIR"
	[[ -e $BATS_TEST_TMPDIR/4.conf ]]
	for file in "$BATS_TEST_TMPDIR"/*.conf; do
		sed -i "s|/etc/socks64/passwords|$PLACE/passwords|" "$file"
		run --separate-stderr "$HANDLER" -t -f "$file" -o 'user nobody'
		assert_equal "$(<"$file")" "$status $output" "0 $file: ok"
	done
}

# The socks64-handler commands in EXAMPLES, with a configuration of the test.
example_commands() {
	section EXAMPLES "$MAN8" |
	    sed -n "s|^\.Dl # socks64-handler|$HANDLER|p" |
	    sed "s|/etc/socks64/socks64.conf|$BATS_TEST_TMPDIR/socks64.conf|"
}

@test "each socks64-handler command in EXAMPLES of socks64-handler(8) does what it says" {
	cp "$ROOT/units/examples/socks64.conf" "$BATS_TEST_TMPDIR"
	local -a commands
	mapfile -t commands < <(example_commands)
	assert_equal commands "${#commands[@]}" 4
	run --separate-stderr bash -c "${commands[0]}"
	assert_equal "-t" "$status $output" "0 $BATS_TEST_TMPDIR/socks64.conf: ok"
	run bash -c "${commands[1]}"
	assert_equal "-T" "$status" 0
	assert_match "-T" "$output" "idle-timeout"
	run bash -c "${commands[2]}"
	assert_match "-e" "$status $output" "^0 allowed "
	run bash -c "${commands[3]}"
	assert_match "-e" "$status $output" "^1 denied "
}

@test "each commented directive of the example configuration is valid when it is switched on" {
	local line file=$BATS_TEST_TMPDIR/one.conf
	local -i n=0
	while read -r line; do
		case $line in
		auth*) continue ;;
		interface*) line='interface lo' ;;
		source*) line='source 127.0.0.1' ;;
		user*) line='user nobody' ;;
		mark* | *' mark '*) [[ -z $(why_not net-admin) ]] || continue ;;
		esac
		echo "$line" >"$file"
		run "$HANDLER" -t -f "$file"
		assert_equal "$line: $output" "$status" 0
		n+=1
	done < <(sed -n 's/^#\([a-z].*\)/\1/p' "$ROOT/units/examples/socks64.conf")
	[[ $n -ge 25 ]] || fail "only $n directives were tried"
}

@test "the example configuration has every directive that works, and no other" {
	local example manual
	example=$(sed -n 's/^#\([a-z][a-z0-9-]*\) .*/\1/p' \
	    "$ROOT/units/examples/socks64.conf")
	manual=$(section DIRECTIVES "$MAN5" |
	    sed -n 's/^\.It Cm \([a-z0-9-]*\).*/\1/p'; echo deny)
	assert_same_list "example and man page" "$example" "$manual"
}

@test "every file that man pages, README and doc send to among the examples is there" {
	local name
	for name in $({ grep -hoE '[a-z0-9-]+\.(nft|cfg|sh)\b' "$MAN8" "${PAGES[@]}"
	    sed -n 's/^\.Pa \([a-z0-9-]*\.conf\)$/\1/p' "$MAN8"
	    grep -ohE 'examples/[a-z0-9-]+\.[a-z]+' "${PAGES[@]}" |
	        sed 's/.*\///'; } | sort -u); do
		[[ $name == install.sh ]] ||
		    [[ -e $ROOT/units/examples/$name || -e $ROOT/units/$name ]] ||
		    fail "there is no $name"
	done
}

@test "the apt-get line in README is the group build of install-missing" {
	assert_same_list "README and install-missing" \
	    "$(sed -n 's/^    [$] sudo apt-get install //p' "$ROOT/README.md" |
	        tr ' ' '\n')" \
	    "$(sed -n 's/^\tbuild \([a-z0-9-]*\) .*/\1/p' \
	        "$TESTS/install-missing")"
}

# readme_block PATTERN: the indented block that the first match begins.
readme_block() {
	awk -v first="^    $1" '$0 ~ first { inside = 1 }
		inside && !/^    / { exit }
		inside { print substr($0, 5) }' "$ROOT/README.md"
}

@test "README's answer of -e is the one that its configuration gives" {
	local file=$BATS_TEST_TMPDIR/socks64.conf
	readme_block '# web for the house' >"$file"
	assert_equal rules "$(grep -c ^allow "$file")" 2
	local query
	query=$(sed -n 's/^    [$] sudo socks64-handler \(-e [^#]*[^ #]\) *#.*/\1/p' \
	    "$ROOT/README.md")
	# shellcheck disable=SC2086 # words
	run -0 --separate-stderr "$HANDLER" -f "$file" $query
	# The source is of the machine.
	assert_equal answer \
	    "$(sed "s|$file|/etc/socks64/socks64.conf|; /^source/d" <<<"$output")" \
	    "$(readme_block 'allowed /etc/socks64' | sed '/^source/d')"
}

@test "the figures that the documents ask of make bench are among its figures" {
	local name
	while read -r name; do
		grep -q "^ *\"$name\": (\|\"$name\" in wanted" \
		    "$TESTS/bench/bench.py" || fail "FIGURES=$name"
	done < <(grep -ohE 'FIGURES=[a-z]+' "${PAGES[@]}" \
	    "$ROOT/units/hardened.conf" | cut -d = -f 2)
}

@test "every make target that the documents name is one" {
	local -a targets
	mapfile -t targets < <(
	    grep -ohE '(`|[$] |sudo )make [a-z-]+' "${PAGES[@]}" |
	    sed 's/.*make //' | sort -u)
	((${#targets[@]} > 10))
	run make -s -n -C "$ROOT" "${targets[@]}"
	[[ $status -eq 0 ]] || fail "$output"
}

# room_files ROOM: what HACKING says of a room, its lines in "Where things are".
room_files() {
	awk -v room="    $1/" '
		index($0, room) == 1 { inside = 1; print; next }
		/^    [a-z]/ || /^$/ { inside = 0 }
		inside' "$ROOT/HACKING.md"
}

@test "the files that HACKING names are there, and every file is named" {
	local path room
	while read -r path; do
		[[ -e $ROOT/$path ]] || fail "there is no $path"
	done < <(sed -n 's/^    \([a-z0-9-]*\(\.c\|\.h\|\/\)\) .*/\1/p
	        s/^[^|]*[ (]\([a-z]*\/[a-z0-9-]*\.[ch]\)\b.*/\1/p' \
	    "$ROOT/HACKING.md")
	for path in "$ROOT"/*.[ch]; do
		grep -q "^    ${path##*/} " "$ROOT/HACKING.md" ||
		    fail "HACKING does not name ${path##*/}"
	done
	for room in $(sed -n 's/^ROOMS = //p' "$ROOT/Makefile"); do
		for path in "$ROOT/$room"/*.c; do
			path=${path##*/}
			grep -qwe "${path%.c}" <<<"$(room_files "$room")" ||
			    fail "HACKING does not name $room/$path"
		done
	done
}

# named_pages FILE...: the Markdown files that they send to.
named_pages() {
	grep -ohE '[A-Za-z0-9_./-]+\.md\b' "$@" | sort -u
}

@test "every page that a document sends to is there" {
	local name file
	for file in "${PAGES[@]}" "$ROOT/tests/README.md"; do
		while read -r name; do
			[[ -e $ROOT/$name || -e ${file%/*}/$name ]] ||
			    fail "$file: there is no $name"
		done < <(named_pages "$file")
	done
}

@test "the stages in SECURITY.md are those of --print-sandbox" {
	assert_same_list "SECURITY.md and --print-sandbox" \
	    "$(sed -n '/^| stage |/,/^$/s/^| \([a-z]*\) | .*/\1/p' \
	        "$ROOT/SECURITY.md" | grep -vx stage)" \
	    "$("$HANDLER" --print-sandbox |
	        sed -n '/^all /d; /^else /d; s/^\([a-z]*\) .*/\1/p')"
}

@test "README fits on three screens" {
	local -i lines
	lines=$(wc -l <"$ROOT/README.md")
	((lines < 180)) || fail "README has $lines lines"
}

# titles_of PAGE: the tests that the last column of its tables names.
titles_of() {
	sed -n 's/^| .* | \(.*"\) |$/\1/p' "$ROOT/doc/$1" |
	    grep -o '"[^"]*"' | tr -d '"'
}

@test "every test that a table of doc names is one" {
	local page least title
	local -i n
	while read -r page least; do
		n=0
		while read -r title; do
			grep -rqF --include='*.bats' "@test \"$title\" {" \
			    "$TESTS" || fail "there is no test $title"
			n+=1
		done < <(titles_of "$page")
		[[ $n -ge $least ]] || fail "$page names only $n tests"
	done <<-'END'
		peers.md 30
		client.md 20
		reliability.md 8
	END
}

@test "doc/clients.md has every program of tests/outside, and why others are left out" {
	local page=$ROOT/doc/clients.md here=$TESTS/outside
	assert_same_list programs \
	    "$(sed -n '/^[^#]/s/^[a-z]* | \([^ ]*\) | .*/\1/p' "$here/programs")" \
	    "$(sed -n '/^## Left out/q; s/^| \([^ ]*\) | .*/\1/p' "$page" |
		grep -vxE 'program|---')"
	assert_same_list 'left out' \
	    "$(sed -n '/^[^#]/s/.*/| & |/p' "$here/left-out")" \
	    "$(sed -n '/^## Left out/,$s/^| .*/&/p' "$page" |
		grep -vE '^\| (packages|---) ')"
	# That nobody has tried is no reason.
	run grep -nvE '^(#.*|[^|]+ \| [^|]*[^| ][^|]*)?$' "$here/left-out"
	assert_equal 'without a reason' "$output" ''
	run grep -nE 'no row|not (yet|been)|(un|never )tried' "$here/left-out"
	assert_equal 'not tried for no reason' "$output" ''
}

@test "the record that README and socks64-handler(8) show has the form of one" {
	load lib/records
	local line
	line=$(grep -h '^    ok client=' "$ROOT/README.md")
	[[ "${line#    }" =~ ^$RECORD_FORM$ ]] || fail "README: $line"
	line=$(section LOG "$MAN8" | sed -n '/^denied client=/,/^\.Ed/p' |
	    sed '/^\./d; s/^ *//' | tr '\n' ' ')
	[[ "${line% }" =~ ^$RECORD_FORM$ ]] || fail "man page: $line"
}

@test "every installed file but the examples is among FILES of the man page" {
	local path
	while read -r path; do
		section FILES "$MAN8" | grep -qF "$path" ||
		    section FILES "$ROOT/man/socks64.1" | grep -qF "$path" ||
		    fail "FILES does not name $path"
	done < <(sed -n 's/^\t\t[0-9][0-9]* .*\$PREFIX\/\(.*\)$/\1/p
	        s/^\t\t[0-9][0-9]* .*\$units\/\(.*\)$/lib\/systemd\/\1/p' \
	    "$ROOT/units/install.sh")
}

@test "the nftables example is accepted" {
	need networks
	command -v nft >/dev/null || skip "no nft here"
	run unshare --net nft -c -f "$ROOT/units/examples/socks64.nft"
	assert_equal "nft" "$status $output" "0 "
}

# profile: the example with the paths of an installation.
profile() {
	sed 's|@SBINDIR@|/usr/local/sbin|g' \
	    "$ROOT/units/examples/apparmor.profile"
}

@test "the parser of AppArmor takes the profile, and finds what is wrong in one" {
	command -v apparmor_parser >/dev/null || skip "no apparmor_parser here"
	local file=$BATS_TEST_TMPDIR/profile
	profile >"$file"
	run -0 apparmor_parser -Q -K --base /etc/apparmor.d "$file"
	sed 's/^  network inet stream,/  network inet strom,/' "$file" \
	    >"$file.wrong"
	run apparmor_parser -Q -K --base /etc/apparmor.d "$file.wrong"
	[[ $status -ne 0 ]]
}

@test "the AppArmor profile lets --index write, and the listening mode execute itself" {
	need root sys-ptrace
	echo example.com >"$BATS_TEST_TMPDIR/list"
	strace -o "$BATS_TEST_TMPDIR/trace" -e trace=openat,linkat,rename \
	    "$HANDLER" --index "$BATS_TEST_TMPDIR/list" >/dev/null
	run -0 sed -n 's/.*"\([^"]*\)", [A-Z_|]*O_CREAT.*/\1/p
	    s/^linkat(.*, "\([^"]*\)", [A-Z_]*) .*/\1/p
	    s/^rename(.*, "\(.*\)").*/\1/p' "$BATS_TEST_TMPDIR/trace"
	assert_equal "files that it makes" "${#lines[@]}" 2
	run ! grep -vE '/list\.cdb(\.[^/]*)?$' <<<"$output"
	grep -qxF '  owner /etc/socks64/**.cdb{,.*} rw,' <(profile)
	grep -qxF '  /usr/local/sbin/socks64-handler{,-static} mrix,' <(profile)
}

@test "every file that a session opens is in the AppArmor profile" {
	need root sys-ptrace
	local link
	for link in "$HANDLER" "$HANDLER_STATIC"; do
		run "$TESTS/cases/apparmor.py" "$link" \
		    "$ROOT/units/examples/apparmor.profile" -o 'user nobody' \
		    -o 'resolver 127.0.0.1' -o 'connect-timeout 1s'
		assert_equal "$link" "$status $output" "0 "
	done
	run "$TESTS/cases/apparmor.py" "$HANDLER" \
	    <(grep -v passwd "$ROOT/units/examples/apparmor.profile") \
	    -o 'user nobody' -o 'resolver 127.0.0.1' -o 'connect-timeout 1s'
	assert_equal "a profile without it" "$status $output" "1 /etc/passwd"
}
