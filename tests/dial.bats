# SPDX-License-Identifier: ISC
# Resolving, sorting and dialling (net/resolve.c, net/order.c, net/dial.c),
# driven alone by tests/unit/dial.c: a gateway namespace with both families,
# and a peer with a scripted name server, a server on two addresses, and
# addresses that refuse, are unreachable, or swallow everything.
#
# Every test is a subshell with an $outcome of its own (SC2030, SC2031), and
# $PEERS is lib/common's (SC2153).
# shellcheck shell=bash disable=SC2030,SC2031,SC2153

load lib/common

GW4=192.0.2.1 GW6=2001:db8::1       # .3 and ::3 are the gateway's too
S4=192.0.2.80 S6=2001:db8::80       # port 80 listens
R4=192.0.2.81 R6=2001:db8::81       # refuse
HOLE4=192.0.2.66 HOLE6=2001:db8::66 # swallow
DNS=192.0.2.53 DNS2=192.0.2.54

network_up() {
	local role
	ip netns add "$GW"
	ip netns add "$PEER"
	for role in "$GW" "$PEER"; do
		ip netns exec "$role" sh -c \
		    'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	done
	ip -n "$GW" link add out type veth peer name in netns "$PEER"
	ip -n "$GW" -batch - <<-END
		link set lo up
		address add $GW4/24 dev out
		address add 192.0.2.3/24 dev out
		address add $GW6/64 dev out nodad
		address add 2001:db8::3/64 dev out nodad preferred_lft 0
		link set out up
		neighbour add $HOLE4 lladdr 02:00:00:00:00:66 dev out nud permanent
		$(printf 'neighbour add 192.0.2.%d lladdr 02:00:00:00:00:66 dev out nud permanent\n' {100..119})
		neighbour add $HOLE6 lladdr 02:00:00:00:00:66 dev out nud permanent
		route add unreachable 198.51.100.0/25
		route add prohibit 198.51.100.128/26
		route add blackhole 198.51.100.192/26
		route add local 198.18.0.0/16 dev lo
		route add unreachable 2001:db8:1::/48
		route add prohibit 2001:db8:2::/48
		route add blackhole 2001:db8:3::/48
		rule add fwmark 7 prohibit
		route add 192.0.2.128/26 via $R4
		route add 2001:db8::1:0/112 via $R6
	END
	ip -n "$PEER" -batch - <<-END
		link set lo up
		address add $S4/24 dev in
		address add $R4/24 dev in
		address add $DNS/24 dev in
		address add $DNS2/24 dev in
		address add $S6/64 dev in nodad
		address add $R6/64 dev in nodad
		link set in up
		route add local 192.0.2.128/26 dev lo
		route add local 2001:db8::1:0/112 dev lo
	END
}

names() {
	local family
	cat <<-END
		both.test AAAA $S6
		both.test A $S4
		only4.test A $S4
		only4.test AAAA
		only6.test AAAA $S6
		far6.test AAAA 3fff::1
		far6.test A
		far.test AAAA 3fff::1
		far.test A 203.0.113.1
		only6.test A
		hole.test AAAA $HOLE6
		hole.test A $S4
		refuse.test AAAA $R6
		refuse.test A $S4
		refused.test AAAA $R6
		refused.test A $R4
		late.test AAAA after=1000 $S6
		late.test A $HOLE4
		soon.test AAAA after=5 $S6
		soon.test A $S4
		slow.test AAAA after=20000 $S6
		slow.test A $S4
		slow4.test AAAA $S6
		slow4.test A after=20000 $S4
		hosted.test AAAA $S6
		hosted.test A $HOLE4
		alias.test AAAA alias=middle.test alias=end.test $S6
		alias.test A alias=middle.test alias=end.test
		star.test AAAA alias=*.example $S6
		blank.test AAAA alias=a\\032b.example $S6
		plus.test AAAA alias=a+b.example alias=a@b/c_d.example $S6
		utf8.test AAAA alias=b\\195\\188cher.example $S6
		dot.test AAAA alias=a\\046b.example alias=\\046.example $S6
		nul.test AAAA alias=\\000.example alias=\\255\\001.example $S6
		slash.test AAAA alias=a\\092b.example alias=\\092046.example $S6
		case.test AAAA alias=MiDDle.\\069XAMPLE alias=middle2.example $S6
		long.test AAAA alias=$(printf 'l%.0s' {1..63}).example $S6
		longest.test AAAA alias=$(printf 'x.%.0s' {1..126})y $S6
		order.test AAAA alias=middle.example alias=end.example $S6 last
		circle.test AAAA alias=middle.example alias=circle.test
		itself.test AAAA alias=itself.test $S6
		gone.test AAAA nxdomain
		gone.test A drop
		gone4.test AAAA drop
		gone4.test A nxdomain
		gone-not.test AAAA nxdomain
		gone-not.test A after=100 $S4
		narrow.test AAAA narrow
		narrow.test A narrow $S4
		edns.test AAAA edns $S6
		edns.test A edns
		plain.test AAAA plain $S6
		plain.test A plain
		turn.test AAAA
		turn.test A held=$BATS_FILE_TMPDIR/turn $S4
		tc.test AAAA tc $S6
		tc.test A tc $S4
		forged-id.test AAAA forged=id $S6
		forged-id.test A forged=id
		forged-question.test AAAA forged=question $S6
		forged-question.test A forged=question
		forged-elsewhere.test AAAA forged=elsewhere $S6
		forged-elsewhere.test A forged=elsewhere
		forged-owner.test AAAA forged=owner $S6
		forged-owner.test A forged=owner
		none.test *
		servfail.test * servfail
		refuses.test * refused
		half.test AAAA servfail
		half.test A $S4
		half-none.test AAAA servfail
		half-none.test A
		silent.test * drop
		lossy.test * drop=1 $S4
		afar.test AAAA 2001:db8:1::1
		afar.test A 203.0.113.1
		afar-refused.test AAAA 2001:db8:1::1
		afar-refused.test A $R4
		hole-refused.test AAAA $R6
		hole-refused.test A $HOLE4
		holes.test AAAA $HOLE6
		holes.test A $HOLE4
		afar-hole.test AAAA 2001:db8:1::1
		afar-hole.test A $HOLE4
		crowd.test AAAA $R6 $R6 $R6 $R6 $R6 $R6 $R6 $HOLE6
		crowd.test A $R4 $R4 $R4 $R4 $R4 $R4 $R4 $HOLE4
	END
	for family in 2001:db8:1:: 198.51.100.; do
		printf 'many.test %s' "$([[ $family == *:* ]] && echo AAAA || echo A)"
		printf " $family%d" {1..12}
		echo
	done
	# The last one answers.
	echo ninth.test A 192.0.2.{128..135} $S4
	echo ninth.test AAAA
	echo hundredth.test AAAA tc 2001:db8::1:{1..99} $S6
	echo hundredth.test A
	echo holed.test A 192.0.2.{100..119} $S4
	echo holed.test AAAA
	echo "throng.test A tc$(printf " $R4%.0s" {1..2000}) $S4"
	echo throng.test AAAA
	echo silent6.test A $R4
	echo silent6.test AAAA drop
	echo routeless.test A 203.0.113.1
	echo routeless.test AAAA drop
}

