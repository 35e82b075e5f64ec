#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Chains of gateways: types E to L of the SOCKS64 draft, what is passed on,
# passwords, PROXY headers, hops that fail or lie.

load lib/gateway
load lib/chain
load lib/bind
load lib/ssh

prepare_file() {
	chain_up
	net_datagrams
	# Where the user that sessions become may read.
	PLACE=$(mktemp -d /tmp/socks64-via.XXXXXX)
	export PLACE
	chmod 755 "$PLACE"
}

teardown_file() {
	net_down
	[[ -z ${PLACE:-} ]] || rm -rf "$PLACE"
}

teardown() {
	stop scene
	stop client
	stop hop
	hop_stop g1 g3
	gateway_stop
}

# chain_start HOP [LINE...]: both gateways, the first leads to the second.
chain_start() {
	local -a rules
	mapfile -t rules < <(via_rules "$(endpoint "$1" 1080)")
	gateway_start dual
	hop_start g1 "${rules[@]}" "${@:2}"
}

# chain_client ARGUMENT...: socks.py from the CLIENT of use_chain.
chain_client() {
	in_ns "$CLIENT" "$PEERS/socks.py" "${@:1:$#-0}"
}

# through FORM ACTION...: a CONNECT to the server; LINE is what the client
# says, RECORD the first gateway's record.
through() {
	ask "$1"
	run in_ns "$CLIENT" "$PEERS/socks.py" --as "$AS" \
	    "$(endpoint "$GATEWAY" 1080)" "$TARGET" 7000 "${@:2}"
	[[ $status -eq 0 ]] || fail "$*" "$output" "$(cat "$(hop_log g1)")" ||
	    return 1
	LINE=${lines[0]}
	RECORD=$(hop_record g1 "$(value client "$LINE")")
}

