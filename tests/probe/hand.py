#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Hands a client's connection to a handler as fd 0, and tells what came of it.

    hand.py COMMAND...

The client has sent a greeting and FIN before the handler starts.  Prints three
words: the exit status (minus the signal), the octets that the handler left
unread, the octets that the client received.
"""
import fcntl
import socket
import struct
import subprocess
import sys
import termios

GREETING = b"\5\1\0"


def unread(sock):
    room = fcntl.ioctl(sock, termios.FIONREAD, struct.pack("i", 0))
    return struct.unpack("i", room)[0]


def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        connection = listener.accept()[0]
    client.sendall(GREETING)
    client.shutdown(socket.SHUT_WR)
    client.settimeout(30)
    done = subprocess.run(sys.argv[1:], stdin=connection,
                          stdout=subprocess.DEVNULL, timeout=30, check=False)
    left = unread(connection)
    connection.close()
    received = b""
    try:
        received = client.recv(100)
    except ConnectionResetError:
        pass  # octets were left unread
    print(done.returncode, left, len(received))


main()