setup_file() {
	! lacks networks || return 0
	export GW=s64-$$-dial-gw PEER=s64-$$-dial-peer
	make -s -C "$ROOT" build/tests/dial build/tests/order
	export DIAL=$ROOT/build/tests/dial ORDER=$ROOT/build/tests/order
	network_up
	mkdir -p "/etc/netns/$GW"
	hosts ''
	resolv "nameserver $DNS"
	names >"$BATS_FILE_TMPDIR/names"
	start dns ip netns exec "$PEER" "$PEERS/dns.py" $DNS \
	    "$BATS_FILE_TMPDIR/names"
	start server ip netns exec "$PEER" "$PEERS/listen.py" 80 $S4 $S6
	wait_for_line "$BATS_FILE_TMPDIR/dns.out" '^ready$'
	wait_for_line "$BATS_FILE_TMPDIR/server.out" '^ready$'
	# The neighbours are known from here on.
	wait_until reaches $S6
	wait_until reaches $S4
}

reaches() {
	dial -t 500 "$1" 80 >/dev/null && [[ $outcome == *result=connected* ]]
}

setup() {
	skip_lacking
}

teardown_file() {
	stop_all
	ip netns delete "${GW:-none}" 2>/dev/null || :
	ip netns delete "${PEER:-none}" 2>/dev/null || :
	rm -rf "/etc/netns/${GW:-none}"
	rmdir /etc/netns 2>/dev/null || :
}

teardown() {
	[[ -z ${LACKING:-} ]] || return 0
	ip netns exec "$PEER" nft delete table inet loss 2>/dev/null || :
	hosts ''
	resolv "nameserver $DNS"
}

hosts() {
	printf '%s\n' "$@" >"/etc/netns/$GW/hosts"
}

resolv() {
	printf '%s\n' "$@" >"/etc/netns/$GW/resolv.conf"
}

in_gw() {
	ip netns exec "$GW" "$@"
}

# dial OPTION... HOST PORT: the outcome in $outcome; never a descriptor left.
dial() {
	outcome=$(in_gw "$DIAL" "$@")
	echo "dial $*" "$outcome"
	has left-open=0
}

# has LINE...: the outcome has these lines.
has() {
	local line
	for line; do
		grep -qxF -- "$line" <<<"$outcome" ||
		    fail "no line $line in:" "$outcome"
	done
}

lasted_at_least() {
	local -i ms
	ms=$(sed -n 's/^milliseconds=//p' <<<"$outcome")
	((ms >= $1)) || fail "took $ms ms, not $1 at least"
}

# slept_at_most MILLISECONDS: in waits that ran out, so that a busy machine
# adds nothing.
slept_at_most() {
	local -i ms
	ms=$(sed -n 's/^slept=//p' <<<"$outcome")
	((ms <= $1)) || fail "waited $ms ms, not $1 at most"
}

# asked NAME: how often the name server was asked for it.
asked() {
	grep -c " $1\$" "$BATS_FILE_TMPDIR/dns.out" || :
}

# ------------------------------------------------------------- the order

