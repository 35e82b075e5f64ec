#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The association table by itself: one file that processes share.

load lib/common

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/.." build/tests/table
}

setup() {
	TABLE=$ROOT/build/tests/table
	cd "$BATS_TEST_TMPDIR"
	mkdir -m 700 state
	FILE=state/associations
}

# unusable PATTERN: the table is not opened, and why; nothing was changed.
unusable() {
	local before after
	before=$(stat -L -c '%s %a %Y %i' "$FILE" 2>&1)
	run -1 "$TABLE" open state
	assert_match problem "$output" "$1"
	after=$(stat -L -c '%s %a %Y %i' "$FILE" 2>&1)
	assert_equal "the file" "$after" "$before"
}

# quiet COMMAND: the driver finds nothing to say.
quiet() {
	run "$TABLE" "$1" state
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a table is made where there is none, and opened again" {
	run -0 "$TABLE" open state
	assert_equal answer "$output" ok
	assert_equal "mode and size" "$(stat -c '%a %s' "$FILE")" '600 4198400'
	run -0 "$TABLE" open state
	assert_equal files "$(ls state)" associations
}

# all_have_one: processes that open it at once have the file of that name.
all_have_one() {
	run -0 "$TABLE" race state
	assert_equal inodes "$(sort -u <<<"$output")" "$(stat -c %i "$FILE")"
	assert_equal files "$(ls state)" associations
}

@test "many that make it at once make one" {
	all_have_one
}

@test "who is killed while he makes one leaves nothing behind" {
	command -v strace >/dev/null || skip "strace is not installed"
	run strace -f -o trace -e trace=fallocate \
	    -e inject=fallocate:signal=KILL "$TABLE" open state
	assert_match trace "$(<trace)" 'killed by SIGKILL'
	assert_equal files "$(ls state)" ''
	run -0 "$TABLE" open state
}

@test "without a directory there is no table" {
	run -1 "$TABLE" open none
	assert_match problem "$output" '^none: No such file'
}

@test "a directory of a user's own is made where it is missing" {
	local -a as=(env "XDG_RUNTIME_DIR=$PWD/own")
	[[ ! -e /run/socks64 ]] || skip "this machine has /run/socks64"
	mkdir -m 700 own
	if [[ $(id -u) -eq 0 ]]; then
		chmod 711 . "$BATS_RUN_TMPDIR"
		chown 65534 own
		as+=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	fi
	echo 'allow all from 192.0.2.0/24' >conf
	run -0 "${as[@]}" "$HANDLER" -t -f "$PWD/conf"
	assert_equal answer "$output" "$PWD/conf: ok"
	assert_equal mode "$(stat -c %a own/socks64)" 700
	assert_equal files "$(ls own/socks64)" associations
}

@test "a directory that others may write is not trusted" {
	chmod 770 state
	run -1 "$TABLE" open state
	assert_match problem "$output" '^state may be written by others$'
	chmod 703 state
	run -1 "$TABLE" open state
	assert_match problem "$output" '^state may be written by others$'
}

@test "a directory or a file of another user is not trusted" {
	[[ $(id -u) -eq 0 ]] || skip 'only root can give files away'
	chown 12345 state
	run -1 "$TABLE" open state
	assert_match problem "$output" "another user's$"
	chown 0 state
	"$TABLE" open state
	chown 12345 "$FILE"
	unusable "another user's$"
}

@test "a file of another mode, size or kind is left alone" {
	"$TABLE" open state
	chmod 640 "$FILE"
	unusable 'has not mode 0600$'
	chmod 600 "$FILE"
	truncate -s -1 "$FILE"
	unusable 'not a table: remove it$'
	rm "$FILE"
	: >"$FILE"
	chmod 600 "$FILE"
	unusable 'not a table: remove it$'
	rm "$FILE"
	mkfifo -m 600 "$FILE"
	unusable 'not a regular file$'
}

@test "a symlink is not followed" {
	mkdir -m 700 elsewhere
	"$TABLE" open elsewhere
	ln -s "$PWD/elsewhere/associations" "$FILE"
	unusable 'Too many levels of symbolic links$'
	rm "$FILE"
	ln -s "$PWD/nowhere" "$FILE"
	run -1 "$TABLE" open state
	[[ ! -e nowhere ]]
}

# patch OFFSET TEXT: into the header
patch() {
	printf '%b' "$2" | dd of="$FILE" bs=1 seek="$1" conv=notrunc status=none
}

