#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The relay by itself: relay_run() in a driver (tests/unit/relay.c) between
# two peers that play scripts (tests/peers/play.py).

load lib/common

PLAY=$PEERS/play.py
DRIVER=$ROOT/build/tests/unit/relay
WAITER=$ROOT/build/tests/unit/wait

# All peers are in a network of their own, where there may be one.
setup_file() {
	make -s -C "$ROOT" build/tests/unit/relay build/tests/unit/wait
	! lacks networks || return 0
	export NAMESPACE=s64-$$-relay
	ip netns add "$NAMESPACE"
	ip -n "$NAMESPACE" link set lo up
}

teardown_file() {
	[[ -z ${NAMESPACE-} ]] || ip netns delete "$NAMESPACE"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	: >pids
	WITHIN=${NAMESPACE:+ip netns exec $NAMESPACE}
}

teardown() {
	local pid
	for pid in $(<pids); do
		kill "$pid" 2>/dev/null || :
	done
}

until_true() {
	wait_until "$@" || fail "never: $*"
}

# relay [OPTION...]: starts the driver, under $UNDER where that is set; all of
# a test runs within $WITHIN, a namespace.
relay() {
	: >result
	# shellcheck disable=SC2086 # words
	$WITHIN ${UNDER-} "$DRIVER" "$@" >result 3>&- &
	driver=$!
	echo "$driver" >>pids
	until_true grep -q . result
	read -r client_port server_port <result
	client_at=(--connect "127.0.0.1:$client_port")
	[[ ${1-} != -u ]] || client_at=(--unix "$2")
}

# unsent PORT OCTETS: so many wait in the driver's socket of that local port,
# because its peer does not read.
unsent() {
	local port entry
	printf -v port ':%04X' "$1"
	# shellcheck disable=SC2086 # words
	entry=$($WITHIN awk -v port="$port" 'index($2, port) && $4 != "0A" {
		sub(":.*", "", $5); print $5 }' /proc/net/tcp)
	[[ -n $entry ]] && ((16#$entry >= $2))
}

# client ACTION..., server ACTION...: start the peers.  Each waits until the
# other is connected too.
client() {
	# shellcheck disable=SC2086 # words
	$WITHIN "$PLAY" --seed 1 --peer-seed 2 "${client_at[@]}" touch:client-came \
	    wait:server-came "$@" 3>&- &
	client=$!
	echo "$client" >>pids
}

server() {
	# shellcheck disable=SC2086 # words
	$WITHIN "$PLAY" --seed 2 --peer-seed 1 --connect "127.0.0.1:$server_port" \
	    touch:server-came wait:client-came "$@" 3>&- &
	server=$!
	echo "$server" >>pids
}

# Both peers did all that their scripts say.
played() {
	wait "$client"
	wait "$server"
}

# ended PATTERN: the driver's last line.
ended() {
	wait "$driver"
	tail -n 1 result
	[[ $(tail -n 1 result) =~ ^$1 ]]
}

# The pipes of the driver but for its standard descriptors.
no_pipes() {
	[[ -z $(spare_pipes) ]]
}

some_pipes() {
	[[ -n $(spare_pipes) ]]
}

spare_pipes() {
	local fd
	for fd in "/proc/$driver/fd"/*; do
		[[ ${fd##*/} == [012] ]] || readlink "$fd"
	done | grep '^pipe:' || :
}

# ---------------------------------------------------------------- octets

@test "10 MiB each way at the same time arrive as they were sent" {
	relay
	client swap:10m fin expect-fin
	server swap:10m fin expect-fin
	played
	ended 'ok up=10485760 down=10485760 .*reason=-$'
}

@test "single octets go to and fro" {
	relay
	client text:a expect-text:b text:c expect-text:d fin expect-fin
	server expect-text:a text:b expect-text:c text:d expect-fin fin
	played
	ended 'ok up=2 down=2 '
}

@test "early data reaches the server before everything else" {
	relay -e early
	client send:1m fin expect-fin
	server expect-text:early expect:1m expect-fin fin
	played
	ended 'ok up=1048581 down=0 '
}