@test "the order is RFC 6724's: its own examples" {
	# RFC 6724 10.2, each as FIRST SECOND, given in the wrong order.
	local line
	local -a words
	while read -r line; do
		read -ra words <<<"$line"
		run -0 "$ORDER" sort "${words[1]}" "${words[0]}"
		assert_equal "$line" "$output" \
		    "${words[0]%%=*}"$'\n'"${words[1]%%=*}"
	done <<-END
		2001:db8:1::1=2001:db8:1::2 198.51.100.121=169.254.13.78
		198.51.100.121=198.51.100.117 2001:db8:1::1=fe80::1
		2001:db8:1::1=2001:db8:1::2 10.1.2.3=10.1.2.4
		fe80::1=fe80::2 2001:db8:1::1=2001:db8:1::2
		2001:db8:3ffe::1=2001:db8:3f44::2 2001:db8:1::1=2001:db8:8000::2
		2002:c633:6401::1=2002:c633:6401::2 2001:db8:1::1=fe80::2
		2001:db8:1::1=2001:db8:1::2 2002:c633:6401::1=2002:c633:6401::2
		198.51.100.1=198.51.100.2 fd00::1=-
		198.51.100.1=198.51.100.2 fd00::1=2001:db8::2
		fd00::1=fd00::2 2001:db8::1=fd00::2
		198.51.100.1=198.51.100.2 2001::1=2001::2
		198.51.100.1=198.51.100.2 ::192.0.2.9=::192.0.2.8
	END
}

@test "equal addresses keep the server's order" {
	run -0 "$ORDER" sort 192.0.2.9=192.0.2.1 192.0.2.200=192.0.2.1 \
	    192.0.2.3=192.0.2.1
	assert_equal order "${output//$'\n'/ }" '192.0.2.9 192.0.2.200 192.0.2.3'
	# A source tells nothing behind its first 64 bits.
	run -0 "$ORDER" sort 2001:db8::8000=2001:db8::1 2001:db8::2=2001:db8::1
	assert_equal order "${output//$'\n'/ }" '2001:db8::8000 2001:db8::2'
}

@test "families take turns, and what has no route stays behind" {
	local -a list=(2001:db8::2=2001:db8::1 2001:db8::3=2001:db8::1
	    2001:db8::4=- 192.0.2.2=192.0.2.1 192.0.2.3=192.0.2.1 192.0.2.4=-)
	run -0 "$ORDER" auto "${list[@]}"
	assert_equal auto "${output//$'\n'/ }" \
	    '2001:db8::2 192.0.2.2 2001:db8::3 192.0.2.3 2001:db8::4 192.0.2.4'
	run -0 "$ORDER" ipv4 "${list[@]}"
	assert_equal ipv4 "${output//$'\n'/ }" \
	    '192.0.2.2 2001:db8::2 192.0.2.3 2001:db8::3 192.0.2.4 2001:db8::4'
}

# -------------------------------------------------------------- the race

@test "both families answer: IPv6 alone is tried" {
	dial both.test 80
	has result=connected reply=0 "peer=[$S6]:80" "attempts=[$S6]:80 ok" \
	    nonblocking=1 "rule=$S6"
	assert_match local "$outcome" "local=\[$GW6\]:[0-9]+"
}

@test "a black hole in IPv6 costs 350 ms at most" {
	dial hole.test 80
	has result=connected "peer=$S4:80" \
	    "attempts=[$HOLE6]:80 cancelled, $S4:80 ok" "rule=$S4"
	lasted_at_least 250
	slept_at_most 350
}

@test "attempt-delay is the wait for the next attempt" {
	dial -d 900 hole.test 80
	has "attempts=[$HOLE6]:80 cancelled, $S4:80 ok"
	lasted_at_least 900
}

@test "a refusal is followed by the next attempt at once" {
	dial refuse.test 80
	has "attempts=[$R6]:80 refused, $S4:80 ok"
	slept_at_most 240
}

@test "IPv6 whose first SYN is lost still wins where the delay is long" {
	command -v nft >/dev/null || skip 'no nft'
	ip netns exec "$PEER" nft -f - <<-END
		table inet loss {
			chain in {
				type filter hook input priority 0
				ip6 daddr $S6 tcp dport 80 quota 100 bytes drop
			}
		}
	END
	dial -d 2000 both.test 80
	has "attempts=[$S6]:80 ok"
	lasted_at_least 900
}

@test "AAAA that is a little late is waited for" {
	dial -S 100 soon.test 80
	has "attempts=[$S6]:80 ok"
	slept_at_most 0
}

@test "AAAA that is too late is not waited for, but 50 ms" {
	dial slow.test 80
	has "attempts=$S4:80 ok"
	lasted_at_least 50
	slept_at_most 100
}

@test "a late AAAA is merged into the race" {
	dial late.test 80
	has "attempts=$HOLE4:80 cancelled, [$S6]:80 ok"
	lasted_at_least 1000
}

@test "AAAA starts at once, however late A is" {
	dial slow4.test 80
	has "attempts=[$S6]:80 ok"
	slept_at_most 0
}

@test "prefer ipv4 waits for A, and takes it first" {
	dial -p ipv4 both.test 80
	has "attempts=$S4:80 ok"
	dial -p ipv4 slow4.test 80
	has "attempts=[$S6]:80 ok"
	lasted_at_least 50
}

@test "a negative AAAA is not waited for" {
	dial -S 100 only4.test 80
	has "attempts=$S4:80 ok"
	slept_at_most 0
}

@test "all addresses of each family, in turns" {
	local i wanted=
	dial many.test 80
	for i in {1..12}; do
		wanted+=", [2001:db8:1::$i]:80 host-unreachable"
		wanted+=", 198.51.100.$i:80 host-unreachable"
	done
	has reply=4 "attempts=${wanted:2}"
}

