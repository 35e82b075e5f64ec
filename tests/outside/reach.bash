# SPDX-License-Identifier: ISC
# How each program of tests/outside/programs is told of the gateway and asked
# for what the server has: reach_NAME, by TCP, udp_NAME and bind_NAME.  Each
# prints the tokens that came, or `seen' where the program keeps them for
# itself.  What they are given is at outside_way (outside.bash).
#
# shellcheck shell=bash

# Programs that would be started, or conflict, are not installed but unpacked,
# with the libraries that they lack.
TREES='amule-daemon bitlbee eiskaltdcpp-daemon exim4-daemon-light haproxy openvpn privoxy proxychains redsocks
    tinc tinyproxy-bin tor tsocks v2ray yggdrasil'

outside_trees() {
	local name
	for name in $TREES; do
		"$TESTS/unpack-package" -d "$name" "$ROOT/build/outside/$name"
	done
}

# of_tree NAME PATH: the words that run it.
of_tree() {
	local tree=$ROOT/build/outside/$1
	: "${MULTIARCH:=$(gcc -print-multiarch)}"
	[[ -e $tree/$2 ]] || tree=
	printf 'env LD_LIBRARY_PATH=%s %s\n' \
	    "$tree/usr/lib/$MULTIARCH:$tree/lib/$MULTIARCH:$tree/usr/lib" \
	    "$tree/$2"
}

# For programs that do not run for root.
NOBODY='setpriv --reuid nobody --regid nogroup --clear-groups'

# request: of HTTP, for programs that only connect.
request() {
	printf 'GET /page HTTP/1.0\r\nHost: %s\r\n\r\n' "$HOST"
}

# in_python TEXT [ARGUMENT]...: with names for what a client is told.
in_python() {
	export GW GPORT AT SCHEME LOGIN HOST PORT URL SERVER WAY GOT
	export WITH_USER WITH_PASSWORD HOME_HERE
	local prelude='
import os, sys, socket
GW, AT, SCHEME, LOGIN, HOST, URL, WAY, SERVER, HOME = (os.environ[n] for n in (
    "GW", "AT", "SCHEME", "LOGIN", "HOST", "URL", "WAY", "SERVER", "HOME_HERE"))
GPORT, PORT = int(os.environ["GPORT"]), int(os.environ["PORT"])
USER = os.environ["WITH_USER"] or None
PASSWORD = os.environ["WITH_PASSWORD"] or None
PROXY = f"{SCHEME}://{LOGIN}{AT}"
REQUEST = f"GET /page HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode()
FAMILY = socket.AF_INET6 if ":" in GW else socket.AF_INET
def show(sock):
    sock.sendall(REQUEST)
    while True:
        octets = sock.recv(65536)
        if not octets:
            break
        sys.stdout.buffer.write(octets)
'
	in_client "$PYTHON" -I -c "$prelude$1" "${@:2}"
}

# Programs of the command line.

reach_curl() { in_client curl -sS --proxy "$SCHEME://$LOGIN$AT" "$URL"; }
reach_curl_socks5() { in_client curl -sS --proxy "socks5://$LOGIN$AT" "$URL"; }

reach_git() {
	in_client git -c http.proxy="$SCHEME://$LOGIN$AT" \
	    clone -q "${URL}repository" "$HOME_HERE/clone" >&2
	cat "$HOME_HERE/clone/page"
}

reach_apt() {
	in_client /usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
	    -o Acquire::Retries=0 \
	    -o Acquire::http::Proxy="$SCHEME://$LOGIN$AT" \
	    download-file "${URL}page" "$HOME_HERE/page" >&2
	cat "$HOME_HERE/page"
}

reach_apt_transport_tor() {
	in_client /usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
	    -o Acquire::Retries=0 \
	    -o Acquire::tor::Proxy="$SCHEME://$LOGIN$AT" \
	    download-file "tor+${URL}page" "$HOME_HERE/page" >&2
	cat "$HOME_HERE/page"
}

reach_nc() {
	local version=5
	[[ $WAY != s4 ]] || version=4
	in_client nc -N -w 20 -X $version -x "$AT" "$HOST" "$PORT" \
	    < <(request)
}

reach_ncat() {
	local -a how=(--proxy-type socks5 --proxy-dns remote)
	[[ $SCHEME != socks4* ]] || how=(--proxy-type socks4)
	[[ $WAY != 4a ]] || how+=(--proxy-dns remote)
	[[ -z $LOGIN ]] || how+=(--proxy-auth "${LOGIN%@}")
	in_client ncat --no-shutdown --proxy "$AT" "${how[@]}" "$HOST" \
	    "$PORT" < <(request)
}

reach_connect_proxy() {
	local -a how=(-S "${WITH_USER:+$WITH_USER@}$AT" -R remote)
	[[ $SCHEME != socks4* ]] || how=(-S "$AT" -4 -R remote)
	[[ $WAY != s4 ]] || how=(-S "$AT" -4 -R local)
	in_client env SOCKS5_PASSWORD="$WITH_PASSWORD" connect-proxy \
	    "${how[@]}" "$HOST" "$PORT" < <(request)
}

reach_socat() {
	in_client socat -t 20 - \
	    "${SCHEME^^}:$GW:$HOST:$PORT,socksport=$GPORT" < <(request)
}

reach_plink() {
	local method=2 dns=2
	[[ $SCHEME != socks4* ]] || method=1
	[[ $WAY != s4 ]] || dns=0
	mkdir -p "$HOME_HERE/.putty/sessions"
	printf '%s\n' "ProxyMethod=$method" "ProxyHost=$GW" \
	    "ProxyPort=$GPORT" "ProxyDNS=$dns" "ProxyUsername=$WITH_USER" \
	    "ProxyPassword=$WITH_PASSWORD" 'Protocol=raw' "HostName=$HOST" \
	    "PortNumber=$PORT" >"$HOME_HERE/.putty/sessions/s"
	in_client plink -batch -load s < <(request; sleep 2)
}

reach_links2() {
	in_client links2 -socks-proxy "$AT" -source "${URL}page"
}

reach_lynx() {
	in_client lynx -socks5_proxy="$AT" -source "${URL}page"
}

reach_edbrowse() {
	printf 'proxy = http * %s\n' "$SCHEME://$LOGIN$AT" \
	    >"$HOME_HERE/.ebrc"
	in_client edbrowse "$URL" < <(printf ',p\nqt\n')
}

reach_yt_dlp() {
	in_client yt-dlp -q --proxy "${SCHEME/socks5h/socks5}://$LOGIN$AT" -o - \
	    "${URL}page.mp4"
}

