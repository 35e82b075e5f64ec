# SPDX-License-Identifier: ISC
# Completes socks64-handler and socks64-handler-static in bash(1).  What there
# is to complete the program says itself: --help, -T, and the message of -e.
# shellcheck shell=bash

_socks64_handler_options() { # PROGRAM
	"$1" --help 2>/dev/null | grep -oE -- '(^ +| )-{1,2}[A-Za-z][a-z-]*' |
	    tr -d ' ' | sort -u
}

# The keywords, of settings that have a value and of those that have none.
_socks64_handler_keywords() { # PROGRAM
	"$1" -T 2>/dev/null |
	    sed -n 's/^# \([a-z0-9-]*\):.*/\1/p; s/^\([a-z0-9-]*\) .*/\1/p' |
	    sort -u
	echo deny
}

_socks64_handler_commands() { # PROGRAM
	"$1" -e . 127.0.0.1 127.0.0.1:1 2>&1 |
	    sed -n 's/.*the command is //p' | sed 's/ or /, /; s/,//g'
}

# Whom rules name, and who has a line in the password file.
_socks64_handler_users() { # PROGRAM [FILE]
	local dump file

	dump=$("$1" -T ${2:+-f "$2"} 2>/dev/null)
	sed -n 's/^\(allow\|deny\) .*user \([^ ]*\).*/\2/p' <<<"$dump" |
	    tr ',' '\n' | grep -vxF '*'
	file=$(sed -n 's/^password-file //p' <<<"$dump")
	[[ $file == /* || $2 != */* ]] || file=${2%/*}/$file
	[[ ! -r $file ]] || sed -n 's/^\([^#:][^:]*\):.*/\1/p' "$file"
}

# The words behind -e, by their number.
_socks64_handler_query() { # PROGRAM NUMBER [FILE]
	case $2 in
	1) _socks64_handler_commands "$1" ;;
	2) printf '%s\n' 127.0.0.1 ::1 ;;
	3) compgen -A hostname ;;
	4) _socks64_handler_users "$1" ${3:+"$3"} ;;
	esac
}

# Sets `file' and `place', which are the caller's: of -f, and of the word that
# is completed among those behind -e.
_socks64_handler_look() {
	local -i i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-f | --config) file=${COMP_WORDS[i + 1]} i+=1 ;;
		-o | --option | -l | --listen) i+=1 ;;
		-e | --explain) place=1 ;;
		-*) ;;
		# bash cuts words at colons.
		*)
			[[ ${COMP_WORDS[i]} == : || ${COMP_WORDS[i - 1]} == : ]] ||
			    place=$((place > 0 ? place + 1 : 0))
			;;
		esac
	done
}

# SECURITY: compgen -W would execute what looks like a command in a word, and the
# user's shell would do so with what was put into the line.
_socks64_handler_offer() { # WORDS BEGINNING
	local -a words
	local word odd='[^][A-Za-z0-9_.,:/@%+=-]'

	read -r -d '' -a words <<<"$1"
	for word in "${words[@]}"; do
		[[ $word != "$2"* || $word == *$odd* ]] || COMPREPLY+=("$word")
	done
}

_socks64_handler() { # PROGRAM WORD BEFORE
	local file='' words
	local -i place=0

	COMPREPLY=()
	case $3 in
	-f | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		return
		;;
	-o | --option) words=$(_socks64_handler_keywords "$1") ;;
	-l | --listen) words='127.0.0.1:1080 [::1]:1080 :1080' ;;
	*)
		_socks64_handler_look
		if [[ $2 == -* ]]; then
			words=$(_socks64_handler_options "$1")
		else
			words=$(_socks64_handler_query "$1" $place \
			    ${file:+"$file"})
		fi
		;;
	esac
	_socks64_handler_offer "$words" "$2"
}

complete -F _socks64_handler socks64-handler socks64-handler-static
