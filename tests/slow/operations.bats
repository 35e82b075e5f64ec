#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The recipes of doc/operations.md, each by the commands that stand there,
# in a systemd that is booted for this file.

load ../lib/common

CONF=/etc/socks64/socks64.conf
UNITS=/etc/systemd/system
EXAMPLES=/usr/local/share/doc/socks64-handler/examples
GATEWAY=127.0.0.1:1080

setup_file() {
	local why package
	why=$("$TESTS/systemd-sandbox" check 2>&1) || {
		# Not skip, which is an error in setup_file.
		export LACKING="no systemd in namespaces here: ${why##*: }"
		return 0
	}
	export SANDBOX=$BATS_FILE_TMPDIR/systemd
	for package in openssh-server stunnel4; do
		"$TESTS/unpack-package" $package "$ROOT/build/$package" ||
		    fail "cannot fetch $package"
	done
	"$TESTS/systemd-sandbox" up "$SANDBOX" "$ROOT:/src"
	inside sh -c 'echo 127.0.0.1 www.example.com >>/etc/hosts'
	inside make -s -C /src -o all install >"$BATS_FILE_TMPDIR/install.out"
	inside systemctl enable --now socks64.socket \
	    2>"$BATS_FILE_TMPDIR/enable.err"
	start_inside server /src/tests/peers/server.py 127.0.0.1 ask=7000 \
	    http=80
	wait_for_line "$BATS_FILE_TMPDIR/server.out" '^ready$'
}

teardown_file() {
	stop_all
	[[ ! -d ${SANDBOX:-/nowhere} ]] ||
	    "$TESTS/systemd-sandbox" down "$SANDBOX"
}

setup() {
	skip_lacking
	BEGAN=$EPOCHREALTIME
	configure 'allow at loopback'
}

teardown() {
	[[ -z ${LACKING:-} ]] || return 0
	stop session
	inside systemctl stop socks64.socket
	inside rm -rf "$UNITS/socks64.socket.d" "$UNITS/socks64@.service.d" \
	    /etc/socks64/passwords
	inside systemctl daemon-reload
	inside systemctl stop 'socks64@*'
	inside systemctl start socks64.socket
}