reach_gallery_dl() {
	in_client gallery-dl -q --config-ignore --proxy "$SCHEME://$LOGIN$AT" \
	    -D "$HOME_HERE" -o adjust-extensions=false "${URL}page.jpg" >&2
	cat "$HOME_HERE"/*page*
}

reach_streamlink() {
	in_client streamlink -Q --http-proxy "$SCHEME://$LOGIN$AT" -O \
	    "httpstream://${URL}page" best
}

reach_httpie() {
	in_client http --ignore-stdin --body \
	    --proxy "http:$SCHEME://$LOGIN$AT" "$URL"
}

reach_rclone() {
	in_client env http_proxy="socks5://$LOGIN$AT" rclone --config '' \
	    --retries 1 copyurl --stdout "${URL}page"
}

reach_ffuf() {
	echo page >"$HOME_HERE/words"
	in_client ffuf -s -x "socks5://$LOGIN$AT" -u "${URL}FUZZ" \
	    -w "$HOME_HERE/words" -od "$HOME_HERE/out" >&2
	cat "$HOME_HERE"/out/*
}

reach_gobuster() {
	echo page >"$HOME_HERE/words"
	in_client gobuster dir -q --proxy "socks5://$LOGIN$AT" \
	    -u "$URL" -w "$HOME_HERE/words" | seen '/page .*Status: 200'
}

reach_hydra() {
	in_client env -C "$HOME_HERE" HYDRA_PROXY="${SCHEME/socks5h/socks5}://$LOGIN$AT" \
	    hydra -l user -p word -s "$PORT" "http-get://$HOST/" |
	    seen 'login: user'
}

reach_wfuzz() {
	echo page >"$HOME_HERE/words"
	in_client wfuzz -p "$AT:SOCKS5" -w "$HOME_HERE/words" "${URL}FUZZ" |
	    seen '200 .*"page"'
}

reach_dirb() {
	echo page >"$HOME_HERE/words"
	in_client dirb "$URL" "$HOME_HERE/words" -S -w \
	    -p "$SCHEME://$LOGIN$AT" | seen '(page \(CODE:200|FATAL: .*200)'
}

reach_vlc() {
	local -a user=()
	[[ -z $LOGIN ]] || user=(--socks-user "$WITH_USER"
	    --socks-pwd "$WITH_PASSWORD")
	chown nobody "$HOME_HERE"
	# shellcheck disable=SC2086 # words
	in_client $NOBODY cvlc --socks "$AT" "${user[@]}" --demux dump --demuxdump-file \
	    "$HOME_HERE/page" "$URL" vlc://quit >&2
	cat "$HOME_HERE/page"
}

# Music alone is taken: the server gets a request.
reach_audacious() {
	local type=1
	[[ $SCHEME != socks4* ]] || type=0
	mkdir -p "$HOME_HERE/.config/audacious"
	printf '%s\n' '[audacious]' use_proxy=TRUE "proxy_host=$GW" \
	    "proxy_port=$GPORT" socks_proxy=TRUE "socks_type=$type" \
	    >"$HOME_HERE/.config/audacious/config"
	[[ -z $LOGIN ]] || printf '%s\n' use_proxy_auth=TRUE \
	    "proxy_user=$WITH_USER" "proxy_pass=$WITH_PASSWORD" \
	    >>"$HOME_HERE/.config/audacious/config"
	in_client audacious -H -V -p "${URL}page.mp3" >&2 &
	got_first 474554
	pkill -KILL -P $!
	wait $!
}

reach_msmtp() {
	in_client msmtp --host="$HOST" --port="$PORT" --proxy-host="$GW" \
	    --proxy-port="$GPORT" --from=a@example.com b@example.com \
	    <"$BATS_FILE_TMPDIR/tokens" >&2
	cat "$GOT"
}

reach_mpop() {
	in_client mpop --host="$HOST" --port="$PORT" --proxy-host="$GW" \
	    --proxy-port="$GPORT" --user=a --passwordeval='echo b' \
	    --auth=user --uidls-file="$HOME_HERE/uidls" \
	    --deliver=mbox,"$HOME_HERE/mbox" >&2
	cat "$HOME_HERE/mbox"
}

reach_s_nail() {
	in_client s-nail -n -S v15-compat -S socks-proxy="$AT" \
	    -S mta="smtp://$HOST:$PORT" -S smtp-auth=none -S sendwait \
	    -S from=a@example.com -s tokens b@example.com \
	    <"$BATS_FILE_TMPDIR/tokens" >&2
	cat "$GOT"
}

reach_offlineimap() {
	local kind=SOCKS5
	[[ $WAY != s4 ]] || kind=SOCKS4
	cat >"$HOME_HERE/rc" <<-END
		[general]
		accounts = a
		metadata = $HOME_HERE/metadata
		[Account a]
		localrepository = local
		remoterepository = remote
		proxy = $kind:$GW:$GPORT
		[Repository local]
		type = Maildir
		localfolders = $HOME_HERE/mail
		[Repository remote]
		type = IMAP
		remotehost = $HOST
		remoteport = $PORT
		remoteuser = a
		remotepass = b
		ssl = no
		starttls = no
		auth_mechanisms = LOGIN
		readonly = True
	END
	in_client offlineimap -o -c "$HOME_HERE/rc" >&2
	cat "$HOME_HERE"/mail/*/*/*
}

reach_newsboat() {
	cat >"$HOME_HERE/config" <<-END
		use-proxy yes
		proxy "$AT"
		proxy-type "$SCHEME"
	END
	[[ -z $LOGIN ]] || echo "proxy-auth \"${LOGIN%@}\"" \
	    >>"$HOME_HERE/config"
	echo "${URL}feed.xml" >"$HOME_HERE/urls"
	in_client newsboat -C "$HOME_HERE/config" -u "$HOME_HERE/urls" \
	    -c "$HOME_HERE/cache" -x reload >&2
	"$PYTHON" -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("select content from rss_item"):
    print(row[0])' "$HOME_HERE/cache"
}

reach_gstreamer() {
	local -a user=()
	[[ -z $LOGIN ]] || user=(proxy-id="$WITH_USER"
	    proxy-pw="$WITH_PASSWORD")
	in_client gst-launch-1.0 -q curlhttpsrc location="${URL}page" \
	    proxy="$SCHEME://$AT" "${user[@]}" ! \
	    filesink location="$HOME_HERE/page" >&2
	cat "$HOME_HERE/page"
}

reach_mosquitto() {
	in_client mosquitto_sub --proxy "$SCHEME://$LOGIN$AT" -h "$HOST" \
	    -p "$PORT" -V mqttv311 -t t -C 1
}

# It looks up the user that it was built for.
reach_exim4() {
	local auth='' program
	program=$(of_tree exim4-daemon-light usr/sbin/exim4)
	[[ -z $LOGIN ]] ||
	    auth=" auth=name name=$WITH_USER pass=$WITH_PASSWORD"
	cat >"$HOME_HERE/conf" <<-END
		primary_hostname = a.example.com
		exim_path = ${program##* }
		spool_directory = $HOME_HERE/spool
		log_file_path = $HOME_HERE/spool/%slog
		begin routers
		all:
		  driver = manualroute
		  route_list = * $HOST
		  transport = there
		begin transports
		there:
		  driver = smtp
		  port = $PORT
		  socks_proxy = <; $GW port=$GPORT$auth
	END
	mkdir "$HOME_HERE/spool"
	chmod 777 "$HOME_HERE/spool"
	(
		cat /etc/passwd
		echo Debian-exim:x:65001:65001::/nonexistent:/bin/false
	) >"$HOME_HERE/passwd"
	(
		cat /etc/group
		echo Debian-exim:x:65001:
	) >"$HOME_HERE/group"
	# shellcheck disable=SC2016,SC2086 # for the inner shell; words
	in_client bash -c '
		mount --bind "$HOME/passwd" /etc/passwd
		mount --bind "$HOME/group" /etc/group
		"$@"' bash $program -C "$HOME_HERE/conf" -odf -f a@example.com \
	    b@example.com <"$BATS_FILE_TMPDIR/tokens" >&2
	cat "$HOME_HERE/spool/mainlog" >&2
	cat "$GOT"
}

# Its input is a socket.
reach_bitlbee() {
	local -a program
	printf '%s\n' '[settings]' \
	    "Proxy = ${SCHEME/socks5h/socks5}://$LOGIN$AT" \
	    >"$HOME_HERE/conf"
	read -ra program < <(of_tree bitlbee usr/sbin/bitlbee)
	in_client "${program[@]:0:2}" socat -t 5 - \
	    EXEC:"${program[2]} -I -c $HOME_HERE/conf -d $HOME_HERE" \
	    < <(told_bitlbee) >"$HOME_HERE/answers"
	cat "$HOME_HERE/answers"
}

# What it is told, until the last of the tokens came; it ends with its input.
told_bitlbee() {
	printf '%s\n' 'NICK nick' 'USER nick 0 * :nick'
	printf 'PRIVMSG &bitlbee :account %s\n' \
	    'add jabber a@example.com b' "jabber set server $HOST" \
	    "jabber set port $PORT" 'jabber set tls false' 'jabber on'
	PATIENCE=20 wait_until grep -q "$(tail -n 1 "$BATS_FILE_TMPDIR/tokens")" \
	    "$HOME_HERE/answers"
}

# until_logged COMMAND...: until the files below its directory have all of the
# tokens.  An X server that is let end takes its lock away; nobody reaps it.
until_logged() {
	# shellcheck disable=SC2016 # for the inner shell
	TMPDIR=$HOME_HERE in_client bash -c '
		"${@:3}" &
		until [[ $(find "$1" -type f -exec cat {} + |
		    grep -cE "[0-9a-f]{64}") -ge $2 ]]; do
			sleep 0.2
		done
		kill -TERM -1
		while pgrep -x -r D,R,S Xvfb >/dev/null; do
			sleep 0.1
		done' bash "$HOME_HERE" $SHORT_TOKENS "$@" >&2
}

reach_finch() {
	local type=socks5
	[[ $SCHEME != socks4* ]] || type=socks4
	mkdir "$HOME_HERE/.purple"
	cat >"$HOME_HERE/.purple/accounts.xml" <<-END
		<account version="1.0"><account>
		<protocol>prpl-irc</protocol><name>nick@$HOST</name>
		<settings><setting name="port" type="int">$PORT</setting>
		</settings>
		<settings ui="gnt-purple">
		<setting name="auto-login" type="bool">1</setting></settings>
		<proxy><type>$type</type><host>$GW</host><port>$GPORT</port>
		<username>$WITH_USER</username>
		<password>$WITH_PASSWORD</password></proxy>
		</account></account>
	END
	cat >"$HOME_HERE/.purple/prefs.xml" <<-END
		<pref version="1" name="/"><pref name="purple">
		<pref name="logging">
		<pref name="log_ims" type="bool" value="1"/>
		<pref name="format" type="string" value="txt"/></pref>
		<pref name="proxy">
		<pref name="socks4_remotedns" type="bool" value="$([[ $WAY == 4a ]] && echo 1 || echo 0)"/></pref>
		</pref></pref>
	END
	until_logged env TERM=xterm script -qec 'finch -d' \
	    "$HOME_HERE/typescript"
	cat "$HOME_HERE"/.purple/logs/irc/*/a/*
}

reach_hexchat() {
	local type=3
	[[ $SCHEME != socks4* ]] || type=2
	mkdir -p "$HOME_HERE/.config/hexchat"
	printf '%s\n' "net_proxy_host = $GW" "net_proxy_port = $GPORT" \
	    "net_proxy_type = $type" 'net_proxy_use = 0' \
	    "net_proxy_auth = $([[ -n $LOGIN ]] && echo 1 || echo 0)" \
	    "net_proxy_user = $WITH_USER" "net_proxy_pass = $WITH_PASSWORD" \
	    'irc_logging = 1' 'irc_nick1 = nick' 'gui_slist_skip = 1' \
	    'irc_reconnect_rejoin = 0' \
	    >"$HOME_HERE/.config/hexchat/hexchat.conf"
	chown -R nobody "$HOME_HERE"
	# shellcheck disable=SC2086 # words
	until_logged $NOBODY xvfb-run -a hexchat "irc://$HOST:$PORT/"
	cat "$HOME_HERE"/.config/hexchat/logs/*/a.log
}

