#!/bin/sh
# SPDX-License-Identifier: ISC
# make run: serves SOCKS on 127.0.0.1 until it is interrupted.  What the
# sessions share (state-dir) is in a directory of its own, which goes with it.
#
#   units/run.sh PORT [CONFIG [LISTEN]]
#
# CONFIG: a file; LISTEN: anything, for the listening mode.
set -eu

port=$1
config=${2-}
listen=${3-}
handler=./socks64-handler
user=nobody

set -- "$handler" ${config:+-f "$config"}

# Root's sessions become another user, whose directory it has to be.
if [ "$(id -u)" -eq 0 ]; then
	! getent passwd socks64 >/dev/null || user=socks64
	named=$("$@" -T | sed -n 's/^user //p')
	user=${named:-$user}
else
	user=$(id -u)
fi

XDG_RUNTIME_DIR=$(mktemp -d)
export XDG_RUNTIME_DIR
child=
stop() {
	trap '' HUP INT TERM
	[ -z "$child" ] || kill "$child" 2>/dev/null || :
	exit 143
}
trap '[ -z "$child" ] || wait "$child" || :; rm -rf "$XDG_RUNTIME_DIR"' EXIT
trap stop HUP INT TERM
chmod 711 "$XDG_RUNTIME_DIR"
install -d -m 700 -o "$user" "$XDG_RUNTIME_DIR/socks64"

if [ -n "$listen" ]; then
	set -- "$@" -l "127.0.0.1:$port"
else
	set -- systemd-socket-activate -E XDG_RUNTIME_DIR --accept \
	    -l "127.0.0.1:$port" "$@"
fi
# In the background, so that a signal for the shell alone does not wait.  The
# terminal's are the sessions', too.
env --default-signal=INT,QUIT "$@" &
child=$!
wait "$child"
