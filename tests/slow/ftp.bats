#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Real FTP servers and clients, across families and in the same one.

load ../lib/gateway
load ../lib/ftp

FTP_BIG_MIB=100

prepare_file() {
	ftp_packages || {
		export FTP_MISSING='the FTP packages cannot be fetched'
		return 0
	}
	chmod 755 "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	ftp_files "$BATS_FILE_TMPDIR/ftp"
	ftp_accounts s4 "$BATS_FILE_TMPDIR/ftp"
	ftp_accounts s6 "$BATS_FILE_TMPDIR/ftp"
	mkdir -m 700 "$BATS_FILE_TMPDIR/state"
	chown nobody "$BATS_FILE_TMPDIR/state"
	start_gateway
}

# start_gateway [LINE]...: the control ports alone are opened.
start_gateway() {
	gateway_start activate "$NET_ALLOW port 21" 'user nobody' \
	    "state-dir $BATS_FILE_TMPDIR/state" "$@"
}

stop_and_start() {
	gateway_stop
	start_gateway "$@"
}

setup() {
	net_needed
	[[ -z ${FTP_MISSING-} ]] || skip "$FTP_MISSING"
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[[ -z ${NET-} ]] || { ftp_stop s4; ftp_stop s6; }
}

# curl_ftp ROLE HOST PATH [OPTION]...: by the gateway; SOCKS is another option
# for it
curl_ftp() {
	local role=$1 gateway=$GW4 url=ftp://anonymous:a@$2/$3
	[[ $role == c4 ]] || gateway=[$GW6]
	shift 3
	in_ns "$role" curl -sS -m 150 "${SOCKS:---socks5-hostname}" \
	    "$gateway:1080" "$@" \
	    "$url"
}

# same FILE NAME: the file is what the server has under that name.
same() {
	assert_equal "$2" "$(sha256sum <"$1" | cut -c 1-64)" \
	    "$(awk -v name="$2" '$2 == name { print $1 }' \
	        "$BATS_FILE_TMPDIR/sums")"
}

# exchange ROLE HOST [OPTION]...: LIST, RETR of FILES, STOR by curl
FILES='empty one 64k big'
exchange() {
	local role=$1 host=$2 file
	shift 2
	curl_ftp "$role" "$host" pub/ "$@" >list
	grep -q 64k list || fail "no 64k in the list: $(cat list)"
	for file in $FILES; do
		curl_ftp "$role" "$host" "pub/$file" "$@" >"got"
		same got "$file"
	done
	head -c 300000 /dev/urandom >sent
	curl_ftp "$role" "$host" "in/sent-$role" "$@" -T sent
	cmp sent "$BATS_FILE_TMPDIR/ftp/in/sent-$role"
	rm -f "$BATS_FILE_TMPDIR/ftp/in/sent-$role"
}

# across SERVER: c4 to s6, c6 to s4, c4 to s4, c6 to s6; then the two between
# families in all other ways.
across() {
	local -a way ways=('--disable-epsv' '-P -' '-P - --disable-eprt')
	ftp_start "$1" s4
	ftp_start "$1" s6
	exchange c4 v6.example.com
	exchange c6 v4.example.com
	exchange c4 v4.example.com
	exchange c6 v6.example.com
	FILES='empty 64k'
	# shellcheck disable=SC2086 # words
	for way in "${ways[@]}"; do
		exchange c4 v6.example.com $way
		# PORT names no IPv6 client.
		[[ $way == *eprt ]] || exchange c6 v4.example.com $way
	done
}

@test "vsftpd and curl" {
	across vsftpd
}

@test "pure-ftpd and curl" {
	across pure-ftpd
}

@test "proftpd and curl" {
	across proftpd
}

@test "inetutils-ftpd and curl" {
	across inetutils-ftpd
}

@test "pyftpdlib and curl" {
	across pyftpdlib
}