@test "early data reaches the server of a client that says nothing more" {
	relay -e early
	client fin expect-text:late expect-fin
	server expect-text:early expect-fin text:late fin
	played
	ended 'ok up=5 down=4 '
}

@test "a unix-domain client is served: 10 MiB each way, half-close" {
	relay -u "$PWD/socket"
	client swap:10m fin expect:1m expect-fin
	server swap:10m expect-fin send:1m fin
	played
	ended 'ok up=10485760 down=11534336 '
}

# ------------------------------------------------------------ half-close

@test "8 MiB up and FIN, then 1 MiB of reply (tailscale #20883)" {
	relay
	client send:8m fin expect:1m expect-fin
	server expect:8m expect-fin send:1m fin
	played
	ended 'ok up=8388608 down=1048576 '
}

@test "8 MiB down and FIN, then 1 MiB up" {
	relay
	client expect:8m expect-fin send:1m fin
	server send:8m fin expect:1m expect-fin
	played
	ended 'ok up=1048576 down=8388608 '
}

@test "FIN without one octet is passed on both ways" {
	relay
	client fin expect-fin
	server expect-fin fin
	played
	ended 'ok up=0 down=0 '
}

@test "FIN waits for what a slow reader has not taken yet" {
	relay
	client stalled:stalled send:64m fin expect-fin
	server window:64k wait:stalled expect:64m expect-fin fin
	played
	ended 'ok up=67108864 down=0 '
}

# ----------------------------------------------------------------- reset

@test "a reset of the client comes behind its megabytes, as a reset" {
	relay
	client send:4m flushed touch:sent reset
	server wait:sent expect:4m expect-reset
	played
	ended 'reset up=4194304 down=0 .*reason=the client reset its'
}

@test "a reset of the server comes behind its megabytes, as a reset" {
	relay
	client wait:sent expect:4m expect-reset
	server send:4m flushed touch:sent reset
	played
	ended 'reset up=0 down=4194304 .*reason=the server reset its'
}

@test "a reset of an idle client reaches an idle server at once" {
	relay
	client text:x expect-text:y reset
	server expect-text:x text:y expect-reset
	played
	ended 'reset up=1 down=1 '
}

@test "a reset of the client stops a download in the midst" {
	relay
	client wait:stalled reset
	server stalled:stalled push-until-reset
	wait "$client"
	wait "$server"
	ended 'reset up=0 down=[1-9][0-9]* .*reason=the client'
}

@test "a reset behind a FIN is passed on as a reset" {
	relay
	client send:1m fin wait:got reset
	server expect:1m expect-fin touch:got expect-reset
	played
	ended 'reset up=1048576 down=0 .*reason=the client'
}

@test "what a resetting client still had to get is dropped, and an echo server that only reads when it can write gets all" {
	relay
	client send:1m wait:filled reset
	server stalled:filled send:48m expect:1m expect-reset
	wait "$client"
	wait "$server"
	ended 'reset up=1048576 .*reason=the client'
}

@test "a server that does not read what came before a reset is reset after 10 s" {
	relay
	client window:64k send:2m wait:stuck reset
	server window:4k wait:over
	until_true unsent "$server_port" 1000000
	local -i began
	began=$(microseconds)
	touch stuck
	wait "$client"
	falls_quiet "$driver"
	ended 'reset up=[0-9]* down=0 .*reason=the client'
	(($(microseconds) - began >= 10000000))
	touch over
}

@test "what came before a reset is delivered although both are seen at once" {
	relay
	client expect-text:x touch:stop wait:stopped send:60000 flushed touch:sent reset
	server text:x wait:going expect:60000 expect-reset
	until_true test -e stop
	kill -STOP "$driver"
	touch stopped
	wait "$client"
	kill -CONT "$driver"
	touch going
	played
	ended 'reset up=60000 down=1 .*reason=the client'
}

@test "a unix-domain client that closes behind its megabytes is no reset, and no spin" {
	relay -u "$PWD/socket"
	client stalled:stalled send:16m close
	server window:64k wait:measured expect:16m expect-fin fin
	until_true test -e stalled
	falls_quiet "$driver"
	touch measured
	played
	ended 'ok up=16777216 down=0 '
}

@test "writing to a client that closed is its reset" {
	relay
	client text:x close
	server expect-text:x push-until-reset
	played
	ended 'reset up=1 down=[0-9]* .*reason=the client reset'
}