@test "the ninth address is tried, and so is the hundredth" {
	dial ninth.test 80
	has result=connected "peer=$S4:80"
	dial hundredth.test 80
	has result=connected "peer=[$S6]:80"
	# The record has the first of them, and the last.
	assert_match attempts "$outcome" \
	    "attempts=\[2001:db8::1:1\]:80 refused, .*, \.\.\., \[$S6\]:80 ok"
}

@test "denied addresses take no place of others" {
	local address
	local -a options=()
	for address in 192.0.2.{128..135} 2001:db8::1:{1..8}; do
		options+=(-D "$address")
	done
	dial "${options[@]}" ninth.test 80
	has result=connected "peer=$S4:80"
	dial "${options[@]}" hundredth.test 80
	has result=connected "peer=[$S6]:80"
}

@test "a crowd of denied addresses is looked at for a second, and no longer" {
	local -i ms
	dial -D $R4 throng.test 80
	has result=connected "peer=$S4:80"
	dial -j 10 -D $R4 throng.test 80
	has result=denied
	ms=$(sed -n 's/^milliseconds=//p' <<<"$outcome")
	((ms < 10000)) || fail "2000 of them took $ms ms"
}

@test "black holes make room for what is behind them" {
	dial -d 10 holed.test 80
	has result=connected "peer=$S4:80"
	lasted_at_least 3000
	slept_at_most 4500
}

@test "a server that is silent to AAAA does not keep a refusal back" {
	dial silent6.test 80
	has result=failed reply=5 "reason=$R4:80 refused the connection"
	slept_at_most 2500
	dial routeless.test 80
	has result=failed reply=3
	slept_at_most 2500
}

@test "more attempts than descriptors that may be open are no spin" {
	command -v strace >/dev/null || skip 'no strace'
	outcome=$(in_gw strace -o "$BATS_TEST_TMPDIR/trace" -e trace=ppoll \
	    prlimit --nofile=14 "$DIAL" -t 1000 crowd.test 80)
	has result=failed reply=5
	(($(grep -c ppoll "$BATS_TEST_TMPDIR/trace") < 100)) ||
	    fail "$(wc -l <"$BATS_TEST_TMPDIR/trace") waits"
}

@test "prefer -only never asks for the other family" {
	local -i before
	before=$(grep -c ' AAAA both.test' "$BATS_FILE_TMPDIR/dns.out")
	dial -p ipv4-only both.test 80
	has "attempts=$S4:80 ok"
	assert_equal 'AAAA queries' \
	    "$(grep -c ' AAAA both.test' "$BATS_FILE_TMPDIR/dns.out")" "$before"
	dial -p ipv6-only only4.test 80
	has result=resolve-failed reply=4 \
	    'reason=only4.test has no IPv6 address'
	dial -p ipv6-only $S4 80
	has result=failed reply=3 attempts=
}

# --------------------------------------------------------------- outcomes

@test "each errno has its reply" {
	local line
	local -a words
	while read -r line; do
		local limit=
		read -ra words <<<"$line"
		[[ ${words[2]} == timeout ]] || limit=30000
		dial -t "${limit:-300}" "${words[0]}" 80
		has result=failed "reply=${words[1]}"
		assert_match "$line" "$outcome" "attempts=.* ${words[2]}(\$|"$'\n)'
	done <<-END
		$R4 5 refused
		$R6 5 refused
		203.0.113.1 3 unreachable
		3fff::1 3 unreachable
		198.51.100.1 4 host-unreachable
		2001:db8:1::1 4 host-unreachable
		198.51.100.129 2 prohibited
		2001:db8:2::1 2 prohibited
		198.51.100.193 1 invalid
		2001:db8:3::1 1 invalid
		fe80::1 3 unreachable
		$HOLE4 6 timeout
		$HOLE6 6 timeout
	END
	dial -n 3 $R4 80
	has reply=1 "attempts=$R4:80 no-descriptor"
}

@test "of several failures a refusal tells most, then the preferred family" {
	dial -t 1500 hole-refused.test 80
	has reply=5 "attempts=[$R6]:80 refused, $HOLE4:80 timeout"
	dial -p ipv6 afar-refused.test 80
	has reply=5 "reason=$R4:80 refused the connection"
	dial afar.test 80
	has reply=4 'attempts=[2001:db8:1::1]:80 host-unreachable, 203.0.113.1:80 unreachable'
	dial -p ipv4 afar.test 80
	has reply=3
}

@test "our own deadline is 06" {
	dial -t 1500 holes.test 80
	has result=failed reply=6 \
	    "attempts=[$HOLE6]:80 timeout, $HOLE4:80 timeout" \
	    "reason=$HOLE4:80 did not answer in time"
	lasted_at_least 1500
	dial -t 1000 afar-hole.test 80
	has reply=6
}

@test "the deadline holds for names too" {
	resolv "nameserver $DNS" 'options timeout:5'
	dial -t 5000 slow.test 80
	has result=connected
	resolv "nameserver $HOLE4" 'options timeout:5 attempts:5'
	dial -t 500 silent.test 80
	has result=resolve-failed reply=6 'reason=the name was not resolved in time'
	lasted_at_least 500
}