reach_sylpheed() {
	local rc=$HOME_HERE/.sylpheed-2.0 type=1 login=0
	[[ $SCHEME != socks4* ]] || type=0
	[[ -z $LOGIN ]] || login=1
	mkdir -p "$rc" "$HOME_HERE/Mail/inbox"
	printf '%s\n' '[Account: 1]' account_name=a is_default=1 name=a \
	    address=a@example.com protocol=0 "receive_server=$HOST" \
	    smtp_server=localhost user_id=a password=b inbox=inbox \
	    set_popport=1 "pop_port=$PORT" ssl_pop=0 receive_at_get_all=1 \
	    use_socks=1 use_socks_for_recv=1 "socks_type=$type" \
	    "proxy_host=$GW" "proxy_port=$GPORT" use_proxy_auth=$login \
	    "proxy_name=$WITH_USER" "proxy_pass=$WITH_PASSWORD" >"$rc/accountrc"
	cat >"$rc/folderlist.xml" <<-END
		<?xml version="1.0"?>
		<folderlist><folder type="mh" name="mailbox" path="Mail">
		<folderitem type="inbox" name="inbox" path="inbox"/>
		</folder></folderlist>
	END
	until_logged xvfb-run -a sylpheed --receive-all
	cat "$HOME_HERE/Mail/inbox/1"
}

reach_s3270() {
	local kind=socks5d
	[[ $WAY != s4 ]] || kind=socks4
	[[ $WAY != 4a ]] || kind=socks4a
	in_client s3270 -utf8 -proxy "$kind:${LOGIN}$AT" < <(
		echo "Connect(a:$HOST:$PORT)"
		echo "Expect($(tail -n 1 "$BATS_FILE_TMPDIR/tokens"),20)"
		echo 'Ascii()'
		echo 'Quit()'
	)
}

