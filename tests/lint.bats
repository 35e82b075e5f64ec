#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The cheap part of make lint, and proof that it finds what it is for: each
# rule is shown a source that breaks it.

load lib/common

setup() {
	cd "$ROOT"
}

@test "the sources keep the style: bans, columns, lengths, parameters" {
	run tests/lint/run style
	assert_equal "make lint" "$output" "lint: style ok"
}

@test "every text file is clean" {
	run tests/lint/run text
	assert_equal "make lint" "$output" "lint: text ok"
}

@test "what a file offers another file uses" {
	run tests/lint/exports
	assert_equal "make lint" "$output" ""
	[[ $status -eq 0 ]]
}

@test "the pure files compute and no more, policy/ reads files and no more" {
	run tests/lint/purity
	assert_equal "make lint" "$output" ""
	[[ $status -eq 0 ]]
}

@test "rooms know only those that they may know, and no file knows itself" {
	run tests/lint/rooms.py
	assert_equal "make lint" "$output" ""
	[[ $status -eq 0 ]]
}

@test "no static function bears the name of another file's" {
	run tests/lint/run names
	assert_equal "make lint" "$output" "lint: names ok"
}

form_needed() {
	command -v clang-format-14 >/dev/null ||
	    skip 'there is no clang-format-14 (tests/install-missing lint)'
}

# broken NAME PATTERN: style.py must say so of NAME with stdin as its body.
broken() {
	mkdir -p "$BATS_TEST_TMPDIR/$(dirname "$1")"
	{
		printf '/* SPDX-License-Identifier: ISC */\n'
		printf '/*\n * A source.\n */\n'
		cat
	} >"$BATS_TEST_TMPDIR/$1"
	cd "$BATS_TEST_TMPDIR"
	run "$PYTHON" "$TESTS/lint/style.py" "$1"
	cd "$ROOT"
	[[ $status -eq 1 ]] || fail "not found: $2"
	assert_match "style.py" "$output" "$2"
}

# function BODY: a function with that body.
function_of() {
	printf 'int\nthing_do(int n)\n{\n%b\n}\n' "$1"
}

@test "each banned function is found" {
	local name
	for name in strcpy strcat sprintf sscanf atoi strtok gets alloca \
	    system popen inet_addr gethostbyname getaddrinfo signal longjmp \
	    strncpy; do
		broken net/thing.c "$name is banned" \
		    < <(function_of "\treturn $name(n);")
	done
	for name in printf fprintf snprintf dprintf perror; do
		broken wire/thing.c "$name is banned: use base/text.h" \
		    < <(function_of "\t$name(n);")
	done
}

@test "malloc is found outside policy/, and allowed there" {
	broken net/thing.c 'malloc is banned outside policy/' \
	    < <(function_of '\treturn malloc(n);')
	run broken policy/thing.c 'malloc' \
	    < <(function_of '\treturn malloc(n);')
	[[ $status -ne 0 ]]
}

@test "_exit is found outside the session" {
	broken net/thing.c '_exit: only session_end' \
	    < <(function_of '\t_exit(n);')
}

@test "what stands in comments and strings is no call" {
	run broken net/thing.c 'banned' \
	    < <(function_of '\t/* strcpy(a, b) */\n\treturn say("atoi(x)");')
	[[ $status -ne 0 ]]
}

@test "long lines, long functions and many parameters are found" {
	broken net/thing.c '100 columns' < <(function_of \
	    "\t$(printf 'n%.0s' {1..91});")
	broken net/thing.c 'thing_do: 51 lines' < <(function_of \
	    "$(printf '\\tn++;\\n%.0s' {1..50})\treturn n;")
	broken net/thing.c 'thing_do: 5 parameters' <<-'END'
		int
		thing_do(int a, int b, int c, void (*d)(int, int),
		    int e)
		{
		}
	END
	broken net/thing.c 'thing_do is not at column 0' <<-'END'
		static int thing_do(int a)
		{
		}
	END
}

@test "gotos up, assignments in conditions and macros are found" {
	broken net/thing.c 'goto again' < <(function_of \
	    'again:\n\tgoto again;')
	broken net/thing.c 'an assignment in a condition' < <(function_of \
	    '\tif ((n = get()) > 0)\n\t\treturn n;')
	broken net/thing.h 'a macro with arguments: TWICE' <<-'END'
		#ifndef SOCKS64_NET_THING_H
		#define SOCKS64_NET_THING_H
		#define TWICE(x) ((x) + (x))
		#endif
	END
	broken net/thing.h 'the guard is not SOCKS64_NET_THING_H' <<<'int a;'
}

