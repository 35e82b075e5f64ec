# SPDX-License-Identifier: ISC
# A real sshd in a namespace of lib/net, which lets root in by the key of this
# file of tests.  The accounts are the namespace's: the machine's stay.
#
# shellcheck shell=bash

# sshd_accounts ROLE: root and sshd, beside whom the namespace has already.
sshd_accounts() {
	local etc=/etc/netns/$NET-$1
	[[ -e $etc/passwd ]] || echo 'root:*:0:0::/:/bin/sh' >"$etc/passwd"
	grep -q '^sshd:' "$etc/passwd" ||
	    echo 'sshd:*:61022:65534::/run/sshd:/usr/sbin/nologin' \
	        >>"$etc/passwd"
	echo 'root:*:19000:0:99999:7:::' >"$etc/shadow"
}

# sshd_start ROLE ADDRESS: on port 22; the key is $BATS_FILE_TMPDIR/sshd/key.
sshd_start() {
	local role=$1 listen=$2:22 sshd=/usr/sbin/sshd
	local home=$BATS_FILE_TMPDIR/sshd
	[[ $2 != *:*:* ]] || listen=[$2]:22
	if [[ ! -x $sshd ]]; then
		"$TESTS/unpack-package" openssh-server \
		    "$ROOT/build/openssh-server"
		sshd=$ROOT/build/openssh-server/usr/sbin/sshd
	fi
	mkdir -p "$home"
	[[ -e $home/key ]] || ssh-keygen -q -t ed25519 -N '' -f "$home/key"
	[[ -e $home/host ]] || ssh-keygen -q -t ed25519 -N '' -f "$home/host"
	sshd_accounts "$role"
	cat >"$home/config.$role" <<-END
		ListenAddress $listen
		HostKey $home/host
		AuthorizedKeysFile $home/key.pub
		StrictModes no
		UsePAM no
		PidFile none
		MaxStartups 1000
		PermitRootLogin prohibit-password
		PasswordAuthentication no
	END
	# shellcheck disable=SC2016 # for the inner shell
	start "sshd-$role" ip netns exec "$NET-$role" unshare --mount sh -c '
		mount -t tmpfs -o mode=755 tmpfs /run
		mkdir /run/sshd
		exec "$@"' sh "$sshd" -D -e -f "$home/config.$role"
	wait_until net_listens "$role" 22 ||
	    fail "$(cat "$BATS_FILE_TMPDIR/sshd-$role.err")"
}