reach_weechat() {
	local home=$HOME_HERE/weechat
	in_client bash -c '
		weechat-headless --dir "$1" -r "/proxy add gw socks5 $2" \
		    -r "/proxy set gw ipv6 $6" \
		    -r "/set logger.file.flush_delay 0" \
		    -r "/server add irc $3 -proxy=gw $4 -nicks=nick" \
		    -r "/set irc.server.irc.proxy gw" \
		    -r "/connect irc" &
		until [[ $(cat "$1"/logs/*weechatlog | grep -cE "[0-9a-f]{64}") -ge "$5" ]]; do
			sleep 0.2
		done' bash "$home" "$GW $GPORT $WITH_USER $WITH_PASSWORD" \
	    "$HOST/$PORT" -nossl $SHORT_TOKENS \
	    "$([[ $GW == *:* ]] && echo on || echo off)" >&2
	cat "$home"/logs/*a.weechatlog
}

reach_electrum() {
	in_client electrum daemon -D "$HOME_HERE" -1 -s "$HOST:$PORT:t" \
	    -p "socks5:$GW:$GPORT:$WITH_USER:$WITH_PASSWORD" >&2 &
	got_first 7b22
	pkill -KILL -P $!
	wait $!
}

reach_openconnect() {
	in_client openconnect --proxy "socks5://$LOGIN$AT" \
	    "https://$HOST:$PORT/" >&2 &
	got_first 1603
	pkill -KILL -P $!
	wait $!
}

reach_eiskaltdcpp() {
	local OUTSIDE_LIMIT=20
	cat >"$HOME_HERE/DCPlusPlus.xml" <<-END
		<?xml version="1.0"?><DCPlusPlus><Settings>
		<Nick type="string">nick</Nick>
		<OutgoingConnections type="int">1</OutgoingConnections>
		<SocksServer type="string">$GW</SocksServer>
		<SocksPort type="int">$GPORT</SocksPort>
		<SocksResolve type="int">1</SocksResolve>
		<SocksUser type="string">$WITH_USER</SocksUser>
		<SocksPassword type="string">$WITH_PASSWORD</SocksPassword>
		</Settings></DCPlusPlus>
	END
	cat >"$HOME_HERE/Favorites.xml" <<-END
		<?xml version="1.0"?><Favorites><Hubs>
		<Hub Name="hub" Connect="1" Server="adc://$HOST:$PORT"
		    Nick="nick"/></Hubs></Favorites>
	END
	# shellcheck disable=SC2046 # words
	in_client $(of_tree eiskaltdcpp-daemon usr/bin/eiskaltdcpp-daemon) -v \
	    -c "$HOME_HERE" -p "$HOME_HERE/pid" >&2 &
	got_first 48535550
	pkill -KILL -P $!
	wait $!
}

reach_amule() {
	local type=0 OUTSIDE_LIMIT=20
	[[ $WAY != s4 ]] || type=1
	[[ $WAY != 4a ]] || type=3
	cat >"$HOME_HERE/amule.conf" <<-END
		[eMule]
		Nick=nick
		Autoconnect=1
		ConnectToKad=0
		ConnectToED2K=1
		[Proxy]
		ProxyEnableProxy=1
		ProxyType=$type
		ProxyName=$GW
		ProxyPort=$GPORT
		ProxyEnablePassword=$([[ -n $LOGIN ]] && echo 1 || echo 0)
		ProxyUser=$WITH_USER
		ProxyPassword=$WITH_PASSWORD
		[ExternalConnect]
		AcceptExternalConnections=1
		ECPassword=5ebe2294ecd0e0f08eab7690d2a6ee69
		ECPort=$LOCAL
	END
	echo "$HOST:$PORT,0,there" >"$HOME_HERE/staticservers.dat"
	# shellcheck disable=SC2046 # words
	in_client $(of_tree amule-daemon usr/bin/amuled) -o -c "$HOME_HERE" >&2 &
	got_first e3
	pkill -KILL -P $!
	wait $!
}

reach_xfreerdp() {
	in_client xvfb-run -a xfreerdp "/v:$HOST:$PORT" "/proxy:socks5://$LOGIN$AT" \
	    +auth-only /cert:ignore /u:a /p:b >&2 &
	got_first 0300
	pkill -KILL -P $!
	wait $!
}

reach_npm() {
	in_client npm view tokens description --registry="$URL" \
	    --proxy="$SCHEME://$LOGIN$AT" --fetch-retries=0
}

reach_pip() {
	in_client "$PYTHON" -m pip download -q --no-deps --no-cache-dir \
	    --retries 0 --proxy "$SCHEME://$LOGIN$AT" -d "$HOME_HERE" \
	    --index-url "${URL}simple" --trusted-host "$HOST" tokens >&2
	"$PYTHON" -m zipfile -e "$HOME_HERE"/tokens*.whl "$HOME_HERE/wheel"
	cat "$HOME_HERE"/wheel/tokens.py
}

# Libraries.

reach_requests() {
	in_python 'import requests
print(requests.get(URL, proxies={"http": PROXY}).text)'
}

reach_urllib3() {
	in_python 'from urllib3.contrib.socks import SOCKSProxyManager
manager = SOCKSProxyManager(f"{SCHEME}://{AT}", username=USER,
                            password=PASSWORD)
print(manager.request("GET", URL).data.decode())'
}

reach_httpx() {
	in_python 'import httpx
print(httpx.get(URL, proxies=f"socks5://{LOGIN}{AT}").text)'
}

reach_aiohttp_socks() {
	in_python 'import asyncio, aiohttp
from aiohttp_socks import ProxyConnector
async def main():
    connector = ProxyConnector.from_url(
        f"{SCHEME[:6]}://{LOGIN}{AT}", rdns=SCHEME != "socks4")
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(URL) as page:
            print(await page.text())
asyncio.run(main())'
}

reach_python_socks() {
	in_python 'from python_socks.sync import Proxy
proxy = Proxy.from_url(f"{SCHEME[:6]}://{LOGIN}{AT}", rdns=SCHEME != "socks4")
show(proxy.connect(dest_host=HOST, dest_port=PORT))'
}

reach_pycurl() {
	in_python 'import pycurl
curl = pycurl.Curl()
curl.setopt(curl.URL, URL)
curl.setopt(curl.PROXY, PROXY)
curl.perform()'
}

reach_pysocks() {
	in_python 'import socks
kind = socks.SOCKS4 if SCHEME[:6] == "socks4" else socks.SOCKS5
sock = socks.socksocket(FAMILY)
sock.set_proxy(kind, GW, GPORT, rdns=SCHEME != "socks4", username=USER,
               password=PASSWORD)
sock.connect((HOST, PORT))
show(sock)'
}

udp_pysocks() {
	in_python 'import socks
sock = socks.socksocket(FAMILY, socket.SOCK_DGRAM)
sock.set_proxy(socks.SOCKS5, GW, GPORT, rdns=True)
for token in open(sys.argv[1]):
    sock.sendto(token.encode(), (HOST, 5353))
    print(sock.recv(1000).decode())' "$BATS_FILE_TMPDIR/tokens"
}

reach_httplib2() {
	in_python 'import httplib2
from httplib2 import socks
kind = socks.PROXY_TYPE_SOCKS4 if SCHEME[:6] == "socks4" \
    else socks.PROXY_TYPE_SOCKS5
http = httplib2.Http(proxy_info=httplib2.ProxyInfo(
    kind, GW, GPORT, proxy_rdns=SCHEME != "socks4", proxy_user=USER,
    proxy_pass=PASSWORD))
print(http.request(URL)[1].decode())'
}

reach_paho() {
	in_python 'import paho.mqtt.client as mqtt, socks
client = mqtt.Client()
client.proxy_set(proxy_type=socks.SOCKS5, proxy_addr=GW, proxy_port=GPORT,
                 proxy_rdns=True, proxy_username=USER,
                 proxy_password=PASSWORD)
def said(client, data, message):
    print(message.payload.decode())
    client.disconnect()
client.on_connect = lambda *_: client.subscribe("t")
client.on_message = said
client.connect(HOST, PORT)
client.loop_forever()'
}

reach_sockschain() {
	in_python 'import sockschain as socks
kind = socks.PROXY_TYPE_SOCKS4 if SCHEME[:6] == "socks4" \
    else socks.PROXY_TYPE_SOCKS5
sock = socks.socksocket(FAMILY)
sock.setproxy(kind, GW, GPORT, rdns=SCHEME != "socks4", username=USER,
              password=PASSWORD)
sock.connect((HOST, PORT))
show(sock)'
}

reach_txtorcon() {
	in_python 'from twisted.internet import reactor, endpoints, protocol
from txtorcon.socks import TorSocksEndpoint
class Show(protocol.Protocol):
    def connectionMade(self):
        self.transport.write(REQUEST)
    def dataReceived(self, data):
        sys.stdout.buffer.write(data)
    def connectionLost(self, reason):
        reactor.stop()
kind = endpoints.TCP6ClientEndpoint if ":" in GW \
    else endpoints.TCP4ClientEndpoint
end = TorSocksEndpoint(kind(reactor, GW, GPORT), HOST, PORT)
end.connect(protocol.Factory.forProtocol(Show)).addErrback(
    lambda why: (print(why, file=sys.stderr), reactor.stop()))
reactor.run()'
}

reach_libtorrent() {
	in_python 'import time, libtorrent as lt
kind = lt.proxy_type_t.socks5_pw if USER else lt.proxy_type_t.socks5
if SCHEME[:6] == "socks4":
    kind = lt.proxy_type_t.socks4
session = lt.session({
    "proxy_type": int(kind), "proxy_hostname": GW, "proxy_port": GPORT,
    "proxy_username": USER or "", "proxy_password": PASSWORD or "",
    "proxy_hostnames": True, "enable_dht": False, "enable_lsd": False,
    "enable_upnp": False, "enable_natpmp": False,
    "listen_interfaces": "127.0.0.1:0"})
files = lt.file_storage()
lt.add_files(files, sys.argv[1])
torrent = lt.create_torrent(files)
lt.set_piece_hashes(torrent, os.path.dirname(sys.argv[1]))
torrent.add_url_seed(URL + "page")
handle = session.add_torrent({
    "ti": lt.torrent_info(lt.bencode(torrent.generate())),
    "save_path": HOME})
while not handle.status().is_seeding:
    time.sleep(0.1)
print(open(HOME + "/page").read())' "$BATS_FILE_TMPDIR/tree/page"
}

# qt BINDING WHAT
qt() {
	in_python 'import importlib
binding = sys.argv[1]
Q = importlib.import_module(binding + ".QtCore")
N = importlib.import_module(binding + ".QtNetwork")
application = Q.QCoreApplication([])
run = getattr(application, "exec", None) or application.exec_
types = getattr(N.QNetworkProxy, "ProxyType", N.QNetworkProxy)
proxy = N.QNetworkProxy(types.Socks5Proxy, GW, GPORT, USER or "",
                        PASSWORD or "")
N.QNetworkProxy.setApplicationProxy(proxy)
Q.QTimer.singleShot(20000, application.quit)
tokens = open(sys.argv[3]).read().split()
def page():
    manager = N.QNetworkAccessManager()
    reply = manager.get(N.QNetworkRequest(Q.QUrl(URL)))
    def done():
        print(bytes(reply.readAll()).decode(), reply.errorString())
        application.quit()
    reply.finished.connect(done)
    return manager, reply
def datagrams():
    socket = N.QUdpSocket()
    kinds = getattr(N.QHostAddress, "SpecialAddress", N.QHostAddress)
    socket.bind(N.QHostAddress(kinds.AnyIPv4), 0)
    def send():
        socket.writeDatagram(tokens.pop(0).encode(), N.QHostAddress(SERVER),
                             5353)
    def said():
        print(bytes(socket.readDatagram(1000)[0]).decode())
        send() if tokens else application.quit()
    socket.readyRead.connect(said)
    send()
    return socket
kept = {"page": page, "udp": datagrams}[sys.argv[2]]()
run()' "$1" "$2" "$BATS_FILE_TMPDIR/tokens"
}

reach_qt5() { qt PyQt5 page; }
udp_qt5() { qt PyQt5 udp; }
reach_qt6() { qt PyQt6 page; }
udp_qt6() { qt PyQt6 udp; }

reach_gio() {
	in_python 'import gi
from gi.repository import Gio
scheme = "socks5" if SCHEME == "socks5h" else SCHEME
client = Gio.SocketClient()
client.set_proxy_resolver(
    Gio.SimpleProxyResolver.new(f"{scheme}://{LOGIN}{AT}", None))
connection = client.connect_to_host(f"{HOST}:{PORT}", 80, None)
connection.get_output_stream().write_all(REQUEST, None)
stream = connection.get_input_stream()
while True:
    octets = stream.read_bytes(65536, None).get_data()
    if not octets:
        break
    sys.stdout.buffer.write(octets)'
}

reach_libsoup() {
	in_python 'import gi
gi.require_version("Soup", "3.0")
from gi.repository import Gio, Soup
scheme = "socks5" if SCHEME == "socks5h" else SCHEME
session = Soup.Session()
session.set_proxy_resolver(
    Gio.SimpleProxyResolver.new(f"{scheme}://{LOGIN}{AT}", None))
message = Soup.Message.new("GET", URL)
print(session.send_and_read(message, None).get_data().decode())'
}

# in_perl TEXT: with names for what a client is told.
in_perl() {
	export GW GPORT AT SCHEME LOGIN HOST PORT URL SERVER WAY
	export WITH_USER WITH_PASSWORD
	# shellcheck disable=SC2016 # for perl
	in_client perl -e '
my ($gw, $gport, $host, $port, $user, $password, $way) =
    @ENV{qw(GW GPORT HOST PORT WITH_USER WITH_PASSWORD WAY)};
my $version = $way =~ /^(s4|4a)$/ ? 4 : 5;
sub show {
	my $s = shift;
	print $s "GET /page HTTP/1.0\r\n\r\n";
	$s->flush;
	print while <$s>;
}
'"$1" "${@:2}"
}

reach_io_socket_socks() {
	# shellcheck disable=SC2016 # for perl
	in_perl 'use IO::Socket::Socks qw(:constants $SOCKS_ERROR);
my @login = $user ? (AuthType => "userpass", Username => $user,
                     Password => $password) : ();
show(IO::Socket::Socks->new(ProxyAddr => $gw, ProxyPort => $gport,
    ConnectAddr => $host, ConnectPort => $port, SocksVersion => $version,
    SocksResolve => $way ne "s4", Timeout => 20, @login) or die $SOCKS_ERROR)'
}

udp_io_socket_socks() {
	# shellcheck disable=SC2016 # for perl
	in_perl 'use IO::Socket::Socks;
my $s = IO::Socket::Socks->new(UdpAddr => "0.0.0.0", UdpPort => 0,
    ProxyAddr => $gw, ProxyPort => $gport, SocksVersion => 5,
    SocksResolve => 1, Timeout => 20) or die $SOCKS_ERROR;
open my $tokens, "<", $ARGV[0];
while (<$tokens>) {
	$s->send($_, 0, [$host, 5353]) or die "send: $!";
	defined $s->recv(my $data, 1000) or die "recv: $!";
	print $data;
}' "$BATS_FILE_TMPDIR/tokens"
}

bind_io_socket_socks() {
	# shellcheck disable=SC2016 # for perl
	bind_with in_perl 'use IO::Socket::Socks;
$| = 1;
my $s = IO::Socket::Socks->new(BindAddr => $host, BindPort => 0,
    ProxyAddr => $gw, ProxyPort => $gport, SocksVersion => 5,
    SocksResolve => 1, Timeout => 20) or die $SOCKS_ERROR;
my @at = $s->dst;
print "port $at[1]\n";
$s->accept or die $SOCKS_ERROR;
print while <$s>;'
}

# bind_with COMMAND...: it prints the gateway's port where it waits, and then
# what the server sends, who connects there.
bind_with() {
	local port
	"$@" >"$HOME_HERE/bound" &
	PATIENCE=30 wait_for_line "$HOME_HERE/bound" '^port ' >&2 || return 1
	port=$(sed -n 's/^port //p' "$HOME_HERE/bound")
	in_ns s6 nc -N -w 10 2001:db8:2::1 "$port" \
	    <"$BATS_FILE_TMPDIR/tokens" >&2
	wait $!
	cat "$HOME_HERE/bound"
}

reach_lwp() {
	# shellcheck disable=SC2016 # for perl
	in_perl 'use LWP::UserAgent;
my $agent = LWP::UserAgent->new;
my $scheme = $version == 4 ? "socks4" : "socks";
$agent->proxy(["http"], "$scheme://$ENV{LOGIN}$ENV{AT}");
print $agent->get($ENV{URL})->decoded_content;'
}

reach_mojo() {
	# shellcheck disable=SC2016 # for perl
	in_perl 'use Mojo::UserAgent;
my $agent = Mojo::UserAgent->new;
$agent->proxy->http("socks://$ENV{LOGIN}$ENV{AT}");
print $agent->get($ENV{URL})->result->body;'
}

reach_net_socks() {
	# shellcheck disable=SC2016 # for perl
	in_perl 'use Net::SOCKS;
my @login = $user ? (user_id => $user, user_password => $password) : ();
my $socks = Net::SOCKS->new(socks_addr => $gw, socks_port => $gport,
    protocol_version => $version, @login);
my $s = $socks->connect(peer_addr => $host, peer_port => $port)
    or die "connect: " . $socks->param("status_num");
show($s)'
}

reach_lua_http() {
	export URL PROXY=$SCHEME://$LOGIN$AT
	in_client lua5.1 -e '
local request = require("http.request").new_from_uri(os.getenv("URL"))
request.proxy = os.getenv("PROXY")
local _, stream = assert(request:go(20))
io.write(assert(stream:get_body_as_string()))'
}

reach_tkabber() {
	export GW GPORT SCHEME HOST PORT WITH_USER WITH_PASSWORD
	# shellcheck disable=SC2016 # for tclsh
	in_client tclsh <(echo '
lappend auto_path /usr/share/tkabber/tclxmpp
package require pconnect::socks4
package require pconnect::socks5
set s [pconnect::socket $env(HOST) $env(PORT) \
    -proxy [string range $env(SCHEME) 0 5] -host $env(GW) -port $env(GPORT) \
    -username $env(WITH_USER) -password $env(WITH_PASSWORD)]
fconfigure $s -blocking 1 -translation binary
puts -nonewline $s "GET /page HTTP/1.0\r\n\r\n"
flush $s
puts [read $s]')
}

# in_ruby TEXT
in_ruby() {
	export GW GPORT AT SCHEME LOGIN HOST PORT URL WITH_USER WITH_PASSWORD
	# shellcheck disable=SC2016 # for ruby
	in_client ruby -e 'GW, HOST, URL, AT, SCHEME = %w[GW HOST URL AT SCHEME].map { |n| ENV[n] }
GPORT, PORT = ENV["GPORT"].to_i, ENV["PORT"].to_i
USER, PASSWORD = %w[WITH_USER WITH_PASSWORD].map { |n| ENV[n] unless ENV[n].empty? }
def show(s)
  s.write("GET /page HTTP/1.0\r\n\r\n")
  print s.read
end
'"$1"
}

reach_ruby_socksify() {
	in_ruby 'require "socksify"
TCPSocket.socks_server, TCPSocket.socks_port = GW, GPORT
TCPSocket.socks_username, TCPSocket.socks_password = USER, PASSWORD if USER
TCPSocket.socks_version = "4a" if SCHEME == "socks4a"
show(TCPSocket.open(HOST, PORT))'
}

reach_net_ssh_proxy() {
	in_ruby 'require "net/ssh/proxy/socks5"
require "net/ssh/proxy/socks4"
show((SCHEME == "socks4" ? Net::SSH::Proxy::SOCKS4 : Net::SSH::Proxy::SOCKS5).new(
  GW, GPORT, user: USER, password: PASSWORD).open(HOST, PORT, {}))'
}

reach_proxifier() {
	# shellcheck disable=SC2016 # for ruby
	in_ruby 'require "proxifier"
scheme = {"socks5h" => "socks5"}.fetch(SCHEME, SCHEME)
show(Proxifier::Proxy("#{scheme}://#{ENV["LOGIN"]}#{AT}").open(HOST, PORT))'
}

reach_em_socksify() {
	in_ruby 'require "em-http-request"
EM.run {
  proxy = {host: GW, port: GPORT, type: :socks5}
  proxy[:authorization] = [USER, PASSWORD] if USER
  http = EM::HttpRequest.new(URL, proxy: proxy).get
  http.callback { print http.response; EM.stop }
  http.errback { warn http.error; EM.stop }
}'
}

# in_node TEXT
in_node() {
	export GW GPORT AT SCHEME LOGIN HOST PORT URL SERVER WAY
	export WITH_USER WITH_PASSWORD TOKENS=$BATS_FILE_TMPDIR/tokens
	in_client env NODE_PATH="${NODE_MODULES:+$NODE_MODULES:}/usr/share/nodejs" \
	    node -e 'const {GW, HOST, URL, AT, WAY, SCHEME, LOGIN} = process.env
const GPORT = +process.env.GPORT, PORT = +process.env.PORT
const proxy = {host: GW, port: GPORT,
	type: SCHEME.startsWith("socks4") ? 4 : 5}
if (process.env.WITH_USER) {
	proxy.userId = process.env.WITH_USER
	proxy.password = process.env.WITH_PASSWORD
}
'"$1"
}

reach_node_socks() {
	in_node 'require("socks").SocksClient.createConnection({proxy,
	command: "connect", destination: {host: WAY == "s4" ? process.env.SERVER : HOST, port: PORT}}).then(
	({socket}) => {
		socket.pipe(process.stdout)
		socket.write("GET /page HTTP/1.0\r\n\r\n")
		socket.resume()
	})'
}

bind_node_socks() {
	bind_with in_node 'const {SocksClient} = require("socks")
const client = new SocksClient({proxy, command: "bind",
	destination: {host: HOST, port: 0}})
client.on("bound", ({remoteHost}) => console.log("port " + remoteHost.port))
client.on("established", ({socket}) => {
	socket.pipe(process.stdout)
	socket.resume()
})
client.connect()'
}

udp_node_socks() {
	in_node 'const {SocksClient} = require("socks")
const tokens = require("fs").readFileSync(process.env.TOKENS, "utf8").trim().split("\n")
const udp = require("dgram").createSocket("udp4")
udp.bind()
const client = new SocksClient({proxy, command: "associate",
	destination: {host: "0.0.0.0", port: 0}})
client.on("established", ({remoteHost}) => {
	const send = () => udp.send(SocksClient.createUDPFrame({
		remoteHost: {host: HOST, port: 5353},
		data: Buffer.from(tokens.shift())}), remoteHost.port, GW)
	udp.on("message", message => {
		console.log(SocksClient.parseUDPFrame(message).data.toString())
		tokens.length ? send() : process.exit()
	})
	send()
})
client.connect()'
}

# go_program NAME: of tests/outside/NAME.go, built once.
go_program() {
	local place=$BATS_FILE_TMPDIR/go
	mkdir -p "$place"
	(
		flock 9
		# Without cgo no compiler of C is asked to write to /dev/null.
		[[ -x $place/$1 ]] || HOME=$place GO111MODULE=off CGO_ENABLED=0 \
		    GOPATH=/usr/share/gocode go build -o "$place/$1" \
		    "$TESTS/outside/$1.go" >&2
	) 9>"$place/lock"
	echo "$place/$1"
}

# of_go HOW
of_go() {
	in_client "$(go_program fetch)" "$1" \
	    "${SCHEME/socks5h/socks5}://$LOGIN$AT" "$HOST:$PORT"
}

reach_go_http() { of_go http; }
reach_go_x_net() { of_go proxy; }
reach_go_h12() { of_go h12; }

reach_php_curl() {
	export URL PROXY=$SCHEME://$LOGIN$AT
	# shellcheck disable=SC2016 # for PHP
	in_client php -r '$c = curl_init(getenv("URL"));
curl_setopt($c, CURLOPT_PROXY, getenv("PROXY")); curl_exec($c);'
}

# java_classes: of Reach.java, compiled once.
java_classes() {
	local place=$BATS_FILE_TMPDIR/java
	mkdir -p "$place"
	(
		flock 9
		[[ -e $place/Reach.class ]] ||
		    javac -d "$place" "$TESTS/outside/Reach.java" >&2
	) 9>"$place/lock"
	echo "$place"
}

reach_java() {
	local -a user=()
	local version=5
	[[ -z $LOGIN ]] || user=(-Djava.net.socks.username="$WITH_USER"
	    -Djava.net.socks.password="$WITH_PASSWORD")
	[[ $WAY != s4 ]] || version=4
	in_client java -cp "$(java_classes)" -DsocksProxyHost="$GW" \
	    -DsocksProxyPort="$GPORT" -DsocksProxyVersion=$version \
	    "${user[@]}" Reach url "$URL"
}

reach_java_socket() {
	in_client java -cp "$(java_classes)" Reach socket "$URL" "$GW" "$GPORT" \
	    "$WITH_USER" "$WITH_PASSWORD"
}

reach_emacs() {
	local version=5
	[[ $WAY != s4 ]] || version=4
	in_client emacs -Q --batch --eval "(progn
	    (require 'socks) (require 'url)
	    (setq url-gateway-method 'socks
	          socks-server '(\"gw\" \"$GW\" $GPORT $version)
	          socks-username \"${WITH_USER:-a}\"
	          socks-password \"${WITH_PASSWORD:-b}\")
	    (with-current-buffer (url-retrieve-synchronously \"$URL\")
	      (princ (buffer-string))))"
}

# Wrappers, and servers that hand on to a gateway.

reach_proxychains4() {
	local kind=${SCHEME/socks5h/socks5}
	printf '%s\n' strict_chain proxy_dns quiet_mode '[ProxyList]' \
	    "${kind/socks4a/socks4} $GW $GPORT $WITH_USER $WITH_PASSWORD" \
	    >"$HOME_HERE/conf"
	in_client proxychains4 -q -f "$HOME_HERE/conf" curl -sS "$URL"
}

reach_proxychains() {
	local tree=$ROOT/build/outside/proxychains
	printf '%s\n' strict_chain '[ProxyList]' \
	    "${SCHEME/socks5h/socks5} $GW $GPORT $WITH_USER $WITH_PASSWORD" \
	    >"$HOME_HERE/proxychains.conf"
	in_client env -C "$HOME_HERE" LD_PRELOAD="$(find "$tree" \
	    -name 'libproxychains.so.*' -type f)" curl -sS "$URL"
}

reach_torsocks() {
	printf '%s\n' "TorAddress $GW" "TorPort $GPORT" >"$HOME_HERE/conf"
	[[ -z $LOGIN ]] || printf '%s\n' "SOCKS5Username $WITH_USER" \
	    "SOCKS5Password $WITH_PASSWORD" >>"$HOME_HERE/conf"
	in_client env TORSOCKS_CONF_FILE="$HOME_HERE/conf" torsocks \
	    curl -sS "$URL"
}

# dante_conf METHOD
dante_conf() {
	local version=socks_v5
	[[ $SCHEME != socks4* ]] || version=socks_v4
	printf '%s\n' 'resolveprotocol: fake' 'route {' \
	    'from: 0/0 to: 0/0' \
	    "via: $GW port = $GPORT" 'protocol: tcp udp' \
	    "proxyprotocol: $version" "method: $1" '}' >"$HOME_HERE/conf"
}

reach_socksify() {
	dante_conf "$([[ -n $LOGIN ]] && echo username || echo none)"
	in_client env SOCKS_CONF="$HOME_HERE/conf" \
	    SOCKS_USERNAME="$WITH_USER" SOCKS_PASSWORD="$WITH_PASSWORD" \
	    socksify curl -sS "$URL"
}

udp_socksify() {
	dante_conf none
	in_client env SOCKS_CONF="$HOME_HERE/conf" socksify nc -u -w 3 \
	    "$HOST" 5353 < <(while read -r token; do
		echo "$token"
		sleep 0.05
	done <"$BATS_FILE_TMPDIR/tokens"; sleep 1)
}

reach_tsocks() {
	local tree=$ROOT/build/outside/tsocks version=5
	[[ $WAY != s4 ]] || version=4
	printf '%s\n' "local = $GW/255.255.255.0" "server = $GW" \
	    "server_port = $GPORT" "server_type = $version" \
	    "default_user = $WITH_USER" "default_pass = $WITH_PASSWORD" \
	    >"$HOME_HERE/conf"
	in_client env TSOCKS_CONF_FILE="$HOME_HERE/conf" LD_PRELOAD="$(
	    find "$tree" -name 'libtsocks.so*' -type f)" curl -sS "$URL"
}

# IPv4 literals alone, which a rule of nftables turns to it.
reach_redsocks() {
	local type=socks5
	[[ $WAY != s4 ]] || type=socks4
	cat >"$HOME_HERE/conf" <<-END
		base { log_debug = off; log_info = on; log = stderr;
		       daemon = off; redirector = iptables; }
		redsocks { local_ip = 127.0.0.1; local_port = $LOCAL;
		           ip = $GW; port = $GPORT; type = $type;
		           login = "$WITH_USER"; password = "$WITH_PASSWORD"; }
	END
	# Without a route the kernel would not come to the rule.
	in_ns "$ROLE" ip route add "$S4" via "$GW"
	in_ns "$ROLE" nft -f - <<-END
		table ip redsocks {
			chain out {
				type nat hook output priority -100
				tcp dport $PORT redirect to :$LOCAL
			}
		}
	END
	beside "$(of_tree redsocks usr/sbin/redsocks) -c conf" \
	    'curl -sS "$URL"'
	in_ns "$ROLE" nft delete table ip redsocks
	in_ns "$ROLE" ip route delete "$S4" via "$GW"
}

reach_privoxy() {
	local kind=${SCHEME/socks5h/socks5t}
	printf '%s\n' "listen-address 127.0.0.1:$LOCAL" \
	    "forward-$kind / $LOGIN$AT ." >"$HOME_HERE/conf"
	beside "$(of_tree privoxy usr/sbin/privoxy) --no-daemon conf" \
	    'curl -sS -x "http://127.0.0.1:$LOCAL" "$URL"'
}

reach_tinyproxy() {
	printf '%s\n' "Port $LOCAL" 'Listen 127.0.0.1' \
	    "Upstream ${SCHEME/socks5h/socks5} $LOGIN$AT" >"$HOME_HERE/conf"
	beside "$(of_tree tinyproxy-bin usr/bin/tinyproxy) -d -c conf" \
	    'curl -sS -x "http://127.0.0.1:$LOCAL" "$URL"'
}

reach_haproxy() {
	cat >"$HOME_HERE/conf" <<-END
		defaults
			mode tcp
			timeout connect 10s
			timeout client 20s
			timeout server 20s
		listen here
			bind 127.0.0.1:$LOCAL
			server there $HOST:$PORT socks4 $AT
	END
	beside "$(of_tree haproxy usr/sbin/haproxy) -db -f conf" \
	    'curl -sS "http://127.0.0.1:$LOCAL/page"'
}

reach_v2ray() {
	local users=''
	[[ -z $LOGIN ]] ||
	    users=", \"users\": [{\"user\": \"alice\", \"pass\": \"secret\"}]"
	cat >"$HOME_HERE/conf.json" <<-END
		{"inbounds": [{"port": $LOCAL, "listen": "127.0.0.1",
		    "protocol": "http"}],
		 "outbounds": [{"protocol": "socks", "settings": {"servers": [
		    {"address": "$GW", "port": $GPORT$users}]}}]}
	END
	beside "$(of_tree v2ray usr/bin/v2ray) -config conf.json" \
	    'curl -sS -x "http://127.0.0.1:$LOCAL" "$URL"'
}

reach_openvpn() { openvpn_through tcp-client; }
udp_openvpn() { openvpn_through udp; }

# A tunnel without a device, by a key that both have.
openvpn_through() {
	local key=$BATS_FILE_TMPDIR/openvpn.key proto=$1 program
	local served=udp${SERVER_ROLE#s}
	[[ $proto == udp ]] || served=tcp${SERVER_ROLE#s}-server
	local -a auth=()
	local -a static=(--dev null --secret "$key" --cipher AES-256-CBC
	    --ping 1)
	program=$(of_tree openvpn usr/sbin/openvpn)
	# shellcheck disable=SC2086 # words
	[[ -s $key ]] || $program --genkey secret "$key"
	if [[ -n $LOGIN ]]; then
		printf '%s\n' "$WITH_USER" "$WITH_PASSWORD" >"$HOME_HERE/login"
		chmod 600 "$HOME_HERE/login"
		auth=("$HOME_HERE/login")
	fi
	# shellcheck disable=SC2086 # words
	ip netns exec "$NET-$SERVER_ROLE" unshare --pid --fork --kill-child \
	    timeout -k 1 "$OUTSIDE_LIMIT" $program "${static[@]}" \
	    --local "$SERVER" --lport $((PORT + 20000)) \
	    --proto "$served" \
	    >"$HOME_HERE/server" 2>&1 &
	# shellcheck disable=SC2086 # words
	in_client $program "${static[@]}" --nobind --socks-proxy "$GW" "$GPORT" \
	    "${auth[@]}" --remote "$HOST" $((PORT + 20000)) --proto "$proto" \
	    >"$HOME_HERE/client" 2>&1 &
	PATIENCE=30 wait_until grep -q 'Initialization Sequence Completed' \
	    "$HOME_HERE/client" && PATIENCE=5 wait_until grep -q \
	    'Peer Connection Initiated' "$HOME_HERE/server" && echo seen
	tail -n 5 "$HOME_HERE/client" >&2
	pkill -KILL -P "$(jobs -p | paste -sd ,)"
	wait
}

reach_yggdrasil() {
	cat >"$HOME_HERE/conf" <<-END
		{"Peers": ["socks://$LOGIN$AT/$HOST:$PORT"], "IfName": "none",
		 "AdminListen": "none", "Listen": [],
		 "MulticastInterfaces": []}
	END
	# shellcheck disable=SC2046 # words
	in_client $(of_tree yggdrasil usr/sbin/yggdrasil) \
	    -useconffile "$HOME_HERE/conf" >&2 &
	got_first 6d657461
	pkill -KILL -P $!
	wait $!
}

reach_tinc() {
	local OUTSIDE_LIMIT=20
	mkdir -p "$HOME_HERE/tinc/hosts"
	printf '%s\n' 'Name = here' 'ConnectTo = there' 'DeviceType = dummy' \
	    "Proxy = ${SCHEME/socks5h/socks5} $GW $GPORT $WITH_USER $WITH_PASSWORD" \
	    >"$HOME_HERE/tinc/tinc.conf"
	printf '%s\n' "Address = $HOST" "Port = $PORT" \
	    >"$HOME_HERE/tinc/hosts/there"
	openssl genrsa -traditional -out "$HOME_HERE/tinc/rsa_key.priv" 2048
	openssl rsa -in "$HOME_HERE/tinc/rsa_key.priv" -RSAPublicKey_out \
	    >"$HOME_HERE/tinc/hosts/here"
	# shellcheck disable=SC2046 # words
	in_client $(of_tree tinc usr/sbin/tincd) -D -d5 \
	    -c "$HOME_HERE/tinc" --pidfile="$HOME_HERE/pid" >&2 &
	got_first 3020
	pkill -KILL -P $!
	wait $!
}

reach_tor() {
	local -a login=()
	local option=Socks5Proxy
	: >"$HOME_HERE/torrc"
	[[ $SCHEME != socks4* ]] || option=Socks4Proxy
	[[ -z $LOGIN ]] || login=(Socks5ProxyUsername "$WITH_USER"
	    Socks5ProxyPassword "$WITH_PASSWORD")
	# shellcheck disable=SC2046 # words
	in_client $(of_tree tor usr/bin/tor) -f "$HOME_HERE/torrc" --DataDirectory \
	    "$HOME_HERE/tor" --SocksPort 0 --$option "$AT" "${login[@]}" \
	    --UseBridges 1 --Bridge "$(endpoint "$SERVER" "$PORT")" >&2 &
	got_first 1603
	pkill -KILL -P $!
	wait $!
}

reach_tor_resolve() {
	# shellcheck disable=SC2046 # words
	in_client $(of_tree tor usr/bin/tor-resolve) -5 "$HOST" "$AT" |
	    seen "^$SERVER"
}

# Browsers.

reach_chromium() {
	in_client chromium --headless --no-sandbox --disable-gpu \
	    --disable-dev-shm-usage --user-data-dir="$HOME_HERE/profile" \
	    --proxy-server="${SCHEME/socks5h/socks5}://$AT" \
	    --dump-dom "$URL"
}

# It prints no page: the picture is there, and the record has the octets.
reach_firefox() {
	local version=5
	[[ $SCHEME != socks4* ]] || version=4
	mkdir "$HOME_HERE/profile"
	printf 'user_pref("network.proxy.%s", %s);\n' type 1 \
	    socks "\"$GW\"" socks_port "$GPORT" socks_version $version \
	    socks_remote_dns true >"$HOME_HERE/profile/user.js"
	in_client firefox-esr --headless --no-remote \
	    --profile "$HOME_HERE/profile" \
	    --screenshot "$HOME_HERE/page.png" "$URL" >&2
	[[ -s $HOME_HERE/page.png ]] && PATIENCE=5 wait_until \
	    outside_carried && echo seen
}

# outside_carried: a session to this row's server got the whole page.
outside_carried() {
	outside_records | grep -qE ' down=[1-9][0-9]{5}'
}