@test "denied addresses are skipped without a wait" {
	dial -D $S6 both.test 80
	has result=connected "attempts=[$S6]:80 denied, $S4:80 ok" "rule=$S4"
	slept_at_most 240
}

@test "where every address is denied, that is the answer" {
	dial -D $S6 -D $S4 both.test 80
	has result=denied reply=2 "reason=$S4 is denied by the test" \
	    "attempts=[$S6]:80 denied, $S4:80 denied"
	dial -D $S6 $S6 80
	has result=denied reply=2
}

@test "an address that failed counts more than one that was denied" {
	dial -D $R6 refused.test 80
	has result=failed reply=5 "attempts=[$R6]:80 denied, $R4:80 refused"
}

@test "a client that resets its connection ends the race" {
	outcome=$(in_gw "$PEERS/leaver.py" reset "$DIAL" -c @ $HOLE4 80)
	has result=client-gone "attempts=$HOLE4:80 cancelled" left-open=0
}

@test "a client that only half-closes is still served" {
	outcome=$(in_gw "$PEERS/leaver.py" fin "$DIAL" -c @ hole.test 80)
	has result=connected
}

@test "SIGTERM ends the race" {
	start stopped ip netns exec "$GW" "$DIAL" $HOLE4 80
	wait_until in_gw sh -c "ss -Htn state syn-sent | grep -q $HOLE4"
	kill "$(pid_of stopped)"
	wait_for_line "$BATS_FILE_TMPDIR/stopped.out" '^result=stopped$'
	stop stopped
}

@test "a socket that meets itself is a refusal" {
	local range=/proc/sys/net/ipv4/ip_local_port_range before
	before=$(in_gw cat $range)
	in_gw sh -c "echo 40000 40001 >$range"
	dial 127.0.0.1 40000
	local first=$outcome
	dial 127.0.0.1 40001
	in_gw sh -c "echo $before >$range"
	has reply=5
	outcome=$first has reply=5
}

# ----------------------------------------------------------- where it goes

@test "our own addresses are known, secondary ones and steered routes too" {
	local address
	for address in 127.0.0.2 0.0.0.0 :: ::1 $GW4 192.0.2.3 $GW6 \
	    2001:db8::3 198.18.7.7 ::ffff:192.0.2.3; do
		outcome=$(in_gw "$DIAL" "$address")
		has self=yes
		outcome=$(in_gw "$DIAL" -s $GW4 -s $GW6 -i out "$address")
		has self=yes
	done
	in_gw sh -c 'echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind'
	for address in $S4 $S6 $HOLE4 198.51.100.1 203.0.113.1 192.0.2.255; do
		outcome=$(in_gw "$DIAL" "$address")
		has self=no
	done
	in_gw sh -c 'echo 0 >/proc/sys/net/ipv4/ip_nonlocal_bind'
	dial 192.0.2.3 80
	has 'rule=self 192.0.2.3'
}

@test "a source holds for its family, and the other stays the kernel's" {
	dial -s 192.0.2.3 $S4 80
	assert_match local "$outcome" 'local=192\.0\.2\.3:'
	dial -s 2001:db8::3 $S6 80
	assert_match local "$outcome" 'local=\[2001:db8::3\]:'
	dial -s 192.0.2.3 $S6 80
	assert_match local "$outcome" "local=\[$GW6\]:"
	dial -s 192.0.2.99 $S4 80
	has reply=3 "attempts=$S4:80 no-source"
}

@test "interface and mark are applied" {
	dial -i out $S4 80
	has result=connected
	dial -i lo -t 300 $S4 80
	has result=failed
	dial -i no-such-link $S4 80
	has result=failed
	dial -m 8 $S4 80
	has result=connected
	dial -m 7 $S4 80
	has reply=2 "attempts=$S4:80 prohibited"
}

# ------------------------------------------------------------------- names

@test "a name without an address, or none at all, is 04" {
	dial none.test 80
	has result=resolve-failed reply=4 'reason=none.test has no address'
	dial no-such-name.test 80
	has result=resolve-failed reply=4 \
	    'reason=no-such-name.test does not exist'
}

@test "a name of IPv6 alone, on a host without, is told as that" {
	dial far6.test 80
	has reply=3 \
	    'reason=[3fff::1]:80 is in an unreachable network: this host has no way to IPv6 there, and the name has no IPv4 address'
	dial far.test 80
	has reply=3 \
	    'reason=[3fff::1]:80 is in an unreachable network'
}

@test "servers that fail are 01, and the other family still counts" {
	dial servfail.test 80
	has result=resolve-failed reply=1 \
	    'reason=the name servers failed for servfail.test'
	dial refuses.test 80
	has reply=1
	dial half.test 80
	has result=connected "attempts=$S4:80 ok"
	dial half-none.test 80
	has result=resolve-failed reply=1
}

@test "silent servers are 01 after the timeouts of resolv.conf" {
	resolv "nameserver $DNS" 'options timeout:1 attempts:1'
	dial silent.test 80
	has result=resolve-failed reply=1 \
	    'reason=no name server answered in time for silent.test'
	lasted_at_least 1000
	slept_at_most 4000
}

@test "a lost query is asked again" {
	resolv "nameserver $DNS" 'options attempts:2 timeout:1'
	dial -p ipv4-only lossy.test 80
	has result=connected
	lasted_at_least 1000
}