@test "types E to L, by name, literal and address" {
	local type form outer hop_bnd
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		chain_start "$HOP"
		for form in name literal ip; do
			echo "type $type by $form"
			through "$form" exchange 1000000
			assert_equal rep "$(value rep "$LINE")" 00
			assert_record "$RECORD" ok cmd=CONNECT \
			    dest="$(endpoint "$TARGET" 7000)" \
			    peer="$(endpoint "$HOP" 1080)" \
			    via="$(endpoint "$HOP" 1080)" \
			    up="$(value up "$LINE")" \
			    down="$(value down "$LINE")"
			outer=$(record_of "$(value local "$RECORD")")
			# A name travels as it is; the first gateway has no
			# name server.
			case $form in
			name) assert_record "$outer" ok \
			    dest="$SERVER_NAME:7000" ;;
			*) assert_record "$outer" ok \
			    dest="$(endpoint "$SERVER" 7000)" ;;
			esac
			hop_bnd=$(value local "$outer")
			if same_family "$GATEWAY" "$HOP" &&
			    same_family "$HOP" "$SERVER"; then
				assert_equal bnd "$(value bnd "$LINE")" \
				    "$hop_bnd"
			elif same_family "$GATEWAY" "$HOP"; then
				assert_equal bnd "$(value bnd "$LINE")" \
				    "$(endpoint "$HOP" "${hop_bnd##*:}")"
			else
				assert_equal bnd "$(value bnd "$LINE")" \
				    "$(endpoint "$GATEWAY" "${hop_bnd##*:}")"
			fi
		done
		hop_stop g1
		gateway_stop
	done
}

@test "SOCKS4A through a chain, CONNECT and what fails" {
	use_chain F
	chain_start "$HOP" 'socks4 on'
	run -0 in_ns d4 "$PEERS/socks.py" --socks4 --as name "$G1_4:1080" \
	    v6.example.com 7000 exchange 100000
	assert_equal rep "$(value rep "${lines[0]}")" 5a
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    ok auth=socks4 dest=v6.example.com:7000 via="$HOP:1080"
	run in_ns d4 "$PEERS/socks.py" --socks4 --as name "$G1_4:1080" \
	    v6.example.com 9 reply
	assert_equal rep "$(value rep "${lines[0]}")" 5b
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    connect-failed auth=socks4 'reason=^10.1.0.2:1080 answered 05$'
}

@test "the no of the last gateway comes through, and whose it was" {
	use_chain F
	chain_start "$HOP"
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" \
	    v6.example.com 9 reply
	assert_equal rep "$(value rep "${lines[0]}")" 05
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    connect-failed via="$HOP:1080" \
	    'reason=^10.1.0.2:1080 answered 05$'
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" \
	    missing.example.com 80 reply
	assert_equal rep "$(value rep "${lines[0]}")" 04
	hop_stop g1
	gateway_stop
	gateway_start dual 'deny all'
	hop_start g1 "allow via $HOP:1080"
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" \
	    v6.example.com 80 reply
	assert_equal rep "$(value rep "${lines[0]}")" 02
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    denied via="$HOP:1080" 'reason=^10.1.0.2:1080 answered 02$'
}

@test "a rule without via goes directly, and rules judge literals as always" {
	gateway_start dual
	hop_start g1 "allow to v4.example.com via $HOP4:1080" \
	    "allow via $HOP4:1080"
	CLIENT=d4 GATEWAY=$G1_4
	# 198.51.100.80 is not global.
	run in_ns d4 "$PEERS/socks.py" "$G1_4:1080" "$S4" 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 02
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    denied 'reason=no rule opens it'
	hop_stop g1
	# The name is found in the hosts of g1, and goes as its address.
	echo "$S4 v4.example.com" >>"/etc/netns/$NET-g1/hosts"
	hop_start g1 "allow via $HOP4:1080 at 198.51.100.0/24"
	use_chain E
	through name exchange 1000
	assert_record "$RECORD" ok dest=v4.example.com:7000 via="$HOP4:1080"
	assert_record "$(record_of "$(value local "$RECORD")")" ok \
	    dest="$S4:7000"
	sed -i '/v4.example.com/d' "/etc/netns/$NET-g1/hosts"
}

# hop STEP...: a scripted hop in gw, which g1 leads to.
hop() {
	start hop ip netns exec "$NET-gw" "$PEERS/hop.py" "$HOP4:1080" "$@"
	wait_for_line "$BATS_FILE_TMPDIR/hop.out" '^ready$'
}

# hop_says: what the hop has read, a line each.
hop_says() {
	sed 1d "$BATS_FILE_TMPDIR/hop.out"
}

# The request of tests below: CONNECT to v.test port 80.
REQUEST=0501000306762e746573740050

# ask_hop REP RESULT REASON STEP...: what comes of a request where the hop
# plays these steps; its greeting is read before.
ask_hop() {
	local rep=$1 result=$2 reason=$3
	shift 3
	echo "steps: $*"
	hop '<3' "$@"
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" v.test 80 reply
	assert_equal rep "$(value rep "${lines[0]}")" "$rep"
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    "$result" via="$HOP4:1080" reason="$reason"
	stop hop
}

@test "a hop that speaks no SOCKS5, or not enough of it, has a clear end" {
	hop_start g1 "allow via $HOP4:1080"
	ask_hop 01 upstream-failed 'does not speak SOCKS5$' '>0400'
	ask_hop 01 upstream-failed 'does not speak SOCKS5$' '>48545450'
	ask_hop 01 upstream-failed 'not offered$' '>0502'
	ask_hop 01 upstream-failed 'not offered$' '>0503'
	ask_hop 01 upstream-failed 'accepts no session without' '>05ff'
	ask_hop 01 upstream-failed 'ended the connection$' '>05' fin
	ask_hop 01 upstream-failed 'ended the connection$' reset
	ask_hop 01 upstream-failed 'without a reply$' '>0500' request
	ask_hop 01 upstream-failed 'within its reply$' '>0500' request \
	    '>05000001c6'
	ask_hop 01 upstream-failed 'no valid reply$' '>0500' request \
	    '>04000001000000000000' hold
	ask_hop 01 upstream-failed 'no valid reply$' '>0500' request \
	    '>05000009000000000000' hold
	# A no in its first two octets is one.
	ask_hop 05 connect-failed 'answered 05$' '>0500' request '>0505'
	ask_hop 03 connect-failed 'answered 03$' '>0500' request \
	    '>05030001000000000000' hold
	ask_hop 02 denied 'answered 02$' '>0500' request \
	    '>0502000300' hold
	ask_hop 5b upstream-failed 'answered 5b$' '>0500' request \
	    '>055b0001000000000000' hold
}

@test "a hop that is not there, silent or slow is 01, and 06 by the deadline" {
	hop_start g1 "allow via $HOP4:1080" 'connect-timeout 2s'
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" v.test 80 reply
	assert_equal rep "$(value rep "${lines[0]}")" 01
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    upstream-failed "via=$HOP4:1080" "peer=-" \
	    'reason=could not be reached: 10.1.0.2:1080 refused'
	ask_hop 06 upstream-failed 'in time$' hold
	ask_hop 06 upstream-failed 'in time$' '>0500' request hold
	# Each octet comes in time, and all of them do not.
	ask_hop 06 upstream-failed 'in time$' '>0500' request \
	    "drip:05000003$(printf '40%.0s' {1..70})" hold
}

# raw_through REPLY: octets early in both directions, behind that reply of the
# hop; the client sees the last two arguments: REP and BND, and then "hello".
raw_through() {
	hop '<3' '>0500' request ">${1}68656c6c6f" '<5' hold
	run -0 in_ns d4 "$PEERS/socks.py" "$G1_4:1080" raw \
	    ">050100${REQUEST}6561726c79" '<0500' "<$2" '<68656c6c6f' \
	    fin gone
	assert_equal "at the hop" "$(hop_says)" "got 050100
got $REQUEST
got 6561726c79
left "
	stop hop
}

@test "BND of any form is understood, and octets behind the reply are payload" {
	hop_start g1 "allow via $HOP4:1080"
	raw_through 05000001c63364500050 05000001c63364500050
	# Like Tor and ssh: zeros.
	raw_through 05000001000000000000 05000001000000000000
	# Of the other family: the address that the client knows.
	raw_through 0500000420010db800020000000000000000008000500 \
	    050000010a0500010500 2>/dev/null || :
	raw_through 0500000420010db80002000000000000000000800050 \
	    050000010a0500010050
	# A name, of 255 octets too, and an ADDRESS ID.
	raw_through 050000030361626301bb 050000010a05000101bb
	raw_through "05000003ff$(printf '61%.0s' {1..255})01bb" \
	    050000010a05000101bb
	raw_through 050000080102030401bb 050000010a05000101bb
}

# flagged REQUEST HOP-REPLY REPLY...: what the client is told of each reply of
# the hop to a request with FLAG 10.
flagged() {
	local request=$1
	shift
	hop '<3' '>0500' request "$@" hold
	run -0 in_ns d4 "$PEERS/socks.py" "$G1_4:1080" raw \
	    ">050100$request" '<0500' "${TOLD[@]/#/<}" fin gone
	assert_match "request" "$(hop_says)" "got $request"
	stop hop
}

@test "FLAG 0x10 goes along, BND is the hop's then, and the reply has its flag" {
	local bnd=0420010db80002000000000000000000800050
	hop_start g1 "allow all via $HOP4:1080"
	TOLD=("050010$bnd")
	flagged 0501100306762e746573740050 ">050010$bnd"
	# A hop that knows RFC 1928 alone did not look at it.
	TOLD=(050000010a0100020050)
	flagged 0501100306762e746573740050 '>050000010a0100020050'
	# And both replies of a BIND.
	TOLD=("050010$bnd" "050010$bnd")
	flagged 0502100306762e746573740050 ">050010$bnd" ">050010$bnd"
}

@test "FLAG 0x10 of a BIND through two gateways, by name and by address" {
	local form
	use_chain F
	chain_start "$HOP" "allow bind to name via $(endpoint "$HOP" 1080)"
	for form in name ip; do
		ask "$form"
		bind_start --flag 16 --as "$AS" "$TARGET" 0
		assert_equal rep "$(value rep "$FIRST")" 00
		assert_match bnd "$FIRST" "\[$(gateway_towards s6)\]:"
		run -0 visit s6 "$(gateway_towards s6)" "$(port_of "$FIRST")"
		wait_for_line "$OUT" '^got='
		assert_match "second reply" "$(sed -n 2p "$OUT")" \
		    "rep=00 peer=\[$S6\]:"
		stop client
	done
}

# password_file NAME LINE: for the user that sessions become; prints its path.
password_file() {
	printf '%s\n' "$2" >"$PLACE/$1"
	chmod 600 "$PLACE/$1"
	chown nobody "$PLACE/$1"
	echo "$PLACE/$1"
}

@test "a password goes to the hop that asks for it, and nowhere else" {
	local file
	file=$(password_file secret 'alice:open:sesame')
	hop_start g1 "allow via $HOP4:1080" \
	    "via-password-file $HOP4:1080 $file"
	hop '<4' '>0502' login '>0100' request '>05000001000000000000' hold
	run -0 in_ns d4 "$PEERS/socks.py" "$G1_4:1080" raw \
	    ">050100$REQUEST" '<0500' '<05000001000000000000' fin gone
	assert_equal "at the hop" "$(hop_says)" "got 05020002
got 0105616c6963650b6f70656e3a736573616d65
got $REQUEST
left "
	stop hop
	# It may do without.
	hop '<4' '>0500' request '>05000001000000000000' hold
	run -0 in_ns d4 "$PEERS/socks.py" "$G1_4:1080" raw \
	    ">050100$REQUEST" '<0500' '<05000001000000000000' fin gone
	stop hop
	hop '<4' '>0502' login '>0101' hold
	run in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" v.test 80 reply
	assert_equal rep "$(value rep "${lines[0]}")" 01
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    upstream-failed 'reason=refused the password$'
	run ! grep -rE 'sesame|6f70656e' "$(hop_log g1)"
}

@test "-t looks at the password file of a hop, -T does not tell what is in it" {
	local file
	file=$(password_file secret 'alice:open:sesame')
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' "allow via gw.example:1080" \
	    "via-password-file GW.example:1080 $file" >c
	run -0 "$HANDLER" -t -f c
	run -0 "$HANDLER" -T -f c
	assert_match "dump" "$output" \
	    "via-password-file gw.example:1080 $file"
	[[ $output != *sesame* ]]
	run -0 "$HANDLER" -T -f c -o 'allow via 192.0.2.1:1080'
	assert_equal "one of two hops has a file" \
	    "$(grep -c '^via-password-file' <<<"$output")" 1
	chmod 644 "$file"
	run -0 --separate-stderr "$HANDLER" -t -f c
	assert_match "warning" "$stderr" 'everybody may read it'
	chmod 660 "$file"
	run -78 --separate-stderr "$HANDLER" -t -f c
	assert_match "error" "$stderr" 'others than its owner may write it'
	chmod 600 "$file"
	echo 'nothing' >"$file"
	run -78 --separate-stderr "$HANDLER" -t -f c
	assert_match "error" "$stderr" "$file: its first line is no"
	rm "$file"
	run -78 --separate-stderr "$HANDLER" -t -f c
	assert_match "error" "$stderr" "$file: cannot read it"
}

@test "-t warns of names that are looked up before they travel" {
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' 'deny at private' 'allow via gw.example:1080' >c
	run -0 --separate-stderr "$HANDLER" -t -f c
	assert_match "warning" "$stderr" \
	    '^c:2: warning: via: names are looked up first, because of the rule above, c:1'
	printf '%s\n' 'deny to .internal at any' 'deny port 25' \
	    'allow via gw.example:1080' 'via-proxy-protocol gx:1' >c
	run -0 --separate-stderr "$HANDLER" -t -f c
	[[ $stderr != *'looked up'* ]]
	assert_match "warning" "$stderr" 'via-proxy-protocol gx:1: no rule'
}

@test "-e says which way a request would go" {
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' 'allow to .example.com via 192.0.2.1:1080' \
	    'allow via [2001:db8::1]:1080 at 198.51.100.0/24' >c
	run -0 "$HANDLER" -f c -e connect 10.0.0.1 www.example.com:80
	assert_equal "by name" "$(head -n 2 <<<"$output")" \
	    "allowed c:1
via 192.0.2.1:1080 name unresolved"
	run -0 "$HANDLER" -f c -e connect 10.0.0.1 198.51.100.7:80
	assert_equal "by address" "$(head -n 3 <<<"$output")" \
	    "allowed c:2
198.51.100.7 allowed c:2
via [2001:db8::1]:1080"
	# A rule above decides whether the name is looked up before.
	printf '%s\n' 'deny port 25' 'allow via 192.0.2.1:1080' >c
	run -0 "$HANDLER" -f c -e connect 10.0.0.1 www.example.com:80
	assert_equal "no other port" "$(head -n 2 <<<"$output")" \
	    "allowed c:2
via 192.0.2.1:1080 name unresolved"
	printf '%s\n' 'deny at loopback' 'allow via 192.0.2.1:1080' \
	    'resolver 127.0.0.1:1' >c
	run -69 "$HANDLER" -f c -e connect 10.0.0.1 www.example.com:80
	assert_match "perhaps an address" "$output" \
	    'no name server could be reached for www.example.com'
}

@test "three gateways, with a password, and rules for the client itself" {
	local file
	file=$(password_file secret 'g3:word')
	password_file passwords "g3:$(openssl passwd -6 word)"
	gateway_start dual 'auth password' \
	    "password-file $PLACE/passwords" \
	    'proxy-protocol-from 10.4.0.1' "$NET_ALLOW user g3 from $D4"
	hop_start g3 'proxy-protocol-from 10.3.0.1' \
	    "via-password-file 10.4.0.2:1080 $file" \
	    'via-proxy-protocol 10.4.0.2:1080' 'allow via 10.4.0.2:1080'
	hop_start g1 'allow via 10.3.0.2:1080' \
	    'via-proxy-protocol 10.3.0.2:1080'
	run -0 in_ns d4 "$PEERS/socks.py" --as name "$G1_4:1080" \
	    v6.example.com 7000 exchange 100000
	assert_record "$(record_of "$(value client "$output")")" ok \
	    user=g3 client="$(value client "$output")" \
	    dest=v6.example.com:7000 peer="[$S6]:7000"
	assert_record "$(hop_record g3 "$(value client "$output")")" ok \
	    via=10.4.0.2:1080
	# Another client, whom the last one does not serve.
	run in_ns d6 "$PEERS/socks.py" --as name "[$G1_6]:1080" \
	    v6.example.com 7000 reply
	assert_equal rep "$(value rep "${lines[0]}")" 02
	assert_record "$(record_of "$(value client "${lines[0]}")")" denied \
	    user=g3
}

# datagrams OPTION... SCENE ARGUMENT...: udp.py from the CLIENT of use_chain;
# RECORD is the first gateway's record of its session.
datagrams() {
	local -a options=()
	while [[ $1 == --* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	run in_ns "$CLIENT" "$PEERS/udp.py" "${options[@]}" \
	    "$(endpoint "$GATEWAY" 1080)" "$@" </dev/null
	[[ $status -eq 0 ]] || fail "$* ($CLIENT):" "$output" \
	    "$(cat "$(hop_log g1)")" || return 1
	LINE=${lines[0]}
	RECORD=$(session_of g1 "$(value client "$LINE")")
}

# session_of ROLE CLIENT: the record of a session, and none that is `peer'.
session_of() {
	local log line
	log=$(hop_log "$1")
	[[ $1 != gw ]] || log=$GATEWAY_LOG
	wait_for_line "$log" "(ok|reset|denied|failed|timeout) client=${2//[\[\]]/.} " || return 1
	line=$(grep -F -- " client=$2 " "$log" | grep -v 'peer client=')
	[[ $line =~ (^|[ \>])($RECORD_FORM)$ ]] ||
	    fail "not the form of socks64-handler(8), LOG:" "$line" || return 1
	echo "${BASH_REMATCH[2]}"
}

@test "datagrams of types E to L, by name and by address" {
	local type form
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		chain_start "$HOP" "allow udp to name via $(endpoint "$HOP" 1080)"
		for form in name ip; do
			echo "type $type by $form"
			ask "$form"
			datagrams --as "$AS" echo "$TARGET" 5353 "$SERVER"
			assert_equal bnd "$(value bnd "$LINE" |
			    sed 's/:[0-9]*$//')" \
			    "$(endpoint "$GATEWAY" x | sed 's/:x$//')"
			assert_record "$RECORD" ok cmd=UDP up=30 down=30 \
			    datagrams=6/6/0 peers=1 \
			    via="$(endpoint "$HOP" 1080)"
		done
		# The hop has seen it so, too.
		wait_for_log 'ok client=.* cmd=UDP .* datagrams=6/6/0'
		hop_stop g1
		gateway_stop
	done
}

@test "datagrams that go by a hop and directly, side by side" {
	gateway_start dual
	echo "$S6 v6.example.com" >>"/etc/netns/$NET-g1/hosts"
	hop_start g1 "allow udp via $HOP4:1080 at 198.51.100.0/24" \
	    'allow udp at 10.5.0.0/24' "allow udp via $HOP6:1080 at 2001:db8::/32"
	start near ip netns exec "$NET-d4" "$PEERS/datagrams.py" $D4 5353
	wait_for_line "$BATS_FILE_TMPDIR/near.out" '^ready$'
	CLIENT=d4 GATEWAY=$G1_4
	run in_ns d4 env PYTHONPATH="$PEERS" "$PYTHON" - "$G1_4" "$S4" "$S6" \
	    "$D4" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="ip", port=False,
		    flag=0, gateway=sys.argv[1] + ":1080"))
		for host in sys.argv[2:] * 2:
		    print(a.ask(host, 5353, b"hello"))
		a.form = "name"
		# Looked up here, because of `at', and sent as an address.
		print(a.ask("v6.example.com", 5353, b"named"))
	END
	sed -i '/v6.example.com/d' "/etc/netns/$NET-g1/hosts"
	stop near
	assert_equal "answers" "$(sed 1d <<<"$output" | sort -u)" \
	    "$(printf "('%s', 5353, b'%s')\n" "$D4" hello "$S4" hello \
	        "$S6" hello "$S6" named)"
	RECORD=$(session_of g1 "$(value client "${lines[0]}")")
	assert_record "$RECORD" ok datagrams=7/7/0 peers=4
}

