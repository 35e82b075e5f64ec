#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What bash and zsh offer behind socks64-handler and socks64: asked of both
# shells, and compared with the tables in the sources.

load lib/common

COMPLETIONS=${ROOT:?}/units/completions

setup() {
	PATH=$ROOT:$PATH
	command -v zsh >/dev/null || skip "no zsh"
	cat >"$BATS_TEST_TMPDIR/conf" <<-'END'
		password-file users
		allow user alice,uid=1000 port 22
		allow user *
	END
	printf '%s\n' '# who' 'bob:*' 'carol:*' >"$BATS_TEST_TMPDIR/users"
}

# offered SHELL LINE: a candidate a line; LINE ends where TAB is pressed.
offered() {
	local -a words
	if [[ $1 == zsh ]]; then
		"$PEERS/complete.zsh" "$COMPLETIONS" "$2"
	else
		# As readline cuts it.
		read -ra words <<<"${2//:/ : }"
		[[ $2 != *' ' ]] || words+=('')
		"$PEERS/complete.bash" \
		    "$COMPLETIONS/${words[0]%-static}.bash" "${words[@]}"
	fi
}

# offers LINE WORD...: both shells, these and no others.
offers() {
	local shell line=$1
	shift
	for shell in bash zsh; do
		run -0 offered $shell "$line"
		assert_equal "$shell: $line" "$(xargs <<<"$output")" \
		    "$(printf '%s\n' "$@" | sort -u | xargs)"
	done
}

# long_options FILE: of a table for getopt_long(3).
long_options() {
	sed -n 's/^\t\t{ "\([a-z-]*\)", .*/--\1/p' "$ROOT/$1"
}

@test "the options are those of the program" {
	# shellcheck disable=SC2046 # words
	offers 'socks64-handler --' $(long_options command/options.c)
	# shellcheck disable=SC2046 # words
	offers 'socks64 --' $(long_options lib/socks64.c)
	offers 'socks64-handler --l' --listen
	run -0 offered bash 'socks64-handler -'
	assert_match letters "$output" '-T.*-V.*-e.*-f.*-h.*-l.*-o.*-t'
}

@test "behind -o stand the keywords of the program" {
	local known
	known=$(sed -n 's/.*\.keyword = "\([a-z0-9-]*\)".*/\1/p' \
	    "$ROOT/policy/directives.c")
	# shellcheck disable=SC2086 # words
	offers 'socks64-handler -o ' $known
	offers 'socks64-handler -o log-' log-level log-facility log-to \
	    log-start log-udp-peers
	known=$(sed -n 's/^\t{ "\([a-z0-9-]*\)", parse_.*/\1/p' \
	    "$ROOT/lib/configure.c")
	# shellcheck disable=SC2086 # words
	offers 'socks64 -o ' $known
}

@test "behind -e stand commands, then at last users of rules and password file" {
	# shellcheck disable=SC2046 # words
	offers 'socks64-handler -e ' $(sed -n \
	    's/^\t\t{ "\([a-z]*\)", POLICY_[A-Z]* },$/\1/p' \
	    "$ROOT/command/explain.c")
	offers 'socks64-handler -e co' connect
	offers "socks64-handler -f $BATS_TEST_TMPDIR/conf -e connect 127.0.0.1 192.0.2.1:80 " \
	    alice uid=1000 bob carol
}

@test "a user who looks like a command is neither executed nor offered" {
	# shellcheck disable=SC2016 # it is to stay as it is
	printf '%s\n' '$(touch${IFS}'"$BATS_TEST_TMPDIR/here"'):*' '`id`:*' \
	    'dora;id:*' 'erik@example.com:*' >"$BATS_TEST_TMPDIR/users"
	run -0 offered bash "socks64-handler -f $BATS_TEST_TMPDIR/conf -e connect 127.0.0.1 192.0.2.1:80 "
	assert_equal users "$(xargs <<<"$output")" \
	    'alice erik@example.com uid=1000'
	[[ ! -e $BATS_TEST_TMPDIR/here ]]
}

@test "behind socks64 and its options stand commands" {
	local shell
	for shell in bash zsh; do
		run -0 offered $shell 'socks64 -s 127.0.0.1:1080 unsha'
		assert_match "$shell" "$output" '(^|.)unshare'
	done
}

@test "the static link is completed, too" {
	PATH=$BATS_TEST_TMPDIR:$PATH
	ln -s "$HANDLER_STATIC" "$BATS_TEST_TMPDIR/socks64-handler-static"
	offers 'socks64-handler-static -e as' associate
}