@test "a dead first server costs its timeout, and never the whole time" {
	resolv "nameserver $HOLE4" "nameserver $DNS" 'options timeout:1'
	dial both.test 80
	has result=connected
	lasted_at_least 1000
	slept_at_most 4500
	# Without options it would be 5 s.
	resolv "nameserver $HOLE4" "nameserver $DNS"
	dial -t 6000 both.test 80
	has result=connected
}

@test "a server that is not there is passed at once" {
	resolv "nameserver $S4" "nameserver $DNS"
	dial both.test 80
	has result=connected
	slept_at_most 900
	resolv "nameserver $S4"
	dial both.test 80
	has result=resolve-failed reply=1 \
	    'reason=no name server could be reached for both.test'
}

@test "resolver takes the place of the servers in resolv.conf" {
	resolv "nameserver $HOLE4" 'options timeout:9'
	dial -r $DNS both.test 80
	has result=connected
	slept_at_most 900
}

# servers6: a name server at each IPv6 address of the peer.
servers6() {
	start dns6 ip netns exec "$PEER" "$PEERS/dns.py" "[::]:53" \
	    "$BATS_FILE_TMPDIR/names"
	wait_for_line "$BATS_FILE_TMPDIR/dns6.out" '^ready$'
}

@test "a link-local name server is asked on its link, by name or number" {
	local server index
	ip -n "$PEER" address add fe80::53/64 dev in nodad
	index=$(in_gw cat /sys/class/net/out/ifindex)
	servers6
	for server in "fe80::53%out" "fe80::53%$index"; do
		resolv "nameserver $server"
		dial both.test 80
		has result=connected
		resolv "nameserver $HOLE4"
		dial -r "$server" both.test 80
		has result=connected
	done
	assert_equal queries \
	    "$(grep -c 'AAAA both.test' "$BATS_FILE_TMPDIR/dns6.out")" 4
	# A zone that is no link, and one that says nothing.
	resolv "nameserver fe80::53%nowhere" "nameserver fe80::53%9999" \
	    "nameserver $DNS"
	dial both.test 80
	has result=connected
	stop dns6
}

@test "link-local name servers of one address are told apart by their links" {
	ip -n "$PEER" address replace fe80::53/64 dev in nodad
	ip -n "$GW" link add other type veth peer name nobody
	ip -n "$GW" link set other up
	servers6
	resolv 'nameserver fe80::53%other' 'nameserver fe80::53%out' \
	    'options timeout:1'
	dial both.test 80
	stop dns6
	ip -n "$GW" link delete other
	has result=connected
}

# second RULE...: another name server, at $DNS2.
second() {
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/second"
	start dns2 ip netns exec "$PEER" "$PEERS/dns.py" $DNS2 \
	    "$BATS_TEST_TMPDIR/second"
	wait_for_line "$BATS_FILE_TMPDIR/dns2.out" '^ready$'
}

@test "a server that knows nothing does not hide the next one" {
	local transport
	second 'both.test * lame' 'soon.test * reflect' 'none.test * lame'
	for transport in use-vc ndots:1; do
		resolv "nameserver $DNS2" "nameserver $DNS" \
		    "options $transport"
		dial both.test 80
		has result=connected "attempts=[$S6]:80 ok"
		dial soon.test 80
		has result=connected
		dial none.test 80
		has result=resolve-failed reply=4
		slept_at_most 900
	done
	has_line "$BATS_FILE_TMPDIR/dns2.out" '^tcp .* AAAA both.test'
	has_line "$BATS_FILE_TMPDIR/dns2.out" '^udp .* AAAA both.test'
	# Nobody knows.
	resolv "nameserver $DNS2"
	dial both.test 80
	has result=resolve-failed reply=1 \
	    'reason=the name servers gave no usable answer for both.test'
	slept_at_most 900
	stop dns2
}

@test "each family is asked from a port of its own" {
	dial narrow.test 80
	has result=connected "attempts=$S4:80 ok"
	slept_at_most 900
}

@test "resolv.conf: where a line of servers begins and ends" {
	local line
	second 'half.test * refused'
	while read -r line; do
		resolv "${line//_/ }" "nameserver $DNS2"
		dial both.test 80
		has result=connected
	done <<-END
		nameserver_${DNS}_$DNS2
		nameserver__${DNS}_;_a_comment
		nameserver_${DNS}_#_a_comment
	END
	while read -r line; do
		resolv "${line//_/ }" "nameserver $DNS2"
		dial both.test 80
		has result=resolve-failed 'reason=both.test does not exist'
	done <<-END
		nameserver_${DNS2}_$DNS
		_nameserver_$DNS
		;nameserver_$DNS
		#nameserver_$DNS
		nameservers_$DNS
		nameserver$DNS
		nameserver_$DNS:53
		nameserver_$DNS;_a_comment
		nameserver_$DNS#_a_comment
	END
	# Three, and no more.
	resolv "nameserver $DNS2" "nameserver $DNS2" "nameserver $DNS2" \
	    "nameserver $DNS"
	dial half.test 80
	has result=resolve-failed reply=1
	stop dns2
}

# Is what stands in resolv.conf the name server for glibc, for a session, for
# -e?
answers_glibc() {
	in_gw getent ahostsv4 only4.test >/dev/null
}

answers_session() {
	dial only4.test 80
	grep -qx result=connected <<<"$outcome"
}

