# SPDX-License-Identifier: ISC
# Programs that people use, under a client such as socks64: what each is asked
# to fetch, and what comes of it in four cases.  Load lib/gateway, lib/client,
# lib/ftp and lib/ssh first.
#
#	under socks64 c4	sets UNDER, the words before a program
#	marks curl		four marks, in the order of CASES
#
# shellcheck shell=bash

# An IPv4-only client to an IPv6 server by name and by literal, an IPv6-only
# one to an IPv4 server by name and by literal.
CASES_OF_PROGRAMS='c4:s6:name c4:s6:literal c6:s4:name c6:s4:literal'
# For a program that waits for what never comes.
: "${PROGRAM_PATIENCE:=25}"

# program, what socks64 makes of it.  LIMITS of socks64(1) has the reasons of
# each -.
programs() {
	cat <<-'END'
		curl ++++
		curl-4 +-++
		curl-6 +++-
		wget ++++
		wget-4 +-++
		wget-6 +++-
		telnet ++++
		nc ++++
		nc-4 ++++
		nc-6 ++++
		gethostbyname ++++
		ssh ++++
		git-git ++++
		git-http ++++
		git-ssh ++++
		apt ++++
		aria2c ++++
		aria2c-c-ares -+-+
		lynx ++++
		php ++++
		ruby ++++
		bash-tcp ++++
		urllib ++++
		python-AF_INET ++++
		python-AF_INET6 ++++
		asyncio ++++
		perl-HTTP-Tiny ++++
		perl-INET +-++
		node-http ++++
		node-fetch ++++
		node-resolve +-+-
		java ++++
		nginx ++++
		musl ++++
		static ----
		go ----
		ping ----
		dig-tcp ++++
		dig-udp ++++
		nc-u ++++
		udp ++++
		ftp-curl ++++
		ftp-curl-active ++++
		ftp-wget ++++
		ftp-tnftp ++++
		ftp-tnftp-active ++++
		ftp-ftplib ++++
		ftp-ftplib-active ++++
		ftp-inetutils-epsv ++++
		ftp-inetutils-pasv -+++
		ftp-inetutils-active ++++
		ftp-lftp +-++
		ftp-lftp-active +-++
		chromium ++++
		firefox ++++
	END
}

# What a program needs that not every machine has; nothing: it is there.
program_lacks() {
	local needed=${1%%-*}
	case $1 in
	gethostbyname | udp | static) return 0 ;;
	urllib | asyncio | python-* | ftp-ftplib*) needed=python3 ;;
	bash-tcp) needed=bash ;;
	nc-u) needed=nc ;;
	musl) needed=musl-gcc ;;
	ftp-inetutils* | ftp-lftp*) return 0 ;;
	ftp-*) needed=${1#ftp-} needed=${needed%-active} ;;
	firefox) needed=firefox-esr ;;
	apt) needed=apt-get ;;
	esac
	command -v "$needed" >/dev/null || echo "$needed is not installed"
}

# programs_prepare: the servers of all of them, in s4 and s6, and a gateway.
programs_prepare() {
	local role state=$BATS_FILE_TMPDIR/state
	export FTP_BIG_MIB=1
	client_names
	ftp_packages
	ftp_files "$BATS_FILE_TMPDIR/ftp"
	install -d -o nobody -m 700 "$state"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" \
	    "$(dirname "$BATS_FILE_TMPDIR")"
	programs_repository
	net_datagrams
	for role in s4 s6; do
		ftp_accounts "$role" "$BATS_FILE_TMPDIR/ftp"
		ftp_start vsftpd "$role"
		sshd_start "$role" "$(net_server "$role")"
		programs_servers "$role" "$(net_server "$role")"
	done
	gateway_start inetd "$NET_ALLOW" "state-dir $state" 'user nobody'
	for role in c4 c6; do
		programs_resolver "$role"
	done
	make -s -C "$ROOT" build/client/calls build/client/datagrams
	programs_build
}

# A repository that git reads by its own protocol, by ssh and by HTTP.
programs_repository() {
	local home=$BATS_FILE_TMPDIR/git
	mkdir -p "$home"
	git init -q --bare "$home/repository"
	git -C "$home/repository" update-ref refs/heads/main "$(
		git -C "$home/repository" -c user.name=a -c user.email=a@b \
		    commit-tree -m one "$(git -C "$home/repository" mktree \
		        </dev/null)"
	)"
	git -C "$home/repository" update-server-info
	touch "$home/repository/git-daemon-export-ok"
	REPOSITORY=$home/repository
	REVISION=$(git -C "$home/repository" rev-parse main)
	export REPOSITORY REVISION
}