@test "a hop that refuses an association: its no, or datagrams that are dropped" {
	gateway_start dual 'deny udp' "$NET_ALLOW"
	hop_start g1 "allow udp via $HOP4:1080"
	CLIENT=d4 GATEWAY=$G1_4
	datagrams echo
	assert_equal rep "$(value rep "$LINE")" 02
	assert_record "$RECORD" denied cmd=UDP via="$HOP4:1080" \
	    'reason=answered 02$'
	hop_stop g1
	hop_start g1 "allow udp to name via $HOP4:1080" 'allow udp at 10.5.0.0/24'
	start near ip netns exec "$NET-d4" "$PEERS/datagrams.py" $D4 5353
	wait_for_line "$BATS_FILE_TMPDIR/near.out" '^ready$'
	run in_ns d4 env PYTHONPATH="$PEERS" "$PYTHON" - "$G1_4" "$D4" <<-'END'
		import argparse, sys, udp
		a = udp.Association(argparse.Namespace(form="name", port=False,
		    flag=0, gateway=sys.argv[1] + ":1080"))
		a.send("v4.example.com", 5353, b"lost")
		a.form = "ip"
		assert a.ask(sys.argv[2], 5353, b"hello")[2] == b"hello"
	END
	stop near
	RECORD=$(session_of g1 "$(value client "${lines[0]}")")
	assert_record "$RECORD" ok datagrams=1/1/1 'reason=answered 02$'
}

