# SPDX-License-Identifier: ISC
# Sessions that make a call which only an exploit wants, and the trace of their
# death.
# shellcheck shell=bash

FORBIDDEN=59 # execve(2)

# forbidding HANDLER LIBRARY: a script that runs HANDLER, the dynamic link,
# with a library that makes such a call before it waits.
forbidding() {
	printf '#!/bin/sh\nLD_PRELOAD=%s TOMORROW=%s exec %s "$@"\n' \
	    "$2" "$FORBIDDEN" "$1"
}

# kernel_log_lacks: why such a death cannot be read in the kernel's log here;
# nothing where it can.
kernel_log_lacks() {
	if ! dmesg >/dev/null 2>&1; then
		echo "the kernel's log cannot be read here"
	elif [[ ! -e /proc/self/loginuid ]]; then
		echo "this kernel has no audit"
	elif pgrep -x auditd >/dev/null; then
		echo "auditd takes the kernel's audit messages"
	fi
}

# in_kernel_log PROGRAM: does the kernel's log tell of such a death, as
# socks64-handler(8) says?
in_kernel_log() {
	dmesg | grep -qE "audit: type=1326 .* comm=\"socks64-handler\" exe=\"$1\" sig=31 .*syscall=$FORBIDDEN "
}

# killed_in_log PROGRAM COMMAND...: the same, behind one more session that dies
# so: where there are many at once the kernel leaves some out.
killed_in_log() {
	"${@:2}"
	in_kernel_log "$1"
}