# Behind a gateway with an IPv6 address curl looks for an IPv4 one of it, for
# the data connections of SOCKS4 alone.
@test "vsftpd, and curl and tnftp by SOCKS4A" {
	local -x SOCKS=--socks4a FILES='empty 64k'
	ftp_start vsftpd s4
	ftp_start vsftpd s6
	stop_and_start 'socks4 on'
	exchange c4 v6.example.com
	exchange c4 v6.example.com --disable-epsv
	exchange c4 v6.example.com -P -
	exchange c4 v4.example.com
	exchange c6 v4.example.com -P -
	PROTOCOL=socks4 wrapped proxychains c6 tnftp -a -V -o passive \
	    ftp://v4.example.com/pub/64k
	same passive 64k
	wait_for_log 'auth=socks4 .*alg='
	! grep -q auth=none "$GATEWAY_LOG" || fail "$(<"$GATEWAY_LOG")"
	stop_and_start
}

@test "curl without EPSV, and active, with much" {
	FILES='big'
	ftp_start vsftpd s4
	ftp_start vsftpd s6
	exchange c4 v6.example.com --disable-epsv
	exchange c4 v6.example.com -P -
	exchange c6 v4.example.com -P -
}

@test "servers without EPSV, EPRT or PASV, PORT" {
	ftp_old_start s6 EPSV EPRT
	ftp_old_start s4 PASV PORT
	exchange c4 v6.example.com --disable-epsv
	exchange c4 v6.example.com -P - --disable-eprt
	exchange c6 v4.example.com
	exchange c6 v4.example.com -P -
	local translated
	for translated in 'PASV>LPSV' 'PORT>LPRT' 'EPSV>EPSV' 'EPRT>EPRT'; do
		wait_for_log "alg=[^ ]*$translated"
	done
}

# by_python CHECK: across the families
by_python() {
	run in_ns c4 "$PEERS/ftp-client.py" "$GW4:1080" v6.example.com "$1"
	[[ $status -eq 0 ]] || fail "$1 by IPv4: $output" || return 1
	run in_ns c6 "$PEERS/ftp-client.py" "[$GW6]:1080" v4.example.com "$1"
	[[ $status -eq 0 ]] || fail "$1 by IPv6: $output"
}

@test "ftplib over PySocks: NLST, MLSD, REST, APPE; ABOR; ten at once" {
	local server
	for server in $FTP_SERVERS; do
		ftp_start "$server" s4
		ftp_start "$server" s6
		by_python reading
		# This one lets nobody without a name append, and now and
		# then throws away what comes behind an ABOR, or that too.
		if [[ $server != pure-ftpd ]]; then
			by_python writing
			by_python abort
		fi
		by_python many
		ftp_stop s4
		ftp_stop s6
	done
}

# wrapped WRAPPER ROLE COMMAND...: by socksify or proxychains
wrapped() {
	local wrapper=$1 role=$2 gateway=$GW4
	[[ $role == c4 ]] || gateway=$GW6
	shift 2
	case $wrapper in
	socksify)
		cat >socks.conf <<-END
			resolveprotocol: fake
			route {
				from: 0.0.0.0/0 to: 0.0.0.0/0
				via: $gateway port = 1080
				protocol: tcp
				proxyprotocol: ${PROTOCOL:-socks_v5}
				method: none
			}
		END
		# It looks names up first by itself: let it find none.
		in_ns "$role" unshare -m sh -c "
			mount --bind /dev/null /etc/hosts
			mount --bind /dev/null /etc/resolv.conf
			SOCKS_CONF=$PWD/socks.conf exec socksify \"\$@\"" sh "$@"
		;;
	proxychains)
		printf '%s\n' strict_chain proxy_dns 'remote_dns_subnet 224' \
		    '[ProxyList]' "${PROTOCOL:-socks5} $gateway 1080" >chains
		in_ns "$role" proxychains4 -q -f chains "$@"
		;;
	esac
}

