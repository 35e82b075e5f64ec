# SPDX-License-Identifier: ISC
# Runs the rows of tests/outside/programs, each in up to seven ways, and says
# what came of them.  Load lib/gateway, lib/ssh and outside/reach first.
#
# The ways, in the order of their marks:
#
#	46	an IPv4-only client to an IPv6-only server, by name
#	64	an IPv6-only client to an IPv4-only server, by name
#	pw	46, to a gateway that wants a user and password
#	s4	SOCKS4: an IPv4-only client to an IPv4-only server
#	4a	SOCKS4A: as 46
#	udp	UDP ASSOCIATE: as 46
#	bind	BIND: an IPv4-only client waits for the IPv6-only server
#
# The marks: + every octet came as it was sent, c the program said that it was
# connected, - neither, . the program cannot be asked for it.
#
# shellcheck shell=bash

WAYS='46 64 pw s4 4a udp bind'
# Of one program in one way, in seconds.
: "${OUTSIDE_LIMIT:=60}"
# Programs at once.
: "${OUTSIDE_JOBS:=3}"
# Tokens: of a page, and of what is no page.
: "${OUTSIDE:=$ROOT/build/outside}"
export OUTSIDE
PAGE_TOKENS=3000 SHORT_TOKENS=20

# outside_rows: GROUP|NAME|PACKAGE|MARKS|SERVER|SET|NOTES, without blanks
# around the bars.
outside_rows() {
	sed -n '/^#/d; s/[[:blank:]]*|[[:blank:]]*/|/g; /./p' \
	    "$TESTS/outside/programs"
}

# outside_ports: NAME PORT; it is of a row's servers, and no other row has it.
# Jabber's clients want Jabber's port.
outside_ports() {
	outside_rows | awk -F '|' \
	    '{ print $2, $5 == "xmpp" ? 5222 : 8000 + NR }'
}

outside_port() { # NAME
	outside_ports | sed -n "s/^$1 //p"
}

# outside_prepare: names, servers and two gateways.
outside_prepare() {
	mkdir -p "$OUTSIDE"/{results,got}
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	outside_trees
	outside_names
	outside_servers
	net_datagrams
	gateway_start inetd "$NET_ALLOW" 'socks4 on'
	outside_password
	"$TESTS/outside/servers.py" tokens $PAGE_TOKENS | sha256sum \
	    >"$BATS_FILE_TMPDIR/page.sum"
	"$TESTS/outside/servers.py" tokens $SHORT_TOKENS \
	    >"$BATS_FILE_TMPDIR/tokens"
	sha256sum <"$BATS_FILE_TMPDIR/tokens" >"$BATS_FILE_TMPDIR/short.sum"
}

# A gateway on port 1081, which listens by itself.
outside_password() {
	local file=$BATS_FILE_TMPDIR/passwords
	printf 'alice:%s\n' "$(openssl passwd -6 secret)" >"$file"
	chmod 644 "$file"
	start password ip netns exec "$NET-gw" "$HANDLER" \
	    -l "$GW4:1081" -l "[$GW6]:1081" -o 'auth password' \
	    -o "password-file $file" -o "$NET_ALLOW"
	wait_until net_listens gw 1081 2
}

# Each row has names of its own, so that it is seen who looks up where: the
# clients have a name server that keeps a log.
outside_names() {
	local role
	outside_rows | awk -F '|' -v s4=$S4 -v s6=$S6 '{
		print s4, $2 ".v4.example.com"
		print s6, $2 ".v6.example.com"
	}' >"$BATS_FILE_TMPDIR/names"
	stop dns
	outside_dns dns $DNS
	for role in c4 c6; do
		echo '127.0.0.1 localhost' >"/etc/netns/$NET-$role/hosts"
		echo 'nameserver 127.0.0.1' \
		    >"/etc/netns/$NET-$role/resolv.conf"
		outside_dns $role 127.0.0.1
	done
}

outside_dns() { # ROLE ADDRESS
	start "names-$1" ip netns exec "$NET-$1" dnsmasq --keep-in-foreground \
	    --conf-file=/dev/null --no-resolv --no-hosts --user=root \
	    --pid-file= --log-facility=- --log-queries --listen-address="$2" \
	    --bind-interfaces --local=/#/ --cache-size=0 \
	    --addn-hosts="$BATS_FILE_TMPDIR/names"
	wait_until net_listens "$1" 53
}