@test "a hop that ends its connection ends the association" {
	hop_start g1 "allow udp via $HOP4:1080"
	hop '<3' '>0500' request '>050000010a0100020fa0' '<1'
	CLIENT=d4 GATEWAY=$G1_4
	start scene ip netns exec "$NET-d4" "$PEERS/udp.py" "$G1_4:1080" \
	    control eof
	wait_for_line "$BATS_FILE_TMPDIR/scene.out" '^client='
	stop hop
	RECORD=$(session_of g1 "$(value client \
	    "$(head -n 1 "$BATS_FILE_TMPDIR/scene.out")")")
	assert_record "$RECORD" upstream-failed \
	    'reason=10.1.0.2:1080 ended its association$'
}

@test "only the hop's own datagrams come back" {
	hop_start g1 "allow udp to name via $HOP4:1080"
	hop '<3' '>0500' request '>050000010a0100020fa0' hold
	run -0 in_ns d4 env PYTHONPATH="$PEERS" "$PYTHON" - "$G1_4" "$NET" \
	    <<-'END'
		import argparse, subprocess, sys, udp
		a = udp.Association(argparse.Namespace(form="name", port=False,
		    flag=0, gateway=sys.argv[1] + ":1080"))
		relay = subprocess.Popen(["ip", "netns", "exec",
		    sys.argv[2] + "-gw", sys.executable, "-c", """
		import socket
		mine = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		mine.bind(("10.1.0.2", 4000))
		print("ready", flush=True)
		octets, sender = mine.recvfrom(65536)
		other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		other.bind(("10.1.0.2", 4001))
		head = bytes.fromhex("00000001c63364500050")
		other.sendto(head + b"another port", sender)
		third = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		third.bind(("10.4.0.2", 4000))
		third.sendto(head + b"another host", sender)
		mine.sendto(b"no header", sender)
		mine.sendto(bytes.fromhex("00000101c63364500050") + b"part", sender)
		mine.sendto(bytes.fromhex("00000008010203040050") + b"id", sender)
		mine.sendto(head + octets, sender)
		"""], stdout=subprocess.PIPE)
		relay.stdout.readline()
		a.send("v.test", 80, b"question")
		print(a.receive())
		relay.wait()
	END
	assert_equal "answer" "${lines[1]}" "('198.51.100.80', 80, \
b'\\x00\\x00\\x00\\x03\\x06v.test\\x00Pquestion')"
	RECORD=$(session_of g1 "$(value client "${lines[0]}")")
	assert_record "$RECORD" ok datagrams=1/1/5
}

