#!/usr/bin/zsh -f
# SPDX-License-Identifier: ISC
# What zsh offers when TAB is pressed behind a line: an interactive zsh on a
# terminal of its own, whose compadd says what it adds.
#
#	complete.zsh DIRECTORY LINE	DIRECTORY has the completion functions
zmodload zsh/zpty
directory=$1 line=$2
said=$(mktemp)
zpty -b shell zsh -f -i

say() {
	zpty -w shell "$1"
}

# until_said WORD: as long as its terminal is read, it goes on.
until_said() {
	local -i i
	local drained

	for ((i = 0; i < 3000; i++)); do
		! grep -qx $1 $said || return 0
		while zpty -rt shell drained; do :; done
		sleep 0.02
	done
	print -u 2 "no $1"
	exit 1
}

say "PS1=; PATH=$PATH; fpath=($directory \$fpath); HISTFILE="
say 'autoload -Uz compinit; compinit -D -u'
say 'compadd() { local -a found; builtin compadd -O found "$@"
    print -rl -- $found >>'$said'; builtin compadd "$@" }'
say "finished() { print END >>$said }; comppostfuncs=(finished)"
say "print READY >>$said"
until_said READY
zpty -w -n shell "$line"$'\t'
until_said END
zpty -d shell
grep -vxE 'END|READY|' $said | sort -u
rm $said
