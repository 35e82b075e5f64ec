# SPDX-License-Identifier: ISC
# Completes socks64 in bash(1): its options, the keywords of -o, and then the
# command that it runs.
# shellcheck shell=bash

_socks64_options() { # PROGRAM
	"$1" --help 2>/dev/null | grep -oE -- '(^ +| )-{1,2}[A-Za-z][a-z-]*' |
	    tr -d ' ' | sort -u
}

# -T says those that have a value.
_socks64_keywords() { # PROGRAM
	"$1" -T 2>/dev/null | sed 's/ .*//' | sort -u
	printf '%s\n' direct password-file search
}

# Where the command begins; 0 where it has not yet.
_socks64_command_at() {
	local -i i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --server | -f | --config | -o | --option)
			i+=1
			# bash cuts words at colons.
			while [[ ${COMP_WORDS[i + 1]} == :* ]]; do i+=2; done
			;;
		--) echo $((i + 1)) && return ;;
		-*) ;;
		*) echo $i && return ;;
		esac
	done
	echo 0
}

# SECURITY: compgen -W would execute what looks like a command in a word, and the
# user's shell would do so with what was put into the line.
_socks64_offer() { # WORDS BEGINNING
	local -a words
	local word odd='[^][A-Za-z0-9_.,:/@%+=-]'

	read -r -d '' -a words <<<"$1"
	for word in "${words[@]}"; do
		[[ $word != "$2"* || $word == *$odd* ]] || COMPREPLY+=("$word")
	done
}

_socks64() { # PROGRAM WORD BEFORE
	local words=''
	local -i at

	COMPREPLY=()
	case $3 in
	-f | --config) mapfile -t COMPREPLY < <(compgen -f -- "$2") && return ;;
	-o | --option) words=$(_socks64_keywords "$1") ;;
	-s | --server) words=$(compgen -A hostname) ;;
	-t | --test) mapfile -t COMPREPLY < <(compgen -c -- "$2") && return ;;
	*)
		at=$(_socks64_command_at)
		if ((at > 0 && at < COMP_CWORD)); then
			if declare -F _command_offset >/dev/null; then
				_command_offset $at
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$2")
			fi
			return
		elif [[ $2 == -* ]]; then
			words=$(_socks64_options "$1")
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$2")
			return
		fi
		;;
	esac
	_socks64_offer "$words" "$2"
}

complete -F _socks64 socks64