@test "datagrams of clients that the last gateway knows by themselves" {
	gateway_start dual 'proxy-protocol-from 10.1.0.1,2001:db8:11::1' \
	    "$NET_ALLOW from $D4,$D6"
	local type
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		hop_start g1 "allow all to name via $(endpoint "$HOP" 1080)" \
		    "via-proxy-protocol $(endpoint "$HOP" 1080)"
		echo "type $type"
		datagrams --as name echo "$SERVER_NAME" 5353 "$SERVER"
		assert_record "$RECORD" ok datagrams=6/6/0
		assert_record "$(session_of gw "$(value client "$RECORD")")" \
		    ok datagrams=6/6/0
		hop_stop g1
	done
}

@test "BIND of types E to L, by name and by address" {
	local type form outer us port
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		chain_start "$HOP" "allow bind to name via $(endpoint "$HOP" 1080)"
		for form in name ip; do
			echo "type $type by $form"
			ask "$form"
			bind_start --as "$AS" "$TARGET" 0
			assert_equal rep "$(value rep "$FIRST")" 00
			port=$(port_of "$FIRST")
			us=$(gateway_towards "$SERVER_ROLE")
			outer=$HOP
			! same_family "$HOP" "$SERVER" || outer=$us
			same_family "$GATEWAY" "$HOP" || outer=$GATEWAY
			assert_equal bnd "$(value bnd "$FIRST")" \
			    "$(endpoint "$outer" "$port")"
			run -0 visit "$SERVER_ROLE" "$us" "$port"
			assert_equal "at the peer" "${lines[1]}" \
			    "from the client"
			wait_for_line "$OUT" '^got='
			assert_match "second reply" "$(sed -n 2p "$OUT")" \
			    "rep=00 peer=.*:$(sed 's/.*://' <<<"${lines[0]}")"
			assert_equal "at the client" "$(sed -n 3p "$OUT")" \
			    "got=from the peer"
			RECORD=$(hop_record g1 "$(value client "$FIRST")")
			assert_record "$RECORD" ok cmd=BIND up=16 down=14 \
			    via="$(endpoint "$HOP" 1080)" \
			    peer="$(endpoint "$HOP" 1080)"
			stop client
		done
		hop_stop g1
		gateway_stop
	done
}

