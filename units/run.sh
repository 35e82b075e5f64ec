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

mine() {
	"$handler" ${config:+-f "$config"} "$@"
}

# Root's sessions become another user, whose directory it has to be.
if [ "$(id -u)" -eq 0 ]; then
	! getent passwd socks64 >/dev/null || user=socks64
	named=$(mine -T | sed -n 's/^user //p')
	user=${named:-$user}
else
	user=$(id -u)
fi

XDG_RUNTIME_DIR=$(mktemp -d)
export XDG_RUNTIME_DIR
trap 'rm -rf "$XDG_RUNTIME_DIR"' EXIT
trap 'exit 143' HUP INT TERM
chmod 711 "$XDG_RUNTIME_DIR"
install -d -m 700 -o "$user" "$XDG_RUNTIME_DIR/socks64"

if [ -n "$listen" ]; then
	mine -l "127.0.0.1:$port"
else
	systemd-socket-activate -E XDG_RUNTIME_DIR --accept \
	    -l "127.0.0.1:$port" "$handler" ${config:+-f "$config"}
fi
