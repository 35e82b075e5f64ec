#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# RFC 3089's four types, asked for by name, by literal in a name and by
# address, through each launcher: 10 MiB each way at once with digests, BND as
# doc/protocol.md has it, the record field by field.

load lib/gateway

teardown() {
	gateway_stop
}

SIZE=$((10 * 1024 * 1024))

# expected_bnd LOCAL: BND of CONNECT (doc/protocol.md), by what the record says
# of the outgoing connection.
expected_bnd() {
	local address=$GATEWAY
	! same_family "$GATEWAY" "$SERVER" || address=${1%:*}
	address=${address#[}
	endpoint "${address%]}" "${1##*:}"
}

# outgoing ROLE: the gateway's own addresses towards the servers.
outgoing() {
	case $1 in
	s4) echo 198.51.100.1 ;;
	s6) echo 2001:db8:2::1 ;;
	esac
}

exchange() { # FORM
	local line record local_end
	ask "$1"
	run client "$CLIENT" --as "$AS" "$TARGET" 7000 exchange "$SIZE"
	echo "$output"
	[[ $status -eq 0 ]] || return 1
	line=$output
	assert_equal rep "$(value rep "$line")" 00 || return 1
	record=$(record_of "$(value client "$line")") || return 1
	local_end=$(value local "$record")
	assert_equal "address of local" "${local_end%:*}" \
	    "$(endpoint "$(outgoing $SERVER_ROLE)" x | sed 's/:x$//')" ||
	    return 1
	assert_equal bnd "$(value bnd "$line")" \
	    "$(expected_bnd "$local_end")" || return 1
	assert_record "$record" ok user=- auth=none cmd=CONNECT \
	    dest="$(endpoint "$TARGET" 7000)" \
	    peer="$(endpoint "$SERVER" 7000)" \
	    up="$(value up "$line")" down="$(value down "$line")" || return 1
	[[ $record != *reason=* ]] || fail "a reason: $record"
}

matrix() { # LAUNCHER
	local type form
	gateway_start "$1"
	for type in $TYPES; do
		use_type "$type"
		for form in name literal ip; do
			echo "type $type by $form"
			exchange "$form"
		done
	done
}

# All sessions of the matrix are over, each with status 0.
all_died_well() {
	[[ -n ${LISTEN:-} || $(grep -c 'Child [0-9]* died with code 0$' "$GATEWAY_LOG") -eq 12 ]]
}

# Nothing but records and the launcher's own lines.
assert_only_records() {
	run grep -vE '^(socks64\[[0-9]+\]: (listening on|the configuration was read anew)|Listening on|Communication attempt|Connection from|Spawned|Execing|Child [0-9]+ died with code 0$)|ok client=' \
	    "$GATEWAY_LOG"
	assert_equal "other lines in the log" "$output" ""
}

@test "types A to D, each form, through systemd-socket-activate" {
	matrix activate
	wait_until all_died_well
	assert_only_records
}

@test "types A to D, each form, through systemd-socket-activate --inetd" {
	matrix activate-inetd
	wait_until all_died_well
	assert_only_records
}

@test "types A to D, each form, by -l" {
	matrix listen
	wait_until sessions_are 0
	assert_only_records
}

@test "types A to D, each form, through openbsd-inetd, static link, log by syslog" {
	matrix inetd
	assert_only_records
	run grep -vE '^<29>([A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} )?socks64\[[0-9]+\]: ' \
	    "$GATEWAY_LOG"
	assert_equal "not as syslog wants it" "$output" ""
}

@test "a name with both families is reached over ipv6 first" {
	gateway_start activate
	use_type A
	run -0 client c4 --as name both.example.com 7000 exchange 1000
	local record
	record=$(record_of "$(value client "$output")")
	assert_record "$record" ok dest=both.example.com:7000 \
	    peer="[$S6]:7000"
}

@test "a name of /etc/hosts is answered from there" {
	gateway_start activate
	run -0 client c6 --as name hosted.example.com 7000 exchange 1000
	assert_record "$(record_of "$(value client "$output")")" ok \
	    dest=hosted.example.com:7000 peer="$S4:7000"
}

@test "success is not said before the server is reached" {
	gateway_start activate
	# Nothing listens at port 9 of either server: 05, BND zeros.
	local type
	for type in $TYPES; do
		use_type "$type"
		run -0 client "$CLIENT" "$SERVER" 9 reply
		assert_equal "$type" "$(value rep "$output") $(value bnd \
		    "$output")" "05 0.0.0.0:0"
		assert_record "$(record_of "$(value client "$output")")" \
		    connect-failed up=0 down=0 peer=- local=- 'reason=.'
	done
}

@test "a name that does not exist is 04, with its record" {
	gateway_start activate
	run -0 client c4 --as name missing.example.com 7000 reply
	assert_equal rep "$(value rep "$output")" 04
	assert_record "$(record_of "$(value client "$output")")" \
	    resolve-failed dest=missing.example.com:7000 peer=- \
	    'reason=missing.example.com'
}

@test "a host that the gateway has no way to is 03 or 04, never 05" {
	gateway_start activate \
	    'allow all at 192.0.2.0/24,198.51.100.0/24,203.0.113.0/24,2001:db8::/32,198.18.0.0/15'
	run -0 client c4 198.18.0.1 80 reply
	assert_equal rep "$(value rep "$output")" 03
	# On the link, but nobody there: the neighbour does not answer.
	run -0 client c4 198.51.100.99 80 reply
	assert_equal rep "$(value rep "$output")" 04
}

@test "the default policy opens no documentation net" {
	gateway_start activate 'log-level info'
	run -0 client c4 "$S4" 7000 reply
	assert_equal rep "$(value rep "$output")" 02
	assert_record "$(record_of "$(value client "$output")")" denied \
	    dest="$S4:7000" peer=- local=- 'reason=.'
}

@test "the gateway's own listener is never dialled, whatever the rules" {
	gateway_start activate 'allow all at any,self,loopback'
	local where
	for where in $GW4 127.0.0.1 198.51.100.1 203.0.113.1; do
		run -0 client c4 "$where" 1080 reply
		assert_equal "$where" "$(value rep "$output")" 02
	done
	for where in $GW6 ::1 2001:db8:2::1 ::ffff:127.0.0.1; do
		run -0 client c6 "$where" 1080 reply
		assert_equal "$where" "$(value rep "$output")" 02
	done
}

@test "an ipv4 client at a dual-stack listener is ipv4 everywhere" {
	gateway_start dual
	use_type A
	exchange ip
	use_type B
	exchange name
	# Seen as IPv4, so that BND and the record were IPv4 above.
	run grep -F '::ffff:' <(grep ' client=' "$GATEWAY_LOG")
	assert_equal "mapped addresses" "$output" ""
}

@test "twenty sessions at once do not disturb each other" {
	gateway_start activate
	local i
	for i in {1..20}; do
		local role=c4 target=$S6
		((i % 2)) || role=c6 target=$S4
		client $role --seed "$i" $target 7000 exchange 300000 \
		    >"$BATS_TEST_TMPDIR/$i" 2>&1 3>&- &
		echo $! >>"$BATS_TEST_TMPDIR/pids"
	done
	local pid
	while read -r pid; do
		wait "$pid" || fail "$(cat "$BATS_TEST_TMPDIR"/[0-9]*)"
	done <"$BATS_TEST_TMPDIR/pids"
	for i in {1..20}; do
		assert_record "$(record_of "$(value client \
		    "$(<"$BATS_TEST_TMPDIR/$i")")")" ok
	done
}
