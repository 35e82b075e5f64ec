# SPDX-License-Identifier: ISC
# Starting the handler in the gateway's namespace, by each of its launchers,
# on port 1080 of the addresses that the clients see.
#
# shellcheck shell=bash

# inetd_program: fetches openbsd-inetd below build/ and prints its path.
inetd_program() {
	"$TESTS/unpack-package" openbsd-inetd "$ROOT/build/openbsd-inetd" ||
	    return 1
	echo "$ROOT/build/openbsd-inetd/usr/sbin/inetd"
}

# gateway_start LAUNCHER [LINE]...: LAUNCHER is
#
#	activate      systemd-socket-activate --accept, fd 3, dynamic link
#	activate-inetd  the same with --inetd, fd 0 and 1, dynamic link
#	dual          as activate, on [::], one socket for both families
#	listen        -l, the handler itself listens, dynamic link
#	inetd         openbsd-inetd, fd 0 1 2, static link; log by syslog
#
# Where $LISTEN is set, `listen' takes the place of `activate'.
#
# The lines are configuration; without any, $NET_ALLOW alone.  Everything the
# session logs arrives in $GATEWAY_LOG.
gateway_start() {
	local launcher=$1
	local -a both=(-l "$GW4:1080" -l "[$GW6]:1080")
	local -i listeners=2
	shift
	[[ -z ${LISTEN:-} || $launcher != activate ]] || launcher=listen
	[[ $# -gt 0 ]] || set -- "$NET_ALLOW"
	export GATEWAY_LOG=$BATS_FILE_TMPDIR/gateway.log
	: >"$GATEWAY_LOG"
	case $launcher in
	activate) gateway_activate "${both[@]}" -- "$@" ;;
	activate-inetd) gateway_activate --inetd "${both[@]}" -- "$@" ;;
	dual)
		listeners=1
		gateway_activate -l '[::]:1080' -- "$@"
		;;
	listen) gateway_listen "${both[@]}" -- "$@" ;;
	inetd) gateway_inetd "$@" ;;
	*) fail "no launcher $launcher" ;;
	esac
	wait_until net_listens gw 1080 $listeners ||
	    fail "$launcher does not listen" "$(cat "$GATEWAY_LOG")" \
	        "$(cat "$BATS_FILE_TMPDIR/gateway.err")"
}

# gateway_activate OPTION... -- LINE...
gateway_activate() {
	local -a options=() lines=()
	local line
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	for line; do
		lines+=(-o "$line")
	done
	rm -f "$BATS_FILE_TMPDIR/gateway.err"
	ln -s gateway.log "$BATS_FILE_TMPDIR/gateway.err"
	start gateway ip netns exec "$NET-gw" systemd-socket-activate \
	    --accept "${options[@]}" "$HANDLER" "${lines[@]}"
}

# gateway_listen OPTION... -- LINE...
gateway_listen() {
	local -a options=()
	local line
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	for line; do
		options+=(-o "$line")
	done
	rm -f "$BATS_FILE_TMPDIR/gateway.err"
	ln -s gateway.log "$BATS_FILE_TMPDIR/gateway.err"
	start gateway ip netns exec "$NET-gw" "$HANDLER" "${options[@]}"
}

# inetd splits its lines at blanks: the configuration goes into a file.
gateway_inetd() {
	local program configuration=$BATS_FILE_TMPDIR/inetd.conf
	program=$(inetd_program) || return 1
	printf '%s\n' "$@" >"$BATS_FILE_TMPDIR/socks64.conf"
	chmod 644 "$BATS_FILE_TMPDIR/socks64.conf"
	local service
	for service in "$GW4:1080 stream tcp4" "[$GW6]:1080 stream tcp6"; do
		echo "$service nowait.60000 root $HANDLER_STATIC" \
		    "socks64-handler -f $BATS_FILE_TMPDIR/socks64.conf"
	done >"$configuration"
	rm -f "$BATS_FILE_TMPDIR/gateway.err"
	start gateway ip netns exec "$NET-gw" "$PEERS/syslog-dev" \
	    "$GATEWAY_LOG" "$program" -i "$configuration"
}

# gateway_stop: the launcher and all its sessions.
gateway_stop() {
	local pid
	[[ -n ${NET:-} ]] || return 0
	stop gateway
	for pid in $(ip netns pids "$NET-gw"); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	wait_until gateway_is_empty
}

# session_pid: of the handlers that run; those that listen are no sessions.
session_pid() {
	local pid
	for pid in $(ip netns pids "$NET-gw"); do
		[[ ! /proc/$pid/exe -ef $HANDLER ]] ||
		    grep -qsz '^-l$' "/proc/$pid/cmdline" || echo "$pid"
	done
}

sessions_are() { # COUNT
	[[ $(session_pid | wc -l) -eq $1 ]]
}

gateway_is_empty() {
	[[ -z $(ip netns pids "$NET-gw") ]]
}

# client ROLE ARGUMENT...: socks.py from c4 or c6 towards the gateway.  With
# "--" among the arguments: what stands before is options.
client() {
	local role=$1 gateway=$GW4:1080
	local -a options=()
	shift
	[[ $role == c4 ]] || gateway=[$GW6]:1080
	while [[ $1 == --* ]]; do
		options+=("$1")
		case $1 in
		--as | --seed | --timeout)
			options+=("$2")
			shift
			;;
		esac
		shift
	done
	in_ns "$role" "$PEERS/socks.py" "${options[@]}" "$gateway" "$@"
}

# wait_for_log PATTERN
wait_for_log() {
	wait_for_line "$GATEWAY_LOG" "$@"
}