@test "a line out of form is found, but not in a table that says so" {
	form_needed
	local file=$BATS_TEST_TMPDIR/a.c
	function_of '\treturn n +\n\t    1;' >"$file"
	run -1 tests/lint/form "$file"
	assert_match form "$output" $'\n\\+\treturn n \\+ 1;'
	function_of '\treturn n + 1;' >"$file"
	run -0 tests/lint/form "$file"
	printf '/* clang-format off */\nint  a [ ] = {1,2} ;\n%s\n' \
	    '/* clang-format on */' >"$file"
	run -0 tests/lint/form "$file"
}

@test "a file without an opening comment is found" {
	echo 'int a;' >"$BATS_TEST_TMPDIR/a.c"
	run -1 "$PYTHON" "$TESTS/lint/style.py" "$BATS_TEST_TMPDIR/a.c"
	assert_match "style.py" "$output" 'no comment opens the file'
}

# object FILE CODE: of a program in $BATS_TEST_TMPDIR/build.
object() {
	local object=$BATS_TEST_TMPDIR/build/$1.o
	mkdir -p "$(dirname "$object")"
	gcc -xc -fno-builtin -Wno-implicit-function-declaration -c -o "$object" - \
	    <<<"$2"
}

@test "a socket call in a pure file is found, and one in policy/" {
	local build=$BATS_TEST_TMPDIR/build file
	local -a pure=(base/number base/text wire/a net/drops net/order net/peers
	    alg/line alg/forms alg/commands alg/replies alg/queue alg/stream
	    alg/dialect)
	for file in "${pure[@]}" policy/a; do
		object "$file" 'int a;'
	done
	run -0 tests/lint/purity "$build"
	object wire/b 'int cursor_u8(void) { return 1; }'
	for file in "${pure[@]}" policy/a; do
		object "$file" 'int f(void) { return cursor_u8(); }'
	done
	run -0 tests/lint/purity "$build"
	for file in "${pure[@]}" policy/a; do
		object "$file" 'int f(void) { return send(1); }'
	done
	run -1 tests/lint/purity "$build"
	assert_equal "purity" "$(sort <<<"$output")" \
	    "$(printf '%s: must not use send\n' "${pure[@]}" policy/ | sort)"
	for file in "${pure[@]}" policy/a; do
		object "$file" 'int a;'
	done
	object policy/a 'void *f(void) { return malloc(1); }'
	run -0 tests/lint/purity "$build"
	object wire/a 'void *f(void) { return malloc(1); }'
	run -1 tests/lint/purity "$build"
	assert_equal "purity" "$output" "wire/a: must not use malloc"
	rm "$build/net/order.o"
	run -1 tests/lint/purity "$build"
	assert_equal "purity" "$output" "net/order: no object files in $build"
}

# source FILE LINE...: of a program in $BATS_TEST_TMPDIR.
source_of() {
	mkdir -p "$BATS_TEST_TMPDIR/$(dirname "$1")"
	printf '%s\n' "${@:2}" >"$BATS_TEST_TMPDIR/$1"
}