# servers.py in s4 and s6, a port for each row.
outside_servers() {
	local role
	local -a modes
	mapfile -t modes < <(outside_modes)
	for role in s4 s6; do
		start "outside-$role" ip netns exec "$NET-$role" \
		    "$TESTS/outside/servers.py" "$(net_server $role)" \
		    "${modes[@]}"
	done
	for role in s4 s6; do
		wait_for_line "$BATS_FILE_TMPDIR/outside-$role.out" '^ready$'
	done
}

# outside_modes: MODE=PORT of servers.py for each row.
outside_modes() {
	paste -d '|' <(outside_rows) <(outside_ports | cut -d ' ' -f 2) |
	    awk -F '|' -v page=$PAGE_TOKENS -v short=$SHORT_TOKENS \
	        -v tree="$BATS_FILE_TMPDIR/tree" -v got="$OUTSIDE/got/" '
	$5 == "page" { argument = page }
	$5 == "tree" { argument = short ":" tree }
	$5 ~ /^(first|smtp|late)$/ { argument = got $2 }
	$5 ~ /^(irc|xmpp|pop|imap|mqtt|banner)$/ { argument = short }
	{ print $5 ":" argument "=" $NF }'
}

# outside_way WAY NAME: sets what reach_NAME may use:
#
#	ROLE, GW, GPORT, AT	the client; the gateway, AT as URLs have it
#	SCHEME, LOGIN		socks5h; empty or USER:PASSWORD@
#	HOST, PORT, URL, SERVER	where to; SERVER is the address
#	HOME_HERE, GOT		a directory; what the server keeps
outside_way() {
	WAY=$1 ROLE=c4 GW=$GW4 GPORT=1080 SCHEME=socks5h LOGIN='' family=6
	WITH_USER='' WITH_PASSWORD=''
	SERVER_ROLE=s6
	case $1 in
	64) ROLE=c6 GW=$GW6 family=4 ;;
	pw)
		GPORT=1081 LOGIN=alice:secret@
		WITH_USER=alice WITH_PASSWORD=secret
		;;
	s4) SCHEME=socks4 family=4 ;;
	4a) SCHEME=socks4a ;;
	esac
	SERVER_ROLE=s$family
	SERVER=$(net_server s$family)
	AT=$(endpoint "$GW" $GPORT)
	HOST=$2.v$family.example.com
	PORT=$(outside_port "$2")
	LOCAL=$((PORT + 10000))
	URL=http://$HOST:$PORT/
	GOT=$OUTSIDE/got/$2
	HOME_HERE=$BATS_TEST_TMPDIR/$2.$1
	rm -rf "$HOME_HERE"
	mkdir -p "$HOME_HERE"
	: >"$GOT"
}

# in_client COMMAND...: in the client's namespace, and in one of processes,
# with which all that it started ends.  Who ends it sooner kills unshare, which
# takes no SIGTERM.
in_client() {
	ip netns exec "$NET-$ROLE" unshare --pid --fork --kill-child \
	    --mount-proc env HOME="$HOME_HERE" XDG_RUNTIME_DIR="$HOME_HERE" \
	    timeout -k 2 "$OUTSIDE_LIMIT" "$@"
}

# beside SERVER CLIENT: two texts of shell; the first is to listen on $LOCAL
# before the second runs.  All our variables are there.
beside() {
	export ROLE GW GPORT AT SCHEME LOGIN HOST PORT URL SERVER GOT LOCAL
	export WITH_USER WITH_PASSWORD HOME_HERE
	# shellcheck disable=SC2016 # for the inner shell
	in_client bash -c '
		cd "$HOME"
		(eval "$1") >beside.log 2>&1 &
		until [[ $(ss -Hltn "sport = :$LOCAL") ]]; do
			kill -0 $! || break
			sleep 0.1
		done
		eval "$2"
		status=$?
		tail -n 5 beside.log >&2
		exit $status' bash "$1" "$2"
}

# seen PATTERN: says so if a line of the input matches.
seen() {
	tee -a "$HOME_HERE/said" | grep -qE -- "$1" && echo seen
}

# got_first HEX: waits until the server got octets that begin so.
got_first() {
	PATIENCE=$OUTSIDE_LIMIT wait_until grep -q "^$1" "$GOT" && echo seen
}