@test "another magic, layout, size of entries or their number is refused" {
	local offset
	for offset in 0 8 12 16; do
		rm -f "$FILE"
		"$TABLE" open state
		patch "$offset" '\x77'
		unusable 'not a table of this version: remove it$'
	done
}

# of_earlier_boot: the table is; a second name keeps its inode from coming
# back.
of_earlier_boot() {
	"$TABLE" open state
	patch 24 'ffffffff-ffff-4fff-bfff-ffffffffffff'
	ln -f "$FILE" old
	cp old copy
}

@test "a table of an earlier boot gives way to a new one, and is not written" {
	of_earlier_boot
	run -0 "$TABLE" open state
	assert_equal answer "$output" ok
	cmp old copy
	[[ ! $FILE -ef old ]]
	assert_equal "mode and size" "$(stat -c '%a %s' "$FILE")" '600 4198400'
	assert_equal boot "$(dd if="$FILE" bs=1 skip=24 count=36 status=none)" \
	    "$(</proc/sys/kernel/random/boot_id)"
	assert_equal files "$(ls state)" associations
}

@test "many that find a table of an earlier boot at once make one new one" {
	of_earlier_boot
	all_have_one
}

@test "who does not get the lock of an old table leaves it alone" {
	of_earlier_boot
	run -1 "$TABLE" held state
	assert_match problem "$output" \
	    'cannot be replaced: Resource temporarily unavailable$'
	[[ $FILE -ef old ]]
	assert_equal files "$(ls state)" associations
}

@test "who gets the lock of an old table too late takes the new one" {
	local next
	mkdir -m 700 other
	"$TABLE" open other
	of_earlier_boot
	cp -p other/associations state/next
	next=$(stat -c %i state/next)
	run -0 "$TABLE" overtaken state
	assert_equal inode "$output" "$next"
	assert_equal files "$(ls state)" associations
}

@test "a table of an earlier boot in a directory of root's is told of" {
	[[ $(id -u) -eq 0 ]] || skip 'only root can give files away'
	of_earlier_boot
	chmod 755 state
	chown 12345 "$FILE"
	cd state
	run -1 setpriv --reuid 12345 --clear-groups "$TABLE" open .
	assert_match problem "$output" \
	    'earlier boot and cannot be replaced: Permission denied$'
	assert_equal "the file" "$(cmp associations ../copy 2>&1)" ''
}

@test "a wild top of the table leads nowhere" {
	"$TABLE" open state
	patch 60 '\xff\xff\xff\xff'
	quiet entries
}

@test "what each kind of entry does, for its owner and nobody else" {
	quiet entries
}

@test "quotas and a full table" {
	quiet quota
}

@test "a host with many addresses or names has its part of the table, no more" {
	quiet hosts
}

@test "a million wrong IDs hit nothing, and the numbers are spread evenly" {
	quiet million
	rm "$FILE"
	quiet spread
}

@test "a no reads as much for another's ID and an expired one as for none" {
	quiet alike
}

@test "a number rests, even if chance has it once more" {
	quiet numbers
}

@test "an ID lives as long as its connection, then as any other" {
	quiet kept
}

@test "two and three processes share one ID" {
	local count
	for count in 2 3; do
		run "$TABLE" shared state $count
		[[ $status -eq 0 ]] || fail "$count: $output"
	done
}

@test "who is killed within a function of IDs, with the lock, breaks nothing" {
	quiet within
}

@test "who guesses and has no ID makes no entry" {
	quiet guessers
}

@test "writers that are killed leave whole entries or none" {
	quiet crash
}

@test "the lock has a time limit, and opens when its holder dies" {
	quiet locked
}

@test "a BIND ends with its process" {
	quiet bind
}

@test "two processes that were forked with one descriptor exclude each other" {
	quiet forked
}

# says_nothing COMMAND...: it has nothing to complain of.
says_nothing() {
	run alone "$@"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "an entry that another process forged is no permit" {
	says_nothing "$CASES/shared-file.py" "$HANDLER" forged
}

@test "a deny above the control connection's rule holds for what is announced" {
	says_nothing "$CASES/shared-file.py" "$HANDLER" denied-above
}

@test "a client that is denied leaves nothing in the table" {
	says_nothing "$CASES/shared-file.py" "$HANDLER" no-traces
}

@test "the fuzz target of the table holds on its corpus" {
	make -s -C "$ROOT" build/replay/table
	"$ROOT/build/replay/table" "$TESTS/fuzz/corpus/table"
}