@test "lftp, tnftp, inetutils-ftp and wget from IPv4 to an IPv6 server" {
	local lftp=$PACKAGES/lftp/usr/bin/lftp
	local inetutils=$PACKAGES/inetutils-ftp/usr/bin/inetutils-ftp
	ftp_start vsftpd s6
	wrapped proxychains c4 "$lftp" -c 'set net:timeout 20; set net:max-retries 2;
	    open ftp://v6.example.com; get pub/64k; get pub/one'
	same 64k 64k
	rm -f 64k one
	wrapped proxychains c4 tnftp -a -V ftp://v6.example.com/pub/64k
	same 64k 64k
	rm -f 64k
	wrapped proxychains c4 wget -q ftp://v6.example.com/pub/64k
	same 64k 64k
	rm -f 64k
	# It compares the address in a 227 with the one that it was told to
	# connect to, which no client behind SOCKS has; EPSV has none.
	printf '%s\n' 'user anonymous a' binary epsv4 passive \
	    'get pub/64k 64k' 'get pub/one one' quit |
	    wrapped proxychains c4 "$inetutils" -n v6.example.com
	same 64k 64k
	same one one
}

# What proxychains tells a client of its addresses is half a lie: the names it
# resolves are IPv4, the peer of its connections is the gateway, by IPv6.
# lftp has to be told not to bind, and curl and wget ask for the data
# connection at the gateway's address.
@test "the same and curl from IPv6 to an IPv4 server, under proxychains" {
	local lftp=$PACKAGES/lftp/usr/bin/lftp
	local inetutils=$PACKAGES/inetutils-ftp/usr/bin/inetutils-ftp
	local url=ftp://v4.example.com/pub/64k option
	ftp_start vsftpd s4
	wrapped proxychains c6 "$lftp" -c 'set net:timeout 20;
	    set net:max-retries 2; set ftp:bind-data-socket no;
	    open ftp://v4.example.com; get pub/64k; get pub/one'
	same 64k 64k
	same one one
	rm -f 64k one
	wrapped proxychains c6 tnftp -a -V "$url"
	same 64k 64k
	rm -f 64k
	wrapped proxychains c6 wget -q "$url"
	same 64k 64k
	rm -f 64k
	printf '%s\n' 'user anonymous a' binary passive \
	    'get pub/64k 64k' 'get pub/one one' quit |
	    wrapped proxychains c6 "$inetutils" -n v4.example.com
	same 64k 64k
	same one one
	for option in --epsv --disable-epsv; do
		rm -f 64k
		wrapped proxychains c6 curl -sS -m 20 -o 64k "$option" "$url"
		same 64k 64k
	done
}

# What a program does that connects to the very address in a 227.
@test "aria2, Ruby, Perl and Tcl under proxychains, from IPv4 to IPv6" {
	local program tcl=$PACKAGES/tcllib
	for program in aria2c ruby tclsh; do
		type -P "$program" >/dev/null || skip "no $program"
	done
	ftp_start vsftpd s6
	wrapped proxychains c4 aria2c -q -t 20 -m 1 --async-dns=false \
	    -o 64k ftp://v6.example.com/pub/64k
	same 64k 64k
	rm -f 64k
	wrapped proxychains c4 ruby -rnet/ftp -e '
	    ftp = Net::FTP.new("v6.example.com", passive: true)
	    ftp.login
	    ftp.getbinaryfile("pub/64k", "64k")'
	same 64k 64k
	rm -f 64k
	# shellcheck disable=SC2016 # Perl's
	wrapped proxychains c4 perl -MNet::FTP -e '
	    $ftp = Net::FTP->new("v6.example.com", Timeout => 20,
		Passive => 1) or die;
	    $ftp->login("anonymous", "a") && $ftp->binary &&
		$ftp->get("pub/64k", "64k") or die $ftp->message'
	same 64k 64k
	rm -f 64k
	"$TESTS/unpack-package" tcllib "$tcl"
	cat >get.tcl <<-END
		lappend auto_path [lindex [glob $tcl/usr/share/tcltk/tcllib*] 0]
		package require ftp
		set s [ftp::Open v6.example.com anonymous a -timeout 20]
		ftp::Type \$s binary
		exit [expr {![ftp::Get \$s pub/64k 64k]}]
	END
	wrapped proxychains c4 tclsh get.tcl
	same 64k 64k
}

