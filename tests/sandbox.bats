#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The sandbox: what the filters say of every call, who dies of what, what
# Landlock leaves, and that nothing runs without it.
#
# shellcheck shell=bash

load lib/common

setup_file() {
	make -s -C "$ROOT" all probes
	# Its /proc/PID and /tmp: what another user may run and read.
	cp "$ROOT"/build/tests/probe/{probe,without-seccomp} \
	    "$BATS_FILE_TMPDIR"
	chmod 755 "$BATS_FILE_TMPDIR"
}

setup() {
	[[ $EUID == 0 ]] || skip "needs root: becomes users, mounts"
	probe=$BATS_FILE_TMPDIR/probe
	without=$BATS_FILE_TMPDIR/without-seccomp
}

teardown_file() {
	stop_all
}

# die STAGE CALL...: each line of the here-document is a call that must kill.
all_die() {
	local stage=$1 line survivors=
	local -a call
	while read -r line; do
		[[ -n $line && $line != \#* ]] || continue
		read -ra call <<<"$line"
		run "$probe" "$stage" "${call[@]}"
		[[ $status == 159 ]] ||
		    survivors+="$stage: $line: status $status $output"$'\n'
	done
	[[ -z $survivors ]] || fail "$survivors"
}

# all_fail STAGE: the same, of calls that fail, and the session goes on; behind
# `=>' is the error where it is not ENOSYS.
all_fail() {
	local stage=$1 line wrong=
	local -a call
	while read -r line; do
		[[ -n $line && $line != \#* ]] || continue
		read -ra call <<<"${line%% =>*}"
		run "$probe" "$stage" "${call[@]}"
		[[ $line == *" => "* ]] || line+=" => ENOSYS"
		[[ $status == 1 && $output == "${line##* => }" ]] ||
		    wrong+="$stage: $line: status $status $output"$'\n'
	done
	[[ -z $wrong ]] || fail "$wrong"
}

field() {
	awk -v name="$1:" '$1 == name { $1 = ""; print substr($0, 2) }'
}

# What no stage has and an exploit wants: numbers as x86-64's headers have them.
calls_for_nobody() {
	cat <<-'END'
	# other programs, processes
	execve @/bin/true 0 0
	execveat -100 @/bin/true 0 0 0
	fork
	vfork
	clone 17 0 0 0 0
	clone3 - 88
	kill 0 0
	tkill 1 0
	tgkill 1 1 0
	rt_sigqueueinfo 1 0 -
	pidfd_open 1 0
	ptrace 0 0 0 0
	process_vm_readv 1 - 1 - 1 0
	process_vm_writev 1 - 1 - 1 0
	# files: writing, making, moving, handles
	openat -100 @/dev/null 1
	openat -100 @/dev/null 2
	openat -100 @/tmp/x 0101 0600
	openat -100 @/etc/hosts 01000
	creat @/tmp/x 0600
	unlink @/tmp/x
	unlinkat -100 @/tmp/x 0
	renameat2 -100 @/tmp/x -100 @/tmp/y 0
	linkat -100 @/tmp/x -100 @/tmp/y 0
	symlinkat @/tmp/x -100 @/tmp/y
	mkdirat -100 @/tmp/x 0700
	mknodat -100 @/tmp/x 0 0
	fchmodat -100 @/tmp/x 0700
	fchownat -100 @/tmp/x 0 0 0
	ftruncate 2 0
	open_by_handle_at 0 - 0
	chroot @/tmp
	mount @none @/tmp @tmpfs 0 0
	umount2 @/tmp 0
	pivot_root @/tmp @/tmp
	open_tree -100 @/tmp 0
	# memory that is code, memory that others see
	mmap 0 4096 4 0x22 0xffffffffffffffff 0
	mmap 0 4096 5 0x22 0xffffffffffffffff 0
	mmap 0 4096 7 0x22 0xffffffffffffffff 0
	mprotect 0 4096 5
	pkey_mprotect 0 4096 5 0
	shmget 0 4096 01600
	userfaultfd 0
	# sockets: families, types, protocols that nobody needs; listening
	socket 1 0x80005 0
	socket 0x100000001 0x80002 0
	socket 2 3 1
	socket 2 2 1
	socket 2 1 262
	socket 2 1 132
	socket 10 3 58
	socket 10 2 58
	socket 0x100000002 1 0
	socket 15 3 2
	socket 17 3 0x300
	socket 38 5 0
	socket 40 1 0
	socket 44 3 0
	accept 0 0 0
	accept4 0 0 0 0
	accept4 0 0 0 0x800
	# options
	setsockopt 0 1 26 - 16
	setsockopt 0 1 50 - 4
	ioctl 0 0x5412 @x
	ioctl 0 0x541c @x
	# who we are, what we may
	setuid 0
	setgid 0
	setresuid 0 0 0
	setgroups 0 0
	setfsuid 0
	personality 0x40000
	seccomp 2 0 -
	seccomp 1 8 -
	unshare 0x10000000
	setns 0 0
	# the kernel's large doors
	bpf 0 - 8
	io_uring_setup 1 -
	perf_event_open - 0 -1 -1 0
	keyctl 0 0 0 0 0
	add_key @user @x @y 1 -2
	request_key @user @x 0 0
	init_module - 0 @x
	kexec_load 0 0 0 0
	reboot 0 0 0
	sethostname @x 1
	settimeofday - 0
	quotactl 0 0 0 0
	syslog 3 - 10
	vmsplice 0 - 1 0
	# octets: files by their offset, flags that reach into the kernel
	clock_settime 0 -
	# x32's read and socket, a number that no call has, the last of all
	0x40000000 0 - 1
	0x40000029 2 1 0
	END
}

# Those that no stage has, and a library may try.
calls_refused() {
	cat <<-'END'
	# no number; sockets of no kind
	0xffffffff
	socket 1 2 0
	# other programs, processes
	setpgid 0 0
	setsid
	rt_sigaction 10 - 0 8
	# files: writing, making, moving, handles
	openat -100 @/tmp 020200000 0600 => ENOENT
	openat -100 @/etc/hosts 010000000 => ENOENT
	open @/etc/hosts 0 => ENOENT
	openat2 -100 @/etc/hosts - 24
	getdents64 0 - 512
	readlinkat -100 @/etc/hosts - 512
	name_to_handle_at -100 @/etc - - 0
	chdir @/tmp
	inotify_init1 0
	memfd_secret 0
	# memory that is code, memory that others see
	mmap 0 4096 3 0x21 0xffffffffffffffff 0
	mmap 0 4096 1 0x2 0 0
	mmap 0x10000 4096 3 0x32 0xffffffffffffffff 0
	mmap 0 4096 0x100000003 0x22 0xffffffffffffffff 0
	mprotect 0 4096 1
	mremap 0 4096 8192 0 0
	remap_file_pages 0 4096 0 0 0
	# sockets: families, types, protocols that nobody needs; listening
	socket 1 1 0 => EAFNOSUPPORT
	socket 16 3 0 => EAFNOSUPPORT
	socketpair 1 1 0 -
	recvmmsg 0 - 1 0 0
	sendmmsg 0 - 1 0
	# options
	setsockopt 0 0 64 - 4
	setsockopt 0 41 64 - 4
	setsockopt 0 6 31 - 4
	setsockopt 0 0x100000001 13 - 8
	getsockopt 0 1 17 - -
	getsockopt 0 6 11 - -
	fcntl 0 0 100
	fcntl 0 2 1
	fcntl 0 4 0
	fcntl 0 1030 100
	fcntl 0 8 1
	fcntl 0 10 9
	fcntl 0 1024 0
	ioctl 0 0x8914 -
	ioctl 0 0x5401 -
	ioctl 0 0x100008905 -
	# who we are, what we may
	prctl 4 1 0 0 0
	prctl 0x59616d61 1 0 0 0
	prctl 15 @x 0 0 0
	prctl 22 2 - 0 0
	prctl 47 2 12 0 0
	arch_prctl 0x1002 0
	prlimit64 0 7 - 0
	prlimit64 1 7 0 -
	setrlimit 7 -
	setpriority 0 0 0
	sched_setaffinity 0 8 -
	landlock_create_ruleset 0 0 1
	# octets: files by their offset, flags that reach into the kernel
	write 1 - 1
	splice 0 - 1 0 1 3
	splice 0 0 1 - 1 3
	splice 0 0 1 0 1 0
	splice 0 0 1 0 1 8
	sendto 0 - 1 0x4000000 0 0
	sendto 0 - 1 0x20000000 0 0
	sendto 0 - 1 0x8000000 0 0
	sendto 0 - 1 0x100000000 0 0
	recvfrom 0 - 1 0x2000 0 0
	recvfrom 0 - 1 0x40000000 0 0
	sendmsg 2 - 0x4004000
	sendmsg 2 - 0
	futex - 0 0 0
	futex - 3 1 1
	timer_create 0 0 -
	eventfd2 0 0
	epoll_create1 0
	poll - 0 0
	newfstatat 0 @ - 0x1000
	fstat 0 -
	statx -100 @/etc/passwd 0 0 -
	faccessat -100 @/etc/passwd 4
	uname -
	getpeername 0 - -
	dup 0
	dup3 0 9 0
	time 0
	# x32's read and socket, a number that no call has, the last of all
	599
	END
}

@test "the filters say what the golden table says, for every number and arch" {
	run --separate-stderr "$ROOT/build/tests/probe/table"
	[[ $status == 0 && -z $stderr ]] || fail "$stderr"
	diff "$TESTS/probe/table.golden" - <<<"$output"
}

# table_of DIRECTORY: what tests/probe/table.c says of its filters.
table_of() {
	gcc -I"$1" -I"$ROOT" -D_GNU_SOURCE -std=c17 -o "$1/table" \
	    "$TESTS/probe/table.c" "$ROOT"/build/sandbox/calls.o \
	    "$ROOT"/build/base/text.o -lseccomp
	run -1 "$1/table"
}

@test "a filter that lacks a row does not pass for the table" {
	local copy=$BATS_TEST_TMPDIR
	mkdir "$copy/sandbox"
	"$ROOT/build/sandbox/generate" "$(uname -m)" --without 5 \
	    >"$copy/sandbox/filters.h"
	table_of "$copy"
	assert_match "complaint" "$output" "filter and table disagree"
}

@test "a later filter that takes too little away does not pass for the table" {
	local copy=$BATS_TEST_TMPDIR
	mkdir "$copy/sandbox"
	# connect(2) is call 42: the filters below have it, too.
	sed '/filter_relay/,/^};/s/ 42U/ 500U/' "$ROOT/build/sandbox/filters.h" \
	    >"$copy/sandbox/filters.h"
	table_of "$copy"
	assert_match "complaint" "$output" \
	    "relay call 42 .*filter and table disagree"
}

@test "no filter was built for development" {
	run -0 grep -c "2147483648U" "$ROOT/build/sandbox/filters.h"
	# A long one has it twice: its jumps reach 255 instructions.
	[[ $output -ge 7 ]] || fail "kills in $output filters, not 7"
	run ! grep "196608U" "$ROOT/build/sandbox/filters.h"
	"$ROOT/build/sandbox/generate" "$(uname -m)" --trap >"$BATS_TEST_TMPDIR/trap"
	run -0 grep -c "196608U" "$BATS_TEST_TMPDIR/trap"
}

@test "the service stage has five rows more than the negotiation, and no other" {
	rows() {
		grep "^$1 " "$TESTS/probe/table.golden" | cut -d' ' -f2- | sort
	}
	assert_equal less "$(comm -13 <(rows service) <(rows negotiate))" \
	    "clone kill"
	assert_equal more "$(comm -23 <(rows service) <(rows negotiate) |
	    grep -v ' kill$' | cut -d' ' -f1)" \
	    $'clone\ngetsockopt\nnewfstatat\nprlimit64\nread'
}

@test "the service stage clones with these flags alone" {
	local flags
	# CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD; the
	# process cannot be made here, where no pointer is valid.
	run "$ROOT/build/tests/probe/probe" service clone 0x1108011 0 0 0 0
	[[ $status -ne 159 ]] || fail "clone is killed"
	for flags in 17 0x8011 0x108011 0x1008011 0x1108111 0x11108011; do
		run -159 "$ROOT/build/tests/probe/probe" service \
		    clone "$flags" 0 0 0 0
	done
	run -159 "$ROOT/build/tests/probe/probe" service clone 0x1108011 4096 0 0 0
	run -159 "$ROOT/build/tests/probe/probe" service fork
	run -159 "$ROOT/build/tests/probe/probe" service vfork
	run -159 "$ROOT/build/tests/probe/probe" service kill 1 0
}

@test "what an exploit wants kills in the service stage" {
	all_die service < <(calls_for_nobody)
	all_fail service < <(calls_refused |
	    grep -ve '^newfstatat ' -e '^getsockopt 0 1 17 ')
}

@test "what an exploit wants kills in the negotiate stage" {
	all_die negotiate < <(calls_for_nobody)
	all_fail negotiate < <(calls_refused)
}

@test "what an exploit wants kills in the bind stage" {
	all_die bind < <(calls_for_nobody)
	all_fail bind < <(calls_refused)
}

@test "what an exploit wants kills in the udp stage" {
	all_die udp < <(calls_for_nobody)
	all_fail udp < <(calls_refused)
}

@test "what an exploit wants kills in the watch stage" {
	all_die watch < <(calls_for_nobody)
	all_fail watch < <(calls_refused)
}

@test "what an exploit wants kills in the alg stage" {
	all_die alg < <(calls_for_nobody)
	all_fail alg < <(calls_refused)
}

@test "what an exploit wants kills in the relay stage" {
	all_die relay < <(calls_for_nobody)
	all_fail relay < <(calls_refused)
}

@test "what only the negotiation needs ends in the bind stage" {
	all_die bind <<-'END'
	socket 2 1 0
	socket 10 1 0
	socket 2 0x80801 0
	listen 0 1
	END
	all_fail bind <<-'END'
	openat -100 @/etc/resolv.conf 0 => ENOENT
	openat -100 @/dev/urandom 0 => ENOENT
	read 0 - 1
	writev 0 - 0
	setsockopt 0 1 2 - 4
	setsockopt 0 41 26 - 4
	END
}

@test "what streams and listeners need ends in the udp stage" {
	all_die udp <<-'END'
	listen 0 1
	accept4 0 0 0 0x80800
	capset - -
	seccomp 1 0 -
	END
	all_fail udp <<-'END'
	splice 0 0 1 0 1 3
	pipe2 - 0
	fcntl 0 1031 4096
	ioctl 0 0x8905 -
	setsockopt 0 1 2 - 4
	setsockopt 0 1 8 - 4
	setsockopt 0 1 13 - 8
	setsockopt 0 1 9 - 4
	setsockopt 0 6 4 - 4
	setsockopt 0 41 26 - 4
	END
}

@test "what only the negotiation needs ends in the alg stage" {
	all_die alg <<-'END'
	socket 2 2 0
	socket 10 2 0
	END
	all_fail alg <<-'END'
	openat -100 @/etc/resolv.conf 0 => ENOENT
	openat -100 @/dev/urandom 0 => ENOENT
	read 0 - 1
	writev 0 - 0
	setsockopt 0 41 26 - 4
	setsockopt 0 0 32 - 4
	fcntl 0 7 -
	fcntl 0 37 -
	END
}

@test "a socket of all sessions is neither shut nor connected elsewhere" {
	local stage
	for stage in service negotiate bind udp watch alg relay; do
		all_die "$stage" <<-'END'
		shutdown 128 1
		connect 128 - 16
		END
	done
}

@test "what only the negotiation needs ends in the watch stage" {
	all_die watch <<-'END'
	socket 2 1 0
	socket 2 2 0
	socket 10 1 0
	connect 0 - 16
	bind 0 - 16
	listen 0 1
	accept4 0 0 0 0x80800
	capset - -
	seccomp 1 0 -
	END
	all_fail watch <<-'END'
	openat -100 @/etc/resolv.conf 0 => ENOENT
	read 0 - 1
	getsockname 0 - -
	setsockopt 0 6 1 - 4
	setsockopt 0 1 2 - 4
	setsockopt 0 1 25 @lo 2
	setsockopt 0 1 36 - 4
	fcntl 0 5 -
	END
}

@test "what only the negotiation needs ends in the relay stage" {
	all_die relay <<-'END'
	socket 2 1 0
	socket 2 2 0
	socket 10 1 0
	socket 10 2 0
	socket 2 0x80801 0
	connect 0 - 16
	bind 0 - 16
	listen 0 1
	accept4 0 0 0 0x80800
	capset - -
	seccomp 1 0 -
	END
	all_fail relay <<-'END'
	openat -100 @/etc/resolv.conf 0 => ENOENT
	openat -100 @/dev/urandom 0 => ENOENT
	read 0 - 1
	getsockname 0 - -
	writev 0 - 0
	setsockopt 0 6 1 - 4
	setsockopt 0 1 25 @lo 2
	setsockopt 0 1 36 - 4
	setsockopt 0 1 2 - 4
	setsockopt 0 41 26 - 4
	fcntl 0 5 -
	fcntl 0 6 -
	END
}

@test "what a libc may try on its own fails or works, and kills in no stage" {
	local stage call
	for stage in negotiate bind udp watch alg relay; do
		for call in "madvise 0 4096 4:ENOSYS" "rseq - 32 0 0:ENOSYS" \
		    "set_robust_list - 24:ENOSYS" "memfd_create @x 0:EPERM" \
		    "futex - 129 1:0" "futex - 1 1:0" \
		    "prlimit64 0 7 0 -:0" "prctl 16 -:0" \
		    "uname -:ENOSYS" "fstat 0 -:ENOSYS" \
		    "mmap 0 4096 3 0x28 -1 0:ENOSYS" "mremap 0 1 2 0 0:ENOSYS" \
		    "rt_sigprocmask 2 0 - 8:0" "geteuid:0" "getgid:0" \
		    "statx -100 @/etc 0 0 -:ENOSYS" "sched_yield:0" \
		    "clock_gettime 1 -:0" "getrandom - 8 0:8"; do
			read -ra words <<<"${call%:*}"
			run "$probe" "$stage" "${words[@]}"
			assert_equal "$stage ${call%:*}" "$output" "${call##*:}"
		done
	done
}

@test "a password is hashed under the filter" {
	local salt hash
	while read -r salt; do
		hash=$("$probe" none hash "$salt")
		run "$probe" negotiate hash "$salt"
		assert_equal "$salt" "$output" "$hash"
	done <<-'END'
	$y$j9T$abcdefghijklmnop$
	$gy$j9T$abcdefghijklmnop$
	$7$CU..../....abcdefghijklmnop$
	$6$abcdefghijklmnop$
	$5$abcdefgh$
	$2b$05$abcdefghijklmnopqrstuu
	END
}

landlock_version() {
	"$probe" none landlock_create_ruleset 0 0 1 2>/dev/null || :
}

needs_landlock() {
	local version
	version=$(landlock_version)
	((${version:-0} >= $1)) ||
	    skip "this kernel has Landlock ${version:-0}, not $1"
}

FILES=(/etc/resolv.conf /etc/hosts /etc/passwd /proc/self/status
	/etc/ld.so.cache /dev/null /dev/urandom /usr/bin/env)

@test "Landlock leaves no file to be opened" {
	needs_landlock 1
	local file
	for file in "${FILES[@]}"; do
		[[ -e $file ]] || continue
		run -0 "$probe" none openat -100 "@$file" 0
		run -1 "$probe" landlock openat -100 "@$file" 0
		assert_equal "$file" "$output" EACCES
	done
	run -1 "$probe" landlock openat -100 @/etc 0
	assert_equal "a directory" "$output" EACCES
}

@test "for a library that looks for a file there is none, without Landlock too" {
	local file stage
	for file in "${FILES[@]}"; do
		for stage in negotiate udp relay; do
			run -1 "$without" -l "$probe" "$stage" \
			    openat -100 "@$file" 0
			assert_equal "$stage $file" "$output" ENOENT
			run -1 "$without" -l "$probe" "$stage" open "@$file" 0
			assert_equal "$stage $file" "$output" ENOENT
		done
	done
}

# in_etc SCRIPT: with an /etc of its own, as $1, over the machine's.
in_etc() {
	local etc=$BATS_TEST_TMPDIR/etc
	mkdir "$etc"
	cp /etc/passwd "$etc"
	unshare -m --propagation private bash -euc \
	    "mount --bind '$etc' /etc; $1"
}

@test "hosts may be a symlink, and be replaced in mid-handshake" {
	need mounts
	run -0 --separate-stderr in_etc "echo 127.0.0.1 symlink.test >/etc/real
		ln -s real /etc/hosts
		'$CASES/replaced.py' '$HANDLER' symlink.test"
	assert_equal "output" "$output" $'reply 00\nreply 00'
}

@test "sockets without a path, of processes outside, are out of reach" {
	needs_landlock 6
	local name=socks64-test-$$
	start abstract socat -u "ABSTRACT-RECVFROM:$name" -
	wait_until grep -q "@$name" /proc/net/unix
	run -0 "$probe" none abstract "$name"
	run -1 "$probe" negotiate abstract "$name"
	assert_equal "connect" "$output" EPERM
	stop abstract
}

@test "without seccomp a stage cannot be entered" {
	need sys-admin
	run -71 "$without" "$probe" negotiate getuid
	assert_equal "sentence" "$output" \
	    "the seccomp filter could not be loaded: Function not implemented"
}

@test "without no-new-privileges a stage cannot be entered" {
	need sys-admin
	run -71 "$without" -n "$probe" negotiate getuid
	assert_match "sentence" "$output" \
	    "^no-new-privileges could not be set: "
}

@test "without Landlock the filters are set all the same" {
	need sys-admin
	run -0 "$without" -l "$probe" negotiate getpid
	run -159 "$without" -l "$probe" negotiate execve @/bin/true 0 0
	run -159 "$without" -l "$probe" negotiate openat -100 @/dev/null 1
}

@test "root becomes the user in /etc/passwd, for good, with nothing kept" {
	local what
	run -0 setpriv --groups 4,24,65534 "$probe" -u nobody relay status
	for what in "Uid:65534 65534 65534 65534" \
	    "Gid:65534 65534 65534 65534" "Groups:" "NoNewPrivs:1" \
	    "Seccomp:2" "CapInh:0000000000000000" "CapPrm:0000000000000000" \
	    "CapEff:0000000000000000" "CapBnd:0000000000000000" \
	    "CapAmb:0000000000000000"; do
		assert_equal "${what%%:*}" \
		    "$(field "${what%%:*}" <<<"$output" | sed 's/ *$//')" \
		    "${what#*:}"
	done
}

@test "the user is socks64, else nobody, or a UID" {
	need mounts
	run -0 in_etc "printf '%s\n' root:x:0:0::/: nobody:x:70:71::/: \
		a:x:80:81::/ > /etc/passwd
		printf 80:x:90:91::/:/b >> /etc/passwd
		for u in - a 80 90; do
			'$probe' -u \$u none status | grep -E '^(Uid|Gid)'
		done
		echo socks64:x:60:61:: > /etc/passwd
		echo nobody:x:70:71:: >> /etc/passwd
		'$probe' -u - none status | grep -E '^(Uid|Gid)'"
	assert_equal "ids" "$(awk '{ print $1 $2 }' <<<"$output" | xargs)" \
	    "Uid:70 Gid:71 Uid:80 Gid:81 Uid:80 Gid:81 Uid:90 Gid:91 Uid:60 Gid:61"
}

@test "who is not in /etc/passwd, or is root, is nobody to become" {
	need mounts
	local user
	for user in "" nosuch +nobody 4294967295 4294967294 -1 99999999999; do
		run -71 "$probe" -u "$user" none status
		assert_equal "$user" "$output" \
		    "the user is not in /etc/passwd"
	done
	for user in root 0 00; do
		run -71 "$probe" -u "$user" none status
		assert_equal "$user" "$output" "the user is root: name another"
	done
	run -71 in_etc "rm /etc/passwd; '$probe' -u - none status"
	assert_equal "sentence" "$output" "/etc/passwd cannot be read"
}

@test "groups that cannot be dropped are an error" {
	need users
	run -71 setpriv --groups 4 unshare -Ur "$probe" -u nobody none status
	assert_equal "sentence" "$output" \
	    "supplementary groups could not be dropped"
}

@test "mark keeps CAP_NET_ADMIN while it negotiates, then it goes" {
	need net-admin
	run -0 "$probe" -u nobody -m negotiate status
	assert_equal "Prm" "$(field CapPrm <<<"$output")" 0000000000001000
	assert_equal "Eff" "$(field CapEff <<<"$output")" 0000000000001000
	assert_equal "Inh" "$(field CapInh <<<"$output")" 0000000000000000
	run -0 "$probe" -u nobody -m relay status
	assert_equal "Prm" "$(field CapPrm <<<"$output")" 0000000000000000
	assert_equal "Eff" "$(field CapEff <<<"$output")" 0000000000000000
}

@test "who is not root gives up ambient capabilities, and /proc/PID to root" {
	need net-admin sys-admin
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups \
	    --inh-caps +net_admin,+sys_time --ambient-caps \
	    +net_admin,+sys_time "$probe" -u - relay status
	assert_equal "Prm" "$(field CapPrm <<<"$output")" 0000000000000000
	assert_equal "Amb" "$(field CapAmb <<<"$output")" 0000000000000000
	assert_equal "Inh" "$(field CapInh <<<"$output")" 0000000000000000
	assert_equal "owner" "$(field Owner <<<"$output")" 0
	run -0 setpriv --reuid 65534 --regid 65534 --clear-groups \
	    --inh-caps +net_admin,+sys_time --ambient-caps \
	    +net_admin,+sys_time "$probe" -u - -m negotiate status
	assert_equal "Prm" "$(field CapPrm <<<"$output")" 0000000000001000
	assert_equal "Eff" "$(field CapEff <<<"$output")" 0000000000001000
	assert_equal "Inh" "$(field CapInh <<<"$output")" 0000000000000000
	assert_equal "Amb" "$(field CapAmb <<<"$output")" 0000000000000000
}

@test "neither link serves anybody without seccomp: 71, before a byte is read" {
	need sys-admin
	local link missing
	for link in "$HANDLER" "$HANDLER_STATIC"; do
		for missing in "" -n; do
			# shellcheck disable=SC2086 # none or one word
			run -0 --separate-stderr "$TESTS/probe/hand.py" \
			    "$without" $missing "$link"
			assert_equal "$missing" "$output" "71 3 0"
			assert_match "record" "$stderr" \
			    " error client=127.0.0.1:.*reason=\".+could not be"
		done
	done
}

@test "a kernel without Landlock is a debug line, and the session goes on" {
	need sys-admin
	local level
	for level in debug:1 info:0; do
		run -0 --separate-stderr "$TESTS/probe/hand.py" "$without" -l \
		    "$HANDLER" -o "log-level ${level%:*}"
		assert_equal "outcome" "$output" "0 0 2"
		assert_equal "$level" "$(grep -c "no Landlock" <<<"$stderr")" \
		    "${level#*:}"
	done
}

@test "one session of each kind works inside, in both links" {
	need mounts
	run -0 "$TESTS/probe/sessions.py" "$HANDLER" "$HANDLER_STATIC" \
	    "$probe"
	assert_equal "complaint" "$output" ""
}

# tomorrow NAME: the dynamic link as $BATS_TEST_TMPDIR/NAME, with libraries that
# make calls which none makes today.
tomorrow() {
	cat >"$BATS_TEST_TMPDIR/$1" <<-END
		#!/bin/sh
		LD_PRELOAD=$ROOT/build/tests/probe/tomorrow.so exec "$ROOT/socks64-handler" "\$@"
	END
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/$1"
}

@test "an update of a library ends no session of any kind" {
	need mounts
	tomorrow handler
	run -0 "$TESTS/probe/sessions.py" "$BATS_TEST_TMPDIR/handler" "$probe"
	assert_equal "complaint" "$output" ""
}

@test "-t looks names up as a session would, and names the call that kills" {
	local options=(-t -f /dev/null -o "resolver 127.0.0.1:9")
	tomorrow handler
	run -0 "$BATS_TEST_TMPDIR/handler" "${options[@]}"
	for call in 62:kill 101:ptrace 165:mount 425:io_uring_setup; do
		run -78 --separate-stderr env TOMORROW="${call%:*}" \
		    "$BATS_TEST_TMPDIR/handler" "${options[@]}"
		assert_match "sentence" "$stderr" "default: sandbox: a session that looks a name up would be killed for the system call ${call#*:}: a library of this machine makes it"
	done
	# Nothing is confined, and nothing is killed.
	printf '%s\n' 'sandbox off' >"$BATS_TEST_TMPDIR/off"
	run -0 env TOMORROW=62 "$BATS_TEST_TMPDIR/handler" -t \
	    -f "$BATS_TEST_TMPDIR/off" -o "resolver 127.0.0.1:9"
}

@test "no user to become is 78, as -t says, before a byte is read" {
	[[ $(id -u) -eq 0 ]] || skip "needs root"
	local user why
	for user in nosuch root; do
		run -0 --separate-stderr "$TESTS/probe/hand.py" "$HANDLER" \
		    -o "log-level debug" -o "user $user"
		assert_equal "outcome" "$output" "78 3 0"
		why=${stderr#*: }
		assert_match "sentence" "$why" "^-o:2: user: the user is "
		run -78 --separate-stderr "$HANDLER" -t -f /dev/null \
		    -o "log-level debug" -o "user $user"
		assert_equal "-t" "$stderr" "$why"
	done
}

@test "--print-sandbox gives each call of each stage with its reason" {
	local line
	run -0 "$HANDLER" --print-sandbox
	# What the negotiation's filter kills is killed in all stages, and said
	# once.
	assert_equal "lines" "${#lines[@]}" "$(awk '
	    NR == FNR { first[$0] = $1 == "negotiate" && / kill$/; next }
	    { sub(/^[a-z]+ /, "negotiate "); same = first[$0] }
	    / kill$/ && same && said[$0]++ { next }
	    { lines++ }
	    END { print lines + 2 }' "$TESTS"/probe/table.golden{,})"
	for line in "${lines[@]:0:${#lines[@]}-1}"; do
		assert_match "line" "$line" "^(service|negotiate|bind|udp|watch|alg|relay) [a-z0-9_]+.*: .+|^all [a-z0-9_]+.* kills: .+|^all others fail with ENOSYS: "
	done
	assert_match "last line" "${lines[-1]}" "^Landlock: (version [0-9]+|not in this kernel) \(this program uses rights of versions 1 to [0-9]+\); nothing can be opened$"
}

@test "--print-sandbox says so when it cannot be written" {
	# shellcheck disable=SC2016 # for the inner shell
	run -71 bash -c '"$1" --print-sandbox >/dev/full' bash "$HANDLER"
}