# programs_servers ROLE ADDRESS: git, files by HTTP, and names.
programs_servers() {
	start "git-$1" ip netns exec "$NET-$1" /usr/lib/git-core/git-daemon \
	    --listen="$2" --reuseaddr --base-path="$BATS_FILE_TMPDIR/git" \
	    --export-all
	start "files-$1" ip netns exec "$NET-$1" "$PYTHON" -m http.server \
	    --bind "$2" --directory "$BATS_FILE_TMPDIR/git" 8090
	start "names-$1" ip netns exec "$NET-$1" dnsmasq --keep-in-foreground \
	    --conf-file=/dev/null --no-resolv --no-hosts --user=root \
	    --pid-file= --log-facility=- --listen-address="$2" --port=5300 \
	    --bind-interfaces --local=/#/ \
	    --host-record=page.example.com,192.0.2.99
	wait_until net_listens "$1" 9418
	wait_until net_listens "$1" 8090
	wait_until net_listens "$1" 5300
}

# programs_resolver ROLE: a name server of the client, for a program that asks
# one itself and is told which.
programs_resolver() {
	start "resolver-$1" ip netns exec "$NET-$1" dnsmasq \
	    --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
	    --user=root --pid-file= --log-facility=- \
	    --listen-address=127.0.0.2 --bind-interfaces --local=/#/ \
	    --host-record=v4.example.com,"$S4" \
	    --host-record=v6.example.com,"$S6"
	wait_until net_listens "$1" 53
}

# programs_build: fetch, by other means than the compiler of this libc.
programs_build() {
	local built=$BATS_FILE_TMPDIR/built
	mkdir -p "$built/go"
	gcc -std=gnu17 -static -o "$built/static" "$TESTS/client/fetch.c" \
	    2>/dev/null
	[[ -n $(program_lacks musl) ]] || musl-gcc -std=gnu17 \
	    -o "$built/musl" "$TESTS/client/fetch.c"
	[[ -n $(program_lacks go) || -n ${WITHOUT_GO:-} ]] || (
		cd "$built/go"
		cat >fetch.go <<-'END'
			package main

			import (
				"io"
				"net/http"
				"os"
			)

			func main() {
				page, err := http.Get(os.Args[1])
				if err != nil {
					os.Exit(1)
				}
				io.Copy(os.Stdout, page.Body)
			}
		END
		# Without cgo no compiler of C is asked to write to /dev/null.
		HOME=$built GO111MODULE=off CGO_ENABLED=0 \
		    go build -o ../fetch-go fetch.go
	)
}

# under CLIENT ROLE: false where it cannot be configured so.
under() {
	local gateway=$GW4 file
	file=$(mktemp "$BATS_TEST_TMPDIR/$1.$2.XXXXXX")
	[[ $2 == c4 ]] || gateway=$GW6
	case $1 in
	socks64) UNDER=("$WRAPPER" -q -s "$(gateway_of "$2")") ;;
	proxychains4)
		printf '%s\n' strict_chain proxy_dns quiet_mode '[ProxyList]' \
		    "socks5 $gateway 1080" >"$file"
		UNDER=(proxychains4 -q -f "$file")
		;;
	torsocks)
		printf '%s\n' "TorAddress $gateway" 'TorPort 1080' >"$file"
		UNDER=(env "TORSOCKS_CONF_FILE=$file" torsocks)
		;;
	socksify)
		# It knows no IPv6 in its clients.
		[[ $2 == c4 ]] || return 1
		printf '%s\n' 'resolveprotocol: fake' 'route {' \
		    'from: 0.0.0.0/0 to: 0.0.0.0/0' \
		    "via: $gateway port = 1080" 'protocol: tcp udp' \
		    'proxyprotocol: socks_v5' 'method: none' '}' \
		    'route {' 'from: 0.0.0.0/0 to: .' \
		    "via: $gateway port = 1080" 'protocol: tcp udp' \
		    'proxyprotocol: socks_v5' 'method: none' '}' >"$file"
		UNDER=(env "SOCKS_CONF=$file" socksify)
		;;
	tsocks)
		[[ $2 == c4 ]] || return 1
		printf '%s\n' 'local = 192.0.2.0/255.255.255.0' \
		    "server = $gateway" 'server_port = 1080' \
		    'server_type = 5' >"$file"
		UNDER=(env "TSOCKS_CONF_FILE=$file" "TSOCKS_CONFFILE=$file"
		    "LD_PRELOAD=$(tsocks_library)")
		;;
	esac
}

