#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Programs of a few calls, to be run under socks64.

    under.py source HOST PORT ADDRESS   fetches / from that source address
    under.py fork HOST PORT             forks while the connection is not there
    under.py others ADDRESS             connects sockets of other protocols
"""
import errno
import os
import select
import socket
import sys

PATIENCE = 60


def told(call, *arguments):
    """The name of its errno, or what it returns."""
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]


def address_of(host, port, family):
    return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]


def source(host, port, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(PATIENCE)
        s.bind((address, 0))
        s.connect(address_of(host, port, family))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        data = b""
        while more := s.recv(4096):
            data += more
    print(data.split(b"\r\n\r\n", 1)[1].decode())


def fork(host, port):
    to = address_of(host, port, socket.AF_INET)
    with socket.socket(socket.AF_INET) as s:
        s.setblocking(False)
        if told(s.connect, to) != "EINPROGRESS":
            sys.exit("it is connected already")
        child = os.fork()
        if child == 0:
            print(f"child: send {told(s.send, b'x')}, "
                  f"connect {told(s.connect, to)}", flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        select.select([], [s], [], PATIENCE)
        error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        s.settimeout(PATIENCE)
        s.sendall(b"hello")
        print("parent:", error, s.recv(5, socket.MSG_WAITALL).decode())


def others(address):
    for name, kind, protocol in (
            ("ICMP", socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
            ("raw UDP", socket.SOCK_RAW, socket.IPPROTO_UDP),
            ("raw TCP", socket.SOCK_RAW, socket.IPPROTO_TCP)):
        with socket.socket(socket.AF_INET, kind, protocol) as s:
            print(name, told(s.connect, (address, 80)))


{"source": source, "fork": fork, "others": others}[sys.argv[1]](*sys.argv[2:])