# outside_records: of the sessions to this row's port.
outside_records() {
	cat "$GATEWAY_LOG" "$BATS_FILE_TMPDIR/password.err" |
	    grep -oE '[a-z-]+ client=.*' | grep -E " dest=[^ ]*:$PORT "
}

# outside_try NAME WAY: a mark.
outside_try() {
	local sum short out=$BATS_TEST_TMPDIR/$1.$2.out
	outside_way "$2" "$1"
	case $2 in
	udp | bind) set -- "${2}_${1//-/_}" ;;
	*) set -- "reach_${1//-/_}" ;;
	esac
	"$1" >"$out" 2>"${out%out}err" </dev/null || :
	sum=$(grep -aoE '[0-9a-f]{64}' "$out" | sha256sum)
	short=$(<"$BATS_FILE_TMPDIR/short.sum")
	if [[ $sum == "$(<"$BATS_FILE_TMPDIR/page.sum")" || $sum == "$short" ]]
	then
		echo +
	elif grep -qxF seen "$out"; then
		echo c
	else
		echo -
	fi
}

# outside_lookups NAME: where names were resolved: there, at the gateway; here,
# by the client; both, if it asked for what it did not need.
outside_lookups() {
	local here='' there=''
	# SOCKS4 goes to v4, and its clients always look up.
	if grep -qE "query\[[A]+\] $1\.v6\.example\.com" \
	    "$BATS_FILE_TMPDIR"/names-c[46].err; then
		here=here
	fi
	if grep -q " dest=$1\.v6" "$GATEWAY_LOG" \
	    "$BATS_FILE_TMPDIR/password.err"; then
		there=there
	fi
	case $here$there in
	herethere) echo both ;;
	*) echo "${here:-${there:--}}" ;;
	esac
}

# outside_row NAME PACKAGE MARKS: tries each way that is no dot; the result is
# NAME|VERSION|LOOKUPS|MARKS|SECONDS.
outside_row() {
	local -i i=0 began=$SECONDS
	local way marks=''
	for way in $WAYS; do
		if [[ ${3:i:1} == . ]]; then
			marks+=.
		else
			marks+=$(outside_try "$1" "$way")
		fi
		i+=1
	done
	printf '%s|%s|%s|%s|%s\n' "$1" "$(outside_version "$2")" \
	    "$(outside_lookups "$1")" "$marks" $((SECONDS - began)) \
	    >"$OUTSIDE/results/$1"
}

outside_version() {
	local version
	version=$(dpkg-query -W -f '${Version}' "$1" 2>/dev/null)
	[[ -n $version ]] || version=$(apt-cache policy "$1" |
	    sed -n 's/^ *Candidate: //p')
	echo "$version"
}

# outside_group GROUP: all of its rows, some at once; fails if marks are not
# those of the table.
outside_group() {
	local name package marks bad='' pid
	local -A running=()
	while IFS='|' read -r _ name package marks _; do
		[[ $name =~ ^(${OUTSIDE_ONLY:-.*})$ ]] || continue
		rm -f "$OUTSIDE/results/$name"
		# A test has other children too, the one that watches its time.
		((${#running[@]} < OUTSIDE_JOBS)) || {
			wait -n -p pid "${!running[@]}" || :
			unset "running[$pid]"
		}
		outside_row "$name" "$package" "$marks" 3>&- 4>&- &
		running[$!]=$name
	done < <(outside_rows | grep "^$1|")
	((${#running[@]} == 0)) || wait "${!running[@]}" || :
	while IFS='|' read -r _ name _ marks _; do
		[[ $name =~ ^(${OUTSIDE_ONLY:-.*})$ ]] || continue
		outside_judge "$name" "$marks" || bad+=" $name"
	done < <(outside_rows | grep "^$1|")
	# Without a server no program can be blamed.
	net_listens s4 8001 && net_listens s6 8001 || fail 'a server is gone' \
	    "$(cat "$BATS_FILE_TMPDIR"/outside-s?.err)"
	[[ -z $bad ]] || fail "not as the table says:$bad"
}

outside_judge() { # NAME MARKS
	local got
	got=$(cut -d '|' -f 4 "$OUTSIDE/results/$1" 2>/dev/null)
	[[ $got != "$2" ]] || return 0
	echo "$1: $got, wanted $2"
	tail -n 4 "$BATS_TEST_TMPDIR/$1".*.err
	return 1
}
