#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""leaver.py reset|fin COMMAND...: runs COMMAND with `@` as the descriptor of
a connection whose other end was reset, or half-closed, in the meantime."""

import socket
import struct
import subprocess
import sys

how, command = sys.argv[1], sys.argv[2:]
with socket.create_server(("127.0.0.1", 0)) as listener:
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
with subprocess.Popen(
        [word.replace("@", str(server.fileno())) for word in command],
        pass_fds=[server.fileno()]) as process:
    if how == "reset":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
        client.close()
    else:
        client.shutdown(socket.SHUT_WR)
    sys.exit(process.wait())