# rooms [WHAT]: rooms.py says so of that program, or nothing.
rooms() {
	run tests/lint/rooms.py "$BATS_TEST_TMPDIR"
	assert_equal rooms.py "$output" "${1:-}"
	[[ $status -eq $((${#1} > 0)) ]]
}

@test "an arrow between rooms that the table does not allow is found" {
	source_of status.h
	source_of wire/name.h '#include "status.h"'
	source_of net/dial.h '#include "wire/name.h"'
	source_of net/dial.c '#include "net/dial.h"' '#include "status.h"'
	source_of main.c '#include "net/dial.h"'
	rooms
	source_of wire/name.c '#include "wire/name.h"' '#include "net/dial.h"'
	rooms 'wire/name.c: wire must not include net/dial.h'
	source_of wire/name.c
	source_of wire/name.h '#include "../net/dial.h"'
	source_of net/dial.h
	rooms 'wire/name.h: wire must not include net/dial.h'
	source_of wire/name.h
	source_of policy/reader.h
	source_of policy/rules.h
	source_of lib/fakes.c '#include "policy/reader.h"'
	rooms
	source_of lib/fakes.c '#include "policy/rules.h"'
	rooms 'lib/fakes.c: lib must not include policy/rules.h'
	source_of lib/fakes.c
	source_of cellar/rat.c
	rooms 'cellar/: a room that tests/lint/rooms.py does not know'
}

@test "an arrow that no include shows is found by its symbol" {
	source_of wire/name.c
	source_of net/dial.c
	object wire/name 'int name(void) { return 1; }'
	object net/dial 'int dial(void) { return name(); }'
	rooms
	object wire/name 'int name(void) { return dial(); }'
	object net/dial 'int dial(void) { return 1; }'
	rooms 'wire/name.c: wire must not use dial of net/dial.c'
}

@test "files that include or call each other, also by way of others, are found" {
	source_of net/a.h '#include "net/b.h"'
	source_of net/b.h '#include "net/c.h"'
	source_of net/c.h
	rooms
	source_of net/c.h '#include "net/a.h"'
	rooms 'a circle of includes: net/a.h, net/b.h, net/c.h'
	source_of net/c.h
	source_of net/a.c
	source_of net/b.c
	object net/a 'int a(void) { return b(); }'
	object net/b 'int b(void) { return 1; } int c(void) { return 2; }'
	rooms
	object net/b 'int b(void) { return a(); }'
	rooms 'a circle of calls: net/a, net/b'
	object net/a 'int (*const a)(void); int c(void) { return b(); }'
	object net/b 'extern int (*const a)(void); int b(void) { return a(); }'
	rooms
}

# names [WHAT]: names.py says so of net/a.c and net/b.c, or nothing.
names() {
	cd "$BATS_TEST_TMPDIR"
	run "$PYTHON" "$TESTS/lint/names.py" net/a.c net/b.c
	cd "$ROOT"
	assert_equal names.py "$output" "${1:-}"
	[[ $status -eq $((${#1} > 0)) ]]
}

@test "a static function with the name of an exported one, or its twin, is found" {
	local -a body=('thing_do(int n)' '{' '	return n;' '}')
	source_of net/a.c int "${body[@]}"
	source_of net/b.c 'static int' "${body[@]/do/undo}"
	names
	source_of net/b.c 'static int' "${body[@]}"
	names 'net/b.c:2: thing_do: net/a.c exports a function of this name'
	source_of net/a.c 'static int' "${body[@]}"
	names 'net/b.c:2: thing_do: it is in net/a.c, too, word for word'
	source_of net/a.c 'static int' "${body[@]/return n/return n + 1}"
	names
	run -0 "$PYTHON" tests/lint/names.py --report \
	    "$BATS_TEST_TMPDIR"/net/{a,b}.c
	assert_match report "$output" 'b.c:2: thing_do: also in .*/a.c'
}

@test "a function that no other file uses is found" {
	local build=$BATS_TEST_TMPDIR/build
	mkdir -p "$build/base" "$build/log"
	echo 'int used(void); int main(void); int main(void) { return used(); }' |
	    gcc -xc -c -o "$build/socks64-handler.o" -
	echo 'int used(void); int used(void) { return 1; }' |
	    gcc -xc -c -o "$build/log/title.o" -
	run -0 tests/lint/exports "$build"
	echo 'int lonely(void); int lonely(void) { return 1; }' |
	    gcc -xc -c -o "$build/base/text.o" -
	run -1 tests/lint/exports "$build"
	assert_equal exports "$output" 'no other file uses lonely'
}

@test "blanks at ends, missing newlines and conflict marks are found" {
	local file=$BATS_TEST_TMPDIR/a.sh mark='<<<<<<<'
	printf '#!/bin/sh\necho a \n' >"$file"
	run -1 tests/lint/text "$file"
	assert_match text "$output" "blanks at a line's end: 2"
	assert_match text "$output" 'is not executable'
	printf 'a' >"$file"
	run -1 tests/lint/text "$file"
	assert_match text "$output" 'no newline'
	printf '%s HEAD\n' "$mark" >"$file"
	run -1 tests/lint/text "$file"
	assert_match text "$output" 'conflict marks'
	printf 'a\r\n' >"$file"
	run -1 tests/lint/text "$file"
	assert_match text "$output" 'carriage returns'
}

@test "a file that does not name its licence on top is found" {
	local name tag='SPDX-License-Identifier: ISC'
	cd "$BATS_TEST_TMPDIR"
	printf '#!/bin/sh\n# %s\n' "$tag" >a.sh
	chmod +x a.sh
	printf '# %s\n' "$tag" >a.conf
	printf '/* %s */\n' "$tag" >a.c
	printf '.\\" %s\n' "$tag" >a.8
	echo words >a.md
	run -0 "$TESTS/lint/text" a.sh a.conf a.c a.8 a.md
	assert_equal text "$output" ""
	printf '#!/bin/sh\n\n# %s\n' "$tag" >a.sh
	printf '# a\n# %s\n' "$tag" >a.conf
	printf '/* %s-or-later */\n' "$tag" >a.c
	printf '.Dd today\n' >a.8
	for name in a.sh a.conf a.c a.8; do
		run -1 "$TESTS/lint/text" "$name"
		assert_equal text "$output" "$name: no SPDX line on top"
	done
}

@test "references to documents that are not here are found" {
	local file=$BATS_TEST_TMPDIR/a.h
	local -i n=4
	local what other=INTERFACE
	printf '/* SPDX-License-Identifier: ISC */\n' >"$file"
	# shellcheck disable=SC2016 # as they stand there
	echo '/* RFC 1928 4, HACKING.md, and README.md (2). */' >>"$file"
	run -0 "$TESTS/lint/text" "$file"
	for what in "SPECS $n" "PEERS $n.2" "(peers $n.2)" "($n.2)" "$other.md"; do
		printf '/* SPDX-License-Identifier: ISC */\n/* %s */\n' "$what" \
		    >"$file"
		run -1 "$TESTS/lint/text" "$file"
		assert_match text "$output" 'a.h: refers to what is not here: '
	done
}

@test "main is the session line and fits on a page" {
	local -i lines
	lines=$(sed -n '/^main(/,/^}/p' socks64-handler.c | wc -l)
	((lines > 10 && lines <= 60)) || fail "main has $lines lines"
}

@test "the handler binary, dynamic and stripped, is at most 336 KiB" {
	strip -o "$BATS_TEST_TMPDIR/stripped" "$HANDLER"
	local -i size
	size=$(stat -c %s "$BATS_TEST_TMPDIR/stripped")
	((size <= 336 * 1024)) || fail "$size octets"
}

@test "both links are position independent, with relro, now and a canary" {
	local program
	for program in "$HANDLER" "$HANDLER_STATIC"; do
		run -0 readelf -hldW "$program"
		assert_match "$program" "$output" 'Type: +DYN'
		assert_match "$program" "$output" 'GNU_RELRO'
		assert_match "$program" "$output" 'BIND_NOW|FLAGS_1.*NOW'
		assert_match "$program" "$output" 'GNU_STACK +0x0+ 0x0+ 0x0+ 0x0+ 0x0+ RW '
	done
	nm -D --undefined-only "$HANDLER" | grep -q __stack_chk_fail
}

@test "an object file or a program without its hardening is found" {
	command -v hardening-check >/dev/null ||
	    skip 'hardening-check is not here: package devscripts'
	local build=$BATS_TEST_TMPDIR/build flags=(-fPIE
	    -fstack-protector-strong -fstack-clash-protection)
	local source='#include <string.h>
int main(int n, char **v) { char b[99]; strcpy(b, v[0]); return b[n]; }'
	[[ $(gcc -dumpmachine) != x86_64-* ]] || flags+=(-fcf-protection)
	[[ $(gcc -dumpmachine) != aarch64-* ]] ||
	    flags+=(-mbranch-protection=standard)
	compiled() {
		gcc -g -O2 -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now "$@" \
		    -x c - <<<"$source"
	}
	mkdir -p "$build/base"
	compiled "${flags[@]}" -c -o "$build/base/text.o"
	compiled "${flags[@]}" -pie -o "$build/program"
	compiled "${flags[@]}" -static-pie -o "$build/static"
	run -0 tests/lint/hardening "$build" "$build/program" "$build/static"
	assert_equal "of all of it" "$output" ""

	compiled "${flags[@]:1}" -no-pie -o "$build/program"
	run -1 tests/lint/hardening "$build" "$build/program"
	assert_match "a fixed address" "$output" 'Position Independent'
	compiled "${flags[@]}" -static -no-pie -o "$build/static"
	run -1 tests/lint/hardening "$build" "$build/static"
	assert_match "a static fixed address" "$output" 'no static PIE'
	compiled "${flags[@]:0:1}" -c \
	    -o "$build/base/text.o"
	run -1 tests/lint/hardening "$build" "$build/static"
	assert_match "an object" "$output" 'text.o: without -fstack-clash'
	assert_match "an object" "$output" 'text.o: without -fstack-protector'
}
