#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Clients that no gateway wishes for, many of them at once.

    hostile.py GATEWAY COUNT REFUSED DENIED

Makes COUNT connections to GATEWAY, 20 at a time, each of the next kind:
those that reset at once or leave without an octet, send noise or HTTP, ask
for what is refused (the endpoint REFUSED) or denied (DENIED), stop in the
middle of the greeting and reset, or say nothing until they are thrown out.
Prints "KIND COUNT" for each kind; status 1 when one was served or not thrown
out.
"""
import collections
import concurrent.futures
import socket
import sys

import socks
import streams

AT_ONCE = 20


def do_reset(session, _):
    streams.close_by_reset(session.sock)


def do_leave(session, _):
    session.sock.shutdown(socket.SHUT_WR)
    session.expect_end()


def do_noise(session, _):
    session.sock.sendall(bytes(range(255, 0, -1)))
    session.expect_end()


def do_http(session, _):
    session.sock.sendall(b"GET http://www.example.com/ HTTP/1.1\r\n\r\n")
    session.expect_end()


def do_refused(session, wanted):
    refusal(session, wanted[0], 5)


def do_denied(session, wanted):
    refusal(session, wanted[1], 2)


def do_half(session, _):
    session.sock.sendall(b"\x05\x02")
    streams.close_by_reset(session.sock)


def do_silence(session, _):
    session.expect_end()


def refusal(session, endpoint, rep):
    reply = session.connect(*socks.parse_endpoint(endpoint))
    if reply.rep != rep:
        raise socks.Mismatch(f"{endpoint}: reply {reply.rep:02x}")
    session.expect_end()


KINDS = (do_reset, do_leave, do_noise, do_http, do_refused, do_denied,
         do_half, do_silence)


def attack(gateway, number, wanted):
    kind = KINDS[number % len(KINDS)]
    session = socks.Session(gateway, 30.0)
    kind(session, wanted)
    session.close()
    return kind.__name__[3:]


def main():
    gateway, count, *wanted = sys.argv[1:]
    done = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name in pool.map(lambda n: attack(gateway, n, wanted),
                             range(int(count))):
            done[name] += 1
    for name, number in done.items():
        print(name, number)


if __name__ == "__main__":
    main()