answers_explain() {
	in_gw "$HANDLER" -f /dev/null -o 'allow all at any' \
	    -e connect 127.0.0.1 only4.test:80 >/dev/null 2>&1
}

@test "resolv.conf: an address has every form that glibc takes, and no other" {
	local form who answered
	# The other number of 192.000.002.053, which is octal.
	in_gw ip route add unreachable 192.0.2.43
	while read -r form; do
		# Nobody listens at the second one, which says so at once.
		resolv "nameserver $form" 'nameserver 127.0.0.1' \
		    'options timeout:2 attempts:1'
		answered=
		for who in glibc session explain; do
			answered+=$(answers_$who >/dev/null && echo y || echo n)
		done
		assert_equal "${form%% *}" "$answered" "${form##* }"
	done <<-END
		192.0.565 # yyy
		192.565 # yyy
		3221226037 # yyy
		0xc0.0.0x2.53 # yyy
		0XC0.565 # yyy
		0xC0000235 # yyy
		0300.0.2.065 # yyy
		192.0.01065 # yyy
		030000001065 # yyy
		192.000.002.053 # nnn
		192.0.2.0065 # yyy
		::ffff:192.0.2.53 # yyy
		::ffff:c000:235 # yyy
		::ffff:192.565 # nnn
		[::ffff:192.0.2.53] # nnn
		192.0.2.53. # nnn
		192.0.2.58x # nnn
		192.0.2.0x # nnn
		192..2.53 # nnn
		192.0.2.53.0 # nnn
		192.0.2.309 # nnn
		192.16777781 # nnn
		7516193333 # nnn
		+192.0.2.53 # nnn
		-192.0.2.53 # nnn
		192.0.2.53%out # nnn
		192.0.2.53/24 # nnn
		192,0,2,53 # nnn
	END
}

@test "resolv.conf: no-aaaa" {
	local -i before
	before=$(grep -c ' AAAA both.test' "$BATS_FILE_TMPDIR/dns.out")
	resolv "nameserver $DNS" 'options no-aaaa'
	dial both.test 80
	has "attempts=$S4:80 ok"
	dial only6.test 80
	has result=resolve-failed reply=4 \
	    'reason=only6.test has no IPv4 address'
	assert_equal 'AAAA queries' \
	    "$(grep -c ' AAAA both.test' "$BATS_FILE_TMPDIR/dns.out")" "$before"
	dial $S6 80
	has result=connected
}

@test "resolv.conf: edns0, and a server that has none" {
	resolv "nameserver $DNS" 'options timeout:1 attempts:1'
	dial edns.test 80
	has result=resolve-failed
	resolv "nameserver $DNS" 'options timeout:1 edns0'
	dial edns.test 80
	has result=connected
	dial plain.test 80
	has result=connected
	slept_at_most 900
}

@test "resolv.conf: single-request asks for AAAA when A is answered" {
	resolv "nameserver $DNS" 'options single-request'
	start turn ip netns exec "$GW" "$DIAL" turn.test 80
	wait_for_line "$BATS_FILE_TMPDIR/dns.out" ' A turn.test'
	run ! has_line "$BATS_FILE_TMPDIR/dns.out" ' AAAA turn.test'
	: >"$BATS_FILE_TMPDIR/turn"
	wait_for_line "$BATS_FILE_TMPDIR/turn.out" '^result=connected$'
	has_line "$BATS_FILE_TMPDIR/dns.out" ' AAAA turn.test'
}

@test "resolv.conf: rotate begins with any of the servers" {
	local -i i
	second 'both.test AAAA' "both.test A $S4"
	resolv "nameserver $DNS" "nameserver $DNS2" 'options rotate'
	: >"$BATS_TEST_TMPDIR/seen"
	for i in {1..24}; do
		dial both.test 80
		grep '^attempts' <<<"$outcome" >>"$BATS_TEST_TMPDIR/seen"
	done
	stop dns2
	assert_equal 'ways' "$(sort -u "$BATS_TEST_TMPDIR/seen")" \
	    "attempts=$S4:80 ok"$'\n'"attempts=[$S6]:80 ok"
}

@test "a name that does not exist in one family does not exist" {
	dial gone.test 80
	has result=resolve-failed reply=4 'reason=gone.test does not exist'
	slept_at_most 1500
	dial gone4.test 80
	has result=resolve-failed reply=4
	slept_at_most 1500
	# Some servers mean that there is no AAAA.
	dial gone-not.test 80
	has result=connected "attempts=$S4:80 ok"
}

@test "a truncated answer is fetched by TCP" {
	dial -p ipv6-only tc.test 80
	has "attempts=[$S6]:80 ok"
	has_line "$BATS_FILE_TMPDIR/dns.out" '^tcp .* AAAA tc.test'
}

@test "use-vc asks by TCP from the start" {
	resolv "nameserver $DNS" 'options use-vc'
	dial only6.test 80
	has result=connected
	has_line "$BATS_FILE_TMPDIR/dns.out" '^tcp .* AAAA only6.test'
	run ! has_line "$BATS_FILE_TMPDIR/dns.out" '^udp .* AAAA only6.test'
}

@test "aliases are followed" {
	dial alias.test 80
	has "attempts=[$S6]:80 ok"
}

@test "a label may hold any octet: the names of aliases are not judged" {
	local name
	for name in star blank plus utf8 dot nul slash case long longest order \
	    itself; do
		dial -p ipv6-only "$name.test" 80
		has result=connected "attempts=[$S6]:80 ok"
	done
	dial -p ipv6-only circle.test 80
	has result=resolve-failed reply=4 \
	    'reason=circle.test has no IPv6 address'
}

