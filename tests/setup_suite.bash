# SPDX-License-Identifier: ISC
# Once for the whole run: the programs must be there, and nothing of an
# earlier run.
#
# shellcheck shell=bash

setup_suite() {
	local root
	root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	local program
	for program in socks64-handler socks64-handler-static; do
		[[ -x $root/$program ]] || {
			echo "$program is not built: make, or make check" >&2
			return 1
		}
	done
	unset LISTEN_PID LISTEN_FDS LISTEN_FDNAMES JOURNAL_STREAM NOTIFY_SOCKET
	unset http_proxy https_proxy all_proxy ALL_PROXY no_proxy
	# What make that called us was told is not for the makes of the tests.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
	export LC_ALL=C.UTF-8
}
