#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# units/examples/haproxy.cfg as it is shipped, with Debian's HAProxy in front
# of two gateways: versions 2 and 1 of the PROXY protocol, health checks,
# source hashing, and the death of a gateway.
#
#	client and server --+-- balancer 192.0.2.10
#	.100 to .115, .80   +-- one .11     +-- two .12

load ../lib/common

ROLES='balancer one two client'

# node ROLE ADDRESS...: a namespace on the balancer's bridge.
node() {
	local role=$1 address
	shift
	ip netns add "$NET-$role"
	ip -n "$NET-$role" link set lo up
	ip -n "$NET-$role" link add name out type veth \
	    peer name "$role" netns "$NET-balancer"
	ip -n "$NET-balancer" link set "$role" master bridge up
	for address; do
		ip -n "$NET-$role" address add "$address/24" dev out
	done
	ip -n "$NET-$role" link set out up
}

setup_file() {
	! lacks networks || return 0
	export NET=s64-$$-haproxy
	ip netns add "$NET-balancer"
	local package
	for package in haproxy liblua5.3-0 libopentracing-c-wrapper0 \
	    libopentracing1; do
		"$TESTS/unpack-package" "$package" "$ROOT/build/$package" ||
		    fail "cannot fetch $package"
	done
	ip -n "$NET-balancer" link set lo up
	ip -n "$NET-balancer" link add name bridge type bridge
	ip -n "$NET-balancer" address add 192.0.2.10/24 dev bridge
	ip -n "$NET-balancer" link set bridge up
	node one 192.0.2.11
	node two 192.0.2.12
	node client 192.0.2.80 192.0.2.{100..115}
	start server ip netns exec "$NET-client" "$PEERS/server.py" \
	    192.0.2.80 echo=7000
	wait_for_line "$BATS_FILE_TMPDIR/server.out" '^ready$'
	export PLACE
	PLACE=$(mktemp -d /tmp/socks64-haproxy.XXXXXX)
	chmod 755 "$PLACE"
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" >"$PLACE/passwords"
	chmod 600 "$PLACE/passwords"
	chown nobody "$PLACE/passwords"
}

setup() {
	skip_lacking
}

teardown_file() {
	local role
	stop_all
	rm -rf "${PLACE:-/nonexistent}"
	for role in $ROLES; do
		ip netns delete "${NET:-none}-$role" 2>/dev/null || :
	done
}

teardown() {
	[[ -z ${LACKING:-} ]] || return 0
	local role pid
	for role in balancer one two; do
		stop "$role"
		for pid in $(ip netns pids "$NET-$role"); do
			kill -KILL "$pid" 2>/dev/null || :
		done
	done
}

haproxy() {
	local package libraries=
	for package in liblua5.3-0 libopentracing-c-wrapper0 libopentracing1; do
		libraries+=:$(dirname "$(find "$ROOT/build/$package" \
		    -name 'lib*.so.*' | head -n 1)")
	done
	echo env "LD_LIBRARY_PATH=${libraries#:}" \
	    "$ROOT/build/haproxy/usr/sbin/haproxy"
}

# gateway ROLE ADDRESS LINE...
gateway() {
	local role=$1 address=$2 line
	local -a options=()
	shift 2
	for line in 'proxy-protocol-from 192.0.2.10' 'user nobody' "$@"; do
		options+=(-o "$line")
	done
	rm -f "$BATS_FILE_TMPDIR/$role.err"
	start "$role" ip netns exec "$NET-$role" systemd-socket-activate \
	    --accept -l "$address:1080" "$HANDLER" "${options[@]}"
	wait_for_line "$BATS_FILE_TMPDIR/$role.err" '^Listening on'
}

# balance [SED-COMMAND]: the example, changed as it says.
balance() {
	sed "${1:-}" "$ROOT/units/examples/haproxy.cfg" >"$PLACE/haproxy.cfg"
	local -a command
	read -ra command < <(haproxy)
	run -0 "${command[@]}" -c -f "$PLACE/haproxy.cfg"
	[[ $output != *WARNING* ]] || fail "$output"
	start balancer ip netns exec "$NET-balancer" "${command[@]}" -db \
	    -f "$PLACE/haproxy.cfg"
}

# balanced [VICTIM] [OPTION]...: the clients, and who is killed between.
balanced() {
	local -a victim=()
	[[ -z ${1:-} ]] || victim=("$NET-$1")
	run ip netns exec "$NET-client" "$CASES/balanced.py" "${@:2}" \
	    192.0.2.10:1080 192.0.2.80:7000 "$BATS_FILE_TMPDIR/one.err" \
	    "$BATS_FILE_TMPDIR/two.err" "${victim[@]}"
	[[ $status -eq 0 ]] || fail "$output" \
	    "$(grep -h client= "$BATS_FILE_TMPDIR"/{one,two}.err | tail -n 5)"
}

ALLOW='allow from 192.0.2.96/27 at 192.0.2.80 port 7000'

@test "as shipped: each client keeps its gateway, and its address; one dies, the other serves all" {
	gateway one 192.0.2.11 "$ALLOW"
	gateway two 192.0.2.12 "$ALLOW"
	balance
	balanced one
}

@test "version 1 of the PROXY protocol" {
	gateway one 192.0.2.11 "$ALLOW"
	gateway two 192.0.2.12 "$ALLOW"
	balance 's/send-proxy-v2/send-proxy/'
	balanced "" --version-1
}

@test "with passwords, and the health check that the example says then" {
	local lines=('auth password' "password-file $PLACE/passwords"
	    'allow user alice from 192.0.2.96/27 at 192.0.2.80')
	gateway one 192.0.2.11 "${lines[@]}"
	gateway two 192.0.2.12 "${lines[@]}"
	balance 's/050100/050102/; s/expect binary 0500/expect binary 0502/'
	balanced "" --login alice:secret
}

@test "without proxy-protocol-from the gateways are down to the health check" {
	start one ip netns exec "$NET-one" systemd-socket-activate \
	    --accept -l 192.0.2.11:1080 "$HANDLER" -o "$ALLOW"
	start two ip netns exec "$NET-two" systemd-socket-activate \
	    --accept -l 192.0.2.12:1080 "$HANDLER" -o "$ALLOW"
	balance
	wait_for_line "$BATS_FILE_TMPDIR/balancer.err" \
	    'Server gateways/two is DOWN'
	wait_for_line "$BATS_FILE_TMPDIR/balancer.err" \
	    'Server gateways/one is DOWN'
}
