# SPDX-License-Identifier: ISC
# A client that asks for a BIND, and peers that come.
#
# shellcheck shell=bash

OUT=

# bind_start OPTION... HOST PORT: the client of type's CLIENT, until its first
# reply, whose line is in FIRST; what it prints is in $OUT.
bind_start() {
	OUT=$BATS_FILE_TMPDIR/client.out
	start client ip netns exec "$NET-$CLIENT" "$PEERS/bind.py" \
	    "${@:1:$#-2}" "$(endpoint "$GATEWAY" 1080)" "${@: -2}"
	wait_for_line "$OUT" '^client=' ||
	    fail "$(cat "$BATS_FILE_TMPDIR/client.err")"
	FIRST=$(head -n 1 "$OUT")
}

# port_of LINE: of its bnd.
port_of() {
	local bnd
	bnd=$(value bnd "$1")
	echo "${bnd##*:}"
}

# visit ROLE ADDRESS PORT: connects from there, and prints what came.
visit() {
	in_ns "$1" "$PYTHON" -I - "$2" "$3" <<-'END'
		import socket, sys
		with socket.create_connection((sys.argv[1], int(sys.argv[2])),
		                              30) as sock:
		    print("from", "%s:%s" % (sock.getsockname()[0]
		          if "." in sys.argv[1] else
		          "[" + sock.getsockname()[0] + "]",
		          sock.getsockname()[1]))
		    try:
		        sock.sendall(b"from the peer\n")
		        sock.shutdown(socket.SHUT_WR)
		        text = b""
		        while True:
		            more = sock.recv(1000)
		            if not more:
		                break
		            text += more
		    except OSError:
		        text = b"reset"
		    print(text.decode().strip())
	END
}

# The gateway's address that the servers see.
gateway_towards() { # ROLE
	[[ $1 == s4 ]] && echo 198.51.100.1 || echo 2001:db8:2::1
}