tsocks_library() {
	find "$ROOT/build/tsocks" -name 'libtsocks.so*' -type f | head -n 1
}

# in_case COMMAND...: under the client, in the client's namespace.
in_case() {
	ip netns exec "$NET-$ROLE" timeout -k 2 "$PROGRAM_PATIENCE" \
	    "${UNDER[@]}" "$@"
}

# fetch_PROGRAM HOST URL-HOST: prints what the server sends; with dashes as _.
fetch_curl() { in_case curl -sS "${@:3}" "http://$2/"; }
fetch_curl_4() { fetch_curl "$@" -4; }
fetch_curl_6() { fetch_curl "$@" -6; }
fetch_wget() { in_case wget -q -t 1 -O - "${@:3}" "http://$2/"; }
fetch_wget_4() { fetch_wget "$@" -4; }
fetch_wget_6() { fetch_wget "$@" -6; }

# It ends with its standard input, if the server does not, and makes a line's
# end of every newline.
fetch_telnet() {
	local pipe
	pipe=$(mktemp -u "$BATS_TEST_TMPDIR/pipe.XXXXXX")
	mkfifo "$pipe"
	exec 8<>"$pipe"
	printf 'GET / HTTP/1.0\n\n' >&8
	in_case telnet "$1" 80 <&8
	exec 8>&-
}

fetch_nc() {
	in_case nc -N "${@:3}" "$1" 80 <<<$'GET / HTTP/1.0\r\n\r'
}

fetch_nc_4() { fetch_nc "$@" -4; }
fetch_nc_6() { fetch_nc "$@" -6; }
fetch_gethostbyname() { in_case "$BUILT/calls" gethostbyname "$1" 80; }

SSH_OPTIONS='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'
SSH_OPTIONS+=' -o BatchMode=yes -o LogLevel=ERROR'

fetch_ssh() {
	# shellcheck disable=SC2086 # words
	in_case ssh $SSH_OPTIONS -i "$BATS_FILE_TMPDIR/sshd/key" \
	    "root@$1" "echo hello from $SERVER" </dev/null
}

# as_page: says hello where the output is what was wanted.
as_page() { # WANTED
	local got
	got=$(cat)
	[[ $got != *"$1"* ]] || echo "hello from $SERVER"
}

fetch_git_git() {
	in_case git ls-remote "git://$2/repository" | as_page "$REVISION"
}

fetch_git_http() {
	in_case git ls-remote "http://$2:8090/repository" |
	    as_page "$REVISION"
}

fetch_git_ssh() {
	GIT_SSH_COMMAND="ssh $SSH_OPTIONS -i $BATS_FILE_TMPDIR/sshd/key" \
	    in_case git ls-remote "ssh://root@$2$REPOSITORY" |
	    as_page "$REVISION"
}

fetch_apt() {
	local file
	file=$(mktemp "$BATS_TEST_TMPDIR/apt.XXXXXX")
	in_case /usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
	    -o Acquire::Retries=0 download-file "http://$2/" "$file" >&2
	cat "$file"
}

fetch_aria2c() {
	local place
	place=$(mktemp -d "$BATS_TEST_TMPDIR/aria2.XXXXXX")
	in_case aria2c -q --no-conf --max-tries=1 \
	    --async-dns="${3:-false}" -d "$place" -o page "http://$2/"
	cat "$place/page"
}

fetch_aria2c_c_ares() { fetch_aria2c "$1" "$2" true; }
fetch_lynx() { in_case lynx -source "http://$2/" </dev/null; }

fetch_php() {
	# shellcheck disable=SC2016 # for PHP
	in_case php -r 'echo file_get_contents($argv[1]);' "http://$2/"
}

fetch_ruby() {
	in_case ruby -rnet/http -e 'print Net::HTTP.get(URI(ARGV[0]))' \
	    "http://$2/"
}

fetch_bash_tcp() {
	# shellcheck disable=SC2016 # for the inner shell
	in_case bash -c 'exec 3<>"/dev/tcp/$1/80"
		printf "GET / HTTP/1.0\r\n\r\n" >&3
		cat <&3' bash "$1"
}

fetch_urllib() {
	in_case "$PYTHON" -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://$2/"
}

