#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Every program of lib/programs under socks64: clients of one family, servers
# of the other, by name and by literal.

load ../lib/gateway
load ../lib/client
load ../lib/ftp
load ../lib/ssh
load ../lib/programs

prepare_file() {
	WITHOUT_GO=1 programs_prepare
}

# are_as_said PATTERN: of each program whose name matches.
are_as_said() {
	local program wanted got bad=
	while read -r program wanted; do
		[[ $program =~ ^($1)$ ]] || continue
		if [[ -n $(program_lacks "$program") ]]; then
			echo "# $(program_lacks "$program")" >&3
			continue
		fi
		got=$(marks "$program" socks64)
		[[ $got == "$wanted" ]] ||
		    bad+="$program: $got, wanted $wanted"$'\n'
	done < <(programs)
	[[ -z $bad ]] || fail "$bad" "$(tail -qn 3 "$BATS_TEST_TMPDIR"/*.err | sort -u)"
}

@test "curl and wget, told a family too" {
	are_as_said 'curl.*|wget.*'
}

@test "telnet, nc, gethostbyname, /dev/tcp" {
	are_as_said 'telnet|nc|nc-[46]|gethostbyname|bash-tcp'
}

@test "ssh, git in three ways, apt" {
	are_as_said 'ssh|git-.*|apt'
}

@test "aria2c, lynx, php, ruby" {
	are_as_said 'aria2c.*|lynx|php|ruby'
}

@test "python and perl" {
	are_as_said 'urllib|python-.*|asyncio|perl-.*'
}

@test "node and java" {
	are_as_said 'node-.*|java'
}

@test "nginx, whose upstream is there" {
	are_as_said nginx
}

@test "programs of musl, and static ones" {
	are_as_said 'musl|static|ping'
}

@test "dig, nc -u and another program of UDP" {
	are_as_said 'dig-.*|nc-u|udp'
}

@test "FTP, passive and active, by six clients" {
	are_as_said 'ftp-.*'
}

@test "Chromium and Firefox" {
	are_as_said 'chromium|firefox'
}