# PASV is refused at once, and these go on to PORT.
@test "lftp and tnftp without a table, from IPv4 to an IPv6 server" {
	local lftp=$PACKAGES/lftp/usr/bin/lftp
	ftp_start vsftpd s6
	gateway_stop
	gateway_start activate "$NET_ALLOW port 21" 'user nobody' \
	    "state-dir $BATS_FILE_TMPDIR/none"
	wrapped proxychains c4 "$lftp" -c 'set net:timeout 20; set net:max-retries 3;
	    set net:reconnect-interval-base 1;
	    open ftp://v6.example.com; get pub/64k'
	same 64k 64k
	rm -f 64k
	wrapped proxychains c4 tnftp -a -V ftp://v6.example.com/pub/64k
	same 64k 64k
	wait_for_log 'reason="[^"]*want of an alias'
	stop_and_start
}

# get_by CLIENT: pub/64k in passive mode, and what it says of it.
get_by() {
	local url=ftp://v6.example.com/pub/64k
	case $1 in
	curl) curl_ftp c4 v6.example.com pub/64k -v --disable-epsv -o 64k ;;
	curl-epsv) curl_ftp c4 v6.example.com pub/64k -v -o 64k ;;
	wget) wrapped proxychains c4 wget -S -t 1 -T 100 "$url" ;;
	aria2) wrapped proxychains c4 aria2c -t 100 -m 1 --async-dns=false \
	    -o 64k "$url" ;;
	perl)
		# shellcheck disable=SC2016 # Perl's
		wrapped proxychains c4 perl -MNet::FTP -e '
		    $ftp = Net::FTP->new("v6.example.com", Timeout => 100,
			Passive => 1) or die;
		    $ftp->login("anonymous", "a") && $ftp->binary &&
			$ftp->get("pub/64k", "64k") or die $ftp->code, $ftp->message' ;;
	ftplib)
		wrapped proxychains c4 "$PYTHON" -c "if True:
			import ftplib
			ftplib.FTP.af = 2
			client = ftplib.FTP('v6.example.com', timeout=100)
			client.login()
			client.retrbinary('RETR pub/64k', open('64k', 'wb').write)" ;;
	esac
}

@test "without a table a client gets its file, or a refusal with a sentence at once" {
	local client got=
	type -P aria2c >/dev/null || skip "no aria2c"
	ftp_start vsftpd s6
	gateway_stop
	gateway_start activate "$NET_ALLOW" 'user nobody' \
	    "state-dir $BATS_FILE_TMPDIR/none"
	for client in curl curl-epsv wget aria2 perl ftplib; do
		rm -f 64k
		get_by $client >said 2>&1 || :
		if [[ -s 64k ]]; then
			same 64k 64k
			got+=" $client"
		else
			# Not a time-out.
			grep -q 502 said || fail "$client:" "$(<said)"
		fi
	done
	assert_match "with their file" "$got " ' curl-epsv '
	stop_and_start
}

@test "curl and ftplib under proxychains, from IPv4 to an IPv6 server" {
	ftp_start vsftpd s6
	wrapped proxychains c4 curl -sS -m 20 -o 64k \
	    ftp://v6.example.com/pub/64k
	same 64k 64k
	wrapped proxychains c4 "$PYTHON" -c "if True:
		import ftplib
		client = ftplib.FTP('v6.example.com', timeout=20)
		client.login()
		for _ in range(2):
			with open('64k', 'wb') as file:
				client.retrbinary('RETR pub/64k', file.write)
		client.quit()"
	same 64k 64k
}

# lftp looks names up in another process, where Dante's fake ones are lost.
@test "tnftp, inetutils-ftp and wget under socksify, from IPv4 to IPv6" {
	local inetutils=$PACKAGES/inetutils-ftp/usr/bin/inetutils-ftp
	ftp_start pure-ftpd s6
	printf '%s\n' 'user anonymous a' binary epsv4 passive \
	    'get pub/64k 64k' 'get pub/one one' quit |
	    wrapped socksify c4 "$inetutils" -n v6.example.com
	same 64k 64k
	same one one
	rm -f 64k
	wrapped socksify c4 tnftp -a -V ftp://v6.example.com/pub/64k
	same 64k 64k
	rm -f 64k
	wrapped socksify c4 wget -q ftp://v6.example.com/pub/64k
	same 64k 64k
	rm -f 64k
}

