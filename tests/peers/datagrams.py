#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""A UDP server for tests.

    datagrams.py ADDRESS PORT

Sends every datagram back as it is, but for these orders:

    big N        N octets of 'x'
    elsewhere    "elsewhere" from another port of the same address
    whoami       the sender, as ADDRESS:PORT

Prints "ready", then "got N from ADDRESS:PORT" for each that it was sent, up
to a thousand.
"""
import socket
import sys

PRINTED = 1000


def main():
    host, port = sys.argv[1], int(sys.argv[2])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock, other = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((host, port))
    other.bind((host, 0))
    print("ready", flush=True)
    count = 0
    while True:
        data, sender = sock.recvfrom(65536)
        where = f"[{sender[0]}]" if ":" in sender[0] else sender[0]
        count += 1
        if count <= PRINTED:
            print(f"got {len(data)} from {where}:{sender[1]}", flush=True)
        if data.startswith(b"big "):
            try:
                sock.sendto(b"x" * int(data[4:]), sender)
            except OSError:
                pass  # more than any datagram of this family has
        elif data == b"elsewhere":
            other.sendto(data, sender)
        elif data == b"whoami":
            sock.sendto(f"{where}:{sender[1]}".encode(), sender)
        else:
            sock.sendto(data, sender)


main()
