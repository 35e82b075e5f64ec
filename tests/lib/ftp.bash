# SPDX-License-Identifier: ISC
# Real FTP servers, unpacked and not installed, in the servers' namespaces of
# lib/net: anonymous, with a directory to read and write.
#
# shellcheck shell=bash

FTP_SERVERS='vsftpd pure-ftpd proftpd inetutils-ftpd pyftpdlib'
FTP_CLIENTS='lftp inetutils-ftp'
PACKAGES=$ROOT/build/packages

# ftp_packages: fetches what is missing below build/packages.
ftp_packages() {
	local package
	for package in vsftpd pure-ftpd proftpd-core inetutils-ftpd \
	    python3-pyftpdlib $FTP_CLIENTS libhiredis0.14 libmemcachedutil2 \
	    libmemcached11 libpcre2-posix3 libhashkit2; do
		"$TESTS/unpack-package" "$package" "$PACKAGES/$package" ||
		    return 1
	done
}

# ftp_files DIRECTORY: what the servers have; the checksums beside it.
ftp_files() {
	mkdir -p "$1/pub" "$1/in"
	: >"$1/pub/empty"
	printf x >"$1/pub/one"
	head -c 65536 /dev/urandom >"$1/pub/64k"
	head -c $((FTP_BIG_MIB * 1048576)) /dev/urandom >"$1/pub/big"
	(cd "$1/pub" && sha256sum -- * >"$BATS_FILE_TMPDIR/sums")
	chown -R ftp-test "$1/in" 2>/dev/null || chown -R 65533 "$1/in"
	chmod 755 "$1" "$1/pub"
}

# ftp_accounts ROLE DIRECTORY: the user ftp, in that namespace alone.
ftp_accounts() {
	local etc=/etc/netns/$NET-$1
	{
		grep -v '^ftp:' /etc/passwd
		echo "ftp:x:65533:65534::$2:/bin/sh"
	} >"$etc/passwd"
	printf '%s\n' /bin/sh >"$etc/shells"
}

# ftp_program SERVER ADDRESS DIRECTORY: the command line, a word a line.
ftp_program() {
	local conf=$BATS_FILE_TMPDIR/$1.conf
	local v6=NO v4=YES
	[[ $2 != *:* ]] || v6=YES v4=NO
	case $1 in
	vsftpd)
		cat >"$conf" <<-END
			listen=$v4
			listen_ipv6=$v6
			background=NO
			anonymous_enable=YES
			local_enable=NO
			write_enable=YES
			anon_upload_enable=YES
			anon_mkdir_write_enable=YES
			anon_other_write_enable=YES
			no_anon_password=YES
			anon_umask=022
			anon_world_readable_only=NO
			anon_root=$3
			ftp_username=ftp
			nopriv_user=nobody
			secure_chroot_dir=$3/pub
			seccomp_sandbox=NO
			allow_writeable_chroot=YES
			${FTP_MORE-}
		END
		chmod 600 "$conf"
		echo "$PACKAGES/vsftpd/usr/sbin/vsftpd"
		echo "$conf"
		;;
	pure-ftpd)
		printf '%s\n' "$PACKAGES/pure-ftpd/usr/sbin/pure-ftpd" -e -H \
		    -S "$2,21" -u 0 -U 022:022
		;;
	proftpd)
		cat >"$conf" <<-END
			ServerName test
			ServerType standalone
			DefaultAddress $2
			UseIPv6 on
			Port 21
			User ftp
			Group nogroup
			PidFile $BATS_FILE_TMPDIR/proftpd.pidfile
			ScoreboardFile $BATS_FILE_TMPDIR/proftpd.score
			ModulePath $PACKAGES/proftpd-core/usr/lib/proftpd
			WtmpLog off
			TransferLog none
			AuthOrder mod_auth_file.c mod_auth_unix.c
			RequireValidShell off
			<Anonymous $3>
			User ftp
			UserAlias anonymous ftp
			RequireValidShell off
			AllowStoreRestart on
			AllowOverwrite on
			AllowRetrieveRestart on
			</Anonymous>
		END
		printf '%s\n' env \
		    "LD_LIBRARY_PATH=$(printf '%s:' "$PACKAGES"/lib*/usr/lib/*-linux-gnu)" \
		    "$PACKAGES/proftpd-core/usr/sbin/proftpd" -n -q -c "$conf"
		;;
	inetutils-ftpd)
		local listen=TCP4-LISTEN
		[[ $2 != *:* ]] || listen=TCP6-LISTEN
		printf '%s\n' socat "$listen:21,fork,reuseaddr" \
		    "EXEC:$PACKAGES/inetutils-ftpd/usr/sbin/ftpd -l,nofork"
		;;
	pyftpdlib)
		printf '%s\n' env "PYTHONPATH=$PACKAGES/python3-pyftpdlib/usr/lib/python3/dist-packages" \
		    $PYTHON -m pyftpdlib -i "$2" -p 21 -w -d "$3"
		;;
	esac
}

# ftp_start SERVER ROLE
ftp_start() {
	local -a words
	mapfile -t words < <(ftp_program "$1" "$(net_server "$2")" \
	    "$BATS_FILE_TMPDIR/ftp")
	start "ftp-$2" ip netns exec "$NET-$2" "${words[@]}"
	wait_until net_listens "$2" 21 ||
	    fail "$1 does not listen" "$(cat "$BATS_FILE_TMPDIR/ftp-$2.err" \
	        "$BATS_FILE_TMPDIR/ftp-$2.out")"
}

ftp_stop() {
	local pid
	stop "ftp-$1"
	for pid in $(ip netns pids "$NET-$1"); do
		case $(cat "/proc/$pid/comm" 2>/dev/null) in
		vsftpd | pure-ftpd* | proftpd | socat | ftpd)
			kill -KILL "$pid" 2>/dev/null || :
			;;
		esac
	done
	wait_until ftp_is_free "$1"
}

ftp_is_free() {
	! net_listens "$1" 21
}

# ftp_old_start ROLE WITHOUT...: pyftpdlib that does not know those commands.
ftp_old_start() {
	local role=$1 address
	address=$(net_server "$role")
	shift
	start "ftp-$role" ip netns exec "$NET-$role" env \
	    "PYTHONPATH=$PACKAGES/python3-pyftpdlib/usr/lib/python3/dist-packages" \
	    "$PEERS/old-ftpd.py" "$address" "$BATS_FILE_TMPDIR/ftp" "$@"
	wait_until net_listens "$role" 21 ||
	    fail "it does not listen" "$(cat "$BATS_FILE_TMPDIR/ftp-$role.err")"
}