# in_python HOST FAMILY
in_python() {
	in_case "$PYTHON" -c 'import socket, sys
family = getattr(socket, sys.argv[2])
at = socket.getaddrinfo(sys.argv[1], 80, family, socket.SOCK_STREAM)[0]
s = socket.socket(family)
s.connect(at[4])
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
while data := s.recv(4096):
    print(data.decode())' "$1" "$2"
}

fetch_python_AF_INET() { in_python "$1" AF_INET; }
fetch_python_AF_INET6() { in_python "$1" AF_INET6; }

fetch_asyncio() {
	in_case "$PYTHON" -c 'import asyncio, sys
async def main():
    r, w = await asyncio.open_connection(sys.argv[1], 80)
    w.write(b"GET / HTTP/1.0\r\n\r\n")
    print((await r.read()).decode())
    w.close()
asyncio.run(main())' "$1"
}

fetch_perl_HTTP_Tiny() {
	in_case perl -MHTTP::Tiny -e \
	    'print HTTP::Tiny->new->get($ARGV[0])->{content}' "http://$2/"
}

fetch_perl_INET() {
	in_case perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(
	    PeerHost => $ARGV[0], PeerPort => 80) or die $@;
	    print $s "GET / HTTP/1.0\r\n\r\n"; print while <$s>' "$1"
}

fetch_node_http() {
	in_case node -e 'require("http").get(process.argv[1],
	    r => r.pipe(process.stdout))' "http://$2/"
}

fetch_node_fetch() {
	in_case node -e 'fetch(process.argv[1]).then(r => r.text()).then(
	    t => console.log(t))' "http://$2/"
}

# By c-ares, for the family that the server has.
fetch_node_resolve() {
	local type=A
	[[ $SERVER != *:* ]] || type=AAAA
	in_case node -e 'const dns = require("dns");
dns.setServers(["127.0.0.2"]);
dns.resolve(process.argv[1], process.argv[2], (e, list) => e ?
	console.log(e.code) : require("http").get(
	    { host: list[0], port: 80 }, r => r.pipe(process.stdout)));' \
	    "$1" "$type"
}

# URL, HttpClient and SocketChannel.
fetch_java() {
	[[ -e $BATS_FILE_TMPDIR/Fetch.class ]] ||
	    javac -d "$BATS_FILE_TMPDIR" "$TESTS/client/Fetch.java"
	in_case java -cp "$BATS_FILE_TMPDIR" Fetch "$1" 80
}

