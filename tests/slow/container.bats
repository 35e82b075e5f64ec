#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# units/examples/Containerfile: the root that it describes, entered as a
# container is, with chroot and namespaces; and by podman, where that is.

load ../lib/common

FILE=$ROOT/units/examples/Containerfile

setup() {
	need networks mounts
	IMAGE=$BATS_TEST_TMPDIR/image
	mkdir "$IMAGE"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$IMAGE"
	cp "$HANDLER_STATIC" "$FILE" "$IMAGE"
	echo 'allow at loopback' >"$IMAGE/socks64.conf"
}

# What podman makes although it is told other places.
PODMAN_PLACES='/var/lib/containers /run/runc /run/libpod /dev/shm/libpod_lock'

setup_file() {
	local place
	export NEW_PLACES=
	for place in $PODMAN_PLACES; do
		[[ -e $place ]] || NEW_PLACES+=" $place"
	done
}

teardown_file() {
	stop_all
	# shellcheck disable=SC2086 # words
	rm -rf $NEW_PLACES
}

teardown() {
	[[ ! -d $BATS_TEST_TMPDIR/storage ]] || pod rm -f -t 1 test
	stop container
	stop pod
	stop server
}

# of_file WORD: what stands behind that word of the Containerfile.
of_file() {
	sed -n "s/^$1 //p" "$FILE"
}

# make_root DIRECTORY: as a builder does it from the lines COPY.
make_root() {
	local from to
	mkdir "$1"
	while read -r from to; do
		mkdir -p "$1$to"
		cp "$IMAGE/$from" "$1$to"
	done < <(of_file COPY)
	mkdir "$1/proc" "$1/run"
}

# serves LOG: a session, its record in LOG, who PID 1 is, and its end; in the
# network of the container.
serves() {
	wait_for_line "$1" 'listening on .*:1080'
	run -0 "${IN_NETWORK[@]}" "$PEERS/socks.py" 127.0.0.1:1080 ::1 7000 \
	    exchange 100000
	assert_match client "$output" rep=00
	run -0 "${IN_NETWORK[@]}" "$ROOT/socks64" -s 127.0.0.1:1080 --check
	assert_match health "$output" '^gateway +127.0.0.1:1080, connected'
	wait_for_line "$1" \
	    '^socks64\[[0-9]+\]: ok client=127.0.0.1:[0-9]+ .*dest=\[::1\]:7000'
	# FTP's table, where the file system for it is there.
	run ! grep -E 'warning|error' "$1"
}

# words KEYWORD: of the JSON behind it, each on a line.
words() {
	sed -n "s/^$1 [^[]*\[/[/p" "$FILE" | "$PYTHON" -c '
import json, sys
print(*json.load(sys.stdin), sep="\n")'
}

# health COMMAND...: runs what HEALTHCHECK says by that, in the container; and
# the same of a port where nobody listens.
health() {
	local -a check
	mapfile -t check < <(words HEALTHCHECK)
	run -0 "$@" "${check[@]}"
	assert_match health "$output" '^127.0.0.1:1080'
	run -1 "$@" "${check[@]/%:1080/:1081}"
}

# A network with a server in it; what is to run there begins with IN_NETWORK.
network() {
	start server unshare --net sh -c 'ip link set lo up
	    exec "$@"' sh "$PEERS/server.py" ::1 ask=7000
	wait_for_line "$BATS_FILE_TMPDIR/server.out" '^ready$'
	IN_NETWORK=(nsenter --net="/proc/$(pid_of server)/ns/net")
}

@test "the root of the Containerfile serves, as PID 1, without root and without writing" {
	local root=$BATS_TEST_TMPDIR/root entry inside
	make_root "$root"
	run -0 find "$root" -type f
	assert_equal "files" "${#lines[@]}" 2
	mapfile -t entry < <(words ENTRYPOINT)
	network
	# shellcheck disable=SC2016 # for the inner shell
	start container "${IN_NETWORK[@]}" unshare --mount --pid --fork \
	    --kill-child=TERM --propagation private sh -euc '
		root=$1 user=$2
		shift 2
		mount --bind "$root" "$root"
		mount -o remount,bind,ro "$root"
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=755 run "$root/run"
		mkdir -m 700 "$root/run/socks64"
		chown "$user" "$root/run/socks64"
		exec chroot --userspec="$user" "$root" "$@"' \
	    sh "$root" "$(of_file USER)" "${entry[@]}"
	serves "$BATS_FILE_TMPDIR/container.err"
	run -0 pgrep -P "$(pid_of container)"
	assert_equal "its uid" "$(stat -c %u "/proc/$output")" 65534
	assert_match "its pid inside" \
	    "$(grep NSpid "/proc/$output/status")" '	1$'
	inside=$output
	health nsenter --target "$inside" --mount --net --pid \
	    chroot --userspec=65534:65534 "$root"
	kill -TERM "$inside"
	wait_for_line "$BATS_FILE_TMPDIR/container.err" ': ended$'
}

# Of a user's own, so that nothing of the machine's is touched.
pod() {
	# There is no systemd here to time the health check.
	DISABLE_HC_SYSTEMD=true podman --root "$BATS_TEST_TMPDIR/storage" \
	    --runroot "$BATS_TEST_TMPDIR/running" \
	    --tmpdir "$BATS_TEST_TMPDIR/libpod" --storage-driver vfs \
	    --runtime runc --cgroup-manager cgroupfs --events-backend none "$@"
}

# The same in the network of the container, which is the test's own.
pod_there() {
	"${IN_NETWORK[@]}" env BATS_TEST_TMPDIR="$BATS_TEST_TMPDIR" bash -c \
	    "$(declare -f pod)"$'\n''pod "$@"' pod "$@"
}

# As the file says it, but for the network, which is the test's.
pod_run() {
	pod run --network host --ulimit nofile=1024:1024 \
	    --ulimit nproc=32768:32768 --read-only --cap-drop all \
	    --security-opt no-new-privileges --mount \
	    type=tmpfs,destination=/run/socks64,tmpfs-mode=0700,U=true "$@"
}

@test "podman builds it, and runs it" {
	if ! command -v podman || ! command -v runc; then
		skip "no podman and runc here"
	fi
	pod build -q --format docker -t socks64 "$IMAGE" ||
	    fail "podman build"
	network
	start pod "${IN_NETWORK[@]}" bash -c "
	    $(declare -f pod pod_run); BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR
	    pod_run --rm --name test socks64"
	# podman passes both streams on.
	serves "$BATS_FILE_TMPDIR/pod.err"
	run pod_there healthcheck run test
	assert_equal "healthcheck: $output" "$status" 0
	health pod_there exec test
	run -0 pod stop -t 10 test
	wait_for_line "$BATS_FILE_TMPDIR/pod.err" ': ended$'
	wait_until is_gone "$(pid_of pod)"
}