@test "a unix-domain client that closes while it is written to ends the server" {
	relay -u "$PWD/socket"
	client text:x close
	server expect-text:x expect-fin text:y expect-reset
	played
	ended 'reset up=1 down=0 .*reason=the client reset'
}

# ---------------------------------------------------------------- urgent

@test "an urgent octet alone stays urgent, both ways" {
	relay
	client urgent:U expect-urgent:D fin expect-fin
	server expect-urgent:U urgent:D expect-fin fin
	played
	ended 'ok up=1 down=1 '
}

@test "an urgent octet is the last one before FIN" {
	relay
	client text:abc urgent:U fin expect-fin
	server expect-text:abc expect-urgent:U expect-fin fin
	played
	ended 'ok up=4 down=0 '
}

@test "an urgent octet before a reset is delivered" {
	relay
	client text:abc urgent:U flushed reset
	server expect-text:abc expect-urgent:U expect-reset
	played
	ended 'reset up=4 down=0 '
}

@test "two urgent octets, one after the other" {
	relay
	client urgent:1 wait:one urgent:2 text:abc fin expect-fin
	server expect-urgent:1 touch:one expect-urgent:2 expect-text:abc \
	    expect-fin fin
	played
	ended 'ok up=5 down=0 '
}

@test "of two urgent octets at once none is lost" {
	relay
	client text:ab urgent:1 urgent:2 text:cd fin expect-fin
	server expect-text:ab12cd expect-fin fin
	played
	ended 'ok up=6 down=0 '
}

# marked OFFSET: 16 MiB up with an urgent octet at OFFSET, then the same down.
marked() {
	relay
	client "mark:16m:$1" "expect-mark:16m:$1" fin expect-fin
	server "expect-mark:16m:$1" "mark:16m:$1" expect-fin fin
	played
	ended 'ok up=16777217 down=16777217 '
}

@test "an urgent octet in 16 MiB keeps its place: before the first" {
	marked 0
}

@test "an urgent octet in 16 MiB keeps its place: while copying" {
	marked 20000
}

@test "an urgent octet in 16 MiB keeps its place: while splicing" {
	marked 5000001
}

@test "an urgent octet in 16 MiB keeps its place: near the end" {
	marked 16777215
}

@test "an urgent octet in 16 MiB keeps its place: at the end" {
	marked 16m
}

@test "two urgent octets in 16 MiB keep their places" {
	relay
	client mark:16m:7654321 wait:first mark:16m:1 fin expect-fin
	server expect-mark:16m:7654321 touch:first expect-mark:16m:1 \
	    expect-fin fin
	played
	ended 'ok up=33554434 '
}

@test "an urgent octet waits behind what a slow reader has not taken, without a spin" {
	relay
	client stalled:stalled mark:32m:31m fin expect-fin
	server window:64k wait:measured expect-mark:32m:31m expect-fin fin
	until_true test -e stalled
	falls_quiet "$driver"
	touch measured
	played
	ended 'ok up=33554433 '
}

@test "an unread urgent octet costs no time" {
	relay
	client text:a urgent:U touch:sent wait:measured fin expect-fin
	server wait:measured expect-text:a expect-urgent:U expect-fin fin
	until_true test -e sent
	falls_quiet "$driver"
	touch measured
	played
	ended 'ok up=2 '
}

@test "an urgent octet that comes before a lost segment is waited for without a spin" {
	skip_lacking
	command -v nft >/dev/null || skip "nft is not installed"
	relay
	$WITHIN nft -f - <<-END
		table ip lose {
			chain input {
				type filter hook input priority 0
				tcp dport $client_port ip length > 500 drop
			}
		}
	END
	long=$(printf '%0600d' 0)
	client "text:$long" urgent:U touch:sent fin expect-fin
	server "expect-text:$long" expect-urgent:U expect-fin fin
	until_true test -e sent
	falls_quiet "$driver"
	$WITHIN nft delete table ip lose
	played
	ended 'ok up=601 '
}