# A server here, whose upstream is there.
fetch_nginx() {
	local place port
	place=$(mktemp -d "$BATS_TEST_TMPDIR/nginx.XXXXXX")
	cat >"$place/conf" <<-END
		daemon off;
		master_process off;
		pid $place/pid;
		error_log stderr;
		events { use epoll; }
		http {
			access_log off;
			client_body_temp_path $place;
			proxy_temp_path $place;
			fastcgi_temp_path $place;
			uwsgi_temp_path $place;
			scgi_temp_path $place;
			server {
				listen unix:$place/socket;
				location / { proxy_pass http://$2:80; }
			}
		}
	END
	in_case nginx -e stderr -c "$place/conf" >&2 &
	port=$!
	for _ in {1..200}; do
		[[ ! -S $place/socket ]] || break
		sleep 0.05
	done
	curl -sS --max-time 20 --unix-socket "$place/socket" http://localhost/
	[[ ! -s $place/pid ]] || kill "$(cat "$place/pid")"
	wait "$port" || :
}

fetch_musl() { in_case "$BATS_FILE_TMPDIR/built/musl" "$1" 80; }
fetch_static() { in_case "$BATS_FILE_TMPDIR/built/static" "$1" 80; }
fetch_go() { in_case "$BATS_FILE_TMPDIR/built/fetch-go" "http://$2/"; }

fetch_ping() { in_case ping -c 1 -W 2 "$1" | as_page ', 0% packet loss'; }

fetch_dig_udp() {
	in_case dig -p 5300 +tries=1 +time=8 "${@:3}" "@$1" +short \
	    page.example.com | as_page 192.0.2.99
}

fetch_dig_tcp() { fetch_dig_udp "$@" +tcp; }

fetch_nc_u() {
	in_case nc -u -w 2 "$1" 5353 <<<"hello from $SERVER"
}

fetch_udp() {
	in_case "$BUILT/datagrams" ask "$1" 5353 |
	    as_page 'sendto ping same, connect ping same'
}

# The file one of the servers of FTP is an x.
fetch_ftp_curl() {
	in_case curl -sS "${@:3}" "ftp://$2/pub/one" | as_page x
}

fetch_ftp_curl_active() { fetch_ftp_curl "$@" -P -; }

fetch_ftp_wget() {
	in_case wget -q -t 1 -O - "ftp://$2/pub/one" | as_page x
}

fetch_ftp_tnftp() {
	in_case tnftp -q 20 "${@:3}" -o - "ftp://$2/pub/one" </dev/null |
	    as_page x
}

fetch_ftp_tnftp_active() { fetch_ftp_tnftp "$@" -A; }

fetch_ftp_ftplib() {
	in_case "$PYTHON" -c 'import ftplib, sys
ftp = ftplib.FTP(sys.argv[1], timeout=20)
ftp.login()
ftp.set_pasv(sys.argv[2] == "True")
ftp.retrbinary("RETR /pub/one", lambda data: print(data.decode()))' \
	    "$1" "${3:-True}" | as_page x
}

fetch_ftp_ftplib_active() { fetch_ftp_ftplib "$@" False; }

# in_inetutils HOST COMMAND...: one file, by standard input.
in_inetutils() {
	local place ftp=$PACKAGES/inetutils-ftp/usr/bin/inetutils-ftp
	place=$(mktemp -d "$BATS_TEST_TMPDIR/inetutils.XXXXXX")
	[[ -x $ftp ]] || ftp=$PACKAGES/inetutils-ftp/usr/bin/ftp
	(
		cd "$place"
		printf '%s\n' 'user anonymous a@b' "${@:2}" \
		    'get /pub/one one' quit | in_case "$ftp" -n "$1" >&2
		cat one
	) | as_page x
}

fetch_ftp_inetutils_epsv() { in_inetutils "$1" epsv4 passive; }
fetch_ftp_inetutils_pasv() { in_inetutils "$1" passive; }
fetch_ftp_inetutils_active() { in_inetutils "$1"; }

fetch_ftp_lftp() {
	local lftp=$PACKAGES/lftp/usr/bin/lftp
	in_case "$lftp" -c "set net:max-retries 1; set net:timeout 15
set ftp:passive-mode ${3:-yes}
set ftp:prefer-epsv yes; open ftp://$2; cat /pub/one" </dev/null | as_page x
}

fetch_ftp_lftp_active() { fetch_ftp_lftp "$@" no; }

# A browser takes seconds to begin.
fetch_chromium() {
	local place PROGRAM_PATIENCE=$((3 * PROGRAM_PATIENCE))
	place=$(mktemp -d "$BATS_TEST_TMPDIR/chromium.XXXXXX")
	in_case chromium --headless --no-sandbox --disable-gpu \
	    --disable-dev-shm-usage --user-data-dir="$place" \
	    --dump-dom "http://$2/"
}

# It prints no page: the server's answer has to be on the picture, whose
# sheet is not white then.
fetch_firefox() {
	local place before PROGRAM_PATIENCE=$((3 * PROGRAM_PATIENCE))
	place=$(mktemp -d "$BATS_TEST_TMPDIR/firefox.XXXXXX")
	before=$(wc -l <"$GATEWAY_LOG")
	HOME=$place in_case firefox-esr --headless --no-remote \
	    --profile "$place" --screenshot "$place/page.png" "http://$2/" >&2
	PATIENCE=5 wait_until is_recorded $((before + 1)) "$2:80" &&
	    [[ -s $place/page.png ]] && echo "hello from $SERVER"
}

# is_recorded LINE DEST: a session to DEST that had an answer, in the log from
# that line on.
is_recorded() {
	tail -n "+$1" "$GATEWAY_LOG" | grep -F " cmd=CONNECT dest=$2 " |
	    grep -q ' down=[1-9]'
}

# try PROGRAM CLIENT CASE: + or -, or . where it cannot be configured.
try() {
	local host url page server
	IFS=: read -r ROLE server form <<<"$3"
	SERVER=$(net_server "$server")
	host=v${server#s}.example.com
	[[ $form == name ]] || host=$SERVER
	url=$host
	[[ $host != *:* ]] || url=[$host]
	under "$2" "$ROLE" || { echo .; return 0; }
	page=$("fetch_${1//-/_}" "$host" "$url" \
	    2>"$BATS_TEST_TMPDIR/$1.$2.${3//:/-}.err")
	[[ $page == *"hello from $SERVER"* ]] && echo + || echo -
}

# marks PROGRAM CLIENT
marks() {
	local one
	for one in $CASES_OF_PROGRAMS; do
		try "$1" "$2" "$one"
	done | tr -d '\n'
}