inside() {
	"$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

start_inside() {
	local name=$1
	shift
	start "$name" "$TESTS/systemd-sandbox" exec "$SANDBOX" "$@"
}

# recipe TITLE: its commands, without prompts, and lines that go on joined.
recipe() {
	sed -n "/^## $1\$/,/^## /{s/^    [#\$] //p;s/^        //p}" \
	    "$ROOT/doc/operations.md"
}

# run_recipe TITLE PATTERN...: those of its commands that match, as they stand
# there; a pattern is for the first line of a command.
run_recipe() {
	local title=$1 pattern
	shift
	for pattern; do
		"$PYTHON" - "$ROOT/doc/operations.md" "$title" "$pattern" \
		    >"$BATS_TEST_TMPDIR/command" <<-'END' ||
			import re, sys
			page, title, pattern = sys.argv[1:]
			text = open(page).read().split(f"\n## {title}\n")[1]
			text = text.split("\n## ")[0]
			commands = re.split(r"^    [#$] ", text, flags=re.M)[1:]
			found = [c.split("\n\n")[0] for c in commands
			         if re.match(pattern, c)]
			sys.exit("no command " + pattern) if len(found) != 1 else \
			    print(found[0])
		END
		    fail "$title: $pattern"
		inside bash -euo pipefail -c "$(<"$BATS_TEST_TMPDIR/command")"
	done
}

configure() {
	printf '%s\n' "$@" | inside tee "$CONF" >/dev/null
}

# passwords LINE...: the password file, as README makes it.
passwords() {
	printf '%s\n' "$@" | inside tee /etc/socks64/passwords >/dev/null
	inside sh -c 'chgrp socks64 /etc/socks64/passwords
	    chmod 640 /etc/socks64/passwords'
}

fetch() {
	inside curl -sS --max-time 30 http://www.example.com/ "$@"
}

by_user() { # USER:PASSWORD
	fetch --proxy "socks5h://$1@$GATEWAY"
}

has_records() { # COUNT MATCH...
	local -i count=$1
	shift
	inside journalctl --sync
	(($(inside journalctl -q --since "@$BEGAN" -t socks64 -o cat "$@" |
	    wc -l) >= count))
}

assert_page() { # WHAT COMMAND...
	local what=$1
	shift
	run "$@"
	assert_equal "$what" "$status $output" "0 hello from 127.0.0.1"
}

@test "a user is blocked now" {
	configure 'auth password' 'allow user * at loopback'
	passwords "alice:$(openssl passwd -6 secret)" \
	    "bob:$(openssl passwd -6 secret)"
	assert_page before by_user alice:secret
	start_inside session curl -sS --proxy \
	    "socks5h://alice:secret@$GATEWAY" telnet://127.0.0.1:7000
	wait_until inside pgrep -u socks64 -f ' alice -> '
	run_recipe 'Block a user now' 'sed ' 'pkill '
	wait_until has_records 1 SOCKS64_RESULT=stopped SOCKS64_USER=alice
	run by_user alice:secret
	assert_equal "curl's status" "$status" 97
	assert_page "another user" by_user bob:secret
	run inside stat -c '%U %G %a' /etc/socks64/passwords
	assert_equal "the file" "$output" 'root socks64 640'
}

@test "who used how much" {
	configure 'auth password' 'allow user * at loopback'
	passwords "alice:$(openssl passwd -6 secret)" \
	    "bob:$(openssl passwd -6 secret)"
	by_user alice:secret
	by_user bob:secret
	by_user alice:secret
	wait_until has_records 2 SOCKS64_USER=alice SOCKS64_RESULT=ok
	wait_until has_records 1 SOCKS64_USER=bob SOCKS64_RESULT=ok
	run -0 run_recipe 'Who used how much' journalctl
	assert_match alice "$output" $'alice\t[2-9]\t[1-9][0-9]+\t[1-9][0-9]+'
	assert_match bob "$output" $'bob\t[1-9]\t[1-9][0-9]+\t[1-9][0-9]+'
}

has_own_record() {
	run_recipe 'A log of its own, and how long it lasts' journalctl |
	    grep -q 'ok client=.* dest=www.example.com:80 '
}

@test "a log of its own" {
	local files
	run_recipe 'A log of its own, and how long it lasts' mkdir \
	    'printf .*Service' 'printf .*Journal' systemctl
	assert_page "a session" fetch --socks5-hostname $GATEWAY
	wait_until has_own_record
	run ! has_records 1 SOCKS64_DEST=www.example.com
	inside systemctl stop 'systemd-journald@socks64.service' \
	    'systemd-journald@socks64.socket' \
	    'systemd-journald-varlink@socks64.socket'
}

# opened COUNT: so many connections, one behind the other.
opened() {
	inside "$PYTHON" -c '
import socket, sys
count = 0
for _ in range(int(sys.argv[1])):
    s = socket.socket()
    s.settimeout(0.1)
    try:
        s.connect(("127.0.0.1", 1080))
        count += 1
    except OSError:
        pass
    s.close()
print(count)' "$1"
}

@test "rates for each client" {
	run_recipe 'Rates for each client' nft
	run -0 opened 400
	# 200 at once, and 50 for each second that it took.
	((output >= 200 && output < 400)) || fail "connections: $output"
	run -0 inside nft list chain inet socks64 new_client
	assert_match dropped "$output" 'counter packets [1-9][0-9]* bytes .* drop'
	inside nft delete table inet socks64
}

@test "users of the system, by ssh" {
	local uid
	inside mkdir -p "$UNITS/socks64.socket.d" /root/keys /run/sshd
	inside sed 's/=users$/=people/' "$EXAMPLES/listen-unix.conf" |
	    inside tee "$UNITS/socks64.socket.d/unix.conf" >/dev/null
	inside sh -c 'groupadd people
	    useradd --create-home --groups people --password "*" alice
	    getent passwd sshd >/dev/null || useradd --system sshd
	    for key in host alice; do
		ssh-keygen -q -t ed25519 -N "" -f /root/keys/$key
	    done
	    install -m 644 /root/keys/alice.pub /home/alice/key.pub
	    systemctl daemon-reload
	    systemctl restart socks64.socket'
	uid=$(inside id -u alice)
	configure "allow user uid=$uid at loopback"
	start_inside sshd /src/build/openssh-server/usr/sbin/sshd -D -e \
	    -f /dev/null -p 22 -h /root/keys/host -o PidFile=none \
	    -o UsePAM=no -o AuthorizedKeysFile=/home/alice/key.pub
	start_inside ssh bash -c 'until (exec 3<>/dev/tcp/127.0.0.1/22); do
		sleep 0.1
	    done 2>/dev/null
	    exec ssh -N -L 1081:/run/socks64.sock -i /root/keys/alice \
	    -o StrictHostKeyChecking=no alice@127.0.0.1'
	wait_until fetch --proxy socks5h://127.0.0.1:1081 2>/dev/null ||
	    fail "$(cat "$BATS_FILE_TMPDIR"/ssh*.err)"
	wait_until has_records 1 SOCKS64_RESULT=ok \
	    "SOCKS64_CLIENT=unix:uid=$uid"
	run fetch --proxy "socks5h://localhost/run/socks64.sock"
	assert_match "root has no rule" "$output" "curl: \(97\)"
	stop ssh
	stop sshd
}

@test "TLS by stunnel" {
	inside sh -c 'mkdir -p /etc/stunnel && cd /etc/stunnel &&
	    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x \
	    -keyout key -out cert 2>/dev/null && cat key cert >gateway.pem'
	# As it stands there, in the foreground.
	{
		echo 'foreground = yes'
		sed -n '/^    \[socks\]$/,/^$/s/^    //p' \
		    "$ROOT/doc/operations.md"
	} | inside tee /etc/stunnel/socks.conf >/dev/null
	configure 'allow at loopback' 'proxy-protocol-from 127.0.0.1'
	start_inside stunnel /src/build/stunnel4/usr/bin/stunnel4 \
	    /etc/stunnel/socks.conf
	start_inside socat socat \
	    TCP-LISTEN:1082,bind=127.0.0.1,fork,reuseaddr \
	    OPENSSL:127.0.0.1:1443,verify=0
	wait_until fetch --socks5-hostname 127.0.0.1:1082 2>/dev/null ||
	    fail "$(cat "$BATS_FILE_TMPDIR"/{stunnel,socat}.err)"
	wait_until has_records 1 SOCKS64_RESULT=ok \
	    SOCKS64_CLIENT=127.0.0.1 SOCKS64_DEST=www.example.com
	stop socat
	stop stunnel
}

@test "a second instance" {
	inside bash -euc "$(recipe 'A second instance')"
	inside sh -c 'echo "allow at loopback" >/etc/socks64/guests.conf'
	configure 'deny all'
	assert_page "guests" fetch --socks5-hostname 127.0.0.1:1081
	run fetch --socks5-hostname $GATEWAY
	assert_equal "the first is another" "$status" 97
	inside systemctl disable --now guests.socket
	inside rm -f "$UNITS/guests.socket" "$UNITS/guests@.service"
}

@test "password files of other programs" {
	local setting
	configure 'auth password' 'allow user * at loopback'
	for setting in '$6$saltsalt' '$y$j9T$F5Jx5fExrKuPp53xLKQ..1' \
	    '$2y$05$abcdefghijklmnopqrstuu'; do
		passwords "alice:$("$PEERS/hashes.py" secret "$setting"):1:2"
		assert_page "$setting" by_user alice:secret
	done
	passwords 'alice:$apr1$4Kz5zVxL$QmCAXZq0G5xZVqAPGJ6JY0'
	run inside /usr/local/sbin/socks64-handler -t -f $CONF
	[[ $status -ne 0 || $output == *warning* ]] || fail "$output"
	assert_match "-t" "$output" 'passwords:1: '
}

@test "times of day" {
	local hour
	configure "$(recipe 'Times of day' | grep '^deny to @' ||
	    sed -n 's/^    \(deny to @.*\)/\1/p' "$ROOT/doc/operations.md")" \
	    'allow at loopback'
	inside sh -c 'echo www.example.com >/etc/socks64/day
	    echo other.example.com >/etc/socks64/night'
	sed -n 's/^    0 .* root \(cp .*\)/\1/p' "$ROOT/doc/operations.md" \
	    >"$BATS_TEST_TMPDIR/cron"
	assert_equal "lines for cron" "$(wc -l <"$BATS_TEST_TMPDIR/cron")" 2
	inside sh -c "$(sed -n 1p "$BATS_TEST_TMPDIR/cron")"
	run fetch --socks5-hostname $GATEWAY
	assert_equal "by day" "$status" 97
	inside sh -c "$(sed -n 2p "$BATS_TEST_TMPDIR/cron")"
	assert_page "by night" fetch --socks5-hostname $GATEWAY
}