@test "the wait of a BIND ends with the client, the hop, or the time" {
	gateway_start dual
	hop_start g1 "allow bind to name via $HOP4:1080" 'bind-timeout 1s'
	CLIENT=d4 GATEWAY=$G1_4
	bind_start --as name --leave fin v4.example.com 0
	assert_record "$(hop_record g1 "$(value client "$FIRST")")" ok \
	    cmd=BIND 'reason=ended its BIND'
	stop client
	wait_until sessions_are 0
	bind_start --as name v4.example.com 0
	wait_for_line "$OUT" '^rep='
	assert_equal second "$(sed -n 2p "$OUT")" "rep=06 peer=0.0.0.0:0"
	assert_record "$(hop_record g1 "$(value client "$FIRST")")" timeout \
	    cmd=BIND 'reason=within bind-timeout'
	stop client
	wait_until sessions_are 0
	gateway_stop
	hop '<3' '>0500' request '>050000010a0100020fa0' \
	    '>05040001000000000000'
	bind_start --as name v4.example.com 0
	wait_for_line "$OUT" '^rep='
	assert_equal second "$(sed -n 2p "$OUT")" "rep=04 peer=0.0.0.0:0"
	assert_record "$(hop_record g1 "$(value client "$FIRST")")" \
	    connect-failed 'reason=answered 04$'
}

