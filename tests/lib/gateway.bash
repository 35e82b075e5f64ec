# SPDX-License-Identifier: ISC
# A file of tests around one network (net.bash) with the gateway in it: the
# one library that such a file loads.
#
#	load lib/gateway		(in tests/slow: load ../lib/gateway)
#
# It brings the network up, calls prepare_file, which the test file may have,
# and takes all of it down again; where there are no namespaces each test is
# skipped.  A file with a setup of its own begins it with net_needed.
#
# shellcheck shell=bash

GATEWAY_LIBRARY=$(dirname "${BASH_SOURCE[0]}")
for library in common net records launch types; do
	# shellcheck source=/dev/null
	source "$GATEWAY_LIBRARY/$library.bash"
done

setup_file() {
	net_up
	[[ -z $NET_MISSING ]] || return 0
	prepare_file
}

prepare_file() {
	:
}

setup() {
	net_needed
}

teardown_file() {
	net_down
}