# figure NAME: of the file that the example writes.
figure() {
	inside cat /run/socks64.prom |
	    awk -v name="$1 " 'index($0, name) == 1 { print $NF }'
}

metrics() {
	inside "$EXAMPLES/metrics" --state /run/metrics.json \
	    --output /run/socks64.prom "$@"
}

@test "figures for Prometheus" {
	local -i before octets
	local name
	assert_page "before the first run" fetch --socks5-hostname $GATEWAY
	wait_until has_records 1 SOCKS64_DEST=www.example.com
	metrics
	assert_equal "nothing yet" "$(figure 'socks64_sessions_total{result="ok"}')" ''
	before=$(figure socks64_accepted_total)
	configure 'auth password' 'allow user * at loopback'
	passwords "alice:$(openssl passwd -6 secret)"
	by_user alice:secret
	by_user alice:secret
	run by_user alice:wrong
	wait_until has_records 2 SOCKS64_USER=alice SOCKS64_RESULT=ok
	wait_until has_records 1 SOCKS64_RESULT=auth-failed
	metrics
	assert_equal ok "$(figure 'socks64_sessions_total{result="ok"}')" 2
	assert_equal auth-failed \
	    "$(figure 'socks64_sessions_total{result="auth-failed"}')" 1
	octets=$(figure 'socks64_octets_total{direction="down",user="alice"}')
	((octets > 0)) || fail "octets: $octets"
	assert_equal accepted "$(figure socks64_accepted_total)" $((before + 3))
	# Nothing is counted twice; without time nothing is lost, either.
	metrics
	assert_equal again "$(figure 'socks64_sessions_total{result="ok"}')" 2
	by_user alice:secret
	by_user alice:secret
	wait_until has_records 4 SOCKS64_USER=alice SOCKS64_RESULT=ok
	metrics --seconds 0
	assert_equal "one record" \
	    "$(figure 'socks64_sessions_total{result="ok"}')" 3
	metrics
	assert_equal "the other" \
	    "$(figure 'socks64_sessions_total{result="ok"}')" 4
	run inside grep -vE '^(# (HELP|TYPE) )?socks64_[a-z_]+' /run/socks64.prom
	assert_equal "other lines" "$output" ""
	for name in $(sed -n 's/^| \(socks64_[a-z_]*\) |.*/\1/p' \
	    "$ROOT/doc/operations.md"); do
		inside grep -q "^# TYPE $name " /run/socks64.prom ||
		    fail "no $name"
	done
}