# ftp_servers_start, ftp_servers_stop: at s4 and s6; and a place for each
# gateway's table.
ftp_servers_start() {
	local role
	for role in s4 s6; do
		start "ftp-$role" ip netns exec "$NET-$role" \
		    "$PEERS/ftp-chain.py" server "$(net_server $role)"
		wait_for_line "$BATS_FILE_TMPDIR/ftp-$role.out" '^ready$'
	done
	for role in gw g1; do
		mkdir -m 700 "$PLACE/$role"
		chown nobody "$PLACE/$role"
	done
}

ftp_servers_stop() {
	stop ftp-s4
	stop ftp-s6
	rm -rf "$PLACE/gw" "$PLACE/g1"
}

# ftp_through OPTION... MODE: a file there and back.
ftp_through() {
	run in_ns "$CLIENT" "$PEERS/ftp-chain.py" client --as "$AS" \
	    "${@:1:$#-1}" "$(endpoint "$GATEWAY" 1080)" "$TARGET" \
	    "${@: -1}" 300000
	[[ $status -eq 0 ]] || fail "$output" "$(cat "$(hop_log g1)")" \
	    "$(cat "$GATEWAY_LOG")"
}

@test "FTP of types E to L: EPSV, PASV, PORT and EPRT, by name and by address" {
	local type form mode hop
	ftp_servers_start
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		hop=$(endpoint "$HOP" 1080)
		gateway_start dual "$NET_ALLOW port 21" "state-dir $PLACE/gw"
		# Port 21 alone: data connections belong to it.
		hop_start g1 "allow to name port 21 via $hop" \
		    "$NET_ALLOW port 21 via $hop" "state-dir $PLACE/g1"
		for form in name ip; do
			ask "$form"
			for mode in EPSV PASV PORT EPRT; do
				# No IPv6 address fits into it.
				[[ $mode != PORT || $CLIENT == d4 ]] || continue
				echo "type $type by $form, $mode"
				ftp_through $mode
			done
		done
		hop_stop g1
		gateway_stop
	done
	ftp_servers_stop
}

