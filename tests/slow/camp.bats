#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The camp that the drafts of SOCKS64 report from, replayed: more than a
# hundred hosts of both families, all at once, with telnet, FTP, HTTP and SSH
# to servers of the other family, through one gateway.  doc/camp.md has its
# figures.
#
#	CAMP_HOSTS=10 bats tests/slow/camp.bats

# So many real programs at once take their time.
BATS_TEST_TIMEOUT=900

load ../lib/gateway
# For what never comes, where so many share two cores.
PATIENCE=600
load ../lib/ftp
load ../lib/ssh
load ../lib/camp

: "${CAMP_HOSTS:=100}"
FTP_BIG_MIB=1
RULES="$NET_ALLOW port 21-23,80"

setup_file() {
	net_begin || return 0
	camp_packages || {
		export CAMP_MISSING='the packages of the camp cannot be fetched'
		return 0
	}
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	camp_hosts "$CAMP_HOSTS"
	export CAMP=$BATS_FILE_TMPDIR SANDBOX=$BATS_FILE_TMPDIR/systemd
	ftp_files "$CAMP/ftp"
}

setup() {
	net_needed
	[[ -z ${CAMP_MISSING-} ]] || skip "$CAMP_MISSING"
	local role
	rm -rf "$CAMP/go" "$CAMP"/ftp/in/* "$CAMP"/h[0-9]*
	for role in s4 s6 dns; do
		net_role $role
	done
}

teardown() {
	[[ -n ${NET:-} ]] || return 0
	local role
	stop_all
	[[ ! -d ${SANDBOX:-/nowhere} ]] || "$TESTS/systemd-sandbox" down "$SANDBOX"
	for role in gw s4 s6 dns; do
		net_remove "$NET-$role"
	done
}

inside() {
	"$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

# handlers: the processes that serve a session now.
handlers() {
	local pid
	for pid in $(ip netns pids "$NET-gw"); do
		[[ $(cat "/proc/$pid/comm" 2>/dev/null) != socks64-handler ]] ||
		    echo "$pid"
	done
}

no_handlers() {
	[[ -z $(handlers) ]]
}

# memory_of PID...: the KiB that would be free without them.
memory_of() {
	local pid
	for pid; do
		cat "/proc/$pid/smaps_rollup"
	done | awk '$1 == "Pss:" { sum += $2 } END { print sum }'
}

# accepted: the connections that the gateway's kernel accepted so far.
accepted() {
	in_ns gw awk '$1 == "Tcp:" && n++ { print $7 }' /proc/net/snmp
}

figure() {
	echo "# $*" >&3
}

# camp LAUNCHER: all the hosts at once.  LAUNCHER_cpu prints the CPU time that
# launcher and sessions have used, in ms, LAUNCHER_records the records.
camp() {
	local -i count=$CAMP_HOSTS before opened spent
	local -a running
	before=$(accepted)
	spent=$("$1_cpu")
	start campers "$PEERS/campers.py" run "$NET" "$count" "$CAMP"
	wait_for_line "$CAMP/campers.out" '^in$'
	mapfile -t running < <(handlers)
	figure "$1: ${#running[@]} sessions at once, with" \
	    "$(memory_of "${running[@]}") KiB"
	touch "$CAMP/go"
	wait_until is_gone "$(pid_of campers)"
	figure "$1: $(tail -n 1 "$CAMP/campers.out")"
	has_line "$CAMP/campers.out" '^[0-9]+ programs, 0 failed' ||
	    fail "$(head -n 6 "$CAMP/campers.out")" \
	        "$(tail -n 40 "$CAMP/campers.err")"
	assert_equal "sessions at once" "${#running[@]}" $((3 * count))
	# Nothing is left of them.
	wait_until no_handlers || fail "sessions stay"
	opened=$(($(accepted) - before))
	spent=$(($("$1_cpu") - spent))
	# Each accepted connection is a session, but those of the servers for
	# transfers in active mode: two to each IPv4 host, one to the others.
	assert_equal "connections" $opened \
	    $((7 * count + 2 * ((count + 1) / 2) + count / 2))
	"$1_records" >"$CAMP/records"
	run "$PEERS/campers.py" records "$count" "$CAMP" <"$CAMP/records"
	figure "$1: ${lines[-1]}, $spent ms of CPU"
	[[ $status -eq 0 ]] || fail "$output"
	assert_match "sessions" "$output" "^$((7 * count)) sessions, 0 wrong"
}

# What inetd has used, and its children that are gone.
inetd_cpu() {
	local pid
	for pid in $(ip netns pids "$NET-gw"); do
		[[ $(cat "/proc/$pid/comm") != inetd ]] ||
		    of_process "$pid" 14 15 16 17
	done | awk -v tick="$(getconf CLK_TCK)" \
	    '{ sum += $1 } END { print sum * 1000 / tick }'
}

inetd_records() {
	sed -n 's/^<29>socks64\[[0-9]*\]: //p' "$GATEWAY_LOG"
}

@test "the camp, under inetd" {
	net_role gw
	camp_gateway
	camp_servers
	install -d -m 700 -o nobody "$CAMP/state"
	gateway_start inetd "$RULES" 'user nobody' "state-dir $CAMP/state"
	camp inetd
	# Not a line but the records, and not a file but the table.
	run grep -v ' client=' "$GATEWAY_LOG"
	assert_equal "other lines" "$output" ""
	run ls "$CAMP/state"
	assert_equal "files" "$output" associations
}

# What systemd and its services have used, but the journal: inetd's syslogd is
# not counted either.
systemd_cpu() {
	inside cat /sys/fs/cgroup/system.slice/systemd-journald.service/cpu.stat \
	    /sys/fs/cgroup/cpu.stat |
	    awk '$1 == "usage_usec" { used[n++] = $2 }
	        END { print int((used[1] - used[0]) / 1000) }'
}

systemd_records() {
	inside journalctl --sync
	inside journalctl -q -t socks64 -o cat
}

no_instances() {
	[[ -z $(inside systemctl list-units --all --plain --no-legend \
	    'socks64@*') ]]
}

# systemd_gateway: the sandbox as the gateway's namespace, installed as a
# reader of README would.
systemd_gateway() {
	local dropin=/etc/systemd/system/socks64.socket.d
	"$TESTS/systemd-sandbox" up "$SANDBOX" "$ROOT:/src"
	ip netns attach "$NET-gw" "$(<"$SANDBOX/pid")"
	camp_gateway
	camp_servers
	inside sh -c "echo nameserver $DNS >/etc/resolv.conf"
	inside make -s -C /src -o all install >"$CAMP/install.out"
	inside mkdir -p $dropin
	inside sed "s/^ListenStream=\[2001.*/ListenStream=[$GW6]:1080/" \
	    /src/units/examples/listen-lan.conf |
	    inside tee $dropin/listen.conf >/dev/null
	echo "$RULES" | inside tee /etc/socks64/socks64.conf >/dev/null
	inside systemctl daemon-reload
	inside systemctl enable --now socks64.socket 2>"$CAMP/enable.err"
	wait_until net_listens gw 1080 4 || fail "$(inside systemctl status \
	    socks64.socket)"
}

@test "the camp, under the real systemd units" {
	local why
	why=$("$TESTS/systemd-sandbox" check 2>&1) ||
	    skip "no systemd in namespaces here: ${why##*: }"
	systemd_gateway
	camp systemd
	wait_until no_instances || fail "instances stay"
	run inside systemctl list-units --failed --plain --no-legend
	assert_equal "failed units" "$output" ""
	run inside systemctl is-active socks64.socket
	assert_equal socket "$output" active
	run inside ls /run/socks64
	assert_equal "files" "$output" associations
}