@test "a unix-domain client's urgent octet is not lost" {
	relay -u "$PWD/socket"
	client text:ab urgent:U text:cd fin expect-text:xD expect-fin
	server expect-text:abUcd expect-fin text:x urgent:D fin
	played
	ended 'ok up=5 down=2 '
}

# ---------------------------------------------------------- back-pressure

@test "a client that reads nothing for a while costs neither memory nor time, and gets all" {
	relay -h 60000
	client window:64k wait:measured expect:64m expect-fin fin
	server stalled:stalled send:64m fin expect-fin
	until_true test -e stalled
	falls_quiet "$driver"
	memory=$(awk '/VmRSS/ { print $2 }' "/proc/$driver/status")
	echo "VmRSS $memory kB"
	((memory < 4096))
	touch measured
	played
	ended 'ok up=0 down=67108864 '
}

@test "pipes come with bulk and go when it falls idle" {
	relay
	client send:8m wait:seen text:x fin expect-fin
	server wait:looking expect:8m expect-text:x expect-fin fin
	until_true some_pipes
	touch looking
	until_true no_pipes
	touch seen
	played
	ended 'ok up=8388609 '
}

@test "small messages make no pipe" {
	relay
	client text:ab expect-text:cd wait:seen fin expect-fin
	server expect-text:ab text:cd touch:seen-all expect-fin fin
	until_true test -e seen-all
	no_pipes
	touch seen
	played
	ended 'ok up=2 down=2 '
}

@test "without descriptors for pipes it goes on by copying" {
	UNDER="prlimit --nofile=6" relay
	client swap:10m fin expect-fin
	server swap:10m fin expect-fin
	played
	ended 'ok up=10485760 down=10485760 '
}

# ------------------------------------------------------------------ time

@test "silence in both directions ends it after the idle timeout, both sides are reset" {
	relay -i 2000
	client text:x expect-text:y expect-reset
	server expect-text:x text:y expect-reset
	played
	ended 'timeout up=1 down=1 .*reason=silent'
}

@test "each octet in either direction starts the idle timeout anew" {
	relay -i 3000
	client drip:8 fin expect-fin
	server expect-text:xxxxxxxx expect-fin fin
	played
	ended 'ok up=8 down=0 '
}

@test "a client that stops reading for ever meets the idle timeout, not before" {
	local -i began
	began=$(microseconds)
	relay -i 3000
	client window:64k wait:over expect-reset
	server stalled:stalled push-until-reset
	until_true test -e stalled
	wait "$server"
	(($(microseconds) - began >= 3000000))
	touch over
	if wait "$client"; then
		false # octets came before the reset, so it is not content
	fi
	ended 'timeout up=0 down=[1-9][0-9]* .*reason=silent'
}

@test "a server that is silent after the client's FIN ends it (half-closed)" {
	relay -i 60000 -h 700
	client text:x fin expect-reset
	server expect-text:x expect-fin expect-reset
	played
	ended 'timeout up=1 down=0 .*reason=half-closed'
}

@test "a client that is silent after the server's FIN ends it (half-closed)" {
	relay -i 60000 -h 700
	client expect-text:x expect-fin expect-reset
	server text:x fin expect-reset
	played
	ended 'timeout up=0 down=1 .*reason=half-closed'
}

@test "octets after a FIN keep a half-closed session alive" {
	relay -h 3000
	client fin expect-text:xxxxxxxx expect-fin
	server expect-fin drip:8 fin
	played
	ended 'ok up=0 down=8 '
}

# taken ACTION...: the server sends 1 MiB and FIN, which the kernel takes from
# the driver, for a client that reads nothing before the file `resume'.
taken() {
	client window:64k wait:resume "$@"
	server send:1m fin touch:sent "${server_end[@]}"
	until_true unsent "$client_port" 700000
}

# given ACTION...: the same in the other direction.
given() {
	server window:64k wait:resume "$@"
	client send:1m fin touch:sent "${client_end[@]}"
	until_true unsent "$server_port" 700000
}

@test "a reader that takes octets from the kernel keeps a session, both ways" {
	relay -i 1500 -h 1500
	client window:64k sip:128k:8 expect-fin fin
	server send:1m fin expect-fin
	played
	ended 'ok up=0 down=1048576 '
	relay -i 1500 -h 1500
	server window:64k sip:128k:8 expect-fin fin
	client send:1m fin expect-fin
	played
	ended 'ok up=1048576 down=0 '
}