@test "FTP of types E to L: PORT and EPRT of a client that listens" {
	local type form mode hop
	ftp_servers_start
	for type in $CHAIN_TYPES; do
		use_chain "$type"
		hop=$(endpoint "$HOP" 1080)
		# Each gateway listens for the next, and dials the one before.
		gateway_start dual "$NET_ALLOW port 21" "state-dir $PLACE/gw" \
		    'ftp-alg always' 'allow bind at 10.1.0.1,2001:db8:11::1'
		hop_start g1 "allow to name port 21 via $hop" \
		    "$NET_ALLOW port 21 via $hop" "state-dir $PLACE/g1" \
		    "allow bind at $D4,$D6"
		for form in name ip; do
			ask "$form"
			for mode in PORT EPRT; do
				# No IPv6 address fits into it.
				[[ $mode != PORT || $CLIENT == d4 ]] || continue
				echo "type $type by $form, $mode"
				ftp_through --listen $mode
			done
		done
		hop_stop g1
		gateway_stop
	done
	ftp_servers_stop
}

@test "legs of MTU 1280 and 9000: 10 MiB both ways, digests equal" {
	use_chain G
	chain_start "$HOP"
	ip -n "$NET-g1" link set gw mtu 1280
	ip -n "$NET-gw" link set g1 mtu 1280
	ip -n "$NET-gw" link set s4 mtu 9000
	ip -n "$NET-s4" link set gw mtu 9000
	through name exchange $((10 * 1024 * 1024))
	assert_record "$RECORD" ok up="$(value up "$LINE")" \
	    down="$(value down "$LINE")"
	ip -n "$NET-g1" link set gw mtu 1500
	ip -n "$NET-gw" link set g1 mtu 1500
	ip -n "$NET-gw" link set s4 mtu 1500
	ip -n "$NET-s4" link set gw mtu 1500
}

# other_hop PROGRAM...: somebody else's server at port 1080 of gw, and g1 in
# front of it; CONNECT goes through, by name and by address.
other_hop() {
	start hop ip netns exec "$NET-gw" "$@"
	wait_until net_listens gw 1080 ||
	    fail "$1 does not listen" "$(cat "$BATS_FILE_TMPDIR/hop.err")"
	hop_start g1 "allow to name via $HOP4:1080" \
	    "$NET_ALLOW via $HOP4:1080"
	use_chain E
	# Not every server passes a FIN on, so the page is what is compared.
	local host
	for host in v4.example.com "$S4"; do
		run -0 in_ns d4 curl -s --proxy "socks5h://$G1_4:1080" \
		    "http://$host/"
		[[ -n $output ]] || fail "no page of $host"
		wait_for_line "$(hop_log g1)" \
		    "ok client=.* dest=$host:80 .* via=$HOP4:1080"
	done
}

@test "microsocks as the hop" {
	"$TESTS/unpack-package" microsocks "$ROOT/build/packages/microsocks"
	other_hop "$ROOT/build/packages/microsocks/usr/bin/microsocks" \
	    -i "$HOP4" -p 1080
}

@test "Dante as the hop, with datagrams" {
	"$TESTS/unpack-package" dante-server "$ROOT/build/packages/dante-server"
	cat >"$PLACE/danted.conf" <<-END
		internal: $HOP4 port = 1080
		external: s4
		external: g1
		socksmethod: none
		clientmethod: none
		user.unprivileged: nobody
		client pass { from: 0/0 to: 0/0 }
		socks pass { from: 0/0 to: 0/0 }
	END
	other_hop "$ROOT/build/packages/dante-server/usr/sbin/danted" \
	    -f "$PLACE/danted.conf" -p "$PLACE/danted.pid"
	datagrams echo "$S4" 5353 "$S4"
	assert_record "$RECORD" ok datagrams=6/6/0
}

@test "ssh -D as the hop: CONNECT, and 01 where it hangs up" {
	sshd_start gw $HOP4
	other_hop ssh -F none -i "$BATS_FILE_TMPDIR/sshd/key" -o BatchMode=yes \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -N \
	    -D "$HOP4:1080" "root@$HOP4"
	# Its BND is zeros.
	through name exchange 100000
	assert_equal bnd "$(value bnd "$LINE")" 0.0.0.0:0
	hop_stop g1
	hop_start g1 "allow all to name via $HOP4:1080"
	run in_ns d4 "$PEERS/bind.py" --as name "$G1_4:1080" v4.example.com 0
	assert_match "reply to BIND" "${lines[0]}" ' rep=01 '
	assert_record "$(hop_record g1 "$(value client "${lines[0]}")")" \
	    upstream-failed 'reason=without a reply$'
	stop sshd-gw
}