# For a name that it did not resolve, Dante asks for a BIND of an address that
# is the first four letters of it: across families only scripted clients can
# do this (tests/ftp.bats).
@test "tnftp under socksify, active by BIND" {
	ftp_start pure-ftpd s4
	: >"$GATEWAY_LOG"
	wrapped socksify c4 tnftp -a -A -V "ftp://$S4/pub/64k"
	same 64k 64k
	wait_for_log 'cmd=BIND'
}

@test "tnftp under socksify, active by BIND of SOCKS4" {
	ftp_start pure-ftpd s4
	stop_and_start 'socks4 on'
	PROTOCOL=socks_v4 wrapped socksify c4 tnftp -a -A -V "ftp://$S4/pub/64k"
	same 64k 64k
	wait_for_log 'auth=socks4 cmd=BIND'
	stop_and_start
}

# The last one: nobody sees what is announced, so the rules allow the ports.
@test "FTP over TLS with EPSV, in a family and across" {
	local pair
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test \
	    -keyout key -out certificate 2>/dev/null
	FTP_MORE="ssl_enable=YES
allow_anon_ssl=YES
require_ssl_reuse=NO
rsa_cert_file=$PWD/certificate
rsa_private_key_file=$PWD/key"
	ftp_start vsftpd s4
	ftp_start vsftpd s6
	gateway_stop
	gateway_start activate "$NET_ALLOW" 'user nobody' \
	    "state-dir $BATS_FILE_TMPDIR/state"
	for pair in 'c4 v4' 'c6 v6' 'c4 v6' 'c6 v4'; do
		curl_ftp "${pair% *}" "${pair#* }.example.com" pub/64k \
		    -k --ssl-reqd -o got
		same got 64k
	done
}

# delayed MILLISECONDS: the link of c4 takes so long, each way.
delayed() {
	ip -n "$NET-gw" link delete c4
	start delay "$PEERS/delay.py" "$1" "$NET-gw" c4 "$NET-c4" gw
	wait_for_line "$BATS_FILE_TMPDIR/delay.out" '^ready$'
	net_addresses c4 $GW4 $C4
}

undelayed() {
	stop delay
	wait_until lacks_link c4
	net_link c4 $GW4 $C4
}

lacks_link() {
	! ip -n "$NET-gw" link show "$1" >/dev/null 2>&1
}

# The server is near, the client is far: the end of a transfer would overtake
# the connection to the client.
@test "curl, active, where the client is far away" {
	local i delay
	[[ -c /dev/net/tun ]] || skip 'no /dev/net/tun'
	ftp_start vsftpd s6
	for delay in 40 150; do
		delayed "$delay"
		for i in 1 2 3 4 5; do
			curl_ftp c4 v6.example.com pub/64k -P - -o got
			same got 64k
			curl_ftp c4 v6.example.com pub/empty -P - -o got
			same got empty
			curl_ftp c4 v6.example.com pub/ -P - -o list
			grep -q 64k list
		done
		undelayed
	done
}

# It answers ABOR of an active transfer once, where two replies are due.
@test "pure-ftpd, and ABOR of active transfers" {
	ftp_start pure-ftpd s6
	run in_ns c4 "$PEERS/ftp-client.py" "$GW4:1080" v6.example.com \
	    abort-active
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a server has 30 seconds for the first word of its greeting" {
	run "$CASES/ftp-data.py" "$HANDLER" greeting
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a hundred sessions of one client at once have their data" {
	run "$CASES/ftp-data.py" "$HANDLER" crowd
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a server that forgets an answer holds its client for half a minute" {
	run "$CASES/ftp-data.py" "$HANDLER" unanswered
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a client that takes no data hears of the end after ten seconds" {
	run "$CASES/ftp-data.py" "$HANDLER" undelivered
	[[ $status -eq 0 ]] || fail "$output"
}

@test "a client that takes its data slowly hears of the end behind it" {
	run "$CASES/ftp-data.py" "$HANDLER" dripping
	[[ $status -eq 0 ]] || fail "$output"
}
