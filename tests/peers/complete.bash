#!/bin/bash
# SPDX-License-Identifier: ISC
# What bash offers when TAB is pressed behind a line.
#
#	complete.bash FILE WORD...	FILE has the completion functions; the
#	                                last word is the one that is completed
set -u
# shellcheck disable=SC1090 # whatever is given
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
function=$(complete -p "${1##*/}" | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[[ ${#COMPREPLY[@]} -eq 0 ]] || printf '%s\n' "${COMPREPLY[@]}" | sort -u
