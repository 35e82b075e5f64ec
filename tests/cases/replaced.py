#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A session whose /etc/hosts is replaced after it began.

    replaced.py HANDLER NAME

NAME stands in /etc/hosts as 127.0.0.1.  Twice a handler is started and asked
to connect to NAME; the second time /etc/hosts is renamed away and made anew,
without NAME, between the method and the request.  Prints `reply REP` for each.
"""

import os
import socket
import subprocess
import sys


def session(handler, name, between):
    server = socket.create_server(("127.0.0.1", 0))
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname(), timeout=30)
    accepted, _ = listener.accept()
    with subprocess.Popen([handler, "-o", "allow at loopback"],
                          stdin=accepted) as process:
        accepted.close()
        client.sendall(b"\5\1\0")
        assert client.recv(2, socket.MSG_WAITALL) == b"\5\0"
        between()
        client.sendall(b"\5\1\0\3" + bytes([len(name)]) + name.encode() +
                       server.getsockname()[1].to_bytes(2, "big"))
        reply = client.recv(10, socket.MSG_WAITALL)
        print(f"reply {reply[1]:02x}", flush=True)
        client.close()
        server.close()
    assert process.returncode == 0


def replace():
    with open("/etc/hosts.new", "w", encoding="ascii") as file:
        file.write("127.0.0.1 somebody.else\n")
    os.rename("/etc/hosts.new", "/etc/hosts")


def main():
    handler, name = sys.argv[1:]
    session(handler, name, lambda: None)
    session(handler, name, replace)


main()