@test "a reader that pauses for longer than the half-closed timeout gets all, both ways" {
	local server_end=(expect-fin) client_end=(expect-fin)
	relay -h 300
	taken expect:1m expect-fin fin
	sleep 1 # paced on purpose: the timeout is over three times
	touch resume
	played
	ended 'ok up=0 down=1048576 '
	rm resume
	relay -h 300
	given expect:1m expect-fin fin
	sleep 1
	touch resume
	played
	ended 'ok up=1048576 down=0 '
}

@test "the idle timeout resets what was cut short, and not what is whole, both ways" {
	local server_end=(expect-reset) client_end=(expect-reset)
	relay -i 700
	taken expect:1m expect-fin
	ended 'timeout up=0 down=1048576 .*reason=silent'
	touch resume
	played
	rm resume
	relay -i 700
	given expect:1m expect-fin
	ended 'timeout up=1048576 down=0 .*reason=silent'
	touch resume
	played
}

# small_queues: whoever is connected from now on can leave only 4 KiB in the
# kernel.
small_queues() {
	skip_lacking
	$WITHIN sysctl -qw net.ipv4.tcp_wmem='4096 4096 4096'
}

large_queues() {
	$WITHIN sysctl -qw net.ipv4.tcp_wmem='4096 16384 4194304'
}

@test "octets of a client that nobody has read do not take from it what is whole" {
	relay -i 1500
	client window:64k wait:sent send:60000 flushed wait:resume expect:1m \
	    expect-fin
	until_true test -e client-came
	small_queues
	server window:4k send:1m fin touch:sent wait:resume
	ended 'timeout up=[0-9]* down=1048576 .*reason=silent'
	large_queues
	touch resume
	played
}

@test "what the kernel did not take behind it is cut short, FIN or not: a reset" {
	small_queues
	relay -i 700
	client window:4k wait:over expect-reset
	server send:60000 fin expect-reset
	ended 'timeout up=0 down=[1-9]'
	large_queues
	wait "$server"
	touch over
	if wait "$client"; then
		false # octets came before the reset, so it is not content
	fi
}

@test "both ended: the rest waits for a reader that pauses" {
	local server_end=(expect-fin)
	relay
	client window:64k fin wait:resume expect:1m expect-fin
	server expect-fin send:1m fin touch:sent
	until_true unsent "$client_port" 700000
	until_true test -e sent
	wait "$server"
	falls_quiet "$driver"
	[[ $(wc -l <result) -eq 1 ]] # it has not said its end
	touch resume
	played
	ended 'ok up=0 down=1048576 '
}

@test "both ended: a reader that takes nothing for the idle timeout still gets all" {
	relay -i 700
	client window:64k fin wait:resume expect:1m expect-fin
	server expect-fin send:1m fin
	until_true unsent "$client_port" 700000
	ended 'timeout up=0 down=1048576 .*reason=silent'
	touch resume
	played
}

@test "both ended: a reader that is gone ends it as a reset" {
	relay
	client window:64k fin wait:leave reset
	server expect-fin send:1m fin
	until_true unsent "$client_port" 700000
	wait "$server"
	touch leave
	ended 'reset up=0 down=1048576 .*reason=the client reset'
}

@test "what came before a reset reaches a reader that takes it slowly" {
	relay
	client window:64k sip:64k:32 expect-reset
	server send:2m flushed touch:sent reset
	played
	ended 'reset up=0 down=2097152 .*reason=the server'
}

@test "SIGTERM does not take from a reader what is whole" {
	local server_end=(expect-reset)
	relay
	taken expect:1m expect-fin
	kill -TERM "$driver"
	ended 'stopped up=0 down=1048576 '
	touch resume
	played
}

@test "the half-closed timeout does not end what is not half-closed" {
	relay -h 300
	client text:x touch:sent wait:measured fin expect-fin
	server expect-text:x expect-fin fin
	until_true test -e sent
	falls_quiet "$driver"
	touch measured
	played
	ended 'ok up=1 down=0 '
}