@test "answers to another query or question, from elsewhere or of another owner are not believed" {
	local what
	for what in id question elsewhere owner; do
		dial "forged-$what.test" 80
		has "attempts=[$S6]:80 ok"
	done
}

@test "query ids are different from run to run" {
	local i
	: >"$BATS_TEST_TMPDIR/ids"
	for i in {1..8}; do
		dial "id-$i.test" 80
	done
	awk '$4 ~ /^id-/ { print $2 }' "$BATS_FILE_TMPDIR/dns.out" |
	    sort -u >"$BATS_TEST_TMPDIR/ids"
	(($(wc -l <"$BATS_TEST_TMPDIR/ids") >= 12)) ||
	    fail 'ids:' "$(cat "$BATS_TEST_TMPDIR/ids")"
}

@test "a name is absolute, whatever the file or the environment say" {
	resolv "nameserver $DNS" 'search test' 'domain test' 'options ndots:5'
	echo 'both both.test' >"$BATS_TEST_TMPDIR/aliases"
	HOSTALIASES=$BATS_TEST_TMPDIR/aliases LOCALDOMAIN=test \
	    RES_OPTIONS=ndots:5 dial both 80
	has result=resolve-failed reply=4
	(($(asked both) > 0))
}

@test "a name in /etc/hosts is answered from there alone" {
	local -i before
	before=$(asked hosted.test)
	hosts '# a comment' "$HOLE6	 other.test" \
	    "$S4 first.test HOSTED.Test. # hosted6.test" 'not-an-address hosted.test'
	dial hosted.test 80
	has "attempts=$S4:80 ok"
	hosts " $S4 hosted.test" "$HOLE6 a b hosted.test" "$R6 hosted.test.example"
	dial -d 10 hosted.test 80
	has "attempts=[$HOLE6]:80 cancelled, $S4:80 ok"
	dial -p ipv4-only hosted.test 80
	has "attempts=$S4:80 ok"
	assert_equal queries "$(asked hosted.test)" "$before"
	dial hosted6.test 80
	has reply=4
}

@test "a line of /etc/hosts may have any length" {
	local -i before
	before=$(asked hosted.test)
	hosts "$S4 $(printf 'name-%d.test ' {1..900}) $(printf 'x%.0s' {1..3000}) hosted.test" \
	    "$S4 last.test"
	dial hosted.test 80
	has "attempts=$S4:80 ok"
	dial last.test 80
	has "attempts=$S4:80 ok"
	assert_equal queries "$(asked hosted.test)" "$before"
}

# of_octets COUNT: so many x.
of_octets() {
	head -c "$1" /dev/zero | tr '\0' x
}

@test "a word of /etc/hosts may have any length, and its end is no name" {
	local -i before n
	before=$(asked hosted.test)
	hosts "$S4 $(of_octets 70000) $(of_octets 200000) far.test" \
	    "$S4 # $(of_octets 140000) remark.test" \
	    "$S4 #$(of_octets 140000) remark.test" "$S4 last.test"
	dial far.test 80
	has "attempts=$S4:80 ok"
	dial last.test 80
	has "attempts=$S4:80 ok"
	dial remark.test 80
	has result=resolve-failed
	# Where a buffer of 64 KiB ends in it.
	for n in 65535 65536 131070; do
		hosts "$HOLE6 $(of_octets $n)hosted.test" "$S4 hosted.test"
		dial hosted.test 80
		has "attempts=$S4:80 ok"
	done
	assert_equal queries "$(asked hosted.test)" "$before"
}

@test "the deadline holds while /etc/hosts is read" {
	hosts "$S4 hosted.test"
	truncate -s 1T "/etc/netns/$GW/hosts" || skip 'no sparse files'
	dial -t 200 both.test 80
	has result=resolve-failed reply=6 \
	    'reason=the name was not resolved in time'
}

@test "localhost is loopback unless /etc/hosts says otherwise" {
	dial localhost 9
	has 'attempts=[::1]:9 refused, 127.0.0.1:9 refused'
	dial www.localhost 9
	has 'attempts=[::1]:9 refused, 127.0.0.1:9 refused'
	hosts "$S4 localhost"
	dial localhost 80
	has "attempts=$S4:80 ok"
	assert_equal queries "$(asked localhost)" 0
}

@test "an onion name is never looked up" {
	hosts "$S4 example.onion"
	dial example.onion 80
	has result=resolve-failed reply=4 \
	    'reason=example.onion is an onion name, which is never looked up'
	assert_equal queries "$(asked example.onion)" 0
}

@test "a literal needs no resolver" {
	command -v strace >/dev/null || skip 'no strace'
	in_gw strace -o "$BATS_TEST_TMPDIR/trace" -e trace=openat \
	    "$DIAL" $S4 80 >/dev/null
	assert_equal files "$(opened)" '/etc/hosts /etc/resolv.conf '
}

# What was opened after start-up: two files before the sandbox, always.
opened() {
	sed -n 's/.*"\(.*\)".*/\1/p' "$BATS_TEST_TMPDIR/trace" |
	    grep -vE '^/etc/ld\.so|\.so(\.|$)' | sort | tr '\n' ' '
}
