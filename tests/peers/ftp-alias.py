#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Prints what a gateway makes of a login and of a PASV.

    ftp-alias.py GATEWAY:PORT SERVER PORT

It is the client, and the server, an address of this host.
"""
import os
import socket
import sys

sys.path.insert(1, os.path.dirname(os.path.abspath(__file__)))
import socks
import streams

SECONDS = 20.0
STEPS = ((b"USER a\r\n", b"USER a\r\n", b"230 in\r\n"),
         (b"PASV\r\n", b"EPSV\r\n", b"229 (|||60000|)\r\n"))


def main():
    gateway, address, port = sys.argv[1:]
    host, _, gate = gateway.rpartition(":")
    listener = socket.create_server((address, int(port)),
                                    family=socket.AF_INET6)
    listener.settimeout(SECONDS)
    client = socket.create_connection((host, int(gate)), SECONDS)
    client.sendall(b"\5\1\0" + socks.request(address, int(port)))
    streams.receive_exactly(client, 2 + 10)
    server = listener.accept()[0]
    server.settimeout(SECONDS)
    server.sendall(b"220 ready\r\n")
    said = client.makefile("rb")
    said.readline()
    for asked, goes, answer in STEPS:
        client.sendall(asked)
        if streams.receive_exactly(server, len(goes)) != goes:
            sys.exit("not " + repr(goes))
        server.sendall(answer)
        print(said.readline().decode().strip())


if __name__ == "__main__":
    main()