@test "a half-closed session waits without spinning" {
	relay
	client fin touch:sent expect-text:x expect-fin
	server expect-fin wait:measured text:x fin
	until_true test -e sent
	falls_quiet "$driver"
	touch measured
	played
	ended 'ok up=0 down=1 '
}

# ------------------------------------------------------------------ stop

@test "SIGTERM ends an idle relay at once, both sides are reset" {
	relay
	client text:x expect-text:y touch:ready expect-reset
	server expect-text:x text:y expect-reset
	until_true test -e ready
	kill -TERM "$driver"
	ended 'stopped up=1 down=1 .*reason=stopped'
	played
}

@test "SIGTERM ends a relay in the midst of bulk both ways" {
	relay
	client swap:20000m
	server swap:20000m
	until_true some_pipes
	kill -TERM "$driver"
	ended 'stopped up=[1-9].* down=[1-9]'
}

@test "SIGTERM is seen although something is ready at every wait" {
	run -0 timeout $PATIENCE "$WAITER"
}

# killed: by whom nobody can stop; it says nothing more.
killed() {
	kill -KILL "$driver"
	wait "$driver" || :
}

@test "a relay that is killed resets both sides, at its beginning and in the midst" {
	relay
	client touch:ready expect-reset
	server expect-reset
	until_true test -e ready
	until_true test -e server-came
	falls_quiet "$driver"
	killed
	played
	rm ready server-came client-came
	relay
	client text:x expect-text:y touch:ready expect-reset
	server expect-text:x text:y expect-reset
	until_true test -e ready
	killed
	played
}

@test "a relay that is killed takes nothing from a reader of what is whole" {
	local server_end=(expect-reset) client_end=(expect-reset)
	relay
	taken expect:1m expect-fin
	killed
	touch resume
	played
	rm resume sent
	relay
	given expect:1m expect-fin
	killed
	touch resume
	played
}

# --------------------------------------------------------------- sandbox

@test "what fits is written where it was read: one wait for each octet" {
	local client=() server=() i
	command -v strace >/dev/null || skip "strace is not installed"
	for ((i = 0; i < 50; i++)); do
		client+=(text:a expect-text:b)
		server+=(expect-text:a text:b)
	done
	UNDER="strace -f -o trace -e trace=ppoll" relay
	client "${client[@]}" fin expect-fin
	server "${server[@]}" fin expect-fin
	played
	ended 'ok up=50 down=50 '
	# 100, and some for the ends and for signals.
	i=$(grep -c ppoll trace)
	((i >= 100 && i < 130)) || fail "$i waits for 100 octets"
}

@test "it makes the system calls that the sandbox allows, and no other" {
	command -v strace >/dev/null || skip "strace is not installed"
	UNDER="strace -f -o trace" relay
	client mark:16m:5000001 fin wait:measured reset
	server expect-mark:16m:5000001 expect-fin touch:measured expect-reset
	played
	wait "$driver"
	# From where relay_run() begins.
	sed -n '/SO_OOBINLINE/,$p' trace | sed 's/^[0-9]* *//' |
	    grep -v '^+++\|^---' >calls
	sed -i '/^write(1, "reset/,$d' calls
	[ -s calls ]
	run grep -vE '^(splice\(.*SPLICE_F_MOVE\|SPLICE_F_NONBLOCK\)|pipe2\(.*O_NONBLOCK\|O_CLOEXEC\)|fcntl\([0-9]+, F_[SG]ETPIPE_SZ|recvfrom\(.*, (0|MSG_PEEK), NULL, NULL\)|sendto\(.*, MSG_(OOB\|MSG_)?NOSIGNAL, NULL, 0\)|ioctl\([0-9]+, (SIOCATMARK|SIOCOUTQ|SIOCOUTQNSD|TIOCOUTQ),|setsockopt\([0-9]+, SOL_SOCKET, SO_(OOBINLINE|LINGER),|getsockopt\([0-9]+, SOL_SOCKET, SO_ERROR,|ppoll\(|shutdown\([0-9]+, SHUT_WR\)|close\(|clock_gettime\(|getrusage\()' calls
	echo "$output"
	[ -z "$output" ]
	grep -q MSG_OOB calls
	grep -q SIOCATMARK calls
	grep -q SO_LINGER calls
}
